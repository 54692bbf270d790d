"""Which transport keeps blends of seeds like the seeds themselves.

A blend Σ w_k z_k of seeds that are not quite noise differs from them in three ways, and for each there is a transport:

- A mean that the seeds share grows by Σ w_k, up to √k: `affine` takes it out before and puts it back after.
  (Its scale alone changes no blend, because blending is linear; it says what is normal here.)
- Rare large values average out: `quantile` keeps the form of the distribution.
- Seeds that resemble each other add up instead of averaging out: `sphere` keeps the norm. Seeds that are too strong
  already bear no more of it.

One transport does one of them; what counts most is repaired. None takes spatial patterns out of seeds or makes weak
ones strong (`sphere` with a radius does, and amplifies what is wrong with them: pictures become far worse).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np
import scipy

from ..transports import Affine, Composite, Gaussian, Quantile, Rotation, Sphere, Transport
from .check import Measured
from .measure import LEVELS, Measures

__all__ = ["Repair", "fit_distribution", "recommend", "settings_text"]

# What is not worth a repair, beside what chance gives: a mean in standard deviations of the values, the distance of
# two distribution functions, a correlation (0.3 makes the norm of a blend 14 % too large), what all seeds together add
# to the variance of their blend, a variance above 1.
MEAN, FORM, ALIKE, GROWTH, STRONG = 0.05, 0.02, 0.3, 0.02, 0.05
# Measured on inversions by the demo model, by the statistics of decoded blends. Weak seeds, of a variance below this:
# affine and quantile help, about equally where they stand in the ratio below, and sphere harms. Others: sphere helps,
# and a mean does more harm taken out than left in, until it is as large as this.
WEAK, MEAN_OF_OTHERS = 0.8, 0.25
# How much of each counts the same.
EQUAL_MEAN, EQUAL_FORM, EQUAL_ALIKE, EQUAL_GROWTH = 0.1, 0.05, 0.14, 0.05
# A family of distributions is taken if it leaves at most this share of the distance that the normal one leaves.
BETTER = 0.5
DIGITS = 5


@dataclass(frozen=True)
class Repair:
    """The recommended `transport`, the reason, and the next best ones with theirs."""

    transport: Transport | Composite
    reason: str
    others: tuple[tuple[Transport | Composite, str], ...] = ()


def settings_text(transport: Transport | Composite) -> str:
    """Its settings as JSON, keyword arguments of `make_transport`; empty if it has none."""
    settings = transport.settings()
    return json.dumps(settings) if settings else ""


def recommend(measured: Measured) -> Repair:
    """The transport for these seeds; a composite for a latent whose parts need different ones."""
    options = [_options(measured, part) for part in range(len(measured.parts))]
    ranks = [[ranked[min(rank, len(ranked) - 1)] for ranked in options] for rank in range(max(len(o) for o in options))]
    (transport, reason), *others = [(_together([t for t, _ in one]), _reasons([r for _, r in one])) for one in ranks]
    return Repair(transport, reason, tuple(others))


def _options(measured: Measured, part: int) -> list[tuple[Transport, str]]:
    """Transports for a part of the seeds with the reason for each, the one that repairs most first."""
    if all(seed.rotations[part] for seed in measured.seeds):
        return [(Rotation(), "The values are rotation matrices.")]
    seeds = [seed.raw[part] for seed in measured.seeds]
    likeness = _likeness(measured, weak=_spread(seeds) ** 2 < WEAK)
    mean, form = _mean(seeds), _form(seeds)
    if mean is not None and form is not None and not isinstance(mean[1].mean, list):
        form = (mean[0] + form[0], *form[1:])  # its distribution has a mean too, one for all channels
    found = [option for option in (mean, form, likeness, _strength(seeds)) if option is not None]
    found.sort(key=lambda option: -option[0])
    ranked: list[tuple[Transport, str]] = []
    for _, transport, reason in found:
        if transport.name not in [t.name for t, _ in ranked]:
            ranked.append((transport, reason))
    return ranked or [(Gaussian(), "Blends are like the seeds.")]


def _mean(seeds: list[Measures]) -> tuple[float, Affine, str] | None:
    means = _shared_means(seeds)
    channels, pooled, spread = len(means), len(seeds) * seeds[0].size, _spread(seeds)
    shift = float(np.sqrt(np.mean(means**2))) / spread
    by_chance = math.sqrt(channels / pooled) * (1 + 4 / math.sqrt(2 * channels))
    if shift <= (MEAN if spread**2 < WEAK else MEAN_OF_OTHERS) + by_chance:
        return None
    # One mean for all channels, if the channels differ by no more than chance.
    apart = float(np.sqrt(np.mean((means - means.mean()) ** 2))) / spread
    if apart > MEAN / 2 + by_chance:
        scales = [math.sqrt(np.mean([s.channel_scales[c] ** 2 for s in seeds])) for c in range(channels)]
        transport = Affine([_rounded(m) for m in means], [_rounded(s) or 1.0 for s in scales])
    else:
        transport = Affine(_rounded(means.mean()), _rounded(spread) or 1.0)
    reason = (
        f"The seeds share a mean of {shift:.2f} standard deviations, which grows in blends, up to "
        f"{math.sqrt(len(seeds)):.1f} times. affine keeps it as it is."
    )
    return shift / EQUAL_MEAN, transport, reason


def _form(seeds: list[Measures]) -> tuple[float, Transport, str] | None:
    # Each seed at the common scale: seeds of different norms are not a form.
    common = math.sqrt(np.mean([s.variance for s in seeds]))
    if not all(s.variance > 1e-9 * s.power for s in seeds):
        return None
    standard = [(s.quantiles - s.mean) / math.sqrt(s.variance) for s in seeds]
    values = np.quantile(np.concatenate(standard), LEVELS) * common + np.mean([s.mean for s in seeds])
    form = _distance(Quantile("norm", loc=float(values.mean()), scale=float(values.std())), values)
    if form <= FORM + 2 / math.sqrt(len(seeds) * seeds[0].size):
        return None
    transport, rest = fit_distribution(values)
    if rest > BETTER * form:
        return None
    reason = (
        f"The values are not bell-shaped ({form:.3f} from the nearest normal distribution, {rest:.3f} from the one in "
        "the settings), and averages are. quantile keeps their form."
    )
    return form / EQUAL_FORM, transport, reason


def _likeness(measured: Measured, weak: bool) -> tuple[float, Transport, str] | None:
    k = len(measured.seeds)
    correlations = _correlations(measured)
    pair = float(correlations.max(initial=0.0))
    if pair > ALIKE + 4 / math.sqrt(measured.size):
        reason = (
            f"Seeds resemble each other (correlation {pair:.2f}, their mean aside): blends of them would have a norm "
            f"{100 * (math.sqrt(1 + pair) - 1):.0f} % too large. sphere keeps the norm."
        )
        return pair / EQUAL_ALIKE, Sphere(), reason
    # The variance of the blend of all in equal shares is 1 + (k-1) times the mean correlation.
    growth = float(correlations.mean()) * (k - 1) if k > 1 else 0.0
    # Two standard deviations: sphere does no harm to seeds that are independent after all.
    by_chance = 2 * math.sqrt(2 * (k - 1) / k / measured.size)
    if weak or growth <= GROWTH + by_chance:
        return None
    reason = (
        f"The seeds have something in common, which adds up: the blend of all would be {100 * growth:.0f} % too strong. "
        "sphere lets no blend be stronger than its seeds."
    )
    return growth / EQUAL_GROWTH, Sphere(), reason


def _strength(seeds: list[Measures]) -> tuple[float, Transport, str] | None:
    excess = _spread(seeds) ** 2 - 1
    if excess <= STRONG + 4 * math.sqrt(2 / (len(seeds) * seeds[0].size)):
        return None
    reason = (
        f"The seeds are stronger than noise (variance {excess + 1:.2f}), and what they have in common would make blends "
        "stronger still. sphere lets no blend be stronger than its seeds."
    )
    return excess / EQUAL_GROWTH, Sphere(), reason


def fit_distribution(values: np.ndarray) -> tuple[Quantile, float]:
    """The quantile transport for sorted `values` (n,), evenly spaced quantiles, and its distance from them.

    Student's t, or the generalised normal distribution (Laplace, normal and nearly uniform are among them): heavy
    tails with a round or a sharp middle, and light ones. Least squares on the distribution functions.
    """
    levels = (np.arange(len(values)) + 0.5) / len(values)
    made = [_fitted(name, parameter, low, high, values, levels) for name, parameter, low, high in _FAMILIES]
    distances = [_distance(transport, values) for transport in made]
    best = int(np.argmin(distances))
    return made[best], distances[best]


# Name, parameter and its range.
_FAMILIES = (("t", "df", 1.5, 100.0), ("gennorm", "beta", 0.3, 20.0))


def _fitted(name: str, parameter: str, low: float, high: float, values, levels) -> Quantile:
    def at(logarithm: float) -> Quantile:
        shape = {parameter: _rounded(math.exp(logarithm))}
        ideal = Quantile(name, **shape).distribution.ppf(levels)
        weight = np.minimum(levels, 1 - levels)  # rare values say little
        centre = float(values @ weight / weight.sum())  # the families are symmetric
        scale = float((values - centre) @ (weight * ideal) / (ideal @ (weight * ideal)))
        return Quantile(name, **shape, loc=_rounded(centre), scale=_rounded(scale))

    def misfit(logarithm: float) -> float:
        return float(np.mean((at(logarithm).distribution.cdf(values) - levels) ** 2))

    return at(scipy.optimize.minimize_scalar(misfit, bounds=(math.log(low), math.log(high)), method="bounded").x)


def _distance(transport: Quantile, values: np.ndarray) -> float:
    """Largest difference of the distribution functions of a transport and of `values`, evenly spaced quantiles."""
    levels = (np.arange(len(values)) + 0.5) / len(values)
    return float(np.abs(transport.distribution.cdf(values) - levels).max())


def _shared_means(seeds: list[Measures]) -> np.ndarray:
    """(C,) means of the channels over all seeds."""
    return np.mean([seed.channel_means for seed in seeds], axis=0)


def _spread(seeds: list[Measures]) -> float:
    """Standard deviation of the values around their channels' means."""
    return math.sqrt(max(float(np.mean([np.mean(s.channel_scales**2) for s in seeds])), 1e-30))


def _correlations(measured: Measured) -> np.ndarray:
    """Of every two seeds (k(k-1),), with the means that all seeds share taken out of each channel."""
    k = len(measured.seeds)
    norms = np.array([math.sqrt(sum(part.power * part.size for part in s.raw)) for s in measured.seeds])
    products = measured.raw_correlation * np.outer(norms, norms)
    for part in range(len(measured.parts)):
        seeds = [seed.raw[part] for seed in measured.seeds]
        shared = _shared_means(seeds)
        along = np.array([s.channel_means @ shared for s in seeds])
        products -= seeds[0].size / len(shared) * (along[:, None] + along[None, :] - shared @ shared)
    left = np.sqrt(np.maximum(np.diag(products), np.finfo(float).tiny))
    cosines = products / np.outer(left, left)
    return cosines[~np.eye(k, dtype=bool)]


def _together(transports: list[Transport]) -> Transport | Composite:
    told = [(t.name, t.settings()) for t in transports]
    return transports[0] if all(one == told[0] for one in told) else Composite(transports)


def _reasons(reasons: list[str]) -> str:
    if len(set(reasons)) == 1:
        return reasons[0]
    return " ".join(f"Part {i + 1}: {reason}" for i, reason in enumerate(reasons))


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
