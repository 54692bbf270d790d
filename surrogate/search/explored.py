"""A session of the Explorer as a study: what was shown on its pages, and what was liked."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..explore import Course
from .recording import JudgedPage
from .study import Study

__all__ = ["record_course"]


def record_course(
    storage: str | os.PathLike | None, name: str, course: Course, shape: Sequence | None = None
) -> tuple[Study, dict[tuple[int, int], int]]:
    """The study `name` in `storage` with all that the `course` has shown; (page, picture) -> its number in the study.

    The study's space is that of all noises that the course can show. A page is a generation, one session a run of it. The
    score of a picture that was liked is the number of pages that led to it and of which something was liked, with its
    own; of the others on that page it is 0. A page that is not judged yet is open. Telling it again changes nothing;
    other likes replace those of before. Finished pictures are points that were shown before.

    `shape` : of one latent. If the name belongs to a study of something else, "name (2)" and so on is taken.
    Raises what `Study.open` raises.
    """
    session = course.session
    shown = [i for i, page in enumerate(session.pages) if page.act != "finish"]
    space, weights = course.whole()
    kept = [i for i in shown if i in weights]
    pages = [JudgedPage(space.chart.coordinates(weights[i]), session.scores(i)) for i in kept]
    study = Study.open(
        storage,
        name,
        space,
        budget=sum(len(page.u) for page in pages),
        shape=shape,
        optimiser="picks",
        population=session.pages[0].count,
        seed=course.seed,
        on_mismatch="new",
    )
    numbers = study.record(pages)
    return study, {(i, cell): row for i, rows in zip(kept, numbers, strict=True) for cell, row in enumerate(rows)}
