"""Numbers of a point as short text: what a study's storage keeps besides scores."""

from __future__ import annotations

import base64
import zlib

import numpy as np

from ..resizing import area_means

__all__ = ["glimpse", "pack_coordinates", "pack_glimpse", "unpack_coordinates", "unpack_glimpse"]

# Side in pixels of what an optimiser sees of a picture, and how many frames of a clip.
SIDE, FRAMES = 16, 4


def pack_coordinates(u: np.ndarray) -> str:
    """u (k-1,) to the last bit; zeros at the end, of seeds that are not used, cost nothing."""
    return base64.b64encode(zlib.compress(np.trim_zeros(u, "b").astype("<f8").tobytes())).decode("ascii")


def unpack_coordinates(text: str, dimension: int) -> np.ndarray:
    """u (dimension,) of its text; NaN if the text is damaged."""
    u = np.zeros(dimension)
    try:
        values = np.frombuffer(zlib.decompress(base64.b64decode(text)), "<f8")
        u[: len(values)] = values
    except (ValueError, zlib.error, TypeError):
        u[:] = np.nan
    return u


def glimpse(frames: np.ndarray) -> np.ndarray:
    """A point's picture as an optimiser sees it: (f, 16, 16, 3) uint8 of frames (t, h, w, 1 | 3 | 4) uint8.

    Of a clip up to 4 frames, evenly spread. Each pixel is the mean of its area, whatever the picture's shape.
    """
    chosen = np.linspace(0, len(frames) - 1, min(FRAMES, len(frames))).round().astype(int)
    small = []
    for frame in frames[chosen]:
        pixels = area_means(frame.astype(np.float64), SIDE, SIDE)
        if pixels.shape[-1] == 4:
            # As the scores: over black.
            pixels = area_means(frame[..., :3] * (frame[..., 3:] / 255.0), SIDE, SIDE)
        small.append(np.broadcast_to(pixels, (SIDE, SIDE, 3)))
    return np.clip(np.round(np.stack(small)), 0, 255).astype(np.uint8)


def pack_glimpse(pixels: np.ndarray) -> str:
    return base64.b64encode(zlib.compress(pixels.tobytes())).decode("ascii")


def unpack_glimpse(text: str | None) -> np.ndarray | None:
    """The glimpse (f, 16, 16, 3) uint8 of its text, None if there is none or it is damaged."""
    if not text:
        return None
    try:
        data = zlib.decompress(base64.b64decode(text))
        return np.frombuffer(data, np.uint8).reshape(-1, SIDE, SIDE, 3) if data else None
    except (ValueError, zlib.error, TypeError):
        return None
