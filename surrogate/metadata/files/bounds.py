"""Reading strangers' files: never more than asked for, never past the end in silence, never without a limit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from ..errors import CannotRead

__all__ = ["Texts", "exactly", "shown_name", "skip"]

# A prompt is some 10 kB, a large workflow with pictures inside some megabytes.
LONGEST_TEXT = 1 << 24
LONGEST_TOGETHER = 1 << 26
MOST_TEXTS = 1000
LONGEST_NAME = 79
LONGEST_SHOWN = 120


class Texts:
    """The texts found so far, by lower-case name; the first of a name counts."""

    def __init__(self):
        self.found: dict[str, str] = {}
        self.seen = self.size = 0

    def check(self, length: int) -> None:
        """Raises CannotRead if another text of `length` bytes is too much."""
        self.seen += 1
        self.size += length
        if length > LONGEST_TEXT or self.size > LONGEST_TOGETHER or self.seen > MOST_TEXTS:
            raise CannotRead(
                f"it is refused: more than {LONGEST_TEXT >> 20} MiB of text in one piece, {LONGEST_TOGETHER >> 20} MiB "
                f"together, or {MOST_TEXTS} pieces"
            )

    def add(self, name: str, value: str) -> None:
        self.found.setdefault(name[:LONGEST_NAME].lower(), value)


def shown_name(path: Path) -> str:
    """A file's name for a report: names can hold line breaks and worse, and be long."""
    name = "".join(c if c.isprintable() else "�" for c in path.name)
    return name if len(name) <= LONGEST_SHOWN else f"{name[:LONGEST_SHOWN]}…"


def exactly(file: BinaryIO, count: int) -> bytes:
    """The next `count` bytes. Raises CannotRead if the file ends before."""
    data = file.read(count)
    if len(data) < count:
        raise CannotRead("it is cut off or broken: it ends too early")
    return data


def skip(file: BinaryIO, count: int) -> None:
    """Go on `count` bytes. Raises CannotRead if the file ends before."""
    position = file.tell() + count
    if position > os.fstat(file.fileno()).st_size:
        raise CannotRead("it is cut off or broken: it ends too early")
    file.seek(position)
