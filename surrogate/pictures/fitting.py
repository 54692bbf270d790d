"""From an image as it comes to pixels of the size that is wanted."""

import numpy as np

from .canvas import Palette

__all__ = ["fitted", "pixels"]


def fitted(shape: tuple[int, int], cell: int) -> tuple[int, int]:
    """Width and height of an image (h, w) whose longest side is made `cell`; its aspect ratio stays."""
    h, w = shape
    return max(1, round(w * cell / max(h, w))), max(1, round(h * cell / max(h, w)))


def pixels(image: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8 of an image (h, w, 1 | 3 | 4), uint8 or float in [0, 1]. May be the image itself.

    A pixel with a NaN becomes black, values outside [0, 1] are clipped, and transparency shows a neutral dark grey.
    """
    h, w, channels = image.shape
    if image.dtype == np.uint8 and channels == 3:
        return image
    out = np.empty((h, w, 3), np.uint8)
    rows = max(1, 2**20 // w)  # a strip at a time: the intermediate results are larger than the image
    for y in range(0, h, rows):
        strip = image[y : y + rows]
        if strip.dtype == np.uint8:
            values = strip.astype(np.float32) / 255
        else:
            with np.errstate(over="ignore"):  # 1e300 is as white as infinity
                values = strip.astype(np.float32)
            if np.isnan(values).any():
                values[np.isnan(values).any(-1)] = [0.0] * min(channels, 3) + [1.0] * (channels == 4)
            values = values.clip(0, 1)
        colour = values[..., :3]
        if channels == 4:
            alpha = values[..., 3:]
            colour = colour * alpha + np.array(Palette.hollow, np.float32) / 255 * (1 - alpha)
        out[y : y + rows] = np.round(255 * colour)
    return out
