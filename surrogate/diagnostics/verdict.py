"""What the numbers mean: for each seed in plain words, and for all of them.

The verdict goes by how large an effect is, not by how improbable: a seed of a million values that is off by a
thousandth is certainly no ideal noise, and no eye will ever see it. Each effect has a size that is harmless; on top of
it comes what chance gives to a seed of this size (four standard deviations).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..transports import Rotation, Sphere, Transport
from .check import Measured
from .measure import LAGS, Measures, axis_names

__all__ = ["Grade", "Verdict", "judge", "judge_seed"]

# Harmless: a mean in standard deviations (of all values; of the channels, root mean square), norm²/D beside 1,
# channels' scales beside each other, Kolmogorov-Smirnov distance of the form, correlation of neighbours, of seeds.
MEAN, CHANNELS, POWER, SCALES, FORM, NEIGHBOURS, ALIKE = 0.05, 0.1, 0.1, 0.1, 0.02, 0.05, 0.05
# So many times the harmless size is far off.
FAR = 3.0
FEW = 256


class Grade(Enum):
    FIT = "fit"
    OFF = "a little off"
    FAR = "not noise"


@dataclass(frozen=True)
class Verdict:
    """A seed's grade and what was found, in sentences (none: nothing)."""

    label: str
    grade: Grade
    findings: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.label}: {self.grade.value}. {' '.join(self.findings)}".rstrip()


def judge(measured: Measured) -> tuple[Verdict, ...]:
    """A verdict for each seed."""
    return tuple(judge_seed(measured, i) for i in range(len(measured.seeds)))


def judge_seed(measured: Measured, index: int) -> Verdict:
    """The verdict on the seed numbered `index` (from 0)."""
    seed = measured.seeds[index]
    transports = measured.transport.split(len(measured.parts))
    found: list[tuple[float, str]] = []
    for number, (m, transport, part) in enumerate(zip(seed.inner, transports, measured.parts, strict=True), 1):
        of_part = _of_part(m, transport, len(part))
        found += [(size, f"Part {number}: {text}" if len(seed.inner) > 1 else text) for size, text in of_part]
    found += _of_others(measured, index, transports)
    findings = [text for size, text in found if size > 1]
    worst = max((size for size, _ in found), default=0.0)
    grade = Grade.FIT if worst <= 1 else Grade.OFF if worst <= FAR else Grade.FAR
    return Verdict(seed.label, grade, tuple(findings))


def _of_part(m: Measures, transport: Transport, ndim: int) -> list[tuple[float, str]]:
    """What was found, and how many times as large as what is harmless."""
    root = math.sqrt(m.size)
    scale = math.sqrt(m.variance)
    if m.variance <= 1e-9 * m.power:
        return [(math.inf, f"All values are {m.mean:.3g}: this is no noise at all.")]
    found = []
    norm = math.sqrt(m.power)
    weak = "weaker: blends look flat and unfinished" if norm < 1 else "stronger: blends look burnt"
    found.append(
        (
            (abs(m.power - 1) - 4 * math.sqrt(2 / m.size)) / POWER,
            f"Its norm is {norm:.2f} times that of noise (norm²/D {m.power:.2f}), {weak}.",
        )
    )
    # In units of its own scale: a noise that is too weak is told above, once.
    found.append(
        (
            (abs(m.mean) / scale - 4 / root) / MEAN,
            f"Its values lie {m.mean / scale:+.2f} standard deviations beside 0.",
        )
    )
    channels = len(m.channel_means)
    if channels > 1 and m.size >= 4 * channels:
        spread = float(np.sqrt(np.mean((m.channel_means - m.mean) ** 2))) / scale
        by_chance = math.sqrt(channels / m.size) * (1 + 4 / math.sqrt(2 * channels))
        furthest = int(np.abs(m.channel_means - m.mean).argmax())
        found.append(
            (
                (spread - by_chance) / CHANNELS,
                f"Its channels have means of their own ({spread:.2f} standard deviations; most in channel "
                f"{furthest + 1}, {(m.channel_means[furthest] - m.mean) / scale:+.2f}).",
            )
        )
        apart = float(np.std(m.channel_scales)) / scale
        found.append(
            (
                (apart - by_chance / math.sqrt(2)) / SCALES,
                f"Its channels differ in strength (standard deviations {m.channel_scales.min():.2f} to "
                f"{m.channel_scales.max():.2f}).",
            )
        )
    if isinstance(transport, Rotation):
        text = f"Its angles are not those of uniform rotations (distance {m.shape:.3f})."
    elif m.kurtosis > 0:
        text = f"Its values are not bell-shaped (distance {m.shape:.3f}): very small and very large ones are too many."
    else:
        text = f"Its values are not bell-shaped (distance {m.shape:.3f}): large ones are too few."
    if m.skew**2 > abs(m.kurtosis) / 2:  # of a gamma distribution it is two thirds
        text = f"Its values are not bell-shaped (distance {m.shape:.3f}): they lean to one side."
    found.append(((m.shape - 2 / math.sqrt(m.tested)) / FORM, text))
    found += _neighbours(m, ndim)
    if m.size < FEW:
        found.append((0.0, f"Only {m.size} values: little can be said."))
    return found


def _neighbours(m: Measures, ndim: int) -> list[tuple[float, str]]:
    """The correlation along the axis where it is largest."""
    if not np.isfinite(m.autocorrelation).any():
        return []
    axis, lag = np.unravel_index(np.nanargmax(np.abs(m.autocorrelation)), m.autocorrelation.shape)
    value = float(m.autocorrelation[axis, lag])
    name = axis_names(len(m.autocorrelation) + 1)[axis]
    likeness = "resemble each other, so it is smooth: traces of the picture" if value > 0 else "oppose each other"
    if LAGS[lag] > 1:
        likeness = "repeat" if value > 0 else "oppose each other"
    distance = "Neighbours" if LAGS[lag] == 1 else f"Values {LAGS[lag]} apart"
    return [
        (
            (abs(value) - 4 / math.sqrt(m.size)) / NEIGHBOURS,
            f"{distance} along {name} {likeness} (correlation {value:+.2f}).",
        )
    ]


def _of_others(measured: Measured, index: int, transports) -> list[tuple[float, str]]:
    """The seed that this one resembles most; the sphere transport takes care of it."""
    if len(measured.seeds) < 2:
        return []
    row = np.abs(measured.correlation[index])
    row[index] = -1.0
    other = int(row.argmax())
    value = float(measured.correlation[index, other])
    chance = 4 / math.sqrt(measured.size)
    if all(isinstance(t, Sphere) for t in transports):
        return []
    return [
        (
            (abs(value) - chance) / ALIKE,
            f"It {'resembles' if value > 0 else 'opposes'} {measured.seeds[other].label} (correlation {value:+.2f}; "
            f"chance gives up to ±{chance:.2g}).",
        )
    ]
