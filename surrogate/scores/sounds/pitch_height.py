"""How high or low a sound is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .base import SoundScore
from .mel import BANDS, log_mel

__all__ = ["PitchHeight"]


@dataclass(frozen=True)
class PitchHeight(SoundScore):
    """The mean place of its power among the mel bands: 0 is all at 40 Hz, 1 all at 8 kHz; 0.5 for silence."""

    name = "pitch_height"
    tooltip = "how high it is, 0 all low notes, 1 all high ones"

    def _of(self, waveform, rate):
        power = 10 ** (log_mel(waveform, rate) / 10)
        return float(np.sum(power * np.arange(BANDS)) / power.sum() / (BANDS - 1))
