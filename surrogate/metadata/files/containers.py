"""What FFmpeg would take minutes or gigabytes for, found before it opens a film or sound.

It keeps tags in a list that it searches for each new one, and makes an entry for each sample that a table of a few bytes
promises. Walked here are only the headers: boxes, elements, blocks and pages.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from ..errors import CannotRead
from .bounds import MOST_TEXTS

__all__ = ["CHECKS"]

# Two hours at 240 pictures a second.
MOST_SAMPLES = 1 << 21
MOST_PARTS = 100_000  # boxes, elements, pages; a fragment of a film has about ten
DEEPEST = 16
INSIDE = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"meta", b"ilst", b"moof", b"traf", b"mvex", b"edts"}
# Table -> where in it its number of entries is, and how many bytes of each come before a number of samples (None: the
# entries are the samples).
TABLES = {b"stsz": (8, None), b"stz2": (8, None), b"trun": (4, None), b"stts": (4, 0), b"ctts": (4, 0)}
TAGS, CLUSTER, SEGMENT = 0x1254C367, 0x1F43B675, 0x18538067
# Elements of Matroska that are searched or sorted, and the longest that is plausible.
SORTED = {0x1043A770: 1 << 17, 0x1C53BB6B: 1 << 20, 0x114D9B74: 1 << 16, 0x1941A469: 1 << 26, 0x1654AE6B: 1 << 20}
NESTED_TAGS = {TAGS, 0x7373, 0x67C8, 0x63C0}


class Counter:
    """Counts towards a limit. Raises CannotRead, naming `what`, behind it."""

    def __init__(self, what: str, most: int):
        self.what, self.left, self.most = what, most, most

    def add(self, count: int = 1) -> None:
        self.left -= count
        if self.left < 0:
            raise CannotRead(f"it is refused: more than {self.most} {self.what}")


def _tags() -> Counter:
    return Counter("texts", MOST_TEXTS)


def _length(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def _at(file: BinaryIO, place: int, count: int) -> bytes:
    """Up to `count` bytes at `place`, filled up with zeros behind the end."""
    file.seek(place)
    return file.read(count).ljust(count, b"\0")


# ------------------------------------------------------------------------------------------------------ MP4, MOV


def _check_mp4(file: BinaryIO) -> None:
    parts, tags, samples = Counter("boxes", MOST_PARTS), _tags(), Counter("samples", MOST_SAMPLES)
    waiting = [(0, _length(file), b"", 0)]
    while waiting:
        start, end, parent, depth = waiting.pop()
        for kind, first, last in _boxes(file, start, end):
            parts.add()
            if parent in (b"ilst", b"udta"):
                tags.add()
            if kind == b"cmov" or depth > DEEPEST:
                raise CannotRead("it is refused: a compressed header, or boxes in boxes without end")
            if kind == b"keys":
                tags.add(struct.unpack(">I", _at(file, first + 4, 4))[0])
            elif kind in TABLES:
                _check_table(file, kind, first, last, samples)
            elif kind in INSIDE:
                # In MP4 a `meta` begins with its version, in MOV with a box.
                plain = kind != b"meta" or _at(file, first + 4, 4) in (b"hdlr", b"keys", b"ilst")
                waiting.append((first if plain else first + 4, last, kind, depth + 1))


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, and where its content begins and ends, of each box from `start` to `end`."""
    while start + 8 <= end:
        length, kind = struct.unpack(">I4s", _at(file, start, 8))
        head = 8
        if length == 1:
            (length,), head = struct.unpack(">Q", _at(file, start + 8, 8)), 16
        elif length == 0:
            length = end - start
        if length < head:
            return
        yield kind, start + head, min(start + length, end)
        start += length


