"""How close a picture is to a target in pixels, colours and structure together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import torch

from ..checks import number
from .base import Score
from .colours import MatchColours
from .pixels import MatchPixels
from .structure import MatchStructure

__all__ = ["MatchImage"]


@dataclass(frozen=True, eq=False)
class MatchImage(Score):
    """A weighted mean of three distances, negative: 0 is equal, -1 the most there is.

    The distances are those of `MatchPixels` and `MatchColours`, and (1 - SSIM) / 2 of `MatchStructure`; for unrelated
    pictures each is about 0.2 to 0.4. Only the ratio of the weights counts; a weight of 0 leaves a part out.

    target: a picture (h, w, c) or (1, h, w, c) of any size.
    pixels, colours, structure: weights of the three parts.
    side: longest side in pixels for the pixels' part.
    """

    target: torch.Tensor = field(repr=False)
    pixels: float = 1.0
    colours: float = 0.5
    structure: float = 0.5
    side: int = 32

    name = "match_image"
    tooltip = "pixels, colours and structure together; 0 is equal"
    asks = ("side",)
    needs_target = True

    def __post_init__(self):
        weights = {part: getattr(self, part) for part in ("pixels", "colours", "structure")}
        for part, weight in weights.items():
            number(part, weight, 0, 1e6)
        if not any(weights.values()):
            raise ValueError("pixels, colours and structure all weigh 0: nothing would be compared. Raise one of them.")
        _ = self._parts  # so that the target is checked now

    @cached_property
    def _parts(self) -> list[tuple[float, Score, Callable[[float], float]]]:
        """The parts that weigh anything: share, score, and how its scores become distances."""
        total = self.pixels + self.colours + self.structure
        parts: list[tuple[float, Score, Callable[[float], float]]] = [
            (self.pixels / total, MatchPixels(self.target, self.side), lambda score: -score),
            (self.colours / total, MatchColours(self.target), lambda score: -score),
            (self.structure / total, MatchStructure(self.target), lambda score: (1 - score) / 2),
        ]
        return [part for part in parts if part[0]]

    def _for_size(self, height, width):
        parts = [(weight, score._for_size(height, width), distance) for weight, score, distance in self._parts]
        return lambda picture: -sum(weight * distance(measure(picture)) for weight, measure, distance in parts)
