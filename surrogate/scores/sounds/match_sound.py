"""How close a sound is to a target, by their mel spectrograms."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

from .base import SoundScore, check_waveforms
from .mel import FLOOR, log_mel

__all__ = ["MatchSound", "MatchTimbre"]


@dataclass(frozen=True, eq=False)
class _Match(SoundScore):
    """target: a sound (channels, samples) or (1, channels, samples). target_rate: its samples a second."""

    target: torch.Tensor = field(repr=False)
    target_rate: float = 0.0

    def __post_init__(self):
        _ = self._target  # checked now, and kept: the tensor may change later

    @cached_property
    def _target(self) -> np.ndarray:
        target = self.target[None] if getattr(self.target, "ndim", 0) == 2 else self.target
        waveforms, rate = check_waveforms(target, self.target_rate, "target")
        if len(waveforms) > 1:
            raise ValueError(f"target holds {len(waveforms)} sounds: choose one of them.")
        if not np.isfinite(waveforms).all():
            raise ValueError("target has samples that are NaN or infinite: no sound can match it.")
        return log_mel(waveforms[0], rate)

    def _of(self, waveform, rate):
        return self._compared(log_mel(waveform, rate), self._target) + 0.0  # no -0

    @staticmethod
    @abstractmethod
    def _compared(found: np.ndarray, target: np.ndarray) -> float: ...


class MatchSound(_Match):
    """Negative root mean square difference of the mel spectrograms in dB, divided by 80 dB: 0 is equal.

    Moment is compared with moment; what one of the two is longer is compared with silence.
    """

    name = "match_sound"
    tooltip = "what is heard, moment by moment; 0 is equal"

    @staticmethod
    def _compared(found, target):
        length = max(len(found), len(target))
        found, target = (np.pad(x, [(0, length - len(x)), (0, 0)], constant_values=FLOOR) for x in (found, target))
        return float(np.sqrt(np.mean((found - target) ** 2)) / FLOOR)


class MatchTimbre(_Match):
    """As MatchSound, but of each band's mean and standard deviation over time: when something is heard does not count."""

    name = "match_timbre"
    tooltip = "the colour of the sound, whenever it is heard; 0 is equal"

    @staticmethod
    def _compared(found, target):
        differences = np.concatenate([found.mean(0) - target.mean(0), found.std(0) - target.std(0)])
        return float(np.sqrt(np.mean(differences**2)) / FLOOR)
