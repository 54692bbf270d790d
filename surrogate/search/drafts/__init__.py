"""Drafts: what the model predicts after a few steps, as a cheap and imperfect look at a picture.

    calibration   how well scores of drafts tell those of finished pictures; which number of steps is worth it
    drafting      which drafts a study makes now, and when they are checked
    beliefs       a study's history for its optimiser: points that have only a draft, with the score to be expected

How early a draft tells the truth depends on the model and on the score, so it is measured in each search. The first
pictures are finished, and their drafts looked at on the way. If drafts are good enough, candidates are drafted only, and
the best of them is finished now and then: what it turns out to be says whether to go on. Only finished pictures count as
scored.
"""

from .beliefs import believed, pairs, promised
from .calibration import FEWEST, Line, chosen_step, correlation, trust, watched_steps
from .drafting import CHECK, FIRST, RESERVE, Drafting

__all__ = [
    "CHECK",
    "FEWEST",
    "FIRST",
    "RESERVE",
    "Drafting",
    "Line",
    "believed",
    "chosen_step",
    "correlation",
    "pairs",
    "promised",
    "trust",
    "watched_steps",
]
