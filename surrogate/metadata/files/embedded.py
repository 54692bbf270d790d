"""What a picture or sound file says of itself: kind, size, and the texts that ComfyUI's save nodes write into it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

from ..errors import CannotRead
from . import jpeg, png, sound, video, webp

__all__ = ["Embedded", "open_regular", "read_embedded"]

# The first bytes of a file decide what it is; its name does not.
MAGIC = (
    (b"\x89PNG\r\n\x1a\n", 0, png.read),
    (b"\xff\xd8\xff", 0, jpeg.read),
    (b"WEBP", 8, webp.read),
    (b"ftyp", 4, video.read_mp4),
    (b"\x1a\x45\xdf\xa3", 0, video.read_matroska),
    (b"fLaC", 0, sound.read_flac),
    (b"ID3", 0, sound.read_mp3),
    (b"OggS", 0, sound.read_ogg),
)
LONGEST_HEAD = 16


@dataclass(frozen=True)
class Embedded:
    """The texts in a picture or sound file by lower-case name (`prompt`, `workflow`, `surrogate`), its `kind`, and its size.

    `frames` is 1 for a still; 0 for a clip whose length its header does not tell. A sound has a length in `seconds`, and
    no width and height.
    """

    kind: str
    width: int
    height: int
    frames: int
    texts: dict[str, str] = field(repr=False)
    seconds: float | None = None

    @property
    def size(self) -> tuple[int, ...] | tuple[float]:
        """Width and height, or a sound's length."""
        return (self.width, self.height) if self.seconds is None else (round(self.seconds, 1),)


def read_embedded(path) -> Embedded:
    """Read the picture, video or sound file `path`: PNG, WebP, JPEG, MP4, MOV, WebM, MKV, FLAC, MP3, Opus. No pixels are
    decoded.

    Raises CannotRead (a ValueError) with the reason for anything else: other kinds, broken, endless or oversized
    files, folders, pipes and devices.
    """
    with open_regular(path) as file:
        head = file.read(LONGEST_HEAD)
        for magic, offset, read in MAGIC:
            if head[offset : offset + len(magic)] == magic:
                file.seek(0)
                return Embedded(**read(file))
    raise CannotRead("it is not a PNG, WebP, JPEG, MP4, MOV, WebM, MKV, FLAC, MP3 or Opus file")


@contextmanager
def open_regular(path) -> Iterator[BinaryIO]:
    """Open `path` to read if it is a file: a pipe would wait for ever, a device has no end.

    Raises CannotRead.
    """
    try:
        # A pipe does not wait for its writer. Asked of the open file: what the name stands for can change.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotRead("it is a folder" if os.path.isdir(path) else f"it cannot be opened ({reason})") from None
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise CannotRead("it is a folder" if stat.S_ISDIR(mode) else "it is not a file but a pipe or a device")
    with open(handle, "rb") as file:
        try:
            yield file
        except OSError as error:
            raise CannotRead(f"it cannot be read ({error.strerror or error})") from None
