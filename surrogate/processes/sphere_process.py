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
        cosine = w @ w.T
        self._w = w
        self.places, self._back = _coordinates(cosine)
        self.mean = f.mean(axis=0)
        self._fit = fit(2 * (1 - cosine), LENGTHS, f - self.mean, False)
        self.length, self.noise, self.signal = self._fit.length, self._fit.noise, self._fit.signal

    def vector(self, b: np.ndarray) -> np.ndarray:
        """The unit vector (k,) of coordinates b (r,)."""
        w = self._back(b) @ self._w
        return w / np.linalg.norm(w)

    def predict(self, b: np.ndarray) -> tuple[np.ndarray, float, Callable]:
        """Expected outputs (m,) at b (r,), their variance, which all share, and the gradient: of a function of both, from its
        derivatives to the gradient in b (r,)."""
        norm = np.linalg.norm(b)
        x = b / norm
        kernel = np.exp((self.places @ x - 1) / self.length**2)
        solved = self._fit.solve(kernel)
        pull = self._fit.pull
        mean, variance = self.mean + kernel @ pull, self.signal * (1 + self.noise - kernel @ solved)

        def gradient(of_mean: np.ndarray, of_variance: float) -> np.ndarray:
            of_kernel = pull @ of_mean - 2 * self.signal * of_variance * solved
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


def _coordinates(gram: np.ndarray) -> tuple[np.ndarray, Callable]:
    """Vectors of which `gram` (n, n) has the products, as rows (n, r) in an orthonormal basis of their span; and from
    coordinates (r,) to factors (n,) of the vectors."""
    try:
        lower = np.linalg.cholesky(gram)
        if np.diag(lower).min() ** 2 > NEGLIGIBLE * len(gram):
            return lower, lambda b: scipy.linalg.solve_triangular(lower, b, lower=True, trans=1, check_finite=False)
    except np.linalg.LinAlgError:
        pass  # Some are blends of others: their span is smaller.
    values, vectors = np.linalg.eigh(gram)
    kept = values > NEGLIGIBLE * values[-1]
    root = np.sqrt(values[kept])
    return vectors[:, kept] * root, lambda b: vectors[:, kept] @ (b / root)
