"""Scores that a language model or another program wrote as text, such as "Score: 7/10"."""

from __future__ import annotations

import math
import re

__all__ = ["score_in"]

# A number that is no part of a word (SD3, v1.5): with sign, point and exponent. A minus after a letter or digit is a dash.
SIGN = r"(?:(?<![\w.])[-+−])?"
NUMBER = re.compile(rf"{SIGN}(?<![^\W\d_])(?<![\d.])(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+(?!\w))?")
# What follows a number and says how far its scale goes, so that it is not the score: 7/10, 7 out of 10.
SCALE = re.compile(rf"\s*(?:/|out\s+of|of|von|sur|de)\s*{NUMBER.pattern}", re.IGNORECASE)
SHOWN = 60


def score_in(text: str, name: str = "scores") -> float:
    """The one number in `text`; NaN if there is none, so that it counts as a failed image.

    Of "7/10" and "7 out of 10" it is 7. Digits within a word such as "SD3" are not a number.
    Raises ValueError if the text has several numbers that differ.

    >>> score_in("Score: 7/10"), score_in("I see no face.")
    (7.0, nan)
    """
    found: dict[float, str] = {}
    place = 0
    while match := NUMBER.search(text, place):
        found.setdefault(float(match[0].replace("−", "-")), match[0])
        scale = SCALE.match(text, match.end())
        place = scale.end() if scale else match.end()
    if len(found) > 1:
        listed = ", ".join(list(found.values())[:4]) + (", …" if len(found) > 4 else "")
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
        raise ValueError(
            f"{name}: the text {shown!r} has several numbers ({listed}), and nothing says which is the score. Let the "
            "text have one number only, with a point for decimals, such as 7.5 or 7/10."
        )
    return next(iter(found), math.nan)
