"""Seeds that are given as values in memory, and the checks of such values."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch

from ..shapes import Parts
from .seed import FixedSeed

__all__ = ["TensorSeed", "check_noise", "checksum", "tensor_seeds"]


@dataclass(frozen=True)
class TensorSeed(FixedSeed):
    """A noise that is held in memory: row `row` of `batch` (one float32 tensor a part)."""

    batch: tuple[torch.Tensor, ...] = field(repr=False)
    row: int
    label: str
    parts: Parts = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "parts", tuple(tuple(part.shape[1:]) for part in self.batch))

    @property
    def checksum(self) -> str:
        return checksum(part[self.row] for part in self.batch)

    def _values(self) -> list[torch.Tensor]:
        return [part[self.row] for part in self.batch]


def tensor_seeds(
    noises: torch.Tensor | Iterable[torch.Tensor], labels: Sequence[str] | None = None
) -> list[TensorSeed]:
    """One seed for each row of `noises`: arguments and errors are those of `Seeds.from_tensors`."""
    batch = [noises] if isinstance(noises, torch.Tensor) else list(noises)
    counts = [len(part) if part.ndim > 1 and part.numel() else 0 for part in batch]
    if not counts or min(counts) == 0 or len(set(counts)) > 1:
        shapes = [tuple(part.shape) for part in batch]
        raise ValueError(f"noises must have shape (k, *latent_shape) with the same k in every part, got {shapes}.")
    if not all(part.is_floating_point() for part in batch):
        raise ValueError(f"noises must be floating point, got {[str(part.dtype) for part in batch]}.")
    names = list(labels) if labels is not None else [f"latent {i + 1}" for i in range(counts[0])]
    if len(names) != counts[0]:
        raise ValueError(f"labels must name each of the {counts[0]} noises, got {len(names)} labels.")
    # A copy: whoever made the tensor may write into it later.
    kept = tuple(part.detach().to("cpu", torch.float32, copy=True).contiguous() for part in batch)
    for row, label in enumerate(names):
        check_noise([part[row] for part in kept], label)
    return [TensorSeed(kept, row, label) for row, label in enumerate(names)]


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
            f"Seed {label} is all zeros: this is an empty latent, not a noise. Give a noise, or use integer seeds."
        )
