"""Points of a space: coordinates, weights, grids, slices, walks, neighbours, random ones."""

from .points import (
    Axes,
    Points,
    corners,
    from_coordinates,
    from_weights,
    grid,
    neighbours,
    parse_numbers,
    parse_selection,
    path,
    random,
    slice_through,
    sobol,
    vertices,
)

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
