"""Whether two sets of pictures come from one distribution, for pictures that are independent of each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

__all__ = ["TwoSample", "two_sample"]


@dataclass(frozen=True)
class TwoSample:
    """`distance`: the energy distance (0: the same distribution), in standard deviations of the features. `p`: how often
    chance alone makes it as large."""

    distance: float
    p: float


def two_sample(x: np.ndarray, y: np.ndarray, seed: int = 0, shuffles: int = 999) -> TwoSample:
    """Energy distance of x (n, p) and y (m, p), its chance by shuffling the rows (Székely and Rizzo 2004).

    Exact if all rows are independent: of blends, one from each of n spaces. Points of one space are not independent, for
    they have their seeds in common: for them it is wrong much too often, see `closure.check_pictures`.

    Raises ValueError for sets of fewer than two, other shapes, and NaN.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise ValueError(f"x and y must be (n, p) and (m, p) with at least two rows each, got {x.shape} and {y.shape}.")
    both = np.concatenate([x, y])
    if not np.isfinite(both).all():
        raise ValueError("x and y must be finite.")
    scale = both.std(0)
    apart = scipy.spatial.distance.cdist(both / np.where(scale > 0, scale, 1), both / np.where(scale > 0, scale, 1))
    rng, first = np.random.default_rng(seed), np.arange(len(both)) < len(x)
    found = _energy(apart, first)
    above = sum(_energy(apart, rng.permutation(first)) >= found - 1e-12 for _ in range(shuffles))
    return TwoSample(float(found), (1 + above) / (1 + shuffles))


def _energy(apart: np.ndarray, first: np.ndarray) -> float:
    a, b = first / first.sum(), ~first / (~first).sum()
    return float(2 * a @ apart @ b - a @ apart @ a - b @ apart @ b)
