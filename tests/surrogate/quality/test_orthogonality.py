"""Overlap against the vectors themselves, and its fall with the dimension."""

import numpy as np
import pytest
from latent_spaces_by_example import angular_surrogate_chart, knothe_rosenblatt_surrogate_chart

from surrogate import CHARTS
from surrogate.quality import overlap


def weights(n: int, k: int) -> np.ndarray:
    return CHARTS["knothe_rosenblatt"].weights(np.random.default_rng(k).random((n, k - 1)))


@pytest.mark.parametrize(("dimension", "k"), [(2, 3), (2, 8), (5, 3), (100, 8)])
def test_it_is_that_of_the_vectors(dimension, k):
    seeds, w = np.random.default_rng(dimension).normal(size=(k, dimension)), weights(12, k)
    z = w @ seeds
    cosine = z @ z.T / np.outer(np.linalg.norm(z, axis=1), np.linalg.norm(z, axis=1))
    off = (cosine - w @ w.T)[np.triu_indices(12, 1)]
    found = overlap(seeds @ seeds.T / dimension, w)
    assert found.error == pytest.approx(np.sqrt(np.mean(off**2)))
    assert found.largest == pytest.approx(np.abs(off).max())
    assert found.norm == pytest.approx(np.sqrt(np.mean((np.linalg.norm(z, axis=1) / dimension**0.5 - 1) ** 2)))


@pytest.mark.parametrize("dimension", [2, 64, 4096])
@pytest.mark.parametrize(
    ("name", "official"),
    [("knothe_rosenblatt", knothe_rosenblatt_surrogate_chart), ("angular", angular_surrogate_chart)],
)
def test_it_is_that_of_the_papers_package(name, official, dimension):
    rng = np.random.default_rng(dimension)
    seeds, u = rng.normal(size=(4, dimension)), rng.uniform(0.05, 0.95, (12, 3))
    z, w = official(seeds).from_u_to_z(u), official(seeds).from_u_to_w(u)
    norms = np.linalg.norm(z, axis=1)
    off = (z @ z.T / np.outer(norms, norms) - w @ w.T)[np.triu_indices(12, 1)]
    found = overlap(seeds @ seeds.T / dimension, CHARTS[name].weights(u))
    assert found.error == pytest.approx(np.sqrt(np.mean(off**2)), rel=1e-9)


def test_orthogonal_seeds_have_none():
    found = overlap(np.eye(5), weights(20, 5))
    assert max(found.error, found.largest, found.norm) < 1e-12


def test_it_falls_with_the_root_of_the_dimension():
    def error(dimension):
        made = [np.random.default_rng(n).normal(size=(8, dimension)) for n in range(20)]
        return np.mean([overlap(seeds @ seeds.T / dimension, weights(32, 8)).error for seeds in made])

    assert error(100) / error(10_000) == pytest.approx(10, rel=0.25)


def test_shapes_that_do_not_fit():
    for gram, w in ((np.eye(3), weights(4, 4)), (np.eye(4), weights(1, 4)), (np.eye(4), weights(4, 4)[0])):
        with pytest.raises(ValueError, match=r"gram must be \(k, k\) and w \(n, k\)"):
            overlap(gram, w)
