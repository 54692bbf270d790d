"""PNG (https://www.w3.org/TR/png-3): texts before and after the pixels, and the `comf` chunks of animated PNGs."""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

from ..errors import CannotRead
from .bounds import Texts, exactly, skip
from .exif import add_exif

__all__ = ["read"]

MOST_CHUNKS = 200_000  # of 8 kB, as most programs write pixels: 1.6 GB
LONGEST_COMPRESSED = 1 << 23


def read(file: BinaryIO) -> dict:
    """The fields of `Embedded`. Pixels are passed over: time and memory do not grow with the picture."""
    exactly(file, 8)
    texts, size, frames = Texts(), None, 1
    for _ in range(MOST_CHUNKS):
        length, kind = struct.unpack(">I4s", exactly(file, 8))
        if length >= 1 << 31:
            raise CannotRead("it is broken: a chunk of more than 2 GiB")
        if size is None:
            if kind != b"IHDR" or length != 13:
                raise CannotRead("it is broken: a PNG without a header")
            size = struct.unpack(">II", exactly(file, 8))
            skip(file, 5)
        elif kind == b"IEND":
            return {"kind": "PNG", "width": size[0], "height": size[1], "frames": frames, "texts": texts.found}
        elif kind == b"acTL" and length == 8:
            frames = max(1, struct.unpack(">II", exactly(file, 8))[0])
        elif kind == b"eXIf":
            texts.check(length)
            add_exif(texts, exactly(file, length))
        elif kind in READERS:
            texts.check(length)
            _add(texts, kind, exactly(file, length))
        else:
            skip(file, length)
        skip(file, 4)
    raise CannotRead(f"it has more than {MOST_CHUNKS} chunks")


def _add(texts: Texts, kind: bytes, data: bytes) -> None:
    name, separator, rest = data.partition(b"\0")
    if separator:
        value = READERS[kind](rest)
        if value is None:
            return
        texts.add(name.decode("latin-1"), value)


def _international(data: bytes) -> str | None:
    """iTXt: a flag and a method of compression, language, translated name, text."""
    fields = data[2:].split(b"\0", 2)
    if len(data) < 2 or len(fields) < 3:
        return None
    return (_inflate(fields[2]) if data[0] else fields[2]).decode("utf-8", "replace")


def _inflate(data: bytes) -> bytes:
    """Decompressed, as far as the limit: a kilobyte can stand for a gigabyte."""
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(data, LONGEST_COMPRESSED)
    except zlib.error as error:
        raise CannotRead(f"it is broken: a compressed text ({error})") from None
    if inflater.unconsumed_tail:
        raise CannotRead(f"it is refused: a compressed text of more than {LONGEST_COMPRESSED >> 20} MiB")
    return text


READERS = {
    b"tEXt": lambda data: data.decode("latin-1"),
    b"zTXt": lambda data: _inflate(data[1:]).decode("latin-1"),
    b"iTXt": _international,
    b"comf": lambda data: data.decode("utf-8", "replace"),
}
