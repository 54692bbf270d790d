"""The noise of points on an embedding: x + s · std · z, with z = T←(Σ w_k T→(z_k)) as for initial noise.

z is N(0, I) at each point, so what is added to each value that is not padding is N(0, s² std²), with std the standard
deviation of the embedding's values (for each text encoder by itself). At a vertex it is the noise of that seed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..checks import number
from ..space import SurrogateSpace
from .embedding import Embedding, spread

__all__ = ["ROWS", "embedding_noise", "layers_noise"]

# Tokens for which noise is drawn at once, so that transports that look at a whole noise see the same one for every
# prompt of up to this length, then of up to twice this length, and so on. A multiple of 16, the block in which torch
# fills a noise: the first rows have the same bits, however many follow.
ROWS = 256


def embedding_noise(
    space: SurrogateSpace,
    w,
    embedding: Embedding,
    strength: float = 0.5,
    pooled: bool = False,
    progress=None,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The embeddings (n, t, d) at the points with weights `w` (n, k), and the pooled ones (n, p) or None, float32.

    `strength` s: standard deviation of the noise in standard deviations of the embedding. Uniform noise of amplitude a
    on a random half of the values, which other tools add, has the same variance for s · std = a/√6. The noise of a
    token does not depend on how many tokens follow, nor on whether the pooled embedding gets noise (`pooled`).

    Raises ValueError for a strength that is not a number of at least 0, for weights that are not of the space, and for
    a space with seeds of a fixed size, which cannot be drawn at the size of an embedding.
    """
    strength = number("strength", strength, 0)
    _check_seeds(space)
    tokens, plain = len(embedding.tokens), embedding.pooled
    *vector, rows = _drawn(space, w, embedding, progress)
    noisy = torch.addcmul(embedding.tokens.float(), rows[:, :tokens], strength * spread(embedding))
    if plain is None:
        return noisy, None
    # The pooled embedding is one encoder's, without padding.
    std = float(pooled) * strength * plain.double().std(unbiased=False).float()
    return noisy, plain.float() + std * vector[0]


def layers_noise(space: SurrogateSpace, w, embedding: Embedding, strength: float = 0.5, progress=None) -> torch.Tensor:
    """`embedding.layers` (n, l, t', d') at the points with weights `w` (n, k), float32.

    The noise of a token is the same in all layers, times the standard deviation of each: the layers are one reading of
    one prompt. It is independent of the noise that `embedding_noise` adds. Padding gets none. Raises the same errors.
    """
    assert embedding.layers is not None
    strength = number("strength", strength, 0)
    _check_seeds(space)
    layers = embedding.layers
    rows = _drawn(space, w, embedding, progress, layers=True)[-1][:, None, : layers.shape[1]]
    mask = embedding.layers_mask
    kept = torch.ones(layers.shape[1], dtype=torch.bool) if mask is None else mask != 0
    if not kept.any():
        return layers.float().expand(len(rows), -1, -1, -1)
    std = layers[:, kept].double().std((1, 2), unbiased=False, keepdim=True).float() * kept[:, None]
    return layers.float() + strength * std * rows


def _drawn(space: SurrogateSpace, w, embedding: Embedding, progress, layers: bool = False) -> Sequence[torch.Tensor]:
    """Noises for the pooled embedding (n, p), if there is one, for the tokens (n, ≥ t, d), and on demand for `layers`."""
    parts = [_rows(embedding.tokens)]
    if embedding.pooled is not None:
        # First, so that the tokens' noise is behind it whatever their number.
        parts.insert(0, tuple(embedding.pooled.shape))
    if layers:
        parts.append(_rows(embedding.layers))
    return space.combine(w, parts, progress=progress)


def _rows(values) -> tuple[int, ...]:
    """The shape of the noise for tokens (…, t, d)."""
    tokens, width = values.shape[-2:]
    return -(-tokens // ROWS) * ROWS, width


def _check_seeds(space: SurrogateSpace) -> None:
    fixed = next((seed.label for seed in space.seeds if seed.parts is not None), None)
    if fixed is not None:
        raise ValueError(
            f"Seed {fixed} of the space is a noise of a fixed size, which does not fit a text embedding: "
            "make the space of integer seeds, which fit any size."
        )
