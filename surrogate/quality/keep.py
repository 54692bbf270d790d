"""What is kept of a picture: enough for every measure here, and little, for clips are large."""

from __future__ import annotations

import numpy as np

from .features import reduced

__all__ = ["keep"]

FRAMES = 16


def keep(frames: np.ndarray) -> np.ndarray:
    """At most 16 of the `frames` (t, h, w, c) uint8, evenly, as (t, h, w, 3) of at most 512 pixels a side."""
    which = np.unique(np.linspace(0, len(frames) - 1, FRAMES).round().astype(int))
    kept = []
    for frame in frames[which]:
        kept.append(np.round(255 * reduced(frame)).astype(np.uint8))
    return np.stack(kept)
