"""Sets of points of a surrogate space: grids, slices, paths, neighbourhoods, random ones. Each point knows its label.

Every function takes the space first and returns `Points`. Seeds and coordinates are numbered from 1, as in the paper.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import scipy.stats.qmc
from scipy.special import ndtr

from ..charts import check_weights
from ..space import SurrogateSpace
from ..space.arcs import angle, between

__all__ = [
    "Axes",
    "Points",
    "corners",
    "from_coordinates",
    "from_weights",
    "grid",
    "neighbours",
    "parse_numbers",
    "parse_selection",
    "path",
    "random",
    "slice_through",
    "sobol",
    "vertices",
]

MOST = 100_000


@dataclass(frozen=True)
class Axes:
    """The two axes of a grid: titles, and one label a column and a row."""

    column_title: str
    column_labels: tuple[str, ...]
    row_title: str
    row_labels: tuple[str, ...]


@dataclass(frozen=True)
class Points:
    """n points: `u` (n, k-1); `labels`, what to write under each picture; `marks`, "seed 42" at a vertex, else None.

    `layout` (n, 2) are positions (x, y) on a sheet in units of cells, `axes` belong to a grid. Both may be None.
    """

    u: np.ndarray
    labels: tuple[str, ...]
    marks: tuple[str | None, ...]
    layout: np.ndarray | None = None
    axes: Axes | None = None

    def __len__(self) -> int:
        return len(self.u)

    def select(self, indices: Sequence[int]) -> Points:
        """The points at `indices` (from 0), in that order. They no longer lie on a sheet."""
        if len(indices) == 0:
            raise ValueError("No point is selected: name at least one.")
        return Points(
            self.u[list(indices)],
            tuple(self.labels[i] for i in indices),
            tuple(self.marks[i] for i in indices),
        )


def from_coordinates(space: SurrogateSpace, u) -> Points:
    """The points u (n, k-1)."""
    u = np.atleast_2d(np.asarray(u, dtype=np.float64))
    w = space.weights(u)
    if len(u) > MOST:
        raise ValueError(f"At most {MOST} points at once, got {len(u)}.")
    marks = [_mark(space, row) for row in w]
    return Points(np.clip(u, 0.0, 1.0), tuple(m or _shares(space, row) for m, row in zip(marks, w)), tuple(marks))


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
    # The largest to 1 first: no overflow, and a single weight becomes exactly 1.
    weights = weights / np.abs(weights).max(axis=1, keepdims=True)
    return from_coordinates(space, _coordinates(space, weights / np.linalg.norm(weights, axis=1, keepdims=True)))


def vertices(space: SurrogateSpace, seeds: Sequence[int] | None = None) -> Points:
    """The seeds themselves: those numbered in `seeds`, from 1, or all."""
    chosen = range(1, space.k + 1) if seeds is None else seeds
    if any(not 1 <= i <= space.k for i in chosen):
        raise ValueError(f"seeds must be numbers from 1 to {space.k}, got {list(chosen)}.")
    return from_weights(space, np.eye(space.k)[[i - 1 for i in chosen]])


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

    The other coordinates stay at `base` (k-1,), by default 0.5. A space of two seeds has one coordinate: one row.
    """
    _counts(columns=columns, rows=rows)
    if not 0 <= low <= high <= 1:
        raise ValueError(f"low and high must satisfy 0 <= low <= high <= 1, got {low:g} and {high:g}.")
    base = _base(space, base)
    if space.k == 2:
        row, rows = None, 1
    for name, value in {"column": column, "row": row}.items():
        if value is not None and not 1 <= value < space.k:
            raise ValueError(
                f"{name} must be one of the {space.k - 1} coordinates of a space of {space.k} seeds, got {value}."
            )
    if row == column:
        raise ValueError(f"column and row must be two different coordinates, got {column} for both.")
    xs, ys = _steps(columns, low, high), _steps(rows, low, high)
    u = np.tile(base, (rows, columns, 1))
    u[:, :, column - 1] = xs
    if row is not None:
        u[:, :, row - 1] = ys[:, None]
    points = from_coordinates(space, u.reshape(-1, space.k - 1))
    names = [f"u{column} = {x:.3g}" + (f", u{row} = {y:.3g}" if row else "") for y in ys for x in xs]
    axes = Axes(
        f"u{column}",
        tuple(f"{x:.3g}" for x in xs),
        f"u{row}" if row else "",
        tuple(f"{y:.3g}" for y in ys) if row else ("",),
    )
    return replace(points, labels=_or_marks(points, names), layout=_cells(columns, rows), axes=axes)


