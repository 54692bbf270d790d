"""A study: a search that is remembered, and who asks and tells what."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..charts import chart_named
from ..checks import number, whole
from ..pictures.album import Album
from ..space import SurrogateSpace
from . import asking, drafted, telling, widening
from .access import Access
from .definition import LARGEST_SEED, Definition, check_name
from .desk import Desk
from .different import POOL
from .different import different as those_that_differ
from .drafts import Drafting
from .export import write_csv, write_json
from .opening import Wanted, find_or_create, read_definition
from .optimisers import Optimiser, make_optimiser
from .patience import patient
from .picture_places import check_place, shared_pictures
from .recording import JudgedPage, record
from .results import NOT_JUDGED
from .standing import best_of, report_of
from .store import Store
from .values import Best, Draft, Generation, History, Report, UnknownStudy

__all__ = ["Study", "study_names"]

# Seconds after which a worker of another host that was not heard of is taken for dead.
LEASE = 1800.0
MOST = 10_000_000


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
        return asking.ask(self._desk, n)

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
        `drafts`: what was seen of each point while its picture was made. Points of which only drafts were told
        (`tell_drafts`) may be told too, once they are finished.
        The same result told again changes nothing. Raises ValueError, and records nothing, for a wrong number of
        scores, for points that are not of this study, or for another result than the recorded one; if meanwhile
        another worker has taken over the generation, its result stays and the report says so.
        """
        telling.check_asked(self._access, generation)
        results = self._desk.results(scores, reasons, len(generation), "points in this generation")
        return telling.tell(self._desk, generation, results, self._desk.glimpses(len(generation), pictures), drafts)

    @patient
    def skip(self, generation: Generation) -> Report:
        """Nobody could say how good the points of a generation are, or of a slice of one: `ask` gives the next ones.

        They count against the budget, and optimisers learn nothing from them. Raises ValueError for points that have
        a score or failed, and for points that are not of this study.
        """
        telling.check_asked(self._access, generation)
        return telling.tell(self._desk, generation, [NOT_JUDGED] * len(generation), [None] * len(generation))

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
        telling.check_asked(self._access, generation)
        glimpses = self._desk.glimpses(len(generation), pictures)
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
        results = self._desk.results(scores, reasons, len(trials), "points")
        glimpses = self._desk.glimpses(len(trials), pictures)
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
        results = self._desk.results(scores, reasons, len(trials), "points")
        glimpses = self._desk.glimpses(len(trials), pictures)
        telling.retell(self._access, trials, results, glimpses)
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
        results = self._desk.results(scores, None, len(u), "points")
        return telling.add_known(self._access, u, results, labels, self._desk.glimpses(len(u), pictures))

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
        self._desk.heartbeat()

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

    def n_best(self, n: int, different: bool = False) -> tuple[Best, ...]:
        """The n best points, best first; fewer if there are fewer.

        With `different`, the best one, and of the 4n best those whose noises differ most: the best ones of a search that
        came close to something are often nearly one picture.
        """
        history, n = self.history(), whole("n", n, 1, MOST)
        rows = history.ranked(POOL * n if different else n)
        if different and len(rows):
            rows = rows[those_that_differ(chart_named(self.definition.space["chart"]).weights(history.u[rows]), n)]
        return tuple(best_of(history, row) for row in rows)

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
        shared = shared_pictures(self.pictures, self._access.store, self.identity)
        return Album(Path(folder) / self.identity, self.identity, shared)

    # Within.

    @property
    def _desk(self) -> Desk:
        return Desk(self._access, self.optimiser, self.worker, self.lease)


@patient
def study_names(storage: str | os.PathLike | None) -> list[str]:
    """The names of the studies in `storage`, oldest first; an empty list if there is no such file."""
    if Store.is_missing(storage):
        return []
    return Store(storage, create=False).names()
