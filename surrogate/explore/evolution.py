"""Evolution with a person as the judge: blends of what was liked last, each turned towards a noise that nobody has seen.

In the simulations of `benchmarks/picks.py` a model of the person's taste over the noises does no better. Every fresh noise is a dimension
of its own, so all combinations have unit norm: each is a valid initial noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["MOST_TURN", "Evolution", "blends", "turned"]

# No turn is a right angle, which would leave nothing of the blend.
MOST_TURN = 1.4


@dataclass(frozen=True)
class Evolution:
    """How the next generation is bred.

    parents : how many of those liked last are blended
    widest, narrowest, cooling : the turn in radians of the first generation, of the last, and how many are between them
    spread : the turns of one generation differ by this factor up and down, so that some stay nearer than others
    """

    parents: int = 4
    widest: float = 0.9
    narrowest: float = 0.25
    cooling: int = 9
    spread: float = 1.5

    def angle(self, number: int) -> float:
        """The turn in radians of the bred generation `number`, from 1."""
        share = min(max(number - 1, 0), self.cooling) / self.cooling
        return self.widest * (self.narrowest / self.widest) ** share

    def angles(self, number: int, count: int, factor: float, chance: np.random.Generator) -> np.ndarray:
        """The turns (count,) of a generation, `factor` times as far as usual."""
        spread = np.geomspace(1 / self.spread, self.spread, count) if count > 1 else np.ones(1)
        return np.minimum(chance.permutation(spread) * self.angle(number) * factor, MOST_TURN)

    def children(self, liked, fresh: np.ndarray, angles: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        """Weights w (n, k) of unit norm: blends of the last of `liked`, rows of unit norm, each turned by its angle.

        fresh : (n, k) the noise that each is turned towards, of which the liked ones have nothing
        """
        return turned(blends(liked[-self.parents :], len(fresh), chance), fresh, angles)


def blends(parents, count: int, chance: np.random.Generator) -> np.ndarray:
    """`count` blends with unit norm of the `parents` (p, k), shares drawn uniformly."""
    shares = chance.dirichlet(np.ones(len(parents)), count)
    w = shares @ np.array(parents)
    return w / np.linalg.norm(w, axis=1, keepdims=True)


def turned(w: np.ndarray, fresh: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Each row of w (n, k) turned towards its row of `fresh`, of which it has nothing yet, by its angle in radians."""
    found = np.cos(angles)[:, None] * w + np.sin(angles)[:, None] * fresh
    return found / np.linalg.norm(found, axis=1, keepdims=True)
