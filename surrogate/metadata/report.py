"""What was found, in words: a line for each file."""

from __future__ import annotations

from collections.abc import Sequence

from ..seeds import IntegerSeed, Seeds
from .files.bounds import printable, shown_name
from .found import Found

__all__ = ["report_of"]

SHOWN_SEEDS = 8


def report_of(found: Sequence[Found], seeds: Seeds) -> str:
    """A summary, the integers for Seeds from Integers if all are, and for each file its seeds or why it has none."""
    kept = sum(bool(one.seeds) for one in found)
    lines = [f"{_count(len(seeds), 'seed')} from {kept} of {_count(len(found), 'picture')}"]
    if len(seeds) and all(isinstance(seed, IntegerSeed) for seed in seeds):
        lines.append(f"for Seeds from Integers: {', '.join(seeds.labels)}")
    for one in found:
        lines.append(f"{shown_name(one.path)}: {printable(_said(one))}")
        lines += [f"    {printable(note)}" for note in one.notes if one.seeds]
    return "\n".join(lines)


def _said(one: Found) -> str:
    if not one.seeds:
        return f"left out: {one.reason}"
    more = ", …" if len(one.seeds) > SHOWN_SEEDS else ""
    return f"seed {', '.join(seed.label for seed in one.seeds[:SHOWN_SEEDS])}{more}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
