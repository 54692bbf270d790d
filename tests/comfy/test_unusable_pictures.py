"""Pictures that are not a number, of a model that really gives them: no score, never best, named, made again."""

import itertools
import json
import os

import numpy as np
import pytest

from dev.client import ExecutionFailed
from surrogate.search import Study, scouting_name

from .graph import Graph, Log, output

names = (f"unusable_{i}" for i in itertools.count())
ALL, NOTHING = -100.0, 100.0


class Search:
    """A study, and graphs that search it with a model whose pictures are NaN where a test says so."""

    def __init__(self, comfy, **settings):
        self.comfy, self.name = comfy, next(names)
        where = {"optimiser": "between the seeds"}
        self.settings = {"name": self.name, **where, "budget": 12, "population": 4, "random_seed": 5, **settings}

    def nan_above(self, bound: float) -> None:
        part = output(self.comfy) / f"{self.name}.part"
        part.write_text(json.dumps({"nan_above": bound}))
        os.replace(part, part.with_suffix(".json"))

    def parts(self, g: Graph):
        model, vae, conditioning, latent = g.demo()
        return g("TestNaNModel", model=model, name=self.name), vae, conditioning, latent

    def study(self, g: Graph, latent):
        return g("SurrogateStudy", space=g.space("12, 99, 1024"), latent=latent, **self.settings)

    def node(self, score_seeds: bool = False, images_per_batch: int = 8, study=None, n_best: int = 2, **settings):
        """The graph with Surrogate Search, the node, and the pictures that it gives."""
        self.settings.update(settings)
        g = Graph(self.comfy)
        model, vae, conditioning, latent = self.parts(g)
        node = g(
            "SurrogateSearch",
            **g.sampling(model, conditioning),
            latent=latent,
            vae=vae,
            study=(study or self.study)(g, latent),
            # A black picture is as symmetric as can be: scored, it would win.
            scorer=g("SurrogatePictureStatistics", statistic="symmetry")[1],
            images_per_batch=images_per_batch,
            n_best=n_best,
            score_seeds=score_seeds,
        )
        return g, node

    def graph(self, score: bool = True) -> Graph:
        """Ask, stock nodes, Picture Statistics, Tell."""
        g = Graph(self.comfy)
        model, vae, conditioning, latent = self.parts(g)
        ask = g("SurrogateAsk", study=self.study(g, latent))
        noise = g("SurrogateNoise", space=ask[2], points=ask[1], latent=latent)
        images = g.decoded(g.custom(model, conditioning, noise[0], noise[1], steps=1), vae)
        scores = (
            g("SurrogatePictureStatistics", statistic="symmetry", images=images)
            if score
            else g("TestNumbers", numbers="[1.0, 1.0, 1.0, 1.0]")
        )
        g("SurrogateTell", study=ask, scores=scores, images=images)
        return g

    @property
    def history(self):
        return Study.load(self.comfy.server.base / "user" / "surrogate_studies.db", self.name).history()

    def noises(self) -> np.ndarray:
        """The first value of the noise of each point in the study."""
        from surrogate import space_from_recipe

        definition = Study.load(self.comfy.server.base / "user" / "surrogate_studies.db", self.name).definition
        space = space_from_recipe(definition.space)
        return space.latents(self.history.u, shape=tuple(definition.shape[0][1:])).flatten(1)[:, 0].numpy()


def text(entry: dict) -> str:
    return "\n".join(t for node in entry["outputs"].values() for t in node.get("text", []))


@pytest.fixture(scope="module")
def healthy(comfy):
    """The same search when nothing is wrong."""
    search = Search(comfy)
    search.node()[0].run()
    assert (search.history.state == "complete").all()
    return search


@pytest.fixture(scope="module")
def bound(healthy) -> float:
    """Spoils a part of the pictures."""
    return float(np.quantile(healthy.noises()[:4], 0.6))


@pytest.mark.parametrize("images_per_batch", [1, 3, 8])
def test_unusable_pictures_fail_are_named_and_never_best(comfy, bound, images_per_batch):
    search = Search(comfy)
    search.nan_above(bound)
    g, node = search.node(images_per_batch=images_per_batch)
    kept = g.keep(node[2])
    told = text(g.run())
    history, failed = search.history, search.noises() > bound
    assert 0 < failed.sum() < 12
    assert np.array_equal(history.state == "failed", failed)
    assert all(r.startswith("unusable picture: its ") == bool(bad) for r, bad in zip(history.reasons, failed))
    assert f"{failed.sum()} failed" in told and "unusable and got no score: image" in told and "--fp32-vae" in told
    assert all(f"image {history.labels[i]} " in told for i in np.flatnonzero(failed)[:8])
    assert kept.tensor.mean() > 0.05 and history.scores[history.ranked(1)[0], 0] < 1  # no black picture among the best


def test_what_failed_is_made_again_once_the_cause_is_mended(comfy, bound, healthy):
    search = Search(comfy)
    search.nan_above(bound)
    search.node()[0].run()
    failed = search.history.unusable
    search.nan_above(NOTHING)
    told = text(search.node(n_best=3)[0].run())
    history = search.history
    assert len(failed) and not len(history.unusable) and (history.state == "complete").all()
    assert "failed" not in told and told.startswith("12 of 12 images")
    # The first generation was the same, so its scores are what they would have been.
    first = slice(0, 4)
    assert np.array_equal(history.u[first], healthy.history.u[first])
    assert history.scores[first] == pytest.approx(healthy.history.scores[first], abs=1e-4)


