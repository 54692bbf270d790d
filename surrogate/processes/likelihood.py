"""How likely scores are under a Gaussian process, and which length and noise make them likeliest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["NOISES", "Fit", "fit", "log_likelihood"]

NOISES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 0.5)  # variances, in units of the signal's


def log_likelihood(n: int, signal: float, log_determinant: float) -> float:
    """Of n values with the likeliest variance `signal` of their kernel matrix; constants are left out.

    Eq. 2.30 of Rasmussen & Williams 2006 with that variance put in: the mean of the whitened values' squares.
    """
    return -0.5 * (n * np.log(max(signal, 1e-300)) + log_determinant)


@dataclass(frozen=True)
class Fit:
    """A process through y (n, m): length and noise of the largest likelihood, the `signal`'s variance, and `mean` (m,).

    `pull` (n, m) is K⁻¹ (y - mean), and `inverse` (n, n) is K⁻¹, where K is the kernel matrix with the noise.
    """

    length: float
    noise: float
    signal: float
    mean: np.ndarray
    pull: np.ndarray
    inverse: np.ndarray


def fit(kernel: Callable[[float], np.ndarray], lengths: Sequence[float], y: np.ndarray, constant_mean: bool) -> Fit:
    """The likeliest process through the values y (n, m), which share length and noise, on a grid of both.

    `kernel(length)` gives the correlations (n, n). The mean is 0, or with `constant_mean` the likeliest constant of each
    column. One decomposition for each length serves all noises.
    """
    best, chosen = -np.inf, None
    for length in lengths:
        values, vectors = np.linalg.eigh(kernel(length))
        turned, ones = vectors.T @ y, vectors.sum(axis=0)
        for noise in NOISES:
            spread = np.maximum(values, 0) + noise
            mean = (ones / spread) @ turned / (ones**2 / spread).sum() if constant_mean else np.zeros(y.shape[1])
            left = turned - ones[:, None] * mean
            signal = float(((left**2).mean(axis=1) / spread).mean())
            likelihood = log_likelihood(len(y), signal, np.log(spread).sum())
            if likelihood > best:
                best, chosen = likelihood, (length, noise, signal, mean, vectors, spread, left)
    if chosen is None:
        raise ValueError(f"y must be finite for a likelihood, got {y}.")
    length, noise, signal, mean, vectors, spread, left = chosen
    return Fit(length, noise, signal, mean, vectors @ (left / spread[:, None]), (vectors / spread) @ vectors.T)