def corners(space: SurrogateSpace, seeds: Sequence[int] = (1, 2, 3, 4), columns: int = 5, rows: int = 5) -> Points:
    """A grid whose corners are four seeds: top left, top right, bottom left, bottom right.

    Weights are a product of two quarter circles, (cos α, sin α) ⊗ (cos β, sin β): of unit norm and non-negative
    everywhere, even angular steps along each row and column.
    """
    _counts(columns=columns, rows=rows)
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
    if side < 2:
        raise ValueError(f"side must be at least 2, got {side}.")
    _counts(side=side)
    a, b, c = _seed_indices(space, seeds, 3)
    steps = side - 1
    places = [(r, j) for r in range(side) for j in range(r + 1)]
    w = np.zeros((len(places), space.k))
    for row, (r, j) in zip(w, places):
        row[[a, b, c]] = (steps - r) / steps, (r - j) / steps, j / steps
    layout = np.array([((steps - r) / 2 + j, r) for r, j in places], dtype=np.float64)
    return replace(from_weights(space, w), layout=layout)


def path(space: SurrogateSpace, waypoints, frames: int = 24, closed: bool = False) -> Points:
    """A walk through `waypoints`, weights (m, k) of unit norm, along great circles, at even angular steps.

    Open: from the first to the last. Closed: back to the first, which is not repeated, so that the frames loop.
    A frame that meets a waypoint is that waypoint exactly. Raises ValueError if the waypoints are all one point.
    """
    waypoints = check_weights(np.atleast_2d(waypoints), space.k, space.chart.signed)
    if frames < 2:
        raise ValueError(f"frames must be at least 2, got {frames}.")
    _counts(frames=frames)
    stops = np.concatenate([waypoints, waypoints[:1]]) if closed else waypoints
    angles = np.array([angle(a, b) for a, b in pairwise(stops)])
    along = np.concatenate([[0.0], np.cumsum(angles)])
    if along[-1] < 1e-9:
        raise ValueError("The path has no length: name at least two different waypoints.")
    w = []
    for s in along[-1] * np.arange(frames) / (frames if closed else frames - 1):
        met = np.flatnonzero(np.abs(along - s) < 1e-9)
        if len(met):
            w.append(stops[met[0]])
            continue
        i = int(np.searchsorted(along, s)) - 1
        w.append(between(stops[i], stops[i + 1], (s - along[i]) / angles[i]))
    return from_weights(space, np.array(w))


def neighbours(
    space: SurrogateSpace, base, count: int = 8, radius: float = 15.0, seed: int = 0, include_base: bool = True
) -> Points:
    """`base` (k-1,) and `count` random points within `radius` degrees of it, evenly spread over the directions.

    A point that would leave the orthant is mirrored back into it, which never takes it further away.
    The first points of a larger `count` are those of a smaller one.
    """
    _counts(count=count)
    if not 0 < radius <= 90:
        raise ValueError(f"radius must be an angle above 0 and up to 90 degrees, got {radius:g}.")
    centre = space.weights(_base(space, base))
    draws = _generator(seed).standard_normal((count, space.k + 1))
    direction = draws[:, :-1] - (draws[:, :-1] @ centre)[:, None] * centre
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    angle = np.radians(radius) * ndtr(draws[:, -1:]) ** (1 / (space.k - 1))
    w = np.cos(angle) * centre + np.sin(angle) * direction
    if not space.chart.signed:
        w = np.abs(w)
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    u = _coordinates(space, np.concatenate([centre[None], w] if include_base else [w]))
    if include_base:
        u[0] = _base(space, base)
    return from_coordinates(space, u)


def random(space: SurrogateSpace, count: int = 8, seed: int = 0) -> Points:
    """`count` points uniform in the cube. The first ones of a larger `count` are those of a smaller one."""
    _counts(count=count)
    return from_coordinates(space, _generator(seed).random((count, space.k - 1)))