def _check_table(file: BinaryIO, kind: bytes, first: int, last: int, samples: Counter) -> None:
    offset, before = TABLES[kind]
    (count,) = struct.unpack(">I", _at(file, first + offset, 4))
    if before is None:
        samples.add(count)
        return
    entries = min(count, max(0, last - first - 8) // 8, MOST_SAMPLES)
    numbers = np.frombuffer(_at(file, first + 8, entries * 8), ">u4")[::2]
    most = Counter(samples.what, samples.most)  # these count the same samples again
    most.add(int(numbers.sum(dtype=np.uint64)))


# ---------------------------------------------------------------------------------------------------- Matroska


def _check_matroska(file: BinaryIO) -> None:
    parts, tags = Counter("elements", MOST_PARTS), _tags()
    waiting = [(0, _length(file), 0)]
    while waiting:
        start, end, depth = waiting.pop()
        for kind, first, last in _elements(file, start, end):
            parts.add()
            if kind == 0x67C8:
                tags.add()
            if depth > DEEPEST or last - first > SORTED.get(kind, last):
                raise CannotRead("it is refused: its list of tracks, tags or positions is too long or too deep")
            if kind == SEGMENT or kind in NESTED_TAGS:
                waiting.append((first, last, depth + 1))


def _elements(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, and where its content begins and ends, of each element from `start` to `end`."""
    while start + 2 <= end:
        head = _at(file, start, 12)
        width = 9 - head[0].bit_length()  # of the number, 1 to 4
        if width > 4:
            return
        long = 9 - head[width].bit_length()  # of the length, 1 to 8
        if long > 8:
            return
        number = int.from_bytes(head[:width], "big")
        length = int.from_bytes(_at(file, start + width, long), "big") & ((1 << 7 * long) - 1)
        first = start + width + long
        unknown = length == (1 << 7 * long) - 1
        yield number, first, end if unknown else min(first + length, end)
        if unknown:  # only a stream that was cut off has these: what follows is inside
            if number == CLUSTER:
                return
            start = end
        start = start if start == end else first + length


# ------------------------------------------------------------------------------------------------ FLAC, Ogg, MP3


def _check_flac(file: BinaryIO) -> None:
    parts, tags = Counter("blocks", 500), _tags()
    place, end, last = 4, _length(file), False
    while not last and place + 4 <= end:
        parts.add()
        head = _at(file, place, 4)
        if head[0] & 127 == 4:
            _count_comments(file, place + 4, tags)
        last, place = head[0] >= 128, place + 4 + int.from_bytes(head[1:], "big")


def _count_comments(file: BinaryIO, place: int, tags: Counter) -> None:
    """The number of texts in a Vorbis comment at `place`."""
    (vendor,) = struct.unpack("<I", _at(file, place, 4))
    (count,) = struct.unpack("<I", _at(file, place + 4 + vendor, 4))
    tags.add(count)


def _check_ogg(file: BinaryIO) -> None:
    parts, tags, streams = Counter("pages", MOST_PARTS), _tags(), Counter("streams", 8)
    place, end = 0, _length(file)
    while place + 27 <= end:
        head = _at(file, place, 27 + 255)
        if head[:4] != b"OggS":
            raise CannotRead("it is broken: no page of Ogg where one should be")
        parts.add()
        streams.add(head[5] >> 1 & 1)
        content = place + 27 + head[26]
        mark = _at(file, content, 8)
        if mark == b"OpusTags":
            _count_comments(file, content + 8, tags)
        elif mark[:7] == b"\3vorbis":
            _count_comments(file, content + 7, tags)
        elif mark[1:5] == b"FLAC" or mark[0] & 127 == 4:  # FLAC in Ogg: its blocks are packets
            _count_comments(file, content + 4, tags)
        place = content + sum(head[27 : 27 + head[26]])


def _check_mp3(file: BinaryIO) -> None:
    tags, place, end = _tags(), 0, _length(file)
    for _ in range(16):  # FFmpeg reads all that follow each other
        head = _at(file, place, 10)
        if head[:3] != b"ID3":
            break
        length = _synchsafe(head[6:])
        _count_frames(_at(file, place + 10, min(length, 1 << 24, max(0, end - place))), head[3], tags)
        place += 10 + length
    for back in (32, 160):  # APE tags, also in front of an ID3v1 tag
        foot = _at(file, max(0, end - back), 32)
        if foot[:8] == b"APETAGEX":
            tags.add(struct.unpack("<I", foot[16:20])[0])


def _count_frames(data: bytes, version: int, tags: Counter) -> None:
    name, head = (3, 6) if version == 2 else (4, 10)
    place = 0
    while place + head <= len(data) and data[place]:
        tags.add()
        size = data[place + name : place + (6 if version == 2 else 8)]
        place += head + (_synchsafe(size) if version == 4 else int.from_bytes(size, "big"))


def _synchsafe(data: bytes) -> int:
    return sum((byte & 127) << 7 * i for i, byte in enumerate(reversed(data)))


# By FFmpeg's demuxer. Each raises CannotRead.
CHECKS = {"mov": _check_mp4, "matroska": _check_matroska, "flac": _check_flac, "ogg": _check_ogg, "mp3": _check_mp3}
