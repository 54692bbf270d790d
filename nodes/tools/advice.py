"""What to do in the graph about an error of the library, which knows no nodes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["advice"]


@contextmanager
def advice(text: str) -> Iterator[None]:
    """Adds `text` to a ValueError that is raised inside."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{error} {text}".rstrip()) from error
