"""How close edges and textures are to those of a target, whatever the exact light."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from scipy.ndimage import correlate1d

from ..resizing import area_means
from .base import Score, check_side
from .images import check_target, working_size

__all__ = ["MatchStructure"]

WINDOW = 11  # pixels, Gaussian with standard deviation 1.5
C1, C2 = 0.01**2, 0.03**2
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, eq=False)
class MatchStructure(Score):
    """Structural similarity at several scales: 1 is equal, 0 unrelated, below 0 where dark and light are exchanged.

    The mean over scales of SSIM (Wang et al. 2004: Gaussian window of 11 pixels, K = 0.01 and 0.03, whole windows only)
    of the luma. The scales have the longest side `side`, `side`/2 and `side`/4, those of them that hold a window. The
    target is stretched to the image's aspect ratio.

    target: a picture (h, w, c) or (1, h, w, c) of any size.
    side: longest side in pixels of the finest scale.
    """

    target: torch.Tensor = field(repr=False)
    side: int = 128

    name = "match_structure"
    tooltip = "edges and textures, whatever the light; 1 is equal"
    needs_target = True
    smallest = WINDOW

    def __post_init__(self):
        check_side(self.side, low=WINDOW)
        _ = self._target  # checked now, and kept: the tensor may change later

    @cached_property
    def _target(self) -> np.ndarray:
        """The target as RGB (h, w, 3) float64."""
        return check_target(self.target)

    def _for_size(self, height, width):
        fine = working_size(height, width, self.side)
        sizes = [working_size(*fine, max(1, max(fine) // 2**i)) for i in range(3)]
        sizes = [size for size in sizes if min(size) >= WINDOW]
        if not sizes:
            raise ValueError(
                f"images of {width}×{height} pixels are {fine[1]}×{fine[0]} at side = {self.side}, but structure needs "
                f"windows of {WINDOW}×{WINDOW} pixels. Choose a larger side, or pictures less wide or tall."
            )
        target = _luma(self._target)
        targets = [area_means(area_means(target, *fine), *size) for size in sizes]

        def measure(picture):
            picture = area_means(_luma(picture), *fine)
            return np.mean([_ssim(area_means(picture, *size), goal) for size, goal in zip(sizes, targets)])

        return measure


def _luma(picture):
    r, g, b = LUMA
    return (r * picture[..., 0] + g * picture[..., 1] + b * picture[..., 2])[..., None]


def _ssim(x, y):
    """Mean SSIM (eq. 13) of two pictures (h, w, 1)."""
    x, y = x[..., 0], y[..., 0]
    mx, my = _smooth(x), _smooth(y)
    # Rounding can take a variance below 0.
    vx, vy = np.maximum(_smooth(x * x) - mx * mx, 0), np.maximum(_smooth(y * y) - my * my, 0)
    cov = _smooth(x * y) - mx * my
    return np.mean((2 * mx * my + C1) * (2 * cov + C2) / ((mx**2 + my**2 + C1) * (vx + vy + C2)))


def _smooth(values):
    half = WINDOW // 2
    kernel = np.exp(-(np.arange(-half, half + 1) ** 2) / (2 * 1.5**2))
    kernel /= kernel.sum()
    for axis in (0, 1):
        values = correlate1d(values, kernel, axis=axis, mode="nearest")
    return values[half : values.shape[0] - half, half : values.shape[1] - half]
