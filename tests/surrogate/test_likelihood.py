"""The likelihood that all Gaussian processes share, against scipy's normal distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from surrogate.processes.likelihood import NOISES, fit, log_likelihood

LENGTHS = (0.1, 0.3, 1.0)


@pytest.fixture(scope="module")
def seen():
    rng = np.random.default_rng(1)
    x = rng.random((25, 2))
    distances = ((x[:, None] - x[None]) ** 2).sum(axis=2)
    y = np.stack([np.sin(4 * x[:, 0]) + 3, x[:, 1] - 1], axis=1) + 0.03 * rng.standard_normal((25, 2))
    return distances, y


def by_scipy(kernel, y, mean) -> float:
    """Log likelihood of all columns of y (n, m) with their common likeliest variance, without the constant."""
    n, m = y.shape
    left = y - mean
    variance = np.mean([column @ np.linalg.solve(kernel, column) / n for column in left.T])
    total = sum(multivariate_normal.logpdf(column, np.zeros(n), variance * kernel) for column in left.T)
    return total / m + n / 2 * (1 + np.log(2 * np.pi))


@pytest.mark.parametrize("constant_mean", [False, True])
def test_it_is_the_likeliest_of_the_grid(seen, constant_mean):
    distances, y = seen
    found = fit(distances, LENGTHS, y, constant_mean)

    def kernel(length):
        return np.exp(-distances / (2 * length**2))

    def mean(k):
        solved = np.linalg.solve(k, np.ones(len(y)))
        return solved @ y / solved.sum() if constant_mean else np.zeros(2)

    likelihoods = {}
    for length in LENGTHS:
        for noise in NOISES:
            k = kernel(length) + noise * np.eye(len(y))
            likelihoods[length, noise] = by_scipy(k, y, mean(k))
    assert (found.length, found.noise) == max(likelihoods, key=lambda setting: likelihoods[setting])
    k = kernel(found.length) + found.noise * np.eye(len(y))
    np.testing.assert_allclose(found.mean, mean(k), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.solve(np.eye(len(y))), np.linalg.inv(k), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.pull, np.linalg.solve(k, y - found.mean), rtol=1e-6, atol=1e-6)
    own = log_likelihood(len(y), found.signal, np.linalg.slogdet(k)[1])
    assert own == pytest.approx(likelihoods[found.length, found.noise], abs=1e-6)


def test_values_that_are_equal_are_not_infinitely_likely():
    assert np.isfinite(log_likelihood(5, 0.0, -1.0))
    found = fit(1e3 * (1 - np.eye(4)), (1.0,), np.full((4, 1), 2.0), True)
    assert found.mean.tolist() == pytest.approx([2.0]) and abs(found.pull).max() < 1e-9


def test_values_that_are_not_finite_are_named():
    with pytest.raises(ValueError, match="y must be finite for a likelihood"):
        fit(1 - np.eye(3), (1.0,), np.full((3, 1), np.nan), True)


def test_of_many_values_some_choose_length_and_noise_and_all_decide_the_rest():
    rng = np.random.default_rng(2)
    x = np.sort(rng.random(200))
    distances, y = (x[:, None] - x[None]) ** 2, np.sin(6 * x)[:, None] + 0.05 * rng.standard_normal((200, 1))
    few = np.unique(np.linspace(0, 199, 50).round().astype(int))
    some, alone = fit(distances, LENGTHS, y, True, most=50), fit(distances[np.ix_(few, few)], LENGTHS, y[few], True)
    assert (some.length, some.noise) == (alone.length, alone.noise)
    k = np.exp(-distances / (2 * some.length**2)) + some.noise * np.eye(200)
    np.testing.assert_allclose(some.pull, np.linalg.solve(k, y - some.mean), rtol=1e-6, atol=1e-6)
    assert some.signal == pytest.approx(float((some.pull * (y - some.mean)).mean()))
