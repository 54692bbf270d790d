"""The best points in words."""

from __future__ import annotations

import numpy as np

from surrogate.search.best_in_words import best_in_words, origin_in_words
from surrogate.search.values import Best


def best(space, shares, scores=(0.9123456789,), run=0, label="4.5") -> Best:
    u = space.chart.coordinates(np.sqrt(np.array(shares)))
    return Best(u=u, scores=scores, number=7, label=label, run=run, generation=3, index=4)


def test_a_line_says_score_image_and_seeds(searching):
    space = searching.space(6)
    found = best_in_words(
        [best(space, [0.16, 0.65, 0.1, 0.05, 0.03, 0.01]), best(space, [0, 0.5, 0.5, 0, 0, 0])], space
    )
    assert found == [
        "1. score 0.912346: image 5 of generation 4; 65 % of seed 101, 16 % of seed 100, 10 % of seed 102, "
        "5 % of seed 103, 4 % of 2 other seeds",
        "2. score 0.912346: image 5 of generation 4; 50 % of seed 101, 50 % of seed 102",
    ]


def test_several_scores_other_runs_and_seeds_alone(searching):
    space = searching.space(3)
    assert best_in_words(
        [best(space, [0, 1, 0], (0.5, -2.0), run=1), best(space, [1, 0, 0], run=-1, label="seed 100")], space
    ) == [
        "1. scores 0.5, -2: image 5 of generation 4 of run 2; seed 101 alone",
        "2. score 0.912346: seed 100, known before the search; seed 100 alone",
    ]
    assert best_in_words([], space) == []


def test_where_scouted_seeds_come_from():
    recipe = {"seeds": ["29", "18"], "scouted": {"first": 10, "noises": 32}}
    assert origin_in_words(recipe) == "The seeds 29, 18 were the best 2 of the 32 noises 10 to 41."
    assert origin_in_words({"seeds": ["29", "18"]}) == ""
