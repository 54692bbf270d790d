"""A Gaussian process on the unit sphere, with many outputs: what noise between and beyond those that were tried gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy

from .likelihood import fit

__all__ = ["SphereProcess"]

# Of the kernel, as chord lengths: a quarter turn is 1.4.
LENGTHS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
STEPS = 100
# Directions of the span that are only rounding.
NEGLIGIBLE = 1e-8


class SphereProcess:
    """Gaussian process over unit vectors, RBF in the chord; one length and noise for all outputs, by likelihood on a grid.

    Conditioned on outputs f (n, m) at the unit vectors w (n, k). Points are given by coordinates b in an orthonormal
    basis of the span of w, because outside it nothing is known: `places` (n, r) are those of w, `vector` the way back.
    Rasmussen & Williams 2006, sections 2.2 and 5.4.1; several outputs as in intrinsic coregionalisation.
    """

    def __init__(self, w: np.ndarray, f: np.ndarray):
        values, vectors = np.linalg.eigh(w @ w.T)
        kept = values > NEGLIGIBLE * values[-1]
        root = np.sqrt(values[kept])
        self.places = vectors[:, kept] * root
        self._basis = (vectors[:, kept] / root).T @ w
        self.mean = f.mean(axis=0)
        cosine = w @ w.T
        found = fit(lambda length: np.exp((cosine - 1) / length**2), LENGTHS, f - self.mean, False)
        self.length, self.noise, self.signal = found.length, found.noise, found.signal
        self._pull, self._inverse = found.pull, found.inverse

    def vector(self, b: np.ndarray) -> np.ndarray:
        """The unit vector (k,) of coordinates b (r,)."""
        w = b @ self._basis
        return w / np.linalg.norm(w)

    def predict(self, b: np.ndarray) -> tuple[np.ndarray, float, Callable]:
        """Expected outputs (m,) at b (r,), their variance, which all share, and the gradient: of a function of both, from its
        derivatives to the gradient in b (r,)."""
        norm = np.linalg.norm(b)
        x = b / norm
        kernel = np.exp((self.places @ x - 1) / self.length**2)
        solved = self._inverse @ kernel
        mean, variance = self.mean + kernel @ self._pull, self.signal * (1 + self.noise - kernel @ solved)

        def gradient(of_mean: np.ndarray, of_variance: float) -> np.ndarray:
            of_kernel = self._pull @ of_mean - 2 * self.signal * of_variance * solved
            of_x = self.places.T @ (of_kernel * kernel) / self.length**2
            return (of_x - x * (x @ of_x)) / norm

        return mean, variance, gradient

    def minimise(self, loss: Callable, start: np.ndarray) -> np.ndarray:
        """The unit vector (k,) where `loss` is least, downhill from the coordinates `start` (r,).

        `loss(mean, variance)` gives a number and its derivatives to both.
        """

        def value(b):
            mean, variance, gradient = self.predict(b)
            number, *derivatives = loss(mean, variance)
            return number, gradient(*derivatives)

        found = scipy.optimize.minimize(value, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
        return self.vector(found.x)
