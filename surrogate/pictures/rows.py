"""Things as rows: a name, numbers as bars beside each other, a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas, Palette
from .lettering import Face
from .plotting import STRIPE, Strokes, numbers, ticks, title_of

__all__ = ["Column", "rows_picture"]

_ROW, _BAR, _WIDTH = 24, 10, 250
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
    face, margin, air, text = Face(font), 28, 14, 13
    line = face.line(text)
    labels = [face.shorten(" ".join(face.clean(name).split()), text, 170) for name in names]
    words = [face.clean(word) for word in words]
    beside = max(face.width(label, text) for label in labels)
    after = max((face.width(word, text) for word in words), default=0)
    left = margin + beside + air
    width = max(left + len(columns) * (_WIDTH + air) + after + margin, 480)
    heads = face.wrap(title, 22, width - 2 * margin, 2)
    lines = face.wrap(caption, text, width - 2 * margin, 6)
    top = margin + len(heads) * face.line(22) + len(lines) * line + air + line + 6
    bottom = top + n * _ROW
    canvas = Canvas(width, bottom + line + 10 + margin)
    title_of(canvas, face, margin, heads, lines)
    for i in range(0, n, 2):
        canvas.fill(margin, top + i * _ROW, width - margin, top + (i + 1) * _ROW, STRIPE)
    colours = [_COLOURS[grade] for grade in grades]
    for i, (label, word) in enumerate(zip(labels, words)):
        y = top + i * _ROW + (_ROW - line) // 2
        canvas.text(left - air, y, label, face, text, Palette.label, "right")
        canvas.text(left + len(columns) * (_WIDTH + air), y, word, face, text, colours[i])
    for c, column in enumerate(columns):
        _draw(canvas, face, left + c * (_WIDTH + air), top, bottom, column, colours)
    return canvas.pixels


def _errors(errors, n):
    return np.zeros(n) if errors is None else np.nan_to_num(numbers("errors", errors, (n,)))


def _draw(canvas, face, left, top, bottom, column, colours):
    text, right = 13, left + _WIDTH
    line = face.line(text)
    canvas.text(left, top - line - 4, face.shorten(column.title, text, _WIDTH), face, text, Palette.caption)
    low, high = _reach(column)

    def across(value):
        return left + 8 + (np.clip(value, low, high) - low) / (high - low) * (_WIDTH - 16)

    if column.band is not None and np.isfinite(column.band):
        x0, x1 = (round(float(across(side * column.band))) for side in (-1, 1))
        canvas.fill(x0, top, x1, bottom, Palette.hatch)
    for value, label in zip(*ticks(low, high, 4)):
        x = round(float(across(value)))
        canvas.fill(x, top, x + 1, bottom + 4, Palette.edge)
        canvas.text(x, bottom + 6, label, face, text, Palette.quiet, "middle")
    zero = float(across(0.0))
    canvas.fill(round(zero), top, round(zero) + 1, bottom, Palette.rule)
    with Strokes(canvas, left, top, right, bottom) as strokes:
        for i, (value, error) in enumerate(zip(column.values.tolist(), column.errors.tolist())):
            if not np.isfinite(value):
                continue
            y, x = top + (i + 0.5) * _ROW, float(across(value))
            if abs(x - zero) >= 0.5:
                strokes.line([(min(zero, x), y), (max(zero, x), y)], colours[i], _BAR)
            else:
                strokes.dot(x, y, 2.5, colours[i])
            if error > 0:
                a, b = float(across(value - error)), float(across(value + error))
                strokes.line([(a, y), (b, y)], Palette.title, 1.25)
                for end in (a, b):
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
