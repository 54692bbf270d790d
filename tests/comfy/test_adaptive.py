"""Adaptive in a real server: every way that it can be run, interrupted, and what other nodes make of its wide space."""

import csv
import io
import json
import os
import shutil
import signal

import numpy as np
import pytest
import torch

from dev.client import Client, ExecutionFailed, ExecutionInterrupted, PromptRejected
from dev.server import Server
from surrogate import Seeds, SurrogateSpace, points, space_from_recipe
from surrogate.files.seed_file import load_seeds
from surrogate.metadata import seeds_of
from surrogate.search import Study

from .conftest import Comfy
from .graph import TESTKIT, Graph, needs_sound, output
from .test_search import history, names, storage, wait_finished
from .test_search_faults import Search
from .test_search_pictures import album
from .test_seeds_from_pictures import seeds_in
from .test_sounds import Sounds

SEEDS, BUDGET = "12, 99, 1024", 24
ADAPTIVE = {
    "optimiser": "adaptive", "settings": '{"scout": 8}', "budget": BUDGET, "population": 4, "random_seed": 5,
}  # fmt: skip
SHAPE = (4, 8, 8)


class Small:
    """A model that takes no time, and a study of its latents."""

    def __init__(self, comfy, **settings):
        self.comfy, self.name, self.settings = comfy, next(names), {**ADAPTIVE, **settings}

    def graph(self) -> Graph:
        g = self.g = Graph(self.comfy)
        self.model, self.conditioning = g("TestAnyModel").outputs(2)
        self.vae, self.latent = g("TestAnyVAE"), g.latent(1, *SHAPE)
        self.space = g.space(SEEDS)
        self.study = g("SurrogateStudy", space=self.space, latent=self.latent, name=self.name, **self.settings)
        return g

    def loop(self, images: bool = True, known=None, **settings) -> Graph:
        """Ask, stock nodes, a score, Tell; `known` puts nodes before them."""
        g = self.graph()
        ask = g("SurrogateAsk", study=known(self) if known else self.study)
        noise = g("SurrogateNoise", space=ask[2], points=ask[1], latent=self.latent)
        pictures = g.decoded(g.custom(self.model, self.conditioning, noise[0], noise[1], steps=1), self.vae)
        scores = g("SurrogatePictureStatistics", statistic="brightness", images=pictures)
        shown = {"images": pictures} if images else {}
        g("SurrogateTell", study=ask, scores=scores, **shown, **settings)
        return g

    def search(self) -> Graph:
        """The same in one node, the seeds first."""
        g = self.graph()
        g(
            "SurrogateSearch",
            guider=g("BasicGuider", model=self.model, conditioning=self.conditioning),
            sampler=g("KSamplerSelect", sampler_name="euler"),
            sigmas=g("BasicScheduler", model=self.model, scheduler="simple", steps=1, denoise=1.0),
            latent=self.latent,
            vae=self.vae,
            study=self.study,
            scorer=g("SurrogatePictureStatistics", statistic="brightness")[1],
        )
        return g

    def opened(self) -> SurrogateSpace:
        return space_from_recipe(Study.load(storage(self.comfy), self.name).definition.space)

    def history(self):
        return history(self.comfy, self.name)


@pytest.fixture(scope="module")
def course(comfy):
    """An adaptive search that nothing disturbs: Ask and Tell, with pictures."""
    search = Search(comfy, **ADAPTIVE)
    for _ in range(6):
        search.graph().run()
    rows = search.history()
    assert search.recorded() == BUDGET and all(seen is not None for seen in rows.glimpses)
    return rows


@pytest.fixture(scope="module")
def finished(comfy):
    """A study that Search has finished: what its graphs ask for is there already."""
    small = Small(comfy)
    small.search().run()
    return small


def wide(finished):
    """A new graph over the finished study, its wide space and the best three points."""
    g = finished.graph()
    ask = g("SurrogateAsk", study=finished.study)
    report = g("SurrogateStudyReport", study=finished.study, filename_prefix="", n_best=3)
    return g, ask[2], report[6]


def best(finished, n: int = 3) -> np.ndarray:
    rows = finished.history()
    return rows.u[rows.ranked(n)]


def texts(entry: dict, *nodes) -> list[str]:
    return [entry["outputs"][node.number]["text"][0] for node in nodes]


# The search itself.


