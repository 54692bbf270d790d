"""Of the best points some that differ."""

import numpy as np

from surrogate import Seeds, SurrogateSpace
from surrogate.search import Study
from surrogate.search.different import POOL, different


def apart(w: np.ndarray) -> float:
    """The smallest angle between two of the noises with weights w (n, k)."""
    return float(np.arccos((w @ w.T)[np.triu_indices(len(w), 1)].clip(-1, 1)).min())


def test_one_of_each_cluster_is_chosen_and_the_best_first():
    chance = np.random.default_rng(1)
    w = np.repeat(np.eye(5), 8, axis=0)[chance.permutation(40)] + 0.01 * chance.standard_normal((40, 5))
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    rows = different(w, 5)
    assert rows[0] == 0 and rows == sorted(rows)
    assert sorted(w[rows].argmax(axis=1)) == list(range(5))
    assert different(w, 100) == list(range(40)) and different(w[:0], 3) == [] and different(w[:1], 3) == [0]


def test_equal_points_are_taken_in_their_order():
    assert different(np.ones((4, 1)), 3) == [0, 1, 2]


def test_the_best_of_a_search_are_farther_apart_and_among_its_best():
    study = Study.open(
        None, "study", SurrogateSpace(Seeds.from_range(1, 4)), budget=96, optimiser="adaptive", settings={"noises": 128}
    )
    while len(asked := study.ask()):
        study.tell(asked, study.space.latents(asked.u, (4, 8, 8)).mean(dim=(1, 2, 3)).tolist())
    alike, varied = study.n_best(8), study.n_best(8, different=True)
    assert varied[0].number == alike[0].number and len({best.number for best in varied}) == 8
    assert [best.score for best in varied] == sorted((best.score for best in varied), reverse=True)
    assert {best.number for best in varied} <= {best.number for best in study.n_best(8 * POOL)}
    near, far = (apart(study.space.weights(np.array([best.u for best in rows]))) for rows in (alike, varied))
    assert far > 1.3 * near


def test_a_search_without_a_score_has_none():
    study = Study.open(None, "study", SurrogateSpace(Seeds.from_range(1, 4)), budget=8)
    assert study.n_best(3, different=True) == ()
