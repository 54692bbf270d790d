"""Of the best points of a search some that differ: the best ones alone are often nearly one picture."""

from __future__ import annotations

import numpy as np

__all__ = ["POOL", "different"]

# Of so many times as many of the best points are those chosen that differ.
POOL = 4


def different(w: np.ndarray, count: int) -> list[int]:
    """Which `count` of the points with the weights w (n, k), best first, are far from each other; in their order.

    The best one, and then one after the other the point that is farthest from those chosen (Gonzalez 1985), as the angle
    between their noises; of equally far ones the better.
    """
    chosen: list[int] = []
    nearest = np.full(len(w), -np.inf)  # cosine to the nearest of those chosen
    while len(chosen) < min(count, len(w)):
        left = np.setdiff1d(np.arange(len(w)), chosen)
        chosen.append(int(left[nearest[left].argmin()]))
        nearest = np.maximum(nearest, w @ w[chosen[-1]])
    return sorted(chosen)
