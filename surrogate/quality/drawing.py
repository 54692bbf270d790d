"""A space's quality on one page: distance in the space against likeness, and blends beside fresh noise."""

from __future__ import annotations

import numpy as np

from ..pictures.canvas import Palette
from ..pictures.lettering import Face
from ..pictures.page import MARGIN, TEXT, Page
from ..pictures.plotting import Strokes, ticks
from .features import FEATURES
from .report import Quality

__all__ = ["drawing"]

WIDTH, AIR, LINES = 960, 8, 16
PLOT, STRIP = 300, 44
# Strips show so many standard deviations to both sides, and noises between these norms.
DEVIATIONS, NORMS = 5.0, (0.5, 1.5)


def drawing(quality: Quality, font: str | None = None) -> np.ndarray:
    """(height, width, 3) uint8. What lies beyond an axis stands at its end. `font`: path of a TrueType font, or our own."""
    face = Face(font)
    title = f"Quality of a space of {quality.space.k} seeds"
    page = Page.plan(face, WIDTH, title, quality.summary, lines=LINES, air=0)
    line = face.line(TEXT)
    top = page.top + 2 * AIR + line
    canvas = page.canvas(top + PLOT + 2 * line)
    _pairs(canvas, face, MARGIN + 44, top, 480, quality)
    _strips(canvas, face, 480 + 118, top, WIDTH - MARGIN, quality)
    return canvas.pixels


def _pairs(canvas, face, left, top, right, quality) -> None:
    """Each pair of points of a walk: distance in the space, distance of the pictures."""
    s, bottom, line = quality.stationarity, top + PLOT, face.line(TEXT)
    widest = 1.05 * float(s.u.max())
    highest = 1.05 * max(float(s.pictures.max()), quality.fresh, quality.again, 1e-3)
    canvas.fill(left, top, right, bottom, Palette.hollow)

    def across(u):
        return left + np.asarray(u) / widest * (right - left)

    def up(distance):
        return bottom - np.asarray(distance) / highest * (bottom - top)

    for value, label in zip(*ticks(0, highest, 6)):
        y = round(float(up(value)))
        canvas.fill(left, y, right, y + 1, Palette.edge)
        canvas.text(left - AIR, y - line // 2, label, face, TEXT, Palette.caption, "right")
    for value, label in zip(*ticks(0, widest, 6)):
        x = round(float(across(value)))
        canvas.fill(x, top, x + 1, bottom, Palette.edge)
        canvas.text(x, bottom + 4, label, face, TEXT, Palette.caption, "middle")
    with Strokes(canvas, left, top - 4, right, bottom + 4) as strokes:
        fresh = float(up(quality.fresh))
        strokes.line([(left, fresh), (right, fresh)], Palette.quiet)
        for distance, apart in zip(across(s.u), up(s.pictures), strict=True):
            strokes.dot(distance, apart, 2.5, Palette.mark, 0.8)
        strokes.ring(left + 5, float(up(quality.again)), 5, Palette.best)
    y = round(float(up(quality.fresh)))
    canvas.text(right - 4, y - line, "fresh noises", face, TEXT, Palette.quiet, "right")
    canvas.text(left, top - line - 4, "distance of pictures; ring: the same point twice", face, TEXT, Palette.caption)
    canvas.text((left + right) // 2, bottom + 4 + line, "distance in the space", face, TEXT, Palette.quiet, "middle")


def _strips(canvas, face, left, top, right, quality) -> None:
    """A row for the norm and one for each feature: fresh pictures grey, blends blue, their mean golden."""
    pictures, line = quality.closure.pictures, face.line(TEXT)
    rows = [("norm of noise", quality.closure.noise.norm, None, *NORMS)]
    for i, name in enumerate(FEATURES):
        rows.append((name, pictures.blends[:, i], pictures.fresh[:, i], -DEVIATIONS, DEVIATIONS))
    canvas.text(left, top - line - 4, "blends (blue, mean golden) and fresh (grey)", face, TEXT, Palette.caption)
    for number, (name, blends, fresh, low, high) in enumerate(rows):
        y0 = top + number * (STRIP + line)
        y1, middle = y0 + STRIP - AIR, y0 + (STRIP - AIR) / 2
        canvas.fill(left, y0, right, y1, Palette.hollow)
        canvas.text(left - AIR, y0 + (STRIP - AIR - line) // 2, name, face, TEXT, Palette.label, "right")

        def across(value, low=low, high=high):
            return left + 6 + (np.clip(value, low, high) - low) / (high - low) * (right - left - 12)

        for value, label in zip(*ticks(low, high, 5)):
            x = round(float(across(value)))
            canvas.fill(x, y0, x + 1, y1, Palette.edge)
            canvas.text(x, y1 + 1, label, face, 11, Palette.quiet, "middle")
        with Strokes(canvas, left, y0, right, y1) as strokes:
            for values, colour, y in ((fresh, Palette.quiet, middle + 6), (blends, Palette.mark, middle - 6)):
                for value in [] if values is None else across(values):
                    strokes.dot(value, y, 2.5, colour, 0.7)
            mean = float(across(blends.mean()))
            strokes.line([(mean, y0), (mean, y1)], Palette.best, 2.0)
