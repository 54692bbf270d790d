"""Films and sounds from strangers: tables and tags without end are refused before FFmpeg opens them."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from surrogate.metadata import read_frames

from .kit import MOST_MEMORY, answers

MANY = 200_000


def box(kind: bytes, *content: bytes) -> bytes:
    data = b"".join(content)
    return struct.pack(">I", 8 + len(data)) + kind + data


def full(kind: bytes, *content: bytes) -> bytes:
    return box(kind, b"\0\0\0\0", *content)


def mp4(*tables: bytes, behind: bytes = b"") -> bytes:
    """A film of one track, whose table of samples is `tables`, and what follows the track."""
    head = full(b"mdhd", struct.pack(">IIIIHH", 0, 0, 1000, 1000, 0, 0)), full(b"hdlr", b"\0\0\0\0vide", b"\0" * 14)
    track = box(b"trak", box(b"mdia", *head, box(b"minf", box(b"stbl", *tables))))
    return box(b"ftyp", b"isom\0\0\2\0isom") + box(b"moov", track, behind)


def table(kind: bytes, *numbers: int) -> bytes:
    return full(kind, struct.pack(f">{len(numbers)}I", *numbers))


def boxes(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = box(b"moov", data)
    return box(b"ftyp", b"isom\0\0\2\0isom") + data


def keys() -> bytes:
    names = b"".join(struct.pack(">I", 16) + b"mdta%08d" % i for i in range(MANY))
    return box(
        b"udta",
        full(b"meta", full(b"hdlr", b"\0\0\0\0mdta", b"\0" * 13), full(b"keys", struct.pack(">I", MANY), names)),
    )


def comments(count: int = MANY, claimed: int | None = None) -> bytes:
    texts = b"".join(struct.pack("<I", 10) + b"%07d=vv" % i for i in range(count))
    return struct.pack("<I", 1) + b"x" + struct.pack("<I", claimed or count) + texts


def flac(data: bytes) -> bytes:
    facts = (
        struct.pack(">HH", 4096, 4096) + b"\0" * 6 + ((44100 << 44) | (1 << 41) | (15 << 36) | 1000).to_bytes(8, "big")
    )
    return b"fLaC\0\0\0\x22" + facts + b"\0" * 16 + b"\x84" + len(data).to_bytes(3, "big") + data


def ogg(*packets: bytes) -> bytes:
    """Each packet on pages of its own, as far as they go on."""
    made, serial = b"", 0
    for number, packet in enumerate(packets):
        for start in range(0, len(packet) + 1, 65025):
            piece = packet[start : start + 65025]
            laces = bytes([255] * (len(piece) // 255)) + (bytes([len(piece) % 255]) if len(piece) < 65025 else b"")
            kind = 2 if not number else bool(start)
            made += (
                b"OggS\0" + bytes([kind]) + struct.pack("<qIII", 0, 7, serial, 0) + bytes([len(laces)]) + laces + piece
            )
            serial += 1
    return made


OPUS = b"OpusHead\1\2\0\0\x80\xbb\0\0\0\0\0"


def id3(count: int) -> bytes:
    frames = b"".join(b"TXXX\0\0\0\x0c\0\0\3%07d\0vvv" % i for i in range(count))
    size = bytes(len(frames) >> shift & 127 for shift in (21, 14, 7, 0))
    return b"ID3\4\0\0" + size + frames


SILENCE = (b"\xff\xfb\x90\x00" + b"\0" * 413) * 20
APE = b"APETAGEX" + struct.pack("<IIII", 2000, 1 << 20, 60_000, 0) + b"\0" * 8


def element(number: str, *content: bytes) -> bytes:
    data = b"".join(content)
    return bytes.fromhex(number) + (len(data) | 1 << 56).to_bytes(8, "big") + data


def webm(*content: bytes) -> bytes:
    return element("1a45dfa3", element("4282", b"webm")) + element("18538067", *content)


def simple(i: int) -> bytes:
    return element("67c8", element("45a3", b"%07d" % i), element("4487", b"v"))


def nested(depth: int) -> bytes:
    data = b""
    for _ in range(depth):
        data = element("67c8", data)
    return data


REFUSED = "it is refused"
HOSTILE = {
    "samples without end": (mp4(table(b"stsz", 1, 100_000_000), table(b"stts", 1, 100_000_000, 1)), REFUSED),
    "a table of 2^32 times": (mp4(table(b"stts", 1, 2**32 - 1, 1)), REFUSED),
    "offsets without end": (mp4(table(b"ctts", 2, 2**31, 5, 2**31, 5)), REFUSED),
    "a fragment without end": (mp4(behind=b"") + box(b"moof", box(b"traf", table(b"trun", 2**32 - 1))), REFUSED),
    "many names of tags": (mp4(behind=keys()), REFUSED),
    "many tags": (mp4(behind=box(b"udta", full(b"meta", full(b"hdlr", b"\0" * 25), box(b"ilst", *[box(b"\xa9cmt")] * MANY)))), REFUSED),
    "boxes in boxes": (boxes(3000), REFUSED),
    "many boxes": (mp4(behind=box(b"free") * MANY), REFUSED),
    "a compressed header": (mp4(behind=box(b"cmov", b"\0" * 100)), REFUSED),
    "a box of length 0 in itself": (box(b"ftyp", b"isom") + b"\0\0\0\0moov" + b"\0\0\0\0moov" * 9, ""),
    "a box of 2^64": (box(b"ftyp", b"isom") + b"\0\0\0\1moov" + b"\xff" * 8, ""),
    "a box shorter than its head": (box(b"ftyp", b"isom") + b"\0\0\0\1moov" + b"\0" * 7 + b"\4" + b"\0\0\0\4moov", ""),
    "FLAC with many tags": (flac(comments()), REFUSED),
    "FLAC that claims tags": (flac(comments(1, 2**32 - 1)), REFUSED),
    "FLAC with a comment without end": (flac(b"\xff\xff\xff\xff"), ""),
    "Opus with many tags": (ogg(OPUS, b"OpusTags" + comments()), REFUSED),
    "Vorbis with many tags": (ogg(b"\1vorbis" + b"\0" * 23, b"\3vorbis" + comments()), REFUSED),
    "Ogg of many streams": (b"".join(ogg(OPUS) for _ in range(100)), REFUSED),
    "Ogg of many pages": (ogg(OPUS) + (b"OggS\0\0" + b"\0" * 21) * 150_000, REFUSED),
    "MP3 with many tags": (id3(150_000) + SILENCE, REFUSED),
    "MP3 with many tags behind another": (id3(1) + id3(150_000) + SILENCE, REFUSED),
    "MP3 with many tags at its end": (id3(1) + SILENCE + APE, REFUSED),
    "WebM with many tags": (webm(element("1254c367", element("7373", *map(simple, range(50_000))))), REFUSED),
    "WebM with tags in tags": (webm(element("1254c367", element("7373", nested(1000)))), REFUSED),
    "WebM with many elements": (webm(element("ec") * MANY), REFUSED),
    "WebM with a long index": (webm(element("1c53bb6b", b"\0" * (2 << 20))), REFUSED),
    "WebM without lengths": (b"\x1a\x45\xdf\xa3" + b"\xff" * 40, ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    paths = [folder / f"{i}.bin" for i in range(len(HOSTILE))]
    for path, (data, _) in zip(paths, HOSTILE.values(), strict=True):
        path.write_bytes(data)
    return dict(zip(HOSTILE, answers(paths, frames=True).values(), strict=True))


@pytest.mark.parametrize("name", HOSTILE)
def test_films_and_sounds_as_weapons(said, name):
    assert not said[name]["labels"] and said[name]["frames"]
    assert said[name]["reason"].startswith(HOSTILE[name][1])
    assert said[name]["memory"] < MOST_MEMORY


def test_exif_is_not_read_for_the_pixels(tmp_path, recwarn):
    """Pillow would, when it opens a JPEG, and print a warning for each entry that is wrong."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 30, 30)).save(stream, "JPEG", quality=95)
    plain = stream.getvalue()
    length = 2 + int.from_bytes(plain[4:6], "big")  # without JFIF's own density Pillow looks for EXIF's
    entries = b"".join(struct.pack("<HHII", tag, 7, 2**31, 8) for tag in range(1, 5000))
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 4999) + entries
    path = tmp_path / "x.jpg"
    path.write_bytes(plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2 + length :])
    (pixels,) = read_frames(path)
    assert abs(pixels[4, 4].astype(int) - (200, 30, 30)).max() < 8 and not recwarn.list


def test_an_animation_is_not_decoded_without_end(tmp_path, monkeypatch):
    from surrogate.metadata import CannotRead
    from surrogate.metadata.files import pixels

    path = tmp_path / "x.webp"
    frames = [Image.new("RGB", (16, 16), (i * 20, 0, 0)) for i in range(10)]
    frames[0].save(path, save_all=True, append_images=frames[1:], lossless=True)
    assert [int(frame[0, 0, 0]) for frame in read_frames(path, (0, 3, 9))] == [0, 60, 180]
    monkeypatch.setattr(pixels, "MOST_TOGETHER", 16 * 16 * 5)
    assert len(read_frames(path, (0, 3))) == 2
    with pytest.raises(CannotRead, match="more than 1280 pixels before frame"):
        read_frames(path, (0, 9))
