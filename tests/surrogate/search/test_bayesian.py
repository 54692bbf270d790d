"""Bayesian optimisation between the seeds: what it proposes, and that no point comes twice."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr

from surrogate.charts import KnotheRosenblatt
from surrogate.search import FAILED, RUNNING
from surrogate.search.optimisers.bayesian import _around, _log_improvement


def chords(u: np.ndarray) -> np.ndarray:
    """Distances (n·(n-1)/2,) between the weights of points u (n, k-1)."""
    w = KnotheRosenblatt().weights(u)
    return np.linalg.norm(w[:, None] - w[None], axis=-1)[np.triu_indices(len(w), 1)]


def search(study, score):
    while len(asked := study.ask()):
        study.tell(asked, score(asked.u))
    return study.history()


@pytest.mark.parametrize("score", ["equal", "noise", "steps"])
def test_no_point_is_proposed_twice(score, searching):
    chance = np.random.default_rng(4)
    scores = {
        "equal": lambda u: np.ones(len(u)),
        "noise": lambda u: chance.standard_normal(len(u)),
        "steps": lambda u: np.round(searching.bowl(u), 1),
    }[score]
    with np.errstate(all="raise", under="ignore"):
        history = search(searching.open(k=16, optimiser="bayesian", budget=72), scores)
    assert chords(history.u).min() > 0.01


@pytest.mark.parametrize("k", [3, 4])
def test_a_point_that_failed_is_not_proposed_again(k, searching):
    def score(u):
        w = KnotheRosenblatt().weights(u)
        far = np.linalg.norm(w - KnotheRosenblatt().weights(np.zeros(k - 1)), axis=1)
        return np.where(far < 0.15, np.nan, -far)  # what promises most fails

    for seed in range(3):
        history = search(searching.open(k=k, optimiser="bayesian", budget=60, seed=seed), score)
        assert (history.state == FAILED).sum() > 3 and chords(history.u).min() > 0.01


def test_the_best_corner_is_proposed_once_in_a_generation_and_not_while_it_is_rendered(searching):
    study = searching.open(k=4, optimiser="bayesian", budget=40)
    corner = KnotheRosenblatt().weights(np.zeros((1, 3)))
    history = search(study, lambda u: -np.linalg.norm(KnotheRosenblatt().weights(u) - corner, axis=1))
    u, state, scores = history.u.copy(), history.state.copy(), history.scores.copy()
    u[-1], state[-1], scores[-1] = 0.0, RUNNING, np.nan
    pending = replace(history, u=u, state=state, scores=scores)
    proposed = study.optimiser.propose(pending, 0, 10, np.arange(8), 8, 0, None).u
    assert chords(np.concatenate([proposed, np.zeros((1, 3))])).min() > 0.01


def test_workers_at_the_same_time_get_different_points(searching, tmp_path):
    file = tmp_path / "studies.sqlite3"
    studies = [searching.open(file, optimiser="bayesian", budget=64, worker=name) for name in "abc"]
    for _ in range(4):
        study = studies[0]
        study.tell(asked := study.ask(), searching.bowl(asked.u))
    for study in studies:
        study.ask()
    assert chords(studies[0].history().u).min() > 0.01


def test_it_comes_close_where_random_points_do_not(searching):
    found = [
        search(searching.open(k=8, optimiser=name, budget=64, seed=seed), searching.bowl).scores.max()
        for name in ("bayesian", "random")
        for seed in range(3)
    ]
    assert min(found[:3]) > 0.2 * max(found[3:])  # both are negative


def test_of_several_scores_it_finds_both_ends(searching):
    def distances(u):
        return np.stack([np.linalg.norm(u - 0.2, axis=1), np.linalg.norm(u - 0.8, axis=1)], axis=1)

    def ends(name):
        study = searching.open(k=4, optimiser=name, budget=72, population=4, directions=["minimize"] * 2)
        return search(study, distances).scores.min(axis=0)

    assert (ends("bayesian") < 0.75 * ends("random")).all()


def test_the_improvement_is_that_of_a_normal_distribution():
    z = np.array([-20.0, -7.0, -1.0, 0.0, 2.0, 6.0])
    # E[max(z + ε, 0)] is the integral of the distribution function up to z.
    exact = [np.log(quad(ndtr, max(x - 12, -37), x, epsabs=0, limit=400)[0]) for x in z]
    np.testing.assert_allclose(_log_improvement(z), exact, atol=1e-5)
    near, far = _log_improvement(np.array([-24.9999, -25.0001]))
    assert 0 < near - far < 0.02
    assert np.isfinite(_log_improvement(np.array([-1e5, 1e5]))).all()


def test_points_around_others_stay_in_the_cube_and_move():
    u = np.array([[0.0, 1.0, 0.5], [0.01, 0.02, 0.99]])
    there = _around(u, 200, 0.3, np.random.default_rng(1))
    assert ((there >= 0) & (there <= 1)).all()
    assert (there != u[np.arange(200) % 2]).any(axis=1).all()
