"""How close the pixels are to those of a target."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

from ..resizing import area_means
from .base import Score, check_side
from .images import check_target, working_size

__all__ = ["MatchPixels"]


@dataclass(frozen=True, eq=False)
class MatchPixels(Score):
    """Negative root mean square error of the pixels at a scale: 0 is equal, -1 the most there is (black on white).

    Image and target are reduced by area averaging until the image's longest side is `side` pixels; the target is
    stretched to the image's aspect ratio. Averages and differences are those of sRGB values, which are about as even
    to the eye as lightness: in linear light differences in the shadows would not count.

    target: a picture (h, w, c) or (1, h, w, c) of any size.
    side: small ones compare the composition, large ones details; 32 bears a shift of an edge by a pixel or two of 128.
    """

    target: torch.Tensor = field(repr=False)
    side: int = 32

    name = "match_pixels"
    tooltip = "the pixels at a size; 0 is equal"
    asks = ("side",)
    needs_target = True

    def __post_init__(self):
        check_side(self.side)
        _ = self._target  # checked now, and kept: the tensor may change later

    @cached_property
    def _target(self) -> np.ndarray:
        """The target as RGB (h, w, 3) float64."""
        return check_target(self.target)

    def _for_size(self, height, width):
        size = working_size(height, width, self.side)
        target = area_means(self._target, *size)
        return lambda picture: -np.sqrt(np.mean((area_means(picture, *size) - target) ** 2))
