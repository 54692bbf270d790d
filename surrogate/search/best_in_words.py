"""The best points of a search in plain words: what they scored, when they were made, and which seeds are in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..space import SurrogateSpace
from .values import Best

__all__ = ["best_in_words", "origin_in_words"]

# Seeds that are named in a line; smaller shares are summed up.
NAMED = 4


def best_in_words(best: Sequence[Best], space: SurrogateSpace) -> list[str]:
    """A line for each of the points `best` of the `space`, such as
    "1. score 0.912: image 5 of generation 4; 65 % of seed 59, 16 % of seed 10, 19 % of 3 other seeds".

    The share of a seed in a point is its squared weight.
    """
    shares: np.ndarray | list = space.weights(np.array([one.u for one in best])) ** 2 if best else []
    return [
        f"{rank}. {_scored(one)}: {_made(one)}; {_mixed(share, space.seeds.labels)}"
        for rank, (one, share) in enumerate(zip(best, shares, strict=True), 1)
    ]


def origin_in_words(recipe: dict) -> str:
    """Where the seeds of a scouted space come from, by its `recipe`; "" if they were given."""
    if "scouted" not in recipe:
        return ""
    scouted = recipe["scouted"]
    last = scouted["first"] + scouted["noises"] - 1
    return (
        f"The seeds {', '.join(recipe['seeds'])} were the best {len(recipe['seeds'])} of the {scouted['noises']} noises "
        f"{scouted['first']} to {last}."
    )


def _scored(best: Best) -> str:
    scores = ", ".join(f"{score:.6g}" for score in best.scores)
    return f"score {scores}" if len(best.scores) == 1 else f"scores {scores}"


def _made(best: Best) -> str:
    if best.run < 0:
        return f"{best.label}, known before the search"
    run = f" of run {best.run + 1}" if best.run else ""
    return f"image {best.index + 1} of generation {best.generation + 1}{run}"


def _mixed(share: np.ndarray, labels: Sequence[str]) -> str:
    """Which seeds make a point, the largest first."""
    order = np.argsort(-share, kind="stable")
    order = order[share[order] >= 0.005]  # what rounds to 0 %
    if len(order) == 1:
        return f"seed {labels[order[0]]} alone"
    named, others = order[:NAMED], order[NAMED:]
    parts = [f"{100 * share[i]:.0f} % of seed {labels[i]}" for i in named]
    if len(others):
        left = 100 * (1 - share[named].sum())
        parts.append(f"{left:.0f} % of {len(others)} other seed{'s' * (len(others) > 1)}")
    return ", ".join(parts)
