"""The noise of points: Σ w_k ξ_k over the seeds, and back to latents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch

from ..seeds import FixedSeed, Seed, TensorSeed
from ..shapes import Parts, size
from ..transports import Composite, Gaussian, Transport
from .combine import add_weighted, combine_rows

__all__ = ["Progress", "blend"]

# Seeds in files that are read together instead of one by one: as many as fit.
BLOCK_BYTES = 256 << 20

# progress(done, all), called as the work goes on; it may raise.
Progress = Callable[[int, int], None]


def blend(
    seeds: Sequence[Seed],
    transport: Transport | Composite,
    w: np.ndarray,
    parts: Parts,
    progress: Progress | None = None,
) -> list[torch.Tensor]:
    """Noises of the weights w (n, k) of unit norm: for each of the `parts` a tensor (n, *part), float32.

    A row's bits do not depend on the other rows. Where one seed has all the weight, the noise is that seed, to the last bit.
    """
    # The seed that has all the weight, or -1.
    vertex = np.where((w == 1).any(1), w.argmax(1), -1)
    if _in_memory(seeds, transport.split(len(parts)), parts):
        return _product(seeds, w, vertex, parts)
    return _stream(seeds, transport.split(len(parts)), w, vertex, parts, progress)


def _in_memory(seeds: Iterable[Seed], transports: Iterable[Transport], parts: Parts) -> bool:
    if not all(isinstance(transport, Gaussian) for transport in transports):
        return False
    seeds = list(seeds)
    if all(isinstance(seed, TensorSeed) for seed in seeds):
        return True
    # Seeds in files are read together while they are few: the same bits as from memory.
    return all(isinstance(seed, FixedSeed) for seed in seeds) and 4 * len(seeds) * size(parts) <= BLOCK_BYTES


def _product(seeds: Sequence[Seed], w: np.ndarray, vertex: np.ndarray, parts: Parts) -> list[torch.Tensor]:
    """Seeds that fit into memory and need no transport: a matrix product."""
    rows = [seed.noise(parts) for seed in seeds]
    weights = torch.from_numpy(w).float()
    z = []
    for i, part in enumerate(parts):
        z.append(combine_rows(weights, [row[i].reshape(-1) for row in rows]).reshape(-1, *part))
        for n in np.flatnonzero(vertex >= 0):
            z[i][n] = rows[vertex[n]][i]
    return z


def _stream(
    seeds: Sequence[Seed],
    transports: Sequence[Transport],
    w: np.ndarray,
    vertex: np.ndarray,
    parts: Parts,
    progress: Progress | None,
) -> list[torch.Tensor]:
    """Any seeds and transport: each seed is drawn once, added where it is needed, and forgotten."""
    blended = vertex < 0
    weights = torch.from_numpy(np.where(blended[:, None], w, 0.0))
    sums = [_Sum(transport, part, len(w)) for transport, part in zip(transports, parts, strict=True)]
    # The first seed's inner latent settles what some transports leave open, whether or not it has a weight.
    anchored = any(transport.uses_first for transport in transports) and bool(blended.any())
    for j, seed in enumerate(seeds):
        whole = np.flatnonzero(vertex == j)
        needed = bool(weights[:, j].any()) or (anchored and j == 0)
        if needed or len(whole):
            _add(sums, seed.noise(parts), weights[:, j] if needed else None, whole, first=j == 0)
        if progress is not None:
            progress(j + 1, len(seeds))
    return [one.finished(np.flatnonzero(blended)) for one in sums]


def _add(sums: list[_Sum], noise: list[torch.Tensor], weights: torch.Tensor | None, whole, first: bool) -> None:
    """Add one seed's noise. (In a function of its own: the noise is gone before the next one is drawn.)"""
    for one, values in zip(sums, noise, strict=True):
        one.z[whole] = values
        if weights is not None:
            one.add(weights, values, first)


class _Sum:
    """The noises of n points in one part of the latents, in the making."""

    def __init__(self, transport: Transport, part: tuple[int, ...], n: int):
        self.transport = transport
        self.inner = torch.zeros(n, *transport.inner_shape(part))
        # The sums become the noises in place where they have the same shape.
        self.z = self.inner if self.inner.shape[1:] == part else torch.empty(n, *part)
        self.power = torch.zeros(n, dtype=torch.float64)
        self.first: torch.Tensor | None = None

    def add(self, weights: torch.Tensor, noise: torch.Tensor, first: bool) -> None:
        """inner[i] += weights[i] · T→(noise)."""
        xi = self.transport.forward(noise[None], self.first)
        if self.transport.uses_first and first:
            self.first = xi
        add_weighted(self.inner, weights, xi[0])
        if self.transport.uses_power:
            self.power += weights**2 * xi.double().square().sum()

    def finished(self, blended: np.ndarray) -> torch.Tensor:
        """The noises, T← of the sums in the rows that are `blended`."""
        if not isinstance(self.transport, Gaussian):
            # Row by row: small temporaries, and one row's result cannot depend on another's.
            for n in blended:
                self.z[n] = self.transport.inverse(self.inner[n : n + 1], self.power[n : n + 1])[0]
        return self.z
