"""Where the brightest spot of a picture is: a sun, a lamp, a face in the light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, label

from ..checks import number
from .base import Statistic
from .images import reduced
from .oklab import oklab

__all__ = ["BrightestX", "BrightestY"]

SIDE = 64
DEPTH = 0.2  # of the way from the maximum down to the median, the region ends


@dataclass(frozen=True)
class _BrightestSpot(Statistic):
    """Centroid of the brightest region of the blurred Oklab lightness; of several as bright, the first from the top.

    A picture of one shade has it in the middle.

    blur: standard deviation of the Gaussian, in shares of the longest side: spots much smaller do not count.
    """

    blur: float = 0.03

    def __post_init__(self):
        number("blur", self.blur, 0.0, 0.5)

    def _spot(self, picture):
        """(x, y) in [0, 1], from the left and from the top."""
        small = reduced(picture, SIDE)
        h, w = small.shape[:2]
        light = gaussian_filter(oklab(small)[..., 0], self.blur * max(h, w), mode="nearest")
        low, high = np.median(light), light.max()
        if high - low < 1e-9:  # rounding
            return 0.5, 0.5
        excess = light - (high - DEPTH * (high - low))
        # The region around the brightest point, not others as bright elsewhere: their middle would be neither.
        regions, _ = label(excess >= 0)
        weight = np.where(regions == regions.flat[np.argmax(light)], excess, 0)
        weight = weight / weight.sum()
        return weight.sum(0) @ (np.arange(w) + 0.5) / w, weight.sum(1) @ (np.arange(h) + 0.5) / h


class BrightestX(_BrightestSpot):
    """How far to the right the brightest spot is: 0 is the left edge, 1 the right."""

    name = "brightest_x"
    tooltip = "how far to the right the brightest spot is, 0 left edge, 1 right edge"

    def _measure(self, picture):
        return self._spot(picture)[0]


class BrightestY(_BrightestSpot):
    """How far down the brightest spot is: 0 is the upper edge, 1 the lower."""

    name = "brightest_y"
    tooltip = "how far down the brightest spot is, 0 top edge, 1 bottom edge"

    def _measure(self, picture):
        return self._spot(picture)[1]
