"""A point of one space as a seed of another: the picture you chose on a grid becomes a corner of the next one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

from ..charts import check_weights
from ..seeds import Seed
from ..shapes import Parts
from .space import SurrogateSpace

__all__ = ["PointSeed", "recipe_size", "seed_at"]


@dataclass(frozen=True)
class PointSeed(Seed):
    """The noise at the point `u` (k-1 coordinates) of `space`: a recipe, drawn when needed, at any size the space has.

    Bit for bit the noise that the space gives for this point. `w` (k weights of unit norm) is the point itself where
    its coordinates do not give it back to the last bit.
    """

    space: SurrogateSpace = field(repr=False)
    u: tuple[float, ...]
    label: str
    w: tuple[float, ...] | None = None
    parts: Parts | None = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "parts", self.space.seeds.parts)

    @property
    def sources(self) -> tuple[Seed, ...]:
        return self.space.seeds.items

    @cached_property
    def identity(self) -> tuple:
        text = json.dumps([self.space.recipe(), self._weights().tolist()], sort_keys=True)
        return ("point", hashlib.sha256(text.encode()).hexdigest())

    def recipe(self) -> dict:
        # Versions that do not know `weights` read the coordinates.
        weights = {} if self.w is None else {"weights": list(self.w)}
        return {"point": list(self.u), **weights, "space": self.space.recipe(), "label": self.label}

    def noise(self, parts: Parts) -> list[torch.Tensor]:
        return [part[0] for part in self.space.combine(self._weights(), [list(part) for part in parts])]

    def _weights(self) -> np.ndarray:
        return self.space.weights(self.u) if self.w is None else np.array(self.w)


def seed_at(space: SurrogateSpace, u, label: str, w=None) -> Seed:
    """The seed that stands for the point u (k-1,) of `space`: at a vertex the vertex's own, else a `PointSeed`.

    `w` (k,) are the point's weights if they are known better than the chart gives them for `u`.
    Raises ValueError for coordinates or weights that are none of the space's.
    """
    u = np.asarray(u, dtype=np.float64).reshape(-1)
    by_u = space.weights(u)
    exact = (
        by_u if w is None else check_weights(np.asarray(w, dtype=np.float64).reshape(-1), space.k, space.chart.signed)
    )
    if (exact == 1).any():
        return space.seeds[int(exact.argmax())]
    said = bool((exact == by_u).all())
    return PointSeed(space, tuple(u.tolist()), label, None if said else tuple(exact.tolist()))


def recipe_size(seeds: Iterable[Seed]) -> int:
    """How many seeds the recipe of `seeds` names. Spaces within spaces double it quickly: each seed has its own copy."""
    known: dict[int, int] = {}  # by the identity of the seed: the same one may be met in many places

    def size(seed: Seed) -> int:
        if not isinstance(seed, PointSeed):
            return 1
        if id(seed) not in known:
            known[id(seed)] = 1 + sum(map(size, seed.sources))
        return known[id(seed)]

    return sum(map(size, seeds))