def test_search_gives_the_space_of_its_points(comfy):
    """Rendered again by stock nodes, n_best_points of that space are n_best_images; the demo model, two steps."""
    name = next(names)
    g = Graph(comfy)
    model, vae, conditioning, latent = g.demo()
    target = g("SurrogateDemoPicture")
    sampling = {
        "guider": g("BasicGuider", model=model, conditioning=conditioning),
        "sampler": g("KSamplerSelect", sampler_name="euler"),
        "sigmas": g("BasicScheduler", model=model, scheduler="simple", steps=2, denoise=1.0),
    }
    study = g("SurrogateStudy", space=g.space(SEEDS), latent=latent, name=name, **ADAPTIVE)
    scorer = g("SurrogateMatchImage", target=target)[1]
    node = g("SurrogateSearch", **sampling, latent=latent, vae=vae, study=study, scorer=scorer, n_best=4)
    noise = g("SurrogateNoise", space=node[7], points=node[3], latent=latent)
    again = g.keep(g.decoded(g.custom(model, conditioning, noise[0], noise[1], steps=2), vae))
    images, scores = g.keep(node[2]), g.keep(node[4])
    g.run()
    assert images.tensor.shape == again.tensor.shape == (4, 64, 64, 3)
    # The search rendered them in other batches: float rounding, then 8 bit.
    assert float((images.tensor - again.tensor).abs().max()) <= 3.01 / 255
    rows = history(comfy, name)
    assert (rows.known.sum(), (~rows.known).sum()) == (3, BUDGET)
    assert np.isfinite(rows.scores).all() and all(seen is not None for seen in rows.glimpses)
    assert float(max(t.max() for t in scores.tensors.values())) == rows.scores.max()
    assert {entry.get("adviser") for entry in rows.attributes} == {None, "pictures", "scores"}


def test_a_seed_of_the_wide_space_is_the_integer(comfy, finished):
    g, space, _ = wide(finished)
    fresh = finished.opened().seeds.labels[40]
    made = []
    for place, integer in ((1, "99"), (40, fresh)):
        points = g("SurrogateWeights", space=space, weights=" ".join("1" if i == place else "0" for i in range(1024)))
        noise = g("SurrogateNoise", space=space, points=points, latent=finished.latent)
        own = g("RandomNoise", noise_seed=int(integer))
        made += [
            g.keep(g.decoded(g.custom(finished.model, finished.conditioning, n, finished.latent), finished.vae))
            for n in (noise, own)
        ]
    g.run()
    a, b, c, d = (kept.tensor for kept in made)
    assert torch.equal(a, b) and torch.equal(c, d) and not torch.equal(a, c)


def test_ask_and_tell_with_pictures_and_without(comfy, finished):
    """Without pictures scores alone decide."""
    seen, blind = Small(comfy, budget=16), Small(comfy, budget=16)
    for small, images in ((seen, True), (blind, False)):
        for _ in range(4):
            small.loop(images).run()
    a, b = seen.history(), blind.history()
    assert np.array_equal(a.u[:8], b.u[:8]) and not np.array_equal(a.u[8:], b.u[8:])
    assert all(glimpse is not None for glimpse in a.glimpses) and all(glimpse is None for glimpse in b.glimpses)
    assert {entry["adviser"] for entry in b.attributes[8:]} == {"scores"}
    # Search scores the seeds first, and scouts on behind them.
    assert np.array_equal(finished.history().u[:8], a.u[:8])


def test_until_finished_is_a_whole_search_from_one_prompt(comfy):
    small = Small(comfy)
    small.loop(until_finished=True).run()
    wait_finished(comfy, small.name)
    assert np.isfinite(small.history().scores).all() and len(small.history()) == BUDGET


def test_cancelled_in_the_middle_it_goes_on_as_if_nothing_had_been(comfy, course):
    search = Search(comfy, **ADAPTIVE)
    for _ in range(3):
        search.graph().run()
    search.order(wait=True)
    prompt = search.started(search.graph())
    comfy.client.interrupt()
    with pytest.raises(ExecutionInterrupted):
        comfy.client.wait(prompt)
    assert search.is_like(course, 12, asked=16)
    search.order()
    for _ in range(3):
        search.graph().run()
    assert search.is_like(course, BUDGET)


def test_the_server_is_killed_and_another_one_goes_on(comfy, course, tmp_path):
    with Server("killed adaptive", packs=[TESTKIT], arguments=["--cpu"]) as server:
        search = Search(Comfy(server, Client(server.url)), file=tmp_path / "studies.db", **ADAPTIVE)
        for _ in range(3):
            search.graph().run()
        search.order(wait=True)
        search.started(search.graph())
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
    search.comfy = comfy
    for _ in range(3):
        search.graph().run()
    assert search.is_like(course, BUDGET)


