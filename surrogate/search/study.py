"""A study: a search that is remembered, and who asks and tells what."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..checks import number, whole
from ..pictures.album import Album
from ..pictures.shared import Shared
from ..recent import Recent
from ..space import SurrogateSpace
from . import drafted, widening
from .access import Access, Memory, Told, Writing
from .definition import LARGEST_SEED, Definition, check_name
from .drafts import Drafting, believed
from .export import write_csv, write_json
from .ledger import Ledger
from .opening import Wanted, find_or_create, read_definition
from .optimisers import Optimiser, Proposal, make_optimiser
from .packing import glimpse
from .patience import patient
from .picture_places import check_place, picture_place
from .recording import JudgedPage, record
from .results import NOT_JUDGED, Result, results_of
from .standing import best_of, report_of
from .state import Hold
from .store import Store
from .turns import Task, choose
from .values import (
    COMPLETE,
    FAILED,
    RUNNING,
    SKIPPED,
    Best,
    Draft,
    Generation,
    History,
    Report,
    StudyError,
    UnknownStudy,
)
from .workers import Worker

__all__ = ["Study", "study_names"]

# Seconds after which a worker of another host that was not heard of is taken for dead.
LEASE = 1800.0
MOST = 10_000_000
log = logging.getLogger("ComfyUI-Surrogate")
# What was sent to shared places, and what waits to be.
_shared: Recent[tuple[str, str, str], Shared | None] = Recent(32)


@dataclass(frozen=True, eq=False)
class Study:
    """A search that is remembered: made by `Study.open`, the same in every process that opens it.

    `ask` gives a generation of points, `tell` records their scores; both may be called from any process, and may stop
    and go on at any time. One worker at a time works on a generation; several share a study.
    `definition` is what is searched, `identity` a text that no other study has (a deleted study's name can come again),
    `remarks` are sentences for the user about how the study was opened. `space` is the `SurrogateSpace` of its points,
    which an optimiser may have widened beyond the one that was given; None if only a recipe is known. `pictures` says
    where pictures are kept for all who search (see `picture_places`).
    """

    name: str
    definition: Definition
    optimiser: Optimiser
    remarks: tuple[str, ...]
    lease: float
    worker: str
    identity: str
    space: SurrogateSpace | None = field(repr=False)
    pictures: str
    _access: Access = field(repr=False)

    # Opening.

    @classmethod
    @patient
    def open(
        cls,
        storage: str | os.PathLike | None,
        name: str,
        space,
        *,
        budget: int,
        shape: Sequence | None = None,
        optimiser: str = "cma-es",
        population: int | None = None,
        directions: str | Sequence[str] = "maximize",
        seed: int = 0,
        settings: Mapping | None = None,
        note: str | None = None,
        pictures: str | None = None,
        on_mismatch: str = "refuse",
        worker: str = "",
        lease: float = LEASE,
    ) -> Study:
        """The study `name` in `storage`, continued if it exists.

        `storage`: the path of a SQLite file (created), an SQLAlchemy URL, or None for this process' memory.
        `space`: a `SurrogateSpace` or its recipe. `shape`: of one latent, remembered with it.
        `directions`: "maximize" or "minimize", one for each score. `budget`: images in all; `population`: images a
        generation, by default the optimiser's. Both may change when a study is opened again, and so may `note`, a text,
        and `pictures`, where pictures are kept for all who search: "" (nowhere but in `album`'s folder), "database", a
        folder, "s3://bucket/folder", or "${NAME}" for what that environment variable says.
        `settings`: of the optimiser. `worker`: a name, if one process holds several workers.

        Raises ValueError for values that cannot be, and if the name belongs to a study of something else: the message
        says what differs. With on_mismatch="new" a study "name (2)" and so on is taken instead.
        Raises StudyError if the storage, or the place for pictures, cannot be used.
        """
        made = make_optimiser(optimiser, **(settings or {}))
        seed = whole("seed", seed, 0, LARGEST_SEED)
        space, recipe = widening.searched(space, made, seed)
        definition = Definition(
            space=recipe,
            shape=shape,
            directions=(directions,) if isinstance(directions, str) else tuple(directions),
            optimiser=optimiser,
            settings=made.settings(),
            seed=seed,
        )
        made.check(definition.k - 1, len(definition.directions))
        wanted = Wanted.of(made, budget, population, note, pictures)
        check_name(name)
        lease = number("lease", lease, above=0)
        store = Store(storage)
        check_place(wanted.pictures or "", store)
        found = find_or_create(store, name, definition, wanted, on_mismatch)
        access = Access(found.name, definition, found.identity, found.study_id, store)
        me, identity = str(worker), found.identity
        return cls(found.name, definition, made, found.remarks, lease, me, identity, space, found.pictures, access)

    @classmethod
    @patient
    def load(cls, storage: str | os.PathLike, name: str, *, worker: str = "", lease: float = LEASE) -> Study:
        """The study `name` as it was opened before. Raises UnknownStudy if there is none."""
        store = Store(storage, create=False)
        with store.reading() as connection:
            found = store.find(connection, name)
        if found is None:
            raise UnknownStudy(f"There is no study {name!r} in {store.label}.")
        definition = read_definition(found.definition, name)
        optimiser = make_optimiser(definition.optimiser, **definition.settings)
        identity = str((found.definition or {})["id"])
        access = Access(name, definition, identity, found.study_id, store)
        pictures = found.state.pictures if found.state else ""
        return cls(name, definition, optimiser, (), float(lease), str(worker), identity, None, pictures, access)

    # Searching.

    @patient
    def ask(self, n: int | None = None) -> Generation:
        """The next points to score, at most `n` of them; empty if the budget is spent, or others have the rest.

        First what this worker was given and did not tell, or what a dead worker left; then the next generation of a
        run on which nobody works; then a new run. Nothing changes if it is asked again before `tell`.
        """
        if n is not None:
            whole("n", n, 1, MOST)
        here, memory = Worker.this(self.worker), self._access.memory
        with memory.thinking:
            while True:
                ledger, task, history = self._take(memory, here)
                if task is None:
                    return _generation(self.identity, ledger, -1, -1, [])
                if history is not None:
                    proposed = self._think(memory, history, task, here)
                    if proposed is None:
                        continue  # Others were faster: the lease is over, the budget spent, or the same was tried.
                    ledger = proposed
                with memory.lock:
                    rows = [row for row in ledger.places[task.run, task.number] if row in ledger.open]
                    rows.sort(key=lambda row: ledger.place(row)[2])
                    return _generation(self.identity, ledger, task.run, task.number, rows[:n])

    @patient
    def tell(
        self,
        generation: Generation,
        scores,
        reasons: Sequence[str | None] | None = None,
        pictures: Sequence[np.ndarray | None] | None = None,
        drafts: Sequence[Draft | None] | None = None,
    ) -> Report:
        """Record the `scores` (n,) or (n, m) of a generation, or of a slice of one, and report how the study stands.

        A score that is not finite (or None) counts as failed, for the reason given in `reasons` or that one.
        `pictures`: of each point its frames (t, h, w, 1 | 3 | 4) uint8, for an optimiser that looks at them (`sees`).
        `drafts`: what was seen of each point while its picture was made.
        The same result told again changes nothing. Raises ValueError, and records nothing, for a wrong number of
        scores, for points that are not of this study, or for another result than the recorded one; if meanwhile
        another worker has taken over the generation, its result stays and the report says so.
        """
        self._check_asked(generation)
        results = self._results(scores, reasons, len(generation), "points in this generation")
        return self._record(generation, results, self._glimpses(len(generation), pictures), drafts)

    @patient
    def skip(self, generation: Generation) -> Report:
        """Nobody could say how good the points of a generation are, or of a slice of one: `ask` gives the next ones.

        They count against the budget, and optimisers learn nothing from them. Raises ValueError for points that have
        a score or failed, and for points that are not of this study.
        """
        self._check_asked(generation)
        return self._record(generation, [NOT_JUDGED] * len(generation), [None] * len(generation))

    @patient
    def tell_drafts(
        self,
        generation: Generation,
        scores: Sequence[float],
        step: int,
        of: int,
        pictures: Sequence[np.ndarray | None] | None = None,
    ) -> Report:
        """Record finite `scores` (n,) of drafts after `step` of `of` steps, in place of pictures; how the study stands.

        Such points have no score and are never best; their steps count against the budget, and optimisers take them for
        what their drafts let expect. `pictures`: as in `tell`, of the drafts.
        """
        self._check_asked(generation)
        glimpses = self._glimpses(len(generation), pictures)
        drafted.tell_drafts(self._access, generation, scores, step, of, glimpses)
        return self.report()

    @patient
    def tell_finished(
        self,
        trials: Sequence[int],
        scores,
        drafting: Drafting,
        reasons: Sequence[str | None] | None = None,
        pictures: Sequence[np.ndarray | None] | None = None,
        drafts: Sequence[Mapping[int, float]] | None = None,
    ) -> Report:
        """Record the scores of points number `trials` (n,) whose drafts were told before, and what follows: `drafting`.

        The rest as in `tell`; `drafts`: scores of what was seen on the way, by the number of steps. Raises StudyError for
        points without a draft.
        """
        results = self._results(scores, reasons, len(trials), "points")
        glimpses = self._glimpses(len(trials), pictures)
        seen = drafts or [{}] * len(trials)
        drafted.tell_finished(self._access, trials, results, seen, glimpses, drafting)
        return self.report()

    @patient
    def note_drafting(self, drafting: Drafting) -> None:
        """Remember what was decided about drafts."""
        drafted.note_drafting(self._access, drafting)

    @property
    def drafting(self) -> Drafting | None:
        """What was decided about drafts; None if there never were any."""
        with self._access.reading(self._access.memory) as state:
            return state.drafting

    def _record(
        self,
        generation: Generation,
        results: list[Result],
        glimpses: list[np.ndarray | None],
        drafts: Sequence[Draft | None] | None = None,
    ) -> Report:
        """Store what came back for a generation of this study."""
        trials = generation.trials.tolist()
        here, memory = Worker.this(self.worker), self._access.memory
        remarks: list[str] = []
        with self._access.writing(memory) as now:
            ledger = memory.ledger
            self._check_mine(ledger, generation)
            hold = now.state.runs.get(generation.run)
            mine = hold is None or hold.worker == here
            on_the_way = drafts or [None] * len(trials)
            for trial, result, seen, draft in zip(trials, results, glimpses, on_the_way, strict=True):
                if ledger.state(trial) == RUNNING:
                    now.told.append(Told(trial, result, seen, draft))
                elif not _is_recorded(ledger, trial, result):
                    if mine:
                        raise ValueError(self._told_otherwise(ledger, trial, result))
                    remarks.append(f"Image {ledger.labels[trial]} was scored by another worker before.")
            if now.told:
                drafted.store_told(self._access, now, ledger)
                if mine:
                    now.state.runs[generation.run] = self._hold(now, here)
                    self._access.save(now)
        with memory.lock:
            return report_of(self.name, memory.ledger, now.state, remarks)

    @patient
    def retell(
        self,
        trials: Sequence[int],
        scores,
        reasons: Sequence[str | None] | None = None,
        pictures: Sequence[np.ndarray | None] | None = None,
    ) -> Report:
        """Record the scores of points that had failed and were made again; how the study stands then.

        `trials` (n,) are their numbers, such as `history().unusable`; the rest as in `tell`. A point that fails again
        stays as it is. The budget is not touched: these points were counted when they failed.
        Raises ValueError for points that did not fail, unless they have the same result.
        """
        trials = [whole("trials", trial, 0) for trial in trials]
        results = self._results(scores, reasons, len(trials), "points")
        glimpses = self._glimpses(len(trials), pictures)
        good = [i for i, result in enumerate(results) if not isinstance(result, str)]
        memory = self._access.memory
        with self._access.writing(memory) as now:
            ledger = memory.ledger
            # Recorded already where the reply to the first attempt was lost.
            good = [i for i in good if trials[i] >= len(ledger) or not _is_recorded(ledger, trials[i], results[i])]
            for i, trial in enumerate(trials):
                there = trial < len(ledger)
                if not there or not (ledger.state(trial) == FAILED or _is_recorded(ledger, trial, results[i])):
                    raise ValueError(
                        f"Point {trial} of the study {self.name!r} did not fail: only failed points are retold."
                    )
            if good:
                ids = [ledger.ids[trials[i]] for i in good]
                self._access.store.retell(now.connection, ids, [results[i] for i in good], [glimpses[i] for i in good])
                now.state.retold += 1
                self._access.save(now)
        return self.report()

    @patient
    def add_known(
        self,
        u,
        scores,
        labels: Sequence[str] | None = None,
        pictures: Sequence[np.ndarray | None] | None = None,
    ) -> int:
        """Points u (n, k-1) whose scores (n,) or (n, m) are known, such as the seeds themselves; how many were new.

        They are points of the space that is searched, or of the one that was given, if the optimiser has widened it.
        `pictures`: as in `tell`.
        CMA-ES starts its runs from the best of them inside the cube, the other optimisers learn from all. They do not count against
        the budget. A point that was added before keeps its first score.
        """
        u = self.points_of(u)
        glimpses = self._glimpses(len(u), pictures)
        results = self._results(scores, None, len(u), "points")
        if labels is not None and len(labels) != len(u):
            raise ValueError(f"There are {len(u)} points and {len(labels)} labels: give one label a point.")
        memory = self._access.memory
        with self._access.writing(memory) as now:
            ledger = memory.ledger
            known = {ledger.u(row).tobytes() for row in ledger.known}
            first = {row.tobytes(): i for i, row in reversed(list(enumerate(u)))}
            new = sorted(i for point, i in first.items() if point not in known)
            if new:
                store, study_id = self._access.store, self._access.study_id
                notes = [{"run": -1, "label": str(labels[i]) if labels else f"known {i + 1}"} for i in new]
                ids = store.add(now.connection, study_id, ledger, u[new], notes, [{}] * len(new))
                store.finish(now.connection, ids, [results[i] for i in new], [glimpses[i] for i in new])
        return len(new)

    @patient
    def record(self, pages: Sequence[JudgedPage]) -> list[list[int]]:
        """Write pages of points that somebody was shown and judged, as generations; the numbers of each page's points.

        `pages` are all pages of one session, which is a run of the study. What is recorded is not recorded again, and
        scores that have changed since replace those of before. A page that is not judged yet is open.
        """
        return record(self._access, pages)

    @patient
    def heartbeat(self) -> None:
        """This worker is alive: its lease on the generation it works on starts anew. `ask` and `tell` do the same."""
        here = Worker.this(self.worker)
        with self._access.writing(self._access.memory) as now:
            for run, hold in now.state.runs.items():
                if hold.worker == here:
                    now.state.runs[run] = self._hold(now, here, hold.claimed)
            self._access.save(now)

    @patient
    def renote(self, note: str) -> str:
        """Give the study another `note`; the one it had before."""
        with self._access.writing(self._access.memory) as now:
            before = now.state.note
            if before != note:
                now.state.note = note
                self._access.save(now)
        return before

    def exists(self) -> bool:
        """Whether the study is still in its storage: not deleted, and no other one under its name."""
        return self._access.exists()

    def delete(self) -> None:
        """Remove the study and all its points from the storage."""
        self._access.delete()

    # Results.

    @patient
    def report(self) -> Report:
        """How the study stands."""
        with self._access.reading(memory := self._access.memory) as state:
            return report_of(self.name, memory.ledger, state, [])

    @patient
    def history(self) -> History:
        """All points, as arrays."""
        with self._access.reading(memory := self._access.memory):
            return memory.ledger.history()

    @property
    def told_here(self) -> int:
        """How many results this process has recorded, since it opened the study."""
        return self._access.memory.told_here

    @property
    def progress(self) -> str:
        """For example "37 of 128 images, generation 5, best 0.812"."""
        return str(self.report())

    @property
    def finished(self) -> bool:
        """Whether the budget is spent and every image came back."""
        return self.report().finished

    @property
    def best(self) -> Best | None:
        """The best point so far, None before the first score. Of several scores: of the front, the nearest to ideal."""
        return self.report().best

    def n_best(self, n: int) -> tuple[Best, ...]:
        """The n best points, best first; fewer if there are fewer."""
        history = self.history()
        return tuple(best_of(history, row) for row in history.ranked(whole("n", n, 1, MOST)))

    def export_json(self, path: str | os.PathLike) -> None:
        """Write all there is about the study: its definition, and each point with state and scores."""
        write_json(path, self.name, self.definition, self.history())

    def export_csv(self, path: str | os.PathLike) -> None:
        """Write one line a point; a line alone has all that rebuilds its image (u, and the space as JSON)."""
        write_csv(path, self.definition, self.history())

    def points_of(self, u) -> np.ndarray:
        """Points u as points (n, k-1) of the space that is searched; those of the space that was widened keep their noise.

        Raises ValueError for points of neither.
        """
        return widening.points_of(self.definition, u)

    @property
    def corners(self) -> np.ndarray:
        """The seeds of the space that was given, as points (k, k-1) of the one that is searched."""
        return widening.corners(self.definition)

    def album(self, folder: str | os.PathLike) -> Album:
        """The pictures of the study, in a folder of its own within `folder`, and in the place that `pictures` names."""
        shared = _shared.get_or_make((self._access.store.key, self.identity, self.pictures), self._share)
        return Album(Path(folder) / self.identity, self.identity, shared)

    # Within.

    def _share(self) -> Shared | None:
        try:
            place = picture_place(self.pictures, self._access.store, self.identity)
        except StudyError as error:  # found elsewhere to be of use, and here not
            log.warning("Only pictures of this computer are shown: %s", error)
            return None
        return None if place is None else Shared(place)

    def _hold(self, now: Writing, here: Worker, claimed: int | None = None) -> Hold:
        return Hold(here, now.time + self.lease, claimed)

    def _take(self, memory: Memory, here: Worker) -> tuple[Ledger, Task | None, History | None]:
        """What `here` works on now; with the history, if its missing points are still to be thought out.

        Then the run is claimed: nobody else takes it, and nobody waits meanwhile.
        """
        with self._access.writing(memory) as now:
            ledger = memory.ledger
            task = choose(ledger, now.state, here, now.time)
            if task is None:
                return ledger, None, None
            history = ledger.history() if task.missing else None
            if history is not None and not self.optimiser.slow:
                self._add(now, ledger, task, self._propose(memory, history, task))
                history = None
            now.state.runs[task.run] = self._hold(now, here, None if history is None else task.number)
            self._access.save(now)
        return ledger, task, history

    def _think(self, memory: Memory, history: History, task: Task, here: Worker) -> Ledger | None:
        """Propose the points of a claimed `task`; the ledger that has them. None if others took the task, or stored points
        meanwhile that these would repeat: then it is to be thought out again.
        """
        proposal = self._propose(memory, history, task)
        with self._access.writing(memory) as now:
            ledger = memory.ledger
            if choose(ledger, now.state, here, now.time) != task:
                return None
            later = ledger.u(np.arange(len(history), len(ledger)))
            if len(later) and self.optimiser.outdated(np.clip(proposal.u, 0.0, 1.0), history, later):
                return None
            self._add(now, ledger, task, proposal)
            now.state.runs[task.run] = self._hold(now, here)
            self._access.save(now)
        return ledger

    def _propose(self, memory: Memory, history: History, task: Task) -> Proposal:
        seed, expected = self.definition.seed, believed(history)
        # What drafts let expect changes with what is known: nothing that was thought of it stays true.
        kept = memory.optimiser if expected is history else {}
        return self.optimiser.propose(expected, task.run, task.number, task.missing, task.population, seed, kept)

    def _add(self, now: Writing, ledger: Ledger, task: Task, proposal: Proposal) -> None:
        """Write the task's missing points to the database."""
        u = np.clip(proposal.u, 0.0, 1.0)
        if u.shape != (len(task.missing), ledger.dimension) or not np.isfinite(u).all():
            raise StudyError(f"The optimiser {self.optimiser.name} proposed {u.shape} points, not all finite: {u}.")
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
        ids = self._access.store.add(now.connection, self._access.study_id, ledger, u, notes, attributes)
        now.added += zip(ids, range(first, first + len(u)), u, notes, attributes, strict=True)

    def _results(self, scores, reasons, count: int, what: str) -> list[Result]:
        return results_of(scores, reasons, count, len(self.definition.directions), what)

    def _glimpses(self, n: int, pictures) -> list[np.ndarray | None]:
        if pictures is not None and len(pictures) != n:
            raise ValueError(
                f"There are {n} points and {len(pictures)} pictures: give one for each point, None for a point without a picture."
            )
        if pictures is None or not self.optimiser.sees:
            return [None] * n
        return [None if picture is None else glimpse(np.asarray(picture)) for picture in pictures]

    def _check_asked(self, generation: Generation) -> None:
        if not isinstance(generation, Generation):
            raise ValueError(f"tell wants the Generation that ask gave, got {type(generation).__name__}.")
        if generation.study != self.identity:
            raise ValueError(
                f"These points were asked of another study than {self.name!r}: tell the one that was asked."
            )

    def _check_mine(self, ledger: Ledger, generation: Generation) -> None:
        for trial, index, u in zip(generation.trials.tolist(), generation.indices.tolist(), generation.u, strict=True):
            if not (
                0 <= trial < len(ledger)
                and ledger.place(trial)[:3] == (generation.run, generation.number, index)
                and np.array_equal(ledger.u(trial), u)
            ):
                raise ValueError(
                    f"Point {trial} of this generation is not in the study {self.name!r}: tell what its ask gave."
                )

    def _told_otherwise(self, ledger: Ledger, trial: int, result: Result) -> str:
        unscored = {FAILED: "failed", SKIPPED: "not judged"}
        was = unscored.get(ledger.state(trial), f"score {ledger.scores(trial)}")
        now = result if isinstance(result, str) else f"score {result}" if result else "not judged"
        return (
            f"Image {ledger.labels[trial]} of the study {self.name!r} was told before as {was}, now as {now}. What is "
            "recorded stays: ask for the next generation, or start another study for another score."
        )


@patient
def study_names(storage: str | os.PathLike | None) -> list[str]:
    """The names of the studies in `storage`, oldest first; an empty list if there is no such file."""
    if Store.is_missing(storage):
        return []
    return Store(storage, create=False).names()


def _is_recorded(ledger: Ledger, trial: int, result: Result) -> bool:
    """Whether `result` is what the ledger has for a finished point."""
    if isinstance(result, str):
        return ledger.state(trial) == FAILED
    if result == NOT_JUDGED:
        return ledger.state(trial) == SKIPPED
    return ledger.state(trial) == COMPLETE and ledger.scores(trial) == result


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
