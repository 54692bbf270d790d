"""EXIF as it is found: in both byte orders, with offsets that are wrong, in UTF-16, and as a weapon."""

from __future__ import annotations

import json
import struct

import pytest

from surrogate.metadata import seeds_of

from .kit import MOST_MEMORY, answers, graph

ASCII, UNDEFINED, LONG = 2, 7, 4


def tiff(entries: list[tuple[int, int, bytes]], order: str = "<", shift: int = 0, deeper=()) -> bytes:
    """An EXIF block: tag, type, value. `shift` is added to the offsets of long values, `deeper` is the EXIF directory."""

    def directory(entries, start: int) -> bytes:
        head, tail = struct.pack(order + "H", len(entries)), b""
        body = start + 2 + 12 * len(entries) + 4
        for tag, kind, value in entries:
            count = 1 if kind == LONG else len(value)
            inside = (
                value.ljust(4, b"\0")
                if len(value) <= 4
                else struct.pack(order + "I", (body + len(tail) + shift) % 2**32)
            )
            head += struct.pack(order + "HHI", tag, kind, count) + inside
            tail += value if len(value) > 4 else b""
        return head + b"\0\0\0\0" + tail

    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    if not deeper:
        return start + directory(entries, 8)
    pointer = (0x8769, LONG, b"\0\0\0\0")
    length = len(directory([*entries, pointer], 8))
    pointer = (0x8769, LONG, struct.pack(order + "I", 8 + length))
    return start + directory([*entries, pointer], 8) + directory(deeper, 8 + length)


def webp(exif: bytes) -> bytes:
    def part(kind: bytes, data: bytes) -> bytes:
        return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    body = part(b"VP8X", b"\x08\0\0\0\7\0\0\7\0\0") + part(b"EXIF", exif)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def jpeg(*exif: bytes, comment: bytes = b"") -> bytes:
    segments = [(0xE1, b"Exif\0\0" + data) for data in exif] + [(0xFE, comment)] * bool(comment)
    frame = (0xC0, b"\x08\0\x08\0\x08\1\1\x11\0")
    return (
        b"\xff\xd8"
        + b"".join(struct.pack(">BBH", 0xFF, k, len(d) + 2) + d for k, d in [*segments, frame])
        + b"\xff\xda\0\2"
    )


def found(tmp_path, data: bytes):
    path = tmp_path / "x_00001_.jpg"
    path.write_bytes(data)
    return seeds_of(path)


def labels(tmp_path, data: bytes) -> list[str]:
    return [seed.label for seed in found(tmp_path, data).seeds]


PROMPT = json.dumps(graph())
MODEL, MAKE = b"prompt:" + PROMPT.encode() + b"\0", b'workflow:{"nodes": []}\0'
BOTH = [(0x010F, ASCII, MAKE), (0x0110, ASCII, MODEL)]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("shift", [0, -1, 1, 6, -6, 8, 300, 5000, 2**31])
def test_offsets_that_are_wrong(tmp_path, order, shift):
    for wrap in (webp, jpeg):
        assert labels(tmp_path, wrap(tiff(BOTH, order, shift))) == ["5"]
        assert labels(tmp_path, wrap(tiff(BOTH[::-1], order, shift))) == ["5"]


def test_a_prompt_that_is_only_written_about_is_not_one(tmp_path):
    """In a workflow, in a text that a node holds: not the prompt that was run."""
    told = json.dumps({"nodes": [{"text": f"prompt:{PROMPT}"}]})
    assert (
        "holds a workflow but not" in found(tmp_path, webp(tiff([(0x010F, ASCII, f"workflow:{told}".encode())]))).reason
    )


COMMENTS = {
    "big": lambda text: b"UNICODE\0" + text.encode("utf-16-be"),
    "little": lambda text: b"UNICODE\0" + text.encode("utf-16-le"),
    "with its order": lambda text: b"UNICODE\0" + text.encode("utf-16"),
    "utf-8 all the same": lambda text: b"UNICODE\0" + text.encode(),
    "ascii": lambda text: b"ASCII\0\0\0" + text.encode(),
    "not told": lambda text: b"\0" * 8 + text.encode(),
    "bare": lambda text: text.encode(),
}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("coding", COMMENTS)
@pytest.mark.parametrize("form", ["object", "text in an object", "named"])
def test_user_comments(tmp_path, order, coding, form):
    prompt = graph(text={"class_type": "CLIPTextEncode", "inputs": {"text": "山 🏔", "clip": ["model", 1]}})
    written = json.dumps(prompt, ensure_ascii=False)
    said = {
        "object": f'{{"prompt": {written}, "workflow": {{}}}}',
        "text in an object": json.dumps({"prompt": written}),
        "named": f"Prompt: {written}",
    }[form]
    for wrap in (webp, jpeg):
        data = wrap(tiff([], order, deeper=[(0x9286, UNDEFINED, COMMENTS[coding](said))]))
        assert labels(tmp_path, data) == ["5"]


def many(value: bytes, count: int = 65535, kind: int = ASCII, far: int = 0) -> bytes:
    """A directory of `count` entries that all stand for the same `value`."""
    start = 8 + 2 + 12 * count + 4
    entry = struct.pack("<HII", kind, len(value) + far, start)
    entries = b"".join(struct.pack("<H", tag % 65536) + entry for tag in range(count))
    return b"II*\0" + struct.pack("<IH", 8, count) + entries + b"\0\0\0\0" + value


LARGE = b"prompt:{" + b" " * (1 << 20)
HOSTILE = {
    "one text 65 000 times": webp(many(LARGE)),
    "one JSON text 65 000 times": webp(many(b"{" + b"[[]," * (1 << 18))),
    "one text that is longer than the file": webp(many(b"prompt:{}", 1000, far=2**31)),
    "a thousand blocks": webp(b"")[:12] + (webp(many(LARGE, 900))[12:] * 70),
    "a directory within itself": jpeg(b"II*\0\x08\0\0\0\2\0" + struct.pack("<HHII", 0x8769, LONG, 1, 8) * 2),
    "a directory behind the end": jpeg(b"II*\0\xff\xff\xff\xff"),
    "a directory of no length": jpeg(b"II*\0\x08\0\0\0"),
    "an order that is none": jpeg(b"XX*\0\x08\0\0\0\0\0"),
    "names without end": webp(b"prompt:{" * 500_000),
    "names of lists without end": webp((b"prompt:{" + b'"a":[' * 100) * 5000),
    "a JPEG of many segments": jpeg(*[many(b"x" * 60, 5000)] * 900),
    "a comment of lists": jpeg(comment=b'{"prompt": ' + b"[" * 60_000),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exif")
    paths = [folder / f"{i}.webp" for i in range(len(HOSTILE))]
    for path, data in zip(paths, HOSTILE.values(), strict=True):
        path.write_bytes(data)
    return dict(zip(HOSTILE, answers(paths, frames=True).values(), strict=True))


@pytest.mark.parametrize("name", HOSTILE)
def test_exif_as_a_weapon(said, name):
    assert not said[name]["labels"] and said[name]["reason"] and said[name]["frames"]
    assert said[name]["memory"] < MOST_MEMORY
