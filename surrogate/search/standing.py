"""How a study stands, from its points."""

from __future__ import annotations

import numpy as np

from .ledger import Ledger
from .state import State
from .values import Best, Drafts, History, Report, pareto_front

__all__ = ["best_of", "report_of"]


def report_of(name: str, ledger: Ledger, state: State, remarks: list[str]) -> Report:
    """The report of the study `name`, with `remarks` for the user."""
    leader, front = ledger.leader, 0
    if len(ledger.directions) > 1:
        history = ledger.history()
        gains = history.gains
        front = len(pareto_front(gains[np.isfinite(gains).all(axis=1)]))
        leader = int(history.ranked(1)[0]) if front else None
    return Report(
        name=name,
        budget=state.budget,
        evaluated=ledger.complete + ledger.failed + ledger.skipped + ledger.draft_images,
        failed=ledger.failed,
        open=len(ledger.open - set(ledger.known)),
        runs=len(ledger.current),
        generation=max(ledger.current.values(), default=-1) + 1,
        best=None if leader is None else best_of(ledger.history(), leader),
        front=front,
        remarks=tuple(remarks),
        skipped=ledger.skipped,
        drafts=_drafts_of(ledger, state),
    )


def _drafts_of(ledger: Ledger, state: State) -> Drafts | None:
    if state.drafting is None or not ledger.drafted:
        return None
    of, finished = state.drafting.of, ledger.complete + ledger.failed + ledger.skipped
    saved = ledger.drafted_alone * of - ledger.draft_steps
    return Drafts(finished, ledger.drafted, finished * of + ledger.draft_steps, saved, of)


def best_of(history: History, row: int) -> Best:
    """The point in `row` of the history, which has a score."""
    return Best(
        u=history.u[row],
        scores=tuple(history.scores[row].tolist()),
        number=int(row),
        label=history.labels[row],
        run=int(history.run[row]),
        generation=int(history.generation[row]),
        index=int(history.index[row]),
    )
