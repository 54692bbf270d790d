"""What a person says of a generation by clicking: which pictures are liked, in which order, none, or no answer."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..checks import choice, whole
from .study import Study
from .values import COMPLETE, Generation, History, Report

__all__ = ["VERDICTS", "Picks", "check_takes_picks", "generation_name", "last_picked", "pick_scores", "tell_picks"]

VERSION = 1
MOST_TEXT = 1 << 16
FORM = '{"v": 1, "of": "name of the generation", "do": "likes", "cells": [0, 2]}'
VERDICTS = {
    "likes": "the picked pictures are liked, all the same",
    "ranking": "the picked pictures are liked, the first one most",
    "none": "no picture is liked",
    "skip": "the person cannot tell",
}
# The score of the last picture of a ranking: nearer to the first one than to those that were not picked.
LAST = 0.5


@dataclass(frozen=True)
class Picks:
    """An answer about one generation.

    verdict : one of `VERDICTS`
    cells : the numbers of the picked pictures, from 0, in the order of the clicks; empty for "none" and "skip"
    of : the name of the generation, see `generation_name`; "" for the one that is being looked at
    """

    verdict: str
    cells: tuple[int, ...] = ()
    of: str = ""

    @classmethod
    def parse(cls, text: str) -> Picks:
        """The answer in a JSON text such as {"v": 1, "of": "…", "do": "likes", "cells": [0, 2]}.

        Raises ValueError that names what is wrong with the text.
        """
        if len(text) > MOST_TEXT:
            raise ValueError(f"picks is a text of {len(text)} characters; the longest that is read has {MOST_TEXT}.")
        try:
            return cls.read(json.loads(text))
        except RecursionError:
            raise ValueError("picks is JSON in too many brackets. Clear it and pick again.") from None
        except json.JSONDecodeError:
            raise ValueError(f"picks is not JSON: {text[:80]!r}. Clear it and pick again.") from None

    @classmethod
    def read(cls, entry) -> Picks:
        """The same from JSON that was decoded."""
        if not isinstance(entry, dict) or not isinstance(entry.get("of", ""), str):
            raise ValueError(f"picks must be JSON of the form {FORM}, got {str(entry)[:80]!r}.")
        if entry.get("v", VERSION) != VERSION:
            raise ValueError(f"picks is of version {str(entry['v'])[:80]}; this version of the pack reads {VERSION}.")
        cells = entry.get("cells", [])
        if not isinstance(cells, list):
            raise ValueError(f"cells in picks must be a list of numbers such as [0, 2], got {str(cells)[:80]!r}.")
        verdict = choice("do in picks", entry.get("do", "likes"), VERDICTS)
        return cls.of_cells(verdict, [whole("cells in picks", cell, 0) for cell in cells], entry.get("of", ""))

    @classmethod
    def of_cells(cls, verdict: str, cells: Sequence[int], of: str = "") -> Picks:
        """The answer `verdict` with these `cells`: likes of nothing are "none", and "none" and "skip" pick nothing."""
        picked = tuple(dict.fromkeys(cells)) if verdict in ("likes", "ranking") else ()
        return cls(verdict if picked or verdict == "skip" else "none", picked, of)

    @classmethod
    def of_words(cls, text: str, verdict: str = "likes") -> Picks:
        """The answer in a text such as "1, 3" (numbers from 1, in order), "none" or "skip".

        Raises ValueError for another text.
        """
        words = text.strip().lower()
        if words in ("none", "skip"):
            return cls(words)
        if not re.fullmatch(r"\d{1,6}(?:[\s,;]+\d{1,6})*[\s,;]*", words):
            raise ValueError(
                f'likes must be numbers of pictures from 1 such as "1, 3", or "none" or "skip", got {text[:80]!r}.'
            )
        return cls.of_cells(verdict, [whole("likes", int(word), 1) - 1 for word in re.findall(r"\d+", words)])

    def text(self) -> str:
        """The answer as JSON: `Picks.parse(text)` is this answer again."""
        entry = {"v": VERSION, "of": self.of, "do": self.verdict, "cells": list(self.cells)}
        return json.dumps(entry, separators=(",", ":"))


def pick_scores(picks: Picks, count: int) -> np.ndarray | None:
    """Scores (count,) from 0 to 1 of the pictures of a page; None if the person cannot tell.

    Liked pictures get 1, those of a ranking evenly spaced scores from 1 for the first to 0.5 for the last, all others 0.
    Raises ValueError if a picked picture is not on the page.
    """
    if picks.verdict == "skip":
        return None
    if picks.cells and max(picks.cells) >= count:
        raise ValueError(f"Picture {max(picks.cells) + 1} was picked, but there are {count} pictures.")
    scores = np.zeros(count)
    last = LAST if picks.verdict == "ranking" and len(picks.cells) > 1 else 1.0
    scores[list(picks.cells)] = np.linspace(1.0, last, len(picks.cells))
    return scores


def generation_name(generation: Generation) -> str:
    """A name for just these points of a study, the same in every process; no other generation has it."""
    trials = ",".join(map(str, generation.trials.tolist()))
    place = f"{generation.study}/{generation.run}/{generation.number}/{trials}"
    digest = hashlib.sha256(place.encode()).hexdigest()
    return f"{generation.study[:8]}-{generation.run + 1}-{generation.number + 1}-{digest[:12]}"


def tell_picks(study: Study, generation: Generation, picks: Picks, pictures=None) -> Report:
    """Tell a study of one score what a person picked of a `generation` that it asked for; how the study stands then.

    The scores are those of `pick_scores`, for "minimize" subtracted from 1. `pictures`: as in `Study.tell`.
    Raises ValueError for a study of several scores, and for pictures that are not in the generation.
    """
    check_takes_picks(study)
    scores = pick_scores(picks, len(generation))
    if scores is None:
        return study.skip(generation)
    return study.tell(
        generation, scores if study.definition.directions[0] == "maximize" else 1.0 - scores, pictures=pictures
    )


def check_takes_picks(study: Study) -> None:
    """Raises ValueError for a study of several scores: picks are one score an image."""
    count = len(study.definition.directions)
    if count > 1:
        raise ValueError(
            f"Picks are one score an image, but the study {study.name!r} has {count} directions: start a study with one."
        )


def last_picked(history: History) -> np.ndarray:
    """Row numbers of the pictures that were liked last, best first, in the history of a study that was told picks.

    Empty if nothing was liked yet.
    """
    scores = history.scores[:, 0] if history.directions[0] == "maximize" else 1.0 - history.scores[:, 0]
    liked = np.flatnonzero((history.state == COMPLETE) & ~history.known & (scores > 0))
    if not len(liked):
        return liked
    place = np.stack([history.run, history.generation], axis=1)
    last = liked[(place[liked] == place[liked[-1]]).all(axis=1)]
    return last[np.argsort(-scores[last], kind="stable")]
