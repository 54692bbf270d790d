"""What each seed contributes, to look at."""

from __future__ import annotations

import numpy as np

from ...pictures import Column, rows_picture
from .advice import Advice, Utility
from .words import overall

__all__ = ["drawing"]

# Rows that can be read; of more seeds those that count most.
SHOWN = 64
GRADES = {Advice.KEEP: 0, Advice.UNDECIDED: 1, Advice.DROP: 2, Advice.REPLACE: 2}


def drawing(utility: Utility, *, title: str | None = None) -> np.ndarray:
    """A row for each seed: its share's correlation with the score, what is lost without it, the advice.

    Where all points are single seeds: their scores, best first. Of more than `SHOWN` seeds those with the largest loss,
    correlation or score are shown, in the order of the space. Returns (height, width, 3) uint8.
    """
    sign = 1 if utility.direction == "maximize" else -1
    own = np.array([seed.own for seed in utility.seeds])
    loss, deviation = (np.array([getattr(seed.loss, name) for seed in utility.seeds]) for name in ("loss", "deviation"))
    r = np.array([seed.r for seed in utility.seeds])
    weight = next((v for v in (sign * own if utility.alone else loss, np.abs(r)) if np.isfinite(v).any()), own)
    order = np.argsort(-np.where(np.isnan(weight), -np.inf, weight), kind="stable")[:SHOWN]
    if utility.alone:
        columns = [Column("score alone", own[order])]
    else:
        order = np.sort(order)
        columns = [Column("share and score: correlation", r[order], band=utility.chance, limit=1.0)]
        if np.isfinite(loss).any():
            columns.append(Column("loss without it, in units of the score", loss[order], errors=2 * deviation[order]))
    seeds = [utility.seeds[i] for i in order]
    silent = bool(utility.silence)
    caption = utility.silence if utility.alone else overall(utility)
    if len(seeds) < len(utility.seeds):
        caption += f" {len(seeds)} of {len(utility.seeds)} seeds are shown."
    return rows_picture(
        [seed.label for seed in seeds],
        columns,
        words=["" if silent else seed.advice.value for seed in seeds],
        grades=[1 if silent else GRADES[seed.advice] for seed in seeds],
        title=title or "Seed utility",
        caption=caption,
    )
