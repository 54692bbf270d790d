"""Seeds: the starting noises that stand for the examples. From integers (recipes, drawn when needed) or tensors."""

from __future__ import annotations

import hashlib
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch

from ..shapes import Parts, describe

__all__ = ["FixedSeed", "IntegerSeed", "Seed", "Seeds", "TensorSeed", "check_noise", "checksum"]

LARGEST_INTEGER = 2**64 - 1
LARGEST_BATCH = 4096  # of ComfyUI's empty latents


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

    @property
    @abstractmethod
    def identity(self) -> tuple:
        """Equal for two seeds that give the same noise."""


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

    @property
    def label(self) -> str:
        return str(self.value) if self.batch == 1 else f"{self.value}:{self.position}/{self.batch}"

    @property
    def identity(self) -> tuple:
        # The generator uses the low 32 bits alone. The batch size changes at most the last 16 values.
        return ("integer", self.value % 2**32, self.position)

    def recipe(self) -> str:
        return self.label

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


class FixedSeed(Seed):
    """A noise that is given as values, so it has one size. `checksum`: SHA-256 of its float32 values, part by part."""

    checksum: str
    parts: Parts

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


@dataclass(frozen=True)
class TensorSeed(FixedSeed):
    """A noise that is held in memory: row `row` of `batch` (one float32 tensor a part)."""

    batch: tuple[torch.Tensor, ...] = field(repr=False)
    row: int
    label: str

    @cached_property
    def parts(self) -> Parts:
        return tuple(tuple(part.shape[1:]) for part in self.batch)

    @property
    def checksum(self) -> str:
        return checksum(part[self.row] for part in self.batch)

    def _values(self) -> list[torch.Tensor]:
        return [part[self.row] for part in self.batch]


