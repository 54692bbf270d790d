"""CMA-ES by pycma: state rebuilt by replaying the history."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...checks import choice, number
from ..values import History
from .base import Optimiser, Proposal, generator

__all__ = ["CmaEs"]

BOUNDARIES = ("BoundTransform", "BoundPenalty")
# A distribution narrower than this in every direction makes one image over and over.
NARROWEST = 1e-5
# Points stored by another machine differ from those that this one computes by less than this.
ROUNDING = 1e-9


@dataclass(frozen=True)
class CmaEs(Optimiser):
    """Covariance matrix adaptation evolution strategy (Hansen, arXiv 1604.00772), as implemented by pycma.

    `sigma0` is the first standard deviation in u; `x0` where the first run starts, one number or one a coordinate.
    Without x0 run i starts from the i-th best of the points known before it, or from the centre if there are none. Points
    on the faces of the cube, such as the seeds, are no place to start from: of the seeds that have no weight there it
    could only add one. (Seen on one target, one run each: from the best seed 96 images did not reach what 48 reached
    from the centre.)
    `boundary` is pycma's handler of the cube's faces, BoundTransform or BoundPenalty.

    Each run is an independent strategy with its own random stream. A generation draws from a generator seeded by
    (seed, run, generation) and is told as ranks, in the order of its indices, once all its points came back. Points
    without a score rank last; a generation with fewer than two scores, or with all scores equal, says nothing and is
    skipped. A strategy that has converged starts again at a random point.
    """

    name: ClassVar[str] = "cma-es"
    tooltip: ClassVar[str] = "stays between the seeds, and learns the shape of the score"
    example: ClassVar[str] = '{"sigma0": 0.3}'
    several_scores: ClassVar[bool] = False
    smallest_population: ClassVar[int] = 3

    sigma0: float = 0.2
    x0: float | tuple[float, ...] | None = None
    boundary: str = "BoundTransform"

    def __post_init__(self):
        number("sigma0", self.sigma0, high=0.5, above=0)  # the cube has side 1
        choice("boundary", self.boundary, BOUNDARIES)
        if self.x0 is not None:
            x0 = np.atleast_1d(np.asarray(self.x0, dtype=np.float64))
            if x0.ndim != 1 or not ((x0 >= 0) & (x0 <= 1)).all():
                raise ValueError(f"x0 must be a number in 0…1, or one such number a coordinate, got {self.x0}.")
            object.__setattr__(self, "x0", float(x0[0]) if np.ndim(self.x0) == 0 else tuple(x0.tolist()))

    def settings(self) -> dict:
        x0 = list(self.x0) if isinstance(self.x0, tuple) else self.x0
        return {"sigma0": float(self.sigma0), "x0": x0, "boundary": self.boundary}

    def check(self, dimension, scores):
        super().check(dimension, scores)
        if isinstance(self.x0, tuple) and len(self.x0) != dimension:
            raise ValueError(f"x0 has {len(self.x0)} numbers, but the space has {dimension} coordinates.")

    def propose(self, history, run, generation, indices, population, seed, memory):
        # Taken out: if anything fails on the way, the next call replays from the start.
        strategy = memory.pop(run, None)
        if strategy is None or strategy.generation > generation:
            strategy = _Strategy(self, self.start(history, run), seed, run)
        rows = np.flatnonzero(history.run == run)
        while strategy.generation < generation:
            strategy.tell(history, rows[history.generation[rows] == strategy.generation])
        u = strategy.ask(population)
        memory[run] = strategy
        return Proposal(u[list(indices)])

    def start(self, history: History, run: int) -> np.ndarray:
        """Where `run` starts (k-1,)."""
        dimension = history.u.shape[1]
        if self.x0 is not None:
            return np.broadcast_to(np.asarray(self.x0), dimension).copy()
        rows = np.flatnonzero(history.run == run)
        before = history.known & (np.arange(len(history)) < (rows[0] if len(rows) else len(history)))
        before &= ((history.u > 0) & (history.u < 1)).all(axis=1)
        gains = np.where(before, history.gains[:, 0], -np.inf)
        best = np.argsort(-gains, kind="stable")[: np.isfinite(gains).sum()]
        return history.u[best[run % len(best)]] if len(best) else np.full(dimension, 0.5)


class _Normals:
    """pycma's source of normal numbers; its generator is replaced for each generation."""

    def __init__(self):
        self.generator = generator(0)

    def __call__(self, *shape):
        return self.generator.standard_normal(shape)


