"""How good is a space? The three checks of Willis et al. (arXiv 2509.23800), as numbers and in words.

    walks.py         points from near to far, so that few pictures show how distance and likeness go together
    stationarity.py  whether near points give near pictures, and whether the same point gives the same picture
    stretch.py       whether a step means the same everywhere in the cube
    orthogonality.py how far seeds are from orthogonal, in few and in many dimensions
    closure.py       whether blends are noise, and whether their pictures look like the model's own
    carriers.py      whether noise on the prompt would change pictures more
    keep.py          what is kept of a picture
    features.py      what is compared of pictures
    two_sample.py    whether two sets of independent pictures come from one distribution
    report.py        the verdict on a space
    drawing.py       and drawn

Who renders is not asked: points, noises and pictures (n, h, w, 3) or clips (n, t, h, w, 3), uint8, go in.
"""

from .carriers import LITTLE, STRENGTHS, UNTIL, Carriers, nearly_equal, variety
from .closure import Closure, NoiseCheck, PictureCheck, check_noise, check_pictures
from .drawing import drawing
from .features import FEATURES, features
from .keep import keep
from .orthogonality import Overlap, overlap
from .report import Grade, Quality, space_quality
from .stationarity import Relation, Stationarity, stationarity
from .stretch import PLACES, steps
from .two_sample import TwoSample, two_sample
from .walks import Walks, walks

__all__ = [
    "FEATURES",
    "LITTLE",
    "PLACES",
    "STRENGTHS",
    "UNTIL",
    "Carriers",
    "Closure",
    "Grade",
    "NoiseCheck",
    "Overlap",
    "PictureCheck",
    "Quality",
    "Relation",
    "Stationarity",
    "TwoSample",
    "Walks",
    "check_noise",
    "check_pictures",
    "drawing",
    "features",
    "keep",
    "nearly_equal",
    "overlap",
    "space_quality",
    "stationarity",
    "steps",
    "two_sample",
    "variety",
    "walks",
]
