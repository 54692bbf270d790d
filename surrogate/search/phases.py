"""An open study with its space, and the one that follows when a search has two phases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..space import SurrogateSpace
from .scouting import Scouting
from .study import Study
from .values import Generation, Report

__all__ = ["OpenStudy", "Successor"]


@dataclass(frozen=True)
class OpenStudy:
    """A study, its space, and the generation that was asked for, if any; how many of its points were `drafted` before.

    A scouting has a `successor`, which opens the search that follows it.
    """

    study: Study
    space: SurrogateSpace
    generation: Generation | None = None
    successor: Successor | None = None
    drafted: int = 0

    def present(self) -> OpenStudy:
        """This study, or the one that follows it if it is finished.

        Raises ValueError if nothing can follow, because too few noises of a scouting have a score.
        """
        if self.successor is None or not self.study.finished or self.successor.waits:
            return self
        return self.successor()

    def finished(self, report: Report) -> bool:
        """Whether nothing follows this `report` of the study."""
        return report.finished and self.successor is None

    def progress(self, report: Report) -> str:
        """How the study stands, and in which phase if there are several."""
        return f"scouting: {report}" if self.successor else str(report)


@dataclass
class Successor:
    """Opens the search that follows a scouting, once: `opening(scouting)` does it."""

    scouting: Scouting
    opening: Callable[[Scouting], OpenStudy]
    opened: OpenStudy | None = None

    @property
    def waits(self) -> bool:
        """Whether the scouting has too few scores, but pictures that can be made again."""
        return self.opened is None and self.scouting.lacks_pictures

    def __call__(self) -> OpenStudy:
        if self.opened is None:
            self.opened = self.opening(self.scouting)
        return self.opened
