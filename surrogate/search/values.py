"""What goes in and out of a study, as frozen values: a generation, its history, the best points, a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

__all__ = [
    "COMPLETE",
    "FAILED",
    "RUNNING",
    "SKIPPED",
    "UNUSABLE",
    "Best",
    "Draft",
    "Generation",
    "History",
    "OtherStudy",
    "Report",
    "StudyError",
    "UnknownStudy",
]

RUNNING, COMPLETE, FAILED = "running", "complete", "failed"
# It was looked at, and nobody could say whether it is good.
SKIPPED = "skipped"
# How the reason of a failed point begins if its picture, not the score, is at fault. It is stored, so it must not change.
UNUSABLE = "unusable picture: "


class StudyError(RuntimeError):
    """A study's storage cannot be used: locked, read-only, damaged, deleted, or made by something newer."""


class OtherStudy(ValueError):
    """The name belongs to a study of something else."""


class UnknownStudy(StudyError):
    """There is no such study, and nothing is wrong with its storage."""


@dataclass(frozen=True)
class Generation:
    """Points to be scored, as `Study.ask` gave them: rows of generation `number` (from 0) of `run`.

    `indices` (n,) are their places in the generation, `trials` (n,) their numbers in the study, `u` (n, k-1) the
    points in the cube. Empty if there is nothing to do. A slice, `generation[2:5]`, is a generation of those rows:
    what to tell when a generation is rendered in chunks.
    """

    study: str
    run: int
    number: int
    indices: np.ndarray = field(compare=False)
    trials: np.ndarray = field(compare=False)
    u: np.ndarray = field(compare=False)
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.u)

    def __getitem__(self, rows: slice) -> Generation:
        if not isinstance(rows, slice):
            raise ValueError(
                f"A generation is cut by a slice such as [2:5], got {rows!r}; for one row use select([i])."
            )
        return self.select(range(*rows.indices(len(self))))

    def select(self, rows: Sequence[int]) -> Generation:
        """The generation's rows number `rows` (from 0), in that order."""
        rows = list(rows)
        return replace(
            self,
            indices=self.indices[rows],
            trials=self.trials[rows],
            u=self.u[rows],
            labels=tuple(self.labels[i] for i in rows),
        )


@dataclass(frozen=True)
class Best:
    """A scored point: `u` (k-1,), its `scores` (m,), its number in the study, its label, where it came from.

    `run` and `generation` are -1 for a point that was known before the search.
    """

    u: np.ndarray = field(compare=False)
    scores: tuple[float, ...]
    number: int
    label: str
    run: int
    generation: int
    index: int

    @property
    def score(self) -> float | tuple[float, ...]:
        """The score; of several, all of them."""
        return self.scores[0] if len(self.scores) == 1 else self.scores


@dataclass(frozen=True)
class Draft:
    """What was seen of a point before its picture was finished, if it was.

    `scores`: of what the model predicted, by the number of steps; `of`: how many steps the finished picture has;
    `spent`: steps that were made for a draft alone, 0 if the picture was finished at once.
    """

    scores: Mapping[int, float]
    of: int
    spent: int = 0

    def to_json(self) -> dict:
        return {"scores": {str(step): score for step, score in self.scores.items()}, "of": self.of, "spent": self.spent}

    @classmethod
    def from_json(cls, entry: Mapping) -> Draft:
        return cls({int(step): score for step, score in entry["scores"].items()}, entry["of"], entry["spent"])


