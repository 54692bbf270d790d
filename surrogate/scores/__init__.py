"""Scores: functions of images, (n, h, w, c) to (n,) float64, which a search makes as large (or as small) as it can.

    match_*      how close to a target: pixels, colours, structure, all together
    brightness … of a picture on its own: tone, sharpness, a colour's share, symmetry, the brightest spot
    cosine       of embeddings that a model made, such as CLIP's
    Expression   arithmetic over several scores, from a text
    as_scores    what somebody else's score gave, checked: numbers, or texts with a number

`MATCHES` and `STATISTICS`, together `SCORES`, map a name to a class; its settings are the fields of a dataclass. To
add one, write a file with a `Score` and a line here: the tests of the laws and the nodes' drop-down follow the
registry.

>>> from surrogate.scores import combine, make_score
>>> sunny = make_score("colour_share", colour="#ffd060")(images)
>>> combine("sunny - abs(x - 0.5)", {"sunny": sunny, "x": make_score("brightest_x")(images)})
"""

import dataclasses
from typing import Any

from .base import Score, Statistic
from .brightest_spot import BrightestX, BrightestY
from .colour_share import ColourShare
from .colours import MatchColours
from .expression import FUNCTIONS, Expression, combine
from .match_image import MatchImage
from .pixels import MatchPixels
from .sharpness import Sharpness
from .similarity import cosine
from .structure import MatchStructure
from .symmetry import Symmetry
from .texts import score_in
from .tone import Brightness, Contrast, Saturation
from .values import OneScore, as_scores, not_finite

__all__ = [
    "FUNCTIONS",
    "MATCHES",
    "SCORES",
    "STATISTICS",
    "BrightestX",
    "BrightestY",
    "Brightness",
    "ColourShare",
    "Contrast",
    "Expression",
    "MatchColours",
    "MatchImage",
    "MatchPixels",
    "MatchStructure",
    "OneScore",
    "Saturation",
    "Score",
    "Sharpness",
    "Statistic",
    "Symmetry",
    "as_scores",
    "combine",
    "cosine",
    "make_score",
    "not_finite",
    "score_in",
]

MATCHES: dict[str, type[Score]] = {s.name: s for s in (MatchImage, MatchPixels, MatchColours, MatchStructure)}
STATISTICS: dict[str, type[Statistic]] = {
    s.name: s for s in (Brightness, Contrast, Saturation, Sharpness, ColourShare, Symmetry, BrightestX, BrightestY)
}
SCORES: dict[str, type[Score]] = {**MATCHES, **STATISTICS}


def make_score(name: str, **settings) -> Score:
    """The score `name` with `settings`, such as `make_score("match_pixels", target=image, side=32)`.

    Raises ValueError for an unknown name or setting, and for a value out of its range.
    """
    if name not in SCORES:
        raise ValueError(f"There is no score {name!r}: choose one of {', '.join(SCORES)}.")
    made: Any = SCORES[name]
    fields = {field.name: field for field in dataclasses.fields(made)}
    unknown = [setting for setting in settings if setting not in fields]
    if unknown:
        raise ValueError(f"{name} has no setting {unknown[0]!r}; it has {', '.join(fields) or 'none'}.")
    if made.needs_target and settings.get("target") is None:
        raise ValueError(f"{name} compares with a picture: give it a target.")
    return made(**settings)
