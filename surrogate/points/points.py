"""Points of a space: their weights, their coordinates where these are asked for, and what to write under each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..charts import Chart, check_coordinates, check_weights
from ..checks import whole
from ..space import SurrogateSpace

__all__ = ["MOST", "Axes", "Points", "from_coordinates", "from_weights", "of_unit_weights", "unit", "vertices"]

MOST = 100_000


@dataclass(frozen=True)
class Axes:
    """The two axes of a grid: titles, and one label a column and a row."""

    column_title: str
    column_labels: tuple[str, ...]
    row_title: str
    row_labels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Points:
    """n points of a space of k seeds: weights `w` (n, k) of unit norm, `labels`, what to write under each picture, and
    `marks`, "seed 42" at a vertex, else None.

    `w` is what the noise is made of. Coordinates do not say as much: in a large space many points near a seed have the
    same ones. `typed` (n, k-1) are the coordinates that a caller gave, with NaN for a point that was made from weights.
    `layout` (n, 2) are positions (x, y) on a sheet in units of cells, `axes` belong to a grid, `space` is the one that the
    points were made in. All four may be None.
    """

    chart: Chart
    w: np.ndarray
    labels: tuple[str, ...]
    marks: tuple[str | None, ...]
    layout: np.ndarray | None = None
    axes: Axes | None = None
    typed: np.ndarray | None = None
    space: SurrogateSpace | None = None

    def __len__(self) -> int:
        return len(self.w)

    @cached_property
    def u(self) -> np.ndarray:
        """Coordinates (n, k-1): those that were given, else the chart's for `w`."""
        if self.typed is None:
            return self.chart.coordinates(self.w)
        made = np.isnan(self.typed).any(axis=1)
        u = self.typed.copy()
        if made.any():
            u[made] = self.chart.coordinates(self.w[made])
        return u

    @cached_property
    def exact(self) -> np.ndarray:
        """Which points (n,) `u` gives back to the last bit. The others need their weights as well."""
        return (self.chart.weights(self.u) == self.w).all(axis=1)

    def lost(self, tolerance: float = 1e-6) -> np.ndarray:
        """Which points (n,) the chart takes elsewhere if it is given `u`: by more than `tolerance` in a weight."""
        return (np.abs(self.chart.weights(self.u) - self.w) > tolerance).any(axis=1)

    def recipe(self, i: int) -> dict:
        """What rebuilds point i in its space (JSON): `u`, and `weights` if `u` does not give them back to the last bit."""
        weights = {} if self.exact[i] else {"weights": self.w[i].tolist()}
        return {"u": self.u[i].tolist(), **weights}

    def select(self, indices: Sequence[int]) -> Points:
        """The points at `indices` (from 0), in that order. They no longer lie on a sheet."""
        if len(indices) == 0:
            raise ValueError("No point is selected: name at least one.")
        rows = list(indices)
        return Points(
            self.chart,
            self.w[rows],
            tuple(self.labels[i] for i in rows),
            tuple(self.marks[i] for i in rows),
            typed=None if self.typed is None else self.typed[rows],
            space=self.space,
        )


def from_coordinates(space: SurrogateSpace, u) -> Points:
    """The points u (n, k-1), or one point u (k-1,).

    Raises ValueError if u leaves the cube by more than rounding, or has another number of coordinates.
    """
    u = check_coordinates(np.atleast_2d(np.asarray(u, dtype=np.float64)), space.k)
    return of_unit_weights(space, space.weights(u), u)


def from_weights(space: SurrogateSpace, weights) -> Points:
    """The points of non-negative `weights` (n, k), which need not have unit norm.

    Raises ValueError for a negative weight, or a row of zeros.
    """
    weights = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    if weights.shape[-1] != space.k:
        raise ValueError(f"weights must give one number for each of the {space.k} seeds, got {weights.shape[-1]}.")
    if not np.isfinite(weights).all() or ((weights < 0).any() and not space.chart.signed):
        raise ValueError(f"weights must be finite and not negative, got {weights.tolist()}.")
    if not weights.any(axis=1).all():
        raise ValueError("weights must not all be 0: at least one seed must count.")
    return of_unit_weights(space, unit(weights))


def unit(weights: np.ndarray) -> np.ndarray:
    """`weights` (n, k), no row all zeros, each row scaled to norm 1."""
    # The largest to 1 first: no overflow, and a single weight becomes exactly 1.
    weights = weights / np.abs(weights).max(axis=1, keepdims=True)
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


def of_unit_weights(space: SurrogateSpace, w, typed: np.ndarray | None = None) -> Points:
    """The points of weights w (n, k) of unit norm, as they are; `typed` as in `Points`.

    Raises ValueError for more than 100,000 points, and for weights that are not of unit norm.
    """
    w = check_weights(w, space.k, space.chart.signed)
    if len(w) > MOST:
        raise ValueError(f"At most {MOST} points at once, got {len(w)}.")
    marks = _marks(space, w)
    labels = tuple(mark or _shares(space, row) for mark, row in zip(marks, w, strict=True))
    return Points(space.chart, w, labels, marks, typed=typed, space=space)


def vertices(space: SurrogateSpace, seeds: Iterable[int] | None = None) -> Points:
    """The seeds themselves: those numbered in `seeds`, from 1, or all."""
    chosen = list(range(1, space.k + 1) if seeds is None else seeds)
    if any(not 1 <= i <= space.k for i in chosen):
        raise ValueError(f"seeds must be numbers from 1 to {space.k}, got {chosen}.")
    return from_weights(space, np.eye(space.k)[[whole("seeds", i) - 1 for i in chosen]])


def _shares(space: SurrogateSpace, w: np.ndarray) -> str:
    """Which seeds make a point: their squared weights, which add up to 100 %."""
    shares = w**2
    most = np.argsort(-shares.round(9), kind="stable")
    shown = [i for i in most[:3] if shares[i] >= 0.005]
    text = " · ".join(f"{space.seeds.labels[i]} {100 * shares[i]:.0f}%" for i in shown)
    return text + (" …" if 1 - shares[shown].sum() >= 0.005 else "")


def _marks(space: SurrogateSpace, w: np.ndarray) -> tuple[str | None, ...]:
    seeds = np.where((w == 1).any(axis=1), w.argmax(axis=1), -1).tolist()
    return tuple(f"seed {space.seeds.labels[i]}" if i >= 0 else None for i in seeds)
