"""JPEG: the size and EXIF, from the segments before the pixels. A segment holds 64 kB, and so does the prompt at most.

By hand and not by Pillow, which joins the EXIF of all segments and copies what each of thousands of entries points to.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from ..errors import CannotRead
from .bounds import Texts, exactly, skip
from .exif import add_exif, add_json

__all__ = ["read", "without_texts"]

MOST_SEGMENTS = 10_000
START_OF_FRAME = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
END, START_OF_SCAN, APP1, COMMENT = 0xD9, 0xDA, 0xE1, 0xFE
TEXTS = {COMMENT, *range(0xE1, 0xEE), 0xEF}  # what is said of the pixels; APP0 and APP14 say how they are stored
MOST_BYTES = 1 << 28


def read(file: BinaryIO) -> dict:
    """The fields of `Embedded`."""
    texts, size = Texts(), None
    for marker, data in _segments(file):
        if marker in START_OF_FRAME and len(data) >= 5:
            height, width = struct.unpack(">HH", data[1:5])
            size = width, height
        elif marker == APP1 and data.startswith(b"Exif\0\0"):
            texts.check(len(data))
            add_exif(texts, data)
        elif marker == COMMENT:
            add_json(texts, data.decode("utf-8", "replace"))
    if size is None:
        raise CannotRead("it is broken: a JPEG without a picture")
    # The pixels end with a marker of their own; some programs append to it.
    skip(file, 2)
    return {"kind": "JPEG", "width": size[0], "height": size[1], "frames": 1, "texts": texts.found}


def without_texts(file: BinaryIO) -> BytesIO:
    """The picture alone, at most 256 MiB: Pillow reads EXIF of any length when it opens a JPEG, and warns of each fault."""
    made = BytesIO()
    made.write(b"\xff\xd8")
    for marker, data in _segments(file):
        if marker not in TEXTS:
            made.write(struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data)
    made.write(b"\xff\xda" + file.read(MOST_BYTES))
    made.seek(0)
    return made


def _segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment before the pixels; the file is then behind the marker of their start."""
    exactly(file, 2)
    for _ in range(MOST_SEGMENTS):
        marker = _marker(file)
        if marker in (START_OF_SCAN, END):
            return
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            continue
        (length,) = struct.unpack(">H", exactly(file, 2))
        if length < 2:
            raise CannotRead("it is broken: a JPEG segment of no length")
        yield marker, exactly(file, length - 2)


def _marker(file: BinaryIO) -> int:
    if exactly(file, 1) != b"\xff":
        raise CannotRead("it is broken: no JPEG segment where one should be")
    for _ in range(16):
        byte = exactly(file, 1)[0]
        if byte != 0xFF:
            return byte
    raise CannotRead("it is broken: no JPEG segment where one should be")
