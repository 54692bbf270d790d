"""Latent shapes: one tensor, or the parts of a nested latent such as audio with video."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["Parts", "describe", "is_nested", "shape_parts", "size"]

# The sample shapes of the parts of a latent, without the batch: ((16, 16, 16),) for one image latent.
Parts = tuple[tuple[int, ...], ...]


def is_nested(shape: Sequence) -> bool:
    """Whether `shape` is a list of shapes, one a part, rather than one shape."""
    return len(shape) > 0 and isinstance(shape[0], Sequence)


def shape_parts(shape: Sequence) -> Parts:
    """`shape` (one sample's shape, or a list of them for a nested latent) as parts.

    Raises ValueError if a dimension is not a positive integer.
    """
    parts = tuple(tuple(int(d) for d in part) for part in (shape if is_nested(shape) else [shape]))
    if not all(part and all(d > 0 for d in part) for part in parts):
        raise ValueError(
            f"shape must be the shape of one latent without its batch, such as (16, 128, 128), got {shape}."
        )
    return parts


def size(parts: Parts) -> int:
    """Number of elements of one sample, all parts together."""
    return sum(math.prod(part) for part in parts)


def describe(parts: Parts) -> str:
    """The parts as people write shapes: 16×128×128, or 16×8×64×64 + 8×16×107."""
    return " + ".join("×".join(str(d) for d in part) for part in parts)
