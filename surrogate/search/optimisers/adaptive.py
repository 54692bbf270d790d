"""Adaptive: a search whose space grows with it, around what it found."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ...charts import WholeSphere
from ...checks import number, whole
from ...points import Points
from ...processes.picture_process import Directions, PictureProcess
from ...processes.sphere_process import SphereProcess
from ...seeds import IntegerSeed, Seeds
from ...space import LARGEST_K, SurrogateSpace
from ..values import History
from .base import Optimiser, Proposal, generator

__all__ = ["Adaptive", "own_seeds", "trimmed"]

CHART = WholeSphere()
# Integers of such a space that are compared with each other by `own_seeds`: all are independent.
COMPARED = 16
# Scores to learn from, those nearest to the best one: the work grows with their cube.
MOST = 400
# In the notes of a candidate, whose advice it followed; and for how many generations the advisers are compared.
ADVISER, PICTURES, SCORES, WINDOW = "adviser", "pictures", "scores", 8
# In the notes of a candidate: the row of the best score that was known when it was thought out.
BEST = "best"
# How the angles part when nothing gets better: after so many generations, by so much with each, within so many radians.
PATIENCE, GROWTH, NARROWEST, WIDEST = 4, 1.15, 0.03, 0.8


@dataclass(frozen=True)
class Adaptive(Optimiser):
    """Bayesian optimisation over all combinations of every noise tried so far, each candidate turned towards a new one.

    It begins with the given seeds and fresh noises, `scout` points in all. The candidates of a generation are the most
    promising combination of all noises tried so far, each turned by `angle` radians towards a noise of its own that
    nobody has tried: so the space gains a dimension with each image, and every candidate is a combination of unit norm,
    valid noise. Two advisers say what is promising. One is a Gaussian process of the score over the combinations.
    The other learns from the `near` points nearest to the best which picture each combination gives, and from
    all pictures how the score depends on the picture: it learns more than one number from each image (Bayesian
    optimisation of a composite function, Astudillo & Frazier 2019). Three of four candidates follow the adviser whose
    candidates did better of late. Without pictures there is the first one alone. While nothing gets better every
    other candidate goes farther and farther and the others less and less, and with the next success all are at `angle`.
    """

    name: ClassVar[str] = "adaptive"
    tooltip: ClassVar[str] = "leaves the seeds, makes new noises around the best, and comes closest to a target"
    several_scores: ClassVar[bool] = False
    population: ClassVar[int] = 4
    slow: ClassVar[bool] = True
    widens: ClassVar[bool] = True
    sees: ClassVar[bool] = True
    shares: ClassVar[bool] = True

    scout: int = 16
    angle: float = 0.15
    near: int = 64
    noises: int = LARGEST_K

    def __post_init__(self):
        # At most LARGEST_K noises, because that is the most seeds that a space has.
        for name, least, most in (("scout", 2, None), ("near", 8, None), ("noises", 2, LARGEST_K)):
            object.__setattr__(self, name, whole(name, getattr(self, name), least, most))
        number("angle", self.angle, high=math.pi / 2, above=0)

    def widened(self, space, seed):
        """Every combination of the space's seeds and fresh noises, `noises` in all: integers that follow from `seed`."""
        fresh = space.seeds.others(max(self.noises - space.k, 1), f"adaptive {seed}")
        return SurrogateSpace(space.seeds + fresh, CHART, space.transport)

    def outdated(self, u, history, later):
        """Whether both turn towards the same new noise, which two workers do who think at the same time."""
        tried = CHART.weights(history.u).any(axis=0) if len(history) else np.zeros(u.shape[1] + 1, dtype=bool)
        mine, theirs = (CHART.weights(points).any(axis=0) & ~tried for points in (u, later))
        return bool((mine & theirs).any())

    def propose(self, history, run, generation, indices, population, seed, memory):
        w = _weights(history, memory)
        unused = np.flatnonzero(~w.any(axis=0))
        # Workers who think at the same time rarely turn towards the same new noise.
        first = min(run * population, max(len(unused) - len(indices), 0))
        unused = unused[first : first + len(indices)]
        fresh = np.zeros((len(indices), w.shape[1]))
        fresh[np.arange(len(unused)), unused] = 1.0
        for row in range(len(unused), len(indices)):  # The noises are used up: directions between them.
            fresh[row] = generator(seed, run, generation, int(indices[row])).standard_normal(w.shape[1])
        scored = np.flatnonzero(np.isfinite(history.gains[:, 0]))
        if len(w) < self.scout or len(scored) < 2:
            return Proposal(CHART.coordinates(fresh / np.linalg.norm(fresh, axis=1, keepdims=True)))
        found = self._promising(history, w, scored)
        best = int(scored[history.gains[scored, 0].argmax()])
        vain = min(max(0.0, _in_vain(history, scored, best) / max(population, self.population) - PATIENCE), 100.0)
        advisers = [_adviser(history, found, i, generation, population) for i in indices]
        points = []
        for i, adviser, direction in zip(indices, advisers, fresh, strict=True):
            start, angle = found[adviser], self._turn(vain, farther=bool((i + generation * population) % 2))
            direction = direction - (direction @ start) * start
            point = math.cos(angle) * start + math.sin(angle) * direction / np.linalg.norm(direction)
            points.append(point / np.linalg.norm(point))
        return Proposal(
            CHART.coordinates(np.array(points)), tuple({ADVISER: adviser, BEST: best} for adviser in advisers)
        )

    def _turn(self, vain: float, farther: bool) -> float:
        """The angle of a candidate after `vain` generations too many without success: one goes farther, one less far.

        Off a plateau leads only the first, into a narrow valley only the second.
        """
        angle = self.angle * (GROWTH if farther else 1 / GROWTH) ** vain
        return min(max(angle, min(self.angle, NARROWEST)), max(self.angle, WIDEST))

    def _promising(self, history: History, w: np.ndarray, scored: np.ndarray) -> dict[str, np.ndarray]:
        """The combination (k,) of what was tried that promises most: by the scores, and by the pictures if there are any."""
        losses = _tame(-history.gains[scored, 0])
        start, near = _nearest(w[scored], losses, MOST)
        w, losses, scored = w[scored[near]], losses[near], scored[near]
        process = SphereProcess(w, (losses[:, None] - losses.mean()) / (losses.std() or 1.0))
        found = {SCORES: process.minimise(lambda mean, variance: (mean[0], np.ones(1), 0.0), process.places[start])}
        rows, pictures = _seen(history, scored)
        if pictures is None:
            return found
        w, losses = w[rows], losses[rows]
        score = PictureProcess(pictures, losses)
        # Where scores are noisy, the best one is the luckiest.
        start, near = _nearest(w, score.expected if score.noise > 1e-3 else losses, self.near)
        # What the combinations of the near points give are blends of their pictures: few directions are enough.
        directions = Directions.of(pictures[near])
        coordinates = directions(pictures[near])
        process, score = SphereProcess(w[near], coordinates), score.along(directions)
        doubt = score.scale * coordinates.shape[1] / pictures.var(axis=0).sum()

        def loss(picture, variance):
            number, slope = score.predict(picture)
            return number + doubt * variance, slope, doubt

        return {PICTURES: process.minimise(loss, process.places[start]), **found}


