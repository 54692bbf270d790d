"""Surrogate Scout in a real server: through both phases in every way that a search can be run, and interrupted in each."""

import itertools
import json
import os

import numpy as np
import pytest
import torch

from dev.client import ExecutionFailed
from surrogate import space_from_recipe
from surrogate.pictures.album import Album
from surrogate.scores.distances import picture_distances
from surrogate.search import Study, scouting_name, study_names
from surrogate.search.scouting import diverse

from .graph import Graph, Log, counted, output
from .test_search import history, route, saved, storage
from .test_search_faults import wait_for_quiet, wait_until

names = (f"scout {i} ü/" for i in itertools.count())
FIRST, NOISES, SEEDS, BUDGET = 7, 6, 3, 14


class Runs:
    """A scouted search of the demo model, for brightness: six noises, three seeds, eight images."""

    def __init__(self, comfy, **settings):
        self.comfy, self.name, self.settings = comfy, next(names), settings
        self.orders = f"orders_scout_{abs(hash(self.name))}"

    def scout(self, g: Graph, latent):
        chosen = {"first_seed": FIRST, "seeds": SEEDS, "share": 0.4, "budget": BUDGET, "population": 4}
        inputs = {"latent": latent, "name": self.name, **chosen, "random_seed": 5, **self.settings}
        return g("SurrogateScout", **inputs)

    def graph(self, until_finished: bool = False, images: bool = True, steps: int = 1) -> Graph:
        """Ask, stock nodes, Tell: a generation, or all of them."""
        g = Graph(self.comfy)
        model, vae, conditioning, latent = g.demo()
        ask = g("SurrogateAsk", study=self.scout(g, latent))
        noise = g("SurrogateNoise", space=ask[2], points=ask[1], latent=latent)
        made = g.decoded(g.custom(model, conditioning, noise[0], noise[1], steps=steps), vae)
        scores = g("SurrogatePictureStatistics", statistic="brightness", images=made)
        shown = {"images": made} if images else {}
        tell = g("SurrogateTell", study=ask, scores=scores, until_finished=until_finished, **shown)
        g("SaveImage", images=tell[2], filename_prefix=f"{self.orders}/best")
        self.shown = [g("PreviewAny", source=tell[i]).number for i in (4, 5)]
        return g

    def told(self, entry: dict) -> list[str]:
        """What Tell gave: how many generations, and whether it is finished."""
        return [entry["outputs"][number]["text"][0] for number in self.shown]

    def node(self, log: str = "", **settings) -> Graph:
        """The same in one Search node, in batches of two; its scorer waits or fails as ordered."""
        g = Graph(self.comfy)
        model, vae, conditioning, latent = g.demo()
        sampler = g("KSamplerSelect", sampler_name="euler")
        made = g(
            "SurrogateSearch",
            guider=g("BasicGuider", model=model, conditioning=conditioning),
            sampler=g("TestCountedSampler", sampler=sampler, log=log) if log else sampler,
            sigmas=g("BasicScheduler", model=model, scheduler="simple", steps=1, denoise=1.0),
            latent=latent,
            vae=vae,
            study=self.scout(g, latent),
            scorer=g("TestFaultyScorer", name=self.orders),
            **{"images_per_batch": 2, "n_best": 2, **settings},
        )
        self.report = g("SurrogateStudyReport", study=made[6], filename_prefix=self.orders)
        return g

    def order(self, **orders) -> None:
        file = output(self.comfy) / f"{self.orders}.json"
        part = file.with_suffix(".part")
        part.write_text(json.dumps(orders))
        os.replace(part, file)

    def stopped(self, after: int) -> None:
        """Search, and cancel while the picture `after` so many is being scored."""
        self.order(wait=True, after=after)
        waiting = output(self.comfy) / f"{self.orders}.waiting"
        waiting.unlink(missing_ok=True)
        prompt = self.comfy.client.queue(self.node().prompt)
        wait_until(waiting.exists)
        self.comfy.client.interrupt()
        with pytest.raises(Exception):  # noqa: B017, the client's word for it
            self.comfy.client.wait(prompt, 60)
        self.order()

    @property
    def scouting(self):
        return history(self.comfy, scouting_name(self.name))

    @property
    def search(self):
        return history(self.comfy, self.name)

    @property
    def studies(self) -> list[str]:
        return [name for name in study_names(storage(self.comfy)) if name.startswith(self.name)]

    def album(self, name: str) -> Album:
        identity = Study.load(storage(self.comfy), name).identity
        return Album(self.comfy.server.base / "user" / "surrogate_pictures" / identity, identity)

    def seeds(self) -> list[int]:
        return [int(seed) for seed in Study.load(storage(self.comfy), self.name).definition.space["seeds"]]

    def expected(self, diversity: float) -> list[int]:
        """The seeds that should have been chosen."""
        ranked = np.argsort(-self.scouting.scores[:, 0], kind="stable")
        album = self.album(scouting_name(self.name))
        distances = picture_distances([album.small(int(i)) for i in ranked])
        return [FIRST + int(ranked[i]) for i in diverse(distances, SEEDS, diversity)]


