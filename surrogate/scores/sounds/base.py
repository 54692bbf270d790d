"""What a score of sounds is."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
import torch

__all__ = ["SoundScore", "check_waveforms"]


class SoundScore(ABC):
    """A function of waveforms, (n, channels, samples) and their samples a second, to (n,) float64.

    ±1 is full scale. Laws, tested for every entry of `SOUND_SCORES`:

    - It has a `name`, a `tooltip` and a docstring; different sounds score differently.
    - The result for one sound does not depend on the others of the batch, to the last bit.
    - Equal inputs give equal bits; the inputs are not changed. The global random state is neither used nor changed.
    - One channel and two equal ones score the same.
    """

    name: str
    # What a user reads who chooses among the scores: half a sentence, such as "how loud it is".
    tooltip: str
    # What a search must make of its latents for this score.
    medium = "sound"

    def __call__(self, waveforms, rate) -> np.ndarray:
        """Scores (n,) float64 of the waveforms (n, channels, samples); NaN for one with samples that are NaN or infinite.

        Raises ValueError for another rank or dtype, an empty batch or sound, and a rate that is not a positive number.
        """
        waveforms, rate = check_waveforms(waveforms, rate, "waveforms")
        return np.array([self._of(one, rate) if np.isfinite(one).all() else math.nan for one in waveforms], np.float64)

    @abstractmethod
    def _of(self, waveform: np.ndarray, rate: float) -> float:
        """The score of one sound (channels, samples) float64."""


def check_waveforms(waveforms, rate, name: str) -> tuple[np.ndarray, float]:
    """`waveforms` as (n, channels, samples) float64, and their `rate`; a ValueError that names what is wrong."""
    if isinstance(waveforms, torch.Tensor):
        waveforms = waveforms.detach().to("cpu", torch.float64).numpy()
    waveforms = np.asarray(waveforms)
    if waveforms.dtype.kind != "f" or waveforms.ndim != 3 or 0 in waveforms.shape:
        raise ValueError(
            f"{name} must be numbers of shape (n, channels, samples), at least one of each, got {waveforms.dtype} of "
            f"shape {waveforms.shape}."
        )
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"The sample rate of {name} must be a positive number of samples a second, got {rate!r}.")
    return waveforms.astype(np.float64), float(rate)
