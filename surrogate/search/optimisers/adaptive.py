"""Adaptive: a search whose space grows with it, around what it found."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...charts import WholeSphere
from ...seeds import IntegerSeed, Seeds
from ...space import LARGEST_K, SurrogateSpace
from ..values import History
from .base import Optimiser, Proposal, generator
from .picture_process import PictureProcess
from .sphere_process import SphereProcess

__all__ = ["Adaptive"]

CHART = WholeSphere()


@dataclass(frozen=True)
class Adaptive(Optimiser):
    """Bayesian optimisation over all combinations of every noise tried so far, each candidate turned towards a new one.

    It begins with the given seeds and fresh noises, `scout` points in all. Then it learns from the `near` points nearest
    to the best which picture each combination of their noises will give (a Gaussian process with the picture as its
    output), and from all pictures how the score depends on the picture; so it knows of each new image much more than
    one number: Bayesian optimisation of a composite function (Astudillo & Frazier 2019). The candidates of a
    generation are the best combination, each turned by `angle` radians towards a noise of its own that nobody has tried:
    so the space gains a dimension with each image, and every candidate is a combination of unit norm, valid noise.
    Without pictures the score itself is the process's output.
    """

    name: ClassVar[str] = "adaptive"
    several_scores: ClassVar[bool] = False
    population: ClassVar[int] = 4
    slow: ClassVar[bool] = True
    widens: ClassVar[bool] = True
    sees: ClassVar[bool] = True

    scout: int = 16
    angle: float = 0.15
    near: int = 64
    noises: int = LARGEST_K

    def __post_init__(self):
        for name, least in (("scout", 2), ("near", 8), ("noises", 2)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}.")
        if self.noises > LARGEST_K:
            raise ValueError(f"noises must be at most {LARGEST_K}, the most seeds of a space; got {self.noises}.")
        if isinstance(self.angle, bool) or not isinstance(self.angle, int | float) or not 0 < self.angle <= math.pi / 2:
            raise ValueError(f"angle must be above 0 and at most π/2 radians, got {self.angle!r}.")

    def widened(self, space, seed):
        """Every combination of the space's seeds and fresh noises, `noises` in all: integers that follow from `seed`."""
        taken = {one.identity for one in space.seeds}
        value = int.from_bytes(hashlib.sha256(f"adaptive {seed}".encode()).digest()[:4], "big")
        fresh: list[IntegerSeed] = []
        while len(fresh) + space.k < max(self.noises, space.k + 1):
            value = (value + 1) % 2**32
            new = IntegerSeed(value)
            if new.identity not in taken:
                fresh.append(new)
        return SurrogateSpace(Seeds((*space.seeds, *fresh)), CHART, space.transport)

    def propose(self, history, run, generation, indices, population, seed, memory):
        w = CHART.weights(history.u) if len(history) else np.empty((0, history.u.shape[1] + 1))
        unused = np.flatnonzero(~w.any(axis=0))[: len(indices)]
        fresh = np.zeros((len(indices), w.shape[1]))
        fresh[np.arange(len(unused)), unused] = 1.0
        for row in range(len(unused), len(indices)):  # The noises are used up: directions between them.
            fresh[row] = generator(seed, run, generation, int(indices[row])).standard_normal(w.shape[1])
        scored = np.flatnonzero(np.isfinite(history.gains[:, 0]))
        if len(w) < self.scout or len(scored) < 2:
            w = fresh
        else:
            best = self._best(history, w, scored)
            fresh -= (fresh @ best)[:, None] * best
            fresh /= np.linalg.norm(fresh, axis=1, keepdims=True)
            w = math.cos(self.angle) * best + math.sin(self.angle) * fresh
        return Proposal(CHART.coordinates(w / np.linalg.norm(w, axis=1, keepdims=True)))

    def _best(self, history: History, w: np.ndarray, scored: np.ndarray) -> np.ndarray:
        """The combination (k,) of what was tried that promises most."""
        rows, pictures = _seen(history, scored)
        losses = -history.gains[rows, 0]
        if pictures is None:
            usual, spread = losses.mean(), losses.std() or 1.0
            start, near = self._nearest(w[rows], losses)
            process = SphereProcess(w[rows][near], (losses[near, None] - usual) / spread)
            return process.minimise(lambda mean, variance: (mean[0], np.ones(1), 0.0), process.places[start])
        score = PictureProcess(pictures, losses)
        expected = np.array([score.predict(picture)[0] for picture in pictures]) if score.noise > 1e-3 else losses
        start, near = self._nearest(w[rows], expected)
        process = SphereProcess(w[rows][near], pictures[near])
        doubt = score.scale / pictures.var(axis=0).mean()

        def loss(picture, variance):
            number, slope = score.predict(picture)
            return number + doubt * variance, slope, doubt

        return process.minimise(loss, process.places[start])

    def _nearest(self, w: np.ndarray, losses: np.ndarray) -> tuple[int, np.ndarray]:
        """The rows nearest to that of the least loss, and its place among them."""
        best = int(losses.argmin())
        near = np.sort(np.argsort(-(w @ w[best]), kind="stable")[: self.near])
        return int(np.flatnonzero(near == best)[0]), near


def _seen(history: History, scored: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The rows to learn from, and their pictures (n, m) in [0, 1]: None if they have none, or too few of one kind."""
    shapes = Counter(history.glimpses[row].shape for row in scored if history.glimpses[row] is not None)
    shape, count = max(shapes.items(), key=lambda item: item[1], default=(None, 0))
    if count < max(2, 0.9 * len(scored)):
        return scored, None
    rows = np.array([row for row in scored if getattr(history.glimpses[row], "shape", None) == shape])
    pictures = np.stack([history.glimpses[row] for row in rows]).reshape(count, -1) / 255.0
    return (rows, pictures) if pictures.var(axis=0).any() else (scored, None)