def test_search_cancelled_within_a_generation_goes_on(comfy):
    whole, search = Search(comfy, **ADAPTIVE), Search(comfy, **ADAPTIVE)
    whole.node().run()
    search.order(wait=True, after=14)
    prompt = search.started(search.node())
    comfy.client.interrupt()
    with pytest.raises(ExecutionInterrupted):
        comfy.client.wait(prompt)
    assert search.recorded() == 14
    search.order()
    search.node().run()
    assert search.is_like(whole.history(), BUDGET)


def test_known_scores_are_told_in_the_space_that_one_has(comfy):
    def known(small: Small):
        g = small.g
        liked = g("SurrogateWeights", space=small.space, weights="8 2 2\n0 1 0")
        noise = g("SurrogateNoise", space=small.space, points=liked, latent=small.latent)
        images = g.decoded(g.custom(small.model, small.conditioning, noise[0], noise[1], steps=1), small.vae)
        scores = g("SurrogatePictureStatistics", statistic="brightness", images=images)
        return g("SurrogateKnownScores", study=small.study, points=liked, scores=scores, images=images)

    small = Small(comfy, budget=8)
    for _ in range(2):
        small.loop(known=known).run()
    rows = small.history()
    assert rows.known.tolist() == [True] * 2 + [False] * 8
    given, space = SurrogateSpace(Seeds.from_text(SEEDS)), small.opened()
    liked = points.from_weights(given, [[8, 2, 2], [0, 1, 0]])
    torch.testing.assert_close(space.latents(rows.u[:2], SHAPE), given.latents(liked.u, SHAPE), rtol=0, atol=1e-6)
    assert rows.glimpses[0] is not None
    # A seed that is known is not scouted again, and what is scouted is no seed twice.
    w = space.weights(rows.u)
    assert len(np.unique(w.round(9), axis=0)) == 10


def test_two_scores_are_refused(comfy):
    with pytest.raises(ExecutionFailed, match="takes one score"):
        Small(comfy, more_directions="minimize").loop().run()


def test_settings_that_cannot_be_say_why(comfy):
    for settings, message in (
        ('{"noises": 4096}', "noises must be a whole number from 2 to 1024"),
        ('{"scout": 1}', "scout must be"),
    ):
        with pytest.raises(ExecutionFailed, match=message):
            Small(comfy, settings=settings).loop().run()


def test_scout_does_not_offer_it(comfy):
    offered = comfy.client.object_info("SurrogateScout")["SurrogateScout"]["input"]["required"]["optimiser"]
    assert "cma-es" in str(offered) and "adaptive" not in str(offered)
    g = Graph(comfy)
    g("SurrogateAsk", study=g("SurrogateScout", latent=g.latent(1, *SHAPE), name=next(names), optimiser="adaptive"))
    g("SurrogateStudyReport", study=["2", 0])
    with pytest.raises((PromptRejected, ExecutionFailed), match="adaptive"):
        g.run()


# Other routes: KSampler, clips, sounds.


def test_ksampler_goes_the_same_way(comfy):
    """Its noise comes through the model; the same candidates, the same scores."""
    custom, ksampler = Small(comfy, budget=12), Small(comfy, budget=12)
    for _ in range(3):
        custom.loop(images=False).run()
        g = ksampler.graph()
        ask = g("SurrogateAsk", study=ksampler.study)
        patched = g("SurrogateKSamplerNoise", model=ksampler.model, space=ask[2], points=ask[1], latent=ksampler.latent)
        made = g.decoded(g.ksampler(patched, ksampler.conditioning, patched[1], 0, steps=1), ksampler.vae)
        g("SurrogateTell", study=ask, scores=g("SurrogatePictureStatistics", statistic="brightness", images=made))
        g.run()
    a, b = custom.history(), ksampler.history()
    np.testing.assert_allclose(a.u, b.u, atol=1e-4)
    np.testing.assert_allclose(a.scores, b.scores, atol=1e-4)


