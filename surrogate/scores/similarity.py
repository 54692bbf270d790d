"""How alike embeddings are, such as CLIP's of pictures and of a text. Who makes the embeddings is not asked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

__all__ = ["TOGETHER", "cosine"]

# Scores with several references (n, m) to one (n,).
TOGETHER: dict[str, Callable[..., np.ndarray]] = {"mean": np.mean, "max": np.max, "min": np.min}


def cosine(embeddings, references, *, together: str = "mean") -> np.ndarray:
    """Cosine similarity (n,) float64 of the embeddings (n, d) with the references (m, d) or (d,): 1 is the same direction.

    together: what is made of several references: "mean", "max" (like any of them) or "min" (like all of them).

    An embedding without direction (all 0, NaN or infinite) scores NaN. Raises ValueError for other ranks, sizes that
    differ, no rows, and references without direction.
    """
    if together not in TOGETHER:
        raise ValueError(f"together must be one of {', '.join(TOGETHER)}, got {together!r}.")
    a, b = _rows(embeddings, "embeddings"), _rows(references, "references")
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"embeddings have {a.shape[1]} dimensions and references {b.shape[1]}: both must come from one model."
        )
    a, b = _directions(a), _directions(b)
    if np.isnan(b).any():
        raise ValueError(f"references: row {int(np.argwhere(np.isnan(b))[0, 0])} is all 0, NaN or infinite.")
    # Row by row: matrix products differ in the last bits with the number of rows.
    products = np.stack([np.sum(a * row, axis=1) for row in b], axis=1)
    return TOGETHER[together](np.clip(products, -1, 1), axis=1)


def _rows(values, name):
    if isinstance(values, torch.Tensor):
        values = values.detach().to("cpu", torch.float64).numpy() if not values.is_complex() else np.array(None)
    values = np.asarray(values)
    if values.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be real numbers (n, d), got {values.dtype}.")
    if values.ndim == 1 and name == "references":
        values = values[None]
    if values.ndim != 2 or 0 in values.shape:
        hint = " Pool over the tokens first." if values.ndim == 3 else ""
        raise ValueError(f"{name} must have shape (n, d), got {values.shape}.{hint}")
    return np.ascontiguousarray(values, np.float64)


def _directions(rows):
    """The rows at length 1, NaN for those that have none."""
    largest = np.abs(rows).max(axis=1, keepdims=True)
    good = np.isfinite(largest) & (largest > 0)
    rows = np.where(good, rows, np.nan) / np.where(good, largest, 1)  # so that squares neither overflow nor vanish
    return rows / np.sqrt(np.sum(rows**2, axis=1, keepdims=True))
