"""CONDITIONING with the noise of points, through core's own ranges of steps."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator

import torch

from ...surrogate.conditioning import Embedding, embedding_noise, layers_noise, spreads
from ...surrogate.conditioning.acts import Settings
from .progress import cancellable

__all__ = ["described", "with_noise", "with_noise_converted"]

# Before the end, so that a step that is exactly at the end sees the prompt itself, and no step sees both.
BEFORE = 1e-4
# Where models have the embedding of one more text encoder -> where its mask is. HiDream-I1: layers of a Llama, (1, layers,
# tokens, values), which has no mask. HunyuanDiT: mT5, (1, tokens, values). Not here, so they stay as they are: the words that
# a picture shows letter by letter (byT5 of HunyuanImage and HunyuanVideo 1.5) and those that are sung (the lyrics of
# ACE-Step), which noise would misspell.
LAYERS = {"conditioning_llama3": "", "conditioning_mt5xl": "attention_mask_mt5xl"}
MOST_LINES = 3  # of encoders that are described one by one
# Where HiDream-O1 has its prompt, as numbers of words; it does not look at the embedding.
WORDS = "text_input_ids"


def with_noise(conditioning: list, space, w, settings: Settings) -> list:
    """`conditioning` with the noise of the points with weights `w` (n, k) for the first part of the sampling, then as it is.

    The tensors of the first part have a batch of n. Masks, areas, ControlNets, hooks and all else stay with both parts.
    Raises ValueError for an entry that is not the embedding of one prompt.
    """
    if settings.plain:
        return conditioning
    made: list = []
    for tokens, more in conditioning:
        noisy, changed = _noisy(tokens, more, space, w, settings)
        made += [[noisy if first else tokens, options] for first, options in _parts(more, changed, settings)]
    return made


def with_noise_converted(conds: list[dict], space, w, settings: Settings) -> list[dict]:
    """The same for the dictionaries that a guider keeps, in which the embedding is `cross_attn`."""
    pairs = [(cond["cross_attn"], cond) for cond in conds]
    made = with_noise(pairs, space, w, settings)  # type: ignore[arg-type]
    return [{**more, "cross_attn": tokens, "uuid": uuid.uuid4()} for tokens, more in made]


def described(conditioning: list, settings: Settings) -> str:
    """What is on each prompt, in words and absolute numbers."""
    lines = []
    for tokens, more in conditioning:
        found = sorted({round(std, 4) for *_, std in spreads(_embedding(tokens, more)) if std > 0})
        if not found:
            lines.append("The embedding is all zeros: there is no prompt that could get noise.")
            continue
        lines += [
            f"Embedding of {tokens.shape[1]} tokens × {tokens.shape[2]} values, {part}"
            for part in _each(found, settings)
        ]
    return "\n".join(lines)


def _each(found: list[float], settings: Settings) -> Iterator[str]:
    """What is on encoders or layers of these standard deviations."""
    if len(found) > MOST_LINES:
        low, high = found[0], found[-1]
        yield (
            f"{len(found)} layers of standard deviations {low:.4g} to {high:.4g}: strength {settings.strength:g} adds noise of "
            f"{settings.strength * low:.4g} to {settings.strength * high:.4g}, to each layer by its own."
        )
        return
    for value in found:
        added = settings.strength * value
        yield (
            f"standard deviation {value:.4g}: strength {settings.strength:g} adds noise of standard deviation {added:.4g}, as "
            f"much as uniform noise of strength {added * math.sqrt(6):.4g} on half of the values."
        )


def _embedding(tokens: torch.Tensor, more: dict) -> Embedding:
    if WORDS in more:
        raise ValueError(
            "conditioning: this model (HiDream-O1) reads the words of its prompt, not an embedding of them, so noise on the "
            "embedding would change nothing. Put the points on the initial noise: Surrogate Noise, or carrier noise."
        )
    if not isinstance(tokens, torch.Tensor) or tokens.ndim != 3 or len(tokens) != 1:
        got = tuple(tokens.shape) if isinstance(tokens, torch.Tensor) else type(tokens).__name__
        raise ValueError(
            f"conditioning must hold the embedding of one prompt, of shape (1, tokens, values), got {got}. Connect the "
            "conditioning of one CLIP Text Encode; its batch grows to the points here."
        )
    pooled, mask = (_flat(more.get(name)) for name in ("pooled_output", "attention_mask"))
    mask = mask if mask is not None and len(mask) == tokens.shape[1] else None
    return Embedding(tokens[0].cpu(), pooled, mask, *_layers(more))


def _layers(more: dict) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """(layers, tokens, values) of one more text encoder, and its mask."""
    name = _layers_name(more)
    if name is None:
        return None, None
    values, mask = more[name][0].cpu(), _flat(more.get(LAYERS[name]))
    layers = values if values.ndim == 3 else values[None]
    return layers, mask if mask is not None and len(mask) == layers.shape[1] else None


def _layers_name(more: dict) -> str | None:
    return next((name for name in LAYERS if more.get(name) is not None), None)


def _flat(values) -> torch.Tensor | None:
    return values[0].reshape(-1).cpu() if isinstance(values, torch.Tensor) else None


def _noisy(tokens: torch.Tensor, more: dict, space, w, settings: Settings) -> tuple[torch.Tensor, dict]:
    """The tokens with noise, and the options that change with them."""
    embedding, changed = _embedding(tokens, more), {}
    noisy, pooled = embedding_noise(space, w, embedding, settings.strength, settings.pooled, cancellable)
    if pooled is not None and settings.pooled:
        before = more["pooled_output"]
        changed["pooled_output"] = pooled.reshape(-1, *before.shape[1:]).to(before)
    name = _layers_name(more)
    if name is not None:
        layers = layers_noise(space, w, embedding, settings.strength, cancellable)
        changed[name] = layers.reshape(-1, *more[name].shape[1:]).to(more[name])
    return noisy.to(tokens), changed


def _parts(more: dict, changed: dict, settings: Settings):
    """(whether with noise, options) of the parts of the sampling in which an entry is used."""
    start, end = more.get("start_percent", 0.0), more.get("end_percent", 1.0)
    edge = settings.until - BEFORE if settings.until < 1 else 1.0
    noisy = {**more, **changed}
    if start < edge:
        # No start where there was none: with some shifts rounding puts the first step just above it, where core skips it.
        yield True, noisy if end <= edge else {**noisy, "end_percent": edge}
    if end > edge:
        yield False, more if start >= edge else {**more, "start_percent": edge, "end_percent": end}
