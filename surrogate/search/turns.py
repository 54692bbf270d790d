"""Whose turn it is: which generation of which run a worker gets next."""

from __future__ import annotations

from dataclasses import dataclass

from .ledger import Ledger
from .state import State
from .workers import Worker

__all__ = ["Task", "choose", "shared"]


@dataclass(frozen=True)
class Task:
    """What `ask` decided: rows to hand out again, and `missing` indices of the generation to propose."""

    run: int
    number: int
    population: int
    missing: tuple[int, ...]


def choose(ledger: Ledger, state: State, here: Worker, now: float, population: int) -> Task | None:
    """What `here` should work on at the time `now`: an open generation that is its own or nobody's, else the next one,
    else a new run.

    A new generation has `population` images. None if the budget is spent, or others have the rest.
    """
    room = state.budget - ledger.paid
    current = _current(ledger, state)
    begun, idle = _free_runs(ledger, state, here, now, current)
    if begun:
        run = min(begun)[1]
        return _task(ledger, run, current[run], room, population)
    if room <= 0:
        return None
    run = min(idle)[1] if idle else len(current)
    number = current.get(run, -1)
    if number >= 0:
        task = _task(ledger, run, number, room, population)
        if task.missing:  # The budget ended within it, and was raised since.
            return task
    return _task(ledger, run, number + 1, room, population)


def shared(ledger: Ledger, state: State, here: Worker, now: float, smallest: int) -> int:
    """How many images the next generation has if all workers share the study's population: `smallest` or more.

    Those count who have open points or think some out, and are not known to be dead.
    """
    current, busy = _current(ledger, state), {here}
    for run, hold in state.runs.items():
        rows = ledger.places.get((run, current[run]), [])
        at_work = hold.claimed is not None or any(row in ledger.open for row in rows)
        if at_work and hold.worker != here and not hold.is_over(now) and not hold.worker.is_dead(here):
            busy.add(hold.worker)
    return max(-(-state.population // len(busy)), smallest)


def _current(ledger: Ledger, state: State) -> dict[int, int]:
    """The last generation of each run; -1 of a run that is only claimed."""
    return {**dict.fromkeys(state.runs, -1), **ledger.current}


def _free_runs(ledger: Ledger, state: State, here: Worker, now: float, current: dict[int, int]) -> tuple[list, list]:
    """The runs that `here` may work on: those with open points, and those that wait for their next generation.

    Each with whether it is somebody else's: own ones come first.
    """
    begun, idle = [], []
    for run, number in sorted(current.items()):
        hold = state.runs.get(run)
        mine = hold is not None and hold.worker == here
        free = mine or hold is None or hold.is_over(now) or hold.worker.is_dead(here)
        if any(row in ledger.open for row in ledger.places.get((run, number), [])):
            if free:
                begun.append((not mine, run))
        elif free or (hold is not None and hold.claimed is None):
            idle.append((not mine, run))
    return begun, idle


def _task(ledger: Ledger, run: int, number: int, room: int, population: int) -> Task:
    """What is missing of a generation, which has `population` images if it is a new one."""
    rows = ledger.places.get((run, number), [])
    population = ledger.place(rows[0])[3] if rows else population
    asked = {ledger.place(row)[2] for row in rows}
    missing = [i for i in range(population) if i not in asked][: max(0, room)]
    return Task(run, number, population, tuple(missing))