def same(a, b) -> bool:
    """Whether two histories are equal, to the last bit."""
    parts = ("u", "scores", "state", "run", "generation", "index")
    return all(np.array_equal(getattr(a, part), getattr(b, part)) for part in parts) and a.labels == b.labels


@pytest.fixture(scope="module")
def course(comfy):
    """A search in one node that nothing interrupts."""
    runs = Runs(comfy)
    runs.node().run()
    return runs


@pytest.fixture(scope="module")
def told(comfy):
    """A search by Ask and Tell, a generation for each run."""
    runs = Runs(comfy)
    for _ in range(4):
        runs.graph().run()
    return runs


def test_each_run_of_ask_and_tell_is_one_generation_in_the_phase_of_its_time(comfy):
    runs = Runs(comfy)
    runs.graph().run()
    told = route(comfy, runs.name)
    assert (told["phase"], told["evaluated"], told["budget"], told["finished"]) == ("scouting", 4, NOISES, False)
    assert told["name"] == runs.name and told["progress"].startswith("scouting: 4 of 6 images")
    assert runs.studies == [scouting_name(runs.name)]

    entry = runs.graph().run()  # two noises are left; then it is the search's turn
    assert runs.scouting.u.tolist() == (1.0 - np.eye(NOISES, NOISES - 1)).tolist()
    assert runs.seeds() == runs.expected(0.3)
    told = route(comfy, runs.name)
    assert (told["phase"], told["evaluated"], told["budget"], told["finished"]) == ("search", 0, 8, False)
    assert told["best"]["label"] == f"seed {runs.seeds()[0]}"
    assert len(saved(entry)) == 1
    assert runs.told(entry) == ["0", "False"]

    for generation in (1, 2):
        entry = runs.graph().run()
        assert len(runs.search) == SEEDS + 4 * generation
    assert runs.told(entry) == ["2", "True"]
    told = route(comfy, runs.name)
    assert told["finished"] and told["best"]["scores"][0] == runs.search.scores.max()
    assert runs.search.known.tolist() == [True] * 3 + [False] * 8

    again = runs.graph().run()
    assert len(runs.search) == 11 and len(runs.scouting) == NOISES
    read = [(output(comfy) / runs.orders / saved(e)[0]).read_bytes()[-5000:] for e in (entry, again)]
    assert read[0] == read[1]


def test_until_finished_goes_through_both_phases_in_one_post(comfy, told, course):
    runs = Runs(comfy)
    assert saved(runs.graph(until_finished=True).run()) == []
    wait_for_quiet(comfy)
    assert route(comfy, runs.name)["finished"]
    assert len(list((output(comfy) / runs.orders).glob("best_*"))) == 1
    assert len(runs.scouting) == NOISES and len(runs.search) == SEEDS + 8
    assert same(runs.scouting, told.scouting) and same(runs.search, told.search)
    assert np.array_equal(runs.scouting.u, course.scouting.u)


