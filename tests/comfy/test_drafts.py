"""Surrogate Search with drafts, in a real server: what is finished, what is counted, and what is refused."""

import itertools

import numpy as np
import pytest

from dev.client import ExecutionFailed
from surrogate.search import COMPLETE

from .graph import Graph, counted
from .test_search import BETWEEN, history

names = (f"drafts {i}" for i in itertools.count())
STEPS = 8


def search(comfy, name: str, drafts: str | None, budget: int = 20, sampler: str = "dpmpp_2m", log: str = ""):
    """A graph that searches for brightness, with a multistep sampler, and finishes the best point by stock nodes too."""
    g = Graph(comfy)
    model, vae, conditioning, latent = g("SurrogateDemoModel").outputs(4)
    space = g.space("12, 99, 1024, 7")
    how = {"optimiser": BETWEEN, "budget": budget, "population": 8, "random_seed": 5}
    study = g("SurrogateStudy", space=space, latent=latent, name=name, **how)
    parts = g.sampling(model, conditioning, steps=STEPS, sampler=sampler)
    asked = {} if drafts is None else {"drafts": drafts}
    node = g(
        "SurrogateSearch",
        **{**parts, "sampler": g("TestCountedSampler", sampler=parts["sampler"], log=log) if log else parts["sampler"]},
        latent=latent,
        vae=vae,
        study=study,
        scorer=g("SurrogatePictureStatistics", statistic="brightness")[1],
        n_best=1,
        score_seeds=False,
        **asked,
    )
    noise = g("SurrogateNoise", space=node[7], points=node[3], latent=latent)
    again = g.decoded(g("SamplerCustomAdvanced", noise=noise[0], latent_image=noise[1], **parts), vae)
    return g, g.keep(node[1]), g.keep(again), g("PreviewAny", source=node[5]).number


def test_drafts_find_out_what_they_are_worth_and_a_finished_picture_is_the_ordinary_one(comfy):
    name = next(names)
    graph, found, ordinary, said = search(comfy, name, "auto")
    text = graph.run()["outputs"][said]["text"][0]
    rows = history(comfy, name)
    alone = rows.drafted
    finished = int((~alone).sum())
    assert alone.sum() >= 8 and finished >= 16 and (rows.state[~alone] == COMPLETE).all()
    drafted = sum(draft is not None and draft.spent > 0 for draft in rows.drafts)
    assert np.isnan(rows.scores[alone]).all()
    assert f"of {20 * STEPS} steps: {finished} finished, {drafted} drafts, which saved" in text
    assert "Drafts are judged after" in text
    assert np.array_equal(found.tensor, ordinary.tensor)


def test_a_number_of_steps_is_kept_and_old_workflows_finish_everything(comfy):
    chosen, old = next(names), next(names)
    graph, *_ = search(comfy, chosen, "3", budget=10, sampler="euler", log="drafts")
    graph.run()
    rows = history(comfy, chosen)
    assert {max(draft.scores) for draft in rows.drafts if draft is not None} == {3}
    assert (
        sum(counted(comfy, "drafts"))
        == len(rows) + (rows.state[[d is not None and d.spent > 0 for d in rows.drafts]] == COMPLETE).sum()
    )
    graph, *_ = search(comfy, old, None, budget=10, sampler="euler")
    del next(node for node in graph.prompt.values() if node["class_type"] == "SurrogateSearch")["inputs"]["drafts"]
    graph.run()
    assert (history(comfy, old).state == COMPLETE).all() and not any(history(comfy, old).drafts)
    assert np.array_equal(history(comfy, old).u[:8], rows.u[:8])


def test_as_many_steps_as_a_finished_picture_has_are_refused(comfy):
    graph, *_ = search(comfy, next(names), str(STEPS))
    with pytest.raises(ExecutionFailed, match="drafts is 8 steps, but sigmas have 8 steps in all"):
        graph.run()
