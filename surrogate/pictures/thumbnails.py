"""Small copies of pictures, to recognise them by."""

from __future__ import annotations

import numpy as np

from ..resizing import resampled
from .fitting import fitted, pixels

__all__ = ["THUMBNAIL", "thumbnail"]

# The longest side in pixels.
THUMBNAIL = 128


def thumbnail(picture: np.ndarray, side: int = THUMBNAIL) -> np.ndarray:
    """A copy (h, w, 3) uint8 of at most `side` pixels a side; `picture` (h, w, 1 | 3 | 4) uint8 or float in [0, 1]."""
    height, width = picture.shape[:2]
    size = fitted((height, width), min(side, max(height, width)))
    return np.array(resampled(pixels(picture), *size))
