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


def search(comfy, drafts: str, budget: int = 12, log: str = ""):
    """A search for brightness with a multistep sampler, by a small model, and its best point finished by stock nodes.

    The name of the study, the graph, and what it keeps: both pictures, and the number of the node with the report.
    """
    g, name = Graph(comfy), next(names)
    model, conditioning = g("TestAnyModel").outputs(2)
    latent, vae = g.latent(1, 4, 8, 8), g("TestAnyVAE")
    how = {"optimiser": BETWEEN, "budget": budget, "population": 8, "random_seed": 5}
    study = g("SurrogateStudy", space=g.space(), latent=latent, name=name, **how)
    parts = g.sampling(model, conditioning, steps=STEPS, sampler="dpmpp_2m")
    sampler = g("TestCountedSampler", sampler=parts["sampler"], log=log or name)
    node = g(
        "SurrogateSearch",
        **{**parts, "sampler": sampler},
        latent=latent,
        vae=vae,
        study=study,
        scorer=g("SurrogatePictureStatistics", statistic="brightness")[1],
        n_best=1,
        score_seeds=False,
        drafts=drafts,
    )
    noise = g("SurrogateNoise", space=node[7], points=node[3], latent=latent)
    again = g.decoded(g("SamplerCustomAdvanced", noise=noise[0], latent_image=noise[1], **parts), vae)
    return name, g, g.keep(node[1]), g.keep(again), g("PreviewAny", source=node[5]).number


def test_a_finished_picture_is_the_ordinary_one_and_the_report_counts_images_and_steps(comfy):
    name, graph, found, ordinary, said = search(comfy, "2", log="drafts")
    text = graph.run()["outputs"][said]["text"][0]
    rows = history(comfy, name)
    drafted = np.array([draft is not None and draft.spent > 0 for draft in rows.drafts])
    alone = rows.drafted
    assert 4 <= alone.sum() < drafted.sum() and (rows.state[~alone] == COMPLETE).all() and (~alone).sum() >= 8
    assert np.isnan(rows.scores[alone]).all()
    assert {step for draft in rows.drafts if draft is not None for step in draft.scores} == {2}
    assert "12 of 12 images (" in text and f"{(~alone).sum()} finished, {drafted.sum()} drafts, which saved" in text
    assert "Drafts are judged after 2 of 8 steps." in text
    # A draft that is finished begins anew.
    assert sum(counted(comfy, "drafts")) == len(rows) + (drafted & ~alone).sum()
    # The search keeps pictures as files have them.
    pixels = (255.0 * ordinary.tensor.numpy()).clip(0, 255).astype(np.uint8)
    assert np.array_equal((255.0 * found.tensor.numpy()).round().astype(np.uint8), pixels)


def test_drafts_that_are_only_looked_at_change_nothing(comfy):
    name, graph, *_ = search(comfy, "auto", budget=8)
    graph.run()
    other, again, *_ = search(comfy, "off", budget=8)
    again.run()
    seen, plain = history(comfy, name), history(comfy, other)
    assert [sorted(draft.scores) for draft in seen.drafts] == [[1, 2]] * 8
    assert not any(plain.drafts)
    assert np.array_equal(seen.u, plain.u) and np.array_equal(seen.scores, plain.scores)


def test_as_many_steps_as_a_finished_picture_has_are_refused(comfy):
    _, graph, *_ = search(comfy, str(STEPS))
    with pytest.raises(ExecutionFailed, match="drafts is 8 steps, but sigmas have 8 steps in all"):
        graph.run()
