"""A Gram matrix as a heat map: how alike the seeds are."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, Palette
from .lettering import Face
from .page import MARGIN, TEXT, Page

__all__ = ["gram_picture"]

# From -limit over 0, which is as dark as the ground, to +limit.
_STOPS = np.array([(170, 220, 255), (46, 112, 200), (27, 27, 30), (196, 92, 36), (255, 210, 140)], np.float64)
_NUMBERED = 16  # up to this k the values are written into the cells
_LARGEST = 8192
_AIR, _BAR = 10, 14  # pixels: between the cells and their names, and the width of the scale of colours


def gram_picture(gram, names, *, title="Gram matrix", font=None):
    """Draw a k x k Gram or correlation matrix. Returns (height, width, 3) uint8.

    gram: (k, k) real numbers. Blue is negative, dark zero, orange positive; the scale reaches from -1 to 1, or as far
        as the largest value if that is above 1.2. Values that are not finite are hatched.
    names: k texts, written at the left and the top, shortened where they are long, every so-many-th where they are
        many. Up to k = 16 the values are written too. Under the title are the two
        seeds with the largest value off the diagonal.
    font: path of a TrueType font, as in `contact_sheet`.

    Raises ValueError for another shape, complex or non-numeric values, and another number of names.
    """
    gram = _matrix(gram)
    if isinstance(names, str) or len(names) != len(gram):
        got = f"the text {names!r}" if isinstance(names, str) else len(names)
        raise ValueError(f"names: expected {len(gram)} texts, one for each row of gram, got {got}.")
    return _Plot(gram, names, title, Face(font)).draw()


def _matrix(gram) -> np.ndarray:
    try:
        gram = np.array(gram)
        if gram.dtype.kind not in "fiub":
            raise TypeError
        gram = gram.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"gram: expected a (k, k) array of real numbers, got {gram!r:.200}.") from None
    k = len(gram) if gram.ndim else 0
    if gram.shape != (k, k) or not 1 <= k <= _LARGEST:
        raise ValueError(f"gram: expected shape (k, k) with k from 1 to {_LARGEST}, got {gram.shape}.")
    return gram


class _Names:
    """The seeds' names at the left of the matrix and above it, as far as there is room: every so-many-th of them.

    Those above are upright where one would be wider than `cell`, the side of a cell in pixels.
    """

    def __init__(self, names: list[str], cell: int, face: Face):
        self.places = range(0, len(names), -(-(face.line(TEXT) + 1) // cell))  # at least a line apart
        self.left = [face.shorten(names[i], TEXT, 170) for i in self.places]
        self.upright = any(face.width(names[i], TEXT) > cell - 6 for i in self.places)
        self.above = [face.shorten(names[i], TEXT, 130) if self.upright else names[i] for i in self.places]
        self.width = max(face.width(name, TEXT) for name in self.left)
        self.height = max(face.width(name, TEXT) for name in self.above) if self.upright else face.line(TEXT)


class _Plot:
    """A matrix on a page, measured: its cells begin at `left`, `top` and have `cell` pixels a side, all of it `side`."""

    def __init__(self, gram: np.ndarray, names, title, face: Face):
        self.gram, self.face = gram, face
        k, names = len(gram), [" ".join(face.clean(name).split()) for name in names]
        self.cell = min(112, max(46, round(720 / k))) if k <= _NUMBERED else max(1, round(768 / k))
        self.side = k * self.cell
        self.names = _Names(names, self.cell, face)
        largest = float(np.abs(gram[np.isfinite(gram)]).max(initial=0.0))
        self.limit = largest if largest > 1.2 else 1.0  # the squared length of a random seed is 1 only about
        self.ticks = [f"{v:.3g}" for v in (self.limit, 0.0, -self.limit)]
        self.left = MARGIN + self.names.width + _AIR
        beside = 2 * _AIR + _BAR + _AIR // 2 + max(face.width(tick, TEXT) for tick in self.ticks)
        width = max(self.left + self.side + beside, MARGIN + max(self.side, 420)) + MARGIN
        self.page = Page.plan(face, width, title, _least_independent(gram, names, face), air=_AIR)
        self.top = self.page.top + self.names.height + _AIR + _AIR // 2
        self.heat = _colours(np.where(np.isfinite(gram), gram, 0.0) / self.limit)

    def draw(self) -> np.ndarray:
        canvas = self.page.canvas(self.top + self.side)
        self._draw_cells(canvas)
        self._write_names(canvas)
        self._draw_scale(canvas)
        return canvas.pixels

    def _draw_cells(self, canvas: Canvas) -> None:
        left, top, cell, side = self.left, self.top, self.cell, self.side
        canvas.paste(left, top, self.heat.repeat(cell, 0).repeat(cell, 1))
        for i, j in np.argwhere(~np.isfinite(self.gram)):
            x, y = left + j * cell, top + i * cell
            canvas.hatch(x, y, x + cell, y + cell, max(2, min(8, cell // 2)))
        if cell >= 16:  # a hairline between the cells
            for at in range(cell, side, cell):
                canvas.fill(left, top + at, left + side, top + at + 1, Palette.ground)
                canvas.fill(left + at, top, left + at + 1, top + side, Palette.ground)
        canvas.frame(left, top, left + side, top + side, 1, Palette.edge)
        if len(self.gram) <= _NUMBERED:
            _write_values(canvas, self.gram, self.heat, left, top, cell, self.face)

    def _write_names(self, canvas: Canvas) -> None:
        face, line, cell = self.face, self.face.line(TEXT), self.cell
        for i, name in zip(self.names.places, self.names.left, strict=True):
            y = self.top + i * cell + (cell - line) // 2
            canvas.text(self.left - _AIR, y, name, face, TEXT, Palette.label, "right")
        for i, name in zip(self.names.places, self.names.above, strict=True):
            x, y = self.left + i * cell, self.top - _AIR
            if self.names.upright:
                canvas.text(x + (cell - line) // 2, y, name, face, TEXT, Palette.label, "left", True)
            else:
                canvas.text(x + cell // 2, y - line, name, face, TEXT, Palette.label, "middle")

    def _draw_scale(self, canvas: Canvas) -> None:
        x, top, side, line = self.left + self.side + 2 * _AIR, self.top, self.side, self.face.line(TEXT)
        canvas.paste(x, top, _colours(np.linspace(1, -1, side)[:, None]).repeat(_BAR, 1))
        canvas.frame(x, top, x + _BAR, top + side, 1, Palette.edge)
        for tick, y in zip(self.ticks, (top, top + (side - line) // 2, top + side - line), strict=True):
            canvas.text(x + _BAR + _AIR // 2, y, tick, self.face, TEXT, Palette.caption)


def _colours(values):
    """(…, 3) uint8 for values in [-1, 1]."""
    where = (np.clip(values, -1, 1) + 1) * (len(_STOPS) - 1) / 2
    return np.stack([np.interp(where, range(len(_STOPS)), c) for c in _STOPS.T], -1).round().astype(np.uint8)


def _off_diagonal(gram):
    """Sizes of the finite values off the diagonal, -1 elsewhere."""
    sizes = np.where(np.isfinite(gram), np.abs(gram), -1.0)
    np.fill_diagonal(sizes, -1.0)
    return sizes


def _least_independent(gram, names, face):
    sizes = _off_diagonal(gram)
    i, j = sorted(np.unravel_index(int(sizes.argmax()), sizes.shape))
    if sizes[i, j] < 0:
        return ""
    a, b = (face.shorten(names[n], 13, 150) or str(n + 1) for n in (i, j))
    return f"Least independent: {a} and {b}, {_number(gram[i, j], 4)}"


def _number(value, decimals):
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def _write_values(canvas, gram, heat, left, top, cell, face):
    # Seeds drawn at random differ in the third decimal.
    decimals = 3 if _off_diagonal(gram).max() < 0.1 and np.abs(gram[np.isfinite(gram)]).max(initial=0) < 10 else 2
    size = 15 if cell >= 70 else 12
    for i, j in np.ndindex(gram.shape):
        if np.isfinite(gram[i, j]):
            words = _number(gram[i, j], decimals)
            words = words if face.width(words, size) <= cell - 4 else f"{gram[i, j]:.1e}"
            bright = heat[i, j] @ (0.299, 0.587, 0.114) > 128
            colour = Palette.ink if bright else Palette.title if i == j or abs(gram[i, j]) >= 0.1 else Palette.caption
        else:
            words, colour = str(gram[i, j]), Palette.quiet
        x, y = left + j * cell + cell // 2, top + i * cell + (cell - face.line(size)) // 2
        canvas.text(x, y, face.shorten(words, size, cell - 2), face, size, colour, "middle")
