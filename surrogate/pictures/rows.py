"""Things as rows: a name, numbers as bars beside each other, a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, Palette
from .lettering import Face
from .page import MARGIN, TEXT, Page
from .plotting import STRIPE, Strokes, numbers, ticks

__all__ = ["Column", "rows_picture"]

# Pixels: heights of a row and of its bar, the width of a column, and what is between columns.
_ROW, _BAR, _WIDTH, _AIR = 24, 10, 250, 14
_COLOURS = ((110, 190, 130), Palette.quiet, Palette.best)


@dataclass(frozen=True)
class Column:
    """`values` (n,) as bars from 0, NaN: none; `errors` (n,) to both sides; a `band` around 0, what chance gives.

    The axis reaches to `limit` at both sides, or as far as the values with their errors do, and to 0.
    """

    title: str
    values: np.ndarray
    errors: np.ndarray | None = None
    band: float | None = None
    limit: float | None = None


def rows_picture(
    names: Sequence[str], columns: Sequence[Column], *, words, grades, title=None, caption=None, font=None
):
    """Draw a row for each of n things. Returns (height, width, 3) uint8.

    words: n texts, at the right. grades: n numbers, which colour bars and words: 0 good, 1 unknown, 2 not needed.
    title, caption: above, wrapped. font: path of a TrueType font, as in `contact_sheet`.

    Raises ValueError for no things, and for columns, words or grades of another number.
    """
    n = len(names)
    if not n or not columns:
        raise ValueError(f"names, columns: expected at least one each, got {n} and {len(columns)}.")
    for name, given in (("words", words), ("grades", grades)):
        if len(given) != n:
            raise ValueError(f"{name}: expected {n}, one for each name, got {len(given)}.")
    columns = [
        Column(c.title, numbers("values", c.values, (n,)), _errors(c.errors, n), c.band, c.limit) for c in columns
    ]
    face = Face(font)
    labels = [face.shorten(" ".join(face.clean(name).split()), TEXT, 170) for name in names]
    words = [face.clean(word) for word in words]
    return _Plot(labels, columns, words, [_COLOURS[grade] for grade in grades], face).draw(title, caption)


class _Plot:
    """Rows on a page, measured: the columns begin at `left`, the words after them at `right`, in pixels."""

    def __init__(self, labels: list[str], columns: list[Column], words: list[str], colours, face: Face):
        self.labels, self.columns, self.words, self.colours, self.face = labels, columns, words, colours, face
        self.left = MARGIN + max(face.width(label, TEXT) for label in labels) + _AIR
        self.right = self.left + len(columns) * (_WIDTH + _AIR)
        self.width = max(self.right + max((face.width(word, TEXT) for word in words), default=0) + MARGIN, 480)

    def draw(self, title, caption) -> np.ndarray:
        line = self.face.line(TEXT)
        page = Page.plan(self.face, self.width, title, caption, lines=6, air=0)
        top = page.top + _AIR + line + 6
        bottom = top + len(self.labels) * _ROW
        canvas = page.canvas(bottom + line + 10)
        self._draw_rows(canvas, top)
        for c, column in enumerate(self.columns):
            _draw(canvas, self.face, self.left + c * (_WIDTH + _AIR), top, bottom, column, self.colours)
        return canvas.pixels

    def _draw_rows(self, canvas: Canvas, top: int) -> None:
        for y in range(top, top + len(self.labels) * _ROW, 2 * _ROW):
            canvas.fill(MARGIN, y, self.width - MARGIN, y + _ROW, STRIPE)
        inset = (_ROW - self.face.line(TEXT)) // 2
        for i, (label, word, colour) in enumerate(zip(self.labels, self.words, self.colours)):
            y = top + i * _ROW + inset
            canvas.text(self.left - _AIR, y, label, self.face, TEXT, Palette.label, "right")
            canvas.text(self.right, y, word, self.face, TEXT, colour)


def _errors(errors, n):
    return np.zeros(n) if errors is None else np.nan_to_num(numbers("errors", errors, (n,)))


def _draw(canvas, face, left, top, bottom, column, colours):
    title = face.shorten(column.title, TEXT, _WIDTH)
    canvas.text(left, top - face.line(TEXT) - 4, title, face, TEXT, Palette.caption)
    low, high = _reach(column)

    def across(value):
        return float(left + 8 + (np.clip(value, low, high) - low) / (high - low) * (_WIDTH - 16))

    if column.band is not None and np.isfinite(column.band):
        canvas.fill(round(across(-column.band)), top, round(across(column.band)), bottom, Palette.hatch)
    for value, label in zip(*ticks(low, high, 4)):
        x = round(across(value))
        canvas.fill(x, top, x + 1, bottom + 4, Palette.edge)
        canvas.text(x, bottom + 6, label, face, TEXT, Palette.quiet, "middle")
    zero = round(across(0.0))
    canvas.fill(zero, top, zero + 1, bottom, Palette.rule)
    with Strokes(canvas, left, top, left + _WIDTH, bottom) as strokes:
        for i, (value, error) in enumerate(zip(column.values.tolist(), column.errors.tolist())):
            if np.isfinite(value):
                _bar(strokes, top + (i + 0.5) * _ROW, value, error, across, colours[i])


def _bar(strokes, y, value, error, across, colour):
    zero, x = across(0.0), across(value)
    if abs(x - zero) >= 0.5:
        strokes.line([(min(zero, x), y), (max(zero, x), y)], colour, _BAR)
    else:
        strokes.dot(x, y, 2.5, colour)
    if error > 0:
        ends = across(value - error), across(value + error)
        strokes.line([(end, y) for end in ends], Palette.title, 1.25)
        for end in ends:
            strokes.line([(end, y - 3), (end, y + 3)], Palette.title, 1.25)


def _reach(column):
    """(low, high) of the axis."""
    if column.limit is not None:
        return -column.limit, column.limit
    known = np.isfinite(column.values)
    values, errors = column.values[known], column.errors[known]
    low = min(0.0, float((values - errors).min(initial=0.0)))
    high = max(0.0, float((values + errors).max(initial=0.0)))
    return (low, high) if high > low else (0.0, 1.0)
