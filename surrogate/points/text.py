"""Numbers as people write them."""

from __future__ import annotations

import re

import numpy as np

__all__ = ["parse_numbers", "parse_selection", "write_weights"]


def parse_numbers(text: str, name: str) -> list[list[float]]:
    """Rows of numbers: one row a line, numbers separated by commas, semicolons or spaces. `name` is for the errors."""
    rows = []
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            rows.append([float(entry) for entry in re.split(r"[,;\s]+", line.strip().strip(",;").strip())])
        except ValueError:
            raise ValueError(
                f"{name}: {line.strip()!r} is not a list of numbers such as 0.5, 0.25 (one point a line)."
            ) from None
    if not rows:
        raise ValueError(f"{name} is empty: write numbers, one point a line.")
    if len({len(row) for row in rows}) > 1:
        raise ValueError(f"{name}: every line must have as many numbers, got {[len(row) for row in rows]}.")
    return rows


def parse_selection(text: str, count: int, name: str) -> list[int]:
    """Numbers from 1 such as `3, 5-7, last` or `all`, as indices from 0, in the order written."""
    indices: list[int] = []
    for entry in re.split(r"[,;\s]+", re.sub(r"\s*-\s*", "-", text.strip(",; \t\r\n"))):
        if entry == "all":
            indices += range(count)
            continue
        found = re.fullmatch(r"([0-9]{1,9}|last)(?:-([0-9]{1,9}|last))?", entry)
        if not found:
            raise ValueError(f"{name}: {entry!r} is not a number from 1 to {count}, a range such as 2-5, last, or all.")
        first, last = (count if e == "last" else int(e) for e in (found[1], found[2] or found[1]))
        for number in (first, last):
            if not 1 <= number <= count:
                raise ValueError(f"{name}: there are {count}, numbered from 1; got {number}.")
        indices += [i - 1 for i in (range(first, last + 1) if first <= last else range(first, last - 1, -1))]
    return indices


def write_weights(w: np.ndarray) -> str:
    """The weights w (k,) as a line for `acts.weights`, which gives them back to within the last bit; a seed exactly."""
    return ", ".join(repr(number) if number % 1 else f"{number:.0f}" for number in w.tolist())
