"""Seeds that are not independent: keep the norm."""

from __future__ import annotations

import torch

from ..checks import number
from .base import Example, Transport, per_row

__all__ = ["Sphere"]


class Sphere(Transport):
    """Directions are combined, the norm is set: for seeds that are correlated, or not exactly Gaussian.

    The norm of Σ w_k z_k is √(wᵀGw), G the Gram matrix: with two equal seeds √2 too large, and the picture burns.
    Here a blend gets the norm that independent seeds would have given it, √(Σ w_k² ‖z_k‖²); a seed keeps its own.
    With `radius`, every blend gets the norm radius · √D instead (radius 1 is where Gaussian noise lies).

    Raises ValueError where the seeds cancel out.
    """

    name = "sphere"
    uses_power = True

    def __init__(self, radius: float | None = None):
        self.radius = None if radius is None else number("radius", radius, above=0)

    @classmethod
    def examples(cls):
        def draw(rng, n):
            z = torch.from_numpy(rng.standard_normal((n, 7)))
            return (7**0.5 * z / z.norm(dim=1, keepdim=True)).float()

        return [Example(cls(), draw), Example(cls(radius=1.0), draw)]

    def settings(self):
        return {} if self.radius is None else {"radius": self.radius}

    def forward(self, z, first=None):
        return z

    def inverse(self, xi, power=None):
        flat = xi.flatten(1)
        square = flat.double().square().sum(1)
        dimensions = flat.shape[1]
        if power is None or self.radius is not None:
            power = torch.full_like(square, (self.radius or 1.0) ** 2 * dimensions)
        if (square <= 1e-8 * power).any():
            raise ValueError("The seeds cancel out at this point: two of them are opposite noises. Remove one of them.")
        return xi * per_row((power / square).sqrt(), xi)
