"""Asking: which points are to be scored next, and who thinks them out."""

from __future__ import annotations

import time

import numpy as np

from .access import Memory, Writing
from .desk import Desk
from .drafts import believed
from .ledger import Ledger
from .optimisers import Proposal
from .turns import Task, choose, shared
from .values import Generation, History, StudyError

__all__ = ["ask"]

# After so many thoughts in vain, because others were faster, a worker thinks while they wait, if that takes few seconds.
IN_VAIN, FEW_SECONDS = 3, 5.0


def ask(desk: Desk, n: int | None) -> Generation:
    """The next points to score at this desk, at most `n`; without points if there is nothing to do (see `Study.ask`)."""
    memory, identity = desk.memory, desk.access.identity
    in_vain, seconds = 0, 0.0
    with memory.thinking:
        while True:
            ledger, task, history = _take(desk, memory, in_vain >= IN_VAIN and seconds < FEW_SECONDS)
            if task is None:
                return _generation(identity, ledger, -1, -1, [])
            if history is not None:
                began = time.monotonic()
                proposed = _think(desk, memory, history, task)
                if proposed is None:
                    # Others were faster: the lease is over, the budget spent, or the same was tried.
                    in_vain, seconds = in_vain + 1, time.monotonic() - began
                    continue
                ledger = proposed
            with memory.lock:
                rows = [row for row in ledger.places[task.run, task.number] if row in ledger.open]
                rows.sort(key=lambda row: ledger.place(row)[2])
                return _generation(identity, ledger, task.run, task.number, rows[:n])


def _take(desk: Desk, memory: Memory, at_once: bool) -> tuple[Ledger, Task | None, History | None]:
    """What this worker works on now; with the history, if its missing points are still to be thought out.

    Then the run is claimed: nobody else takes it, and nobody waits meanwhile. With `at_once` they are thought out here.
    """
    with desk.access.writing(memory) as now:
        ledger = memory.ledger
        population = now.state.population
        if desk.optimiser.shares:
            population = shared(ledger, now.state, desk.here, now.time, desk.optimiser.smallest_population)
        task = choose(ledger, now.state, desk.here, now.time, population)
        if task is None:
            return ledger, None, None
        history = ledger.history() if task.missing else None
        if history is not None and (at_once or not desk.optimiser.slow):
            _add(desk, now, ledger, task, _propose(desk, memory, history, task))
            history = None
        now.state.runs[task.run] = desk.hold(now, None if history is None else task.number)
        desk.access.save(now)
    return ledger, task, history


def _think(desk: Desk, memory: Memory, history: History, task: Task) -> Ledger | None:
    """Propose the points of a claimed `task`; the ledger that has them. None if others took the task, or stored points
    meanwhile that these would repeat: then it is to be thought out again.
    """
    proposal = _propose(desk, memory, history, task)
    with desk.access.writing(memory) as now:
        ledger = memory.ledger
        if choose(ledger, now.state, desk.here, now.time, task.population) != task:
            return None
        later = ledger.u(np.arange(len(history), len(ledger)))
        if len(later) and desk.optimiser.outdated(np.clip(proposal.u, 0.0, 1.0), history, later):
            return None
        _add(desk, now, ledger, task, proposal)
        now.state.runs[task.run] = desk.hold(now)
        desk.access.save(now)
    return ledger


def _propose(desk: Desk, memory: Memory, history: History, task: Task) -> Proposal:
    seed, expected = desk.access.definition.seed, believed(history)
    # What drafts let expect changes with what is known: nothing that was thought of it stays true.
    kept = memory.optimiser if expected is history else {}
    return desk.optimiser.propose(expected, task.run, task.number, task.missing, task.population, seed, kept)


def _add(desk: Desk, now: Writing, ledger: Ledger, task: Task, proposal: Proposal) -> None:
    """Write the task's missing points to the database."""
    u = np.clip(proposal.u, 0.0, 1.0)
    if u.shape != (len(task.missing), ledger.dimension) or not np.isfinite(u).all():
        raise StudyError(f"The optimiser {desk.optimiser.name} proposed {u.shape} points, not all finite: {u}.")
    lane = f"{task.run + 1}/" if task.run else ""
    notes = [
        {
            "run": task.run,
            "generation": task.number,
            "index": i,
            "population": task.population,
            "label": f"{lane}{task.number + 1}.{i + 1}",
        }
        for i in task.missing
    ]
    attributes = proposal.attributes or ({},) * len(u)
    first = len(ledger)
    ids = desk.access.store.add(now.connection, desk.access.study_id, ledger, u, notes, attributes)
    now.added += zip(ids, range(first, first + len(u)), u, notes, attributes, strict=True)


def _generation(study: str, ledger: Ledger, run: int, number: int, rows: list[int]) -> Generation:
    return Generation(
        study=study,
        run=run,
        number=number,
        indices=np.array([ledger.place(row)[2] for row in rows], dtype=np.int64),
        trials=np.array(rows, dtype=np.int64),
        u=ledger.u(np.array(rows, dtype=np.int64)),
        labels=tuple(ledger.labels[row] for row in rows),
    )