class _Strategy:
    """One run: a pycma object that was told `generation` generations."""

    def __init__(self, settings: CmaEs, x0: np.ndarray, seed: int, run: int):
        self.settings, self.seed, self.run = settings, seed, run
        self.normals = _Normals()
        self.dimension = len(x0)
        # pycma does not support one dimension ("may bail or work poorly"): it gets a second one that no score sees.
        self.x0 = x0 if len(x0) > 1 else np.append(x0, 0.5)
        self.es: Any = None  # pycma has no types
        self.generation = 0
        self.asked: np.ndarray | None = None

    def ask(self, population: int) -> np.ndarray:
        """u (population, k-1) of the present generation; the same however often it is asked."""
        if self.asked is None:
            self.normals.generator = generator(self.seed, self.run, self.generation)
            if self.es is None:
                self.es = self._make(self.x0, population)
            elif self.es.popsize != population:
                self._resize(population)
            self.asked = np.clip(np.array(self.es.ask()), 0.0, 1.0)
        return self.asked[:, : self.dimension]

    @property
    def whole(self) -> np.ndarray:
        """What was asked, with the coordinate that no score sees."""
        assert self.asked is not None
        return self.asked

    def tell(self, history: History, rows: np.ndarray) -> None:
        """Finish the present generation, whose points are `rows` of the history."""
        asked = self.ask(int(history.population[rows[0]]))
        u = self.whole.copy()
        gains = np.full(len(asked), -np.inf)
        gains[history.index[rows]] = history.gains[rows, 0]
        # What was stored counts, should another version of pycma ask for other points. (It knows its own ones, and
        # clips those of others: so not for the last digit's sake.)
        stored = asked.copy()
        stored[history.index[rows]] = history.u[rows]
        u[:, : self.dimension] = np.where(np.abs(stored - asked) < ROUNDING, asked, stored)
        scores = gains[np.isfinite(gains)]
        if len(scores) >= 2 and np.ptp(scores) > 0:
            # Ranks instead of scores: CMA-ES uses nothing else, and equal scores keep the order of their indices.
            ranks = np.empty(len(u))
            ranks[np.argsort(-gains, kind="stable")] = np.arange(len(u))
            self.es.tell(list(u), ranks.tolist())
            if not NARROWEST < self.es.sigma * math.sqrt(max(self.es.sm.variances)):
                self.x0 = generator(self.seed, self.run, self.generation, 1).random((u.shape[1],))
                self.es = None
        self.asked = None
        self.generation += 1

    def _make(self, x0: np.ndarray, population: int):
        cma = _import_cma()
        options = {
            "bounds": [0, 1],
            "BoundaryHandler": getattr(cma, self.settings.boundary),  # the class: an instance loses the bounds
            "popsize": population,
            "CMA_mirrors": 0,  # plain `ask` makes none, though small populations would count them
            "randn": self.normals,
            "seed": math.nan,  # it would reseed numpy
            "verbose": -9,
            "verb_log": 0,
            "verb_disp": 0,
        }
        return cma.CMAEvolutionStrategy(x0.tolist(), self.settings.sigma0, options)

    def _resize(self, population: int) -> None:
        """Another population for the same distribution: what depends on its size is computed anew."""
        es = self.es
        es.opts["popsize"] = population
        es.sp = type(es.sp)(es.N, es.opts, verbose=False)
        rates = es.sm.parameters(mueff=es.sp.weights.mueff, lam=es.sp.weights.lambda_)
        es.sp.weights.finalize_negative_weights(es.N, rates["c1"], rates["cmu"])
        es.adapt_sigma.initialize_settings(es, reset=True)


def _import_cma():
    with warnings.catch_warnings():
        # It regrets at every import that matplotlib is missing; nothing here plots with it.
        warnings.filterwarnings("ignore", message="Could not import matplotlib")
        import cma
    return cma
