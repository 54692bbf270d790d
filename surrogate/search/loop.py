"""The loop of a search: make pictures of points, score them, tell the study, until its budget is spent."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from ..points import Points, from_coordinates
from ..space import SurrogateSpace
from .faults import NoUsablePictures, faults_in, named_faults, reasons_of
from .study import Study
from .values import Report

__all__ = ["Judged", "Judging", "Loop", "Picture", "answered", "frames_of", "score_each"]

# After so many unusable pictures one after the other a search stops: the cause is not the points.
PATIENCE = 8

Score = Callable[["Picture"], float]
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Result = TypeVar("Result")


class Picture(Protocol):
    """A point's picture: frames (t, h, w, c) uint8, and a `fault`, why it is of no use; "" if it is good."""

    @property
    def frames(self) -> np.ndarray: ...

    @property
    def fault(self) -> str: ...


class Judged(NamedTuple):
    """Scores (n,) or (n, m) of n pictures, as `Study.tell` takes them, and for each without one the reason."""

    scores: list
    reasons: list[str | None]


# What a search gives out to be judged, some pictures, and what it waits for.
Judging = Generator[list[Picture], Judged, Result]


@dataclass
class Loop:
    """Runs the search of `study` in `space`.

    `render(u)` makes the pictures of the points u (n, k-1), at most `at_once` of them. Who judges them is the caller's
    affair: `steps` gives out those without a fault and waits for a Judged. `heard(numbers, pictures, report)` is told
    after each batch what was made: the numbers of the points in the study, and how the study stands then.
    """

    study: Study
    space: SurrogateSpace
    render: Callable[[np.ndarray], Sequence[Picture]]
    at_once: int
    heard: Callable[[Sequence[int], Sequence[Picture], Report], None]
    # What is wrong with pictures of seeds, which are not in the study, by their labels.
    _seeds: dict[str, str] = field(default_factory=dict)
    _in_vain: int = 0

    def run(self, score: Callable[[list[Picture]], Judged], score_seeds: bool = True) -> None:
        """Take all `steps` with `score` as the judge."""
        answered(self.steps(score_seeds), score)

    def steps(self, score_seeds: bool = True) -> Judging[None]:
        """Search until the budget is spent; first what failed because of its picture is made again.

        With `score_seeds` the seeds of the space that have no score yet are rendered and scored before the search, beyond
        the budget. A picture with a fault counts as a failed image; a seed's is made again by the next `run`.
        Raises NoUsablePictures after 8 pictures with a fault in a row. What `render` raises passes through; the points of
        that batch stay open, as they do if no more steps are taken.
        """
        yield from self._again()
        if score_seeds:
            yield from self._score_seeds()
        yield from self._generations()

    def _generations(self) -> Judging[None]:
        while len(generation := self.study.ask()):
            for rows in self._batches(len(generation)):
                asked = generation.select(rows)
                pictures, judged = yield from self._judged(asked.u)
                report = self.study.tell(asked, *judged, frames_of(pictures))
                self._told(asked.trials.tolist(), pictures, report)

    def planned(self, score_seeds: bool = True) -> tuple[int, int]:
        """How many pictures the search has in all when it is finished, and how many of them are there already."""
        report, again = self.study.report(), len(self.study.history().unusable)
        return len(self._unscored() if score_seeds else ()) + report.budget + again, report.evaluated

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong with each picture that is still to be made again, by its name."""
        return {**self._seeds, **faults_in(self.study.history())}

    def _again(self) -> Judging[None]:
        failed, u = self.study.history().unusable, self.study.history().u
        for rows in self._batches(len(failed)):
            pictures, judged = yield from self._judged(u[failed[rows]])
            report = self.study.retell(failed[rows].tolist(), *judged, frames_of(pictures))
            self._told(failed[rows].tolist(), pictures, report)

    def _score_seeds(self) -> Judging[None]:
        seeds, unscored = from_coordinates(self.space, self.study.corners), self._unscored()
        for rows in self._batches(len(unscored)):
            chosen = seeds.select([unscored[i] for i in rows])
            pictures, judged = yield from self._judged(chosen.u)
            self._seeds |= {label: one.fault for label, one in zip(chosen.labels, pictures, strict=True) if one.fault}
            good = [i for i, one in enumerate(pictures) if not one.fault]
            if good:
                self._add_seeds(chosen.select(good), [pictures[i] for i in good], [judged.scores[i] for i in good])
            self._notice(pictures)

    def _add_seeds(self, seeds: Points, pictures: list[Picture], scores: list) -> None:
        self.study.add_known(seeds.u, scores, seeds.labels, frames_of(pictures))
        self.heard(self.study.history().known_rows(seeds.u).tolist(), pictures, self.study.report())

    def _unscored(self) -> list[int]:
        rows = self.study.history().known_rows(self.study.corners)
        return np.flatnonzero(rows < 0).tolist()

    def _batches(self, count: int) -> Iterator[list[int]]:
        for start in range(0, count, self.at_once):
            yield list(range(start, min(start + self.at_once, count)))

    def _judged(self, u: np.ndarray) -> Judging[tuple[list[Picture], Judged]]:
        pictures = list(self.render(u))
        return pictures, (yield from self._judge(pictures))

    def _judge(self, pictures: Sequence[Picture]) -> Judging[Judged]:
        """What is to be told of `pictures`: only those without a fault are scored."""
        good = [i for i, one in enumerate(pictures) if not one.fault]
        judged = (yield [pictures[i] for i in good]) if good else Judged([], [])
        several = len(self.study.definition.directions)
        scores: list = [math.nan if several == 1 else (math.nan,) * several] * len(pictures)
        reasons = reasons_of([one.fault for one in pictures])
        for i, score, reason in zip(good, judged.scores, judged.reasons, strict=True):
            scores[i], reasons[i] = score, reason
        return Judged(scores, reasons)

    def _told(self, numbers: list[int], pictures: Sequence[Picture], report: Report) -> None:
        good = [i for i, one in enumerate(pictures) if not one.fault]
        self.heard([numbers[i] for i in good], [pictures[i] for i in good], report)
        self._notice(pictures)

    def _notice(self, pictures: Sequence[Picture]) -> None:
        for one in pictures:
            self._in_vain = self._in_vain + 1 if one.fault else 0
        if self._in_vain >= PATIENCE:
            raise NoUsablePictures(
                f"The search {self.study.name!r} stops: its last {self._in_vain} pictures were all unusable. "
                f"{named_faults(self.faults)}"
            )


def answered(asking: Generator[Asked, Answer, Result], answer: Callable[[Asked], Answer]) -> Result:
    """What the generator `asking` returns when each thing that it asks for gets its `answer`."""
    said: Answer | None = None
    while True:
        try:
            asked = next(asking) if said is None else asking.send(said)
        except StopIteration as end:
            return end.value
        said = answer(asked)


def score_each(
    scorers: Sequence[Score], pictures: Sequence[Picture], passing: tuple[type[BaseException], ...]
) -> Judged:
    """Scores of the `pictures` by each of the `scorers`, one picture at a time: one that fails costs one image.

    Exceptions of the kinds `passing` are raised, such as the one that means Cancel. Raises ValueError if all of several
    pictures fail for the same reason: then it is the scorer's.
    """
    scores: list[tuple[float, ...]] = []
    reasons: list[str | None] = []
    for picture in pictures:
        try:
            scores.append(tuple(scorer(picture) for scorer in scorers))
            reasons.append(None)
        except passing:
            raise
        except Exception as error:  # a scorer is somebody's model: anything can come
            scores.append((math.nan,) * len(scorers))
            reasons.append(f"{type(error).__name__}: {error}")
    if all(reasons) and len(set(reasons)) == 1 and len(reasons) > 1:
        raise ValueError(f"The scorer fails on every image: {reasons[0]}")
    return Judged([row[0] for row in scores] if len(scorers) == 1 else scores, reasons)


def frames_of(pictures: Sequence[Picture]) -> list[np.ndarray | None]:
    """The frames of each picture, None of those with a fault."""
    return [None if one.fault else one.frames for one in pictures]
