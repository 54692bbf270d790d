"""Text for pictures: one face at any size, without tofu boxes.

The face is Inter, of which `fonts/Inter.ttf` has Latin, Greek and Cyrillic letters, accents, and the signs of
mathematics; `fonts/OFL.txt` is its licence. It is the same on every machine, so the sheets are too. What a face cannot
draw is written with what it can: "∈" becomes "in", "、" a comma, and in a smaller face "×" becomes "x" and "é" "e"; other
letters (日本) become "?" and other symbols (emoji) vanish.
"""

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

__all__ = ["MIN_SIZE", "Face"]

_LOOSE = " ,;:-·."  # not left standing before an ellipsis
_OURS = str(Path(__file__).with_name("fonts") / "Inter.ttf")
MIN_SIZE = 11  # pixels; smaller text cannot be read

# For signs that Inter does not have, and for those that a font of the user's is likely not to have.
_STAND_INS = {
    "∙": "·", "⋅": "·", "•": "·", "·": ".", "≡": "=", "∈": " in ", "、": ",", "。": ".", "「": '"', "」": '"', "・": "·",
    "−": "-", "‐": "-", "‑": "-", "–": "-", "—": "-", "×": "x", "…": "...", "°": " deg", "≤": "<=", "≥": ">=", "→": "->",
    "‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "‖": "||",
    "\u00a0": " ", "\u2028": "\n", "\u2029": "\n", "\t": " ",
}  # fmt: skip


@lru_cache(maxsize=256)
def _load(path, size):
    """The font at `size` pixels; the one-size bitmap font where Pillow has no FreeType."""
    if path is not None:
        try:
            return ImageFont.truetype(path, size)
        except (OSError, ImportError) as error:
            raise ValueError(
                f"font: expected the path of a TrueType or OpenType file, got {path!r} ({error})"
            ) from None
    try:
        # The basic layout is in every build of Pillow; Raqm is not, and would make sheets differ between machines.
        return ImageFont.truetype(_OURS, size, layout_engine=ImageFont.Layout.BASIC)
    except (ImportError, OSError):  # no FreeType
        return ImageFont.load_default()


def _ink(font, text):
    mask = font.getmask(text, mode="L")
    return mask.size, bytes(mask)


@lru_cache(maxsize=8192)
def _can_draw(path, character):
    if character == " ":
        return True
    font = _load(path, 32)
    try:
        size, ink = _ink(font, character)
        return any(ink) and (not isinstance(font, ImageFont.FreeTypeFont) or (size, ink) != _ink(font, "\U0010ffff"))
    except (UnicodeError, OSError, ValueError):
        return False


@lru_cache(maxsize=8192)
def _spell(path, character):
    """`character`, or what stands in for it in this face."""
    if character == "\n" or _can_draw(path, character):
        return character
    if character in _STAND_INS:
        return "".join(_spell(path, c) for c in _STAND_INS[character])
    parts = unicodedata.normalize("NFKD", character)
    if parts != character:
        return "".join(_spell(path, c) for c in parts)
    name = unicodedata.name(character, "").split()
    if name[:1] == ["GREEK"] and "LETTER" in name:
        letter = name[name.index("LETTER") + 1]
        return letter.capitalize() if "CAPITAL" in name else letter.lower()
    kind = unicodedata.category(character)
    if kind[0] == "Z" or character.isspace():
        return " "
    if kind[0] in "CM" or kind in ("So", "Sk"):
        return ""
    return "?"


@lru_cache(maxsize=8192)
def _advance(face, character, size):
    font, reduced, enlarged = face._font(size)
    return font.getlength(character) * enlarged / reduced


