"""What would be lost without a seed: the best place of the space against the best without it, by a Gaussian process.

Seeds are taken out by their weights: the points with w_k = 0 are the space of the other seeds, a face of this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from scipy.special import ndtri

from ...processes.gaussian_process import GaussianProcess

__all__ = ["Loss", "Losses"]

UNIFORM, LEADING, NEARBY = 512, 64, 96
RADII = (0.3, 0.1, 0.03)
# Places that might beat a face are looked at closely, so many of them.
RIVALS = 128


@dataclass(frozen=True)
class Loss:
    """Without a seed: `loss`, how much lower the best expected score is; `deviation` of that, what is not known;
    `promise`, how much better than without it the score may be anywhere thanks to it. In units of the score."""

    loss: float
    deviation: float
    promise: float


class Losses:
    """The losses of one search. `process` knows gains at weights w (n, k), `leaders` (m, k) are the best points found,
    `sure` is how many deviations a promise allows for.

    The places that are compared are points found, seeds, points spread over the space, points between, and what is
    near the best of them; without a seed the same, without it.
    `best` (k,) are the weights of the best expected score, `span` how much better it is than the space on average.
    """

    def __init__(self, process: GaussianProcess, leaders: np.ndarray, sure: float):
        self._process, self._sure = process, sure
        k = leaders.shape[1]
        self.uniform = uniform(k, UNIFORM)
        # From the best points towards each seed: where that seed may help.
        towards = [_unit(a * (1 - t) + t * np.eye(k)) for a in leaders[:2] for t in (0.2, 0.4, 0.6, 0.8)]
        self._places = np.concatenate([leaders, np.eye(k), self.uniform, *towards])
        self._places = self._places[np.argsort(-process.mean(self._places), kind="stable")]
        self._tops = [self._top([seed]) for seed in range(k)]
        self.best = max([self._top([]), *self._tops], key=lambda top: top[0])[1]
        self.span = float(process.mean(self.best[None])[0] - process.mean(self.uniform).mean())

    def without(self, seeds: Sequence[int]) -> tuple[float, float]:
        """What the best expected score loses without all of `seeds` (from 0), and the deviation of that."""
        _, top = self._tops[seeds[0]] if len(seeds) == 1 else self._top(seeds)
        (loss,), (deviation,) = self._process.difference(self.best[None], top[None])
        return max(float(loss), 0.0), float(deviation)

    def promise(self, seed: int) -> float:
        """How much the score may be above the best without `seed`, and above that of the same place without it."""
        places = np.concatenate([self.best[None], self._places])
        places = places[places[:, seed] > 0]
        above = self._bound(places, self._tops[seed][1][None])
        rivals = np.argsort(-above, kind="stable")[:RIVALS]
        places, above = places[rivals], above[rivals]
        rest = _without(places, [seed])
        blends = rest.any(axis=1)
        above[blends] = np.minimum(above[blends], self._bound(places[blends], _unit(rest[blends])))
        return max(float(above.max()), 0.0)

    def effect(self, seed: int) -> tuple[float, float]:
        """How much better the score is with `seed` than without it, the others as they are to each other, on average
        over the space: mean and deviation."""
        return self._process.mean_difference(self.uniform, _unit(_without(self.uniform, [seed])))

    def _top(self, seeds: Sequence[int]) -> tuple[float, np.ndarray]:
        """The best expected gain without `seeds`, and its weights (k,)."""
        k = self._places.shape[1]
        places = _without(np.concatenate([self._places[:LEADING], self.uniform, np.eye(k)]), seeds)
        places = _unit(places[places.any(axis=1)])
        rng = np.random.default_rng(0)
        for radius in (*RADII, 0.0):
            means = self._process.mean(places)
            places = places[np.argsort(-means, kind="stable")[:4]]
            steps = radius * rng.standard_normal((NEARBY, 4, k)) / np.sqrt(k)
            near = _without(np.maximum(places + steps, 0).reshape(-1, k), seeds)
            places = np.concatenate([places, _unit(near[near.any(axis=1)])])
        return float(means.max()), places[0]

    def _bound(self, a, b) -> np.ndarray:
        mean, deviation = self._process.difference(a, b)
        return mean + self._sure * deviation


def uniform(k: int, count: int) -> np.ndarray:
    """Weights (count, k) spread evenly over the non-negative part of the sphere; the same in each call."""
    cube = scipy.stats.qmc.Sobol(k, scramble=True, seed=0).random(count)
    return _unit(ndtri(0.5 + cube / 2))


def _without(w, seeds: Sequence[int]):
    w = w.copy()
    w[:, list(seeds)] = 0.0
    return w


def _unit(w):
    return w / np.linalg.norm(w, axis=-1, keepdims=True)
