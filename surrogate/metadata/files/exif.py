"""EXIF as ComfyUI uses it: `prompt:{…}` in the tag Model, `workflow:{…}` in Make and those before it.

Other savers write a JSON object into UserComment, or `Workflow: …` into ImageDescription; these are read, too.
"""

from __future__ import annotations

import json
import re
import struct

from PIL import Image

from .bounds import Texts

__all__ = ["NAMES", "add_exif", "add_json"]

USER_COMMENT, EXIF_IFD = 0x9286, 0x8769
NAMES = ("prompt", "workflow", "surrogate")
BROKEN = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, OverflowError, MemoryError, struct.error)


def add_exif(texts: Texts, data: bytes) -> None:
    """Add the texts in the EXIF block `data`. A broken block has none: it may be a camera's, and is not needed."""
    exif = Image.Exif()
    try:
        exif.load(data)
        values = list(exif.values())
        values.append(exif.get_ifd(EXIF_IFD).get(USER_COMMENT))
    except BROKEN:
        return
    for value in values:
        if isinstance(value, bytes):
            value = re.sub(rb"^(ASCII\0\0\0|UNICODE\0|\0{8})", b"", value, count=1).decode("utf-8", "replace")
        if not isinstance(value, str):
            continue
        name, separator, text = value.partition(":")
        if separator and name.strip().lower() in NAMES:
            texts.check(len(text))
            texts.add(name.strip(), text.strip().rstrip("\0"))
        else:
            add_json(texts, value)


def add_json(texts: Texts, text: str) -> None:
    """Add what a JSON object `{"prompt": …, "workflow": …}` holds."""
    if not text.lstrip().startswith("{"):
        return
    texts.check(len(text))
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    for name in NAMES:
        if isinstance(found, dict) and isinstance(found.get(name), (str, dict)):
            value = found[name]
            texts.add(name, value if isinstance(value, str) else json.dumps(value))