def test_a_scouted_picture_is_the_picture_of_its_integer(comfy):
    runs = Runs(comfy, population=1, optimiser="random")
    g = runs.graph(steps=4)
    kept = g.keep([next(number for number, node in g.prompt.items() if node["class_type"] == "VAEDecode"), 0])
    model, vae, conditioning, latent = g.demo()
    noise = g("RandomNoise", noise_seed=FIRST)
    image = g.keep(g.decoded(g.custom(model, conditioning, noise, latent), vae))
    g.run()
    assert torch.equal(kept.tensor, image.tensor)


@pytest.mark.parametrize("after", [1, 5, 6, 9, 12], ids=lambda n: f"after {n} pictures")
def test_interrupted_in_either_phase_it_is_as_if_nothing_had_happened(comfy, course, after):
    """Also between the phases (6), and within a generation of each."""
    runs = Runs(comfy)
    runs.stopped(after)
    assert scouting_name(runs.name) in runs.studies and (runs.name in runs.studies) == (after >= NOISES)
    runs.node().run()
    assert same(runs.scouting, course.scouting) and same(runs.search, course.search)
    assert runs.seeds() == course.seeds() == course.expected(0.3)


def test_the_search_node_renders_each_picture_once(comfy):
    runs = Runs(comfy)
    log = f"sampled_{runs.orders}"
    runs.node(log, score_seeds=True, n_best=1).run()
    sampled = counted(comfy, log)
    best = runs.search.ranked(1)[0]
    assert sum(sampled) == BUDGET + (
        best < SEEDS
    )  # a best that is a seed is rendered once more, to be given at full size
    assert (runs.search.scores[:SEEDS, 0] == runs.scouting.scores[[s - FIRST for s in runs.seeds()], 0]).all()


def test_the_search_has_the_pictures_of_its_seeds(comfy, course):
    scouted, searched = course.album(scouting_name(course.name)), course.album(course.name)
    for row, seed in enumerate(course.seeds()):
        there, here = scouted.small(seed - FIRST).astype(int), searched.small(row).astype(int)
        assert np.abs(there - here).mean() < 3  # JPEG, twice
    assert np.array_equal(scouted.whole(course.seeds()[0] - FIRST), searched.whole(0))


def test_reports_say_where_the_seeds_come_from(comfy, course):
    g = course.node()
    entry = g.run()
    told = next(node["text"][0] for node in entry["outputs"].values() if "text" in node and "images" not in node)
    seeds = ", ".join(map(str, course.seeds()))
    assert f"The seeds {seeds} were the best {SEEDS} of the {NOISES} noises {FIRST} to {FIRST + NOISES - 1}." in told
    assert told.startswith("8 of 8 images")
    (file, *_) = sorted(output(comfy).glob(f"{course.orders}_*.json"))
    assert json.loads(file.read_text("utf-8"))["space"]["scouted"]["seeds"] == SEEDS

    # While it is scouting.
    runs = Runs(comfy)
    runs.graph().run()
    g = Graph(comfy)
    g("SurrogateStudyReport", study=runs.scout(g, g.demo()[3]), filename_prefix="")
    entry = g.run()
    (told,) = [node["text"][0] for node in entry["outputs"].values()]
    assert told.startswith("scouting: 4 of 6 images")


def test_without_pictures_the_scores_decide_and_the_log_says_so(comfy):
    runs = Runs(comfy, diversity=1.0)
    log = Log(comfy)
    for _ in range(2):
        runs.graph(images=False).run()
    assert log.wait_for("There are no pictures of the scouted noises: the seeds were chosen by their scores alone.")
    ranked = np.argsort(-runs.scouting.scores[:, 0], kind="stable")[:SEEDS]
    assert runs.seeds() == [FIRST + int(i) for i in ranked]


def test_diversity_changes_who_is_chosen_and_costs_no_noise(comfy, course):
    before = course.scouting
    course.settings = {"diversity": 0.9, "if_it_differs": "start a new study"}
    course.node().run()
    assert course.studies == [scouting_name(course.name), course.name, f"{course.name} (2)"]
    definition = Study.load(storage(comfy), f"{course.name} (2)").definition
    assert [int(seed) for seed in definition.space["seeds"]] == course.expected(0.9) != course.expected(0.0)
    assert same(course.scouting, before)
    course.settings = {"diversity": 0.9}
    with pytest.raises(ExecutionFailed, match=r"scouted\.diversity: 0\.3 in the study, 0\.9 now"):
        course.node().run()
    course.settings = {}


