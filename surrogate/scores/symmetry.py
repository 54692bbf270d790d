"""Whether the left half of a picture mirrors the right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .base import Statistic, check_side
from .images import reduced
from .oklab import oklab

__all__ = ["Symmetry"]

FAINT = 0.01**2  # variation below a just noticeable difference is no pattern


@dataclass(frozen=True)
class Symmetry(Statistic):
    """Correlation of the picture with its mirror image, left to right: 1 is symmetrical, 0 not, -1 the opposite.

    Over all Oklab channels, each about its own mean. A picture of one colour is symmetrical.

    side: longest side in pixels to which pictures are reduced first: small ones ask for a balanced composition, large
        ones for equal details.
    """

    side: int = 64

    name = "symmetry"
    tooltip = "how alike the left half and the mirrored right half are, 1 symmetrical, 0 not"

    def __post_init__(self):
        check_side(self.side)

    def _measure(self, picture):
        colours = oklab(reduced(picture, self.side))
        # The mirror has the same means and variances, so corr = 1 - E(x - x')² / 2 Var(x).
        difference = np.mean(np.sum((colours - colours[:, ::-1]) ** 2, axis=-1))
        return 1 - difference / (2 * (np.sum(np.var(colours, axis=(0, 1))) + FAINT))
