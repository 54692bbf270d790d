"""The noise of a clip that moved along a path, as a seed of another space."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property

import torch

from ..seeds import Seed
from ..shapes import Parts
from .over_time import Stretch, latents_over_time
from .space import SurrogateSpace

__all__ = ["ClipSeed"]


@dataclass(frozen=True)
class ClipSeed(Seed):
    """The noise of one `stretch` of a path through `space`: a recipe, drawn when needed, at any size that has time.

    Bit for bit what `latents_over_time` gives for it; `sound` as there.
    """

    space: SurrogateSpace = field(repr=False)
    stretch: Stretch = field(repr=False)
    sound: bool
    label: str
    parts: Parts | None = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "parts", self.space.seeds.parts)

    @property
    def sources(self) -> tuple[Seed, ...]:
        return self.space.seeds.items

    @cached_property
    def identity(self) -> tuple:
        recipe = {name: value for name, value in self.recipe().items() if name != "label"}
        return ("clip", hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest())

    def recipe(self) -> dict:
        w = self.stretch.stops(self.space)
        said = bool((w == self.space.weights(self.stretch.u)).all())
        return {
            "path": self.stretch.u.tolist(),
            **({} if said else {"weights": w.tolist()}),
            "start": self.stretch.start,
            "end": self.stretch.end,
            "movement": self.stretch.movement,
            "sound": self.sound,
            "space": self.space.recipe(),
            "label": self.label,
        }

    def noise(self, parts: Parts) -> list[torch.Tensor]:
        return [part[0] for part in latents_over_time(self.space, [self.stretch], parts, self.sound)]
