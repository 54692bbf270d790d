"""The numbers as a table that reads as text and as Markdown."""

from __future__ import annotations

import math

import numpy as np

from .check import Measured
from .measure import LAGS, Measures, axis_names
from .verdict import Verdict

__all__ = ["table"]

EXPLAINED = """\
mean, variance, norm²/D: 0, 1, 1 for noise. channels: how far the channels' means lie apart (0).
KS: largest difference from the distribution that the transport names (0). form: the same, mean and scale aside (0).
p: how often true noise of this size would be off by as much as KS. Large seeds show the smallest flaw, so a small p \
alone does no harm; the verdict goes by the size of the effects.
{axes}+1, +2: correlation of values 1 and 2 apart along an axis (0). alike: the largest correlation with another seed \
(chance: up to ±{chance:.2g})."""


def table(measured: Measured, verdicts: tuple[Verdict, ...]) -> str:
    """A row for each seed, or for each part of each, and what the columns mean."""
    names = [axis_names(len(part)) for part in measured.parts]
    axes = sorted({name for one in names for name in one}, key="tyx".find)
    steps = [f"{name}+{lag}" for name in axes for lag in LAGS]
    head = ["seed", "mean", "variance", "norm²/D", "channels", "KS", "p", "form", *steps, "alike", "verdict"]
    several = len(measured.parts) > 1
    rows = [head]
    for i, (seed, verdict) in enumerate(zip(measured.seeds, verdicts, strict=True)):
        for part, m in enumerate(seed.inner):
            label = f"{seed.label}, part {part + 1}" if several else seed.label
            told = dict(zip((f"{n}+{lag}" for n in names[part] for lag in LAGS), m.autocorrelation.ravel()))
            first = part == 0
            rows.append(
                [
                    " ".join(label.replace("|", "/").split()),
                    *_numbers(m),
                    *(_signed(told.get(step, math.nan)) for step in steps),
                    _alike(measured, i) if first else "",
                    verdict.grade.value if first else "",
                ]
            )
    widths = [max(len(row[c]) for row in rows) for c in range(len(head))]
    lines = [_line([row[0].ljust(widths[0]), *(t.rjust(w) for t, w in zip(row[1:], widths[1:]))]) for row in rows]
    lines.insert(1, _line(["-" * widths[0], *("-" * (w - 1) + ":" for w in widths[1:])]))
    return "\n".join([*lines, "", EXPLAINED.format(axes="/".join(axes) or "axis", chance=4 / math.sqrt(measured.size))])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _numbers(m: Measures) -> list[str]:
    spread = float(np.std(m.channel_means)) if len(m.channel_means) > 1 else math.nan
    return [
        _signed(m.mean),
        _positive(m.variance),
        _positive(m.power),
        "-" if math.isnan(spread) else _positive(spread),
        f"{m.ks:.4f}",
        f"{m.p:.2g}" if m.p >= 1e-4 else "<0.0001",
        f"{m.shape:.4f}",
    ]


def _positive(value: float) -> str:
    return f"{value:.3f}" if value < 1000 else f"{value:.3g}"


def _signed(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:+.3f}" if abs(value) < 1000 else f"{value:+.3g}"


def _alike(measured: Measured, index: int) -> str:
    row = measured.correlation[index].copy()
    if len(row) < 2:
        return "-"
    row[index] = 0.0
    return f"{row[np.abs(row).argmax()]:+.3f}"
