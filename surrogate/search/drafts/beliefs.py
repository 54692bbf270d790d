"""A study's history for its optimiser: points that have only a draft, with the score to be expected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..values import COMPLETE, History
from .calibration import Line

__all__ = ["believed", "line_of", "pairs", "promised"]


def pairs(history: History, of: int | None = None) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """For each number of steps the gains (n,) of drafts and of the same pictures, finished; in the order of the study.

    With `of`, only of pictures of so many steps.
    """
    gains, sign = history.gains[:, 0], _sign(history)
    found: dict[int, list[tuple[float, float]]] = {}
    for draft, gain in zip(history.drafts, gains.tolist(), strict=True):
        if draft is None or not np.isfinite(gain) or of not in (None, draft.of):
            continue
        for step, score in draft.scores.items():
            found.setdefault(step, []).append((sign * score, gain))
    return {step: (np.array(seen)[:, 0], np.array(seen)[:, 1]) for step, seen in found.items()}


def line_of(history: History, step: int) -> Line:
    """What drafts after `step` steps let expect."""
    return Line.through(*pairs(history).get(step, ((), ())))


def promised(history: History, step: int) -> list[tuple[int, float]]:
    """The points of which there is only a draft after `step` steps, and the gains to be expected of them: best first."""
    line, sign = line_of(history, step), _sign(history)
    open_ = [(row, line(sign * history.drafts[row].scores[step])) for row in _drafts_alone(history, step)]  # type: ignore[union-attr]
    return sorted(open_, key=lambda one: (-one[1], one[0]))


def believed(history: History) -> History:
    """`history` with points that have only a draft as if they were finished, with the scores to be expected.

    Itself if there is no such point.
    """
    steps = {max(draft.scores) for draft in history.drafts if draft is not None and draft.spent}
    expected = {row: gain for step in sorted(steps) for row, gain in promised(history, step)}
    if not expected:
        return history
    scores, state = history.scores.copy(), history.state.copy()
    rows = sorted(expected)
    scores[rows, 0] = [_sign(history) * expected[row] for row in rows]
    state[rows] = COMPLETE
    return replace(history, scores=scores, state=state)


def _drafts_alone(history: History, step: int) -> list[int]:
    return [row for row in np.flatnonzero(history.drafted).tolist() if step in history.drafts[row].scores]  # type: ignore[union-attr]


def _sign(history: History) -> float:
    return 1.0 if history.directions[0] == "maximize" else -1.0
