"""An ordered set of seeds."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from ..checks import whole
from ..shapes import Parts, describe
from .integer import IntegerSeed
from .seed import Seed
from .tensor import tensor_seeds

__all__ = ["Seeds"]


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
        return cls(tuple(IntegerSeed(first + i) for i in range(whole("count", count, 1))))

    @classmethod
    def from_tensors(cls, noises: torch.Tensor | Iterable[torch.Tensor], labels: Sequence[str] | None = None) -> Seeds:
        """One seed for each row of `noises`: (k, *latent_shape), or a list of such tensors for a nested latent.

        Any floating dtype and device; kept as float32 on the CPU.
        Raises ValueError if a noise is not finite, all zeros (an empty latent), or not floating point.
        """
        return cls(tuple(tensor_seeds(noises, labels)))

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
        first = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") + 1
        return self.others_from(first, count, 2**32)

    def others_from(self, first: int, count: int, end: int = 2**64) -> Seeds:
        """The next `count` integers from `first` on that are none of these seeds; after the last one before `end` comes 0."""
        taken = {seed.identity for seed in self.items}
        numbers = (IntegerSeed((first + i) % end) for i in itertools.count())
        return Seeds(tuple(itertools.islice((seed for seed in numbers if seed.identity not in taken), count)))

    @classmethod
    def join(cls, many: Iterable[Seeds]) -> Seeds:
        """All seeds of all sets, in order. Labels that occur twice get a number."""
        items = [seed for seeds in many for seed in seeds]
        labels = [seed.label for seed in items]
        taken = set(labels)
        for i, seed in enumerate(items):
            if not isinstance(seed, IntegerSeed) and seed.label in labels[:i]:
                number = next(n for n in range(2, len(items) + 2) if f"{seed.label} ({n})" not in taken)
                items[i] = seed.named(f"{seed.label} ({number})")
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
        fixed = [(seed.label, seed.parts) for seed in self.items if seed.parts is not None]
        for label, parts in fixed[1:]:
            if parts != fixed[0][1]:
                raise ValueError(
                    f"Seeds of different shapes cannot be mixed: {fixed[0][0]} has {describe(fixed[0][1])}, "
                    f"{label} has {describe(parts)}. Make all of them at one size."
                )
        return fixed[0][1] if fixed else None

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
            elif isinstance(seed, IntegerSeed) and isinstance(first, IntegerSeed) and first.value != seed.value:
                notes.append(
                    f"Seeds {first.label} and {seed.label} give the same noise (only the low 32 bits of an integer "
                    f"seed count); {seed.label} was left out."
                )
            else:
                notes.append(f"Seeds {first.label} and {seed.label} give the same noise; {seed.label} was left out.")
        return Seeds(tuple(kept.values())), tuple(notes)

    def recipe(self) -> list:
        return [seed.recipe() for seed in self.items]
