"""Sounds as pictures: waveforms and spectrograms, all of a sheet on the same scales, so that they can be compared.

Time runs from left to right and ends with the longest sound. A waveform's height is that of the loudest sound; what
goes beyond full scale, and so is cut off in a file, is red. A spectrogram has its low notes below: an octave is as high
everywhere, and its colours reach 80 dB down from the loudest note of the sheet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, Palette
from .lettering import MIN_SIZE, Face
from .plotting import FAILED, scaled
from .sheet import plan_sheet

__all__ = ["SOUND_KINDS", "Sound", "sound_facts", "sound_pictures", "sound_sheet"]

SOUND_KINDS = ("both", "waveform", "spectrogram")

_CELL, _ASPECT = 384, 9 / 16  # of a picture, where nothing else is wanted
_WAVE = (148, 166, 190)
_PIECE = 1 << 20  # samples that are looked at together: an hour of sound has 158 million
_LOWEST = 40.0  # Hz, the lower edge of a spectrogram
_DEPTH = 80.0  # dB
_LONGEST_WINDOW = 0.046  # seconds: a semitone apart at 440 Hz, a drum still sharp
_LOUDEST = 2.0  # a waveform beyond it is cut off in its picture, or one broken sound would hide all others


@dataclass(frozen=True)
class Sound:
    """`samples` (channels, n), where ±1 is full scale, and their `rate` a second. They are not written into."""

    samples: np.ndarray
    rate: float

    @property
    def seconds(self) -> float:
        return self.samples.shape[1] / self.rate


@dataclass(frozen=True)
class _Level:
    """Largest finite amplitude, and how many samples lie beyond full scale or are no numbers."""

    peak: float
    beyond: int
    broken: int


def sound_sheet(
    sounds: Sequence[Sound], *, kind="both", captions=None, cell=None, max_side=8192, font=None, **labels
) -> tuple[np.ndarray, list[np.ndarray]]:
    """A contact sheet of n sounds, each as a picture with its length and peak below.

    Returns the sheet (height, width, 3) uint8, and the n pictures on it, all of one size.

    kind: "waveform", "spectrogram", or "both", one above the other. captions: n texts (or None), under the pictures.
    cell: width of a picture in pixels; 384, or less where the sheet would not fit into `max_side`. labels: what
        `contact_sheet` takes beside: layout, columns, row_labels, column_labels, row_title, column_title, marks,
        scores, direction, numbers, title.

    Memory beside the sounds themselves does not grow with their length. Raises ValueError, naming the argument, as
    `sound_pictures` and `contact_sheet` do.
    """
    sounds = _checked(sounds, kind)
    if captions is not None and len(captions) != len(sounds):
        raise ValueError(f"captions: expected {len(sounds)} texts, one for each of the sounds, got {len(captions)}.")
    levels = [_level(sound.samples) for sound in sounds]
    facts = [_facts(sound, level) for sound, level in zip(sounds, levels)]
    if captions is not None:
        facts = [f"{caption}\n{fact}" if caption else fact for caption, fact in zip(captions, facts)]
    shape = (round(_CELL * _ASPECT), _CELL, 3)
    labels |= {"captions": facts, "max_side": max_side, "font": font}
    # How large they are on the sheet is known when it is planned; scaled afterwards, their texts could not be read.
    cell = plan_sheet([shape] * len(sounds), cell=cell, **labels).cell
    width, height = cell, max(1, round(cell * _ASPECT))
    plan = plan_sheet([(height, width, 3)] * len(sounds), cell=cell, **labels)
    pictures = _pictures(sounds, levels, kind, width, height, font)
    return plan.draw(pictures), pictures


def sound_pictures(sounds: Sequence[Sound], *, kind="both", width=_CELL, height=None, font=None) -> list[np.ndarray]:
    """A picture (height, width, 3) uint8 of each of n sounds, on common scales.

    Raises ValueError, naming the sound, for no sounds, no samples, another shape than (channels, n), values that are
    no real numbers, and a rate that is not a positive number; and for an unknown `kind`. NaN and infinity are not
    drawn.
    """
    sounds = _checked(sounds, kind)
    levels = [_level(sound.samples) for sound in sounds]
    return _pictures(sounds, levels, kind, width, round(width * _ASPECT) if height is None else height, font)


def sound_facts(sound: Sound) -> str:
    """One line: how long it is, its peak (0 dB is full scale), and how much of it clips or is no number."""
    return _facts(sound, _level(sound.samples))


def _checked(sounds, kind) -> list[Sound]:
    if kind not in SOUND_KINDS:
        raise ValueError(f"kind: expected one of {', '.join(map(repr, SOUND_KINDS))}, got {kind!r}.")
    checked = []
    for i, sound in enumerate(sounds):
        samples, rate = np.asarray(sound.samples), float(sound.rate)
        if samples.ndim != 2 or 0 in samples.shape or samples.dtype.kind not in "fiu":
            raise ValueError(
                f"sounds[{i}]: expected numbers of shape (channels, samples), at least one of each, got "
                f"{samples.dtype} of shape {samples.shape}."
            )
        if not (math.isfinite(rate) and rate > 0):
            raise ValueError(f"sounds[{i}]: expected a positive number of samples a second, got {rate:g}.")
        checked.append(Sound(samples, rate))
    if not checked:
        raise ValueError("sounds: expected at least one sound, got none.")
    return checked


# -------------------------------------------------------------------------------------------------------------- facts


def _level(samples: np.ndarray) -> _Level:
    peak, beyond, broken = 0.0, 0, 0
    for start in range(0, samples.shape[1], _PIECE):
        piece = samples[:, start : start + _PIECE]
        loud = max(float(piece.max()), -float(piece.min()))
        if loud <= 1.0:  # also not true of NaN
            peak = max(peak, loud)
            continue
        piece = np.abs(piece.astype(np.float64))
        finite = np.isfinite(piece)
        peak = max(peak, float(piece.max(where=finite, initial=0.0)))
        beyond += int((piece > 1.0).sum(where=finite))
        broken += piece.size - int(finite.sum())
    return _Level(peak, beyond, broken)


def _facts(sound: Sound, level: _Level) -> str:
    if level.peak == 0.0:
        loud = "silent"
    else:
        loud = f"peak {20 * math.log10(level.peak):+.1f} dB"
    facts = [_time(sound.seconds), loud]
    if level.beyond:
        facts.append(f"clips ({_share(level.beyond / sound.samples.size)})")
    if level.broken:
        facts.append(f"{_share(level.broken / sound.samples.size)} NaN or infinite")
    return " · ".join(facts)


def _share(share: float) -> str:
    return f"{100 * share:.2g} %" if share >= 0.001 else "< 0.1 %"


def _time(seconds: float) -> str:
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


# ----------------------------------------------------------------------------------------------------------- pictures


def _pictures(sounds, levels, kind, width, height, font):
    longest = max(sound.seconds for sound in sounds)
    columns = [max(1, round(width * sound.seconds / longest)) for sound in sounds]
    upper = {"both": max(1, round(0.4 * height)), "waveform": height, "spectrogram": 0}[kind]
    lower = height - upper - (kind == "both")
    canvases = [Canvas(width, height, Palette.hollow) for _ in sounds]
    if upper:
        scale = min(max(max(level.peak for level in levels), 1e-6), _LOUDEST)
        for canvas, sound, level, count in zip(canvases, sounds, levels, columns):
            canvas.paste(0, 0, _waveform(sound.samples, level, count, upper, scale))
    if lower > 0:
        _spectrograms(canvases, sounds, columns, height - lower, lower, Face(font))
    if kind == "both":
        for canvas in canvases:
            canvas.fill(0, upper, width, upper + 1, Palette.rule)
    return [canvas.pixels for canvas in canvases]


def _waveform(samples, level, width, height, scale):
    """Between the smallest and the largest value in each column; channels one below the other, left above right."""
    channels = len(samples)
    lanes = channels if channels * 16 <= height else 1
    low, high = _envelope(samples, width, level.broken)
    if lanes < channels:
        low, high = np.fmin.reduce(low, 0, keepdims=True), np.fmax.reduce(high, 0, keepdims=True)
    canvas = Canvas(width, height)
    x = np.arange(width)
    for lane in range(lanes):
        top, bottom = lane * height // lanes, (lane + 1) * height // lanes
        middle, reach = (top + bottom) / 2, (bottom - top) / 2 - 1
        drawn = np.isfinite(low[lane]) & np.isfinite(high[lane])
        limits = (np.nan_to_num(v[lane]).clip(-scale, scale) / scale for v in (low, high))
        end, start = (middle - reach * v for v in limits)  # upwards
        # At least a pixel high, so that silence is a line.
        end = np.maximum(end, start + 1)
        y = np.arange(top, bottom)[:, None]
        coverage = (np.minimum(y + 1, end) - np.maximum(y, start)).clip(0, 1) * drawn
        red = (np.fmax(high[lane], -low[lane]) > 1.0)[:, None]
        colours = np.where(red, np.array(FAILED, np.float32), np.array(_WAVE, np.float32))
        region = canvas.pixels[top:bottom]
        region[:] = np.round(region + (colours[x][None] - region) * coverage[..., None])
    return canvas.pixels


def _envelope(samples, columns, broken):
    """Smallest and largest value (channels, columns) in each column; NaN where there are only NaN."""
    channels, n = samples.shape
    if n < 2 * columns:  # a line from sample to sample
        x = np.linspace(0, n - 1, columns + 1)
        low, high = np.floor(x).astype(int), np.ceil(x).astype(int)
        part = (x - low).astype(np.float32)
        line = samples[:, low] * (1 - part) + samples[:, high] * part
        return np.fmin(line[:, :-1], line[:, 1:]), np.fmax(line[:, :-1], line[:, 1:])
    starts = (np.arange(columns) * n) // columns
    # A column takes in the first sample of the next, or steep waves would have gaps.
    low, high = (np.empty((channels, columns), np.float32) for _ in range(2))
    for i, (start, end) in enumerate(zip(starts, [*starts[1:], n - 1])):
        piece = samples[:, start : end + 1]
        # The first are much faster, but one NaN would take its whole column.
        low[:, i] = np.fmin.reduce(piece, 1) if broken else piece.min(1)
        high[:, i] = np.fmax.reduce(piece, 1) if broken else piece.max(1)
    return low, high


def _spectrograms(canvases, sounds, columns, top, height, face):
    """Paint all spectrograms below `top`, on one scale of notes and of loudness."""
    highest = max(sound.rate for sound in sounds) / 2
    lowest = min(_LOWEST, highest / 32)
    edges = lowest * (highest / lowest) ** np.linspace(1, 0, height + 1)  # Hz, downwards
    powers = [_spectrogram(sound, count, edges) for sound, count in zip(sounds, columns)]
    loudest = max(max(float(power.max()) for power in powers), 1e-12)
    for canvas, sound, power in zip(canvases, sounds, powers):
        decibels = 10 * np.log10(np.maximum(power, 1e-30 * loudest) / loudest)
        colours = scaled(1 + decibels / _DEPTH)
        colours[edges[1:] >= sound.rate / 2] = Palette.hollow  # no such notes at its rate
        canvas.paste(0, top, colours)
        _notes(canvas, face, edges, top, height)


def _spectrogram(sound: Sound, columns: int, edges: np.ndarray) -> np.ndarray:
    """Power (rows, columns) between `edges` (rows + 1,) in Hz, downwards; a sine of full scale has 1."""
    samples, rate = sound.samples, sound.rate
    n = samples.shape[1]
    size = 1 << max(4, round(math.log2(max(16.0, min(_LONGEST_WINDOW * rate, 1 << 15)))))
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    bin_width = rate / size
    # A row of less than two bins shows these two: a low note is as bright as a high one.
    middle = np.sqrt(edges[1:] * edges[:-1])
    half = np.maximum((edges[:-1] - edges[1:]) / 2, bin_width)
    low, high = ((middle + way * half) / bin_width + 0.5 for way in (-1, 1))

    times = 1 if n / columns <= size else 3  # looks at a long column, spread over it
    power = np.zeros((len(edges) - 1, columns))
    at_once = max(1, (1 << 22) // (size * len(samples) * 8))
    for first in range(0, columns, at_once):
        chosen = np.arange(first, min(first + at_once, columns))
        for look in range(times):
            centre = ((chosen + (look + 0.5) / times) * n / columns).astype(np.int64)
            where = centre[:, None] + np.arange(size) - size // 2
            inside = (where >= 0) & (where < n)
            piece = samples[:, where.clip(0, n - 1)].astype(np.float32)
            piece = np.where(inside & np.isfinite(piece), piece, np.float32(0)).clip(-_LOUDEST, _LOUDEST) * window
            spectrum = np.abs(np.fft.rfft(piece, axis=-1)) ** 2
            total = np.concatenate([np.zeros((len(chosen), 1)), spectrum.mean(0).cumsum(-1)], -1)
            for j, row in zip(chosen, total):
                power[:, j] += np.diff(np.interp([low, high], np.arange(len(row)), row), axis=0)[0]
    return power * 4 / (times * size * float((window**2).sum()))


def _notes(canvas, face, edges, top, height):
    """Frequencies at the left edge, where there is room for them."""
    line = face.line(MIN_SIZE)
    lowest, highest = edges[-1], edges[0]
    marks = [(hertz, text) for hertz, text in ((100, "100 Hz"), (1000, "1 kHz"), (10000, "10 kHz"))]
    if height < 5 * line or canvas.pixels.shape[1] < 120:
        return
    for hertz, text in marks:
        y = top + round(height * math.log(highest / hertz) / math.log(highest / lowest))
        if not (top + line // 2 < y < top + height - line // 2):
            continue
        canvas.fill(0, y, 5, y + 1, Palette.title)
        width = face.width(text, MIN_SIZE)
        canvas.plate(7, y - line // 2, 7 + width + 6, y - line // 2 + line, 3, Palette.ink, 0.6)
        canvas.text(10, y - line // 2, text, face, MIN_SIZE, Palette.title)
