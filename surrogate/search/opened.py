"""Which studies a program has opened under which names, and how often they were deleted behind its back."""

from __future__ import annotations

from ..recent import Recent
from .study import Study

__all__ = ["OpenedStudies"]

KEPT = 32


class OpenedStudies:
    """The studies that were opened last, by name and database; a program that keeps results asks it what is outdated."""

    def __init__(self) -> None:
        self._opened: Recent[tuple[str, str], tuple[Study, int]] = Recent(KEPT)

    def remember(self, study: Study, name: str, database: str) -> None:
        """`study` was opened as `name` in `database`, a text that names it."""
        self._opened.keep((name, database), (study, self.times_deleted(name, database)))

    def times_deleted(self, name: str, database: str) -> int:
        """How often the study that was opened as `name` was deleted meanwhile, alone or with its file."""
        found = self._opened.get((name, database))
        if found is None:
            return 0
        study, times = found
        return times if study.exists() else times + 1

    def latest(self, name: str) -> tuple[str, str] | None:
        """The database in which a study was opened as `name` last, and the name that it has there; None if none was."""
        found = None
        for (opened, database), (study, _) in self._opened.items():
            if opened == name:
                found = database, study.name
        return found
