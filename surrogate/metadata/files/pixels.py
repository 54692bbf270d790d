"""A small look at the pictures themselves: some frames of a file, no larger than asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import numpy as np
from PIL import Image

from ...pictures import Sound, sound_pictures
from ..errors import CannotRead
from .embedded import open_regular, read_embedded
from .sound import SOUNDS, decode
from .video import open_container

__all__ = ["read_frames"]

# A picture of 20 kB can stand for gigabytes of pixels.
MOST_PIXELS = 1 << 26
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
        if embedded.kind in DEMUXERS:
            pages = _of_video(file, embedded.kind)
        elif embedded.kind in SOUNDS:
            pages = _of_sound(file, embedded.kind)
        else:
            pages = _of_picture(file)
        found, last = [], None
        try:
            for number in count():
                page = next(pages, None)
                if page is None and last is None:
                    raise CannotRead("it has no pictures")
                last = last if page is None else page
                while len(found) < len(frames) and (frames[len(found)] <= number or page is None):
                    found.append(_small(last, longest))
                if len(found) == len(frames):
                    return found
        except CannotRead:
            raise
        except Exception as error:  # decoders raise whatever they like at a broken file
            raise CannotRead(f"its pixels cannot be read ({type(error).__name__}: {str(error)[:200]})") from None


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
