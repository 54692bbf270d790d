"""How close the colours are to those of a target, wherever in the picture they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

from ..resizing import area_means
from .base import Score, check_side
from .images import check_target, working_size
from .oklab import oklab

__all__ = ["MatchColours"]


def _directions() -> np.ndarray:
    """(16, 3) unit vectors: the axes through the corners of an icosahedron and of the dodecahedron on its faces."""
    golden = (1 + np.sqrt(5)) / 2
    ico = [(0, 1, s * golden) for s in (1, -1)]
    dodeca = [(0, golden, s / golden) for s in (1, -1)]
    turned = [np.roll(axis, i) for axis in ico + dodeca for i in range(3)]
    axes = np.array([*turned, *((1, a, b) for a in (1, -1) for b in (1, -1))], np.float64)
    return axes / np.linalg.norm(axes, axis=1, keepdims=True)


# They are a tight frame, Σ (d·x)² = 16/3 ‖x‖², so that shifting all colours by x is a distance of exactly ‖x‖.
DIRECTIONS = _directions()


@dataclass(frozen=True, eq=False)
class MatchColours(Score):
    """Negative distance of the distributions of colours in Oklab: 0 is equal, -1 white against black.

    The sliced Wasserstein distance of order 2 (Rabin et al. 2011), √(3 mean_d W₂(d)²) over 16 fixed directions d, at
    most as large as the Wasserstein distance itself, and equal to it where the distributions differ by a shift. So
    -0.02 is a difference hardly seen.

    target: a picture (h, w, c) or (1, h, w, c) of any size.
    side: longest side in pixels to which the pictures are reduced; the colours of details below it are mixed.
    """

    target: torch.Tensor = field(repr=False)
    side: int = 64

    name = "match_colours"
    tooltip = "the colours, wherever in the picture they are; 0 is equal"
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
        target = _sorted(area_means(self._target, *size))
        return lambda picture: -np.sqrt(3 * np.mean((_sorted(area_means(picture, *size)) - target) ** 2))


def _sorted(picture):
    """Along each direction, the values of all pixels in order: (16, h·w)."""
    colours = oklab(picture).reshape(-1, 3)
    # As many pixels on both sides: the i-th smallest goes to the i-th smallest.
    return np.sort(np.stack([colours[:, 0] * a + colours[:, 1] * b + colours[:, 2] * c for a, b, c in DIRECTIONS]))
