"""Recording: pages of points that a person was shown, as generations of a study that no optimiser proposed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .access import Access, Told, Writing
from .ledger import Ledger
from .values import RUNNING

__all__ = ["JudgedPage", "record"]

# Points that another version of numpy has computed differ by less than this.
ROUNDING = 1e-9


@dataclass(frozen=True)
class JudgedPage:
    """Points u (n, k-1), and their scores (n,) or None while nobody has judged them."""

    u: np.ndarray
    scores: tuple[float, ...] | None


def record(access: Access, pages: Sequence[JudgedPage]) -> list[list[int]]:
    """Write the `pages` of one session into a study of one score; the numbers of each page's points in it.

    A session is a run, a page a generation of it. What is recorded is not recorded again; scores that have changed since
    replace those of before. Other pages than any recorded session has, or fewer with other scores, are another run.
    """
    memory = access.memory
    with access.writing(memory) as now:
        ledger = memory.ledger
        run = _run_of(ledger, pages)
        numbers = [ledger.places.get((run, i), []) for i in range(len(pages))]
        missing = [i for i, rows in enumerate(numbers) if not rows]
        if missing:
            added = _add(access, now, ledger, run, {i: pages[i] for i in missing})
            numbers = [added.get(i, rows) for i, rows in enumerate(numbers)]
        _tell(access, now, ledger, numbers, pages)
    return [list(rows) for rows in numbers]


def _add(access: Access, now: Writing, ledger: Ledger, run: int, pages: dict[int, JudgedPage]) -> dict[int, list[int]]:
    """Write new pages, by their numbers; the numbers of their points."""
    lane = f"{run + 1}/" if run else ""
    u = np.concatenate([page.u for page in pages.values()])
    notes = [
        {"run": run, "generation": i, "index": j, "population": len(page.u), "label": f"{lane}{i + 1}.{j + 1}"}
        for i, page in pages.items()
        for j in range(len(page.u))
    ]
    first = len(ledger)
    nothing: list[dict] = [{} for _ in u]
    ids = access.store.add(now.connection, access.study_id, ledger, u, notes, nothing)
    now.added += zip(ids, range(first, first + len(u)), u, notes, nothing, strict=True)
    places = iter(range(first, first + len(u)))
    return {i: [next(places) for _ in page.u] for i, page in pages.items()}


def _tell(access: Access, now: Writing, ledger: Ledger, numbers: list[list[int]], pages: Sequence[JudgedPage]) -> None:
    """Write the scores that are not there yet, and those that have changed."""
    ids = {row: trial for trial, row, *_ in now.added} | dict(enumerate(ledger.ids))
    judged = [(rows, page.scores) for rows, page in zip(numbers, pages, strict=True) if page.scores is not None]
    told = [(row, (score,)) for rows, scores in judged for row, score in zip(rows, scores, strict=True)]
    new = [(row, score) for row, score in told if row >= len(ledger) or ledger.state(row) == RUNNING]
    changed = [(row, score) for row, score in told if row < len(ledger) and _differs(ledger, row, score)]
    if new:
        access.store.finish(now.connection, [ids[row] for row, _ in new], [score for _, score in new])
        now.told += [Told(row, score) for row, score in new]
    if changed:
        access.store.rescore(now.connection, [ids[row] for row, _ in changed], [score for _, score in changed])
        now.state.retold += 1
        access.save(now)


def _differs(ledger: Ledger, row: int, score: tuple[float]) -> bool:
    return ledger.state(row) != RUNNING and ledger.scores(row) != score


def _run_of(ledger: Ledger, pages: Sequence[JudgedPage]) -> int:
    """The latest run that has these pages, or is the beginning of them; else a new one."""
    runs = sorted(ledger.current, reverse=True)
    return next((run for run in runs if _is_session(ledger, run, pages)), len(runs))


def _is_session(ledger: Ledger, run: int, pages: Sequence[JudgedPage]) -> bool:
    count = ledger.current[run] + 1
    common = [(ledger.places[run, i], page) for i, page in enumerate(pages[:count])]
    same = all(len(rows) == len(page.u) and np.abs(ledger.u(rows) - page.u).max() < ROUNDING for rows, page in common)
    return same and (count <= len(pages) or not any(_judged_otherwise(ledger, rows, page) for rows, page in common))


def _judged_otherwise(ledger: Ledger, rows: list[int], page: JudgedPage) -> bool:
    return page.scores is not None and any(
        _differs(ledger, row, (score,)) for row, score in zip(rows, page.scores, strict=True)
    )
