"""How much detail there is from one pixel to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .base import Statistic
from .oklab import oklab

__all__ = ["Sharpness"]


@dataclass(frozen=True)
class Sharpness(Statistic):
    """Standard deviation of the Laplacian of the Oklab lightness, at the picture's own pixels: 0 is even or a ramp.

    The four neighbours minus four times the pixel (Pech-Pacheco et al. 2000, LAPV, as a root). Noise counts as detail.
    A picture enlarged has less of it: compare pictures of one size.
    """

    name = "sharpness"
    tooltip = "how much detail there is from one pixel to the next; 0 is a plain area"
    smallest = 3

    def _measure(self, picture):
        y = oklab(picture)[..., 0]
        middle = y[1:-1, 1:-1]
        return np.std(y[:-2, 1:-1] + y[2:, 1:-1] + y[1:-1, :-2] + y[1:-1, 2:] - 4 * middle)
