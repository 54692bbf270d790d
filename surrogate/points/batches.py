"""Which points, or stretches of a path, a sampler gets together."""

from __future__ import annotations

__all__ = ["in_groups"]


def in_groups(count: int, size: int) -> list[list[int]]:
    """The indices 0 … count-1 in groups of `size`; 0 (or less): one group."""
    size = size if size > 0 else count
    return [list(range(start, min(start + size, count))) for start in range(0, count, size)]
