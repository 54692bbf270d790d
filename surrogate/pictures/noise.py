"""Seeds as noise: the histogram of each against the normal density, and what neighbouring values have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .canvas import Palette
from .lettering import Face
from .page import MARGIN, Page
from .plotting import FAILED, Strokes, numbers, whole

__all__ = ["NoisePanel", "noise_panels"]

_WIDTH, _HEIGHT = 300, 190  # of a panel
_PLOT = 96
_SHOWN = 4.0  # standard deviations to each side
_PEAK = 0.6  # density at the top; the normal one reaches 0.4
_GOOD, _SO_SO = (110, 190, 130), Palette.best


@dataclass(frozen=True)
class NoisePanel:
    """A seed, or a part of one: `density` (bins,) of its values, `autocorrelation` (bars,) from -1 to 1 or NaN with the
    `bars`' names, `chance` (how large these are in noise), a `caption`, and how good it is: 0 fit, 1 nearly, 2 not."""

    name: str
    density: np.ndarray
    autocorrelation: np.ndarray
    bars: Sequence[str]
    chance: float
    caption: str
    grade: int = 0


def noise_panels(panels: Sequence[NoisePanel], edges, *, title=None, caption=None, columns=3, font=None):
    """Draw a panel for each seed. Returns (height, width, 3) uint8.

    edges: (bins + 1,) of the densities, rising, in standard deviations of the noise that they ought to be. The line is
        the normal density; bars that are higher than the panel end in it.
    title, caption: above, wrapped.
    columns: panels in a row.
    font: path of a TrueType font, as in `contact_sheet`.

    Raises ValueError for no panels, edges that do not rise, densities or bars of another length, and no columns.
    """
    edges = numbers("edges", edges, ("bins + 1",), finite=True)
    if len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"edges: expected at least two rising numbers, got {len(edges)} of them.")
    if not panels:
        raise ValueError("panels: expected at least one, got none.")
    densities = [numbers("density", p.density, (len(edges) - 1,), finite=True) for p in panels]
    for p in panels:
        if len(p.autocorrelation) != len(p.bars):
            raise ValueError(f"bars: expected {len(p.autocorrelation)} names in panel {p.name!r}, got {len(p.bars)}.")
    columns = min(whole("columns", columns, 1), len(panels))
    face = Face(font)
    page = Page.plan(face, 2 * MARGIN + max(columns, 2) * _WIDTH, title, caption, lines=8)
    canvas = page.canvas(page.top + -(-len(panels) // columns) * _HEIGHT)
    for i, (panel, density) in enumerate(zip(panels, densities, strict=True)):
        x, y = MARGIN + i % columns * _WIDTH, page.top + i // columns * _HEIGHT
        _draw(canvas, face, x, y, panel, density, edges)
    return canvas.pixels


def _draw(canvas, face, x, y, panel, density, edges):
    inner = _WIDTH - 20
    canvas.fill(x, y + 6, x + 8, y + 14, (_GOOD, _SO_SO, FAILED)[panel.grade])
    canvas.text(x + 14, y, face.shorten(face.clean(panel.name), 15, inner - 14), face, 15, Palette.label)
    canvas.text(x, y + 22, face.shorten(face.clean(panel.caption), 12, inner), face, 12, Palette.caption)
    top, bottom, right = y + 44, y + 44 + _PLOT, x + 180
    _histogram(canvas, face, x, right, top, bottom, density, edges)
    _bars(canvas, face, right + 16, x + inner, top, bottom, panel)


def _histogram(canvas, face, left, right, top, bottom, density, edges):
    """The density of the values, and the normal one as a line."""
    canvas.fill(left, top, right, bottom, Palette.hollow)
    # A pixel shows the density of the bin that it is in.
    at = np.linspace(-_SHOWN, _SHOWN, right - left)
    bins = np.searchsorted(edges, at, side="right") - 1
    inside = (bins >= 0) & (bins < len(density))
    height = np.where(inside, density[np.clip(bins, 0, len(density) - 1)], 0.0).clip(0, _PEAK) / _PEAK * _PLOT
    rows = np.arange(_PLOT)[:, None]
    canvas.pixels[top:bottom, left:right][rows >= _PLOT - height.round()[None, :]] = Palette.mark
    with Strokes(canvas, left, top, right, bottom) as strokes:
        normal = np.exp(-(at**2) / 2) / math.sqrt(2 * math.pi) / _PEAK * _PLOT
        strokes.line(np.stack([np.arange(left, right) + 0.5, bottom - normal], 1), Palette.title, 1.5)
    canvas.fill(left, bottom, right, bottom + 1, Palette.rule)
    for value in (-3, 0, 3):
        place = left + round((value / _SHOWN + 1) / 2 * (right - left))
        canvas.text(place, bottom + 4, f"{value}", face, 11, Palette.quiet, "middle")


def _bars(canvas, face, left, right, top, bottom, panel):
    """Correlations of neighbours, from -0.5 to 0.5; the band is what chance gives."""
    middle, half = (top + bottom) // 2, (bottom - top) // 2
    canvas.fill(left, top, right, bottom, Palette.hollow)
    band = min(half, max(1, round(2 * half * panel.chance)))
    canvas.fill(left, middle - band, right, middle + band, Palette.hatch)
    count = len(panel.bars)
    for i, (value, name) in enumerate(zip(panel.autocorrelation, panel.bars, strict=True)):
        x0, x1 = (left + round((i + share) * (right - left) / count) for share in (0.2, 0.8))
        if math.isfinite(value):
            reach = round(float(np.clip(2 * value, -1, 1)) * half)
            canvas.fill(x0, middle - max(reach, 0), x1, middle - min(reach, 0) + 1, Palette.mark)
        if count <= 6:
            text = face.shorten(face.clean(name), 11, (right - left) // count + 4)
            canvas.text((x0 + x1) // 2, bottom + 4, text, face, 11, Palette.quiet, "middle")
    canvas.fill(left, middle, right, middle + 1, Palette.rule)
