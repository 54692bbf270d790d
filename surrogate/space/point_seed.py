"""A point of one space as a seed of another: the picture you chose on a grid becomes a corner of the next one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..seeds import Seed
from ..shapes import Parts

if TYPE_CHECKING:
    from .space import SurrogateSpace

__all__ = ["PointSeed", "seed_at"]


@dataclass(frozen=True)
class PointSeed(Seed):
    """The noise at the point `u` (k-1 coordinates) of `space`: a recipe, drawn when needed, at any size the space has.

    Bit for bit the noise that the space gives for this point.
    """

    space: SurrogateSpace = field(repr=False)
    u: tuple[float, ...]
    label: str

    @property
    def parts(self) -> Parts | None:
        return self.space.seeds.parts

    @cached_property
    def identity(self) -> tuple:
        text = json.dumps([self.space.recipe(), self.u], sort_keys=True)
        return ("point", hashlib.sha256(text.encode()).hexdigest())

    def recipe(self) -> dict:
        return {"point": list(self.u), "space": self.space.recipe(), "label": self.label}

    def noise(self, parts: Parts) -> list[torch.Tensor]:
        return [part[0] for part in self.space.latents([self.u], parts)]


def seed_at(space: SurrogateSpace, u, label: str) -> Seed:
    """The seed that stands for the point u (k-1,) of `space`: at a vertex the vertex's own, else a `PointSeed`."""
    u = np.asarray(u, dtype=np.float64).reshape(-1)
    w = space.weights(u)
    if (w == 1).any():
        return space.seeds[int(w.argmax())]
    return PointSeed(space, tuple(u.tolist()), label)
