"""WebP (RFC 9649): the size, the number of frames, and EXIF."""

from __future__ import annotations

import struct
from typing import BinaryIO

from ..errors import CannotRead
from .bounds import Texts, exactly, skip
from .exif import add_exif

__all__ = ["read"]

MOST_CHUNKS = 100_000


def read(file: BinaryIO) -> dict:
    """The fields of `Embedded`."""
    _, length, _ = struct.unpack("<4sI4s", exactly(file, 12))
    end = 8 + length
    texts, size, frames = Texts(), None, 0
    for _ in range(MOST_CHUNKS):
        if file.tell() + 8 > end:
            break
        kind, length = struct.unpack("<4sI", exactly(file, 8))
        padded = length + length % 2
        if kind == b"EXIF":
            texts.check(length)
            add_exif(texts, exactly(file, length))
            skip(file, padded - length)
        elif size is None and kind in SIZES and length >= 10:
            size = SIZES[kind](exactly(file, 10))
            skip(file, padded - 10)
        else:
            frames += kind == b"ANMF"
            skip(file, padded)
    else:
        raise CannotRead(f"it has more than {MOST_CHUNKS} chunks")
    if size is None:
        raise CannotRead("it is broken: a WebP without a picture")
    return {"kind": "WebP", "width": size[0], "height": size[1], "frames": max(1, frames), "texts": texts.found}


def _lossless(data: bytes) -> tuple[int, int]:
    bits = int.from_bytes(data[1:5], "little")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


SIZES = {
    b"VP8X": lambda d: (int.from_bytes(d[4:7], "little") + 1, int.from_bytes(d[7:10], "little") + 1),
    b"VP8 ": lambda d: (int.from_bytes(d[6:8], "little") & 0x3FFF, int.from_bytes(d[8:10], "little") & 0x3FFF),
    b"VP8L": _lossless,
}