@dataclass(frozen=True)
class Seeds:
    """An ordered set of seeds; the order is the order of the weights."""

    items: tuple[Seed, ...]

    @classmethod
    def from_text(cls, text: str) -> Seeds:
        """Integer seeds separated by commas, semicolons, spaces or lines.

        Raises ValueError for empty text and names every entry that is not a seed.
        """
        if not text.strip():
            raise ValueError("The list of seeds is empty: write at least two whole numbers, such as 12, 99, 1024, 7.")
        entries = re.split(r"\s*[,;]\s*|\s+", text.strip().rstrip(",;").rstrip())
        seeds, wrong = [], []
        for number, entry in enumerate(entries, 1):
            try:
                if not entry:
                    raise ValueError("there is nothing between two separators.")
                seeds.append(IntegerSeed.parse(entry))
            except ValueError as error:
                wrong.append(f"entry {number}: {error}")
        if wrong:
            raise ValueError("The list of seeds cannot be read. " + " ".join(wrong))
        return cls(tuple(seeds))

    @classmethod
    def from_range(cls, first: int, count: int) -> Seeds:
        """The `count` integers from `first` on."""
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}.")
        return cls(tuple(IntegerSeed(first + i) for i in range(count)))

    @classmethod
    def from_tensors(cls, noises, labels: Sequence[str] | None = None) -> Seeds:
        """One seed for each row of `noises`: (k, *latent_shape), or a list of such tensors for a nested latent.

        Any floating dtype and device; kept as float32 on the CPU.
        Raises ValueError if a noise is not finite, all zeros (an empty latent), or not floating point.
        """
        batch = [noises] if isinstance(noises, torch.Tensor) else list(noises)
        counts = [len(part) if part.ndim > 1 and part.numel() else 0 for part in batch]
        if not counts or min(counts) == 0 or len(set(counts)) > 1:
            shapes = [tuple(part.shape) for part in batch]
            raise ValueError(f"noises must have shape (k, *latent_shape) with the same k in every part, got {shapes}.")
        if not all(part.is_floating_point() for part in batch):
            raise ValueError(f"noises must be floating point, got {[str(part.dtype) for part in batch]}.")
        labels = list(labels) if labels is not None else [f"latent {i + 1}" for i in range(counts[0])]
        if len(labels) != counts[0]:
            raise ValueError(f"labels must name each of the {counts[0]} noises, got {len(labels)} labels.")
        # A copy: whoever made the tensor may write into it later.
        batch = tuple(part.detach().to("cpu", torch.float32, copy=True).contiguous() for part in batch)
        for row, label in enumerate(labels):
            check_noise([part[row] for part in batch], label)
        return cls(tuple(TensorSeed(batch, row, label) for row, label in enumerate(labels)))

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Seed]:
        return iter(self.items)

    def __getitem__(self, index: int) -> Seed:
        return self.items[index]

    def __add__(self, other: Seeds) -> Seeds:
        return Seeds(self.items + other.items)

    def others(self, count: int, name: str) -> Seeds:
        """`count` integer seeds that are none of these and follow from `name`: another name, another run of integers."""
        taken = {seed.identity for seed in self.items}
        value = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
        fresh: list[Seed] = []
        while len(fresh) < count:
            value = (value + 1) % 2**32
            seed = IntegerSeed(value)
            if seed.identity not in taken:
                fresh.append(seed)
        return Seeds(tuple(fresh))

    @classmethod
    def join(cls, many: Iterable[Seeds]) -> Seeds:
        """All seeds of all sets, in order. Labels that occur twice get a number."""
        items = [seed for seeds in many for seed in seeds]
        labels = [seed.label for seed in items]
        taken = set(labels)
        for i, seed in enumerate(items):
            if not isinstance(seed, IntegerSeed) and seed.label in labels[:i]:
                number = next(n for n in range(2, len(items) + 2) if f"{seed.label} ({n})" not in taken)
                items[i] = replace(seed, label=f"{seed.label} ({number})")
                taken.add(items[i].label)
        return cls(tuple(items))

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(seed.label for seed in self.items)

    @cached_property
    def parts(self) -> Parts | None:
        """The shapes that the tensor seeds fix, or None if every seed is drawn at any shape.

        Raises ValueError if two tensor seeds differ in shape.
        """
        fixed = [seed for seed in self.items if seed.parts is not None]
        for seed in fixed[1:]:
            if seed.parts != fixed[0].parts:
                raise ValueError(
                    f"Seeds of different shapes cannot be mixed: {fixed[0].label} has {describe(fixed[0].parts)}, "
                    f"{seed.label} has {describe(seed.parts)}. Make all of them at one size."
                )
        return fixed[0].parts if fixed else None

    def deduplicated(self) -> tuple[Seeds, tuple[str, ...]]:
        """The seeds without repeats (the first of equals stays), and a sentence for each one left out."""
        kept: dict[tuple, Seed] = {}
        notes = []
        for seed in self.items:
            first = kept.setdefault(seed.identity, seed)
            if first is seed:
                continue
            if first.label == seed.label:
                notes.append(f"Seed {seed.label} is listed twice; the second one was left out.")
            elif isinstance(seed, IntegerSeed) and first.value != seed.value:
                notes.append(
                    f"Seeds {first.label} and {seed.label} give the same noise (only the low 32 bits of an integer "
                    f"seed count); {seed.label} was left out."
                )
            else:
                notes.append(f"Seeds {first.label} and {seed.label} give the same noise; {seed.label} was left out.")
        return Seeds(tuple(kept.values())), tuple(notes)

    def recipe(self) -> list:
        return [seed.recipe() for seed in self.items]


def checksum(parts: Iterable[torch.Tensor]) -> str:
    """SHA-256 of the values of float32 tensors on the CPU, one after the other."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.contiguous().numpy().tobytes())
    return digest.hexdigest()


def check_noise(parts: Iterable[torch.Tensor], label: str) -> None:
    """Raises ValueError if the values of seed `label` are not finite, or all zeros (an empty latent)."""
    # One pass over the values: NaN is passed on to both ends.
    ends = [end.item() for part in parts for end in torch.aminmax(part)]
    if not all(math.isfinite(end) for end in ends):
        raise ValueError(f"Seed {label} holds NaN or infinite values: it cannot stand for an example.")
    if not any(ends):
        raise ValueError(
            f"Seed {label} is all zeros: this is an empty latent, not a noise. "
            "Connect a NOISE as well, or use integer seeds."
        )
