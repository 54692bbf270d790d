"""Which picture of its batch a file is: SaveImage numbers files one after the other, and says nowhere where a batch began.

The neighbours tell: files of one batch hold the same prompt and have numbers in a row.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

__all__ = ["Folder", "possible_positions"]

MOST_ENTRIES = 200_000
# A prompt that was run more often than this is not told from one with gaps.
MOST_RUNS = 64


class Folder:
    """The names in a folder, read once."""

    def __init__(self, path: Path):
        try:
            with os.scandir(path) as entries:
                self.names = [entry.name for _, entry in zip(range(MOST_ENTRIES), entries)]
        except OSError:
            self.names = []
        self.path = path
        self._numbered: dict[tuple, dict[int, list[Path]]] = {}

    def numbered(self, pattern: re.Pattern, suffix: str) -> dict[int, list[Path]]:
        """The files whose names fit `pattern` and end with `suffix`, by their number."""
        key = (pattern.pattern, suffix)
        if key not in self._numbered:
            found: dict[int, list[Path]] = {}
            for name in self.names:
                if name.endswith(suffix) and (match := pattern.fullmatch(name)):
                    found.setdefault(int(match["counter"]), []).append(self.path / name)
            self._numbered[key] = found
        return self._numbered[key]


def possible_positions(
    number: int,
    count: int,
    numbered: dict[int, list[Path]],
    same: Callable[[Path], bool],
    sure: bool = True,
) -> list[int]:
    """The positions (from 0) that file `number` may have among the `count` files that its run wrote in a row.

    `same` tells whether a file has the prompt of this one. A row that holds a file of another prompt is impossible;
    one that leaves out a near file of the same prompt is, too, unless the prompt was run several times: then the rows
    follow each other from where the numbers begin. If `count` is not `sure`, only a row of exactly as many tells.
    """
    if count == 1 and sure:
        return [0]

    def mine(n: int) -> bool:
        return n in numbered and any(same(path) for path in numbered[n])

    first = last = number
    while mine(first - 1) and number - first < MOST_RUNS * count:
        first -= 1
    while mine(last + 1) and last - number < MOST_RUNS * count:
        last += 1
    length = last - first + 1
    if not sure:
        return [number - first] if length == count else []
    if length > count and length % count == 0:
        return [(number - first) % count]
    near = range(max(1, number - count + 1), number + count)
    others = {n for n in near if n in numbered and not mine(n)}
    starts = [s for s in range(near[0], number + 1) if others.isdisjoint(range(s, s + count))]
    if length > count:
        return sorted(number - s for s in starts)
    together = {n for n in near if mine(n)}
    whole = [s for s in starts if together <= set(range(s, s + count))]
    return sorted(number - s for s in (whole or starts))
