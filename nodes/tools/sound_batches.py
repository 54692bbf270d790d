"""Sounds as they come on a wire: batches of AUDIO."""

from __future__ import annotations

from collections.abc import Mapping

import torch

__all__ = ["one_by_one"]


def one_by_one(batch, number: int, name: str = "sounds") -> list[dict]:
    """The sounds of an AUDIO, each an AUDIO of one. Raises ValueError for what is not an AUDIO, at place `number` of `name`."""
    if not isinstance(batch, Mapping) or not {"waveform", "sample_rate"} <= set(batch):
        raise ValueError(f"{name}: expected AUDIO with waveform and sample_rate at place {number}, got {batch!r:.80}.")
    waveform, rate = batch["waveform"], batch["sample_rate"]
    if not isinstance(waveform, torch.Tensor) or waveform.ndim != 3 or 0 in waveform.shape:
        shape = tuple(waveform.shape) if isinstance(waveform, torch.Tensor) else type(waveform).__name__
        raise ValueError(
            f"{name}: expected a waveform of shape (batch, channels, samples), at least one of each, at place {number}, "
            f"got {shape}: is it cut to nothing, or made by a node that is not for sound?"
        )
    return [{"waveform": waveform[i : i + 1], "sample_rate": rate} for i in range(len(waveform))]
