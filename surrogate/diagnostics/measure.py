"""What a seed looks like as noise: numbers of one part of it, and how far each may be off by chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
import torch
from scipy.special import ndtr

__all__ = ["EDGES", "LAGS", "LEVELS", "Measures", "axis_names", "measure"]

LAGS = (1, 2)
# Bins of the histogram, in standard deviations of the noise that it ought to be; the ends take what lies beyond.
EDGES = np.linspace(-5, 5, 101)
# Quantiles that are kept of each seed, to fit distributions to all seeds together.
LEVELS = (np.arange(1024) + 0.5) / 1024
BLOCK = 1 << 20


@dataclass(frozen=True)
class Measures:
    """One part of one seed, whose values ought to be independent and standard normal.

    size: D, number of values; tested: how many of them (or made of them) were held against the standard normal
    mean, variance; power: norm²/D, which is 1 on the Gaussian shell; skew and excess kurtosis, 0 for a normal
    channel_means, channel_scales: (C,) of each channel (first axis)
    ks: Kolmogorov-Smirnov distance to the standard normal, the largest difference of the two distribution functions
        (0: the same, 1: nothing in common); p: how often true noise of this size would be off by as much
    shape: the same distance once mean and scale are taken out, so that only the form of the distribution is left (of
        `tested` numbers: ks)
    autocorrelation: (axes, lags), correlation of values that lie 1 and 2 apart along each axis behind the channels,
        each channel's mean taken out; NaN where an axis is too short
    density: (len(EDGES) - 1,) histogram, whose integral is 1
    quantiles: (len(LEVELS),)
    """

    size: int
    tested: int
    mean: float
    variance: float
    power: float
    skew: float
    kurtosis: float
    channel_means: np.ndarray
    channel_scales: np.ndarray
    ks: float
    p: float
    shape: float
    autocorrelation: np.ndarray
    density: np.ndarray
    quantiles: np.ndarray


def measure(values: torch.Tensor, tested: torch.Tensor | None = None) -> Measures:
    """Measures of `values` (*part), float32. `tested`: what ought to be standard normal, where that is not `values`.

    Memory: a few copies of `values`. Raises ValueError if a value is not finite.
    """
    size = values.numel()
    channels = values.reshape(len(values), -1) if values.ndim > 1 else values.reshape(1, -1)
    sums = np.stack([_powers(channel) for channel in channels])
    if not np.isfinite(sums).all():
        raise ValueError("it holds values that are not finite, or too large to be squared")
    count = channels.shape[1]
    channel_means = sums[:, 0] / count
    scales = np.sqrt(np.maximum(sums[:, 1] / count - channel_means**2, 0.0))
    mean, second, third, fourth = sums.sum(0) / size
    variance = max(second - mean**2, 0.0)
    skew = kurtosis = 0.0
    if variance > 1e-12 * second:
        skew = (third - 3 * mean * second + 2 * mean**3) / variance**1.5
        kurtosis = (fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4) / variance**2 - 3
    ordered = (values if tested is None else tested).reshape(-1).sort().values.numpy()
    ks = _distance(ordered, 0.0, 1.0)
    shape = ks
    if tested is None:
        shape = _distance(ordered, mean, math.sqrt(variance)) if variance > 1e-12 * second else 1.0
    inside = np.clip(ordered, EDGES[0], EDGES[-1])
    return Measures(
        size=size,
        tested=len(ordered),
        mean=float(mean),
        variance=float(variance),
        power=float(second),
        skew=float(skew),
        kurtosis=float(kurtosis),
        channel_means=channel_means,
        channel_scales=scales,
        ks=ks,
        p=float(scipy.stats.kstwo.sf(ks, len(ordered))) if len(ordered) < 1000 else _asymptotic(ks, len(ordered)),
        shape=shape,
        autocorrelation=autocorrelation(values),
        density=np.histogram(inside, EDGES, density=True)[0],
        quantiles=np.quantile(ordered, LEVELS),
    )


def autocorrelation(values: torch.Tensor) -> np.ndarray:
    """(axes, lags) of `values` (C, *axes), with each channel's mean taken out; NaN where an axis is too short."""
    axes = range(1, values.ndim)
    result = np.full((len(axes), len(LAGS)), np.nan)
    if not len(axes):
        return result
    products, power = np.zeros_like(result), 0.0
    for channel in values:  # one channel at a time: the temporaries stay small
        rest = channel - channel.mean(dtype=torch.float64).to(channel.dtype)
        power += float(rest.square().sum(dtype=torch.float64))
        for i, axis in enumerate(axes):
            for j, lag in enumerate(LAGS):
                length = rest.shape[axis - 1] - lag
                if length > 0:
                    pair = rest.narrow(axis - 1, 0, length) * rest.narrow(axis - 1, lag, length)
                    products[i, j] += float(pair.sum(dtype=torch.float64))
    for i, axis in enumerate(axes):
        for j, lag in enumerate(LAGS):
            length = values.shape[axis] - lag
            if length > 0 and power > 0:
                result[i, j] = products[i, j] / power * values.shape[axis] / length
    return result


def axis_names(ndim: int) -> list[str]:
    """Names of the axes behind the channels of a sample with `ndim` axes: t, y and x as far as they are known."""
    known = {0: [], 1: ["t"], 2: ["y", "x"], 3: ["t", "y", "x"]}
    return known.get(ndim - 1) or [f"axis {i}" for i in range(2, ndim + 1)]


def _powers(values: torch.Tensor) -> np.ndarray:
    """Sums of the first to fourth powers (4,) float64."""
    total = np.zeros(4)
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK].double()
        square = block.square()
        total += [float(x.sum()) for x in (block, square, square * block, square * square)]
    return total


def _distance(ordered: np.ndarray, mean: float, scale: float) -> float:
    """Kolmogorov-Smirnov distance of the sorted values (n,) to N(mean, scale²)."""
    n, largest = len(ordered), 0.0
    for start in range(0, n, BLOCK):
        block = ordered[start : start + BLOCK].astype(np.float64)
        expected = ndtr((block - mean) / scale)
        rank = np.arange(start, start + len(block)) / n
        largest = max(largest, float((expected - rank).max()), float((rank + 1 / n - expected).max()))
    return largest


def _asymptotic(distance: float, n: int) -> float:
    """Kolmogorov's limit of the p-value, with Stephens' correction for n."""
    root = math.sqrt(n)
    return float(scipy.stats.kstwobign.sf(distance * (root + 0.12 + 0.11 / root)))
