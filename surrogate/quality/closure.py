"""Whether blends stay inside what the model knows: their noise, and their pictures beside those of fresh noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
import torch

from ..diagnostics import Grade as NoiseGrade
from ..diagnostics import Verdict, judge, measure_seeds
from ..seeds import Seeds
from ..transports import Composite, Transport
from .features import FEATURES, JUST_VISIBLE, features

__all__ = ["FEWEST", "Closure", "NoiseCheck", "PictureCheck", "check_noise", "check_pictures", "judged_as_one"]

# Pictures of fresh noise: as many as there are features, and some to know how these scatter.
FEWEST = len(FEATURES) + 3


@dataclass(frozen=True)
class NoiseCheck:
    """Blends as noise. `norm` (n,): of each, in units of the norm of noise; `verdicts`: on each, see `diagnostics`."""

    norm: np.ndarray
    verdicts: tuple[Verdict, ...]

    def share(self, grade: NoiseGrade) -> float:
        """Which part of the blends has the `grade`."""
        return sum(v.grade is grade for v in self.verdicts) / len(self.verdicts)

    @property
    def worst(self) -> Verdict:
        """The verdict on the first of the worst blends."""
        return max(self.verdicts, key=lambda v: list(NoiseGrade).index(v.grade))


@dataclass(frozen=True)
class PictureCheck:
    """Pictures of blends beside those of fresh noise.

    p: how often one picture of fresh noise is as far off as the mean of the blends
    blends (n, q), fresh (m, q): the q `FEATURES` of each picture, in standard deviations of the fresh ones from their mean
    """

    p: float
    blends: np.ndarray
    fresh: np.ndarray

    @property
    def off(self) -> dict[str, float]:
        """How far the mean of the blends is off, by feature."""
        return dict(zip(FEATURES, self.blends.mean(0).tolist(), strict=True))


@dataclass(frozen=True)
class Closure:
    """Both."""

    noise: NoiseCheck
    pictures: PictureCheck


def check_noise(latents, transport: Transport | Composite | None = None) -> NoiseCheck:
    """Measure `latents` (n, *shape), or a list of such for nested ones, as noise.

    `transport`: how the noise is distributed that the model was made for, by default standard normal; not what blends were
    made with. Raises ValueError for latents that are not finite, or that the transport does not take.
    """
    parts = [latents] if isinstance(latents, torch.Tensor) else list(latents)
    norm, verdicts = list[float](), list[Verdict]()
    for blend in Seeds.from_tensors(parts, [f"point {i + 1}" for i in range(len(parts[0]))]):
        measured = measure_seeds(Seeds((blend,)), transport=transport)  # alone: points of a space resemble each other
        inner = measured.seeds[0].inner
        norm.append(math.sqrt(sum(m.power * m.size for m in inner) / sum(m.size for m in inner)))
        verdicts += judge(measured)
    return NoiseCheck(np.array(norm), tuple(verdicts))


def check_pictures(pictures, fresh) -> PictureCheck:
    """Compare `pictures` of points of one space with those of independent `fresh` noises, at least 7 of these.

    Raises ValueError for too few pictures, and what `features` raises.
    """
    return judged_as_one(features(pictures), features(fresh))


def judged_as_one(blends: np.ndarray, fresh: np.ndarray) -> PictureCheck:
    """The same, of features (n, q) and (m, q).

    All points of a space are made of the same few seeds, so their pictures are not independent: a space of dark seeds is
    dark, and nothing is wrong with it. However much they have in common, their mean scatters at most as a single picture
    does, so it is judged as one: Hotelling's T² of one further observation, with what is just visible added to the
    scatter. For normal features a false alarm comes at most as often as p says, and in practice far less. The price is
    that only gross flaws are seen; the noise shows smaller ones.
    """
    if len(fresh) < FEWEST or not len(blends):
        raise ValueError(
            f"At least {FEWEST} pictures of fresh noise and one of the space are needed, got {len(fresh)} and "
            f"{len(blends)}."
        )
    x, y = blends - fresh.mean(0), fresh - fresh.mean(0)
    (m, q), away = y.shape, x.mean(0)
    scatter = np.cov(y.T) + JUST_VISIBLE**2 * np.eye(q)
    square = away @ np.linalg.solve(scatter, away) * m / (m + 1)
    chance = scipy.stats.f.sf(square * (m - q) / (q * (m - 1)), q, m - q)
    unit = np.sqrt(np.diag(scatter))
    return PictureCheck(float(chance), x / unit, y / unit)
