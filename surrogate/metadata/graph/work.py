"""How much work a prompt may be: graphs come from strangers, and a few kilobytes can stand for hours of tracing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...points import Points
from ...seeds import Seeds
from ..errors import Untraceable
from .values import batch_of

__all__ = ["MOST_WORK", "Work"]

# In rows of a batch that a node takes or gives: a batch of 4096 pictures goes through some sixty nodes.
MOST_WORK = 1 << 19
ITEM = 4  # of a list: a rule is called for each
LETTERS = 16  # of a text, read as fast as one row is
NUMBERS = 3  # coordinates of points, made as fast: the largest set that a rule makes is possible once


class Work:
    """What tracing one prompt has cost so far. Counted, not timed: a file gets the same answer on every computer."""

    def __init__(self):
        self.left = MOST_WORK

    def take(self, inputs: Iterable[list]) -> None:
        """Count what a node is given. Raises Untraceable if the prompt has become too much work."""
        self._spend(ITEM if isinstance(item, Points) else _cost(item) for items in inputs for item in items)

    def give(self, outputs: Iterable[list]) -> None:
        """Count what a node makes. Raises Untraceable if the prompt has become too much work."""
        self._spend(_cost(item) for items in outputs for item in items)

    def _spend(self, costs: Iterator[int]) -> None:
        while self.left > 0 and (cost := next(costs, 0)):
            self.left -= cost
        if self.left <= 0:
            raise Untraceable("its prompt is refused: following all pictures through all nodes is too much work")


def _cost(item) -> int:
    batch = batch_of(item)
    if batch is not None:
        return ITEM + len(batch.rows)
    if isinstance(item, Points):
        return ITEM + item.u.size // NUMBERS
    if isinstance(item, Seeds):
        return ITEM + len(item)
    return ITEM + (len(item) // LETTERS if isinstance(item, str) else 0)
