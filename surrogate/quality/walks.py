"""Points to look at: straight walks through the cube."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..checks import whole
from ..space import SurrogateSpace

__all__ = ["FEWEST", "Walks", "walks"]

# Points of a walk; a last one may have a few more or less.
LENGTH = 8
FEWEST = 8
MOST = 4096


@dataclass(frozen=True)
class Walks:
    """n points `u` (n, k-1), and for each the number of its walk (n,), from 0."""

    u: np.ndarray
    walk: np.ndarray

    def __len__(self) -> int:
        return len(self.u)

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices (i, j) of all pairs of points of one walk."""
        i, j = np.triu_indices(len(self.u), 1)
        same = self.walk[i] == self.walk[j]
        return i[same], j[same]


def walks(space: SurrogateSpace, count: int = 32, seed: int = 0) -> Walks:
    """`count` points on walks of about 8, each from one random point of the cube to another at even steps.

    Random points alone have too little to say in many dimensions, where all of them are about equally far apart; on a
    walk there are distances from one step to the whole way. Raises ValueError for fewer than 8 points or more than 4096.
    """
    whole("count", count, FEWEST, MOST, "of points")
    rng = np.random.default_rng(seed)
    walk = np.sort(np.arange(count) % max(1, round(count / LENGTH)))
    u = np.empty((count, space.k - 1))
    for number in range(walk[-1] + 1):
        here = walk == number
        start, end = rng.random((2, space.k - 1))
        t = np.linspace(0, 1, here.sum())[:, None]
        u[here] = (1 - t) * start + t * end
    return Walks(u, walk)
