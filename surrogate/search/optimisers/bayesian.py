"""Bayesian optimisation between the seeds: a Gaussian process says where the score may be better than the best."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy

from ...charts import KnotheRosenblatt
from ...checks import whole
from ...processes.likelihood import Fit, fit
from .base import Optimiser, Proposal, generator

__all__ = ["Bayesian"]

# Distances of points are those of their weights, in which no coordinate counts where it does not matter. A study's own
# chart is not known here; where it is another one, this is a map of it.
CHART = KnotheRosenblatt()
LENGTHS = (0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)  # in units of the median distance of two points
# Scores to learn from, those nearest to the best one, and those that decide about length and noise: the work grows with their cube.
MOST, MOST_FIT = 256, 64
# Where the expected improvement is looked at: everywhere, around the best points, and then around the best of these.
EVERYWHERE, AROUND = 192, 48
LEADERS, REACHES = 4, (0.3, 0.1, 0.03, 0.01)
# A point nearer than that to one that was tried, as a chord between weights, would give the same picture.
SAME = 0.01


@dataclass(frozen=True)
class Bayesian(Optimiser):
    """Expected improvement under a Gaussian process (Jones et al. 1998) over the weights of the seeds.

    Points without a score, such as those that are being rendered, that failed, and the earlier ones of a generation, count
    as tried, with the score that is expected of them (kriging believer, Ginsbourger et al. 2010), and no point is proposed again. Of several scores each point
    follows a blend of its own (ParEGO, Knowles 2006). The best choice for few seeds and short budgets. The first `startup`
    points are random.
    """

    name: ClassVar[str] = "bayesian"
    tooltip: ClassVar[str] = "a Gaussian process, for few images and up to about 5 seeds"
    population: ClassVar[int] = 4
    slow: ClassVar[bool] = True
    shares: ClassVar[bool] = True

    startup: int = 10

    def __post_init__(self):
        object.__setattr__(self, "startup", whole("startup", self.startup, 1))

    def outdated(self, u, history, later):
        """Whether it found a point that another worker stored who thought at the same time."""
        return bool((_squares(CHART.weights(u), CHART.weights(later)) < SAME**2).any())

    def propose(self, history, run, generation, indices, population, seed, memory):
        chances = [generator(seed, run, generation, int(i)) for i in indices]
        d = history.u.shape[1]
        scored = np.flatnonzero(np.isfinite(history.gains).all(axis=1))
        if len(scored) < max(self.startup, 2):
            return Proposal(np.array([chance.random(d) for chance in chances]))
        # Of failed ones the latest: many would take long.
        tried = np.delete(history.u, scored, axis=0)[-MOST:]
        made = None
        for chance in chances:
            if made is None or history.gains.shape[1] > 1:
                made = _Model(history.u[scored], _losses(history.gains[scored], chance))
            tried = np.concatenate([tried, [made.most_promising(tried, chance)]])
        return Proposal(tried[-len(chances) :])


class _Model:
    """What scores let expect: losses (n,) at the points u (n, d)."""

    def __init__(self, u: np.ndarray, losses: np.ndarray):
        w = CHART.weights(u)
        near = np.sort(np.argsort(-(w @ w[losses.argmin()]), kind="stable")[:MOST])
        self.u, self.w, losses = u[near], w[near], losses[near]
        y = (losses - losses.mean()) / (losses.std() or 1.0)
        squares = _squares(self.w, self.w)
        apart = squares[squares > SAME**2]
        self.unit = float(np.median(apart)) if len(apart) else 1.0
        self.found: Fit = fit(squares / self.unit, LENGTHS, y[:, None], True, MOST_FIT)
        # What is expected at the points themselves: the best score may have been luck.
        self.expected = y - self.found.noise * self.found.pull[:, 0]

    def most_promising(self, tried: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        """The point (d,) of the largest expected improvement that was found, while the points `tried` (m, d) are pending."""
        promise = self._promise(np.concatenate([self.w, CHART.weights(tried)]) if len(tried) else self.w)
        d = self.u.shape[1]
        leaders = self.u[np.argsort(self.expected, kind="stable")[:LEADERS]]
        u = [chance.random((EVERYWHERE, d)), *(_around(leaders, AROUND, reach, chance) for reach in REACHES[:2])]
        best, most = self._best(np.concatenate(u), promise)
        for reach in REACHES:
            other, more = self._best(_around(best[None], AROUND, reach, chance), promise)
            if more > most:
                best, most = other, more
        return best

    def _best(self, u: np.ndarray, promise: Callable) -> tuple[np.ndarray, float]:
        value = promise(CHART.weights(u))
        return u[value.argmax()], float(value.max())

    def _promise(self, known: np.ndarray) -> Callable:
        """The logarithm of the expected improvement at weights (n, k), where all the weights `known` were tried."""
        found, scale = self.found, -2 * self.found.length**2 * self.unit
        kernel = np.exp(_squares(known, known) / scale)
        kernel[np.diag_indices_from(kernel)] += found.noise
        factor = np.linalg.cholesky(kernel)
        goal = self.expected.min()

        def promise(w):
            squares = _squares(known, w)
            near = np.exp(squares / scale)
            mean = found.mean[0] + found.pull[:, 0] @ near[: len(self.w)]
            solved = scipy.linalg.solve_triangular(factor, near, lower=True, check_finite=False)
            deviation = np.sqrt(max(found.signal, 1e-12) * np.maximum(1 - (solved**2).sum(axis=0), 1e-12))
            value = _log_improvement((goal - mean) / deviation) + np.log(deviation)
            return np.where(squares.min(axis=0) < SAME**2, -np.inf, value)

        return promise


def _losses(gains: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Losses (n,) of gains (n, m), without what would hide the differences between the better ones."""
    losses = -gains.clip(-1e100, 1e100)
    if losses.shape[1] > 1:
        span = np.ptp(losses, axis=0)
        shares = (losses - losses.min(axis=0)) / np.where(span > 0, span, 1)
        weighted = chance.dirichlet(np.ones(losses.shape[1])) * shares
        losses = (weighted.max(axis=1) + 0.05 * weighted.sum(axis=1))[:, None]
    low, high = np.quantile(losses, [0.25, 0.75])
    return losses[:, 0].clip(max=high + 3 * (high - low)) if high > low else losses[:, 0]


def _squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared chords (n, m) between weights a (n, k) and b (m, k)."""
    return np.maximum(2 - 2 * (a @ b.T), 0)


def _around(u: np.ndarray, count: int, reach: float, chance: np.random.Generator) -> np.ndarray:
    """`count` points (count, d) around the points u, in some of their coordinates: about half, at least one."""
    start = u[np.arange(count) % len(u)]
    moved = chance.random(start.shape) < 0.5
    moved[np.arange(count), chance.integers(0, start.shape[1], count)] = True
    there = start + reach * chance.standard_normal(start.shape) * moved
    # Reflected: on the faces points would stick.
    return 1 - np.abs(1 - np.abs(there) % 2)


def _log_improvement(z: np.ndarray) -> np.ndarray:
    """log E[max(z + ε, 0)] of a standard normal ε: Ament et al. 2023, eq. 9, which does not vanish far below."""
    far = z < -25.0
    near = np.where(far, 0.0, z)
    value = np.exp(-(near**2) / 2) / np.sqrt(2 * np.pi) + near * scipy.special.ndtr(near)
    tail = -(z**2) / 2 - np.log(2 * np.pi) / 2 - 2 * np.log(np.abs(np.where(far, z, 1.0)))
    return np.where(far, tail, np.log(np.maximum(value, 1e-300)))
