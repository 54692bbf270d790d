"""Brightness, contrast and saturation of a picture as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .base import Statistic, check_side
from .images import reduced
from .oklab import oklab

__all__ = ["Brightness", "Contrast", "Saturation"]


@dataclass(frozen=True)
class _Tone(Statistic):
    """`side`: longest side in pixels to which pictures are reduced first, so that noise and size do not matter."""

    side: int = 256

    def __post_init__(self):
        check_side(self.side)

    def _colours(self, picture):
        return oklab(reduced(picture, self.side))


class Brightness(_Tone):
    """Mean Oklab lightness: 0 is black, 1 white, 0.6 middle grey (#808080)."""

    name = "brightness"
    tooltip = "mean lightness, 0 black, 1 white"

    def _measure(self, picture):
        return np.mean(self._colours(picture)[..., 0])


class Contrast(_Tone):
    """Standard deviation of the Oklab lightness: 0 is one shade, 0.5 half black and half white; photographs have about
    0.2."""

    name = "contrast"
    tooltip = "how much light and dark differ, 0 one shade, 0.5 half black and half white"

    def _measure(self, picture):
        return np.std(self._colours(picture)[..., 0])


class Saturation(_Tone):
    """Mean Oklab chroma: 0 is grey, 0.26 pure red, 0.32 magenta, the most there is; photographs have about 0.05."""

    name = "saturation"
    tooltip = "how strong the colours are, 0 grey, 0.26 pure red"

    def _measure(self, picture):
        colours = self._colours(picture)
        return np.mean(np.hypot(colours[..., 1], colours[..., 2]))
