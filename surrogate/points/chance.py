"""Points by chance: all over the space, and around a point."""

from __future__ import annotations

import numpy as np
import scipy
from scipy.special import ndtr

from ..checks import whole
from ..space import SurrogateSpace
from .layouts import base_coordinates, check_counts
from .points import Points, from_coordinates, of_unit_weights

__all__ = ["neighbours", "random", "sobol"]

LARGEST_SEED = 2**64 - 1


def random(space: SurrogateSpace, count: int = 8, seed: int = 0) -> Points:
    """`count` points uniform in the cube. The first ones of a larger `count` are those of a smaller one."""
    check_counts(count=count)
    return from_coordinates(space, _generator(seed).random((count, space.k - 1)))


def sobol(space: SurrogateSpace, count: int = 8, seed: int = 0) -> Points:
    """`count` points of a scrambled Sobol sequence: they fill the cube more evenly than random ones."""
    check_counts(count=count)
    sequence = scipy.stats.qmc.Sobol(space.k - 1, scramble=True, seed=whole("seed", seed, 0, LARGEST_SEED))
    # Whole powers of two keep the balance of the sequence (and scipy from warning).
    return from_coordinates(space, sequence.random_base2(max(0, (count - 1).bit_length()))[:count])


def neighbours(
    space: SurrogateSpace, base, count: int = 8, radius: float = 15.0, seed: int = 0, include_base: bool = True
) -> Points:
    """`base` and `count` random points within `radius` degrees of it, evenly spread over the directions.

    `base` is coordinates (k-1,), the first of some `Points`, or None for 0.5 everywhere.
    A point that would leave the orthant is mirrored back into it, which never takes it further away.
    The first points of a larger `count` are those of a smaller one.
    """
    check_counts(count=count)
    if not 0 < radius <= 90:
        raise ValueError(f"radius must be an angle above 0 and up to 90 degrees, got {radius:g}.")
    centre = _one(space, base)
    around = _around(space, centre.w[0], np.radians(radius), _generator(seed).standard_normal((count, space.k + 1)))
    if not include_base:
        return of_unit_weights(space, around)
    typed = np.full((1 + count, space.k - 1), np.nan)
    if centre.typed is not None:
        typed[0] = centre.typed[0]
    return of_unit_weights(space, np.concatenate([centre.w, around]), typed)


def _one(space: SurrogateSpace, base) -> Points:
    if isinstance(base, Points):
        return base.select([0])
    return from_coordinates(space, base_coordinates(space, base))


def _around(space: SurrogateSpace, centre: np.ndarray, radius: float, draws: np.ndarray) -> np.ndarray:
    """Weights (n, k) within `radius` radians of `centre` (k,), from normal `draws` (n, k+1)."""
    direction = draws[:, :-1] - (draws[:, :-1] @ centre)[:, None] * centre
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    angle = radius * ndtr(draws[:, -1:]) ** (1 / (space.k - 1))
    w = np.cos(angle) * centre + np.sin(angle) * direction
    if not space.chart.signed:
        w = np.abs(w)
    return w / np.linalg.norm(w, axis=1, keepdims=True)


def _generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(whole("seed", seed, 0, LARGEST_SEED))
