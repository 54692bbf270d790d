"""Sounds as the ear tells them apart: power in bands that are equally wide to it, in decibels, over time."""

from __future__ import annotations

import functools

import numpy as np

__all__ = ["BANDS", "FLOOR", "HOP", "WINDOW", "log_mel", "mel_filters"]

BANDS, LOWEST, HIGHEST = 64, 40.0, 8000.0  # Hz
WINDOW, HOP = 0.046, 0.023  # seconds
FLOOR = -80.0  # dB below a sine of full scale; what is quieter counts as silence
AT_ONCE = 256  # windows whose spectra are calculated together: the memory does not grow with the length


def log_mel(waveform: np.ndarray, rate: float) -> np.ndarray:
    """The mel spectrogram (windows, BANDS) in dB of a sound (channels, samples), from FLOOR to about 0.

    The power is the mean of the channels'. Windows (Hann) begin every HOP seconds; the last one is filled with silence.
    """
    size, hop = max(2, round(rate * WINDOW)), max(1, round(rate * HOP))
    count = 1 + max(0, -(-(waveform.shape[1] - size) // hop))
    padded = np.pad(waveform, [(0, 0), (0, max(0, (count - 1) * hop + size - waveform.shape[1]))])
    frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::hop]
    window, filters = np.hanning(size + 1)[:-1], mel_filters(size, rate)
    power = [_power(frames[:, i : i + AT_ONCE] * window) @ filters.T for i in range(0, count, AT_ONCE)]
    # A sine of full scale has the power 1 in its band.
    whole = np.concatenate(power) / (window.sum() / 2) ** 2
    return 10 * np.log10(np.maximum(whole, 10 ** (FLOOR / 10)))


def _power(frames: np.ndarray) -> np.ndarray:
    """The mean over channels of the power spectra of frames (channels, n, samples)."""
    spectra = np.fft.rfft(frames, axis=-1)
    return (spectra.real**2 + spectra.imag**2).mean(0)


@functools.lru_cache(maxsize=8)
def mel_filters(size: int, rate: float) -> np.ndarray:
    """Triangles (BANDS, size // 2 + 1) with height 1, equally far apart in mel: 2595 log10(1 + f / 700) (O'Shaughnessy 1987).

    Those above half the rate are empty.
    """
    frequencies = np.fft.rfftfreq(size, 1 / rate)
    edges = _hertz(np.linspace(_mel(LOWEST), _mel(HIGHEST), BANDS + 2))
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.clip(np.minimum((frequencies - low) / (centre - low), (high - frequencies) / (high - centre)), 0, None)


def _mel(hertz):
    return 2595 * np.log10(1 + hertz / 700)


def _hertz(mel):
    return 700 * (10 ** (mel / 2595) - 1)
