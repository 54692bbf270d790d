"""A Gaussian process through the evaluations of a search: what the score probably is where nobody has looked.

For maps of searched spaces, and for what each seed contributes. The Bayesian optimiser has its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from scipy.linalg import cho_solve, solve_triangular

from .likelihood import log_likelihood

__all__ = ["GaussianProcess"]

LENGTHS = 0.05 * 2.0 ** (np.arange(13) / 2)  # 0.05 to 3.2: from a twentieth of the cube to flat
NOISES = (1e-6, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)  # variances, in units of the signal's
# Points, evenly spaced in order where there are more: the work grows with their cube, and the grid is searched with few.
MOST, MOST_FIT = 500, 120


@dataclass(frozen=True)
class GaussianProcess:
    """Constant mean, Matérn 5/2 kernel with a length for each coordinate, noise (Rasmussen & Williams 2006).

    `u` (n, d) and `scores` (n,) that it is conditioned on; `lengths` (d,) of the kernel; `noise`, the variance of the
    noise in units of the signal's; `log_likelihood` of the scores, 0 for a process that is noise alone.
    """

    u: np.ndarray
    scores: np.ndarray
    lengths: np.ndarray
    noise: float
    log_likelihood: float

    @classmethod
    def fit(cls, u, scores, *, alike: bool = False) -> GaussianProcess:
        """The process of the largest likelihood, lengths and noise on a grid, for points u (n, d) and scores (n,).

        With `alike` all coordinates have the same length, so it is a matter of distance alone. Scores that are not
        finite are left out. Of many evaluations some are taken, evenly in order: `MOST`, and `MOST_FIT` for the
        likelihood.
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
            groups = [set(range(d))] if alike or len(few) < 5 * d else [{i} for i in range(d)]
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
        points = self._checked(points)
        pull = cho_solve((self._factor, True), _standardised(self.scores))
        out = np.empty(len(points))
        for start in range(0, len(points), 4096):
            out[start : start + 4096] = self._near(points[start : start + 4096]) @ pull
        return self.scores.mean() + self._scale * out

    def deviation(self, points) -> np.ndarray:
        """The standard deviation (m,) of the score without its noise at the points (m, d), in units of the score."""
        pulled = self._solved(self._near(self._checked(points)))
        return self._scale * np.sqrt(self.signal * np.maximum(1 - (pulled**2).sum(0), 0))

    def difference(self, a, b) -> tuple[np.ndarray, np.ndarray]:
        """How much higher the score is at the points a (m, d) than at b (m, d) or (1, d): mean and deviation (m,).

        Eq. 2.24, of differences: points near each other share what is not known of them, so it cancels.
        """
        a, b = np.broadcast_arrays(self._checked(a), self._checked(b))
        prior = 2 * (1 - _matern_of(np.linalg.norm((a - b) / self.lengths, axis=1)))
        pulled = self._solved(self._near(a) - self._near(b))
        variance = np.maximum(prior - (pulled**2).sum(0), 0)
        return self.mean(a) - self.mean(b), self._scale * np.sqrt(self.signal * variance)

    def mean_difference(self, a, b) -> tuple[float, float]:
        """How much higher the score is at the points a (m, d) than at b (m, d), on average: mean and deviation."""
        a, b = self._checked(a), self._checked(b)
        prior = sum(sign * self._kernel(x, y).mean() for x, y, sign in ((a, a, 1), (b, b, 1), (a, b, -2)))
        pulled = self._solved((self._near(a) - self._near(b)).mean(0, keepdims=True))
        variance = max(float(prior - (pulled**2).sum()), 0.0)
        return float((self.mean(a) - self.mean(b)).mean()), float(self._scale * np.sqrt(self.signal * variance))

    def leave_one_out(self) -> tuple[np.ndarray, np.ndarray]:
        """What each score would be expected to be without it: mean and deviation (n,), the noise included.

        Eq. 5.12, with lengths, noise, scale and mean as all scores have them.
        """
        return self.scores - self._scale * self._surprise, self._scale * np.sqrt(self.signal / self._precision)

    @cached_property
    def signal(self) -> float:
        """The variance of the signal, in units of the scores': the likeliest, or the one that makes the errors of
        `leave_one_out` as large as it says, if that is larger. The likeliest alone is too sure of itself."""
        likeliest = _standardised(self.scores) * self._surprise * self._precision
        return float(max(likeliest.mean(), (self._surprise**2 * self._precision).mean()))

    @cached_property
    def _precision(self) -> np.ndarray:
        return np.diag(self._inverse)

    @cached_property
    def _surprise(self) -> np.ndarray:
        """How far each score, standardised, lies from what the others say."""
        return (self._inverse @ _standardised(self.scores)) / self._precision

    @cached_property
    def _factor(self) -> np.ndarray:
        return np.linalg.cholesky(self._kernel(self.u, self.u) + self.noise * np.eye(len(self.u)))

    @cached_property
    def _inverse(self) -> np.ndarray:
        return cho_solve((self._factor, True), np.eye(len(self.u)))

    @property
    def _scale(self) -> float:
        return float(self.scores.std()) or 1.0

    def _checked(self, points) -> np.ndarray:
        points = np.asarray(points, np.float64)
        if points.ndim != 2 or points.shape[1] != self.u.shape[1]:
            raise ValueError(f"points must have shape (m, {self.u.shape[1]}), got {points.shape}.")
        return points

    def _kernel(self, a, b) -> np.ndarray:
        return _matern_of(scipy.spatial.distance.cdist(a / self.lengths, b / self.lengths))

    def _near(self, points) -> np.ndarray:
        """Prior correlations (m, n) of points with those of the scores."""
        return self._kernel(points, self.u)

    def _solved(self, rows) -> np.ndarray:
        """L⁻¹ of the rows (m, n), as columns (n, m)."""
        return solve_triangular(self._factor, rows.T, lower=True)


def _spread(n, most):
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))


def _standardised(scores):
    return (scores - scores.mean()) / (scores.std() or 1.0)


def _matern(squares, lengths):
    """Matérn 5/2 (eq. 4.17) of squared differences (…, d)."""
    return _matern_of(np.sqrt(squares @ lengths**-2.0))


def _matern_of(distances):
    """The same of distances in units of the lengths."""
    # In place: for thousands of points, most of the time would go into memory for what is between.
    r = np.sqrt(5) * distances
    thirds = np.square(r)
    thirds /= 3
    factor = 1 + r
    factor += thirds
    np.exp(np.negative(r, out=r), out=r)
    factor *= r
    return factor


def _log_likelihood(squares, y, lengths, noise):
    """Eq. 2.30 with the best variance of the signal put in, less that of independent numbers."""
    try:
        factor = np.linalg.cholesky(_matern(squares, lengths) + noise * np.eye(len(y)))
    except np.linalg.LinAlgError:
        return -np.inf
    variance = float(np.mean(np.linalg.solve(factor, y) ** 2))
    return log_likelihood(len(y), variance, 2 * np.log(np.diag(factor)).sum())
