"""Telling: what came back for the points of a study, from this worker or another, now or again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .access import Access, Told, Writing
from .desk import Desk
from .drafted import store_finished, store_told
from .ledger import Ledger
from .results import NOT_JUDGED, Result
from .standing import report_of
from .values import COMPLETE, FAILED, RUNNING, SKIPPED, Draft, Generation, Report

__all__ = ["add_known", "check_asked", "retell", "tell"]


def tell(
    desk: Desk,
    generation: Generation,
    results: Sequence[Result],
    glimpses: Sequence[np.ndarray | None],
    drafts: Sequence[Draft | None] | None = None,
) -> Report:
    """Store what came back for a generation of this study, or a slice of one (see `Study.tell`)."""
    here, memory = desk.here, desk.memory
    with desk.access.writing(memory) as now:
        ledger = memory.ledger
        _check_mine(desk.name, ledger, generation)
        hold = now.state.runs.get(generation.run)
        mine = hold is None or hold.worker == here
        trials = generation.trials.tolist()
        drafted = [i for i, trial in enumerate(trials) if ledger.is_draft(trial)]
        seen = drafts or [None] * len(trials)
        new = [Told(*told) for i, told in enumerate(zip(trials, results, glimpses, seen)) if i not in drafted]
        remarks = _sort(desk.name, now, ledger, new, mine)
        if drafted:
            rows, got = [trials[i] for i in drafted], [results[i] for i in drafted]
            store_finished(desk.access, now, ledger, rows, got, [glimpses[i] for i in drafted])
            desk.access.save(now)
        if now.told:
            store_told(desk.access, now, ledger)
            if mine:
                now.state.runs[generation.run] = desk.hold(now)
                desk.access.save(now)
    if drafted:  # the ledger takes up what has changed when it is read
        with desk.access.reading(memory) as state:
            return report_of(desk.name, memory.ledger, state, remarks)
    with memory.lock:
        return report_of(desk.name, memory.ledger, now.state, remarks)


def _sort(study: str, now: Writing, ledger: Ledger, told: Sequence[Told], mine: bool) -> list[str]:
    """Take up what is new; a remark for each point that another worker has told. Raises ValueError for other results
    than the recorded ones, if the generation is ours.
    """
    remarks = []
    for one in told:
        if ledger.state(one.row) == RUNNING:
            now.told.append(one)
        elif not _is_recorded(ledger, one.row, one.result):
            if mine:
                raise ValueError(_told_otherwise(study, ledger, one.row, one.result))
            remarks.append(f"Image {ledger.labels[one.row]} was scored by another worker before.")
    return remarks


def retell(
    access: Access, trials: Sequence[int], results: Sequence[Result], glimpses: Sequence[np.ndarray | None]
) -> None:
    """Store what came back for points that had failed and were made again (see `Study.retell`)."""
    memory = access.memory
    good = [i for i, result in enumerate(results) if not isinstance(result, str)]
    with access.writing(memory) as now:
        ledger = memory.ledger
        # Recorded already where the reply to the first attempt was lost.
        good = [i for i in good if trials[i] >= len(ledger) or not _is_recorded(ledger, trials[i], results[i])]
        for trial, result in zip(trials, results, strict=True):
            there = trial < len(ledger)
            if not there or not (ledger.state(trial) == FAILED or _is_recorded(ledger, trial, result)):
                raise ValueError(
                    f"Point {trial} of the study {access.name!r} did not fail: only failed points are retold."
                )
        if good:
            ids = [ledger.ids[trials[i]] for i in good]
            access.store.retell(now.connection, ids, [results[i] for i in good], [glimpses[i] for i in good])
            now.state.retold += 1
            access.save(now)


def add_known(
    access: Access,
    u: np.ndarray,
    results: Sequence[Result],
    labels: Sequence[str] | None,
    glimpses: Sequence[np.ndarray | None],
) -> int:
    """Store points u (n, k-1) whose scores are known; how many were new (see `Study.add_known`)."""
    if labels is not None and len(labels) != len(u):
        raise ValueError(f"There are {len(u)} points and {len(labels)} labels: give one label a point.")
    memory = access.memory
    with access.writing(memory) as now:
        ledger = memory.ledger
        known = {ledger.u(row).tobytes() for row in ledger.known}
        first = {row.tobytes(): i for i, row in reversed(list(enumerate(u)))}
        new = sorted(i for point, i in first.items() if point not in known)
        if new:
            store, study_id = access.store, access.study_id
            notes = [{"run": -1, "label": str(labels[i]) if labels else f"known {i + 1}"} for i in new]
            ids = store.add(now.connection, study_id, ledger, u[new], notes, [{}] * len(new))
            store.finish(now.connection, ids, [results[i] for i in new], [glimpses[i] for i in new])
    return len(new)


def check_asked(access: Access, generation: Generation) -> None:
    """Raises ValueError unless the generation is one that this study's `ask` gave."""
    if not isinstance(generation, Generation):
        raise ValueError(f"tell wants the Generation that ask gave, got {type(generation).__name__}.")
    if generation.study != access.identity:
        raise ValueError(f"These points were asked of another study than {access.name!r}: tell the one that was asked.")


def _check_mine(study: str, ledger: Ledger, generation: Generation) -> None:
    for trial, index, u in zip(generation.trials.tolist(), generation.indices.tolist(), generation.u, strict=True):
        if not (
            0 <= trial < len(ledger)
            and ledger.place(trial)[:3] == (generation.run, generation.number, index)
            and np.array_equal(ledger.u(trial), u)
        ):
            raise ValueError(f"Point {trial} of this generation is not in the study {study!r}: tell what its ask gave.")


def _is_recorded(ledger: Ledger, trial: int, result: Result) -> bool:
    """Whether `result` is what the ledger has for a finished point."""
    if isinstance(result, str):
        return ledger.state(trial) == FAILED
    if result == NOT_JUDGED:
        return ledger.state(trial) == SKIPPED
    return ledger.state(trial) == COMPLETE and ledger.scores(trial) == result


def _told_otherwise(study: str, ledger: Ledger, trial: int, result: Result) -> str:
    unscored = {FAILED: "failed", SKIPPED: "not judged"}
    was = unscored.get(ledger.state(trial), f"score {ledger.scores(trial)}")
    now = result if isinstance(result, str) else f"score {result}" if result else "not judged"
    return (
        f"Image {ledger.labels[trial]} of the study {study!r} was told before as {was}, now as {now}. What is "
        "recorded stays: ask for the next generation, or start another study for another score."
    )