def test_a_search_of_clips_learns_from_four_frames(comfy):
    """Search, then Ask and Tell: a clip's frames come one after the other."""
    name = next(names)

    def graph(budget: int):
        g = Graph(comfy)
        model, conditioning = g("TestAnyModel", channels=16, video=True).outputs(2)
        vae, latent = g("TestAnyVAE", kind="video"), g("EmptyHunyuanLatentVideo", width=64, height=64, length=9)
        study = g("SurrogateStudy", space=g.space(SEEDS), latent=latent, name=name, **{**ADAPTIVE, "budget": budget})
        return g, model, conditioning, vae, latent, study

    g, model, conditioning, vae, latent, study = graph(12)
    g("SurrogateSearch", **g.sampling(model, conditioning),
      latent=latent, vae=vae, study=study, scorer=g("SurrogatePictureStatistics")[1], score_seeds=False)  # fmt: skip
    g.run()
    g, model, conditioning, vae, latent, study = graph(16)
    ask = g("SurrogateAsk", study=study)
    noise = g("SurrogateNoise", space=ask[2], points=ask[1], latent=latent)
    clips = g.decoded(g.custom(model, conditioning, noise[0], noise[1], steps=1), vae)
    g("SurrogateTell", study=ask, scores=g("TestNumbers", numbers="[0.1, 0.2, 0.3, 0.4]"), images=clips)
    g.run()
    rows = history(comfy, name)
    assert len(rows) == 16 and np.isfinite(rows.scores).all()
    assert {seen.shape for seen in rows.glimpses} == {(4, 16, 16, 3)}


def test_a_search_of_sounds_needs_no_pictures(comfy):
    needs_sound(comfy)
    name = next(names)
    for _ in range(3):
        s = Sounds(comfy, SEEDS)
        g = s.g
        study = g("SurrogateStudy", space=s.space, latent=s.latent, name=name, **{**ADAPTIVE, "budget": 12})
        ask, points, s.space = g("SurrogateAsk", study=study).outputs(3)
        g("SurrogateTell", study=ask, scores=g("TestPitch", audio=s.heard(s.sampled(points))))
        g.run()
    rows = history(comfy, name)
    assert len(rows) == 12 and np.isfinite(rows.scores).all()
    assert {entry["adviser"] for entry in rows.attributes[8:]} == {"scores"}


# What it found, in other nodes.


def test_a_report_shows_it_and_a_line_of_its_table_is_the_noise(comfy, finished):
    g = finished.graph()
    prefix = f"adaptive {abs(hash(finished.name))}"
    page = g("SurrogateStudyReport", study=finished.study, filename_prefix=f"surrogate/{prefix}", n_best=3)
    kept = [g.keep(page[i]) for i in range(6)]
    ask = g("SurrogateAsk", study=finished.study)
    noise = g("SurrogateNoise", space=ask[2], points=page[6], latent=finished.latent)
    made = g.keep(noise[0], latent=noise[1])
    said = g("PreviewAny", source=page[7])
    (text,) = texts(g.run(), said)
    whole, course, where, sheet, generations, _ = (k.tensor[0].numpy() for k in kept)
    assert whole.shape[0] > course.shape[0] + where.shape[0] + sheet.shape[0] > 0
    assert min(where.std(), sheet.std(), generations.std()) > 0.03
    assert len(text.splitlines()) < 10 and max(map(len, text.splitlines())) < 200

    folder = output(comfy) / "surrogate"
    (table,), (tree,) = folder.glob(f"{prefix}*.csv"), folder.glob(f"{prefix}*.json")
    rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8"))))
    assert len(rows) == len(json.loads(tree.read_text("utf-8"))["points"]) == BUDGET + 3
    line = max(rows, key=lambda row: float(row["score"]))
    space = space_from_recipe(json.loads(line["space"]))
    assert 8 < space.k < 40
    u = [float(line[f"u{i}"]) for i in range(1, space.k)]
    assert torch.equal(space.latents([u], json.loads(line["shape"])[0]), made.tensor[:1])


