"""A Gaussian process through the evaluations of a search: what the score probably is where nobody has looked.

For maps of searched spaces. The Bayesian optimiser has its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["GaussianProcess"]

LENGTHS = 0.05 * 2.0 ** (np.arange(13) / 2)  # 0.05 to 3.2: from a twentieth of the cube to flat
NOISES = (1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)  # variances, in units of the signal's
# Points, evenly spaced in order where there are more: the work grows with their cube, and the grid is searched with few.
MOST, MOST_FIT = 500, 120


@dataclass(frozen=True)
class GaussianProcess:
    """Constant mean, Matérn 5/2 kernel with a length for each coordinate, noise (Rasmussen & Williams 2006).

    `u` (n, d) and `scores` (n,) that it is conditioned on; `lengths` (d,) of the kernel; `noise`, the variance of the
    noise in units of the signal's; `log_likelihood` of the scores.
    """

    u: np.ndarray
    scores: np.ndarray
    lengths: np.ndarray
    noise: float
    log_likelihood: float

    @classmethod
    def fit(cls, u, scores) -> GaussianProcess:
        """The process of the largest likelihood, lengths and noise on a grid, for points u (n, d) and scores (n,).

        Scores that are not finite are left out. Of many evaluations some are taken, evenly in order: `MOST`, and
        `MOST_FIT` for the likelihood.
        Raises ValueError for shapes that do not match, u that is not finite, and fewer than 2 finite scores.
        """
        u, scores = np.asarray(u, np.float64), np.asarray(scores, np.float64)
        if u.ndim != 2 or u.shape[1] == 0 or scores.shape != u.shape[:1]:
            raise ValueError(f"u must have shape (n, d) and scores (n,), got {u.shape} and {scores.shape}.")
        if not np.isfinite(u).all():
            raise ValueError("u must be finite.")
        u, scores = u[np.isfinite(scores)], scores[np.isfinite(scores)]
        if len(u) < 2:
            raise ValueError(f"scores: a Gaussian process needs at least 2 finite ones, got {len(u)}.")
        kept = _spread(len(u), MOST)
        u, scores = u[kept], scores[kept]
        few = _spread(len(u), MOST_FIT)
        squares = (u[few, None] - u[None, few]) ** 2
        y = _standardised(scores[few])
        known: dict[tuple, float] = {}

        def likelihood(lengths, noise):
            key = (*lengths, noise)
            if key not in known:
                known[key] = _log_likelihood(squares, y, LENGTHS[list(lengths)], NOISES[noise])
            return known[key]

        d = u.shape[1]
        starts = [((length,) * d, noise) for length in range(0, len(LENGTHS), 2) for noise in range(len(NOISES))]
        best = max(starts, key=lambda setting: likelihood(*setting))
        # From the best with all lengths equal, uphill on the grid, one length or the noise at a time.
        while True:
            lengths, noise = best
            near = [(lengths, n) for n in (noise - 1, noise + 1) if 0 <= n < len(NOISES)]
            # Few evaluations cannot tell the coordinates apart: one length for all of them.
            groups = [{i} for i in range(d)] if len(few) >= 5 * d else [set(range(d))]
            for group in groups:
                for step in (-2, -1, 1, 2):
                    moved = tuple(length + step * (i in group) for i, length in enumerate(lengths))
                    if all(0 <= length < len(LENGTHS) for length in moved):
                        near.append((moved, noise))
            uphill = max(near, key=lambda setting: likelihood(*setting))
            if likelihood(*uphill) <= likelihood(*best):
                break
            best = uphill
        return cls(u, scores, LENGTHS[list(best[0])], NOISES[best[1]], likelihood(*best))

    def mean(self, points) -> np.ndarray:
        """The expected score (m,) at the points (m, d). Raises ValueError for another number of coordinates."""
        points = np.asarray(points, np.float64)
        if points.ndim != 2 or points.shape[1] != self.u.shape[1]:
            raise ValueError(f"points must have shape (m, {self.u.shape[1]}), got {points.shape}.")
        scale, offset = self.scores.std() or 1.0, self.scores.mean()
        squares = (self.u[:, None] - self.u[None]) ** 2
        factor = np.linalg.cholesky(_matern(squares, self.lengths) + self.noise * np.eye(len(self.u)))
        pull = np.linalg.solve(factor.T, np.linalg.solve(factor, _standardised(self.scores)))
        out = np.empty(len(points))
        for start in range(0, len(points), 4096):
            block = points[start : start + 4096]
            out[start : start + 4096] = _matern((block[:, None] - self.u[None]) ** 2, self.lengths) @ pull
        return offset + scale * out


def _spread(n, most):
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))


def _standardised(scores):
    return (scores - scores.mean()) / (scores.std() or 1.0)


def _matern(squares, lengths):
    """Matérn 5/2 (eq. 4.17) of squared differences (…, d)."""
    r = np.sqrt(5 * (squares @ lengths**-2.0))
    return (1 + r + r**2 / 3) * np.exp(-r)


def _log_likelihood(squares, y, lengths, noise):
    """Eq. 2.30 with the best variance of the signal put in, up to a constant."""
    try:
        factor = np.linalg.cholesky(_matern(squares, lengths) + noise * np.eye(len(y)))
    except np.linalg.LinAlgError:
        return -np.inf
    variance = max(float(np.mean(np.linalg.solve(factor, y) ** 2)), 1e-300)
    return float(-0.5 * len(y) * np.log(variance) - np.log(np.diag(factor)).sum())
