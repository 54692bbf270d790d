"""What a seed is: a starting noise that stands for an example."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import TypeVar

import torch

from ..shapes import Parts, describe

__all__ = ["FixedSeed", "Seed"]

S = TypeVar("S", bound="Seed")


class Seed(ABC):
    """One example: something that knows its noise."""

    label: str
    # The shapes of the noise, or None if any shape can be drawn.
    parts: Parts | None

    @abstractmethod
    def noise(self, parts: Parts) -> list[torch.Tensor]:
        """The noise, one float32 CPU tensor a part. Shared memory: do not write into it."""

    @abstractmethod
    def recipe(self) -> str | dict:
        """What a picture's metadata says of this seed (JSON)."""

    def named(self: S, label: str) -> S:
        """The same noise under another label. An integer keeps its own, which is its number."""
        other = copy.copy(self)
        object.__setattr__(other, "label", label)
        return other

    @property
    def sources(self) -> tuple[Seed, ...]:
        """The seeds that this noise is blended from when it is drawn."""
        return ()

    @property
    @abstractmethod
    def identity(self) -> tuple:
        """Equal for two seeds that give the same noise."""


class FixedSeed(Seed):
    """A noise that is given as values, so it has one size. `checksum`: SHA-256 of its float32 values, part by part."""

    parts: Parts

    @property
    @abstractmethod
    def checksum(self) -> str: ...

    @property
    def identity(self) -> tuple:
        return ("tensor", self.checksum)

    def recipe(self) -> dict:
        shapes = [list(part) for part in self.parts]
        return {"tensor": self.checksum, "shape": shapes if len(shapes) > 1 else shapes[0], "label": self.label}

    def noise(self, parts: Parts) -> list[torch.Tensor]:
        if parts != self.parts:
            raise ValueError(
                f"Seed {self.label} is a noise of shape {describe(self.parts)}, but the latent to be sampled has shape "
                f"{describe(parts)}. Use a latent of the seed's size, or integer seeds, which fit any size."
            )
        return self._values()

    @abstractmethod
    def _values(self) -> list[torch.Tensor]: ...