@dataclass(frozen=True)
class Face:
    """A typeface, by the `path` of its file, or Inter. All lengths are pixels."""

    path: str | None = None

    def clean(self, text):
        """`text` in characters that this face has; line breaks stay."""
        text = "" if text is None else str(text).replace("\r\n", "\n").replace("\r", "\n")
        return re.sub(" +", " ", "".join(_spell(self.path, c) for c in text))

    def _font(self, size):
        """A font, and the factors by which what it draws is reduced and enlarged.

        Outlines are drawn several times too large and averaged: hinted to whole pixels, small text gets ragged spaces.
        """
        reduced = 4 if size <= 48 else 2
        font = _load(self.path, size * reduced)
        if isinstance(font, ImageFont.FreeTypeFont):
            return font, reduced, 1
        return font, 1, max(1, round(size / 11))  # the bitmap font is 11 pixels high

    def width(self, text, size):
        font, reduced, enlarged = self._font(size)
        return math.ceil(font.getlength(text) * enlarged / reduced) if text else 0

    def line(self, size):
        """Distance from line to line."""
        return round(1.35 * size)

    def mask(self, text, size):
        """Coverage (line(size), width(text, size) + 2) in 0..255 of one line; capitals stand centred in it."""
        font, reduced, enlarged = self._font(size)
        width, height = self.width(text, size) + 2, self.line(size)
        if not isinstance(font, ImageFont.FreeTypeFont):
            glyphs = Image.new("L", (-(-width // enlarged), -(-height // enlarged)))
            ImageDraw.Draw(glyphs).text((0, (glyphs.height - 11) // 2), text, font=font, fill=255)
            return np.asarray(glyphs).repeat(enlarged, 0).repeat(enlarged, 1)[:height, :width]
        glyphs = Image.new("L", (width * reduced, height * reduced))
        # The baseline lies on a whole pixel, so that the feet of the letters are sharp.
        baseline = round((height - font.getbbox("H", anchor="ls")[1] / reduced) / 2) * reduced
        ImageDraw.Draw(glyphs).text((reduced, baseline), text, font=font, fill=255, anchor="ls")
        # Light text on a dark ground looks thinner than it is.
        return np.asarray(glyphs.reduce(reduced).point([round(255 * (i / 255) ** 0.8) for i in range(256)]))

    def shorten(self, text, size, width):
        """`text`, or as much of its beginning as fits into `width` with an ellipsis; "" if nothing does."""
        if self.width(text, size) <= width:
            return text
        end = self.clean("…")
        count = self._longest(text, size, width, end)
        space = text.rfind(" ", 0, count + 1)
        if space >= 0.6 * count:  # rather a word less than half a word
            count = space
        kept = text[:count].rstrip(_LOOSE)
        return kept + end if kept else ""

    def _longest(self, text, size, width, end=""):
        """How many characters of `text` fit into `width`, with `end` after them."""

        def fits(count):
            return self.width(text[:count].rstrip(_LOOSE if end else " ") + end, size) <= width

        # Measuring long texts is slow, so start from the sum of the characters' own widths, which is nearly right.
        count, room = 0, width - self.width(end, size)
        while count < len(text) and room > 0:
            room -= _advance(self, text[count], size)
            count += 1
        while count < len(text) and fits(count + 1):
            count += 1
        while count > 0 and not fits(count):
            count -= 1
        return count

    def wrap(self, text, size, width, lines):
        """At most `lines` lines no wider than `width`. Words too long for a line are cut; the last line ends in …
        where text is left over."""
        limit = int(lines * (4 * width / size + 16)) + 64  # no lines hold more; a prompt can have 100,000 characters
        text = "" if text is None else str(text)
        rest, cut = self.clean(text[:limit]), self.clean("…" if len(text) > limit else "")
        out: list[str] = []
        while rest.strip() and len(out) < lines:
            if len(out) == lines - 1:
                out.append(self.shorten(" ".join(rest.split()) + cut, size, width))
                break
            line, rest = self._break(rest.lstrip(" "), size, width)
            if self.width(line, size) > width:  # not even one character fits
                break
            out.append(line)
        while out and not out[-1]:
            out.pop()
        return out

    def _break(self, text, size, width):
        """The first line of `text` and what remains."""
        paragraph, newline, after = text.partition("\n")
        cut = self._longest(paragraph, size, width)
        if cut == len(paragraph):
            return paragraph.rstrip(), after
        cut = max(1, cut)
        if paragraph[cut : cut + 1] != " ":
            space = paragraph.rfind(" ", 0, cut + 1)
            joint = max(paragraph.rfind(c, 0, cut) for c in "-_/,") + 1
            if space > 0:
                cut = space
            elif joint > cut // 2:
                cut = joint
        return paragraph[:cut].rstrip(), paragraph[cut:].lstrip(" ") + newline + after
