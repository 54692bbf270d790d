"""What an Explorer has shown, remembered as a study."""

from __future__ import annotations

import logging

from ...surrogate.explore import Course, Session
from ...surrogate.search import OpenStudy, record_course
from ...surrogate.search.standing import best_of
from ...surrogate.space import LARGEST_K
from .latents import sample_parts
from .live import keep_pictures
from .notices import warn
from .pages import Picture
from .studies import note_graph
from .study_inputs import default_storage

__all__ = ["remembered"]

log = logging.getLogger("ComfyUI-Surrogate")


def remembered(node, name: str, course: Course, made: list[Picture], latent: dict) -> OpenStudy | None:
    """The study `name` with the pages of the `course` and the pictures `made` of the one that is shown.

    None if the name is empty. Finished pictures are kept whole, under the points that were liked.
    """
    if not name.strip():
        return None
    shape = [list(part) for part in sample_parts(latent)]
    study, numbers = record_course(default_storage(), name.strip(), course, shape)
    if study.name != name.strip():
        log.warning("The study %r is of another Explorer: this one is remembered as %r.", name.strip(), study.name)
    warn(node, [*note_graph(node, study), *_left_out(study.name, course.session, numbers)])
    assert study.space is not None
    opened = OpenStudy(study, study.space)
    session, history = course.session, study.history()
    finished = course.act == "finish"
    for cell, picture in enumerate(made):
        row = numbers.get(session.origin(session.shown, cell) if finished else (session.shown, cell))
        if row is not None and not picture.fault:
            keep_pictures(opened, [row], [picture.frames], best_of(history, row) if finished else None)
    return opened


def _left_out(name: str, session: Session, numbers: dict) -> list[str]:
    """A sentence on the pages that the study has no room for, if there are some."""
    shown = [number for number, page in enumerate(session.pages) if page.act != "finish"]
    missing = [number for number in shown if (number, 0) not in numbers]
    if not missing:
        return []
    return [
        f"The study {name!r} has {len(shown) - len(missing)} of {len(shown)} pages: a study holds {LARGEST_K} noises, and "
        f"pages from {missing[0] + 1} on have later ones. To remember more, begin a new Explorer with what you like as seeds, "
        "and another study."
    ]
