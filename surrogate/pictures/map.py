"""The map of a space of two coordinates: what the score probably is everywhere, and where it was asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..processes.gaussian_process import GaussianProcess
from ..resizing import resampled
from .canvas import Canvas, Palette
from .fitting import fitted, pixels
from .lettering import Face
from .page import MARGIN, TEXT, Page
from .plotting import (
    FAILED,
    LEFT,
    Strokes,
    best_of,
    better,
    colour_bar,
    finite,
    numbers,
    scale_of,
    scaled,
    stepped,
    summary_of_points,
    ticks,
    whole,
)

__all__ = ["space_map"]

_FEWEST = 4  # finite scores; a surface through fewer would show its assumptions, not the score
_AIR, _BAR = 8, 14  # pixels: between the square and its labels, and the width of the scale of colours
_NODES = 96  # each way, where a function is asked for the surface


def space_map(
    u,
    scores,
    *,
    field=None,
    seeds=(),
    best=None,
    thumbnails=None,
    names=("u1", "u2"),
    title=None,
    direction="maximize",
    size=640,
    font=None,
):
    """Draw the square [0, 1]² of two coordinates with all evaluations. Returns (height, width, 3) uint8.

    u1 goes to the right and u2 downwards, as on the sheets of a grid.

    u: (n, 2) numbers in [0, 1], in the order of evaluation.
    scores: n numbers; NaN, None and infinite ones failed and stand as red crosses.
    field: the surface, drawn as filled contours: a function of points (m, 2) that returns (m,) numbers, or an array
        (rows, columns) of its values at the middles of equal cells, u2 down the rows. Default: the mean of a Gaussian
        process through the scores, those far worse than the rest lifted to the edge of the scale; with fewer than 4
        finite scores, none. False: none.
    seeds: pairs of a name and its place, (2,), or several places (p, 2) joined by a line: in a chart the first seed of
        three is a whole edge.
    best: index of the evaluation to be framed in gold. Default: that of the best score.
    thumbnails: n images (h, w, 1 | 3 | 4), None where there is none; as many of the best as have room are drawn.
    names: what is written at the two axes.
    direction: "maximize" or "minimize"; the best is always the lightest.
    size: side of the square in pixels, at least 200.
    font: path of a TrueType font, as in `contact_sheet`.

    Raises ValueError, naming the argument, for other shapes, no evaluations, u outside the square, and a field that is
    not finite.
    """
    sign = better(direction)
    u = numbers("u", u, ("n", 2), finite=True)
    if u.min() < -1e-9 or u.max() > 1 + 1e-9:
        raise ValueError(f"u: expected coordinates in [0, 1], got {u.min():g} to {u.max():g}.")
    n = len(u)
    scores = finite("scores", scores, n)
    seeds = _places(seeds)
    images = _images(thumbnails, n)
    best = best_of(best, scores, sign)
    size = whole("size", size, 200)
    if isinstance(names, str) or len(names) != 2:
        raise ValueError(f"names: expected two texts, one for each coordinate, got {names!r}.")
    surface = _surface(field, u, scores, sign)
    found = _Found(u.clip(0, 1), scores, seeds, best, sign)
    return _Plot(found, surface, size, title, Face(font)).draw(names, images)


@dataclass(frozen=True)
class _Found:
    """What is drawn: points (n, 2), scores (n,) with NaN for what failed, the seeds' places, the index of the best."""

    u: np.ndarray
    scores: np.ndarray
    seeds: list[tuple[str, np.ndarray]]
    best: int | None
    sign: int

    @property
    def order(self) -> list[int]:
        """From the worst to the best, without those that failed."""
        order = np.argsort(np.where(np.isfinite(self.scores), self.sign * self.scores, -np.inf), kind="stable")
        return order[int(np.isnan(self.scores).sum()) :].tolist()


