"""How a study stands, as JSON for other programs."""

from __future__ import annotations

import json
import os

from .scouting import scouting_name
from .study import Study, study_names

__all__ = ["describe_study"]


def describe_study(storage: str | os.PathLike, name: str) -> dict:
    """How the study `name` in `storage` stands, as JSON; while a search is scouting, its scouting.

    "here" is the number of images that this process has told since it opened the study.

    Raises UnknownStudy if there is none, StudyError if the storage cannot be used.
    """
    names = study_names(storage)
    scouting = name not in names and scouting_name(name) in names
    study = Study.load(storage, scouting_name(name) if scouting else name)
    report = study.report()
    best = report.best
    return {
        "name": name,
        "phase": "scouting" if study.optimiser.name == "scout" else "search",
        "finished": report.finished and not scouting,
        "evaluated": report.evaluated,
        "failed": report.failed,
        "skipped": report.skipped,
        "open": report.open,
        "here": study.told_here,
        "budget": report.budget,
        "generation": report.generation,
        "progress": f"scouting: {report}" if scouting else str(report),
        "space": json.loads(json.dumps(study.definition.space)),
        "best": best
        and {"u": best.u.tolist(), "scores": list(best.scores), "number": best.number, "label": best.label},
    }
