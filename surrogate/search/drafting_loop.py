"""The loop of a search that looks at drafts: it finishes only the pictures that promise most, if drafts can be trusted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .drafted import seen_on_the_way
from .drafts import FIRST, RESERVE, Drafting, chosen_step, pairs, promised, watched_steps
from .loop import Judged, Judging, Loop, Picture, frames_of
from .values import Generation, Report

__all__ = ["DraftingLoop", "Watched"]


class Watched(Picture, Protocol):
    """A finished picture, and drafts of it by the number of steps; none of a sampler that does not show any."""

    @property
    def drafts(self) -> Mapping[int, Picture]: ...


@dataclass(kw_only=True)
class DraftingLoop(Loop):
    """A `Loop` whose candidates are judged by drafts where these can be trusted.

    `watch(u, steps)` makes finished pictures as `render` does, with their drafts after so many steps; `draft(u, step)` makes
    drafts alone. Finished pictures have `of` steps. `fixed`: after how many steps to draft; None: what the search finds
    out. `drafted(report)` is told after each batch of drafts.

    The first pictures are finished, with their drafts. Then candidates are drafted, and of each 16 the one that promises
    most is finished, if it promises more than the best so far. If that fails twice in a row, drafts after more steps are
    tried, or none. With the end of the budget the most promising are finished.
    """

    watch: Callable[[np.ndarray, Sequence[int]], Sequence[Watched]]
    draft: Callable[[np.ndarray, int], Sequence[Picture]]
    drafted: Callable[[Report], None]
    of: int
    fixed: int | None = None

    def _generations(self) -> Judging[None]:
        while True:
            now = self._decided()
            if now.step and self._left <= RESERVE:
                yield from self._finish(self._promising(now.step)[: max(0, self._left)], now)
            elif now.due:
                now = yield from self._check(now)
            generation = self.study.ask()
            if not len(generation):
                return
            for rows in self._batches(len(generation)):
                part = generation.select(rows)
                yield from self._sketched(part, now.step) if now.step else self._whole(part, now)

    @property
    def _left(self) -> int:
        """How many images the budget still has."""
        report = self.study.report()
        return report.budget - report.evaluated - report.open

    def _decided(self) -> Drafting:
        """What is done about drafts now."""
        now, history = self.study.drafting, self.study.history()
        if now is None or now.of != self.of:  # another number of steps: nothing is known of it
            now = Drafting(self.of)
        seen = pairs(history, self.of)
        if self.fixed is not None:
            step = self.fixed if max((len(gains) for gains, _ in seen.values()), default=0) else None
        elif now.step is None and max((len(gains) for gains, _ in seen.values()), default=0) >= FIRST:
            step = chosen_step(seen, now.refuted)
        else:
            step = now.step
        if now.step != step:
            now = now.decided(step)
            self.study.note_drafting(now)
        return now

    def _promising(self, step: int) -> list[tuple[int, float]]:
        return promised(self.study.history(), step)

    def _check(self, now: Drafting) -> Judging[Drafting]:
        """Finish the draft that promises most, and see whether it holds."""
        assert now.step
        best = self.study.history().gains[:, 0].max(initial=-math.inf)
        first = [one for one in self._promising(now.step)[:1] if one[1] > best]
        if not first:
            now = now.checked(held=False, steadfast=self.fixed is not None)
            self.study.note_drafting(now)
            return now
        return (yield from self._finish(first, now, best))

    def _finish(
        self, chosen: Sequence[tuple[int, float]], now: Drafting, best: float | None = None
    ) -> Judging[Drafting]:
        """Finish drafts, (number, expected gain) each; with `best` this is a check: one must be better."""
        if not chosen:
            return now
        numbers = [number for number, _ in chosen]
        history = self.study.history()
        for rows in self._batches(len(numbers)):
            some = [numbers[i] for i in rows]
            pictures, judged, drafts = yield from self._watched(history.u[some], now)
            if best is not None:
                sign = 1.0 if history.directions[0] == "maximize" else -1.0
                held = any(sign * score > best for score in judged.scores)
                now = now.checked(held, steadfast=self.fixed is not None)
            report = self.study.tell_finished(some, judged.scores, now, judged.reasons, frames_of(pictures), drafts)
            self._told(some, pictures, report)
        return now

    def _whole(self, asked: Generation, now: Drafting) -> Judging[None]:
        """Finish what was asked, and look at drafts on the way as long as these matter."""
        pictures, judged, drafts = yield from self._watched(asked.u, now)
        seen = [seen_on_the_way(scores, self.of) for scores in drafts]
        report = self.study.tell(asked, *judged, frames_of(pictures), seen)
        self._told(asked.trials.tolist(), pictures, report)

    def _watched(self, u, now: Drafting) -> Judging[tuple[list[Watched], Judged, list[dict[int, float]]]]:
        """Finished pictures of points u, what is to be told of them, and the scores of their drafts."""
        steps = (self.fixed,) if self.fixed is not None else watched_steps(self.of)
        pictures = list(self.watch(u, () if now.step == 0 else steps))
        sketches = [(i, step, sketch) for i, one in enumerate(pictures) for step, sketch in sorted(one.drafts.items())]
        both = yield from self._judge([*pictures, *(sketch for _, _, sketch in sketches)])
        drafts: list[dict[int, float]] = [{} for _ in pictures]
        for (i, step, _), score in zip(sketches, both.scores[len(pictures) :], strict=True):
            drafts[i][step] = float(score)
        return pictures, Judged(both.scores[: len(pictures)], both.reasons[: len(pictures)]), drafts

    def _sketched(self, asked: Generation, step: int) -> Judging[None]:
        """Judge what was asked by drafts. One of no use is a failed image, as if it were finished."""
        sketches = list(self.draft(asked.u, step))
        judged = yield from self._judge(sketches)
        good = [i for i, score in enumerate(judged.scores) if math.isfinite(score)]
        bad = [i for i in range(len(sketches)) if i not in good]
        if bad:
            scores, reasons = [math.nan] * len(bad), [judged.reasons[i] for i in bad]
            self.study.tell(asked.select(bad), scores, reasons)
        frames = [sketches[i].frames for i in good]
        report = self.study.tell_drafts(asked.select(good), [judged.scores[i] for i in good], step, self.of, frames)
        self.drafted(report)
        self._notice(sketches)
