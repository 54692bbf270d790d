"""What a weight chart is, and the checks that all charts share."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

__all__ = ["TOLERANCE", "Chart", "check_coordinates", "check_weights"]

# Outside the domain raises; rounding within this is projected back onto it.
TOLERANCE = 1e-9


class Chart(ABC):
    """A map between the cube and the non-negative part of the unit sphere, defined on the closed cube.

    Domain: `u` (..., k-1) in [0, 1]. Codomain: `w` (..., k), w >= 0, ‖w‖₂ = 1. Both float64.

    Laws, tested for every entry of `CHARTS`:

    - `weights(coordinates(w)) == w` to 1e-13 wherever u fits in float64; `coordinates(weights(u)) == u` to 1e-12 in the
      interior. On the whole closed cube both are finite, and `weights(coordinates(weights(u))) == weights(u)`.
    - The k unit vectors are reached exactly, to the last bit, from every corner of the cube: the first coordinate that is
      0 names the seed, u = (1, …, 1) is seed k. Where a seed has all the weight, the remaining coordinates are 1.
    - Two seeds (k = 2) are the quarter circle w = (cos πu/2, sin πu/2).
    - The result for one point does not depend on the other points of the batch, nor on their order in memory. Any leading
      shape is kept, lists and float32 are taken, and the argument is not written into.

    `weights` and `coordinates` below check their argument, project rounding back, and copy: a chart implements `_weights`
    and `_coordinates`, which get a valid argument of their own.
    """

    name: str
    # Whether weights may be negative: then the codomain is the whole unit sphere, and the laws are the chart's own.
    signed: bool = False

    def weights(self, u) -> np.ndarray:
        """Weights w (..., k) of the points u (..., k-1).

        Raises ValueError if k < 2, or if u is not finite or leaves the cube by more than `TOLERANCE`.
        """
        return self._weights(check_coordinates(u))

    def coordinates(self, w) -> np.ndarray:
        """Coordinates u (..., k-1) of the weights w (..., k).

        Raises ValueError if k < 2, or if w is not finite, not of unit norm or negative by more than `TOLERANCE`.
        """
        return self._coordinates(check_weights(w, signed=self.signed))

    @abstractmethod
    def _weights(self, u: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def _coordinates(self, w: np.ndarray) -> np.ndarray: ...

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def check_coordinates(u, k: int | None = None) -> np.ndarray:
    """`u` as float64 (..., k-1) inside the closed cube, or a ValueError that says what is wrong."""
    # Row after row: numpy adds up in memory order, and a point's bits must not depend on it.
    u = np.asarray(u, dtype=np.float64, order="C")
    if u.ndim == 0 or u.shape[-1] == 0:
        raise ValueError(
            f"u must have shape (..., k-1) with k of at least 2 seeds, got shape {u.shape}: "
            "a space of one seed has nothing to vary. Add a second seed."
        )
    if k is not None and u.shape[-1] != k - 1:
        raise ValueError(
            f"u has {u.shape[-1]} coordinates a point, but a space of {k} seeds has {k - 1} (one fewer than seeds)."
        )
    if not np.isfinite(u).all():
        raise ValueError(f"u must be finite, got {_first(u, ~np.isfinite(u))}.")
    outside = (u < -TOLERANCE) | (u > 1 + TOLERANCE)
    if outside.any():
        raise ValueError(f"u must lie in the cube [0, 1]^{u.shape[-1]}, got {_first(u, outside)}. Clip it to 0…1.")
    # + 0.0 turns -0.0 into 0.0.
    return np.clip(u, 0.0, 1.0) + 0.0


def check_weights(w, k: int | None = None, signed: bool = False) -> np.ndarray:
    """`w` as float64 (..., k), of unit norm and, unless `signed`, non-negative, or a ValueError that says what is wrong."""
    w = np.asarray(w, dtype=np.float64, order="C")
    if w.ndim == 0 or w.shape[-1] < 2:
        raise ValueError(f"w must have shape (..., k) with k of at least 2 seeds, got shape {w.shape}.")
    if k is not None and w.shape[-1] != k:
        raise ValueError(f"w has {w.shape[-1]} weights a point, but the space has {k} seeds: give one weight a seed.")
    if not np.isfinite(w).all():
        raise ValueError(f"w must be finite, got {_first(w, ~np.isfinite(w))}.")
    if not signed:
        if (w < -TOLERANCE).any():
            raise ValueError(f"w must not be negative, got {_first(w, w < -TOLERANCE)}.")
        w = np.maximum(w, 0.0)
    norm = np.linalg.norm(w, axis=-1, keepdims=True)
    off = np.abs(norm - 1) > TOLERANCE
    if off.any():
        raise ValueError(f"w must have norm 1, got norm {norm[off][0]:.6g}. Divide it by its norm.")
    return w


def _first(values: np.ndarray, wrong: np.ndarray) -> str:
    where = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{values[where]:g} at index {where}"
