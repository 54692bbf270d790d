"""The course of a search: every score, and the best so far."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .canvas import Canvas, Palette
from .lettering import Face
from .page import MARGIN, TEXT, Page
from .plotting import (
    FAILED,
    LEFT,
    STRIPE,
    Strokes,
    best_of,
    better,
    finite,
    numbers,
    scale_of,
    summary,
    ticks,
    whole,
)

__all__ = ["score_curve"]

# Pixels: between a plot and its labels, and of the strip below it for what failed.
_AIR, _STRIP = 8, 16


def score_curve(
    scores,
    best=None,
    *,
    generation=None,
    budget=None,
    title=None,
    direction="maximize",
    size=(960, 540),
    font=None,
):
    """Draw scores in the order in which they were found. Returns (height, width, 3) uint8 of the `size` given.

    scores: n numbers; NaN, None and infinite ones failed and stand as red crosses under the plot. Those so much worse
        than the rest that the rest could not be told apart stand as grey wedges at the edge.
    best: the best score so far, n numbers; drawn as a golden line. Default: of `scores`. Not finite: no line there.
    generation: n whole numbers; evaluations of one generation share a stripe of the ground.
    budget: how many evaluations there will be; the axis reaches so far.
    direction: "maximize" or "minimize".
    size: width and height in pixels, at least 320 × 240.
    font: path of a TrueType font, as in `contact_sheet`.

    Raises ValueError for no scores, lengths that differ, and a budget, size or direction that is none.
    """
    sign = better(direction)
    scores = finite("scores", scores)
    n = len(scores)
    course = _Course(
        scores,
        _best_so_far(scores, sign) if best is None else finite("best", best, n),
        None if generation is None else numbers("generation", generation, (n,), finite=True),
        n if budget is None else max(n, whole("budget", budget, 1)),
        sign,
    )
    width, height = _size(size)
    face = Face(font)
    return _Plot(course, Page.plan(face, width, title, course.summary), height).draw()


@dataclass(frozen=True)
class _Course:
    """What is drawn: checked, with NaN for scores that failed and where there is no best yet."""

    scores: np.ndarray
    best: np.ndarray
    generation: np.ndarray | None
    budget: int
    sign: int

    @property
    def summary(self) -> str:
        generations = None if self.generation is None else len(np.unique(self.generation))
        return summary(self.scores, best_of(None, self.scores, self.sign), self.budget, generations)

    @property
    def final(self) -> float | None:
        """The best at the end, None if nothing has a score."""
        known = self.best[np.isfinite(self.best)]
        return float(known[-1]) if len(known) else None

    @property
    def record(self) -> np.ndarray:
        """Where a score raised the best."""
        before = np.concatenate([[np.nan], _best_so_far(self.scores, self.sign)[:-1]])
        raised = np.isnan(before) | (self.sign * self.scores > self.sign * before)
        reached = np.isnan(self.best) | (self.sign * self.scores >= self.sign * self.best)
        return np.isfinite(self.scores) & raised & reached

    def scale(self) -> tuple[float, float]:
        """(low, high) of the axis of scores."""
        low, high = scale_of(self.scores, self.sign, self.best[np.isfinite(self.best)])
        return low - 0.04 * (high - low), high + 0.04 * (high - low)

    @property
    def changes(self) -> list[int]:
        """Before which images a generation begins or ends."""
        if self.generation is None:
            return []
        return [0, *(np.flatnonzero(np.diff(self.generation)) + 1).tolist(), len(self.generation)]


class _Plot:
    """A course on a page, measured: `left`, `top`, `right`, `bottom` of the plot in pixels."""

    def __init__(self, course: _Course, page: Page, height: int):
        self.course, self.page, self.face = course, page, page.face
        self.line = page.face.line(TEXT)
        self.top, self.bottom = page.top, height - MARGIN - 2 * self.line - _STRIP
        self.low, self.high = course.scale()
        known = np.isfinite([*course.scores, *course.best]).any()
        self.ticks = ticks(self.low, self.high, (self.bottom - self.top) // 56) if known else ([], [])
        self.final = "" if course.final is None else f"{course.final:.4g}"
        self.left = MARGIN + max((self.face.width(label, TEXT) for label in self.ticks[1]), default=0) + _AIR
        self.right = page.width - MARGIN
        # Room for the last value, right of the end of the line.
        beside = self.face.width(self.final, TEXT) + _AIR if self.final else 0
        n = len(course.scores)
        self.right -= max(0, beside - (self.right - self.left) * (course.budget - n) // course.budget)

    def draw(self) -> np.ndarray:
        canvas = self.page.canvas(self.bottom + _STRIP + 2 * self.line)
        canvas.fill(self.left, self.top, self.right, self.bottom, Palette.hollow)
        self._draw_generations(canvas)
        self._draw_axes(canvas)
        self._draw_points(canvas)
        self._write_final(canvas)
        return canvas.pixels

    def across(self, i) -> np.ndarray:
        # Evaluation 1 is half a step from the left edge.
        return self.left + (np.asarray(i, np.float64) + 0.5) * (self.right - self.left) / self.course.budget

    def up(self, score) -> np.ndarray:
        share = (np.asarray(score, np.float64) - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)

    def _draw_generations(self, canvas: Canvas) -> None:
        width, changes = self.right - self.left, self.course.changes
        if len(changes) >= width / 6:  # narrower stripes would only flicker
            return
        for stripe in list(pairwise(changes))[::2]:
            x0, x1 = (self.left + round(i * width / self.course.budget) for i in stripe)
            canvas.fill(x0, self.top, x1, self.bottom, STRIPE)

    def _draw_axes(self, canvas: Canvas) -> None:
        face, below = self.face, self.bottom + _STRIP
        for value, label in zip(*self.ticks):
            y = round(float(self.up(value)))
            canvas.fill(self.left, y, self.right, y + 1, Palette.edge)
            canvas.text(self.left - _AIR, y - self.line // 2, label, face, TEXT, Palette.caption, "right")
        for i, label in _counts(self.course.budget, (self.right - self.left) // 64):
            x = round(float(self.across(i - 1)))
            canvas.fill(x, self.bottom, x + 1, self.bottom + 4, Palette.rule)
            canvas.text(x, below, label, face, TEXT, Palette.caption, "middle")
        middle = (self.left + self.right) // 2
        canvas.text(middle, below + self.line, "images", face, TEXT, Palette.quiet, "middle")
        canvas.fill(self.left, self.bottom, self.right, self.bottom + 1, Palette.rule)

    def _draw_points(self, canvas: Canvas) -> None:
        course, n = self.course, len(self.course.scores)
        # Dots grow smaller where they are many.
        radius = float(np.clip(1.4 * math.sqrt((self.right - self.left) / course.budget), 1.8, 4.0))
        x, y = self.across(range(n)), self.up(course.scores)
        known, record = np.isfinite(course.scores), course.record
        beyond = known & ((course.scores < self.low) | (course.scores > self.high))
        with Strokes(canvas, self.left - 6, self.top - 6, self.right + 6, self.bottom + _STRIP) as strokes:
            for i in np.flatnonzero(~known):
                strokes.cross(x[i], self.bottom + _STRIP / 2, 3.5, FAILED)
            for i in np.flatnonzero(beyond):
                above = course.scores[i] > self.high
                strokes.wedge(x[i], self.top + 5 if above else self.bottom - 6, 4, LEFT, above)
            for i in np.flatnonzero(known & ~beyond & ~record):
                strokes.dot(x[i], y[i], radius, Palette.mark, 0.85)
            for path in _steps(x, self.up(course.best), self.across(n - 0.5)):
                strokes.line(path, Palette.best, 2.0)
            for i in np.flatnonzero(record & ~beyond):
                strokes.dot(x[i], y[i], radius + 0.7, Palette.best, edge=Palette.hollow)

    def _write_final(self, canvas: Canvas) -> None:
        if not self.final:
            return
        x = round(float(self.across(len(self.course.scores) - 0.5))) + _AIR
        y = int(np.clip(round(float(self.up(self.course.final))), self.top, self.bottom))
        canvas.text(x, y - self.line // 2, self.final, self.face, TEXT, Palette.best)


def _best_so_far(scores, sign):
    run = np.maximum.accumulate(np.where(np.isnan(scores), -np.inf, sign * scores))
    return np.where(np.isfinite(run), sign * run, np.nan)


def _steps(x, y, end):
    """Staircases (m, 2) through the places where `y` is a number, up to `end`."""
    paths: list[list[tuple]] = []
    path: list[tuple] = []
    for i in range(len(x)):
        if math.isnan(y[i]):
            paths, path = [*paths, path], []
            continue
        path += [(x[i], level) for _, level in path[-1:]] + [(x[i], y[i])]
    if path:
        path.append((float(end), path[-1][1]))
    return [path for path in [*paths, path] if len(path) > 1]


def _counts(budget, most):
    """Numbers of images for the axis with their texts: 1 and round ones."""
    if budget == 1:
        return [(1, "1")]
    values, _ = ticks(0, budget, max(2, most))
    whole = [int(v) for v in values if v >= 1 and v == int(v)]
    first = [1] if not whole or whole[0] > 0.06 * budget + 1 else []
    return [(v, f"{v}") for v in first + whole]


def _size(size):
    try:
        width, height = size
    except (TypeError, ValueError):
        raise ValueError(f"size: expected width and height in pixels, got {size!r}.") from None
    return whole("size", width, 320), whole("size", height, 240)
