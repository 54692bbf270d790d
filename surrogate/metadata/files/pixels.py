"""A small look at the pictures themselves: some frames of a file, no larger than asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
from PIL import Image

from ...pictures import Sound, sound_pictures
from ..errors import CannotRead
from .embedded import open_regular, read_embedded
from .jpeg import without_texts
from .sound import SOUNDS, decode
from .video import open_container

__all__ = ["read_frames"]

# A picture of 20 kB can stand for gigabytes of pixels.
MOST_PIXELS = 1 << 26
# Of all frames up to the last one that is asked for: 2000 of 1920×1080.
MOST_TOGETHER = 1 << 32
MOST_SAMPLES = 1 << 24  # of a sound, which is drawn as far as this
DEMUXERS = {"MP4": "mov", "WebM": "matroska"}


def read_frames(path, frames: Sequence[int] = (0,), longest: int = 0) -> list[np.ndarray]:
    """The frames numbered `frames` (ascending, from 0) of the picture or video `path`, each (h, w, 3) uint8.

    At most `longest` pixels a side (0: any). Behind the end comes the last frame again. A sound is drawn: its waveform
    and its spectrogram.
    Raises CannotRead if the file is broken or has more than 67 million pixels.
    """
    embedded = read_embedded(path)
    _check(embedded)
    with open_regular(path) as file:
        try:
            return _chosen(_pages(file, embedded.kind), frames, longest)
        except CannotRead:
            raise
        except Exception as error:  # decoders raise whatever they like at a broken file
            raise CannotRead(f"its pixels cannot be read ({type(error).__name__}: {str(error)[:200]})") from None


def _pages(file: BinaryIO, kind: str) -> Iterator:
    if kind in DEMUXERS:
        return _of_video(file, kind)
    return _of_sound(file, kind) if kind in SOUNDS else _of_picture(without_texts(file) if kind == "JPEG" else file)


def _chosen(pages: Iterator, frames: Sequence[int], longest: int) -> list[np.ndarray]:
    """The pages numbered `frames`; the last one also for all behind it."""
    found: list[np.ndarray] = []
    last, number, pixels = None, 0, 0
    while len(found) < len(frames):
        page = next(pages, None)
        last = last if page is None else page
        if last is None:
            raise CannotRead("it has no pictures")
        pixels += last.width * last.height
        if pixels > MOST_TOGETHER:
            raise CannotRead(f"it is refused: more than {MOST_TOGETHER} pixels before frame {number}")
        while len(found) < len(frames) and (frames[len(found)] <= number or page is None):
            found.append(_small(last, longest))
        number += 1
    return found


def _of_picture(file) -> Iterator[Image.Image]:
    picture = Image.open(file, formats=("PNG", "WEBP", "JPEG"))
    for number in range(getattr(picture, "n_frames", 1)):
        picture.seek(number)
        _check(picture)
        yield picture


def _of_video(file, kind: str) -> Iterator:
    with open_container(file, DEMUXERS[kind]) as container:
        for frame in container.decode(video=0):
            _check(frame)
            yield frame


def _of_sound(file, kind: str) -> Iterator[Image.Image]:
    samples, rate = decode(file, kind, MOST_SAMPLES)
    yield Image.fromarray(sound_pictures([Sound(samples, rate)], width=512)[0])


def _check(picture) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise CannotRead(f"it is refused: {picture.width}×{picture.height} pixels are more than {MOST_PIXELS}")


def _small(page, longest: int) -> np.ndarray:
    picture = (page if isinstance(page, Image.Image) else page.to_image()).convert("RGB")
    if longest:
        picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return np.array(picture)
