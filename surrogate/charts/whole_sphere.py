"""The whole sphere: weights of either sign, for searches that leave the space between their seeds."""

from __future__ import annotations

import numpy as np

from .base import Chart

__all__ = ["WholeSphere"]


class WholeSphere(Chart):
    """Hyperspherical coordinates of the whole unit sphere: θ_i = πu_i, the last one θ = 2πu::

        w_i = cos θ_i ∏_{j<i} sin θ_j,   w_k = ∏_j sin θ_j

    A blend with negative weights is as good a noise as any: -ξ is Gaussian if ξ is. It is not a chart to look at: a grid
    over it is no map of the examples. It is where `adaptive` searches, because it reaches every combination of k
    noises, keeps its digits at any k, and has zeros where seeds are not used.

    Seed i is u = (½, …, ½, 0, …, 0) with i-1 halves, exactly; the last seed ends with ¼. Where the seeds before have all
    the weight, the remaining coordinates are 0.
    """

    name = "whole_sphere"
    signed = True

    def _weights(self, u):
        turns = u.copy()
        turns[..., -1] *= 2
        w = np.cumprod(np.concatenate([np.ones_like(u[..., :1]), _sin(turns)], axis=-1), axis=-1)
        w[..., :-1] *= _cos(turns)
        return w / np.linalg.norm(w, axis=-1, keepdims=True) + 0.0

    def _coordinates(self, w):
        left = np.sqrt(np.cumsum(w[..., ::-1] ** 2, axis=-1)[..., ::-1])
        u = np.where(left[..., :-1] > 0, np.arctan2(left[..., 1:], w[..., :-1]) / np.pi, 0.0)
        last = np.arctan2(w[..., -1], w[..., -2]) / (2 * np.pi)
        u[..., -1] = np.where(last < 0, last + 1, last)
        return np.clip(u, 0.0, 1.0) + 0.0


def _sin(turns: np.ndarray) -> np.ndarray:
    """sin πx for x in [0, 2], exactly 0 or ±1 at every half."""
    sign, x = np.where(turns > 1, -1.0, 1.0), np.where(turns > 1, turns - 1, turns)
    return sign * np.sin(np.pi * np.where(x > 0.5, 1 - x, x))


def _cos(turns: np.ndarray) -> np.ndarray:
    """cos πx for x in [0, 2], exactly 0 or ±1 at every half."""
    x = np.where(turns > 1, 2 - turns, turns)
    return np.where(x > 0.5, -np.sin(np.pi * (x - 0.5)), np.sin(np.pi * (0.5 - x)))
