"""Σ w_k ξ_k for many points, in bounded memory, with the same bits for a point whatever stands beside it."""

from __future__ import annotations

import numpy as np
import torch

__all__ = ["add_over_time", "add_weighted", "combine_rows"]

# One shape of matrix product for every batch size: a product's rounding depends on its shape.
ROWS = 8
BLOCK_BYTES = 2 << 20


def add_weighted(out: torch.Tensor, weights: torch.Tensor, xi: torch.Tensor) -> None:
    """out[i] += weights[i] · xi, in place: out (n, *shape), weights (n,), xi (*shape).

    Row by row: the same operation for one row as for a thousand.
    """
    for row, weight in zip(out, weights.tolist(), strict=True):
        if weight:
            row.add_(xi, alpha=weight)


def add_over_time(out: torch.Tensor, axis: int, weights: np.ndarray, xi: torch.Tensor) -> None:
    """out += weights · xi, in place, with a weight (steps,) for each step of `axis`: out and xi (*shape).

    Block by block of the axis. The product is rounded before it is added: the same bits wherever a block ends.
    """
    each = torch.from_numpy(weights).float()
    steps = len(each)
    at_once = max(1, BLOCK_BYTES // (4 * (xi.numel() // steps)))
    for start in range(0, steps, at_once):
        some = each[start : start + at_once]
        if some.any():
            shaped = some.reshape(-1, *[1] * (xi.ndim - axis - 1))
            out.narrow(axis, start, len(some)).add_(xi.narrow(axis, start, len(some)) * shaped)


def combine_rows(weights: torch.Tensor, rows: list[torch.Tensor]) -> torch.Tensor:
    """weights (n, k) times k flat rows (D,) held in memory: (n, D), at the speed of a matrix product.

    Rows that lie one behind the other in one tensor are used where they are; others are gathered block by block.
    """
    n, k = weights.shape
    dimensions = len(rows[0])
    out = torch.empty(n, dimensions)
    padded = torch.zeros(-(-n // ROWS) * ROWS, k)
    padded[:n] = weights
    whole = _as_matrix(rows)
    width = max(4096, BLOCK_BYTES // (4 * k) // 4096 * 4096)
    for start in range(0, dimensions, width):
        columns = slice(start, start + width)
        block = torch.stack([row[columns] for row in rows]) if whole is None else whole[:, columns]
        for first in range(0, n, ROWS):
            target = out[first : first + ROWS, columns]
            if len(target) == ROWS:
                torch.mm(padded[first : first + ROWS], block, out=target)
            else:
                target.copy_(torch.mm(padded[first:], block)[: len(target)])
    return out


def _as_matrix(rows: list[torch.Tensor]) -> torch.Tensor | None:
    first, step = rows[0], len(rows[0]) * rows[0].element_size()
    base = first.untyped_storage().data_ptr()
    for i, row in enumerate(rows):
        if row.untyped_storage().data_ptr() != base or row.data_ptr() != first.data_ptr() + i * step:
            return None
    return first.as_strided((len(rows), len(first)), (len(first), 1))
