"""In few dimensions seeds are not orthogonal, and the angle between two blends is not that between their weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Overlap", "overlap"]


@dataclass(frozen=True)
class Overlap:
    """What is between w_i·w_j and the cosine of the blends, over pairs of points.

    error: root mean square of the difference; largest: the largest
    norm: root mean square of ‖Σ w_k z_k‖/√D - 1, which is 0 on the Gaussian shell
    """

    error: float
    largest: float
    norm: float


def overlap(gram: np.ndarray, w: np.ndarray) -> Overlap:
    """The overlap of the weights w (n, k) in a space whose seeds have the Gram matrix `gram` (k, k), 1 on the diagonal
    for noise.

    Raises ValueError if the two do not belong together.
    """
    gram, w = np.asarray(gram, np.float64), np.asarray(w, np.float64)
    if w.ndim != 2 or gram.shape != (w.shape[1], w.shape[1]) or len(w) < 2:
        raise ValueError(f"gram must be (k, k) and w (n, k) with n of at least 2, got {gram.shape} and {w.shape}.")
    products = w @ gram @ w.T
    norms = np.sqrt(np.diag(products))
    i, j = np.triu_indices(len(w), 1)
    off = (products / np.outer(norms, norms) - w @ w.T)[i, j]
    return Overlap(float(np.sqrt((off**2).mean())), float(np.abs(off).max()), float(np.sqrt(((norms - 1) ** 2).mean())))
