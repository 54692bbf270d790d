"""A study: the store of a search, and who asks and tells what."""

from __future__ import annotations

import math
import os
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..charts import chart_named, check_coordinates
from ..checks import whole
from ..recent import Recent
from ..recipes import space_from_recipe
from ..space import SurrogateSpace
from .definition import Definition, check_name
from .export import write_csv, write_json
from .ledger import Ledger
from .optimisers import Optimiser, Proposal, make_optimiser
from .packing import glimpse
from .store import Store
from .values import COMPLETE, FAILED, RUNNING, Best, Generation, History, Report, StudyError, UnknownStudy, pareto_front
from .workers import Worker

__all__ = ["Study", "study_names"]

FORMAT = 1
# Seconds after which a worker of another host that was not heard of is taken for dead.
LEASE = 1800.0
LARGEST_BUDGET = 1_000_000
ON_MISMATCH = ("refuse", "new")
# In a space's recipe: the seeds and the chart of the space that an optimiser has widened to it.
WIDENED = "widened"
# Studies of which this process keeps points and optimisers at hand.
KEPT = 8


@dataclass
class _Memory:
    """What a process keeps of a study, to be forgotten at any time: it can all be read and replayed again."""

    ledger: Ledger
    optimiser: dict = field(default_factory=dict)
    lock: Any = field(default_factory=threading.RLock)
    # Held while an optimiser thinks, so that `lock` is free: who only looks does not wait. Locks are taken in this
    # order: thinking, the database, lock.
    thinking: Any = field(default_factory=threading.Lock)
    # How many corrections of finished points (`retell`) the ledger has.
    retold: int = 0


_memories: Recent[tuple[str, str], _Memory] = Recent(KEPT)


@dataclass(frozen=True)
class _Task:
    """What `ask` decided: rows to hand out again, and `missing` indices of the generation to propose."""

    run: int
    number: int
    population: int
    missing: tuple[int, ...]


