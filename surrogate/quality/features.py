"""What is measured of each picture, so that sets of pictures can be compared: a few numbers that change when noise is not
noise, and hardly with what is to be seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..resizing import area_means
from ..scores.images import rgb, working_size
from ..scores.oklab import oklab

__all__ = ["FEATURES", "JUST_VISIBLE", "features", "reduced"]

FEATURES = ("contrast", "saturation", "detail", "colour detail")
# Differences in powers of two that an eye would just notice: smaller ones do no harm, however sure they are.
JUST_VISIBLE = 0.1
# Longest side in pixels to which pictures are reduced first.
SIDE = 512
# Added before the logarithm: what 8 bits cannot show is nothing.
FAINT = 1e-3


def features(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """(n, len(FEATURES)) of pictures (h, w, c) or clips (t, h, w, c), uint8; of a clip the mean over its frames.

    All in powers of two and of Oklab: the standard deviation of the lightness; the mean chroma; the median of how far a
    pixel's lightness lies beside the mean of its four neighbours; the mean difference of colour of neighbours in a row.
    Raises ValueError for anything that is no picture, and for less than 3×3 pixels.
    """
    frames = [_frames(picture, number) for number, picture in enumerate(pictures, 1)]
    return np.array([np.mean([_of(frame) for frame in clip], axis=0) for clip in frames]).reshape(-1, len(FEATURES))


def reduced(frame: np.ndarray) -> np.ndarray:
    """A picture (h, w, c) uint8 as (h, w, 3) float64 in [0, 1], of at most 512 pixels a side."""
    pixels = rgb(torch.from_numpy(frame / 255))
    if pixels is None:
        raise ValueError(f"A picture must be uint8, got {frame.dtype} with values that are not finite.")
    height, width = pixels.shape[:2]
    return area_means(pixels, *working_size(height, width, SIDE))


def _of(frame: np.ndarray) -> np.ndarray:
    picture = oklab(reduced(frame))
    light, colour = picture[..., 0], picture[..., 1:]
    beside = light[:-2, 1:-1] + light[2:, 1:-1] + light[1:-1, :-2] + light[1:-1, 2:] - 4 * light[1:-1, 1:-1]
    across = np.diff(colour, axis=1)
    values = (
        light.std(),
        np.hypot(colour[..., 0], colour[..., 1]).mean(),
        np.median(np.abs(beside)),
        np.hypot(across[..., 0], across[..., 1]).mean(),
    )
    return np.log2(np.array(values) + FAINT)


def _frames(picture, number: int) -> np.ndarray:
    picture = np.asarray(picture)
    if picture.dtype != np.uint8 or picture.ndim not in (3, 4) or picture.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"pictures must be uint8 (h, w, c), or (t, h, w, c) for clips, with 1, 3 or 4 channels; picture {number} is "
            f"{picture.dtype} {picture.shape}."
        )
    frames = picture if picture.ndim == 4 else picture[None]
    height, width = frames.shape[1:3]
    if not len(frames) or min(working_size(height, width, SIDE)) < 3:
        raise ValueError(f"Picture {number} has shape {picture.shape}: at least 3×3 pixels are needed.")
    return frames
