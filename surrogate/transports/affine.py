"""Normal latents of known mean and scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from .base import Example, Transport

__all__ = ["Affine"]


class Affine(Transport):
    """z ~ N(mean, scale²): xi = (z - mean) / scale.

    Combining with unit-norm w gives (1 - Σ w_k) mean + Σ w_k z_k: LOL's correction of the mean
    (Bodin et al., arXiv 2408.08558, equation 4).

    `mean` and `scale` are numbers, or one number a channel (the first axis of a latent).
    Raises ValueError if they are not finite or a scale is not positive.
    """

    name = "affine"
    by_value = True

    def __init__(self, mean: float | Sequence[float] = 0.0, scale: float | Sequence[float] = 1.0):
        self.mean, self.scale = _numbers("mean", mean), _numbers("scale", scale)
        scales = self.scale if isinstance(self.scale, list) else [self.scale]
        if min(scales) <= 0:
            raise ValueError(f"scale must be greater than 0 (a standard deviation), got {min(scales):g}.")

    @classmethod
    def examples(cls):
        return [Example(cls(0.5, 2.0), lambda rng, n: torch.from_numpy(rng.normal(0.5, 2.0, (n, 3, 4))).float())]

    def settings(self):
        return {"mean": self.mean, "scale": self.scale}

    def inner_shape(self, shape):
        for name, value in self.settings().items():
            if isinstance(value, list) and len(value) != shape[0]:
                raise ValueError(
                    f"{name} gives {len(value)} channels, but the latent has {shape[0]} (its first axis): "
                    "give one number for each channel, or one for all."
                )
        return shape

    def forward(self, z, first=None):
        return (z - self._as(self.mean, z)) / self._as(self.scale, z)

    def inverse(self, xi, power=None):
        return xi * self._as(self.scale, xi) + self._as(self.mean, xi)

    def _as(self, value, like: torch.Tensor):
        self.inner_shape(tuple(like.shape[1:]))
        if not isinstance(value, list):
            return value
        return torch.tensor(value, dtype=like.dtype, device=like.device).reshape(-1, *[1] * (like.ndim - 2))


def _numbers(name, value) -> float | list[float]:
    try:
        numbers = [float(v) for v in value] if isinstance(value, (Sequence, torch.Tensor)) else float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number or a list of numbers, one a channel, got {value!r}.") from None
    for number in numbers if isinstance(numbers, list) else [numbers]:
        if not math.isfinite(number):
            raise ValueError(f"{name} must be finite, got {number}.")
    if numbers == []:
        raise ValueError(f"{name} must be a number or a list of numbers, one a channel, got an empty list.")
    return numbers
