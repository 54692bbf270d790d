"""What a score is."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from ..checks import whole
from .images import check_images, rgb

__all__ = ["Score", "Statistic", "check_side"]


class Score(ABC):
    """A function of images, (n, h, w, c) to (n,) float64. Its settings are the fields of a frozen dataclass.

    Images are float tensors in [0, 1] with 1, 3 or 4 channels, as ComfyUI's IMAGE; what is transparent is composited
    over black. Laws, tested for every entry of `SCORES`:

    - It has a `name`, a `tooltip` and a docstring, and is one of `MATCHES` exactly if it `needs_target`.
    - Different pictures of landscapes score differently, and a target may change after the score was made.
    - The result for one image does not depend on the others of the batch, to the last bit.
    - Equal inputs give equal bits; the inputs are not changed; precision of the input beyond float16 hardly matters. The
      global random state is neither used nor changed.
    - Grey as one channel and as three equal ones score the same.
    """

    name: str
    # What a user reads who chooses among the scores: half a sentence, such as "how bright it is".
    tooltip: str
    # What a search must make of its latents for this score.
    medium = "picture"
    # Settings that are asked of the user where the score is chosen: "side" or "colour".
    asks: tuple[str, ...] = ()
    # Whether the score compares with a picture, the first argument `target`.
    needs_target: bool = False
    # Images with a shorter side in pixels have no such score.
    smallest: int = 1

    def __call__(self, images, *, broken: str = "raise") -> np.ndarray:
        """Scores (n,) float64 of the images (n, h, w, c).

        broken: what is done with an image that has NaN or infinite pixels: "raise", or "nan" to give it the score NaN
            so that one burnt picture does not cost the others of its batch their scores.

        Raises ValueError for another rank, dtype or number of channels, an empty batch, values far outside [0, 1], and
        images too small for this score.
        """
        if broken not in ("raise", "nan"):
            raise ValueError(f'broken must be "raise" or "nan", got {broken!r}.')
        images = check_images(images)
        height, width = images.shape[1:3]
        if min(height, width) < self.smallest:
            raise ValueError(
                f"images are {width}×{height} pixels, but {self.name} needs at least {self.smallest} on each side."
            )
        measure = self._for_size(height, width)
        scores, missing = np.full(len(images), math.nan), []
        # One picture at a time: the working memory stays small, and the batch cannot matter.
        for i, image in enumerate(images):
            picture = rgb(image)
            if picture is None:
                missing.append(str(i))
            else:
                scores[i] = measure(picture) + 0.0  # no -0
        if missing and broken == "raise":
            raise ValueError(
                f"images {', '.join(missing[:8])}{' …' if len(missing) > 8 else ''} (from 0) of {len(images)} have "
                'pixels that are NaN or infinite. Check the model\'s precision, or score them with broken="nan".'
            )
        return scores

    @abstractmethod
    def _for_size(self, height: int, width: int) -> Callable[[np.ndarray], float]:
        """The score of one picture (height, width, 3) float64 in [0, 1], with what is the same for all prepared."""


class Statistic(Score):
    """A score of a picture on its own."""

    def _for_size(self, height, width):
        return self._measure

    @abstractmethod
    def _measure(self, picture: np.ndarray) -> float: ...


def check_side(side, low: int = 1) -> None:
    """Raise ValueError unless `side` is a whole number of pixels from `low` to 4096."""
    whole("side", side, low, 4096, unit="of pixels")
