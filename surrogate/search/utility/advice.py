"""What to do with each seed: keep, drop, replace, or leave it, where nothing can be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from scipy.special import ndtri

from ...processes.gaussian_process import GaussianProcess
from ...space import SurrogateSpace
from ..values import COMPLETE, History
from .association import LEVEL, Association, associate
from .losses import Loss, Losses

__all__ = ["LEAST", "TOLERATED", "Advice", "SeedUtility", "Utility", "seed_utility"]

# A loss that may be borne, as a part of what the best place is better than the space on average.
TOLERATED = 0.1
# A space of fewer seeds is hardly one: in place of what goes, fresh seeds come, up to so many.
LEAST = 4
# Scores for each seed, and in all, before anything is said; seeds that can be told apart at all.
SCORES, FEWEST, MOST = 2, 8, 64
# The scores must be so many times likelier if they depend on the place than if not; of pure noise 3 searches in 720
# were. Errors of prediction against those of the mean say less: in a search that converged, the few early ones decide.
LIKELIER = 20.0
LEADERS = 64


class Advice(Enum):
    KEEP = "keep"
    DROP = "drop"
    REPLACE = "replace"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class SeedUtility:
    """What is known of one seed. Numbers that are not known are NaN.

    `own`: its score alone, if that was asked. `share`: how much of the best image's noise it is, w². `seen`: its
    largest share in any image. `r` and `p`: rank correlation of its share with the score (turned, so that more is
    better), and how often chance gives one of all seeds so much. `effect`: how much better the score is with it than
    without it, on average over the space, and the `effect_deviation` of that. `loss` is at the best place.
    `together`: without it nothing is lost, but without it and others that can go as well.
    """

    label: str
    advice: Advice
    own: float
    share: float
    seen: float
    r: float
    p: float
    effect: float
    effect_deviation: float
    loss: Loss
    together: bool = False


@dataclass(frozen=True)
class Utility:
    """What is known of all seeds, in the order of the space.

    `count` scores were there, of `direction`. `chance`: the size of the largest r that chance gives, once in 20 times.
    `predictive`: the part of the scores' variance that the other scores predict, cross-validated. `span`: how much
    better the best expected score is than the space on average; `tolerated` of it may be lost. `unseen`: the
    part of the space of which as good as nothing is known.
    `silence`: why no advice is given; empty if it is. `alone`: all points are single seeds.
    """

    seeds: tuple[SeedUtility, ...]
    direction: str
    count: int
    chance: float
    predictive: float
    span: float
    unseen: float
    silence: str = ""
    alone: bool = False

    @property
    def tolerated(self) -> float:
        """The loss that may be borne, in units of the score."""
        return TOLERATED * self.span

    @property
    def kept(self) -> tuple[int, ...]:
        """Numbers (from 0) of the seeds to go on with, at least two: all but those to drop or replace."""
        leaving = [i for i, seed in enumerate(self.seeds) if seed.advice in (Advice.DROP, Advice.REPLACE)]
        leaving.sort(key=lambda i: self.seeds[i].loss.promise)
        leaving = leaving[: len(self.seeds) - 2]
        return tuple(i for i in range(len(self.seeds)) if i not in leaving)


def seed_utility(history: History, space: SurrogateSpace, score: int = 0) -> Utility:
    """What each seed of `space` contributes to the score numbered `score` (from 0) in the search `history`.

    Keep: without the seed the best expected score is lower, by more than is tolerated and more than chance.
    Drop: nowhere is the score likely to be better thanks to it, by more than is tolerated, nor at the best place thanks
    to all dropped seeds together. Replace: the same, but fewer than `LEAST` seeds would be left. Undecided: all others,
    and all if the scores are too few or do not depend on the place.

    Raises ValueError for a score that the history does not have, and for a space of another number of seeds.
    """
    m = len(history.directions)
    if isinstance(score, bool) or not isinstance(score, (int, np.integer)) or not 0 <= score < m:
        raise ValueError(f"score must be from 0 to {m - 1} for a study of {m} scores, got {score!r}.")
    if space.chart.signed:
        raise ValueError(
            "An adaptive search makes a new noise for every image: there are no seeds to keep or drop. Look at its best "
            "images instead, or search the space of your seeds with another optimiser."
        )
    if history.u.ndim != 2 or history.u.shape[1] != space.k - 1:
        raise ValueError(
            f"The history's points have {history.u.shape[-1]} coordinates, but a space of {space.k} seeds has "
            f"{space.k - 1}: give the space that was searched."
        )
    gains = history.gains[:, score]
    rows = np.flatnonzero((history.state == COMPLETE) & np.isfinite(gains))
    gains = gains[rows].clip(-1e300, 1e300)
    shares = space.weights(history.u[rows]) ** 2 if len(rows) else np.empty((0, space.k))
    sign = 1.0 if history.directions[score] == "maximize" else -1.0
    facts = _Facts(space.seeds.labels, shares, gains, sign, history.directions[score])
    if len(rows) and (shares == 1).any(axis=1).all():
        return facts.utility("All points are single seeds, so each seed's own score is all there is.", alone=True)
    least = max(FEWEST, SCORES * space.k)
    if len(rows) < least:
        return facts.utility(
            f"Too early to say. There are {len(rows)} scores for {space.k} seeds. At least {least} are needed, and more "
            "say more."
        )
    if np.ptp(gains) == 0:
        return facts.utility("All scores are the same, so no seed can make a difference.")
    place = np.stack([history.run[rows], history.generation[rows]], axis=1)
    stride = int(place[:, 1].max()) + 2
    association = associate(shares, gains, place[:, 0] * stride + place[:, 1])
    if space.k > MOST:
        return facts.utility(f"More than {MOST} seeds at once cannot be told apart.", association)
    return _advised(facts, association)


@dataclass(frozen=True)
class _Facts:
    """What is known before anything is estimated."""

    labels: Sequence[str]
    shares: np.ndarray
    gains: np.ndarray
    sign: float
    direction: str

    def utility(
        self, silence: str, association: Association | None = None, predictive: float = np.nan, *, alone: bool = False
    ) -> Utility:
        """No advice, because of `silence`."""
        return Utility(
            tuple(self.seed(i, association) for i in range(len(self.labels))),
            self.direction,
            len(self.gains),
            np.nan if association is None else association.chance,
            predictive,
            np.nan,
            np.nan,
            silence,
            alone,
        )

    def seed(self, i: int, association: Association | None, advice=Advice.UNDECIDED, effect=None, loss=None, **more):
        own = self.gains[self.shares[:, i] == 1]
        return SeedUtility(
            self.labels[i],
            advice,
            self.sign * own.max() if len(own) else np.nan,
            self.shares[self.gains.argmax(), i] if len(self.gains) else np.nan,
            self.shares[:, i].max() if len(self.gains) else np.nan,
            np.nan if association is None else float(association.r[i]),
            np.nan if association is None else float(association.p[i]),
            np.nan if effect is None else effect[0],
            np.nan if effect is None else effect[1],
            Loss(np.nan, np.nan, np.nan) if loss is None else loss,
            **more,
        )


def _advised(facts: _Facts, association: Association) -> Utility:
    """The advice that a Gaussian process gives, if it can predict at all."""
    k, low = facts.shares.shape[1], facts.gains.min()
    unit = facts.gains.max() - low
    gains = _moderate((facts.gains - low) / unit)
    w = np.sqrt(facts.shares)
    process = GaussianProcess.fit(w, gains, alike=True)
    predictive = _predictive(process)
    if process.log_likelihood < np.log(LIKELIER) or predictive <= 0:
        return facts.utility(
            "Too early to say. The place of an image in the space does not tell its score better than chance. More "
            "images, a score that varies less by chance, or a model that reacts more to the noise would help.",
            association,
            predictive,
        )
    once, sure = -ndtri(LEVEL), -ndtri(LEVEL / k)
    leaders = w[np.argsort(-gains, kind="stable")[:LEADERS]]
    losses = Losses(process, leaders, once)
    tolerated = TOLERATED * losses.span
    single: list[Loss] = [Loss(*losses.without([i]), losses.promise(i)) for i in range(k)]
    needed = {i for i, loss in enumerate(single) if loss.loss > max(sure * loss.deviation, tolerated)}
    idle = sorted((i for i in set(range(k)) - needed if single[i].promise < tolerated), key=lambda i: single[i].promise)
    # Two seeds can do without each other and not without both: the next one goes only if all can go together.
    going: list[int] = []
    for i in idle:
        if len(going) == k - 1:
            break
        lost, deviation = losses.without([*going, i])
        if lost + once * deviation < tolerated:
            going.append(i)
    fresh = going[: max(0, min(LEAST, k) - (k - len(going)))]

    def advice(i):
        if i in going:
            return Advice.REPLACE if i in fresh else Advice.DROP
        return Advice.KEEP if i in needed else Advice.UNDECIDED

    seeds = []
    for i, loss in enumerate(single):
        effect = tuple(unit * number for number in losses.effect(i))
        loss = Loss(unit * loss.loss, unit * loss.deviation, unit * loss.promise)
        seeds.append(facts.seed(i, association, advice(i), effect, loss, together=i in idle and i not in going))
    known = process.deviation(losses.uniform) ** 2 / (process.scores.var() * process.signal)
    unseen = float(np.mean(known > 0.5))
    return Utility(
        tuple(seeds),
        facts.direction,
        len(facts.gains),
        association.chance,
        predictive,
        unit * losses.span,
        unseen,
    )


def _moderate(gains: np.ndarray) -> np.ndarray:
    """`gains`, those far below the worst twentieth raised: one terrible score would flatten all others."""
    bad = float(np.quantile(gains, 0.05))
    return np.maximum(gains, bad - 2 * (gains.max() - bad)) if gains.max() > bad else gains


def _predictive(process: GaussianProcess) -> float:
    """The predictive R², each score left out. Both errors are from the mean of all scores, or noise would have one."""
    mean, _ = process.leave_one_out()
    return float(1 - np.mean((process.scores - mean) ** 2) / process.scores.var())
