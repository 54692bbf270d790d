"""The angular chart: hyperspherical angles, kept to compare with."""

from __future__ import annotations

import numpy as np

from .base import Chart

__all__ = ["Angular"]


class Angular(Chart):
    """Hyperspherical coordinates, θ = πu/2: w_i = cos θ_i ∏_{j<i} sin θ_j, w_k = ∏_j sin θ_j.

    It crowds the weight into the first seeds as k grows; `knothe_rosenblatt` does not.
    """

    name = "angular"

    def _weights(self, u):
        # sin(π/2 (1-u)) instead of cos(π/2 u): exactly 0 at u = 1.
        cos, sin = np.sin(np.pi / 2 * (1 - u)), np.sin(np.pi / 2 * u)
        w = np.cumprod(np.concatenate([np.ones_like(u[..., :1]), sin], axis=-1), axis=-1)
        w[..., :-1] *= cos
        return w / np.linalg.norm(w, axis=-1, keepdims=True)

    def _coordinates(self, w):
        left = np.sqrt(np.cumsum(w[..., ::-1] ** 2, axis=-1)[..., ::-1])
        theta = np.arctan2(left[..., 1:], w[..., :-1])
        return np.where(left[..., :-1] > 0, theta * (2 / np.pi), 1.0)
