"""Parallel coordinates: which seeds the good points are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, Palette
from .lettering import Face
from .page import MARGIN, TEXT, Page
from .plotting import (
    LEFT,
    STRIPE,
    Strokes,
    best_of,
    better,
    colour_bar,
    finite,
    numbers,
    scale_of,
    scaled,
    summary_of_points,
    ticks,
    whole,
)

__all__ = ["parallel_coordinates"]

_MOST = 512  # axes; more would stand closer than pixels
_AIR, _BAR = 8, 14  # pixels: between the axes and their labels, and the width of the scale of colours
_ROOM = 1100  # pixels that the axes take where they are few


def parallel_coordinates(
    w,
    scores,
    names,
    *,
    best=None,
    title=None,
    direction="maximize",
    height=420,
    font=None,
):
    """Draw each point as a line over k upright axes, one for each seed. Returns (height, width, 3) uint8.

    The lines are coloured by score, the better over the worse; the best is golden, with its weights as dots. All axes
    have one scale, from 0 to the largest weight there is.

    w: (n, k) weights, from 0 to 1, k from 2 to 512.
    scores: n numbers; NaN, None and infinite ones failed and are grey, under the others.
    names: k texts, the seeds'.
    best: index of the golden line. Default: that of the best score.
    direction: "maximize" or "minimize"; the best is always the lightest.
    height: of the axes in pixels, at least 100. The width follows from k.
    font: path of a TrueType font, as in `contact_sheet`.

    Raises ValueError, naming the argument, for other shapes, no points, and weights outside [0, 1].
    """
    sign = better(direction)
    w = numbers("w", w, ("n", "k"), finite=True)
    n, k = w.shape
    if not 2 <= k <= _MOST:
        raise ValueError(f"w: expected from 2 to {_MOST} weights a point, got {k}.")
    if w.min() < -1e-9 or w.max() > 1 + 1e-9:
        raise ValueError(f"w: expected weights in [0, 1], got {w.min():g} to {w.max():g}.")
    scores = finite("scores", scores, n)
    if isinstance(names, str) or len(names) != k:
        got = f"the text {names!r}" if isinstance(names, str) else len(names)
        raise ValueError(f"names: expected {k} texts, one for each seed, got {got}.")
    best = best_of(best, scores, sign)
    height = whole("height", height, 100)
    points = _Points(w, scores, best, sign)
    return _Plot(points, names, height, title, Face(font)).draw()


@dataclass(frozen=True)
class _Points:
    """What is drawn: weights (n, k), scores (n,) with NaN for what failed, the index of the best, and its direction."""

    w: np.ndarray
    scores: np.ndarray
    best: int | None
    sign: int

    @property
    def known(self) -> np.ndarray:
        return np.isfinite(self.scores)

    @property
    def order(self) -> list[int]:
        """From the worst to the best, but without the best, which is drawn last."""
        order = np.argsort(np.where(self.known, self.sign * self.scores, -np.inf), kind="stable")
        return [i for i in order.tolist() if i != self.best]

    @property
    def top_of_axes(self) -> float:
        """A round number that no weight is above."""
        largest = min(float(self.w.max()) or 1.0, 1.0)
        return next(v for v in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0) if v >= largest - 1e-9)

    @property
    def many(self) -> float:
        """The opacity of lines: others shine through where they are many."""
        return float(np.clip(12 / np.sqrt(len(self.w)), 0.35, 0.9))


class _Names:
    """The seeds' names under the axes, as far as there is room: `shown` by the number of the axis.

    They are upright where one would be wider than `step`, the pixels from axis to axis.
    """

    def __init__(self, names, step: int, face: Face):
        every = -(-(face.line(TEXT) + 1) // step)  # names are at least a line apart
        names = [" ".join(face.clean(name).split()) for name in names]
        places = range(0, len(names), every)
        self.upright = any(face.width(names[i], TEXT) > step - 6 for i in places)
        self.shown = {i: face.shorten(names[i], TEXT, 130) if self.upright else names[i] for i in places}
        widths = [face.width(name, TEXT) for name in self.shown.values()]
        self.height = max(widths) if self.upright else face.line(TEXT)
        # What hangs over the first and the last axis.
        self.before = 0 if self.upright else widths[0] // 2
        self.after = 0 if self.upright else widths[-1] // 2


class _Plot:
    """Points on a page, measured: the axes are between `left` and `left + span`, and from `top` down to `bottom`."""

    def __init__(self, points: _Points, names, height: int, title, face: Face):
        self.points, self.face, self.height = points, face, height
        k = points.w.shape[1]
        self.low, self.high = scale_of(points.scores, points.sign)
        self.step = max(12, min(180, round(_ROOM / (k - 1))))
        self.span = (k - 1) * self.step
        self.names = _Names(names, self.step, face)
        self.ticks = ticks(0.0, points.top_of_axes, max(2, height // 60))
        self.left = MARGIN + max(max(face.width(label, TEXT) for label in self.ticks[1]) + 2 * _AIR, self.names.before)
        beside = max(3 * _AIR, 0 if self.names.upright else _AIR + self.names.after)
        self.room = max(self.span + beside, 420 - self.left)
        width = self.left + self.room + self._width_of_scale() + MARGIN
        self.page = Page.plan(face, width, title, summary_of_points(points.scores, points.best), air=2 * _AIR)
        self.top, self.bottom = self.page.top, self.page.top + height

    def _width_of_scale(self) -> int:
        words = ticks(self.low, self.high, max(2, self.height // 60))[1]
        widest = max(self.face.width(word, TEXT) for word in words)
        return _BAR + 8 + widest if self.points.known.any() else 0

    def draw(self) -> np.ndarray:
        canvas = self.page.canvas(self.bottom + _AIR + self.names.height)
        self._draw_axes(canvas)
        self._draw_lines(canvas)
        self._write_names(canvas)
        if self.points.known.any():
            x, sign = self.left + self.room, self.points.sign
            colour_bar(canvas, self.face, x, self.top, self.bottom, _BAR, self.low, self.high, sign)
        return canvas.pixels

    def _draw_axes(self, canvas: Canvas) -> None:
        for value, label in zip(*self.ticks):
            y = self.bottom - round(value / self.points.top_of_axes * self.height)
            canvas.fill(self.left, y, self.left + self.span + 1, y + 1, STRIPE)
            middle = y - self.face.line(TEXT) // 2
            canvas.text(self.left - _AIR, middle, label, self.face, TEXT, Palette.caption, "right")
        for x in range(self.left, self.left + self.span + 1, self.step):
            canvas.fill(x, self.top, x + 1, self.bottom + 1, Palette.rule)

    def _draw_lines(self, canvas: Canvas) -> None:
        points, right = self.points, self.left + self.span
        x = self.left + 0.5 + np.arange(points.w.shape[1]) * self.step
        y = self.bottom + 0.5 - points.w.clip(0, 1) / points.top_of_axes * self.height
        t = (points.scores - self.low) / (self.high - self.low)
        t = t if points.sign > 0 else 1 - t
        many = points.many
        with Strokes(canvas, self.left - 8, self.top - 8, right + 9, self.bottom + 9) as strokes:
            for i in points.order:
                line = np.stack([x, y[i]], -1)
                if math.isnan(t[i]):
                    strokes.line(line, LEFT, 1.0, 0.35 * many)
                else:
                    opacity = many + (0.95 - many) * float(np.clip(t[i], 0, 1)) ** 2
                    strokes.line(line, scaled(t[i]), 1.5, opacity)
            if points.best is not None:
                self._draw_best(strokes, np.stack([x, y[points.best]], -1))

    def _draw_best(self, strokes: Strokes, line: np.ndarray) -> None:
        strokes.line(line, Palette.ink, 5.0)
        strokes.line(line, Palette.best, 2.5)
        for x, y in line if self.step >= 20 else ():
            strokes.dot(x, y, 3.5, Palette.best, edge=Palette.ink)

    def _write_names(self, canvas: Canvas) -> None:
        y, half = self.bottom + _AIR, self.face.line(TEXT) // 2
        for i, name in self.names.shown.items():
            x = self.left + i * self.step
            if self.names.upright:
                canvas.text(x - half, y, name, self.face, TEXT, Palette.label, "right", True)
            else:
                canvas.text(x, y, name, self.face, TEXT, Palette.label, "middle")
