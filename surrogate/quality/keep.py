"""What is kept of a picture: enough for every measure here, and little, for clips are large."""

from __future__ import annotations

import numpy as np
import torch

from ..resizing import area_means
from ..scores.images import rgb, working_size
from .features import SIDE

__all__ = ["keep"]

FRAMES = 16


def keep(frames: np.ndarray) -> np.ndarray:
    """At most 16 of the `frames` (t, h, w, c) uint8, evenly, as (t, h, w, 3) of at most 512 pixels a side."""
    which = np.unique(np.linspace(0, len(frames) - 1, FRAMES).round().astype(int))
    kept = []
    for frame in frames[which]:
        pixels = rgb(torch.from_numpy(frame / 255))
        kept.append(np.round(255 * area_means(pixels, *working_size(*pixels.shape[:2], SIDE))).astype(np.uint8))
    return np.stack(kept)