def sobol(space: SurrogateSpace, count: int = 8, seed: int = 0) -> Points:
    """`count` points of a scrambled Sobol sequence: they fill the cube more evenly than random ones."""
    _counts(count=count)
    _generator(seed)
    sequence = scipy.stats.qmc.Sobol(space.k - 1, scramble=True, seed=seed)
    # Whole powers of two keep the balance of the sequence (and scipy from warning).
    return from_coordinates(space, sequence.random_base2(max(0, (count - 1).bit_length()))[:count])


def parse_numbers(text: str, name: str) -> list[list[float]]:
    """Rows of numbers: one row a line, numbers separated by commas, semicolons or spaces. `name` is for the errors."""
    rows = []
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            rows.append([float(entry) for entry in re.split(r"[,;\s]+", line.strip().strip(",;").strip())])
        except ValueError:
            raise ValueError(
                f"{name}: {line.strip()!r} is not a list of numbers such as 0.5, 0.25 (one point a line)."
            ) from None
    if not rows:
        raise ValueError(f"{name} is empty: write numbers, one point a line.")
    if len({len(row) for row in rows}) > 1:
        raise ValueError(f"{name}: every line must have as many numbers, got {[len(row) for row in rows]}.")
    return rows


def parse_selection(text: str, count: int, name: str) -> list[int]:
    """Numbers from 1 such as `3, 5-7, last` or `all`, as indices from 0, in the order written."""
    indices = []
    for entry in re.split(r"[,;\s]+", re.sub(r"\s*-\s*", "-", text.strip(",; \t\r\n"))):
        if entry == "all":
            indices += range(count)
            continue
        found = re.fullmatch(r"([0-9]{1,9}|last)(?:-([0-9]{1,9}|last))?", entry)
        if not found:
            raise ValueError(f"{name}: {entry!r} is not a number from 1 to {count}, a range such as 2-5, last, or all.")
        first, last = (count if e == "last" else int(e) for e in (found[1], found[2] or found[1]))
        for number in (first, last):
            if not 1 <= number <= count:
                raise ValueError(f"{name}: there are {count}, numbered from 1; got {number}.")
        indices += [i - 1 for i in (range(first, last + 1) if first <= last else range(first, last - 1, -1))]
    return indices


def _coordinates(space: SurrogateSpace, w: np.ndarray) -> np.ndarray:
    return space.chart.coordinates(w)


def _shares(space: SurrogateSpace, w: np.ndarray) -> str:
    """Which seeds make a point: their squared weights, which add up to 100 %."""
    shares = w**2
    most = np.argsort(-shares.round(9), kind="stable")
    shown = [i for i in most[:3] if shares[i] >= 0.005]
    text = " · ".join(f"{space.seeds.labels[i]} {100 * shares[i]:.0f}%" for i in shown)
    return text + (" …" if 1 - shares[shown].sum() >= 0.005 else "")


def _mark(space: SurrogateSpace, w: np.ndarray) -> str | None:
    return f"seed {space.seeds.labels[int(w.argmax())]}" if (w == 1).any() else None


def _or_marks(points: Points, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{mark}, {name}" if mark else name for mark, name in zip(points.marks, names))


def _steps(count: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    return np.linspace(low, high, count) if count > 1 else np.array([(low + high) / 2])


def _cells(columns: int, rows: int) -> np.ndarray:
    return np.array([(x, y) for y in range(rows) for x in range(columns)], dtype=np.float64)


def _base(space: SurrogateSpace, base) -> np.ndarray:
    if base is None:
        return np.full(space.k - 1, 0.5)
    base = np.asarray(base, dtype=np.float64)
    space.weights(base)
    return base


def _seed_indices(space: SurrogateSpace, seeds: Sequence[int], count: int) -> list[int]:
    seeds = [int(s) for s in seeds]
    if len(seeds) != count or len(set(seeds)) != count or not all(1 <= s <= space.k for s in seeds):
        raise ValueError(
            f"seeds must name {count} different seeds of this space by number, 1 to {space.k}, got {seeds}"
            + (f": this space has only {space.k}." if space.k < count else ".")
        )
    return [s - 1 for s in seeds]


def _counts(**counts: int) -> None:
    total = 1
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")
        total *= value
    if total > MOST:
        raise ValueError(f"At most {MOST} points at once, got {' × '.join(str(v) for v in counts.values())}.")


def _generator(seed: int) -> np.random.Generator:
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed must be between 0 and 2^64 - 1, got {seed}.")
    return np.random.default_rng(seed)
