"""Scouting a space: its seeds, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..values import StudyError
from .base import Optimiser, Proposal

__all__ = ["Scout"]


@dataclass(frozen=True)
class Scout(Optimiser):
    """The seeds of the space in their order, each once: whoever works on the study, however generations are cut.

    In every chart seed i lies where coordinate i is 0 and the others are 1; the last one where all are 1.
    It is no search, so it is not in `OPTIMISERS`: another seed gives the same points, and k points are all there are.
    """

    name: ClassVar[str] = "scout"
    tooltip: ClassVar[str] = "the seeds, one after the other"

    def propose(self, history, run, generation, indices, population, seed, memory):
        dimension = history.u.shape[1]
        asked = int((~history.known).sum())
        if asked + len(indices) > dimension + 1:
            raise StudyError(
                f"All {dimension + 1} seeds were asked for: a scouting's budget is the number of its seeds."
            )
        return Proposal(1.0 - np.eye(dimension + 1, dimension)[asked : asked + len(indices)])
