"""Drafts of a study's points: told in place of scores, and replaced when the pictures are finished."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from .access import Access, Told, Writing
from .drafts import Drafting
from .ledger import Ledger
from .results import NOT_JUDGED, Result
from .values import RUNNING, Draft, Generation, StudyError

__all__ = ["note_drafting", "seen_on_the_way", "store_finished", "store_told", "tell_drafts", "tell_finished"]


def seen_on_the_way(scores: Mapping[int, float], of: int) -> Draft | None:
    """What was seen while a picture of `of` steps was finished; None if nothing was."""
    known = {step: score for step, score in scores.items() if math.isfinite(score)}
    return Draft(known, of) if known else None


def note_drafting(access: Access, drafting: Drafting) -> None:
    """Remember what was decided."""
    with access.writing(access.memory) as now:
        now.state.drafting = drafting
        access.save(now)


def tell_drafts(
    access: Access, generation: Generation, scores: Sequence[float], step: int, of: int, glimpses: Sequence
) -> None:
    """Record the `scores` (n,) of drafts after `step` of `of` steps. Drafts of points that came back stay as they are."""
    memory = access.memory
    with access.writing(memory) as now:
        ledger = memory.ledger
        for row, score, seen in zip(generation.trials.tolist(), scores, glimpses, strict=True):
            if ledger.state(row) == RUNNING:
                now.told.append(Told(row, NOT_JUDGED, seen, Draft({step: float(score)}, of, step)))
        if now.told:
            store_told(access, now, ledger)
            now.state.drafting = (now.state.drafting or Drafting(of)).after(len(now.told))
            access.save(now)


def tell_finished(
    access: Access,
    rows: Sequence[int],
    results: Sequence[Result],
    drafts: Sequence[Mapping[int, float]],
    glimpses: Sequence[np.ndarray | None],
    drafting: Drafting,
) -> None:
    """Record the `results` of points of which there were drafts, and what follows from them, all or nothing.

    `drafts`: scores of what was seen on the way, by the number of steps. Raises StudyError for points without a draft.
    """
    memory = access.memory
    with access.writing(memory) as now:
        ledger = memory.ledger
        if any(ledger.drafts[row] is None for row in rows):
            raise StudyError(f"Points {list(rows)} of the study {access.name!r} are not all drafts.")
        store_finished(access, now, ledger, rows, results, glimpses, drafts)
        now.state.drafting = drafting
        access.save(now)


def store_finished(
    access: Access,
    now: Writing,
    ledger: Ledger,
    rows: Sequence[int],
    results: Sequence[Result],
    glimpses: Sequence[np.ndarray | None],
    seen: Sequence[Mapping[int, float]] = (),
) -> None:
    """Write the `results` of points of which there were drafts, with what was `seen` on the way; the state is not saved."""
    before = [ledger.drafts[row] for row in rows]
    more = seen or [{}] * len(rows)
    merged = [replace(draft, scores={**new, **draft.scores}) for draft, new in zip(before, more, strict=True) if draft]
    access.store.retell(now.connection, [ledger.ids[row] for row in rows], results, glimpses, merged)
    now.state.retold += 1


def store_told(access: Access, now: Writing, ledger: Ledger) -> None:
    """Write what was told to the database."""
    rows, results, seen, drafts = zip(*now.told, strict=True)
    access.store.finish(now.connection, [ledger.ids[row] for row in rows], results, seen, drafts)
