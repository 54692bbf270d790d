"""What a text embedding is made of: values of one or several encoders, and padding."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch

__all__ = ["Embedding", "encoders", "spread"]

# Widths of embeddings in which two encoders share the channels: CLIP-L and CLIP-G of SDXL and SD3.
TWO_ENCODERS = {2048: 768}
LEAST_PADDING = 16  # trailing zeros of a row that are padding rather than chance


@dataclass(frozen=True)
class Embedding:
    """The embedding of one prompt: `tokens` (t, d), `pooled` (p,) if there is one, and `mask` (t,), 0 for padding.

    `layers` (l, t', d'): the hidden states of one more encoder, of which the model sees several layers (HiDream-I1).

    Raises ValueError for other shapes, and for values that are not finite.
    """

    tokens: torch.Tensor
    pooled: torch.Tensor | None = None
    mask: torch.Tensor | None = None
    layers: torch.Tensor | None = None

    def __post_init__(self):
        expected = {"tokens": 2, "pooled": 1, "mask": 1, "layers": 3}
        for name, axes in expected.items():
            values = getattr(self, name)
            if values is None:
                continue
            if values.ndim != axes or not values.numel():
                raise ValueError(
                    f"{name} must have {axes} {'axes' if axes > 1 else 'axis'}, got {tuple(values.shape)}."
                )
            if not bool(torch.isfinite(values).all()):
                raise ValueError(
                    f"{name} must be finite: the text encoder gave NaN or infinity. Load it in another precision."
                )
        if self.mask is not None and len(self.mask) != len(self.tokens):
            raise ValueError(f"mask must have one value for each of {len(self.tokens)} tokens, got {len(self.mask)}.")

    def kept(self) -> torch.Tensor:
        """Which values (t, d) are not padding: neither masked, nor exactly 0, with which core fills up."""
        kept = self.tokens != 0
        return kept if self.mask is None else kept & (self.mask != 0)[:, None]


def encoders(kept: torch.Tensor) -> list[tuple[torch.Tensor, slice]]:
    """The rows (indices) and channels (a slice) of each text encoder in an embedding of which `kept` (t, d) is no padding.

    Encoders of different widths come one after the other, the narrow one filled up with zeros (SD3); two CLIP
    encoders come side by side (SDXL).
    """
    width = kept.shape[1]
    last = torch.where(kept, torch.arange(1, width + 1, device=kept.device), 0).amax(1)
    last[last > width - LEAST_PADDING] = width  # rows of padding have 0
    found = []
    for extent in filter(None, last.unique().tolist()):
        rows = torch.nonzero(last == extent).flatten()
        edges = [0, TWO_ENCODERS[extent], extent] if extent in TWO_ENCODERS else [0, extent]
        found += [(rows, slice(low, high)) for low, high in itertools.pairwise(edges)]
    return found


def spread(embedding: Embedding) -> torch.Tensor:
    """The standard deviation (t, d) of the encoder that each value of `embedding.tokens` comes from, 0 for padding."""
    kept, values = embedding.kept(), embedding.tokens.double()
    std = torch.zeros_like(values)
    for rows, channels in encoders(kept):
        inside = kept[rows, channels]
        if inside.sum() > 1:
            std[rows, channels] = values[rows, channels][inside].std(unbiased=False) * inside
    return std.float()