def test_pictures_of_it_tell_their_noise(comfy, finished):
    """Of Render Points, and the best one that the search keeps whole; as seeds they are saved, joined and searched on."""
    g, space, found = wide(finished)
    folder = f"adaptive_{abs(hash(finished.name))}"
    g.render(
        finished.model, finished.conditioning, finished.vae, finished.latent, space, found,
        filename_prefix=f"{folder}/point",
    )  # fmt: skip
    g.run()
    kept, first = album(comfy, finished.name), Study.load(storage(comfy), finished.name).best
    (whole,) = kept.folder.glob(f"best_*_{first.number:05d}.png")
    shutil.copy(whole, output(comfy) / folder / "whole.png")

    expected = finished.opened().latents(best(finished), SHAPE)
    text = f"{folder}/*.png [output]"
    g = Graph(comfy)
    seeds = g("SurrogateSeedsFromPictures", pictures=text)
    joined = g("SurrogateJoinSeeds", seeds_1=seeds, seeds_2=g("SurrogateSeedsFromIntegers", seeds="7"))
    saved = g("SurrogateSaveSeeds", seeds=joined, filename_prefix=f"{folder}/seeds")
    file = g("PreviewAny", source=saved[1])
    entry = g.run()
    (name,) = texts(entry, file)
    (report,) = texts(entry, seeds)
    assert len(seeds_in(report)) == 3 and "whole.png: left out: the same noise as point" in report

    loaded = load_seeds(output(comfy) / name.removesuffix(" [output]")).seeds
    noises = [seed.noise((SHAPE,))[0] for seed in loaded]
    assert len(noises) == 4 and torch.equal(torch.stack(noises[:3]), expected)
    assert torch.equal(seeds_of(whole).seeds[0].noise((SHAPE,))[0], expected[0])

    g = Graph(comfy)
    small = g("SurrogateSpace", seeds=g("SurrogateLoadSeeds", file=name))
    latent = g.latent(1, *SHAPE)
    noise = g("SurrogateNoise", space=small, points=g.vertices(small, 4, (0, 1, 2)), latent=latent)
    made = g.keep(noise[0], latent=noise[1])
    study = g("SurrogateStudy", space=small, latent=latent, name=f"{finished.name} on", **ADAPTIVE)
    ask = g("SurrogateAsk", study=study)
    g("SurrogateTell", study=ask, scores=g("TestNumbers", numbers="[0.1, 0.2, 0.3, 0.4]"))
    g.run()
    assert torch.equal(made.tensor, expected)
    rows = history(comfy, f"{finished.name} on")
    assert len(rows) == 4 and np.isfinite(rows.scores).all()


def test_other_nodes_take_its_space_and_points(comfy, finished):
    g, space, found = wide(finished)
    latent = finished.latent
    near = g("SurrogateNeighbours", space=space, points=found, count=3, radius=10.0)
    chosen = g("SurrogateSelectPoints", points=found, numbers="2")
    walk = g("SurrogatePath", space=space, frames=5, closed=False, waypoints=found)
    sets = [found, near, chosen, walk]
    noises = [g("SurrogateNoise", space=space, points=points, latent=latent) for points in sets]
    kept = [g.keep(noise[0], latent=noise[1]) for noise in noises]
    # A latent that lies in the space is found in it.
    located = g("SurrogateLocateLatent", space=space, latent=g.latent(1, 4, 24, 24),
                noise=g("RandomNoise", noise_seed=99))  # fmt: skip
    fit = g("PreviewAny", source=located[1])
    where = g("SurrogateNoise", space=space, points=located[0], latent=latent)
    again, own = g.keep(where[0], latent=where[1]), g.keep(g("RandomNoise", noise_seed=99), latent=latent)
    sheet = g.keep(
        g("SurrogateContactSheet", images=g.decoded(g.custom(finished.model, finished.conditioning, noises[0][0],
          noises[0][1]), finished.vae), points=found)[0]
    )  # fmt: skip
    entry = g.run()
    points, around, second, path = (k.tensor for k in kept)
    assert torch.equal(points, finished.opened().latents(best(finished), SHAPE))
    assert around.shape == (4, *SHAPE) and torch.equal(around[0], points[0])
    alike = torch.nn.functional.cosine_similarity(around[1:].flatten(1), points[:1].flatten(1))
    assert (alike > 0.9).all() and (alike < 0.9999).all()
    assert torch.equal(second[0], points[1])
    assert torch.allclose(path[0], points[0], atol=1e-5) and torch.allclose(path[-1], points[2], atol=1e-5)
    assert float(texts(entry, fit)[0]) > 0.999
    torch.testing.assert_close(again.tensor, own.tensor, rtol=0, atol=1e-3)
    assert sheet.tensor.std() > 0.05


def test_space_info_looks_at_its_own_seeds(comfy, finished):
    g, space, _ = wide(finished)
    info = g("SurrogateSpaceInfo", space=space, latent=g.latent(1, 16, 128, 128))
    gram = g.keep(info[1])
    (text,) = texts(g.run(), info)
    assert text.startswith("1024 seeds: 12, 99, 1024, ") and "and 1008 more integers" in text
    assert "adaptive" in text and "independent noise" in text and len(text) < 700
    assert gram.tensor.shape[1] < 1500


def test_seed_utility_says_why_it_cannot(comfy, finished):
    g = finished.graph()
    g("SurrogateSeedUtility", study=finished.study)
    with pytest.raises(ExecutionFailed, match="there are no seeds to keep or drop"):
        g.run()
