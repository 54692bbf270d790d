"""How often the advice of Seed Utility is right, on objectives whose answer brute force knows.

    python benchmarks/seed_utility.py    a table, in a few minutes on one core

Objectives: sums of squares and products of weights, half of the seeds in none of them; and the distance of a smooth
nonlinear picture of the noise to a target, in which every seed counts. Scores have a tenth of their spread as noise.
The true loss of a seed is what the best place is better than the best without it, in parts of what it is better than
the space on average. Then the same with noise alone: there should be no advice.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).absolute().parents[1]))

from surrogate import Seeds, SurrogateSpace, points
from surrogate.search import Study
from surrogate.search.utility import Advice, seed_utility
from surrogate.search.utility.advice import TOLERATED
from surrogate.search.utility.losses import uniform

SIZES = ((4, 48), (6, 96), (12, 128))  # seeds, images
OPTIMISERS = ("sobol", "cma-es")
REPEATS, NOISY_REPEATS = 8, 40

Objective = Callable[[np.ndarray], np.ndarray]


@dataclass
class Count:
    """Of some searches: seeds that are needed (true loss above the tolerated), those that are not, and what was said."""

    needed: int = 0
    kept: int = 0
    spare: int = 0
    found: int = 0
    wrongly: int = 0
    together: float = 0.0

    def __str__(self) -> str:
        return f"{self.kept} of {self.needed} | {self.found} of {self.spare} | {self.wrongly} | {100 * self.together:.0f} %"


def products(k: int, rng: np.random.Generator) -> Objective:
    matters = rng.random(k) < 0.5
    pairs = rng.standard_normal((k, k)) * np.outer(matters, matters) / 2
    alone = rng.standard_normal(k) * matters
    return lambda w: np.einsum("ni,ij,nj->n", w, pairs, w) + w @ alone


def distance(k: int, rng: np.random.Generator) -> Objective:
    noises, target = rng.standard_normal((k, 40)), np.tanh(1.5 * rng.standard_normal(12))
    view = rng.standard_normal((40, 12)) / np.sqrt(40)
    return lambda w: -np.sqrt(((np.tanh(1.5 * w @ noises @ view) - target) ** 2).mean(axis=1))


def search(score: Objective, noise: float, k: int, budget: int, optimiser: str, seed: int):
    space, rng = SurrogateSpace(Seeds.from_range(0, k)), np.random.default_rng(1000 + seed)

    def scored(u):
        return score(space.weights(u)) + noise * rng.standard_normal(len(u))

    study = Study.open(None, "known", space, budget=budget, optimiser=optimiser, seed=seed)
    if optimiser == "cma-es" and seed % 2 == 0:  # half of them know the seeds' own scores
        study.add_known(points.vertices(space).u, scored(points.vertices(space).u))
    while len(generation := study.ask()):
        study.tell(generation, scored(generation.u))
    return seed_utility(study.history(), space)


def highest(score: Objective, k: int, without: list[int], rng: np.random.Generator) -> float:
    w = np.abs(rng.standard_normal((4000, k))) * (rng.random((4000, k)) < 0.5)
    w = np.concatenate([w, np.eye(k)])
    for step in (0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.0):
        w[:, without] = 0
        w = w[w.any(axis=1)]
        w /= np.linalg.norm(w, axis=1, keepdims=True)
        best = w[np.argsort(-score(w))[:20]]
        w = np.concatenate([best, np.maximum(best + step * rng.standard_normal((100, 20, k)), 0).reshape(-1, k)])
    return float(score(best).max())


def judged(kind, k: int, budget: int, optimiser: str) -> Count:
    count = Count()
    for seed in range(REPEATS):
        rng = np.random.default_rng(seed)
        score = kind(k, rng)
        everywhere = score(uniform(k, 2048))
        utility = search(score, 0.1 * everywhere.std(), k, budget, optimiser, seed)
        top = highest(score, k, [], rng)
        span = top - everywhere.mean()
        gone = [i for i, s in enumerate(utility.seeds) if s.advice in (Advice.DROP, Advice.REPLACE)]

        def lost(seeds, score=score, top=top, span=span, rng=rng):
            return (top - highest(score, k, seeds, rng)) / span

        for i, seen in enumerate(utility.seeds):
            needed = lost([i]) > TOLERATED
            count.needed += needed
            count.spare += not needed
            count.kept += needed and seen.advice is Advice.KEEP
            count.found += not needed and i in gone
            count.wrongly += needed and i in gone
        if 0 < len(gone) < k:
            count.together = max(count.together, lost(gone))
    return count


def main() -> None:
    print("| objective | seeds, images | optimiser | needed: keep | spare: found | needed: dropped | worst loss |")
    print("|---|---|---|---|---|---|---|")
    for kind in (products, distance):
        for k, budget in SIZES:
            for optimiser in OPTIMISERS:
                print(f"| {kind.__name__} | {k}, {budget} | {optimiser} |", judged(kind, k, budget, optimiser), "|")
    fooled = [
        not search(lambda w: np.zeros(len(w)), 1.0, k, budget, optimiser, seed).silence
        for k, budget in SIZES
        for optimiser in OPTIMISERS
        for seed in range(NOISY_REPEATS)
    ]
    print(f"\nNoise alone: advice in {sum(fooled)} of {len(fooled)} searches.")


if __name__ == "__main__":
    main()
