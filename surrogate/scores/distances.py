"""How unlike pictures look, all against all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..resizing import area_means
from .oklab import oklab

__all__ = ["picture_distances"]

# Side in pixels at which pictures are compared.
SIDE = 32


def picture_distances(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """How unlike pictures (h, w, 3) uint8 look, (n, n): root mean square of Oklab over 32×32 areas, whatever their sizes.

    Clips (t, h, w, 3) are compared frame by frame, all of them of the same number.
    Noises themselves are no help here: independent ones are all equally far apart.
    """
    small = np.stack([_areas(picture) for picture in pictures])
    areas = small.shape[1] / 3
    return np.stack([np.sqrt(((small - row) ** 2).sum(axis=1) / areas) for row in small])


def _areas(picture: np.ndarray) -> np.ndarray:
    frames = picture if picture.ndim == 4 else picture[None]
    return np.concatenate([oklab(area_means(frame / 255, SIDE, SIDE)).ravel() for frame in frames])
