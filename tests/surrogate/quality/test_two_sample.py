"""The energy test: its number against the definition, its chance against chance."""

import numpy as np
import pytest
import scipy.stats
from scipy.spatial.distance import cdist

from surrogate.quality import two_sample


def test_the_distance_is_that_of_the_definition():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.normal(1, 2, size=(30, 3))
    scale = np.concatenate([x, y]).std(0)
    a, b = x / scale, y / scale
    expected = 2 * cdist(a, b).mean() - cdist(a, a).mean() - cdist(b, b).mean()
    assert two_sample(x, y).distance == pytest.approx(expected)
    assert two_sample(x, y).p == 0.001


def test_it_holds_its_level_and_sees_more_spread_too():
    rng = np.random.default_rng(1)
    p = [two_sample(rng.exponential(size=(12, 4)), rng.exponential(size=(20, 4)), n, 99).p for n in range(300)]
    assert scipy.stats.binomtest(sum(q <= 0.05 for q in p), 300, 0.05).pvalue > 0.01
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.001
    assert two_sample(rng.normal(size=(60, 4)), rng.normal(scale=2, size=(60, 4))).p < 0.01


def test_a_feature_that_is_the_same_everywhere_says_nothing():
    x = np.random.default_rng(2).normal(size=(20, 2))
    still = np.concatenate([x, np.ones((20, 1))], 1)
    assert two_sample(still[:10], still[10:]).distance == pytest.approx(two_sample(x[:10], x[10:]).distance)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.ones((1, 2)), np.ones((3, 2)), r"got \(1, 2\) and \(3, 2\)"),
        (np.ones((4, 2)), np.ones((3, 3)), r"got \(4, 2\) and \(3, 3\)"),
        (np.ones(4), np.ones((3, 3)), r"got \(4,\)"),
        (np.full((4, 2), np.nan), np.ones((3, 2)), "must be finite"),
    ],
)
def test_sets_that_are_none(x, y, message):
    with pytest.raises(ValueError, match=message):
        two_sample(x, y)
