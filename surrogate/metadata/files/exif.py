"""EXIF as ComfyUI uses it: `prompt:{…}` in the tag Model, `workflow:{…}` in Make and those before it.

Other savers write a JSON object into UserComment, or `Workflow: …` into ImageDescription; these are read, too. Read by
hand and only once through: Pillow copies what 65 000 entries point to, which may be the same megabyte each time.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterable, Iterator

from .bounds import Texts

__all__ = ["add_exif", "add_json", "add_tags", "add_text"]

USER_COMMENT, EXIF_IFD = 0x9286, 0x8769
NAMES = ("prompt", "workflow", "surrogate")
# Entries of a directory; cameras write about sixty.
MOST_ENTRIES = 1000
BYTES = (1, 2, 7, 129)  # types of an entry: bytes, ASCII, anything, UTF-8
LONG = 4
# Of a JSON object with a prompt and a workflow in it.
LONGEST_JSON = 1 << 23
# Where a directory points to the wrong place, the text itself is looked for.
NAMED = re.compile(rb'(?<![\w"\\])(prompt|workflow):\s{0,9}(?=\{)', re.I)
MOST_TRIES = 4
LONGEST_NAME = 80
PARAMETERS = re.compile(r"^Steps: \d+, .*\bSeed: \d+", re.M)


def add_exif(texts: Texts, data: bytes) -> None:
    """Add the texts in the EXIF block `data`. A broken block has none: it may be a camera's, and is not needed.

    Raises CannotRead if there is too much text.
    """
    for value in _values(data.removeprefix(b"Exif\0\0")):
        add_text(texts, value)
    if "prompt" not in texts.found:
        _add_misplaced(texts, data)


def add_text(texts: Texts, value: str) -> None:
    """Add `name: text` under its name, the texts in a JSON object under theirs, and what other programs write."""
    name, separator, text = value[:LONGEST_NAME].partition(":")
    if separator and name.strip().lower() in NAMES:
        text = value[len(name) + 1 :].strip().rstrip("\0")
        texts.check(len(text))
        texts.add(name.strip(), text)
    elif PARAMETERS.search(value):
        texts.check(len(value))
        texts.add("parameters", value)
    else:
        add_json(texts, value)


def add_json(texts: Texts, text: str) -> None:
    """Add what a JSON object `{"prompt": …, "workflow": …}` holds; a prompt in words is another program's."""
    if not text.lstrip().startswith("{") or len(text) > LONGEST_JSON:
        return
    texts.check(len(text))
    try:
        found = json.loads(text.rstrip("\0"))
    except (ValueError, RecursionError):
        return
    for name in NAMES if isinstance(found, dict) else ():
        value = found.get(name)
        if isinstance(value, dict) or (isinstance(value, str) and value.lstrip().startswith("{")):
            texts.add(name, value if isinstance(value, str) else json.dumps(value))
    if isinstance(found, dict) and "sui_image_params" in found:
        texts.add("parameters", text)


def add_tags(texts: Texts, tags: Iterable[tuple[str, str]]) -> None:
    """Add the tags of a film or sound, and the texts in those that are JSON objects."""
    for name, value in tags:
        texts.check(len(value))
        texts.add(name, value)
        if name.lower() not in NAMES:
            add_json(texts, value)


def _values(data: bytes) -> Iterator[str]:
    """The texts of the first directory and of the one for photographs."""
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return
    left, deeper = len(data), 0  # what does not overlap is not longer than the block
    (first,) = struct.unpack_from(order + "I", data, 4)
    for tag, kind, count, place in _entries(data, order, first):
        if tag == EXIF_IFD and kind == LONG:
            (deeper,) = struct.unpack_from(order + "I", data, place)
        elif kind in BYTES and count <= left:
            left -= count
            yield _decoded(_content(data, order, count, place), order, tag)
    for tag, kind, count, place in _entries(data, order, deeper) if deeper else ():
        if tag == USER_COMMENT and kind in BYTES and count <= left:
            yield _decoded(_content(data, order, count, place), order, tag)
            return


def _entries(data: bytes, order: str, start: int) -> Iterator[tuple[int, int, int, int]]:
    """Tag, type, number of values, and where the value or its offset is, of the entries of the directory at `start`."""
    if start + 2 > len(data):
        return
    (count,) = struct.unpack_from(order + "H", data, start)
    for i in range(min(count, MOST_ENTRIES)):
        place = start + 2 + 12 * i
        if place + 12 > len(data):
            return
        yield (*struct.unpack_from(order + "HHI", data, place), place + 8)


def _content(data: bytes, order: str, count: int, place: int) -> bytes:
    if count > 4:
        (place,) = struct.unpack_from(order + "I", data, place)
    return data[place : place + count]


def _decoded(value: bytes, order: str, tag: int) -> str:
    if tag == USER_COMMENT:
        if value.startswith(b"UNICODE\0"):
            return _unicode(value[8:], order)
        value = re.sub(rb"^(ASCII\0\0\0|\0{8})", b"", value, count=1)
    return value.decode("utf-8", "replace").rstrip("\0")


def _unicode(value: bytes, order: str) -> str:
    """UTF-16 by the standard, in the byte order that the text shows; some programs write UTF-8 all the same."""
    if value[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return value.decode("utf-16", "replace")
    if b"\0" not in value.rstrip(b"\0"):
        try:
            return value.rstrip(b"\0").decode("utf-8")
        except UnicodeDecodeError:
            pass
    low_first = value[1:2] == b"\0" if b"\0" in value[:2] else order == "<"
    return value.decode("utf-16-le" if low_first else "utf-16-be", "replace").rstrip("\0")


def _add_misplaced(texts: Texts, data: bytes) -> None:
    """Add `prompt:{…}` and `workflow:{…}` wherever they are in the block."""
    for tries, match in enumerate(NAMED.finditer(data)):
        if tries == MOST_TRIES:
            return
        text = data[match.end() : match.end() + LONGEST_JSON].decode("utf-8", "replace")
        texts.check(len(text))
        try:
            _, end = json.JSONDecoder().raw_decode(text)
        except (ValueError, RecursionError):
            continue
        texts.add(match[1].decode(), text[:end])
