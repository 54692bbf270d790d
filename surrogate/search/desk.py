"""A desk: where one worker of a study asks and tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .access import Access, Memory, Writing
from .optimisers import Optimiser
from .packing import glimpse
from .results import Result, results_of
from .state import Hold
from .workers import Worker

__all__ = ["Desk"]


@dataclass(frozen=True, eq=False)
class Desk:
    """The study behind `access`, searched by `optimiser`, for the worker of this process with the name `worker`.

    A worker of another host that was not heard of for `lease` seconds is taken for dead.
    """

    access: Access
    optimiser: Optimiser
    worker: str
    lease: float

    @property
    def here(self) -> Worker:
        return Worker.this(self.worker)

    @property
    def memory(self) -> Memory:
        return self.access.memory

    @property
    def name(self) -> str:
        return self.access.name

    def hold(self, now: Writing, claimed: int | None = None) -> Hold:
        """This worker works from now on, and thinks out the generation `claimed`, if one is named."""
        return Hold(self.here, now.time + self.lease, claimed)

    def heartbeat(self) -> None:
        """This worker is alive: its lease starts anew."""
        here = self.here
        with self.access.writing(self.memory) as now:
            for run, hold in now.state.runs.items():
                if hold.worker == here:
                    now.state.runs[run] = self.hold(now, hold.claimed)
            self.access.save(now)

    def results(self, scores, reasons: Sequence[str | None] | None, count: int, what: str) -> list[Result]:
        """What came back for `count` points, called `what` in messages. Raises ValueError (see `results_of`)."""
        return results_of(scores, reasons, count, len(self.access.definition.directions), what)

    def glimpses(self, n: int, pictures: Sequence[np.ndarray | None] | None) -> list[np.ndarray | None]:
        """What is remembered of the pictures of n points: nothing, unless the optimiser looks at them.

        Raises ValueError for another number of pictures.
        """
        if pictures is not None and len(pictures) != n:
            raise ValueError(
                f"There are {n} points and {len(pictures)} pictures: give one for each point, None for a point without a picture."
            )
        if pictures is None or not self.optimiser.sees:
            return [None] * n
        return [None if picture is None else glimpse(np.asarray(picture)) for picture in pictures]
