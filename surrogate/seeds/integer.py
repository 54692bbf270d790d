"""Integer seeds: recipes for the noise that ComfyUI draws."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import torch

from ..shapes import Parts
from .seed import Seed

__all__ = ["IntegerSeed"]

LARGEST_INTEGER = 2**64 - 1
LARGEST_BATCH = 4096  # of ComfyUI's empty latents


@dataclass(frozen=True)
class IntegerSeed(Seed):
    """The noise that ComfyUI draws for an integer: image `position` (from 0) of a batch of `batch`.

    Written `42`, or `42:3/4` for position 3 of a batch of 4. Position and batch size are part of the name because
    core draws a batch in one stream. Drawn by a private generator, bit for bit the noise of
    `comfy.sample.prepare_noise`; on another class of processor bits can differ by 2e-6.
    """

    value: int
    position: int = 0
    batch: int = 1
    parts = None

    def __post_init__(self):
        if not 0 <= self.value <= LARGEST_INTEGER:
            raise ValueError(f"An integer seed must be between 0 and 2^64 - 1, got {self.value}.")
        if not 1 <= self.batch <= LARGEST_BATCH:
            raise ValueError(f"A batch holds 1 to {LARGEST_BATCH} images, got {self.batch} in seed {self.label}.")
        if not 0 <= self.position < self.batch:
            raise ValueError(
                f"Seed {self.label}: a batch of {self.batch} has positions 0 to {self.batch - 1}, got {self.position}."
            )

    @classmethod
    def parse(cls, text: str) -> IntegerSeed:
        """`42` or `42:3/4`. Raises ValueError with what was read."""
        found = re.fullmatch(r"([0-9]{1,20})(?::([0-9]{1,9})/([0-9]{1,9}))?", text.strip())
        if not found:
            raise ValueError(
                f"{text.strip()!r} is not a seed: write a whole number from 0 to 2^64 - 1, such as 42, "
                "or 42:3/4 for image 3 (counted from 0) of a batch of 4."
            )
        value, position, batch = found.groups()
        return cls(int(value), int(position or 0), int(batch or 1))

    # When it is asked for: a space of a thousand integers is made often.
    @property
    def label(self) -> str:  # type: ignore[override]
        return str(self.value) if self.batch == 1 else f"{self.value}:{self.position}/{self.batch}"

    @property
    def identity(self) -> tuple:
        # The generator uses the low 32 bits alone. The batch size changes at most the last 16 values.
        return ("integer", self.value % 2**32, self.position)

    def recipe(self) -> str:
        return self.label

    def named(self, label: str) -> IntegerSeed:
        return self

    def noise(self, parts: Parts) -> list[torch.Tensor]:
        generator = torch.Generator("cpu").manual_seed(self.value)
        return [self._draw(part, generator, last=i == len(parts) - 1) for i, part in enumerate(parts)]

    def _draw(self, part: tuple[int, ...], generator: torch.Generator, last: bool) -> torch.Tensor:
        if math.prod(part) % 16:
            # The stream is filled in blocks of 16, the tail again: only the whole batch has the right bits.
            return torch.randn((self.batch, *part), generator=generator)[self.position].clone()
        sample = torch.empty(part)
        for _ in range(self.position + 1):
            torch.randn(part, generator=generator, out=sample)
        if not last:  # The next part of a nested latent continues the stream behind the whole batch.
            for _ in range(self.position + 1, self.batch):
                torch.randn(part, generator=generator)
        return sample
