"""Points that are laid out on a sheet: a grid over two coordinates, one between four seeds, a slice through three."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..checks import whole
from ..space import SurrogateSpace
from .points import MOST, Axes, Points, from_coordinates, from_weights

__all__ = ["base_coordinates", "check_counts", "corners", "grid", "slice_through"]


def grid(
    space: SurrogateSpace,
    columns: int = 5,
    rows: int = 5,
    column: int = 1,
    row: int = 2,
    base=None,
    low: float = 0.0,
    high: float = 1.0,
) -> Points:
    """A grid over the coordinates u_column (to the right) and u_row (downwards), from `low` to `high`.

    The other coordinates stay at `base`: coordinates (k-1,), the first of some `Points`, or by default 0.5.
    A space of two seeds has one coordinate: one row.
    """
    check_counts(columns=columns, rows=rows)
    if not 0 <= low <= high <= 1:
        raise ValueError(f"low and high must satisfy 0 <= low <= high <= 1, got {low:g} and {high:g}.")
    second = _second_coordinate(space, column, row)
    rows = 1 if second is None else rows
    xs, ys = _steps(columns, low, high), _steps(rows, low, high)
    u = np.tile(base_coordinates(space, base), (rows, columns, 1))
    u[:, :, column - 1] = xs
    if second is not None:
        u[:, :, second - 1] = ys[:, None]
    points = from_coordinates(space, u.reshape(-1, space.k - 1))
    names = [f"u{column} = {x:.3g}" + (f", u{second} = {y:.3g}" if second else "") for y in ys for x in xs]
    axes = Axes(
        f"u{column}",
        tuple(f"{x:.3g}" for x in xs),
        f"u{second}" if second else "",
        tuple(f"{y:.3g}" for y in ys) if second else ("",),
    )
    return replace(points, labels=_or_marks(points, names), layout=_cells(columns, rows), axes=axes)


def corners(space: SurrogateSpace, seeds: Sequence[int] = (1, 2, 3, 4), columns: int = 5, rows: int = 5) -> Points:
    """A grid whose corners are four seeds: top left, top right, bottom left, bottom right.

    Weights are a product of two quarter circles, (cos α, sin α) ⊗ (cos β, sin β): of unit norm and non-negative
    everywhere, even angular steps along each row and column.
    """
    check_counts(columns=columns, rows=rows)
    which = _seed_indices(space, seeds, 4)
    quarter = [
        np.stack([np.sin(np.pi / 2 * (1 - t)), np.sin(np.pi / 2 * t)], -1) for t in (_steps(columns), _steps(rows))
    ]
    w = np.zeros((rows, columns, space.k))
    for i, seed in enumerate(which):
        w[:, :, seed] = quarter[1][:, None, i // 2] * quarter[0][None, :, i % 2]
    points = from_weights(space, w.reshape(-1, space.k))
    a, b, c, d = (space.seeds.labels[i] for i in which)
    axes = Axes(
        f"{a} to {b} (top), {c} to {d} (bottom)",
        tuple(f"{x:.2g}" for x in _steps(columns)),
        "top to bottom",
        tuple(f"{y:.2g}" for y in _steps(rows)),
    )
    return replace(points, layout=_cells(columns, rows), axes=axes)


def slice_through(space: SurrogateSpace, seeds: Sequence[int] = (1, 2, 3), side: int = 5) -> Points:
    """A flat slice through three seeds: a triangle with the seeds at its corners, `side` points along each edge.

    Weights are barycentric coordinates made unit: the plane through the seeds, seen from the centre of the sphere.
    Straight lines of the triangle are great circles, and every point is valid. side·(side+1)/2 points.
    """
    whole("side", side, 2)
    check_counts(side=side)
    a, b, c = _seed_indices(space, seeds, 3)
    steps = side - 1
    places = [(r, j) for r in range(side) for j in range(r + 1)]
    w = np.zeros((len(places), space.k))
    for row, (r, j) in zip(w, places, strict=True):
        row[[a, b, c]] = (steps - r) / steps, (r - j) / steps, j / steps
    layout = np.array([((steps - r) / 2 + j, r) for r, j in places], dtype=np.float64)
    return replace(from_weights(space, w), layout=layout)


def base_coordinates(space: SurrogateSpace, base) -> np.ndarray:
    """The coordinates (k-1,) of `base`: these, or the first of some `Points`, or None for 0.5 everywhere."""
    if base is None:
        return np.full(space.k - 1, 0.5)
    u = np.asarray(base.u[0] if isinstance(base, Points) else base, dtype=np.float64)
    space.weights(u)
    return u


def check_counts(**counts: int) -> None:
    """Raises ValueError if a count is less than 1, or their product more points than there can be at once."""
    total = 1
    for name, value in counts.items():
        total *= whole(name, value, 1)
    if total > MOST:
        raise ValueError(f"At most {MOST} points at once, got {' × '.join(str(v) for v in counts.values())}.")


def _second_coordinate(space: SurrogateSpace, column: int, row: int) -> int | None:
    """`row`, or None in a space of one coordinate. Raises ValueError if column and row are not two coordinates of `space`."""
    second = None if space.k == 2 else row
    for name, value in {"column": column, "row": second}.items():
        if value is not None and not 1 <= value < space.k:
            raise ValueError(
                f"{name} must be one of the {space.k - 1} coordinates of a space of {space.k} seeds, got {value}."
            )
    if second == column:
        raise ValueError(f"column and row must be two different coordinates, got {column} for both.")
    return second


def _seed_indices(space: SurrogateSpace, seeds: Sequence[int], count: int) -> list[int]:
    seeds = [int(s) for s in seeds]
    if len(seeds) != count or len(set(seeds)) != count or not all(1 <= s <= space.k for s in seeds):
        raise ValueError(
            f"seeds must name {count} different seeds of this space by number, 1 to {space.k}, got {seeds}"
            + (f": this space has only {space.k}." if space.k < count else ".")
        )
    return [s - 1 for s in seeds]


def _or_marks(points: Points, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{mark}, {name}" if mark else name for mark, name in zip(points.marks, names, strict=True))


def _steps(count: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    return np.linspace(low, high, count) if count > 1 else np.array([(low + high) / 2])


def _cells(columns: int, rows: int) -> np.ndarray:
    return np.array([(x, y) for y in range(rows) for x in range(columns)], dtype=np.float64)
