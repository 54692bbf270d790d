"""Does a seed's share go with the score, and could that be chance?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

__all__ = ["Association", "associate"]

# Points of a block: within one, a search stands still, nearly.
BLOCK = 8
SHUFFLES = 999
LEVEL = 0.05


@dataclass(frozen=True)
class Association:
    """Rank correlations of k seeds' shares with the score: `r` (k,) from -1 to 1, 0 where a share never changes.

    `p` (k,): how often chance gives one of the k a correlation so large, if no share has to do with the score.
    `chance`: the size that it gives once in 20 times.
    """

    r: np.ndarray
    p: np.ndarray
    chance: float


def associate(shares: np.ndarray, gains: np.ndarray, generation: np.ndarray) -> Association:
    """Spearman's correlation of each column of `shares` (n, k) with `gains` (n,), within blocks of `generation` (n,).

    In the course of a search the scores rise and all shares drift, those that do not matter too: over the whole course
    every drift would go with the rise. So points are compared with those of their own time only: a block is one
    generation, or several in a row that have at least `BLOCK` points together.
    Chance is measured: the gains are shuffled within the blocks, and the largest of the k correlations counts, so it
    is chance for all seeds together (Westfall and Young 1993). The shuffles are the same in each call.
    """
    n, k = shares.shape
    blocks = _blocks(generation)
    rows, wanted = np.empty((n, k)), np.empty(n)
    for block in blocks:
        rows[block], wanted[block] = _centred(shares[block]), _centred(gains[block])
    norms = np.linalg.norm(rows, axis=0)
    size = np.linalg.norm(wanted)
    if size == 0:
        return Association(np.zeros(k), np.ones(k), 1.0)
    rows /= np.where(norms > 0, norms, 1) * size
    r = wanted @ rows
    rng = np.random.default_rng(0)
    largest = np.empty(SHUFFLES)
    for i in range(SHUFFLES):
        shuffled = np.concatenate([rng.permutation(wanted[block]) for block in blocks])
        largest[i] = np.abs(shuffled @ rows).max()
    # Equal up to rounding is as large.
    reached = (largest[:, None] >= np.abs(r) - 1e-12).sum(axis=0)
    return Association(r, (1 + reached) / (1 + SHUFFLES), min(1.0, float(np.quantile(largest, 1 - LEVEL))))


def _blocks(generation: np.ndarray) -> list[slice]:
    """Generations in a row, so many that a block has at least `BLOCK` points; what is left belongs to the last."""
    ends, start = [], 0
    for end in [*(np.flatnonzero(np.diff(generation)) + 1).tolist(), len(generation)]:
        if end - start >= BLOCK:
            ends.append(end)
            start = end
    ends = [*ends[:-1], len(generation)] if ends else [len(generation)]
    return [slice(a, b) for a, b in zip([0, *ends], ends)]


def _centred(values: np.ndarray) -> np.ndarray:
    """Ranks of each column from -1/2 to 1/2, equal values in their middle; so blocks of any size count alike."""
    return (scipy.stats.rankdata(values, axis=0) - (len(values) + 1) / 2) / len(values)
