"""How much of a picture has a colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..checks import number
from .base import Statistic, check_side
from .images import reduced
from .oklab import from_hex, oklab

__all__ = ["ColourShare"]


@dataclass(frozen=True)
class ColourShare(Statistic):
    """Share of the picture, from 0 to 1, that has nearly the colour `colour`.

    colour: in hexadecimal, such as #ff8000.
    tolerance: a distance in Oklab. A pixel within it counts whole, beyond twice of it not, linearly in between, so that
        a search feels a colour coming. 0.02 is a difference hardly seen, 0.1 takes in the colour's neighbours.
    side: longest side in pixels to which pictures are reduced first.
    """

    colour: str = "#ff0000"
    tolerance: float = 0.1
    side: int = 256

    name = "colour_share"
    tooltip = "how much of the picture has nearly the colour, from 0 to 1"
    asks = ("colour",)

    def __post_init__(self):
        from_hex(self.colour)
        number("tolerance", self.tolerance, 0.001, 1.0)
        check_side(self.side)

    def _measure(self, picture):
        colours = oklab(reduced(picture, self.side))
        distance = np.sqrt(np.sum((colours - oklab(from_hex(self.colour))) ** 2, axis=-1))
        return np.mean(np.clip(2 - distance / self.tolerance, 0, 1))