@dataclass(frozen=True, eq=False)
class History:
    """All points of a study in the order in which they were asked or added: arrays of n rows.

    `u` (n, k-1); `scores` (n, m), NaN until there is one and where there is none; `state` (n,) "running", "complete",
    "failed" or "skipped"; `run`, `generation`, `index` (n,), -1 for known points; `population` (n,), the size that the row's
    generation was planned with. `attributes` are an optimiser's own notes on its rows, `glimpses` what it sees of their
    pictures: (f, 16, 16, 3) uint8, or None. `drafts` are the drafts that were scored, or None; a row that has only one is
    "skipped".
    """

    directions: tuple[str, ...]
    u: np.ndarray
    scores: np.ndarray
    state: np.ndarray
    run: np.ndarray
    generation: np.ndarray
    index: np.ndarray
    population: np.ndarray
    labels: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    attributes: tuple[Mapping, ...] = field(default=(), repr=False)
    glimpses: tuple[np.ndarray | None, ...] = field(default=(), repr=False)
    drafts: tuple[Draft | None, ...] = field(default=(), repr=False)

    def __len__(self) -> int:
        return len(self.u)

    @property
    def known(self) -> np.ndarray:
        """(n,) whether a row was added by `Study.add_known`; such rows do not count against the budget."""
        return self.run < 0

    def known_rows(self, u) -> np.ndarray:
        """Row numbers (n,) of the known points `u` (n, k-1), bit for bit; -1 where there is none."""
        rows = {self.u[row].tobytes(): int(row) for row in np.flatnonzero(self.known)}
        return np.array([rows.get(point.tobytes(), -1) for point in np.atleast_2d(u)], dtype=np.int64)

    @property
    def judged(self) -> np.ndarray:
        """(n,) whether a row has a score or failed: neither running nor skipped."""
        return (self.state == COMPLETE) | (self.state == FAILED)

    @property
    def drafted(self) -> np.ndarray:
        """(n,) whether a row has only a draft."""
        made = [draft is not None for draft in self.drafts] if self.drafts else [False] * len(self)
        return (self.state == SKIPPED) & np.array(made, dtype=bool)

    @property
    def unusable(self) -> np.ndarray:
        """Row numbers of the points that were asked for and failed because of their pictures, see `Study.retell`."""
        rows = np.flatnonzero((self.state == FAILED) & ~self.known)
        return np.array([row for row in rows.tolist() if self.reasons[row].startswith(UNUSABLE)], dtype=np.int64)

    @property
    def gains(self) -> np.ndarray:
        """(n, m) scores turned so that more is better; -inf for rows without a score."""
        sign = np.array([1.0 if d == "maximize" else -1.0 for d in self.directions])
        return np.where((self.state == COMPLETE)[:, None], self.scores * sign, -np.inf)

    @property
    def best_so_far(self) -> np.ndarray:
        """(n, m) the best score of each kind among a row and those before it; NaN before the first one."""
        sign = np.array([1.0 if d == "maximize" else -1.0 for d in self.directions])
        best = np.maximum.accumulate(self.gains, axis=0) if len(self) else self.gains
        return np.where(np.isneginf(best), np.nan, best * sign)

    def ranked(self, count: int | None = None) -> np.ndarray:
        """Row numbers, best first, of the rows that have a score; of equal ones the earlier first.

        With several scores: the Pareto front first, then the front of what remains, …; within a front by distance
        to the best of each score, in units of the scores' ranges.
        """
        gains = self.gains
        rows = np.flatnonzero(np.isfinite(gains).all(axis=1))
        gains = gains[rows]
        if gains.shape[1] == 1:
            return rows[np.argsort(-gains[:, 0], kind="stable")[:count]]
        span = np.ptp(gains, axis=0) if len(rows) else np.ones(gains.shape[1])
        distance = np.linalg.norm((gains - gains.max(axis=0, initial=-np.inf)) / np.where(span > 0, span, 1), axis=1)
        order: list[int] = []
        left = np.arange(len(rows))
        while len(left) and (count is None or len(order) < count):
            front = left[pareto_front(gains[left])]
            order += front[np.argsort(distance[front], kind="stable")].tolist()
            left = np.setdiff1d(left, front)
        return rows[np.array(order[:count], dtype=int)]


def pareto_front(gains: np.ndarray) -> np.ndarray:
    """Which rows of `gains` (n, m), more is better, no other row beats: at least as good in all and better in one."""
    front: list[int] = []
    # After sorting, a row can only be beaten by one before it.
    for i in np.lexsort(-gains.T[::-1]):
        beats = (gains[front] >= gains[i]).all(axis=1) & (gains[front] > gains[i]).any(axis=1)
        if not beats.any():
            front.append(int(i))
    return np.sort(np.array(front, dtype=int))


@dataclass(frozen=True)
class Drafts:
    """How many pictures of a study were `finished` and how many `drafted` with `steps` in all, of pictures of `of` steps.

    `saved`: steps that would have been needed in addition to finish every draft.
    """

    finished: int
    drafted: int
    steps: int
    saved: int
    of: int

    def in_words(self, budget: int) -> str:
        """With the `budget` in images."""
        saved = f", which saved {self.saved} steps" if self.saved > 0 else ""
        made = f"{self.finished} finished, {self.drafted} drafts{saved}"
        return f"{self.steps} of {budget * self.of} steps: {made}"


@dataclass(frozen=True)
class Report:
    """How a study stands. `evaluated` counts images that came back: with a score, without one because they
    `failed`, or `skipped` by a person who could not judge them.

    A draft counts as the part of an image that its steps are; `drafts` says more, None if there are none.
    `open` are images that were asked for and did not come back yet. `best` is None before the first score.
    `remarks` are sentences for the user. `str(report)` is the progress text.
    """

    name: str
    budget: int
    evaluated: int
    failed: int
    open: int
    runs: int
    generation: int
    best: Best | None
    front: int = 0
    remarks: tuple[str, ...] = ()
    skipped: int = 0
    drafts: Drafts | None = None

    @property
    def finished(self) -> bool:
        """Whether the budget is spent and every image came back."""
        return self.evaluated >= self.budget and not self.open

    def __str__(self) -> str:
        drafts = f" ({self.drafts.in_words(self.budget)})" if self.drafts else ""
        parts = [f"{self.evaluated} of {self.budget} images{drafts}"]
        if self.generation:
            parts.append(f"generation {self.generation}" + (f" of {self.runs} runs" if self.runs > 1 else ""))
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.skipped:
            parts.append(f"{self.skipped} not judged")
        if self.best is None:
            parts.append("no score yet")
        elif len(self.best.scores) == 1:
            parts.append(f"best {self.best.scores[0]:.4g}")
        else:
            parts.append(f"best {' / '.join(f'{s:.4g}' for s in self.best.scores)}, {self.front} on the front")
        return ", ".join(parts) + (", finished" if self.finished else "")
