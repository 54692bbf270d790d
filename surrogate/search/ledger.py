"""A study's points as this process last read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .values import COMPLETE, FAILED, RUNNING, SKIPPED, Draft, History, StudyError

__all__ = ["Ledger"]

# Of a sum of parts of an image.
ROUNDING = 1e-6
# In the notes of a point that was asked for: its place in the study.
PLACE = ("run", "generation", "index", "population")


class Ledger:
    """Grows with the study; `history` copies it. A point's number is its row, as optuna counts them."""

    def __init__(self, dimension: int, directions: tuple[str, ...]):
        self.dimension, self.directions = dimension, directions
        self.ids: list[int] = []
        self.open: set[int] = set()
        self.places: dict[tuple[int, int], list[int]] = {}  # rows of (run, generation)
        self.current: dict[int, int] = {}  # the last generation of each run
        self.known: list[int] = []  # rows that were added, not asked for
        self.failed = self.complete = self.skipped = 0  # of those asked for
        self.leader: int | None = None  # the row of the best score, if there is one score a point
        self.labels: list[str] = []
        self.reasons: list[str] = []
        self.attributes: list[Mapping] = []
        self.glimpses: list[np.ndarray | None] = []
        self.drafts: list[Draft | None] = []
        # Points that were drafted, those of them that are not finished, and steps that were made for drafts.
        self.drafted = self.drafted_alone = self.draft_steps = 0
        self._draft_images = 0.0  # the same steps, in images
        self._u = np.empty((64, dimension))
        self._scores = np.empty((64, len(directions)))
        self._state = np.empty(64, dtype="<U8")
        self._place = np.empty((64, 4), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def last_id(self) -> int:
        """The largest id in the database that was read."""
        return self.ids[-1] if self.ids else -1

    def extend(
        self,
        ids: Sequence[int],
        numbers: Sequence[int],
        u: np.ndarray,
        notes: Sequence[Mapping],
        attributes: Sequence[Mapping],
    ) -> None:
        """n points, u (n, k-1), read from the database or put there; running until `finish`.

        A long study is read in one piece: a call of numpy for each point is slow.
        """
        first, count = len(self), len(ids)
        for row, number in enumerate(numbers, first):
            if number != row:
                raise StudyError(f"The study is damaged: its point number {row} is missing. Export what is left of it.")
        self._reserve(first + count)
        # Whatever another program added counts as known.
        places = [[int(entry.get(name, -1)) for name in PLACE] for entry in notes]
        for row, (run, generation, _, _) in enumerate(places, first):
            if run < 0:
                self.known.append(row)
            else:
                self.places.setdefault((run, generation), []).append(row)
                self.current[run] = max(generation, self.current.get(run, -1))
        self.ids += ids
        self.open.update(range(first, first + count))
        self.labels += [str(entry.get("label", f"point {number}")) for number, entry in zip(numbers, notes)]
        self.reasons += [str(entry.get("reason", "")) for entry in notes]
        self.attributes += attributes
        self.glimpses += [None] * count
        self.drafts += [None] * count
        added = slice(first, first + count)
        self._u[added], self._scores[added], self._state[added] = u, np.nan, RUNNING
        self._place[added] = np.array(places, dtype=np.int64).reshape(count, len(PLACE))

    def finish(
        self,
        rows: Sequence[int],
        states: Sequence[str],
        scores: np.ndarray,
        reasons: Sequence[str],
        glimpses: Sequence[np.ndarray | None],
        drafts: Sequence[Draft | None],
    ) -> None:
        """n points came back: complete with scores (n, m), failed for a reason, or skipped, with a draft if there is one.

        Scores are NaN where there is none.
        """
        rows = list(rows)
        u, asked = self._u[rows], (self._place[rows, 0] >= 0).tolist()
        good = (((u >= 0) & (u <= 1)).all(axis=1) & np.isfinite(scores).all(axis=1)).tolist()
        stored = []
        for i, (row, state, reason, draft) in enumerate(zip(rows, states, reasons, drafts, strict=True)):
            if state == COMPLETE and not good[i]:
                state, reason = FAILED, "it has no finite score, or is not a point of this space"
            if asked[i]:
                self.complete += state == COMPLETE
                self.failed += state == FAILED
                self.skipped += state == SKIPPED and draft is None
                self._count(draft, state)
            self.reasons[row] = reason or self.reasons[row]
            self.glimpses[row], self.drafts[row] = glimpses[i], draft
            stored.append(state)
        self.open.difference_update(rows)
        self._state[rows] = stored
        complete = [i for i, state in enumerate(stored) if state == COMPLETE]
        if complete:
            better = np.asarray(rows)[complete]
            self._scores[better] = scores[complete]
            self._lead(better)

    def u(self, rows) -> np.ndarray:
        return self._u[: len(self)][rows].copy()

    def scores(self, row: int) -> tuple[float, ...]:
        return tuple(self._scores[row].tolist())

    def state(self, row: int) -> str:
        return str(self._state[row])

    def is_draft(self, row: int) -> bool:
        """Whether there is only a draft of the point in a row, if there is such a row."""
        return 0 <= row < len(self) and self.drafts[row] is not None and self.state(row) == SKIPPED

    def place(self, row: int) -> tuple[int, int, int, int]:
        """(run, generation, index, population) of a row."""
        run, generation, index, population = self._place[row].tolist()
        return run, generation, index, population

    @property
    def draft_images(self) -> int:
        """How many whole images the steps for drafts are, rounded up."""
        return math.ceil(self._draft_images - ROUNDING)

    @property
    def paid(self) -> int:
        """How many images were asked for, as the budget counts them: a draft that is not finished costs its steps."""
        return len(self) - len(self.known) - self.drafted_alone + self.draft_images

    def _count(self, draft: Draft | None, state: str) -> None:
        if draft is not None and draft.spent:
            self.drafted += 1
            self.drafted_alone += state == SKIPPED
            self.draft_steps += draft.spent
            self._draft_images += draft.spent / draft.of

    def _lead(self, rows: np.ndarray) -> None:
        """The best one is the first of the best scores; `rows` are complete since now."""
        if len(self.directions) == 1:
            rows = np.sort(rows if self.leader is None else np.append(rows, self.leader))
            gains = self._scores[rows, 0] * (1 if self.directions[0] == "maximize" else -1)
            self.leader = int(rows[gains.argmax()])

    def _reserve(self, count: int) -> None:
        """Room for so many points."""
        room = len(self._u)
        if count <= room:
            return
        more = max(count, 2 * room) - room
        self._u, self._scores, self._state, self._place = (
            np.concatenate([a, np.empty((more, *a.shape[1:]), a.dtype)])
            for a in (self._u, self._scores, self._state, self._place)
        )

    def history(self) -> History:
        """The points as they are now. What never changes is not copied, however long the study is."""
        n = len(self)
        u, place = self._u[:n], self._place[:n]
        u.flags.writeable = place.flags.writeable = False
        run, generation, index, population = place.T
        return History(
            directions=self.directions,
            u=u,
            scores=self._scores[:n].copy(),
            state=self._state[:n].copy(),
            run=run,
            generation=generation,
            index=index,
            population=population,
            labels=tuple(self.labels),
            reasons=tuple(self.reasons),
            attributes=tuple(self.attributes),
            glimpses=tuple(self.glimpses),
            drafts=tuple(self.drafts),
        )
