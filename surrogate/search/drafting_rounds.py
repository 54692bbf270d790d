"""A generation that is looked at as drafts, of which the most promising are finished: for searches that ask and tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .drafts import FEWEST, correlation, pairs, promised
from .study import Study
from .values import Generation, Report

__all__ = ["DraftsTold", "tell_drafts_of"]

# A correlation below this says little about the finished picture.
DOUBTFUL = 0.5


@dataclass(frozen=True)
class DraftsTold:
    """How the study stands, and the points of the generation to `finish` now, the most promising one first.

    `agreement`: correlation of drafts with the same pictures, finished, over `pairs` of them; None while there are fewer
    than 8.
    """

    report: Report
    finish: Generation
    pairs: int
    agreement: float | None

    @property
    def doubtful(self) -> bool:
        """Whether drafts tell too little about finished pictures."""
        return self.agreement is not None and self.agreement < DOUBTFUL


def tell_drafts_of(
    study: Study,
    generation: Generation,
    scores: Sequence[float],
    step: int,
    of: int,
    finish: int,
    reasons: Sequence[str | None] | None = None,
    pictures: Sequence[np.ndarray | None] | None = None,
) -> DraftsTold:
    """Tell a study the `scores` (n,) of a generation's drafts after `step` of `of` steps; which of them to finish.

    Then make the pictures of `DraftsTold.finish` with all steps, from the start, and tell their scores as usual. At most
    `finish` are chosen, and no more than the budget has left; none that this study has told before. A draft without a
    finite score is a failed image, for the reason given. `pictures`: as in `Study.tell`.
    Raises ValueError for a study of several scores, for another number of scores, and for steps that are not 1 to of - 1.
    """
    if len(study.definition.directions) > 1:
        raise ValueError(f"Drafts are for studies of one score; {study.name!r} has several: finish its images.")
    if not 1 <= step < of:
        raise ValueError(f"A draft is made with 1 to {of - 1} of {of} steps, got {step}.")
    values = np.asarray(scores, np.float64).reshape(-1)
    if len(values) != len(generation):
        raise ValueError(
            f"scores: expected {len(generation)}, one for each draft of the generation, got {len(values)}."
        )
    why, seen = reasons or [None] * len(values), pictures or [None] * len(values)
    good = [i for i, score in enumerate(values.tolist()) if math.isfinite(score)]
    bad = [i for i in range(len(values)) if i not in good]
    if bad:
        study.tell(generation.select(bad), [math.nan] * len(bad), [why[i] for i in bad])
    if good:
        study.tell_drafts(generation.select(good), values[good].tolist(), step, of, [seen[i] for i in good])
    report, history = study.report(), study.history()
    place = {trial: i for i, trial in enumerate(generation.trials.tolist())}
    best = [place[row] for row, _ in promised(history, step) if row in place]
    left = max(0, report.budget - report.evaluated - report.open)
    seen_twice = pairs(history, of).get(step, ((), ()))
    many = len(seen_twice[0])
    agreement = correlation(*map(np.asarray, seen_twice)) if many >= FEWEST else None
    return DraftsTold(report, generation.select(best[: min(finish, left)]), many, agreement)
