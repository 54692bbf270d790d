"""Points of a space: coordinates, weights, grids, slices, walks, neighbours, random ones."""

from .chance import neighbours, random, sobol
from .layouts import corners, grid, slice_through
from .points import Axes, Points, from_coordinates, from_weights, vertices
from .text import parse_numbers, parse_selection, write_weights
from .walks import path

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
    "write_weights",
]
