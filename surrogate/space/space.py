"""The surrogate space: a few seeds, a chart and a transport; u <-> w <-> z."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.optimize
import torch

from ..charts import Chart, chart_named, check_coordinates, check_weights
from ..seeds import FixedSeed, Seeds, TensorSeed
from ..shapes import Parts, describe, is_nested, shape_parts, size
from ..transports import Composite, Gaussian, Transport, make_transport
from .combine import add_weighted, combine_rows

__all__ = ["LARGEST_K", "Located", "SurrogateSpace"]

LARGEST_K = 1024
# Memory for seeds that must stand side by side (Gram matrix): as many as fit, at least one.
BLOCK_BYTES = 256 << 20
# Columns of a float64 product of latents.
COLUMNS = 1 << 16
# Weights of a located latent below this are rounding of its float32 values.
NEGLIGIBLE = 1e-6

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Located:
    """Where latents lie in a space: `u` (n, k-1), `w` (n, k), and `fit` (n,), the cosine between each latent and
    the point: 1 if the space contains it, 0 if it knows nothing of it."""

    u: np.ndarray
    w: np.ndarray
    fit: np.ndarray


@dataclass(frozen=True)
class SurrogateSpace:
    """The space that k seeds span: z = T←(Σ w_k T→(z_k)), w = chart(u) (Willis et al., arXiv 2509.23800, section 3).

    `chart` and `transport` are names of `CHARTS` and `TRANSPORTS`, or objects.
    Latents are float32 on the CPU, where ComfyUI draws its noise. A point's latent has the same bits whatever
    points are asked for with it; at a vertex it is the seed, to the last bit.

    Raises ValueError for fewer than 2 or more than 1024 seeds, seeds of different shapes, or unknown names.
    """

    seeds: Seeds
    chart: Chart | str = "knothe_rosenblatt"
    transport: Transport | Composite | str = field(default_factory=Gaussian)

    def __post_init__(self):
        if len(self.seeds) < 2:
            raise ValueError(
                f"A surrogate space needs at least 2 seeds, got {len(self.seeds)}: with one there is nothing to blend. "
                "Add another seed (equal ones count once)."
            )
        if len(self.seeds) > LARGEST_K:
            raise ValueError(f"A surrogate space takes at most {LARGEST_K} seeds, got {len(self.seeds)}.")
        if isinstance(self.chart, str):
            object.__setattr__(self, "chart", chart_named(self.chart))
        if isinstance(self.transport, str):
            object.__setattr__(self, "transport", make_transport(self.transport))
        fixed = self.seeds.parts
        if fixed is not None:
            for transport, part in zip(self.transport.split(len(fixed)), fixed, strict=True):
                transport.inner_shape(part)

    @property
    def k(self) -> int:
        """Number of seeds."""
        return len(self.seeds)

    def weights(self, u) -> np.ndarray:
        """Weights w (..., k) of the points u (..., k-1)."""
        return self.chart.weights(check_coordinates(u, self.k))

    def latents(self, u, shape: Sequence | None = None, dtype=torch.float32, progress: Progress | None = None):
        """Noises z (n, *shape) of the points u (n, k-1); for a nested shape a list, one tensor a part.

        `shape` is one latent's shape, or the list of its parts' shapes; it may be left out if a seed is a tensor.
        Seeds are streamed: peak memory is the output and one seed. `progress(done, k)` is called after each seed.
        """
        return self.combine(self.weights(np.atleast_2d(u)), shape, dtype, progress)

    def combine(self, w, shape: Sequence | None = None, dtype=torch.float32, progress: Progress | None = None):
        """Noises z of the weights w (n, k); otherwise as `latents`."""
        w = check_weights(np.atleast_2d(w), self.k, self.chart.signed)
        if w.ndim != 2:
            raise ValueError(f"Points must have shape (n, {self.k}), got {w.shape}.")
        parts = self.parts(shape)
        # The seed that has all the weight, or -1.
        vertex = np.where((w == 1).any(1), w.argmax(1), -1)
        combine = self._product if self._in_memory() else self._stream
        z = [part.to(dtype) for part in combine(w, vertex, parts, progress)]
        return z if len(z) > 1 or (shape is not None and is_nested(shape)) else z[0]

    def _product(self, w, vertex, parts, progress) -> list[torch.Tensor]:
        """Seeds that fit into memory and need no transport: a matrix product."""
        rows = [seed.noise(parts) for seed in self.seeds]
        weights = torch.from_numpy(w).float()
        z = []
        for i, part in enumerate(parts):
            z.append(combine_rows(weights, [row[i].reshape(-1) for row in rows]).reshape(-1, *part))
            for n in np.flatnonzero(vertex >= 0):
                z[i][n] = rows[vertex[n]][i]
        return z

    def _stream(self, w, vertex, parts, progress) -> list[torch.Tensor]:
        """Any seeds and transport: each seed is drawn once, added where it is needed, and forgotten."""
        transports = self.transport.split(len(parts))
        weights = torch.from_numpy(np.where(vertex[:, None] < 0, w, 0.0))
        sums = [torch.zeros(len(w), *t.inner_shape(part)) for t, part in zip(transports, parts, strict=True)]
        z = [s if s.shape[1:] == part else torch.empty(len(w), *part) for s, part in zip(sums, parts, strict=True)]
        powers = [torch.zeros(len(w), dtype=torch.float64) for _ in parts]
        firsts: list[torch.Tensor | None] = [None] * len(parts)
        anchored = any(t.uses_first for t in transports) and bool((vertex < 0).any())
        for j, seed in enumerate(self.seeds):
            blended = bool(weights[:, j].any()) or (anchored and j == 0)
            if blended or (vertex == j).any():
                noise = seed.noise(parts)
                for i, transport in enumerate(transports):
                    z[i][np.flatnonzero(vertex == j)] = noise[i]
                    if not blended:
                        continue
                    xi = transport.forward(noise[i][None], firsts[i])
                    if transport.uses_first and j == 0:
                        firsts[i] = xi
                    add_weighted(sums[i], weights[:, j], xi[0])
                    if transport.uses_power:
                        powers[i] += weights[:, j] ** 2 * xi.double().square().sum()
            noise = xi = None  # gone before the next one is drawn
            if progress is not None:
                progress(j + 1, self.k)
        for transport, xi, whole, power in zip(transports, sums, z, powers, strict=True):
            if not isinstance(transport, Gaussian):
                # Row by row: small temporaries, and one row's result cannot depend on another's.
                for n in np.flatnonzero(vertex < 0):
                    whole[n] = transport.inverse(xi[n : n + 1], power[n : n + 1])[0]
        return z

    def _in_memory(self) -> bool:
        transports = self.transport.transports if isinstance(self.transport, Composite) else [self.transport]
        if not all(isinstance(t, Gaussian) for t in transports):
            return False
        if all(isinstance(seed, TensorSeed) for seed in self.seeds):
            return True
        # Seeds in files are read together while they are few: the same bits as from memory.
        return all(isinstance(seed, FixedSeed) for seed in self.seeds) and (
            4 * self.k * size(self.seeds.parts) <= BLOCK_BYTES
        )

    def coordinates(self, z, progress: Progress | None = None) -> Located:
        """The best points for the noises z (n, *shape), or a list of parts: the non-negative unit w of largest cosine.

        Non-negative least squares on the k×k Gram matrix; never a pseudo-inverse of the seeds.
        Raises ValueError if z is not finite, all zeros, or has another shape than the seeds.
        """
        tensors = [z] if isinstance(z, torch.Tensor) else list(z)
        located = Seeds.from_tensors(tensors)
        parts = located.parts
        if self.seeds.parts is not None and self.seeds.parts != parts:
            raise ValueError(
                f"The latent has shape {describe(parts)}, the space's seeds have {describe(self.seeds.parts)}."
            )
        k = self.k
        everything = self._gram(list(self.seeds) + list(located), parts, progress)
        gram, b, square = everything[:k, :k], everything[:k, k:], np.diag(everything)[k:]
        # NNLS wants a factor A with AᵀA = G; G may be singular (equal seeds), so no Cholesky.
        values, vectors = np.linalg.eigh(gram)
        root = np.sqrt(np.maximum(values, values.max() * 1e-12))
        w = np.empty((len(square), k))
        fit = np.empty(len(square))
        for i in range(len(square)):
            if self.chart.signed:
                solution = vectors @ ((vectors.T @ b[:, i]) / root**2)
            else:
                solution, _ = scipy.optimize.nnls(root[:, None] * vectors.T, (vectors.T @ b[:, i]) / root)
            if not solution.any():  # No seed points towards it: the least wrong one.
                solution[np.argmax(b[:, i] / np.sqrt(np.diag(gram)))] = 1.0
            solution[np.abs(solution) < NEGLIGIBLE * np.linalg.norm(solution)] = 0.0
            w[i] = solution / np.linalg.norm(solution)
            fit[i] = w[i] @ b[:, i] / np.sqrt(w[i] @ gram @ w[i] * square[i])
        return Located(self.chart.coordinates(w), w, np.clip(fit, -1.0, 1.0))

    def gram(self, shape: Sequence | None = None, progress: Progress | None = None) -> np.ndarray:
        """G (k, k) float64: inner products of the inner latents over their dimension D.

        Independent Gaussian seeds have 1 on the diagonal, and about ±1/√D elsewhere.
        """
        return self._gram(list(self.seeds), self.parts(shape), progress)

    def _gram(self, seeds: list, parts: Parts, progress: Progress | None = None) -> np.ndarray:
        n = len(seeds)
        transports = self.transport.split(len(parts))
        first = self._inner(self.seeds[0], parts, transports, None) if any(t.uses_first for t in transports) else None
        at_once = max(1, BLOCK_BYTES // (4 * size(parts)))
        beside = max(1, at_once // 16)
        gram = np.zeros((n, n))
        for start in range(0, n, at_once):
            block = torch.stack([self._inner(s, parts, transports, first)[0] for s in seeds[start : start + at_once]])
            gram[start : start + at_once, start : start + at_once] = _products(block, block)
            # Several at once: each product has the whole block in float64, piece by piece.
            for j in range(start + at_once, n, beside):
                others = torch.cat([self._inner(s, parts, transports, first) for s in seeds[j : j + beside]])
                products = _products(block, others)
                gram[start : start + at_once, j : j + beside] = products
                gram[j : j + beside, start : start + at_once] = products.T
            if progress is not None:
                progress(min(n, start + at_once), n)
        return gram

    def _inner(self, seed, parts: Parts, transports, first) -> torch.Tensor:
        """The seed's inner latent (1, D), all parts in one row."""
        rows, offset = [], 0
        for transport, noise, part in zip(transports, seed.noise(parts), parts, strict=True):
            inner = transport.inner_shape(part)
            length = int(np.prod(inner))
            anchor = None if first is None else first[:, offset : offset + length].reshape(1, *inner)
            rows.append(transport.forward(noise[None], anchor).reshape(1, -1))
            offset += length
        return torch.cat(rows, dim=1)

    def warnings(self, shape: Sequence | None = None, gram: np.ndarray | None = None) -> list[str]:
        """What to know before using this space at `shape`, in sentences: seeds that are not independent noise."""
        parts = self.parts(shape)
        gram = self.gram(shape) if gram is None else gram
        chance = 4 / np.sqrt(size(parts))
        notes = []
        norms = np.sqrt(np.diag(gram))
        cosine = gram / np.outer(norms, norms)
        keeps_norm = any(t.uses_power for t in self.transport.split(len(parts)))
        for i, j in zip(*np.triu_indices(self.k, 1), strict=True):
            if abs(cosine[i, j]) > chance:
                remedy = "" if keeps_norm else " Use the sphere transport, which keeps the norm, or drop one of them."
                notes.append(
                    f"Seeds {self.seeds.labels[i]} and {self.seeds.labels[j]} are not independent (correlation "
                    f"{cosine[i, j]:+.3f}, chance gives up to ±{chance:.3f}): their blend has {_percent(gram, i, j)} of "
                    f"the norm of noise.{remedy}"
                )
        if isinstance(self.transport, Gaussian):
            notes += [
                f"Seed {label} has {norm:.3f} times the norm of Gaussian noise: blends with it are not valid noise. "
                "Check the seeds: that names the transport which helps."
                for label, norm in zip(self.seeds.labels, norms, strict=True)
                if abs(norm**2 - 1) > 4 * np.sqrt(2 / size(parts))
            ]
        return notes

    def recipe(self) -> dict:
        """What rebuilds this space (JSON): the content of a picture's metadata."""
        return {
            "seeds": self.seeds.recipe(),
            "chart": self.chart.name,
            "transport": {"name": self.transport.name, **self.transport.settings()},
        }

    def parts(self, shape: Sequence | None = None) -> Parts:
        """The parts of one latent of `shape`, by default the one that tensor seeds have.

        Raises ValueError if the space has no noise of that shape.
        """
        fixed = self.seeds.parts
        if shape is None:
            if fixed is None:
                raise ValueError("shape is needed: integer seeds are drawn at any shape, such as (16, 128, 128).")
            return fixed
        parts = shape_parts(shape)
        if fixed is not None and parts != fixed:
            tensor = next(seed for seed in self.seeds if seed.parts is not None)
            tensor.noise(parts)  # raises, naming both shapes
        return parts


def _products(a: torch.Tensor, b: torch.Tensor) -> np.ndarray:
    """Inner products of the rows over their length, in float64 without a float64 copy of the whole."""
    total = torch.zeros(len(a), len(b), dtype=torch.float64)
    for start in range(0, a.shape[1], COLUMNS):
        total += a[:, start : start + COLUMNS].double() @ b[:, start : start + COLUMNS].double().T
    return (total / a.shape[1]).numpy()


def _percent(gram: np.ndarray, i: int, j: int) -> str:
    blend = (gram[i, i] + gram[j, j]) / 2 + gram[i, j]
    return f"{100 * np.sqrt(max(blend, 0.0)):.0f} %"
