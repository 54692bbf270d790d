"""How likely scores are under a Gaussian process, and which length and noise make them likeliest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

__all__ = ["NOISES", "Fit", "fit", "log_likelihood"]

NOISES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 0.5)  # variances, in units of the signal's
# Values that length and noise are chosen by: the work grows with their cube, and more do not change the choice.
MOST_FIT = 128


def log_likelihood(n: int, signal: float, log_determinant: float) -> float:
    """Of n values with the likeliest variance `signal` of their kernel matrix; constants are left out.

    Eq. 2.30 of Rasmussen & Williams 2006 with that variance put in: the mean of the whitened values' squares.
    """
    return -0.5 * (n * np.log(max(signal, 1e-300)) + log_determinant)


@dataclass(frozen=True)
class Fit:
    """A process through y (n, m): length and noise of the largest likelihood, the `signal`'s variance, and `mean` (m,).

    `pull` (n, m) is K⁻¹ (y - mean), where K is the kernel matrix with the noise and `factor` its Cholesky factor.
    """

    length: float
    noise: float
    signal: float
    mean: np.ndarray
    pull: np.ndarray
    factor: tuple[np.ndarray, bool]

    def solve(self, right: np.ndarray) -> np.ndarray:
        """K⁻¹ of `right` (n, …)."""
        return cho_solve(self.factor, right, check_finite=False)


def fit(squares: np.ndarray, lengths: Sequence[float], y: np.ndarray, constant_mean: bool, most: int = MOST_FIT) -> Fit:
    """The likeliest process through the values y (n, m), which share length and noise, on a grid of both.

    `squares` (n, n) are squared distances d²; the kernel is exp(-d² / 2 length²). The mean is 0, or with
    `constant_mean` the likeliest constant of each column. Length and noise are those of the largest likelihood of at
    most `most` values, evenly in order; all else is of all values. One decomposition for each length serves all noises.

    Raises ValueError if y is not finite.
    """
    few = np.unique(np.linspace(0, len(y) - 1, min(len(y), most)).round().astype(int))
    length, noise = _likeliest(squares[np.ix_(few, few)], lengths, y[few], constant_mean)
    kernel = np.exp(squares / (-2 * length**2))
    kernel[np.diag_indices_from(kernel)] += noise
    factor = cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
    mean = np.zeros(y.shape[1])
    if constant_mean:
        ones = cho_solve(factor, np.ones(len(y)), check_finite=False)
        mean = ones @ y / ones.sum()
    pull = cho_solve(factor, y - mean, check_finite=False)
    return Fit(length, noise, float((pull * (y - mean)).mean()), mean, pull, factor)


def _likeliest(squares, lengths, y, constant_mean) -> tuple[float, float]:
    best, chosen = -np.inf, None
    for length in lengths:
        values, vectors = np.linalg.eigh(np.exp(squares / (-2 * length**2)))
        turned, ones = vectors.T @ y, vectors.sum(axis=0)
        for noise in NOISES:
            spread = np.maximum(values, 0) + noise
            mean = (ones / spread) @ turned / (ones**2 / spread).sum() if constant_mean else np.zeros(y.shape[1])
            left = turned - ones[:, None] * mean
            signal = float(((left**2).mean(axis=1) / spread).mean())
            likelihood = log_likelihood(len(y), signal, np.log(spread).sum())
            if likelihood > best:
                best, chosen = likelihood, (length, noise)
    if chosen is None:
        raise ValueError(f"y must be finite for a likelihood, got {y}.")
    return chosen
