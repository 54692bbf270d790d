"""Spaces that an optimiser widens: the points of the space that was given, in the one that is searched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..charts import chart_named, check_coordinates
from ..recipes import space_from_recipe
from ..space import SurrogateSpace
from .definition import Definition
from .optimisers import Optimiser

__all__ = ["corners", "points_of", "searched"]

# In a space's recipe: the seeds and the chart of the space that an optimiser has widened to it.
WIDENED = "widened"


def searched(space, optimiser: Optimiser, seed: int) -> tuple[SurrogateSpace | None, Any]:
    """The space that `optimiser` searches, as far as it is known, and its recipe with the origin of a widened one."""
    if isinstance(space, Mapping) and optimiser.widens:
        space = space_from_recipe(space)  # raises if it needs tensors
    if not isinstance(space, SurrogateSpace):
        return None, space
    wide = optimiser.widened(space, seed)
    recipe = wide.recipe()
    return wide, {**recipe, WIDENED: {"seeds": space.k, "chart": space.chart.name}} if wide is not space else recipe


def points_of(definition: Definition, u) -> np.ndarray:
    """Points u as points (n, k-1) of the space that is searched; those of the space that was widened keep their noise.

    Raises ValueError for points of neither.
    """
    u = np.atleast_2d(np.asarray(u, dtype=np.float64))
    origin = definition.space.get(WIDENED)
    if origin is None or u.shape[-1] != origin["seeds"] - 1:
        return check_coordinates(u, definition.k)
    w = np.zeros((len(u), definition.k))
    w[:, : origin["seeds"]] = chart_named(origin["chart"]).weights(u)
    return chart_named(definition.space["chart"]).coordinates(w)


def corners(definition: Definition) -> np.ndarray:
    """The seeds of the space that was given, as points (k, k-1) of the one that is searched."""
    k, origin = definition.k, definition.space.get(WIDENED)
    w = np.eye(k)[: k if origin is None else origin["seeds"]]
    return chart_named(definition.space["chart"]).coordinates(w)
