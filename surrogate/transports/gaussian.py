"""Standard normal latents: nothing to do."""

from __future__ import annotations

from .base import Transport

__all__ = ["Gaussian"]


class Gaussian(Transport):
    """The identity, for z ~ N(0, 1): the starting noise of every diffusion and flow model."""

    name = "gaussian"
    by_value = True

    def forward(self, z, first=None):
        return z

    def inverse(self, xi, power=None):
        return xi