@dataclass
class _Writing:
    """The database while it is ours: the study's `state`, and what the ledger takes up once it is stored."""

    connection: Any
    state: dict
    added: list[tuple] = field(default_factory=list)
    told: list[tuple] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Study:
    """A search that is remembered: made by `Study.open`, the same in every process that opens it.

    `ask` gives a generation of points, `tell` records their scores; both may be called from any process, and may stop
    and go on at any time. One worker at a time works on a generation; several share a study.
    `definition` is what is searched, `identity` a text that no other study has (a deleted study's name can come again),
    `remarks` are sentences for the user about how the study was opened. `space` is the `SurrogateSpace` of its points,
    which an optimiser may have widened beyond the one that was given; None if only a recipe is known.
    """

    name: str
    definition: Definition
    optimiser: Optimiser
    remarks: tuple[str, ...]
    lease: float
    worker: str
    identity: str
    space: SurrogateSpace | None = field(repr=False)
    _study_id: int = field(repr=False)
    _store: Store = field(repr=False)

    # Opening.

    @classmethod
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
        on_mismatch: str = "refuse",
        worker: str = "",
        lease: float = LEASE,
    ) -> Study:
        """The study `name` in `storage`, continued if it exists.

        `storage`: the path of a SQLite file (created), an SQLAlchemy URL, or None for this process' memory.
        `space`: a `SurrogateSpace` or its recipe. `shape`: of one latent, remembered with it.
        `directions`: "maximize" or "minimize", one for each score. `budget`: images in all; `population`: images a
        generation, by default the optimiser's. Both may change when a study is opened again, and so may `note`, a text.
        `settings`: of the optimiser. `worker`: a name, if one process holds several workers.

        Raises ValueError for values that cannot be, and if the name belongs to a study of something else: the message
        says what differs. With on_mismatch="new" a study "name (2)" and so on is taken instead.
        Raises StudyError if the storage cannot be used.
        """
        if on_mismatch not in ON_MISMATCH:
            raise ValueError(f"on_mismatch must be {' or '.join(ON_MISMATCH)}, got {on_mismatch!r}.")
        made = make_optimiser(optimiser, **(settings or {}))
        seed = _whole("seed", seed, 0, 2**64 - 1)
        space, recipe = _searched(space, made, seed)
        definition = Definition(
            space=recipe,
            shape=shape,
            directions=(directions,) if isinstance(directions, str) else tuple(directions),
            optimiser=optimiser,
            settings=made.settings(),
            seed=seed,
        )
        made.check(definition.k - 1, len(definition.directions))
        wanted = {
            "budget": _whole("budget", budget, 1, LARGEST_BUDGET),
            "population": _whole(
                "population", made.population if population is None else population, made.smallest_population, 10_000
            ),
            **({} if note is None else {"note": str(note)}),
        }
        check_name(name)
        if not lease > 0:
            raise ValueError(f"lease must be a number of seconds above 0, got {lease}.")
        store = Store(storage)
        for attempt in range(3):
            try:
                found, study_id, identity, remarks = _find_or_create(store, name, definition, wanted, on_mismatch)
                break
            except StudyError as error:
                # In a database server two processes can create the same name at once; then the other one's is there.
                if attempt == 2 or "IntegrityError" not in type(error.__cause__).__name__:
                    raise
        return cls(found, definition, made, tuple(remarks), float(lease), str(worker), identity, space, study_id, store)

    @classmethod
    def load(cls, storage: str | os.PathLike, name: str, *, worker: str = "", lease: float = LEASE) -> Study:
        """The study `name` as it was opened before. Raises UnknownStudy if there is none."""
        store = Store(storage, create=False)
        with store.reading() as connection:
            found = store.find(connection, name)
        if found is None:
            raise UnknownStudy(f"There is no study {name!r} in {store.label}.")
        study_id, entry, _ = found
        definition = _read_definition(entry, name)
        optimiser = make_optimiser(definition.optimiser, **definition.settings)
        return cls(name, definition, optimiser, (), float(lease), str(worker), entry["id"], None, study_id, store)

    # Searching.

    def ask(self, n: int | None = None) -> Generation:
        """The next points to score, at most `n` of them; empty if the budget is spent, or others have the rest.

        First what this worker was given and did not tell, or what a dead worker left; then the next generation of a
        run on which nobody works; then a new run. Nothing changes if it is asked again before `tell`.
        """
        if n is not None:
            _whole("n", n, 1, 10_000_000)
        here, memory = Worker.this(self.worker), self._memory()
        with memory.thinking:
            while True:
                with self._writing(memory) as now:
                    ledger = memory.ledger
                    task = self._choose(ledger, now.state, here)
                    if task is None:
                        return self._generation(ledger, -1, -1, [])
                    history = ledger.history() if task.missing else None
                    later = history is not None and self.optimiser.slow
                    now.state["runs"][str(task.run)] = self._hold(here, claimed=task.number if later else None)
                    if history is not None and not later:
                        self._add(now, ledger, task, self._propose(memory, history, task))
                    self._store.set_state(now.connection, self._study_id, now.state)
                if later:
                    # The run is claimed: nobody else takes it, and nobody waits while this is thought out.
                    proposal = self._propose(memory, history, task)
                    with self._writing(memory) as now:
                        ledger = memory.ledger
                        if self._choose(ledger, now.state, here) != task:
                            continue  # Others were faster: the lease is over, or the budget spent.
                        self._add(now, ledger, task, proposal)
                        now.state["runs"][str(task.run)] = self._hold(here)
                        self._store.set_state(now.connection, self._study_id, now.state)
                with memory.lock:
                    rows = [row for row in ledger.places[task.run, task.number] if row in ledger.open]
                    rows.sort(key=lambda row: ledger.place(row)[2])
                    return self._generation(ledger, task.run, task.number, rows[:n])

    def tell(
        self,
        generation: Generation,
        scores,
        reasons: Sequence[str | None] | None = None,
        pictures: Sequence[np.ndarray | None] | None = None,
    ) -> Report:
        """Record the `scores` (n,) or (n, m) of a generation, or of a slice of one, and report how the study stands.

        A score that is not finite (or None) counts as failed, for the reason given in `reasons` or that one.
        `pictures`: of each point its frames (t, h, w, 1 | 3 | 4) uint8, for an optimiser that looks at them (`sees`).
        The same result told again changes nothing. Raises ValueError, and records nothing, for a wrong number of
        scores, for points that are not of this study, or for another result than the recorded one; if meanwhile
        another worker has taken over the generation, its result stays and the report says so.
        """
        results = self._results(generation, scores, reasons)
        glimpses = dict(zip(generation.trials.tolist(), self._glimpses(len(generation), pictures), strict=True))
        here, memory = Worker.this(self.worker), self._memory()
        remarks: list[str] = []
        with self._writing(memory) as now:
            ledger = memory.ledger
            self._check_mine(ledger, generation)
            run = now.state["runs"].get(str(generation.run))
            holder = Worker.from_json(run["worker"]) if run else here
            for trial, result in zip(generation.trials.tolist(), results, strict=True):
                recorded = ledger.state(trial)
                if recorded == RUNNING:
                    now.told.append((trial, result, glimpses[trial]))
                elif recorded != (FAILED if isinstance(result, str) else COMPLETE) or (
                    recorded == COMPLETE and ledger.scores(trial) != result
                ):
                    if holder == here:
                        was = "failed" if recorded == FAILED else f"score {ledger.scores(trial)}"
                        raise ValueError(
                            f"Image {ledger.labels[trial]} of the study {self.name!r} was told before as {was}, now "
                            f"as {result if isinstance(result, str) else f'score {result}'}. What is recorded "
                            "stays: ask for the next generation, or start another study for another score."
                        )
                    remarks.append(f"Image {ledger.labels[trial]} was scored by another worker before.")
            if now.told:
                rows, told, seen = zip(*now.told, strict=True)
                self._store.finish(now.connection, [ledger.ids[row] for row in rows], told, seen)
                if holder == here:
                    now.state["runs"][str(generation.run)] = self._hold(here)
                    self._store.set_state(now.connection, self._study_id, now.state)
        with memory.lock:
            return self._report(ledger, now.state, remarks)

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
        Raises ValueError for points that did not fail.
        """
        trials = [whole("trials", trial, 0) for trial in trials]
        results = self._check_scores(len(trials), scores, reasons, "points")
        good = [i for i, result in enumerate(results) if not isinstance(result, str)]
        glimpses = self._glimpses(len(trials), pictures)
        memory = self._memory()
        with self._writing(memory) as now:
            ledger = memory.ledger
            for trial in trials:
                if trial >= len(ledger) or ledger.state(trial) != FAILED:
                    raise ValueError(
                        f"Point {trial} of the study {self.name!r} did not fail: only failed points are retold."
                    )
            if good:
                ids = [ledger.ids[trials[i]] for i in good]
                self._store.retell(now.connection, ids, [results[i] for i in good], [glimpses[i] for i in good])
                now.state["retold"] = now.state.get("retold", 0) + 1
                self._store.set_state(now.connection, self._study_id, now.state)
        return self.report()

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
        results = self._check_scores(len(u), scores, None, "points")
        if labels is not None and len(labels) != len(u):
            raise ValueError(f"There are {len(u)} points and {len(labels)} labels: give one label a point.")
        memory = self._memory()
        with self._writing(memory) as now:
            ledger = memory.ledger
            before = {ledger.u(row).tobytes() for row in ledger.known}
            new = []
            for i, row in enumerate(u):
                if row.tobytes() not in before:
                    before.add(row.tobytes())
                    new.append(i)
            if new:
                notes = [{"run": -1, "label": str(labels[i]) if labels else f"known {i + 1}"} for i in new]
                ids = self._store.add(now.connection, self._study_id, ledger, u[new], notes, [{}] * len(new))
                self._store.finish(now.connection, ids, [results[i] for i in new], [glimpses[i] for i in new])
        return len(new)

    def heartbeat(self) -> None:
        """This worker is alive: its lease on the generation it works on starts anew. `ask` and `tell` do the same."""
        here = Worker.this(self.worker)
        with self._writing(self._memory()) as now:
            for run, holder in now.state["runs"].items():
                if Worker.from_json(holder["worker"]) == here:
                    now.state["runs"][run] = self._hold(here, holder.get("claimed"))
            self._store.set_state(now.connection, self._study_id, now.state)

    def renote(self, note: str) -> str:
        """Give the study another `note`; the one it had before."""
        with self._writing(self._memory()) as now:
            before = now.state["note"]
            if before != note:
                self._store.set_state(now.connection, self._study_id, {**now.state, "note": note})
        return before

    def exists(self) -> bool:
        """Whether the study is still in its storage: not deleted, and no other one under its name."""
        try:
            with self._store.reading() as connection:
                state = self._store.state(connection, self._study_id)
        except StudyError:
            return False
        return state is not None and state["id"] == self.identity

    def delete(self) -> None:
        """Remove the study and all its points from the storage."""
        with self._writing(self._memory()) as now:
            self._store.delete(now.connection, self._study_id)
        _memories.forget((self._store.key, self.identity))

    # Results.

    def report(self) -> Report:
        """How the study stands."""
        with self._reading(memory := self._memory()) as state:
            return self._report(memory.ledger, state, [])

    def history(self) -> History:
        """All points, as arrays."""
        with self._reading(memory := self._memory()):
            return memory.ledger.history()

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
        return tuple(_best(history, row) for row in history.ranked(_whole("n", n, 1, 10_000_000)))

    def export_json(self, path: str | os.PathLike) -> None:
        """Write all there is about the study: its definition, and each point with state and scores."""
        write_json(path, self.name, self.definition, self.history())

    def export_csv(self, path: str | os.PathLike) -> None:
        """Write one line a point; a line alone has all that rebuilds its image (u, and the space as JSON)."""
        write_csv(path, self.definition, self.history())

    # Within.

    def _memory(self) -> _Memory:
        def empty() -> _Memory:
            return _Memory(Ledger(self.definition.k - 1, self.definition.directions))

        return _memories.get_or_make((self._store.key, self.identity), empty)

    @contextmanager
    def _reading(self, memory: _Memory) -> Iterator[dict]:
        """The study's state; `memory` is up to date, and nobody else's."""
        with ExitStack() as held:
            with self._store.reading() as connection:
                held.enter_context(memory.lock)
                state = self._read(connection, memory)
            yield state

    @contextmanager
    def _writing(self, memory: _Memory) -> Iterator[_Writing]:
        """The database is ours, and so is `memory`, which is up to date; it learns what was written when that is stored.

        Who only looks does not wait with us for a database that another program has.
        """
        with ExitStack() as held:
            with self._store.writing(self._study_id) as connection:
                held.enter_context(memory.lock)
                now = _Writing(connection, self._read(connection, memory))
                yield now
            for entry in now.added:
                memory.ledger.append(*entry)
            for row, result, seen in now.told:
                _finish(memory.ledger, row, result, seen)

    def _read(self, connection, memory: _Memory) -> dict:
        state = self._store.state(connection, self._study_id)
        if state is None or state["id"] != self.identity:
            raise StudyError(
                f"The study {self.name!r} was deleted from {self._store.label} while it was in use. "
                "Start a new one under another name, or open it again from the beginning."
            )
        # What is finished is read once; where it was corrected since, everything is read again.
        if memory.retold != state.get("retold", 0):
            self._forget(memory)
            memory.retold = state.get("retold", 0)
        try:
            self._store.read(connection, self._study_id, memory.ledger)
        except BaseException:
            self._forget(memory)
            raise
        return state

    def _forget(self, memory: _Memory) -> None:
        memory.ledger = Ledger(self.definition.k - 1, self.definition.directions)
        memory.optimiser = {}

    def _hold(self, here: Worker, claimed: int | None = None) -> dict:
        held = {"worker": here.to_json(), "until": time.time() + self.lease}
        return held if claimed is None else {**held, "claimed": claimed}

    def _choose(self, ledger: Ledger, state: dict, here: Worker) -> _Task | None:
        """What `here` should work on."""
        room = state["budget"] - (len(ledger) - len(ledger.known))
        # A run that is only claimed has no generation yet.
        current = {**{int(run): -1 for run in state["runs"]}, **ledger.current}
        open_runs, idle_runs = [], []
        for run in sorted(current):
            holder = state["runs"].get(str(run))
            worker = Worker.from_json(holder["worker"]) if holder else None
            mine = worker == here
            free = mine or worker is None or holder["until"] < time.time() or worker.is_dead(here)
            rows = ledger.places.get((run, current[run]), [])
            if any(row in ledger.open for row in rows):
                if free:
                    open_runs.append((not mine, run))
            elif free or "claimed" not in holder:
                idle_runs.append((not mine, run))
        if open_runs:
            run = min(open_runs)[1]
            return self._task(ledger, state, run, current[run], room)
        if room <= 0:
            return None
        run = min(idle_runs)[1] if idle_runs else len(current)
        number = current.get(run, -1)
        if number >= 0:
            task = self._task(ledger, state, run, number, room)
            if task.missing:  # The budget ended within it, and was raised since.
                return task
        return self._task(ledger, state, run, number + 1, room)

    def _task(self, ledger: Ledger, state: dict, run: int, number: int, room: int) -> _Task:
        rows = ledger.places.get((run, number), [])
        population = ledger.place(rows[0])[3] if rows else state["population"]
        asked = {ledger.place(row)[2] for row in rows}
        missing = [i for i in range(population) if i not in asked][: max(0, room)]
        return _Task(run, number, population, tuple(missing))

    def _propose(self, memory: _Memory, history: History, task: _Task) -> Proposal:
        seed = self.definition.seed
        return self.optimiser.propose(
            history, task.run, task.number, task.missing, task.population, seed, memory.optimiser
        )

    def _add(self, now: _Writing, ledger: Ledger, task: _Task, proposal: Proposal) -> None:
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
        ids = self._store.add(now.connection, self._study_id, ledger, u, notes, attributes)
        now.added += zip(ids, range(first, first + len(u)), u, notes, attributes, strict=True)

    def _generation(self, ledger: Ledger, run: int, number: int, rows: list[int]) -> Generation:
        return Generation(
            study=self.identity,
            run=run,
            number=number,
            indices=np.array([ledger.place(row)[2] for row in rows], dtype=np.int64),
            trials=np.array(rows, dtype=np.int64),
            u=ledger.u(np.array(rows, dtype=np.int64)),
            labels=tuple(ledger.labels[row] for row in rows),
        )

    def _report(self, ledger: Ledger, state: dict, remarks: list[str]) -> Report:
        leader, front = ledger.leader, 0
        if len(self.definition.directions) > 1:
            history = ledger.history()
            gains = history.gains
            front = len(pareto_front(gains[np.isfinite(gains).all(axis=1)]))
            leader = history.ranked(1)[0] if front else None
        return Report(
            name=self.name,
            budget=state["budget"],
            evaluated=ledger.complete + ledger.failed,
            failed=ledger.failed,
            open=len(ledger.open - set(ledger.known)),
            runs=len(ledger.current),
            generation=max(ledger.current.values(), default=-1) + 1,
            best=None if leader is None else _best(ledger.history(), leader),
            front=front,
            remarks=tuple(remarks),
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

    def points_of(self, u) -> np.ndarray:
        """Points u as points (n, k-1) of the space that is searched; those of the space that was widened keep their noise.

        Raises ValueError for points of neither.
        """
        u = np.atleast_2d(np.asarray(u, dtype=np.float64))
        origin = self.definition.space.get(WIDENED)
        if origin is None or u.shape[-1] != origin["seeds"] - 1:
            return check_coordinates(u, self.definition.k)
        w = np.zeros((len(u), self.definition.k))
        w[:, : origin["seeds"]] = chart_named(origin["chart"]).weights(u)
        return chart_named(self.definition.space["chart"]).coordinates(w)

    @property
    def corners(self) -> np.ndarray:
        """The seeds of the space that was given, as points (k, k-1) of the one that is searched."""
        k, origin = self.definition.k, self.definition.space.get(WIDENED)
        w = np.eye(k)[: k if origin is None else origin["seeds"]]
        return chart_named(self.definition.space["chart"]).coordinates(w)

    def _glimpses(self, n: int, pictures) -> list[np.ndarray | None]:
        if pictures is not None and len(pictures) != n:
            raise ValueError(f"There are {n} points and {len(pictures)} pictures: give one a point, None where none.")
        if pictures is None or not self.optimiser.sees:
            return [None] * n
        return [None if picture is None else glimpse(np.asarray(picture)) for picture in pictures]

    def _results(self, generation: Generation, scores, reasons) -> list[tuple[float, ...] | str]:
        if not isinstance(generation, Generation):
            raise ValueError(f"tell wants the Generation that ask gave, got {type(generation).__name__}.")
        if generation.study != self.identity:
            raise ValueError(f"These points were asked of another study than {self.name!r}: connect both to one.")
        return self._check_scores(len(generation), scores, reasons, "points in this generation")

    def _check_scores(self, n: int, scores, reasons, what: str) -> list[tuple[float, ...] | str]:
        m = len(self.definition.directions)
        rows = [_numbers(entry) for entry in _listed(scores)]
        if len(rows) != n:
            raise ValueError(
                f"There are {n} {what} and {len(rows)} scores: give one score a point, in their order. (A node that "
                "returns one number for a whole batch has to be run image by image.)"
            )
        if reasons is not None and len(reasons) != n:
            raise ValueError(f"There are {n} {what} and {len(reasons)} reasons: give one a point, None where none.")
        results: list[tuple[float, ...] | str] = []
        for i, row in enumerate(rows):
            if len(row) != m:
                raise ValueError(f"The study has {m} directions, but point {i + 1} got {len(row)} scores.")
            if all(math.isfinite(score) for score in row):
                results.append(row)
            else:
                given = reasons[i] if reasons is not None else None
                results.append(str(given) if given else f"the score is {', '.join(map(str, row))}")
        return results


def study_names(storage: str | os.PathLike) -> list[str]:
    """The names of the studies in `storage`, oldest first; none if there is no such file."""
    if Store.is_missing(storage):
        return []
    return Store(storage, create=False).names()


def _find_or_create(
    store: Store, name: str, definition: Definition, wanted: dict, on_mismatch: str
) -> tuple[str, int, str, list[str]]:
    with store.writing() as connection:
        number, candidate = 1, name
        while (found := store.find(connection, candidate)) is not None:
            study_id, entry, state = found
            differences = _compare(entry, candidate, definition)
            if not differences:
                break
            if on_mismatch == "refuse":
                raise ValueError(
                    f"The study {candidate!r} in {store.label} searches something else: {'; '.join(differences)}. "
                    'Choose another name, undo the change, or let a new study be started ("name (2)").'
                )
            number += 1
            candidate = f"{name} ({number})"
        remarks = [f"Another space or setting than before: this is the study {candidate!r}."] if number > 1 else []
        if found is None:
            identity = uuid.uuid4().hex
            study_id = store.create(
                connection,
                candidate,
                definition.directions,
                {"format": FORMAT, "id": identity, **definition.to_json()},
                {"id": identity, "runs": {}, "note": "", **wanted},
            )
            return candidate, study_id, identity, remarks
        if any(state[key] != value for key, value in wanted.items()):
            for key in ("budget", "population"):
                if state[key] != wanted[key]:
                    remarks.append(f"The {key} was {state[key]} and is {wanted[key]} now.")
            if state["note"] != wanted.get("note", state["note"]):
                remarks.append(
                    f"The note was {state['note']!r} and is {wanted['note']!r} now: if the images are made otherwise "
                    "than before, their scores cannot be compared with the earlier ones."
                )
            store.set_state(connection, study_id, {**state, **wanted})
        return candidate, study_id, entry["id"], remarks


def _read_definition(entry: dict | None, name: str) -> Definition:
    if entry is None:
        raise StudyError(f"The study {name!r} was made by another program than this pack: choose another name.")
    if entry.get("format") != FORMAT:
        raise StudyError(
            f"The study {name!r} was made by a newer version of this pack (format {entry.get('format')}, this one "
            f"reads {FORMAT}): update the pack, or choose another name."
        )
    return Definition.from_json(entry)


def _compare(entry: dict | None, name: str, definition: Definition) -> list[str]:
    try:
        return _read_definition(entry, name).differences(definition)
    except StudyError as error:
        return [str(error)]


def _best(history: History, row: int) -> Best:
    return Best(
        u=history.u[row],
        scores=tuple(history.scores[row].tolist()),
        number=int(row),
        label=history.labels[row],
        run=int(history.run[row]),
        generation=int(history.generation[row]),
        index=int(history.index[row]),
    )


def _finish(ledger: Ledger, row: int, result: tuple[float, ...] | str, seen: np.ndarray | None) -> None:
    if isinstance(result, str):
        ledger.finish(row, FAILED, reason=result, glimpse=seen)
    else:
        ledger.finish(row, COMPLETE, result, glimpse=seen)


def _searched(space, optimiser: Optimiser, seed: int) -> tuple[SurrogateSpace | None, Any]:
    """The space that `optimiser` searches, as far as it is known, and its recipe with the origin of a widened one."""
    if isinstance(space, Mapping) and optimiser.widens:
        space = space_from_recipe(space)  # raises if it needs tensors
    if not isinstance(space, SurrogateSpace):
        return None, space
    wide = optimiser.widened(space, seed)
    recipe = wide.recipe()
    return wide, {**recipe, WIDENED: {"seeds": space.k, "chart": space.chart.name}} if wide is not space else recipe


def _whole(name: str, value, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}, got {value!r}.")
    return int(value)


def _listed(scores) -> list:
    many = scores.tolist() if hasattr(scores, "tolist") else scores
    # One number is one score: counted, and refused unless there is one point.
    return list(many) if isinstance(many, Sequence) and not isinstance(many, str | bytes) else [many]


def _numbers(entry) -> tuple[float, ...]:
    """One point's scores."""
    many = entry.tolist() if hasattr(entry, "tolist") else entry
    many = many if isinstance(many, list | tuple) else [many]
    try:
        return tuple(math.nan if value is None else float(value) for value in many)
    except (TypeError, ValueError):
        raise ValueError(f"A score must be a number, got {entry!r}.") from None