def trimmed(space: SurrogateSpace, points: Points) -> tuple[SurrogateSpace, Points]:
    """A smaller space with the same noise at `points`, and these points in it. Any other space as it is.

    The space of an adaptive search ends with noises that nobody has used: they need not be in a picture's recipe.
    """
    if not space.chart.signed:
        return space, points
    used = np.flatnonzero(points.w.any(axis=0))
    # One more than is used: the last coordinate of this chart has another scale.
    k = min(space.k, max(int(used[-1]) + 2, 2))
    typed = None if points.typed is None else points.typed[:, : k - 1]
    return replace(space, seeds=Seeds(space.seeds.items[:k])), replace(points, w=points.w[:, :k], typed=typed)


def own_seeds(space: SurrogateSpace) -> SurrogateSpace:
    """The space of an adaptive search without the fresh integers that it ends with, except a few; any other as it is.

    The space does not say where its fresh integers begin: the first 16 seeds stay, and those up to the last tensor.
    """
    if not space.chart.signed:
        return space
    others = [i + 1 for i, seed in enumerate(space.seeds) if not isinstance(seed, IntegerSeed)]
    k = min(space.k, max([COMPARED, *others]))
    return replace(space, seeds=Seeds(space.seeds.items[:k]))


def _weights(history: History, memory: dict) -> np.ndarray:
    """The weights (n, k) of all points. Those of a row never change: `memory` keeps them.

    One row after the other, so that their bits do not depend on what was kept.
    """
    known = memory.get("weights")
    if known is None or len(known) > len(history):
        known = np.empty((0, history.u.shape[1] + 1))
    fresh = np.zeros((len(history) - len(known), known.shape[1]))
    for row, u in zip(fresh, history.u[len(known) :], strict=True):
        # Behind the last coordinate that is not 0 come seeds that are not used.
        used = np.flatnonzero(u)
        d = min(int(used[-1]) + 2 if len(used) else 1, len(u))
        row[: d + 1] = CHART.weights(u[:d])
    memory["weights"] = np.concatenate([known, fresh])
    return memory["weights"]


