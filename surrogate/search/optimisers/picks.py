"""Picks: a person likes some pictures of each generation; evolution makes the next one of what was liked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from ...charts import WholeSphere
from ...checks import number, whole
from ...explore.evolution import MOST_TURN, Evolution
from ...space import LARGEST_K, SurrogateSpace
from ..values import History
from .base import Optimiser, Proposal, generator

__all__ = ["Picks", "liked_rows"]

CHART = WholeSphere()
# After a generation in which nothing was liked the next one goes farther by this factor.
FARTHER = 1.5


@dataclass(frozen=True)
class Picks(Optimiser):
    """Interactive evolution, as in Surrogate Explorer: for a person who likes some pictures of a generation, or none.

    The first generation shows the given seeds, then fresh noises. Each later one shows again what was liked best last,
    and blends of the last `parents` liked ones, each turned towards a fresh noise of its own by an angle that shrinks
    from `widest` to `narrowest` radians in `cooling` generations. After a generation of which nothing was liked the turns are
    half as wide again.

    Scores are read as likes: of a generation the best score, if all its scores are one of two numbers such as 1 and 0;
    otherwise the best third. If all are equal, all are liked or, with the lowest score of the study, none. A generation
    without any score says nothing: nobody could tell.
    """

    name: ClassVar[str] = "picks"
    tooltip: ClassVar[str] = (
        "for likes (1 and 0) of a person, leaves the seeds and makes new noises around what was liked"
    )
    several_scores: ClassVar[bool] = False
    population: ClassVar[int] = 9
    widens: ClassVar[bool] = True

    parents: int = Evolution.parents
    widest: float = Evolution.widest
    narrowest: float = Evolution.narrowest
    cooling: int = Evolution.cooling
    spread: float = Evolution.spread
    noises: int = LARGEST_K

    def __post_init__(self):
        for name, least, most in (("parents", 1, None), ("cooling", 1, None), ("noises", 2, LARGEST_K)):
            object.__setattr__(self, name, whole(name, getattr(self, name), least, most))
        for name, low, high in (("widest", 0, MOST_TURN), ("narrowest", 0, MOST_TURN), ("spread", 1, 10)):
            object.__setattr__(self, name, number(name, getattr(self, name), low, high))

    @property
    def evolution(self) -> Evolution:
        """How the next generation is bred."""
        settings = asdict(self)
        del settings["noises"]
        return Evolution(**settings)

    def widened(self, space, seed):
        """Every combination of the space's seeds and fresh noises, `noises` in all: integers that follow from `seed`."""
        if space.chart.signed and space.k >= self.noises:
            return space
        fresh = space.seeds.others(max(self.noises - space.k, 1), f"picks {seed}")
        return SurrogateSpace(space.seeds + fresh, CHART, space.transport)

    def propose(self, history, run, generation, indices, population, seed, memory):
        w = CHART.weights(history.u) if len(history) else np.empty((0, history.u.shape[1] + 1))
        before = ~((history.run == run) & (history.generation == generation))
        pages = _pages(history, before)
        liked = [w[row] for page in pages for row in liked_rows(history, page)]
        chance = generator(seed, run, generation)
        made = self.evolution
        fresh = _fresh(w[before], np.array(liked[-made.parents :]), population, chance)
        if not liked:
            return Proposal(CHART.coordinates(fresh[list(indices)]))
        bred = sum(len(liked_rows(history, page)) > 0 for page in pages)
        none = not len(liked_rows(history, pages[-1]))
        angles = made.angles(bred, population, FARTHER if none else 1.0, chance)
        children = made.children(liked, fresh, angles, chance)
        children[0] = liked[-1]
        return Proposal(CHART.coordinates(children[list(indices)]))


def liked_rows(history: History, rows: np.ndarray) -> np.ndarray:
    """Which `rows` of the history, those of one generation, count as liked: the best one last, of equal ones the first."""
    rows = rows[np.isfinite(history.gains[rows, 0])]
    gains = history.gains[rows, 0]
    if not len(rows):
        return rows
    different = len(np.unique(gains))
    if different == 1:
        known = history.gains[np.isfinite(history.gains[:, 0]), 0]
        return rows[::-1] if gains[0] > known.min() else rows[:0]
    count = int((gains == gains.max()).sum()) if different == 2 else -(-len(rows) // 3)
    return rows[np.argsort(-gains, kind="stable")[:count]][::-1]


def _pages(history: History, chosen: np.ndarray) -> list[np.ndarray]:
    """The rows of each generation among the `chosen` that has a score, in the order in which they were asked."""
    scored = np.flatnonzero(chosen & np.isfinite(history.gains[:, 0]))
    places: dict[tuple[int, int], list[int]] = {}
    for row in scored.tolist():
        places.setdefault((int(history.run[row]), int(history.generation[row])), []).append(row)
    return [np.array(rows) for rows in places.values()]


def _fresh(w: np.ndarray, parents: np.ndarray, count: int, chance: np.random.Generator) -> np.ndarray:
    """`count` noises (count, k) of which no row of w (n, k) has anything; where they are used up, directions across the
    `parents`."""
    unused = np.flatnonzero(~w.any(axis=0))[:count]
    fresh = np.zeros((count, w.shape[1]))
    fresh[np.arange(len(unused)), unused] = 1.0
    if len(unused) == count:
        return fresh
    drawn = chance.standard_normal((count - len(unused), w.shape[1]))
    if len(parents):
        drawn -= drawn @ np.linalg.pinv(parents) @ parents
    fresh[len(unused) :] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return fresh