class _Plot:
    """A square on a page, measured: from `left`, `top` it has `size` pixels each way."""

    def __init__(self, found: _Found, surface: np.ndarray | None, size: int, title, face: Face):
        self.found, self.surface, self.size, self.face = found, surface, size, face
        self.low, self.high = scale_of(found.scores, found.sign, () if surface is None else surface)
        self.bands, _ = ticks(self.low, self.high, 15)
        self.scaled = surface is not None or bool(np.isfinite(found.scores).any())
        self.line = face.line(TEXT)
        self.left = MARGIN + self.line + _AIR + face.width("0.0", TEXT) + _AIR
        width = self.left + size + 2 * _AIR + self._width_of_scale() + MARGIN
        self.page = Page.plan(face, width, title, summary_of_points(found.scores, found.best))
        self.top = self.page.top
        self.box = (self.left, self.top, self.left + size, self.top + size)
        # Of a dot: smaller where they are many.
        self.radius = float(np.clip(40 / np.sqrt(len(found.u)), 2.5, 4.5))

    def _width_of_scale(self) -> int:
        words = ticks(self.low, self.high, max(2, self.size // 60))[1]
        return _BAR + 8 + max(self.face.width(word, TEXT) for word in words) if self.scaled else 0

    def at(self, u: np.ndarray) -> np.ndarray:
        """Pixels (…, 2) of places in the square."""
        return np.array([self.left, self.top]) + u * self.size

    def draw(self, names, images) -> np.ndarray:
        canvas = self.page.canvas(self.top + self.size + _AIR + 2 * self.line)
        self._draw_surface(canvas)
        self._draw_axes(canvas, names)
        if self.scaled:
            self._draw_scale(canvas)
        self._draw_points(canvas)
        taken = self._write_seeds(canvas)
        if images is not None:
            order = [i for i in self._best_first() if images[i] is not None]
            places, side = self.at(self.found.u), max(48, self.size // 8)
            _thumbnails(canvas, images, places, order, self.found.best, taken, self.box, side)
        return canvas.pixels

    def _best_first(self) -> list[int]:
        """All points; those that failed, which have pictures too, at the end."""
        failed = np.flatnonzero(np.isnan(self.found.scores)).tolist()
        return (failed + self.found.order)[::-1]

    def _draw_surface(self, canvas: Canvas) -> None:
        canvas.fill(*self.box, Palette.hollow)
        if self.surface is not None:
            contours = _contours(self.surface, self.bands, self.low, self.high, self.found.sign, self.size)
            canvas.paste(self.left, self.top, contours)
        canvas.frame(*self.box, 1, Palette.edge)

    def _draw_axes(self, canvas: Canvas, names) -> None:
        left, top, face, bottom = self.left, self.top, self.face, self.top + self.size
        for value, word in zip(*ticks(0.0, 1.0, 6)):
            at = round(value * self.size)
            canvas.fill(left + at, bottom + 1, left + at + 1, bottom + 5, Palette.rule)
            canvas.fill(left - 5, top + at, left - 1, top + at + 1, Palette.rule)
            canvas.text(left + at, bottom + _AIR, word, face, TEXT, Palette.caption, "middle")
            canvas.text(left - _AIR, top + at - self.line // 2, word, face, TEXT, Palette.caption, "right")
        across, down = (face.shorten(face.clean(name), TEXT, self.size) for name in names)
        middle = self.size // 2
        canvas.text(left + middle, bottom + _AIR + self.line, across, face, TEXT, Palette.label, "middle")
        canvas.text(MARGIN, top + middle, down, face, TEXT, Palette.label, "middle", True)

    def _draw_scale(self, canvas: Canvas) -> None:
        bands = None if self.surface is None else self.bands
        x, bottom = self.left + self.size + 2 * _AIR, self.top + self.size
        colour_bar(canvas, self.face, x, self.top, bottom, _BAR, self.low, self.high, self.found.sign, bands)

    def _draw_points(self, canvas: Canvas) -> None:
        x0, y0, x1, y1 = self.box
        places = self.at(self.found.u)
        with Strokes(canvas, x0 - 8, y0 - 8, x1 + 8, y1 + 8) as strokes:
            for _, at in self.found.seeds:
                if len(at) > 1:
                    strokes.line(self.at(at), Palette.mark, 3.0)
            for x, y in places[np.isnan(self.found.scores)]:
                strokes.cross(x, y, 4.5, Palette.ink, 4.0)
                strokes.cross(x, y, 4, FAILED, 2.0)
            for i in self.found.order:  # the best on top
                t = self._goodness(self.found.scores[i])
                strokes.dot(*places[i], self.radius, scaled(t), edge=Palette.ink if t > 0.3 else LEFT)
            for _, at in self.found.seeds:
                for x, y in self.at(at[[0, -1]]):
                    strokes.dot(x, y, 5, Palette.mark, edge=Palette.ink)
            if self.found.best is not None:
                strokes.ring(*places[self.found.best], self.radius + 8, Palette.ink, 6.0)
                strokes.ring(*places[self.found.best], self.radius + 6.5, Palette.best, 3.0)

    def _goodness(self, score: float) -> float:
        t = (score - self.low) / (self.high - self.low)
        return t if self.found.sign > 0 else 1 - t

    def _write_seeds(self, canvas: Canvas) -> list[tuple]:
        """Write the seeds' names; returns the boxes that pictures must leave free, that of the best point first."""
        best = self.found.best
        taken = [] if best is None else [_box(self.at(self.found.u[best]), self.radius + 8)]
        return taken + _tags(canvas, self.face, self.found.seeds, self.left, self.top, self.size)


# ------------------------------------------------------------------------------------------------------------- surface


def _surface(field, u, scores, sign):
    """The field (rows, columns) at the middles of equal cells, or None."""
    if field is None:
        known = np.isfinite(scores)
        if known.sum() < _FEWEST:
            return None
        low, high = scale_of(scores, sign)
        process = GaussianProcess.fit(u, (scores.clip(low, high) - low) / (high - low))

        def field(points):
            return low + (high - low) * process.mean(points)

    if field is False:
        return None
    if callable(field):
        middles = (np.arange(_NODES) + 0.5) / _NODES
        x, y = np.meshgrid(middles, middles)
        values = field(np.stack([x.ravel(), y.ravel()], -1))
        return numbers("field", values, (_NODES**2,), finite=True).reshape(_NODES, _NODES)
    return numbers("field", field, ("rows", "columns"), finite=True)


def _contours(surface, bands, low, high, sign, size):
    """(size, size, 3) uint8: bands of one colour each, with lines between them."""
    # Values are at the middles of cells, as are Pillow's. Twice too large, then averaged: soft borders.
    fine = Image.fromarray(((surface - low) / (high - low)).astype(np.float32))
    t = np.asarray(fine.resize((2 * size, 2 * size), Image.Resampling.BICUBIC), np.float64).clip(0, 1)
    borders = (np.asarray(bands) - low) / (high - low)
    level = np.searchsorted(borders, t)
    if sign < 0:
        t, borders = 1 - t, 1 - borders
    colours = scaled(stepped(t, borders)).astype(np.float32)
    edge = np.zeros(t.shape, bool)
    edge[:, 1:] |= level[:, 1:] != level[:, :-1]
    edge[1:] |= level[1:] != level[:-1]
    colours[edge] *= 0.72
    return colours.reshape(size, 2, size, 2, 3).mean((1, 3)).round().astype(np.uint8)


# --------------------------------------------------------------------------------------------------------------- marks


def _tags(canvas, face, seeds, left, top, size):
    """Write the seeds' names beside their places; returns the boxes that they cover."""
    text, pad = TEXT, 6
    taken: list[tuple] = []
    for name, at in seeds:
        name = face.shorten(" ".join(face.clean(name).split()), text, size // 2)
        if not name:
            continue
        w, h = face.width(name, text) + 2 * pad, face.line(text) + 4
        x, y = (np.array([left, top]) + at.mean(0) * size).round().astype(int).tolist()
        # To the inside of the square, and further down while another name is there.
        x = x + 10 if x < left + size // 2 else x - 10 - w
        y = min(max(y - h // 2, top + 4), top + size - h - 4)
        x = min(max(x, left + 4), left + size - w - 4)
        while any(_meet((x, y, x + w, y + h), box) for box in taken) and y + h + 4 < top + size:
            y += h + 2
        canvas.plate(x, y, x + w, y + h, 5, Palette.mark)
        canvas.text(x + w // 2, y + 2, name, face, text, Palette.ink, "middle")
        taken.append((x, y, x + w, y + h))
    return taken


def _thumbnails(canvas, images, places, order, best, taken, inside, side):
    """Draw images, the first of `order` first, near their places and tied to them, while there is room."""
    x0, y0, x1, y1 = inside
    most = max(1, round((x1 - x0) * (y1 - y0) / side**2 / 6))  # a sixth of the map: the rest is to be seen
    drawn: list[tuple] = []
    for i in order:
        w, h = fitted(images[i].shape[:2], side)
        place = _free_place(places[i], w, h, taken, inside)
        if place is not None:
            x, y = place
            drawn.append((i, x, y, w, h))
            taken = [*taken, _around(x, y, w, h), _box(places[i], 6)]
        if len(drawn) == most:
            break
    with Strokes(canvas, *inside) as strokes:
        for i, *box in drawn:
            _tie(strokes, places[i], box, i == best)
    for i, x, y, w, h in drawn:
        canvas.frame(x, y, x + w, y + h, 3, Palette.ink)
        canvas.frame(x, y, x + w, y + h, 2, Palette.best if i == best else Palette.title)
        canvas.paste(x, y, resampled(pixels(images[i]), w, h))


def _free_place(place, w, h, taken, inside, gap=18):
    """Where an image of w × h pixels covers nothing that is `taken`: right, left, below or above of its place."""
    x0, y0, x1, y1 = inside
    px, py = place
    beside, under = py - h / 2, px - w / 2
    for x, y in ((px + gap, beside), (px - gap - w, beside), (under, py + gap), (under, py - gap - h)):
        x, y = int(min(max(x, x0 + 3), x1 - w - 3)), int(min(max(y, y0 + 3), y1 - h - 3))
        box = _around(x, y, w, h)
        if not any(_meet(box, other) for other in [*taken, _box(place, 6)]):
            return x, y
    return None


def _tie(strokes, place, box, best):
    """A line from a place to its image."""
    x, y, w, h = box
    way = np.clip(place, (x, y), (x + w, y + h)) - place
    start = place + way / max(1e-9, np.linalg.norm(way)) * (14 if best else 5)
    for colour, width in ((Palette.ink, 4.0), (Palette.best if best else Palette.title, 2.0)):
        strokes.line([start, place + way], colour, width)


def _around(x, y, w, h):
    return x - 4, y - 4, x + w + 4, y + h + 4


def _box(place, reach):
    x, y = place
    return x - reach, y - reach, x + reach, y + reach


def _meet(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


# -------------------------------------------------------------------------------------------------------------- checks


def _places(seeds):
    out = []
    for i, seed in enumerate(seeds):
        try:
            name, at = seed
        except (TypeError, ValueError):
            raise ValueError(f"seeds[{i}]: expected a name and its place, got {seed!r:.100}.") from None
        at = np.asarray(at, np.float64)
        at = numbers(f"seeds[{i}]", at[None] if at.ndim == 1 else at, ("p", 2), finite=True)
        if at.min() < -1e-9 or at.max() > 1 + 1e-9:
            raise ValueError(f"seeds[{i}]: expected places in [0, 1], got {at.min():g} to {at.max():g}.")
        out.append((str(name), at.clip(0, 1)))
    return out


def _images(thumbnails, n):
    if thumbnails is None:
        return None
    images = [None if image is None else np.asarray(image) for image in thumbnails]
    if len(images) != n:
        raise ValueError(f"thumbnails: expected {n} images or None, one for each evaluation, got {len(images)}.")
    for i, image in enumerate(images):
        if image is not None and (image.ndim != 3 or image.shape[2] not in (1, 3, 4) or 0 in image.shape):
            raise ValueError(f"thumbnails[{i}]: expected shape (h, w, 1, 3 or 4 channels), got {image.shape}.")
        if image is not None and image.dtype != np.uint8 and image.dtype.kind != "f":
            raise ValueError(f"thumbnails[{i}]: expected uint8 (0..255) or float (0..1), got {image.dtype}.")
    return images
