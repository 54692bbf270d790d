"""The Knothe-Rosenblatt chart: the uniform measure on the cube becomes the uniform measure on the orthant."""

from __future__ import annotations

import numpy as np
from scipy.special import betainc, betaincc, betainccinv, betaincinv

from .base import Chart

__all__ = ["KnotheRosenblatt"]

SMALLEST = np.finfo(np.float64).tiny


class KnotheRosenblatt(Chart):
    """Knothe-Rosenblatt rearrangement of Willis et al. (arXiv 2509.23800, section 3 and appendix on charts).

    With I the regularised incomplete beta function, for i = 1 … k-1::

        v_i = I⁻¹(1/2, (k-i)/2; 1 - u_i)
        w_i² = v_i ∏_{j<i} (1 - v_j),   w_k² = ∏_j (1 - v_j)

    For w uniform on the orthant the v_i are independent Beta(1/2, (k-i)/2): stick breaking. So equal volumes of
    the cube are equal areas of the orthant, whatever k. At k = 2 it is the quarter circle (cos πu/2, sin πu/2).

    The size of float64 is the limit near a seed, where areas are tiny: u_1 is about (1 - w_1²)^((k-1)/2), so that
    points with more than w_1 = 0.99999 at k = 128, or 0.87 at k = 1024, have the coordinates of the seed itself.
    """

    name = "knothe_rosenblatt"

    def _weights(self, u):
        k = u.shape[-1] + 1
        a, b = 0.5, (k - np.arange(1, k)) / 2
        # The inverses return NaN for subnormal numbers.
        u = np.where((u > 0) & (u < SMALLEST), SMALLEST, u)
        # Both v and 1-v come from an inverse of their own: neither loses digits where the other is near 1,
        # and both are exactly 0 or 1 at the faces of the cube.
        v = betainccinv(a, b, u)
        rest = betaincinv(b, a, u)
        left = np.cumprod(np.concatenate([np.ones_like(u[..., :1]), rest], axis=-1), axis=-1)
        w = np.sqrt(left)
        w[..., :-1] *= np.sqrt(v)
        return w / np.linalg.norm(w, axis=-1, keepdims=True)

    def _coordinates(self, w):
        k = w.shape[-1]
        a, b = 0.5, (k - np.arange(1, k)) / 2
        square = w**2
        left = np.cumsum(square[..., ::-1], axis=-1)[..., ::-1]
        here, after, both = square[..., :-1], left[..., 1:], left[..., :-1]
        some = both > 0
        v = np.divide(here, both, out=np.zeros_like(both), where=some)
        rest = np.divide(after, both, out=np.ones_like(both), where=some)
        # Each value from the side that has its digits; scipy's betaincc(1/2, 1/2, v) is 1e-10 off for small v.
        done = betainc(a, b, v)
        return np.where(v < rest, np.where(done < 0.5, 1 - done, betaincc(a, b, v)), betainc(b, a, rest))
