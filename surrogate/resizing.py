"""Pictures in another size: exact means of areas for numbers that are compared, Pillow's filters for looking."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.sparse
from PIL import Image

__all__ = ["area_means", "resampled"]

# Longest side in pixels of what is enlarged with hard edges: icons, and pictures of a toy model.
ICON = 32


def area_means(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """`pixels` (h, w, c) as (height, width, c): each new pixel is the mean of the area that it covers.

    Exact for any two sizes (pixels are constant squares, also where the picture grows); equal sizes are not touched.
    """
    h, w, c = pixels.shape
    if h != height:
        pixels = (_overlap(height, h) @ pixels.reshape(h, w * c)).reshape(height, w, c)
    if w != width:
        columns = pixels.transpose(1, 0, 2).reshape(w, height * c)
        pixels = (_overlap(width, w) @ columns).reshape(width, height, c).transpose(1, 0, 2)
    return pixels


def resampled(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """`image` (h, w, 3) uint8 as (height, width, 3): Lanczos where it shrinks, bicubic where it grows, and hard pixels
    where an icon grows. The image itself if it has that size."""
    if image.shape[:2] == (height, width):
        return image
    picture = Image.fromarray(np.ascontiguousarray(image))
    if width < picture.width or height < picture.height:
        return np.asarray(picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=4.0))
    icon = max(picture.size) <= ICON
    return np.asarray(picture.resize((width, height), Image.Resampling.NEAREST if icon else Image.Resampling.BICUBIC))


@lru_cache(maxsize=64)
def _overlap(new: int, old: int) -> scipy.sparse.csr_array:
    """(new, old): which share of each new pixel each old one covers."""
    # In units of 1 / (new · old) all borders are whole numbers, so the shares add up to 1 without rounding.
    starts, ends = np.arange(new) * old, (np.arange(new) + 1) * old
    counts = (ends - 1) // new - starts // new + 1
    rows = np.repeat(np.arange(new), counts)
    columns = starts[rows] // new + np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    shares = np.minimum(ends[rows], (columns + 1) * new) - np.maximum(starts[rows], columns * new)
    return scipy.sparse.csr_array((shares / old, (rows, columns)), shape=(new, old))
