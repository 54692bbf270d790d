"""Whether distance in the space says how unlike pictures are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
import torch

from ..scores.distances import picture_distances
from ..space import SurrogateSpace
from .walks import Walks

__all__ = ["Relation", "Stationarity", "cosines", "relation", "stationarity"]

SHUFFLES = 999
COLUMNS = 1 << 16


@dataclass(frozen=True)
class Relation:
    """How two distances go together over pairs: `rank` (Spearman's) and `linear` (Pearson's) correlation; NaN if one
    of them is the same for all pairs."""

    rank: float
    linear: float


def relation(a: np.ndarray, b: np.ndarray, group: np.ndarray | None = None) -> Relation:
    """The relation of a (m,) and b (m,), within each `group` (m,) if given: what groups have in common does not count."""
    group = np.zeros(len(a), int) if group is None else group
    return Relation(
        _correlation(_ranked(a, group), _ranked(b, group)), _correlation(_centred(a, group), _centred(b, group))
    )


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / size) if min(np.ptp(a), np.ptp(b)) > 1e-12 else float("nan")


def _centred(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    return values - (np.bincount(group, values) / np.maximum(1, np.bincount(group)))[group]


def _ranked(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Ranks within each group, around 0."""
    ranks = np.empty(len(values))
    for number in np.unique(group):
        ranks[group == number] = scipy.stats.rankdata(values[group == number])
    return _centred(ranks, group)


@dataclass(frozen=True)
class Stationarity:
    """How distances of pictures go together with what is known before anything is rendered, over the pairs of points of
    one walk, compared within each walk.

    u: distances in the cube (m,); pictures: of the pictures (m,), root mean squares of Oklab over 32×32 areas
    by_u: these two together; by_weights: 1 - w_i·w_j and the pictures; by_latents: 1 - cosine of the noises, and they;
    u_weights: distance in the cube and 1 - w_i·w_j, which is the chart's alone
    p: how often as large a rank correlation `by_u` comes by chance (pictures shuffled along their walks)
    typical: median distance of two pictures of the space, whichever
    """

    u: np.ndarray
    pictures: np.ndarray
    by_u: Relation
    by_weights: Relation
    by_latents: Relation
    u_weights: Relation
    p: float
    typical: float


def stationarity(space: SurrogateSpace, points: Walks, pictures, latents, seed: int = 0) -> Stationarity:
    """Stationarity of `space`, from the `pictures` of `points` (n, …, h, w, 3) and their `latents`: (n, *shape), or a
    list of such for nested ones. `seed` names the shuffles.

    Raises ValueError if there is not one picture and one latent for each point.
    """
    n = len(points)
    if len(pictures) != n:
        raise ValueError(f"There are {len(pictures)} pictures for {n} points: give one for each, in order.")
    cosine = cosines(latents)
    if len(cosine) != n:
        raise ValueError(f"There are {len(cosine)} latents for {n} points: give one for each, in order.")
    i, j = points.pairs
    walk = points.walk[i]
    w = space.weights(points.u)
    apart = picture_distances(pictures)
    by_u, by_w = np.linalg.norm(points.u[i] - points.u[j], axis=1), 1 - (w[i] * w[j]).sum(1)
    seen = apart[i, j]
    everywhere = apart[np.triu_indices(n, 1)]
    return Stationarity(
        u=by_u,
        pictures=seen,
        by_u=relation(by_u, seen, walk),
        by_weights=relation(by_w, seen, walk),
        by_latents=relation(1 - cosine[i, j], seen, walk),
        u_weights=relation(by_u, by_w, walk),
        p=_by_chance(points, by_u, apart, seed),
        typical=float(np.median(everywhere)),
    )


def cosines(latents) -> np.ndarray:
    """(n, n) cosines of `latents` (n, *shape), or of a list of such, the parts in one row."""
    parts = [latents] if isinstance(latents, torch.Tensor) else list(latents)
    # Column by column: no float64 copy of the whole.
    columns = (block.double() for part in parts for block in part.flatten(1).split(COLUMNS, dim=1))
    gram = sum(block @ block.T for block in columns).numpy()
    norms = np.sqrt(np.diag(gram))
    return np.clip(gram / np.outer(norms, norms), -1.0, 1.0)


def _by_chance(points: Walks, by_u: np.ndarray, apart: np.ndarray, seed: int) -> float:
    """Mantel's test. Pairs are not independent, points are: so the pictures of points are exchanged, along each walk."""
    i, j = points.pairs
    if min(np.ptp(by_u), np.ptp(apart[i, j])) <= 1e-12:
        return 1.0
    wanted = _ranked(by_u, points.walk[i])
    # Exchanged along their walks, pictures have the same distances, so the same ranks, at other pairs.
    ranks = np.zeros_like(apart)
    ranks[i, j] = ranks[j, i] = _ranked(apart[i, j], points.walk[i])
    rng = np.random.default_rng(seed)
    found, above = wanted @ ranks[i, j] - 1e-9, 0
    places = [np.flatnonzero(points.walk == number) for number in range(points.walk[-1] + 1)]
    for _ in range(SHUFFLES):
        order = np.concatenate([rng.permutation(place) for place in places])
        above += wanted @ ranks[order[i], order[j]] >= found
    return float(1 + above) / (1 + SHUFFLES)
