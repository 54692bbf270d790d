"""Studies that the nodes have opened: what is said of them, and whether they are still what they were."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import comfy.model_management
from comfy_api.latest import io

from ...surrogate.search import OpenedStudies, OpenStudy, OtherStudy, Study, password_remark, while_waiting
from .graph_hash import graph_hash
from .notices import say, warn

__all__ = ["advised", "note_graph", "opened_studies", "patient_node", "say_opened"]

# Those that this server has opened by name and database.
opened_studies = OpenedStudies()
# What may change while a study goes on, and its scores still mean the same.
HARMLESS = {
    "SurrogateStudy": (
        "name", "optimiser", "budget", "population", "direction", "random_seed", "if_it_differs", "more_directions",
        "settings", "database", "pictures",
    ),
    "SurrogateScout": (
        "name", "optimiser", "budget", "population", "direction", "random_seed", "if_it_differs", "more_directions",
        "settings", "database", "first_seed", "seeds", "share", "diversity", "chart",
        "pictures",
    ),
    "SurrogateTell": ("until_finished",),
    "SurrogatePick": ("when", "clicks", "minutes", "if_nobody_answers", "picks", "likes"),
    "SurrogateSearch": ("images_per_batch", "n_best", "score_seeds", "drafts"),
    "SurrogateExplorer": (
        "session", "seed", "pictures", "draft_steps", "images_per_batch", "filename_prefix", "seeds", "space", "study",
    ),
}  # fmt: skip


@contextmanager
def advised() -> Iterator[None]:
    """What is said if a study of that name searches something else says also which input of the node decides that."""
    try:
        yield
    except OtherStudy as error:
        raise OtherStudy(f'{error} In the node: set if_it_differs to "start a new study".') from None


def patient_node(execute: Callable) -> Callable:
    """The `execute` of a node with a study: while a database server is waited for the node says so, and Cancel stops it."""

    @functools.wraps(execute)
    def patiently(cls, *args, **inputs):
        def heard(sentence: str) -> None:
            comfy.model_management.throw_exception_if_processing_interrupted()
            say(cls, sentence)

        with while_waiting(heard):
            return execute(cls, *args, **inputs)

    return patiently


def say_opened(node: type[io.ComfyNode], opened: OpenStudy, remarks, database: str = "") -> None:
    """The `remarks` about how a study was opened in `database`, as it was typed; if there are none, how it stands."""
    remarks = [*filter(None, [password_remark(database)]), *remarks]
    warn(node, remarks)
    if not remarks:
        report = opened.study.report()
        begun = report.evaluated or report.open or report.best is not None
        say(node, f"continues from {opened.progress(report)}" if begun else "a new study")


def note_graph(node: type[io.ComfyNode], study: Study) -> list[str]:
    """Remember with the study what graph makes and scores its images; a sentence if it was another one before."""
    now = graph_hash(node.hidden.prompt, node.hidden.unique_id, HARMLESS)[:16]
    before = study.renote(now) if now else ""
    if before in ("", now):
        return []
    return [
        "The graph that makes and scores the images has changed since this study was last run (model, prompt, sampler, "
        "scorer, …): its earlier scores may mean something else. If so, give the study another name."
    ]
