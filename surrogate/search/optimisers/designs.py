"""Optimisers that do not look at scores: random points, and a Sobol sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import scipy

from .base import Optimiser, Proposal, generator

__all__ = ["Random", "Sobol"]


@dataclass(frozen=True)
class Random(Optimiser):
    """Points uniform in the cube: what every other optimiser has to beat."""

    name: ClassVar[str] = "random"
    tooltip: ClassVar[str] = "random points, no learning"

    def propose(self, history, run, generation, indices, population, seed, memory):
        u = generator(seed, run, generation).random((population, history.u.shape[1]))
        return Proposal(u[list(indices)])


@dataclass(frozen=True)
class Sobol(Optimiser):
    """A scrambled Sobol sequence: it fills the cube more evenly than random points. Runs continue one sequence."""

    name: ClassVar[str] = "sobol"
    tooltip: ClassVar[str] = "spreads points evenly, no learning"

    def propose(self, history, run, generation, indices, population, seed, memory):
        position = int((~history.known).sum())
        sequence = scipy.stats.qmc.Sobol(history.u.shape[1], scramble=True, seed=generator(seed))
        if position:
            return Proposal(sequence.fast_forward(position).random(len(indices)))
        # From the start in whole powers of two: scipy warns about anything else.
        return Proposal(sequence.random_base2((len(indices) - 1).bit_length())[: len(indices)])
