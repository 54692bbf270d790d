"""Seed Utility in a real server: what it says of a search, and that the seeds it keeps make a space."""

import numpy as np
import pytest
import torch

from dev.client import ExecutionFailed
from surrogate import Seeds, SurrogateSpace
from surrogate.search.utility import seed_utility, summary, table

from .graph import Graph
from .test_scout import FIRST, NOISES, Runs
from .test_search import history, loop, names, search, study

SEEDS = "12, 99, 1024"


def looked_at(g: Graph, of, **inputs):
    """The node, and where its advice, its table and its number will be."""
    node = g("SurrogateSeedUtility", study=of, **inputs)
    return node, [g("PreviewAny", source=node[i]).number for i in (0, 1, 4)]


def texts(entry: dict, shown) -> list[str]:
    return [entry["outputs"][number]["text"][0] for number in shown]


def test_after_a_search_its_seeds_make_a_space(comfy):
    name = next(names)
    g, found = search(comfy, name, score_seeds=True, budget=48)
    next(n for n in g.prompt.values() if n["class_type"] == "SurrogatePictureStatistics")["inputs"]["statistic"] = (
        "brightness"  # where the brightest column is jumps from place to place
    )
    node, shown = looked_at(g, found[6])
    picture = g.keep(node[2])
    space = g("SurrogateSpace", seeds=node[3])
    latent = g.latent(1, 4, 8, 8)
    noise = g("SurrogateNoise", space=space, points=g("SurrogatePoint", space=space, coordinates="0.5"), latent=latent)
    kept = g.keep(noise, latent=noise[1])
    entry = g.run()
    advice, numbers, count = texts(entry, shown)
    whole = SurrogateSpace(Seeds.from_text(SEEDS))
    expected = seed_utility(history(comfy, name), whole)
    assert (advice, numbers, int(count)) == (summary(expected), table(expected), len(expected.kept))
    assert expected.count == 51 and not expected.silence
    assert entry["outputs"][node.number]["text"] == [summary(expected, 6)]
    assert picture.tensor.shape[0] == 1 and 0 <= picture.tensor.min() < picture.tensor.max() <= 1
    smaller = SurrogateSpace(Seeds(tuple(whole.seeds[i] for i in expected.kept)))
    assert torch.equal(kept.tensor, smaller.latents(np.full((1, smaller.k - 1), 0.5), (4, 8, 8)))


def test_a_search_goes_on_although_no_input_changes(comfy):
    name = next(names)
    told = []
    for _ in range(2):
        g = Graph(comfy)
        _, shown = looked_at(g, study(g, g.demo()[3], name))
        told.append(texts(g.run(), shown)[0])
        loop(comfy, name)[0].run()
    assert [text[:47] for text in told] == [f"Too early to say. There are {n} scores for 3 seed" for n in (0, 4)]


def test_while_it_is_scouting_the_noises_are_ranked(comfy):
    runs = Runs(comfy)
    runs.graph().run()
    g = Graph(comfy)
    _, shown = looked_at(g, runs.scout(g, g.demo()[3]))
    advice, _, count = texts(g.run(), shown)
    seen = runs.scouting
    order = np.argsort(-seen.scores[:4, 0], kind="stable")
    assert advice.startswith("All points are single seeds")
    assert [part.split(" (")[0] for part in advice.split("Best first: ")[1].split(", ")] == [
        str(FIRST + i) for i in order
    ]
    assert int(count) == NOISES


def test_a_score_that_the_study_does_not_have_is_named(comfy):
    g = Graph(comfy)
    looked_at(g, study(g, g.demo()[3], next(names)), score=2)
    with pytest.raises(ExecutionFailed, match=r"score is 2, but the study .* has 1: choose a number from 1 to 1"):
        g.run()
