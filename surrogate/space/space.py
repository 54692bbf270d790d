"""The surrogate space: a few seeds, a chart and a transport; u <-> w <-> z."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..charts import Chart, chart_named, check_coordinates, check_weights
from ..seeds import Seeds
from ..shapes import Parts, describe, is_nested, shape_parts
from ..transports import Composite, Transport, make_transport
from .blend import Progress, blend
from .gram import gram_matrix, independence, nearest

__all__ = ["LARGEST_K", "Located", "SurrogateSpace"]

LARGEST_K = 1024


@dataclass(frozen=True)
class Located:
    """Where latents lie in a space: `u` (n, k-1), `w` (n, k), and `fit` (n,), the cosine between each latent and
    the point: 1 if the space contains it, 0 if it knows nothing of it."""

    u: np.ndarray
    w: np.ndarray
    fit: np.ndarray


@dataclass(frozen=True, init=False)
class SurrogateSpace:
    """The space that k seeds span: z = T←(Σ w_k T→(z_k)), w = chart(u) (Willis et al., arXiv 2509.23800, section 3).

    `chart` and `transport` are names of `CHARTS` and `TRANSPORTS`, or objects.
    Latents are float32 on the CPU, where ComfyUI draws its noise. A point's latent has the same bits whatever
    points are asked for with it; at a vertex it is the seed, to the last bit.

    Raises ValueError for fewer than 2 or more than 1024 seeds, seeds of different shapes, or unknown names.
    """

    seeds: Seeds
    chart: Chart
    transport: Transport | Composite

    def __init__(
        self,
        seeds: Seeds,
        chart: Chart | str = "knothe_rosenblatt",
        transport: Transport | Composite | str = "gaussian",
    ):
        if len(seeds) < 2:
            raise ValueError(
                f"A surrogate space needs at least 2 seeds, got {len(seeds)}: with one there is nothing to blend. "
                "Add another seed (equal ones count once)."
            )
        if len(seeds) > LARGEST_K:
            raise ValueError(f"A surrogate space takes at most {LARGEST_K} seeds, got {len(seeds)}.")
        chart = chart_named(chart) if isinstance(chart, str) else chart
        transport = make_transport(transport) if isinstance(transport, str) else transport
        if seeds.parts is not None:
            for one, part in zip(transport.split(len(seeds.parts)), seeds.parts, strict=True):
                one.inner_shape(part)
        for name, value in {"seeds": seeds, "chart": chart, "transport": transport}.items():
            object.__setattr__(self, name, value)

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
        z = [part.to(dtype) for part in blend(self.seeds.items, self.transport, w, parts, progress)]
        return z if len(z) > 1 or (shape is not None and is_nested(shape)) else z[0]

    def coordinates(self, z, progress: Progress | None = None) -> Located:
        """The best points for the noises z (n, *shape), or a list of parts: the non-negative unit w of largest cosine.

        Non-negative least squares on the k×k Gram matrix; never a pseudo-inverse of the seeds.
        Raises ValueError if z is not finite, all zeros, or has another shape than the seeds.
        """
        tensors = [z] if isinstance(z, torch.Tensor) else list(z)
        located = Seeds.from_tensors(tensors)
        parts = shape_parts([tuple(part.shape[1:]) for part in tensors])
        if self.seeds.parts is not None and self.seeds.parts != parts:
            raise ValueError(
                f"The latent has shape {describe(parts)}, the space's seeds have {describe(self.seeds.parts)}."
            )
        k = self.k
        gram = gram_matrix((self.seeds + located).items, self.transport, parts, progress)
        w, fit = nearest(gram[:k, :k], gram[:k, k:], np.diag(gram)[k:], self.chart.signed)
        return Located(self.chart.coordinates(w), w, fit)

    def gram(self, shape: Sequence | None = None, progress: Progress | None = None) -> np.ndarray:
        """G (k, k) float64: inner products of the inner latents over their dimension D.

        Independent Gaussian seeds have 1 on the diagonal, and about ±1/√D elsewhere.
        """
        return gram_matrix(self.seeds.items, self.transport, self.parts(shape), progress)

    def warnings(self, shape: Sequence | None = None, gram: np.ndarray | None = None) -> list[str]:
        """What to know before using this space at `shape`, in sentences: seeds that are not independent noise."""
        gram = self.gram(shape) if gram is None else gram
        return independence(gram, self.seeds.labels, self.transport, self.parts(shape))

    def recipe(self) -> dict:
        """What rebuilds this space (JSON): the content of a picture's metadata. `space_from_recipe` reads it."""
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
