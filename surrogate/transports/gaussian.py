"""Standard normal latents: nothing to do."""

from __future__ import annotations

import numpy as np
import torch

from .base import Example, Transport

__all__ = ["Gaussian"]


class Gaussian(Transport):
    """The identity, for z ~ N(0, 1): the starting noise of every diffusion and flow model."""

    name = "gaussian"
    by_value = True

    @classmethod
    def examples(cls):
        return [Example(cls(), lambda rng, n: torch.from_numpy(rng.standard_normal((n, 3, 4), np.float32)))]

    def forward(self, z, first=None):
        return z

    def inverse(self, xi, power=None):
        return xi