def test_a_search_of_nothing_but_unusable_pictures_stops_and_says_what_to_do(comfy, healthy):
    search = Search(comfy, budget=40)
    search.nan_above(ALL)
    with pytest.raises(ExecutionFailed, match=r"its last 8 pictures were all unusable.*NaN or infinite.*--fp32-vae"):
        search.node()[0].run()
    assert search.history.state.tolist() == ["failed"] * 8  # and the budget is not burnt
    with pytest.raises(ExecutionFailed, match="its last 8 pictures were all unusable"):
        search.node()[0].run()
    assert len(search.history) == 8
    search.nan_above(NOTHING)
    told = text(search.node()[0].run())
    assert told.startswith("40 of 40 images") and "failed" not in told
    assert search.history.scores[:4] == pytest.approx(healthy.history.scores[:4], abs=1e-4)


def test_a_short_search_of_nothing_but_unusable_pictures_ends_with_an_error(comfy):
    search = Search(comfy, budget=4)
    search.nan_above(ALL)
    with pytest.raises(ExecutionFailed, match=r"No image of the study .* has a score.*4 pictures are unusable.*fp32"):
        search.node()[0].run()


def test_seed_utility_names_what_failed_and_goes_by_the_rest(comfy, bound):
    search = Search(comfy, budget=24)
    search.nan_above(bound)
    g, node = search.node()
    utility = g("SurrogateSeedUtility", study=node[6])
    advice = g("PreviewAny", source=utility[0]).number
    entry = g.run()
    history = search.history
    failed = [label for label, reason in zip(history.labels, history.reasons) if reason]
    for told in (entry["outputs"][advice]["text"][0], entry["outputs"][utility.number]["text"][0]):
        assert f"{len(failed)} pictures are unusable and got no score: image {failed[0]} (its " in told
        assert "nan" not in told.replace("NaN", "").lower().split()


def test_seeds_whose_pictures_are_unusable_are_not_known_and_made_again(comfy):
    search = Search(comfy, budget=4)
    search.nan_above(ALL)
    with pytest.raises(ExecutionFailed, match=r"7 pictures are unusable.*seed 12 \("):
        search.node(score_seeds=True)[0].run()
    assert not search.history.known.any()
    search.nan_above(NOTHING)
    search.node(score_seeds=True)[0].run()
    history = search.history
    assert history.known.sum() == 3 and (history.state == "complete").all()


@pytest.mark.parametrize("score", [True, False], ids=["Picture Statistics", "any score"])
def test_ask_and_tell(comfy, bound, score):
    search = Search(comfy)
    search.nan_above(bound)
    log = Log(comfy)
    told = text(search.graph(score).run())
    history, failed = search.history, search.noises() > bound
    assert 0 < failed.sum() < 4 and np.array_equal(history.state == "failed", failed)
    assert [bool(r) for r in history.reasons] == failed.tolist() and "unusable picture" in "".join(history.reasons)
    assert "unusable and got no score" in told
    assert not score or log.wait_for("pixels that are NaN or infinite. Often the model")


def test_tell_records_nothing_of_a_generation_that_is_unusable_as_a_whole(comfy, healthy):
    search = Search(comfy)
    search.nan_above(ALL)
    for _ in range(2):
        with pytest.raises(ExecutionFailed, match=r"All 4 pictures of this generation are unusable.*--fp32-vae"):
            search.graph().run()
        assert search.history.state.tolist() == ["running"] * 4
    search.nan_above(NOTHING)
    search.graph(score=True).run()
    assert search.history.scores == pytest.approx(healthy.history.scores[:4], abs=5e-4)  # of other batches


def test_known_scores_leave_unusable_pictures_out(comfy):
    search = Search(comfy)
    log = Log(comfy)

    def known(score: str) -> None:
        g = Graph(comfy)
        latent = g.demo()[3]
        bad = g("VAEDecode", samples=g.latent(1, 4, 8, 8, fill="nan", number=70), vae=g("TestAnyVAE"))
        good = g("VAEDecode", samples=g.latent(1, 4, 8, 8, fill="normal"), vae=g("TestAnyVAE"))
        images = g("ImageBatch", image1=good, image2=bad if score == "bad" else good)
        node = g(
            "SurrogateKnownScores",
            study=search.study(g, latent),
            points=g("SurrogateWeights", space=g.space("12, 99, 1024"), weights="1 0 0\n0 1 0"),
            scores=g("TestNumbers", numbers="[0.25, 0.5]"),
            images=images,
        )
        g("TestWatch", value=node, name=next(names))
        g.run()

    known("bad")
    assert search.history.scores.tolist() == [[0.25]] and log.wait_for("1 picture is unusable and got no score")
    known("good")
    assert search.history.scores.tolist() == [[0.25], [0.5]]


def test_a_scouting_goes_on_when_its_noises_can_be_made_again(comfy, bound):
    search = Search(comfy, budget=14)

    def scout(g: Graph, latent):
        return g("SurrogateScout", latent=latent, seeds=3, share=0.45, **search.settings)

    search.nan_above(ALL)
    with pytest.raises(ExecutionFailed, match=r"No image of the study .* has a score.*6 pictures are unusable"):
        search.node(study=scout)[0].run()
    search.nan_above(NOTHING)
    told = text(search.node(study=scout)[0].run())
    assert told.startswith("8 of 8 images") and "failed" not in told
    storage = comfy.server.base / "user" / "surrogate_studies.db"
    assert (Study.load(storage, scouting_name(search.name)).history().state == "complete").all()
    assert len(search.history) == 3 + 8
