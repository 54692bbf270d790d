"""Great circles between weights: the straight lines of the sphere that they lie on."""

from __future__ import annotations

import numpy as np

__all__ = ["angle", "between"]


def angle(a: np.ndarray, b: np.ndarray) -> float:
    """The angle in radians between weights a and b (k,), of unit norm."""
    # Accurate for small angles too, where arccos is not.
    return float(2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b)))


def between(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """The weights (k,) at the share `t` of the arc from a to b: of unit norm, as a straight line's would not be.

    At t = 0 and 1, and where the two are one point, they are a and b to the last bit.
    """
    if t == 0 or (a == b).all():
        return a
    if t == 1:
        return b
    whole = angle(a, b)
    return (np.sin((1 - t) * whole) * a + np.sin(t * whole) * b) / np.sin(whole)
