"""What is typed into the nodes that choose points and that make their noise, made into points and batches of them.

Each function is a node's act: the node calls it with what was typed and shows its defaults, and the reader of prompts in
pictures calls the same function. Parameters have the names of the node's inputs. Seeds and coordinates are numbered from 1.
"""

from __future__ import annotations

from collections.abc import Callable

from ..checks import choice
from ..seeds import Seeds
from ..space import SurrogateSpace
from ..space.over_time import MOVEMENTS, Stretch
from ..space.point_seed import seed_at
from . import chance, layouts, walks
from .batches import in_groups
from .points import Points, from_coordinates, from_weights, vertices
from .text import parse_numbers, parse_selection

__all__ = [
    "METHODS",
    "batches",
    "corners",
    "grid",
    "neighbours",
    "path",
    "point",
    "random_points",
    "seeds",
    "select",
    "slice_through",
    "stretches_in_batches",
    "weights",
]

METHODS: dict[str, Callable[..., Points]] = {"sobol": chance.sobol, "uniform": chance.random}


def point(space: SurrogateSpace, coordinates: str = "0.5") -> Points:
    """A point for each line of k-1 numbers; a single number is used for all coordinates."""
    rows = parse_numbers(coordinates, "coordinates")
    if len(rows[0]) == 1:
        rows = [row * (space.k - 1) for row in rows]
    return from_coordinates(space, rows)


def weights(space: SurrogateSpace, weights: str = "1, 1, 1, 1") -> Points:
    """A point for each line of k numbers, of which the ratios count."""
    return from_weights(space, parse_numbers(weights, "weights"))


def grid(
    space: SurrogateSpace,
    columns: int = 5,
    rows: int = 5,
    column: int = 1,
    row: int = 2,
    low: float = 0.0,
    high: float = 1.0,
    base: Points | None = None,
) -> Points:
    """A grid over the coordinates `column` and `row`; the others are those of the first point of `base`, or 0.5."""
    return layouts.grid(space, columns, rows, column, row, base, low, high)


def corners(space: SurrogateSpace, seeds: str = "1, 2, 3, 4", columns: int = 5, rows: int = 5) -> Points:
    """A grid with one of four seeds in each corner: top left, top right, bottom left, bottom right."""
    return layouts.corners(space, _seeds(space, seeds), columns, rows)


def slice_through(space: SurrogateSpace, seeds: str = "1, 2, 3", side: int = 5) -> Points:
    """A triangle with three seeds at its corners and `side` points along each edge."""
    return layouts.slice_through(space, _seeds(space, seeds), side)


def path(
    space: SurrogateSpace, seeds: str = "all", frames: int = 24, closed: bool = True, waypoints: Points | None = None
) -> Points:
    """A walk of `frames` points through `seeds`, or through `waypoints` if there are some."""
    stops = vertices(space, _seeds(space, seeds)) if waypoints is None else waypoints
    return walks.path(space, stops.w, frames, closed)


def neighbours(
    space: SurrogateSpace,
    points: Points,
    count: int = 8,
    radius: float = 15.0,
    random_seed: int = 0,
    include_point: bool = True,
) -> Points:
    """`count` random points within `radius` degrees of the first of `points`."""
    return chance.neighbours(space, points, count, radius, random_seed, include_point)


def random_points(space: SurrogateSpace, count: int = 8, method: str = "sobol", random_seed: int = 0) -> Points:
    """`count` points all over the space. Raises ValueError for a method that is not in `METHODS`."""
    return METHODS[choice("method", method, METHODS)](space, count, random_seed)


def select(points: Points, numbers: str = "1") -> Points:
    """The points of these numbers, in the order written."""
    return points.select(parse_selection(numbers, len(points), "numbers"))


def seeds(space: SurrogateSpace, points: Points) -> Seeds:
    """A seed for each point, in their order: at a seed of the space that seed itself, elsewhere the noise of the point.

    Raises ValueError for points of a space with another number of seeds.
    """
    if points.w.shape[1] != space.k:
        raise ValueError(
            f"points belong to a space of {points.w.shape[1]} seeds, but space has {space.k}: connect the space that the "
            "points were made from."
        )
    made = zip(points.u, points.w, strict=True)
    return Seeds.join([Seeds((seed_at(space, u, f"point {i}", w),)) for i, (u, w) in enumerate(made, 1)])


def batches(points: Points, images_per_batch: int = 0) -> list[list[int]]:
    """The indices of the points that are sampled together; `images_per_batch` 0: all at once."""
    return in_groups(len(points), images_per_batch)


def stretches_in_batches(
    points: Points,
    movement: str = MOVEMENTS[0],
    start: float = 0.0,
    end: float = 1.0,
    stretches: int = 1,
    clips_per_batch: int = 1,
) -> list[list[Stretch]]:
    """The way from `start` to `end` of the path `points`, cut into stretches, in batches; `clips_per_batch` 0: one batch."""
    cut = Stretch(points.u, start, end, movement, points.w).cut(stretches)
    return [[cut[i] for i in group] for group in in_groups(stretches, clips_per_batch)]


def _seeds(space: SurrogateSpace, text: str) -> list[int]:
    return [i + 1 for i in parse_selection(text, space.k, "seeds")]
