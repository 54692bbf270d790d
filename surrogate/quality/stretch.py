"""Whether a step in the cube means the same everywhere: what a stationary Gaussian process takes for granted."""

from __future__ import annotations

import numpy as np

__all__ = ["PLACES", "angles", "steps"]

# How many of the coordinates stand at a border, 0 or 1: all of them is a corner, all but one an edge, one a face.
PLACES = ("anywhere", "middle", "face", "edge", "corner")
MIDDLE = (0.4, 0.6)


def steps(k: int, place: str, count: int, length: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """`count` steps from u (count, k-1) to u' (count, k-1), in random directions, that begin at a `place` of `PLACES` and
    stay in the cube.

    Coordinates at a border are 0 or 1; the others are uniform, in the middle between 0.4 and 0.6.
    Raises ValueError for an unknown place, and a length that does not fit into half the cube.
    """
    if place not in PLACES:
        raise ValueError(f"There is no place {place!r}: choose one of {', '.join(PLACES)}.")
    if not 0 < length <= 0.5:
        raise ValueError(f"length must be above 0 and at most 0.5, got {length!r}.")
    rng, d = np.random.default_rng(seed), k - 1
    low, high = MIDDLE if place == "middle" else (0.0, 1.0)
    u = rng.uniform(low, high, (count, d))
    at_border = {"face": 1, "edge": d - 1, "corner": d}.get(place, 0)
    for row in u:
        which = rng.choice(d, at_border, replace=False)
        row[which] = rng.integers(0, 2, at_border)
    direction = rng.standard_normal((count, d))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    # Turned inwards where it would lead out.
    after = u + length * direction
    direction *= np.where((after < 0) | (after > 1), -1, 1)
    return u, np.clip(u + length * direction, 0, 1)


def angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angles (n,) between unit vectors a (n, k) and b (n, k), small ones too, where arccos has no digits left."""
    return 2 * np.arctan2(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1))
