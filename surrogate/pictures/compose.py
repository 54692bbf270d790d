"""Several pictures on one page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .canvas import Canvas

__all__ = ["above", "beside"]


def beside(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures (h, w, 3) uint8 from left to right, on the ground that all our pictures have."""
    canvas = Canvas(sum(p.shape[1] for p in pictures), max(p.shape[0] for p in pictures))
    x = 0
    for picture in pictures:
        canvas.paste(x, 0, picture)
        x += picture.shape[1]
    return canvas.pixels


def above(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures (h, w, 3) uint8 from top to bottom, at the left edge."""
    canvas = Canvas(max(p.shape[1] for p in pictures), sum(p.shape[0] for p in pictures))
    y = 0
    for picture in pictures:
        canvas.paste(0, y, picture)
        y += picture.shape[0]
    return canvas.pixels
