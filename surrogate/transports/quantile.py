"""Independent elements of any continuous distribution."""

from __future__ import annotations

import numpy as np
import scipy
import torch
from scipy.special import ndtr, ndtri

from .base import Example, Transport

__all__ = ["Quantile"]

# A value at the very end of the support stands for the float32 numbers that rounded to it.
SMALLEST = 2.0**-25
BLOCK = 1 << 20


class Quantile(Transport):
    """Elements z ~ F, independent: xi = Φ⁻¹(F(z)), z = F⁻¹(Φ(xi)) (LOL's rule, Bodin et al., arXiv 2408.08558).

    `distribution` is the name of a continuous distribution of `scipy.stats` with its parameters
    (`Quantile("laplace", scale=2)`), or an object with `cdf`, `sf`, `ppf` and `isf`.
    Each tail is computed from its own side, so that rare values survive the way there and back.
    Raises ValueError for an unknown name, bad parameters, or a z outside the support.
    """

    name = "quantile"
    by_value = True

    def __init__(self, distribution="norm", **parameters):
        self._settings = None
        if isinstance(distribution, str):
            family = getattr(scipy.stats, distribution, None)
            if not isinstance(family, scipy.stats.rv_continuous):
                raise ValueError(
                    f"distribution must be the name of a continuous distribution of scipy.stats, such as norm, laplace, "
                    f"uniform, logistic or t, got {distribution!r}."
                )
            self._settings = {"distribution": distribution, **parameters}
            try:
                distribution = family(**parameters)
                usable = bool(np.isfinite(distribution.median()))
            except (TypeError, ValueError) as error:
                raise ValueError(f"distribution {self._settings} is not usable: {error}.") from None
            if not usable:
                raise ValueError(f"distribution {self._settings} is not usable: a parameter is out of its range.")
        self.distribution = distribution

    @classmethod
    def examples(cls):
        return [Example(cls("uniform"), lambda rng, n: torch.from_numpy(rng.random((n, 3, 4), np.float32)))]

    def settings(self):
        if self._settings is None:
            raise ValueError("A quantile transport made from an object cannot be written down; use a scipy.stats name.")
        return self._settings

    def __repr__(self):
        return f"Quantile({self._settings or self.distribution!r})"

    def forward(self, z, first=None):
        return _elementwise(self._forward, z)

    def inverse(self, xi, power=None):
        return _elementwise(self._inverse, xi)

    def _forward(self, z: np.ndarray) -> np.ndarray:
        below, above = self.distribution.cdf(z), self.distribution.sf(z)
        outside = ~np.isfinite(below) | (((below <= 0) | (above <= 0)) & ~self._in_support(z))
        if outside.any():
            raise ValueError(f"A latent value {z[outside][0]:g} lies outside the distribution {self!r}.")
        below, above = np.where(below <= 0, SMALLEST, below), np.where(above <= 0, SMALLEST, above)
        return np.where(below < above, ndtri(below), -ndtri(above))

    def _inverse(self, xi: np.ndarray) -> np.ndarray:
        d = self.distribution
        return np.where(xi < 0, d.ppf(ndtr(np.minimum(xi, 0))), d.isf(ndtr(-np.maximum(xi, 0))))

    def _in_support(self, z: np.ndarray) -> np.ndarray:
        low, high = self.distribution.support() if hasattr(self.distribution, "support") else (-np.inf, np.inf)
        room = 1e-6 * np.maximum(1, np.abs(z))
        return (z >= low - room) & (z <= high + room)


def _elementwise(function, values: torch.Tensor) -> torch.Tensor:
    """`function` of float64 blocks, so that the temporaries stay small."""
    flat = values.reshape(-1)
    out = torch.empty_like(flat)
    for start in range(0, len(flat), BLOCK):
        block = flat[start : start + BLOCK].double().numpy()
        out[start : start + BLOCK] = torch.from_numpy(np.asarray(function(block)))
    return out.reshape(values.shape)
