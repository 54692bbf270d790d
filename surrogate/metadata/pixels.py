"""A small look at the pictures themselves: one frame of a file, no larger than asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from .embedded import open_regular, read_embedded
from .errors import CannotRead
from .video import open_video

__all__ = ["read_frame"]

# A picture of 20 kB can stand for gigabytes of pixels.
MOST_PIXELS = 1 << 26
MOST_FRAMES = 10_000
DEMUXERS = {"MP4": "mov", "WebM": "matroska"}


def read_frame(path, frame: int = 0, longest: int = 0) -> np.ndarray:
    """Frame number `frame` of the picture or video `path` as (h, w, 3) uint8, at most `longest` pixels a side (0: any).

    Raises CannotRead if it is broken or has more than 67 million pixels.
    """
    embedded = read_embedded(path)
    if embedded.width * embedded.height > MOST_PIXELS:
        raise CannotRead(f"it is refused: {embedded.width}×{embedded.height} pixels are more than {MOST_PIXELS}")
    with open_regular(Path(path)) as file:
        try:
            picture = _of_video(file, embedded.kind, frame) if embedded.kind in DEMUXERS else _of_picture(file, frame)
        except CannotRead:
            raise
        except Exception as error:  # decoders raise whatever they like at a broken file
            raise CannotRead(f"its pixels cannot be read ({type(error).__name__}: {error})") from None
    if picture.width * picture.height > MOST_PIXELS:
        raise CannotRead(f"it is refused: {picture.width}×{picture.height} pixels are more than {MOST_PIXELS}")
    picture = picture.convert("RGB")
    if longest:
        picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return np.array(picture)


def _of_picture(file, frame: int) -> Image.Image:
    picture = Image.open(file, formats=("PNG", "WEBP", "JPEG"))
    if picture.width * picture.height > MOST_PIXELS:
        raise CannotRead(f"it is refused: {picture.width}×{picture.height} pixels are more than {MOST_PIXELS}")
    picture.seek(min(frame, getattr(picture, "n_frames", 1) - 1))
    return picture.copy()


def _of_video(file, kind: str, frame: int) -> Image.Image:
    last = None
    with open_video(file, DEMUXERS[kind]) as container:
        for number, last in zip(range(min(frame, MOST_FRAMES) + 1), container.decode(video=0)):
            if last.width * last.height > MOST_PIXELS:
                raise CannotRead(f"it is refused: {last.width}×{last.height} pixels are more than {MOST_PIXELS}")
            if number == frame:
                break
        if last is None:
            raise CannotRead("it has no pictures")
        return last.to_image()
