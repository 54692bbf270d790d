"""How loud a sound is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .base import SoundScore
from .mel import FLOOR

__all__ = ["Loudness"]


@dataclass(frozen=True)
class Loudness(SoundScore):
    """Mean power of all channels and samples in dB: 0 is a sine of full scale; silence is -80, as is all below."""

    name = "loudness"
    tooltip = "mean loudness in dB, 0 a tone of full scale, -80 silence"

    def _of(self, waveform, rate):
        return float(10 * np.log10(max(2 * np.mean(waveform**2), 10 ** (FLOOR / 10))))
