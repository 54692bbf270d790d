"""Which picture of its batch a file is: SaveImage numbers files one after the other, and says nowhere where a batch began.

The neighbours tell: files of one batch hold the same prompt and have numbers in a row.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left, insort
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

__all__ = ["Folder", "Numbered", "Row", "possible_positions"]

MOST_ENTRIES = 200_000
# A prompt that was run more often than this is not told from one with gaps.
MOST_RUNS = 64
# Numbers whose files are read together.
BLOCK = 64


class Numbered:
    """Files by their number (several have the same one if their names have a date in them), and these in order."""

    def __init__(self, files: Mapping[int, Sequence[Path]]):
        self.files = files
        self.order = sorted(files)


class Folder:
    """The names in a folder, read once."""

    def __init__(self, path: Path):
        self.path = path
        self._numbered: dict[tuple[str, str], Numbered] = {}

    @cached_property
    def names(self) -> list[str]:
        """All names, sorted; of more than 200 000, some."""
        try:
            with os.scandir(self.path) as entries:
                return sorted(entry.name for _, entry in zip(range(MOST_ENTRIES), entries))
        except OSError:
            return []

    def numbered(self, match: re.Match[str], suffix: str) -> Numbered:
        """The files by their number whose names fit the pattern of `match` and end with `suffix`."""
        key = (match.re.pattern, suffix)
        if key not in self._numbered:
            found: dict[int, list[Path]] = {}
            for name in self._beginning(_head(match)):
                if name.endswith(suffix) and (fitting := match.re.fullmatch(name)):
                    found.setdefault(int(fitting["counter"]), []).append(self.path / name)
            self._numbered[key] = Numbered(found)
        return self._numbered[key]

    def _beginning(self, head: str) -> Sequence[str]:
        first = bisect_left(self.names, head)
        last = first
        while last < len(self.names) and self.names[last].startswith(head):
            last += 1
        return self.names[first:last]


def _head(match: re.Match[str]) -> str:
    """What all names that fit begin with; empty where a date or a batch number makes them different."""
    return "" if r"\d" in match.re.pattern.split("_(?P<counter>")[0] else match.string[: match.start("counter")]


class Row:
    """The files of a folder by their number, and which of them hold one prompt: `same` tells it of a file.

    Each file is asked at most once, and only near a number that is asked for; then a position takes a moment, however
    large the batch and the folder.
    """

    def __init__(self, numbered: Numbered, same: Callable[[Path], bool]):
        self.files, self.existing, self.same = numbered.files, numbered.order, same
        self.mine: list[int] = []
        self.asked: set[int] = set()

    def positions(self, number: int, count: int, sure: bool = True) -> list[int]:
        """The positions (from 0) that file `number` may have among the `count` files that its run wrote in a row.

        A row that holds a file of another prompt is impossible; one that leaves out a near file of the same prompt is,
        too, unless the prompt was run several times: then the rows follow each other from where the numbers begin. If
        `count` is not `sure`, only a row of exactly as many tells.
        """
        if count == 1 and sure:
            return [0]
        first, last = self._run(number, MOST_RUNS * count)
        length = last - first + 1
        if not sure:
            return [number - first] if length == count else []
        if length > count and length % count == 0:
            return [(number - first) % count]
        low, high = max(1, number - count + 1), number + count
        self._ask(low, high)
        starts = self._free_of_others(number, low, count)
        if length <= count:
            near = self.mine[bisect_left(self.mine, low) : bisect_left(self.mine, high)] or [number]
            starts = range(max(starts.start, near[-1] - count + 1), min(starts.stop, near[0] + 1)) or starts
        return [number - start for start in reversed(starts)]

    def _run(self, number: int, most: int) -> tuple[int, int]:
        """The first and last number of the files of this prompt that follow each other without a gap around `number`."""
        first = last = number
        while number - first < most and (step := self._mine_before(first, min(BLOCK, most - (number - first)))):
            first -= step
        while last - number < most and (step := self._mine_after(last, min(BLOCK, most - (last - number)))):
            last += step
        return first, last

    def _mine_before(self, number: int, most: int) -> int:
        """How many of the `most` numbers before `number` are of this prompt, without a gap."""
        self._ask(number - most, number)
        end = bisect_left(self.mine, number)
        return next((i for i in range(most) if end - 1 - i < 0 or self.mine[end - 1 - i] != number - 1 - i), most)

    def _mine_after(self, number: int, most: int) -> int:
        self._ask(number + 1, number + most + 1)
        start = bisect_left(self.mine, number + 1)
        found = self.mine[start : start + most]
        return next((i for i, n in enumerate(found) if n != number + 1 + i), len(found))

    def _ask(self, low: int, high: int) -> None:
        """Read the files from `low` to before `high`."""
        for block in range(low // BLOCK, (high - 1) // BLOCK + 1):
            if block in self.asked:
                continue
            self.asked.add(block)
            start = bisect_left(self.existing, block * BLOCK)
            for n in self.existing[start : bisect_left(self.existing, (block + 1) * BLOCK)]:
                if any(self.same(path) for path in self.files[n]):
                    insort(self.mine, n)

    def _free_of_others(self, number: int, low: int, count: int) -> range:
        """The starts of rows of `count` numbers that hold `number`, and no file of another prompt."""
        before = bisect_left(range(low, number), 1, key=lambda s: -self._others(s, number) + 1)
        after = bisect_left(range(number + 1, number + count), 1, key=lambda s: self._others(number + 1, s + 1))
        return range(low + before, min(number, number + after + 1 - count) + 1)

    def _others(self, low: int, high: int) -> int:
        """How many files from `low` to before `high` are of another prompt."""
        existing = bisect_left(self.existing, high) - bisect_left(self.existing, low)
        return existing - (bisect_left(self.mine, high) - bisect_left(self.mine, low))


def possible_positions(
    number: int, count: int, numbered: Mapping[int, Sequence[Path]], same: Callable[[Path], bool], sure: bool = True
) -> list[int]:
    """`Row.positions` for one file."""
    return Row(Numbered(numbered), same).positions(number, count, sure)
