"""How well the scores of drafts tell those of finished pictures, and after how many steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Line", "chosen_step", "correlation", "trust", "watched_steps"]

# Parts of all steps after which drafts are looked at: later ones cost too much to gain by (measured).
PARTS = (1 / 8, 1 / 4)
# What the lower bound of the correlation must reach, and the correlation within the better half.
LEAST, LEAST_OF_BEST = 0.97, 0.85
# Pairs that a correlation needs, pairs that a line needs, and those that are the better half at least.
FEWEST, FEW, HALF = 8, 4, 8
# A line is between these slopes; its height is that of the latest pairs, once there are more than `SETTLED`.
SLOPES, LATEST, SETTLED = (0.25, 1.5), 3, 20


def watched_steps(steps: int) -> tuple[int, ...]:
    """After how many of `steps` steps drafts are worth a look: fewer than all of them, ascending.

    >>> watched_steps(8), watched_steps(20), watched_steps(2)
    ((1, 2), (2, 5), (1,))
    """
    return tuple(sorted({step for part in PARTS if (step := max(1, round(part * steps))) < steps}))


def trust(drafts: np.ndarray, finished: np.ndarray) -> float:
    """How far the gains of `drafts` (n,) can be trusted to tell those of the `finished` pictures (n,): -1 to 1.

    The lower bound of the correlation (Fisher's z, one standard deviation), or if it is less the correlation among the
    better half, less what is asked less of it. Over random noises a correlation flatters: a search is among the best.
    """
    n = len(finished)
    if n < FEWEST:
        return -1.0
    best = np.argsort(-finished, kind="stable")[: max(HALF, n // 2)]
    z = math.atanh(float(np.clip(correlation(drafts, finished), -1 + 1e-9, 1 - 1e-9)))
    among_best = correlation(drafts[best], finished[best]) + LEAST - LEAST_OF_BEST
    return max(-1.0, min(math.tanh(z - 1 / math.sqrt(n - 3)), among_best))


def chosen_step(seen: Mapping[int, tuple[np.ndarray, np.ndarray]], after: int = 0) -> int:
    """The least number of steps, more than `after`, whose drafts can be trusted; 0 if there is none.

    `seen` has for each number of steps the gains (n,) of drafts and of the same pictures, finished.
    """
    trusted = (step for step in sorted(seen) if step > after and trust(*seen[step]) >= LEAST)
    return next(trusted, 0)


@dataclass(frozen=True)
class Line:
    """The gain of a finished picture that a draft's gain lets expect: slope · gain + height."""

    slope: float = 1.0
    height: float = 0.0

    @classmethod
    def through(cls, drafts: Sequence[float], finished: Sequence[float]) -> Line:
        """The line of pairs, the latest ones last: its slope that of the better half, its height that of the latest.

        With fewer than four pairs a draft is taken for what it is.
        """
        x, y = np.asarray(drafts, np.float64), np.asarray(finished, np.float64)
        if len(y) < FEW:
            return cls()
        best = np.argsort(-y, kind="stable")[: max(HALF, len(y) // 2)]
        slope = 1.0 if np.ptp(x[best]) == 0 else float(np.clip(np.polyfit(x[best], y[best], 1)[0], *SLOPES))
        height = np.mean((y - slope * x)[-LATEST:]) if len(y) > SETTLED else np.median((y - slope * x)[best])
        return cls(slope, float(height))

    def __call__(self, gain):
        return self.slope * gain + self.height


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Of what does not vary it is -1: nothing can be told from it."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return -1.0
    # Scaled first: scores may be of any size.
    return float(np.corrcoef(a / np.abs(a).max(), b / np.abs(b).max())[0, 1])