def test_known_scores_wait_for_the_space(comfy):
    runs = Runs(comfy)
    g = Graph(comfy)
    scout = runs.scout(g, g.demo()[3])
    liked = g("SurrogateWeights", space=g.space("1, 2, 3"), weights="1 1 1")
    known = g("SurrogateKnownScores", study=scout, points=liked, scores=g("PrimitiveFloat", value=0.5))
    g("SurrogateTell", study=g("SurrogateAsk", study=known), scores=g("TestNumbers", numbers="[0, 0, 0, 0]"))
    with pytest.raises(ExecutionFailed, match="still scouting"):
        g.run()


def test_studies_that_were_deleted_begin_anew(comfy):
    runs = Runs(comfy)
    for _ in range(2):
        runs.graph().run()
    first = runs.search
    Study.load(storage(comfy), runs.name).delete()
    runs.graph().run()  # the search alone: its seeds are known
    assert len(runs.scouting) == NOISES and len(runs.search) == SEEDS + 4
    assert np.array_equal(runs.search.scores[:SEEDS], first.scores)
    Study.load(storage(comfy), scouting_name(runs.name)).delete()
    with pytest.raises(ExecutionFailed, match=r"its scouting .* has not come to its end"):
        runs.graph().run()
    Study.load(storage(comfy), runs.name).delete()
    runs.graph().run()
    assert len(runs.scouting) == 4 and runs.name not in runs.studies


def test_another_graph_is_noticed_across_the_phases(comfy):
    runs = Runs(comfy)
    log = Log(comfy)
    for _ in range(2):  # the scouting, and nothing of the search
        runs.graph().run()
    assert "has changed since" not in log.text()
    runs.graph(steps=2).run()
    assert log.wait_for("has changed since this study was last run")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budget": 3}, "leaves none to search with when 3 noises are scouted"),
        ({"share": 1.0}, "leaves none to search with when 14 noises"),
        ({"name": " "}, "needs a name"),
        ({"settings": "{"}, "settings is not JSON"),
        ({"settings": '{"sigma0": 7}'}, "sigma0 must be a number above 0 and up to 0.5, got 7"),
        ({"optimiser": "nsga-ii"}, "for several scores"),
    ],
)
def test_what_cannot_be_says_why_before_a_noise_is_spent(comfy, settings, message):
    runs = Runs(comfy, **settings)
    with pytest.raises(ExecutionFailed, match=message):
        runs.graph().run()
    assert runs.studies == []


def test_a_scorer_that_fails_too_often_says_what_to_do(comfy):
    runs = Runs(comfy)
    runs.order(nan_above=0.0)
    with pytest.raises(ExecutionFailed, match="0 of the 6 scouted noises have a score, but 3 seeds are to be chosen"):
        runs.node().run()
    told = route(comfy, runs.name)
    assert (told["phase"], told["evaluated"], told["failed"], told["finished"]) == ("scouting", 6, 6, False)


def test_several_scores_go_through_both_phases(comfy):
    runs = Runs(comfy, optimiser="nsga-ii", more_directions="minimize")
    for numbers in ("[0, 1, 2, 3]", "[4, 5]"):
        g = Graph(comfy)
        ask = g("SurrogateAsk", study=runs.scout(g, g.demo()[3]))
        first, second = g("TestNumbers", numbers=numbers), g("TestNumbers", numbers=numbers.replace("[", "[-"))
        g("SurrogateTell", study=ask, scores=first, scores_2=second)
        g.run()
    assert len(runs.seeds()) == SEEDS and runs.search.scores.shape == (SEEDS, 2)
    space = space_from_recipe(Study.load(storage(comfy), runs.name).definition.space)
    assert space.k == SEEDS
