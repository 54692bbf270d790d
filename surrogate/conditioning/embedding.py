"""What a text embedding is made of: values of one or several encoders, of one or several of their layers, and padding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

__all__ = ["Embedding", "encoders", "spread", "spreads"]


def _one_after_another(count: int, width: int) -> list[slice]:
    return [slice(i * width, (i + 1) * width) for i in range(count)]


# Widths of embeddings whose channels several encoders share, or several layers of one, and which channels each of them
# has. Later layers of a language model are spread more widely than its first ones.
PARTS = {
    2048: [slice(0, 768), slice(768, 2048)],  # CLIP-L and CLIP-G: SDXL, SD3
    6144: [slice(0, 4096), slice(4096, 6144)],  # of the picture and of the sound: LTX-2.3
    7680: _one_after_another(3, 2560),  # FLUX.2 Klein; LTX-2 has it too, with two parts that are spread alike
    11520: _one_after_another(4, 2880),  # Lens
    12288: _one_after_another(3, 4096),  # FLUX.2 Klein, the larger one
    15360: _one_after_another(3, 5120),  # FLUX.2
    30720: _one_after_another(12, 2560),  # Krea 2
    53248: [slice(layer, None, 13) for layer in range(13)],  # Ideogram 4: the layers of a channel are neighbours
}
LEAST_PADDING = 16  # trailing zeros of a row that are padding rather than chance


@dataclass(frozen=True)
class Embedding:
    """The embedding of one prompt: `tokens` (t, d), `pooled` (p,) if there is one, and `mask` (t,), 0 for padding.

    `layers` (l, t', d'): the hidden states of one more encoder, of which the model sees one or several layers (HunyuanDiT,
    HiDream-I1), and `layers_mask` (t',), 0 for padding.

    Raises ValueError for other shapes, and for values that are not finite.
    """

    tokens: torch.Tensor
    pooled: torch.Tensor | None = None
    mask: torch.Tensor | None = None
    layers: torch.Tensor | None = None
    layers_mask: torch.Tensor | None = None

    def __post_init__(self):
        expected = {"tokens": 2, "pooled": 1, "mask": 1, "layers": 3, "layers_mask": 1}
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
        _check_mask("mask", self.mask, self.tokens)
        _check_mask("layers_mask", self.layers_mask, self.layers)

    def kept(self) -> torch.Tensor:
        """Which values (t, d) are not padding: neither masked, nor exactly 0, with which core fills up."""
        kept = self.tokens != 0
        return kept if self.mask is None else kept & (self.mask != 0)[:, None]


def encoders(kept: torch.Tensor) -> list[tuple[torch.Tensor, slice]]:
    """The rows (indices) and channels (a slice) of each text encoder in an embedding of which `kept` (t, d) is no padding.

    Encoders of different widths come one after the other, the narrow one filled up with zeros (SD3); two CLIP encoders come
    side by side (SDXL), and so do the layers of one language model (FLUX.2, Krea 2), each of which counts as one here.
    """
    width = kept.shape[1]
    last = torch.where(kept, torch.arange(1, width + 1, device=kept.device), 0).amax(1)
    last[last > width - LEAST_PADDING] = width  # rows of padding have 0
    found = []
    for extent in filter(None, last.unique().tolist()):
        rows = torch.nonzero(last == extent).flatten()
        found += [(rows, channels) for channels in PARTS.get(extent, [slice(0, extent)])]
    return found


def spreads(embedding: Embedding) -> Iterator[tuple[torch.Tensor, slice, float]]:
    """The rows, channels and standard deviation of each encoder in `embedding.tokens`, of values that are not padding."""
    kept, values = embedding.kept(), embedding.tokens.double()
    for rows, channels in encoders(kept):
        inside = values[rows, channels][kept[rows, channels]]
        if len(inside) > 1:
            yield rows, channels, float(inside.std(unbiased=False))


def spread(embedding: Embedding) -> torch.Tensor:
    """The standard deviation (t, d) of the encoder that each value of `embedding.tokens` comes from, 0 for padding."""
    kept = embedding.kept()
    std = torch.zeros(kept.shape)
    for rows, channels, value in spreads(embedding):
        std[rows, channels] = value * kept[rows, channels].float()
    return std


def _check_mask(name: str, mask: torch.Tensor | None, values: torch.Tensor | None) -> None:
    tokens = 0 if values is None else values.shape[-2]
    if mask is not None and len(mask) != tokens:
        raise ValueError(f"{name} must have one value for each of {tokens} tokens, got {len(mask)}.")
