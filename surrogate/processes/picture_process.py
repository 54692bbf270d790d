"""The score as a function of the picture, learned from pictures and scores."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np

from .likelihood import fit

__all__ = ["Directions", "PictureProcess"]

LENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # in units of the median distance of two pictures
# Directions of pictures that are only rounding.
NEGLIGIBLE = 1e-10


@dataclass(frozen=True)
class Directions:
    """Pictures (n, m) as coordinates c (n, r) along the directions in which they differ, with r below n: f = centre + c·basis.

    A blend of pictures has the same blend of coordinates.
    """

    centre: np.ndarray
    basis: np.ndarray

    @classmethod
    def of(cls, pictures: np.ndarray) -> Directions:
        """The directions of these pictures."""
        centre = pictures.mean(axis=0)
        away = pictures - centre
        values, vectors = np.linalg.eigh(away @ away.T)
        kept = values > max(NEGLIGIBLE * values[-1], 1e-300)
        return cls(centre, (vectors[:, kept] / np.sqrt(values[kept])).T @ away)

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """The coordinates (n, r) of pictures (n, m): of what these directions have of them."""
        return (pictures - self.centre) @ self.basis.T


class PictureProcess:
    """Gaussian process from pictures f (n, m) to scores y (n,): constant mean, RBF; length and noise by likelihood.

    `expected` (n,) are the scores of these pictures without their noise.
    """

    def __init__(self, f: np.ndarray, y: np.ndarray):
        squares = (f**2).sum(axis=1)
        distances = np.maximum(squares[:, None] + squares[None] - 2 * f @ f.T, 0)
        apart = distances[distances > 1e-12 * max(squares.max(), 1e-300)]
        usual = np.median(apart) if len(apart) else 1.0
        self._offset, self.scale = y.mean(), y.std() or 1.0
        standard = (y - self._offset) / self.scale
        found = fit(distances / usual, LENGTHS, standard[:, None], True)
        self.noise, self._mean, self._pull = found.noise, float(found.mean[0]), found.pull[:, 0]
        self._square = found.length**2 * usual
        # What (K - noise) K⁻¹ leaves of the scores.
        self.expected = self._offset + self.scale * (standard - found.noise * self._pull)
        self._f, self._off = f, np.zeros(len(f))

    def along(self, directions: Directions) -> PictureProcess:
        """The same process for pictures given by their coordinates along `directions`: there is less to compute."""
        made = copy(self)
        made._f = directions(self._f)
        # How far each picture is from what these directions reach: the same wherever it is asked.
        made._off = np.maximum(((self._f - directions.centre) ** 2).sum(axis=1) - (made._f**2).sum(axis=1), 0)
        return made

    def predict(self, picture: np.ndarray) -> tuple[float, np.ndarray]:
        """The expected score of a picture (m,) or of its coordinates (r,), and its gradient in them."""
        away = self._f - picture
        pulls = np.exp(-((away**2).sum(axis=1) + self._off) / (2 * self._square)) * self._pull
        mean = self._offset + self.scale * (self._mean + pulls.sum())
        return mean, self.scale * (pulls @ away) / self._square