def _nearest(w: np.ndarray, losses: np.ndarray, count: int) -> tuple[int, np.ndarray]:
    """The `count` rows nearest to that of the least loss, and its place among them."""
    best = int(losses.argmin())
    near = np.sort(np.argsort(-(w @ w[best]), kind="stable")[:count])
    return int(np.flatnonzero(near == best)[0]), near


def _in_vain(history: History, scored: np.ndarray, best: int) -> int:
    """How many candidates among the rows `scored` were thought out when `best` was known as the best row, and are not better.

    Of candidates without a note on that, which an earlier version left out, those after it.
    """
    notes = [(row, history.attributes[row]) for row in scored.tolist()]
    return sum(ADVISER in note and note.get(BEST, best if row > best else -1) == best for row, note in notes)


def _adviser(history: History, found, index: int, generation: int, population: int) -> str:
    """Whose advice candidate `index` follows: three of four follow the adviser whose candidates did better of late."""
    if len(found) == 1:
        return next(iter(found))
    past = [(entry.get(ADVISER), gain) for entry, gain in zip(history.attributes, history.gains[:, 0])]
    late = [(name, gain) for name, gain in past if name in found and np.isfinite(gain)][-WINDOW * population :]
    mean = {name: np.mean([g for n, g in late if n == name] or [-np.inf]) for name in found}
    better = max(found, key=lambda name: mean[name])
    other = next(name for name in found if name != better)
    if not np.isfinite(list(mean.values())).all():  # Nothing to compare yet: take turns.
        return (better, other)[(index + generation * population) % 2]
    return other if (index + generation * population) % 4 == 3 else better


def _tame(losses: np.ndarray) -> np.ndarray:
    """`losses` without what would hide all differences between the better ones: those far above the rest, and overflow."""
    losses = losses.clip(-1e100, 1e100)
    low, high = np.quantile(losses, [0.25, 0.75])
    return losses.clip(max=high + 3 * (high - low)) if high > low else losses


def _seen(history: History, scored: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Which of the rows `scored` have pictures, and these (n, m) in [0, 1]: None if too few are of one kind, or all are equal."""
    glimpses = [history.glimpses[row] for row in scored]
    shapes = Counter(seen.shape for seen in glimpses if seen is not None)
    shape, count = max(shapes.items(), key=lambda item: item[1], default=(None, 0))
    if count < max(2, 0.9 * len(scored)):
        return scored, None
    rows = np.array([i for i, seen in enumerate(glimpses) if seen is not None and seen.shape == shape])
    pictures = np.stack([glimpses[i] for i in rows]).reshape(count, -1) / 255.0
    return rows, pictures if pictures.var(axis=0).any() else None
