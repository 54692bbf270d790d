"""Reading strangers' files: never more than asked for, never past the end in silence, never without a limit."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import BinaryIO

from ..errors import CannotRead

__all__ = ["Texts", "exactly", "printable", "shown_name", "skip"]

# A prompt is some 10 kB, a large workflow with pictures inside some megabytes.
LONGEST_TEXT = 1 << 24
LONGEST_TOGETHER = 1 << 26
# Of memory, for texts that are decompressed and decoded: one of 16 MiB with an emoji in it takes 64.
MOST_HELD = LONGEST_TOGETHER + (1 << 20)
MOST_TEXTS = 1000
LONGEST_NAME = 79
LONGEST_SHOWN = 120


class Texts:
    """The texts found so far, by lower-case name; the first of a name counts.

    Counted is what is in the file, and what it becomes in memory: a compressed kilobyte can be a megabyte of text, and
    one letter beyond Latin-1 makes all others of its text take two or four bytes.
    """

    def __init__(self):
        self.found: dict[str, str] = {}
        self.seen = self.size = self.held = 0

    def check(self, length: int) -> None:
        """Raises CannotRead if another text of `length` bytes in the file is too much."""
        self.seen += 1
        self.size += length
        if length > LONGEST_TEXT or self.size > LONGEST_TOGETHER or self.seen > MOST_TEXTS:
            raise _too_much()

    def add(self, name: str, value: str) -> None:
        """Keep `value`. Raises CannotRead if the texts take too much memory together, or are prompts that differ."""
        self.held += sys.getsizeof(value)
        if self.held > MOST_HELD:
            raise _too_much()
        key = name[:LONGEST_NAME].lower()
        if key == "prompt" and _differ(self.found.get(key, value), value):
            raise CannotRead(
                "it holds several prompts that differ, and which one made it cannot be told: take the file as ComfyUI "
                "saved it"
            )
        self.found.setdefault(key, value)


def _differ(one: str, other: str) -> bool:
    """Whether two prompts are others, not the same one written in another way."""
    if one == other or not one.lstrip().startswith("{") or not other.lstrip().startswith("{"):
        return False  # other programs write words under the same name
    try:
        return json.loads(one.rstrip("\0")) != json.loads(other.rstrip("\0"))
    except (ValueError, RecursionError):
        return True


def _too_much() -> CannotRead:
    return CannotRead(
        f"it is refused: more than {LONGEST_TEXT >> 20} MiB of text in one piece, {LONGEST_TOGETHER >> 20} MiB "
        f"together, or {MOST_TEXTS} pieces"
    )


def shown_name(path: Path) -> str:
    """A file's name for a report: names can hold line breaks and worse, and be long."""
    name = printable(path.name)
    return name if len(name) <= LONGEST_SHOWN else f"{name[:LONGEST_SHOWN]}…"


def printable(text: str) -> str:
    """The text without line breaks and whatever else could draw in a report."""
    return "".join(c if c.isprintable() else "�" for c in text)


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
