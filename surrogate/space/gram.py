"""The Gram matrix of seeds: how alike they are, and what lies nearest to a latent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
import torch

from ..seeds import Seed
from ..shapes import Parts, size
from ..transports import Composite, Gaussian, Transport
from .blend import Progress

__all__ = ["gram_matrix", "independence", "nearest"]

# Memory for seeds that are compared: as many at once as fit, at least one.
BLOCK_BYTES = 256 << 20
# Columns of a float64 product of latents.
COLUMNS = 1 << 16
# Weights of a located latent below this are rounding of its float32 values.
NEGLIGIBLE = 1e-6


def gram_matrix(
    seeds: Sequence[Seed], transport: Transport | Composite, parts: Parts, progress: Progress | None = None
) -> np.ndarray:
    """G (n, n) float64: inner products of the seeds' inner latents over their dimension D.

    The first seed's inner latent settles what a transport leaves open (`Transport.uses_first`).
    """
    n = len(seeds)
    transports = transport.split(len(parts))
    first = _inner(seeds[0], parts, transports, None) if any(t.uses_first for t in transports) else None
    at_once = max(1, BLOCK_BYTES // (4 * size(parts)))
    others_at_once = max(1, at_once // 16)
    gram = np.zeros((n, n))
    for start in range(0, n, at_once):
        block = torch.stack([_inner(s, parts, transports, first)[0] for s in seeds[start : start + at_once]])
        gram[start : start + at_once, start : start + at_once] = _products(block, block)
        # Several at once: each product has the whole block in float64, piece by piece.
        for j in range(start + at_once, n, others_at_once):
            others = torch.cat([_inner(s, parts, transports, first) for s in seeds[j : j + others_at_once]])
            products = _products(block, others)
            gram[start : start + at_once, j : j + others_at_once] = products
            gram[j : j + others_at_once, start : start + at_once] = products.T
        if progress is not None:
            progress(min(n, start + at_once), n)
    return gram


def nearest(gram: np.ndarray, b: np.ndarray, square: np.ndarray, signed: bool) -> tuple[np.ndarray, np.ndarray]:
    """For n latents the unit weights w (n, k) of the largest cosine, non-negative unless `signed`, and the cosines (n,).

    `gram` (k, k) of the seeds, `b` (k, n) their inner products with the latents, `square` (n,) those of the latents.
    """
    k = len(gram)
    # NNLS wants a factor A with AᵀA = G; G may be singular (equal seeds), so no Cholesky.
    values, vectors = np.linalg.eigh(gram)
    root = np.sqrt(np.maximum(values, values.max() * 1e-12))
    w, fit = np.empty((len(square), k)), np.empty(len(square))
    for i in range(len(square)):
        if signed:
            solution = vectors @ ((vectors.T @ b[:, i]) / root**2)
        else:
            solution, _ = scipy.optimize.nnls(root[:, None] * vectors.T, (vectors.T @ b[:, i]) / root)
        if not solution.any():  # No seed points towards it: the least wrong one.
            solution[np.argmax(b[:, i] / np.sqrt(np.diag(gram)))] = 1.0
        solution[np.abs(solution) < NEGLIGIBLE * np.linalg.norm(solution)] = 0.0
        w[i] = solution / np.linalg.norm(solution)
        fit[i] = w[i] @ b[:, i] / np.sqrt(w[i] @ gram @ w[i] * square[i])
    return w, np.clip(fit, -1.0, 1.0)


def independence(gram: np.ndarray, labels: Sequence[str], transport: Transport | Composite, parts: Parts) -> list[str]:
    """What to know before blending seeds of this Gram matrix, in sentences: those that are not independent noise."""
    norms = np.sqrt(np.diag(gram))
    notes = _alike(gram / np.outer(norms, norms), gram, labels, transport, parts)
    if isinstance(transport, Gaussian):
        notes += [
            f"Seed {label} has {norm:.3f} times the norm of Gaussian noise: blends with it are not valid noise. "
            "A check of the seeds names the transport that helps."
            for label, norm in zip(labels, norms, strict=True)
            if abs(norm**2 - 1) > 4 * np.sqrt(2 / size(parts))
        ]
    return notes


def _alike(cosine: np.ndarray, gram: np.ndarray, labels: Sequence[str], transport, parts: Parts) -> list[str]:
    chance = 4 / np.sqrt(size(parts))
    keeps_norm = any(t.uses_power for t in transport.split(len(parts)))
    remedy = "" if keeps_norm else " Use the sphere transport, which keeps the norm, or drop one of them."
    i, j = np.triu_indices(len(gram), 1)
    found = np.flatnonzero(np.abs(cosine[i, j]) > chance)
    return [
        f"Seeds {labels[a]} and {labels[b]} are not independent (correlation {cosine[a, b]:+.3f}, chance gives up to "
        f"±{chance:.3f}): their blend has {_percent(gram, a, b)} of the norm of noise.{remedy}"
        for a, b in zip(i[found].tolist(), j[found].tolist(), strict=True)
    ]


def _inner(seed: Seed, parts: Parts, transports: Sequence[Transport], first: torch.Tensor | None) -> torch.Tensor:
    """The seed's inner latent (1, D), all parts in one row."""
    rows, offset = [], 0
    for transport, noise, part in zip(transports, seed.noise(parts), parts, strict=True):
        inner = transport.inner_shape(part)
        length = int(np.prod(inner))
        anchor = None if first is None else first[:, offset : offset + length].reshape(1, *inner)
        rows.append(transport.forward(noise[None], anchor).reshape(1, -1))
        offset += length
    return torch.cat(rows, dim=1)


def _products(a: torch.Tensor, b: torch.Tensor) -> np.ndarray:
    """Inner products of the rows over their length, in float64 without a float64 copy of the whole."""
    total = torch.zeros(len(a), len(b), dtype=torch.float64)
    for start in range(0, a.shape[1], COLUMNS):
        total += a[:, start : start + COLUMNS].double() @ b[:, start : start + COLUMNS].double().T
    return (total / a.shape[1]).numpy()


def _percent(gram: np.ndarray, i: int, j: int) -> str:
    blended = (gram[i, i] + gram[j, j]) / 2 + gram[i, j]
    return f"{100 * np.sqrt(max(blended, 0.0)):.0f} %"
