"""Noise over time: a clip, or a sound, whose noise moves along a path through a space while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..charts import check_weights
from ..checks import array
from ..shapes import Parts, describe, is_nested
from ..transports import Gaussian
from .arcs import between
from .combine import add_over_time
from .space import SurrogateSpace

__all__ = ["MOVEMENTS", "Stretch", "latents_over_time", "time_axes"]

MOVEMENTS = ("smooth", "hold")
# Rows of frequencies in the sound latents that there are; the other axis of such a latent is time.
BANDS = 16
# A place on the path this close to a point is that point: what is left of it is rounding.
DIGITS = 9


@dataclass(frozen=True, eq=False)
class Stretch:
    """What one clip sees of a path: from `start` to `end`, 0 … 1 of the time that the path takes.

    `u` (m, k-1) are the path's points, evenly over time. `movement` "smooth": the first step of the clip stands at
    `start`, the last at `end`, and between two points the weights go along a great circle. "hold": each point has an
    equal share of the time, and stands still in it.

    `w` (m, k) are the points' weights if they are known better than the chart gives them for `u`.

    Raises ValueError for a start or end outside 0 … 1, an unknown movement, no points, or weights of other points.
    """

    u: np.ndarray
    start: float = 0.0
    end: float = 1.0
    movement: str = "smooth"
    w: np.ndarray | None = None

    def __post_init__(self):
        object.__setattr__(self, "u", np.atleast_2d(np.asarray(self.u, dtype=np.float64)))
        if self.u.ndim != 2 or not len(self.u):
            raise ValueError(f"A path must be points of shape (m, k-1) with at least one point, got {self.u.shape}.")
        if self.w is not None:
            object.__setattr__(self, "w", array("w", self.w, (len(self.u), self.u.shape[1] + 1)))
        for name in ("start", "end"):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be a share of the path from 0 to 1, got {value}.")
        if self.movement not in MOVEMENTS:
            raise ValueError(f"movement must be one of {', '.join(MOVEMENTS)}, got {self.movement!r}.")

    def cut(self, count: int) -> list[Stretch]:
        """`count` stretches of equal length, one after the other: each begins where the one before ends."""
        if count < 1:
            raise ValueError(f"A path is cut into at least 1 stretch, got {count}.")
        ends = [self.start + (self.end - self.start) * i / count for i in range(count)] + [self.end]
        return [replace(self, start=ends[i], end=ends[i + 1]) for i in range(count)]

    def stops(self, space: SurrogateSpace) -> np.ndarray:
        """Weights (m, k) of the path's points. Raises ValueError if they are not points of `space`."""
        return space.weights(self.u) if self.w is None else check_weights(self.w, space.k, space.chart.signed)

    def weights(self, space: SurrogateSpace, steps: int) -> np.ndarray:
        """Weights w (steps, k) of each step of a clip of `steps`."""
        w = self.stops(space)
        last = len(w) - 1
        if self.movement == "hold":
            # The middle of each step, so that no step lies on the border between two points or two stretches.
            middle = self.start + (self.end - self.start) * (np.arange(steps) + 0.5) / steps
            return w[np.minimum(np.round(len(w) * middle, DIGITS).astype(int), last)]
        places = np.round(last * np.linspace(self.start, self.end, steps), DIGITS)
        first = np.minimum(places.astype(int), max(0, last - 1))
        return np.stack([between(w[i], w[min(i + 1, last)], place - i) for i, place in zip(first, places, strict=True)])


def time_axes(parts: Parts, sound: bool = False) -> list[int]:
    """The axis of each part of a sample (without its batch) that is time. `sound`: what looks like an image is a sound.

    Channels × time × height × width is a clip, channels × length a sound; a sound of channels × 16 bands × length or
    channels × length × 16 bands looks like an image, and is a sound beside a clip.

    Raises ValueError for an image, which has no time.
    """
    with_clip = len(parts) > 1 and any(len(part) == 4 for part in parts)
    return [_time_axis(part, sound or with_clip) for part in parts]


def _time_axis(part: tuple[int, ...], sound: bool) -> int:
    if len(part) in (2, 4):
        return 1
    if len(part) == 3 and sound:
        return 1 if part[2] == BANDS != part[1] else 2
    raise ValueError(
        f"The latent has shape {describe((part,))}, which is an image's: nothing in it is time. Give the shape of a video "
        "or sound latent; where the pictures of a batch are the frames (AnimateDiff and others like it), blend one point for "
        "each frame with `SurrogateSpace.combine`."
    )


def latents_over_time(
    space: SurrogateSpace,
    stretches: Sequence[Stretch],
    shape: Sequence | None = None,
    sound: bool = False,
    dtype=torch.float32,
    progress: Callable[[int, int], None] | None = None,
):
    """Noises (n, *shape), one for each stretch: z[…, t] = Σ w_k(t) ξ_k[…, t]; for a nested shape a list, one a part.

    Each value is a unit-norm combination of independent Gaussian values, so it is one itself, at every step. A stretch
    that stands still has the noise of its point, a step at a seed that seed's values, both to the last bit; and a
    clip's bits do not depend on the others. Memory: the output and one seed.

    Raises ValueError for a latent without an axis of time, and for a transport that needs a whole sample (sphere,
    rotation), since each step here is a blend of its own.
    """
    parts = space.parts(shape)
    axes = time_axes(parts, sound)
    transports = space.transport.split(len(parts))
    for transport in transports:
        if not transport.by_value:
            raise ValueError(
                f"The {transport.name} transport works on a whole latent, but over time each step is a blend of its "
                "own: use gaussian, affine or quantile, or `SurrogateSpace.combine`, for which a clip is one point."
            )
    if not stretches:
        raise ValueError("There is no stretch to make noise for: give at least one.")
    w = [np.stack([s.weights(space, part[axis]) for s in stretches]) for part, axis in zip(parts, axes, strict=True)]
    nested = len(parts) > 1 or (shape is not None and is_nested(shape))
    still = np.all([(weights == w[0][:, :1]).all((1, 2)) for weights in w], axis=0)
    if still.all():
        return space.combine(w[0][:, 0], parts if nested else parts[0], dtype, progress)

    z = [torch.zeros(len(stretches), *part) for part in parts]
    _add_moving(space, z, np.flatnonzero(~still), w, axes, transports, progress)
    for row in np.flatnonzero(still):
        for part, whole in zip(z, space.combine(w[0][row, 0], parts), strict=True):
            part[row] = whole[0]
    z = [part.to(dtype) for part in z]
    return z if nested else z[0]


def _add_moving(space, z: list[torch.Tensor], rows, w: list[np.ndarray], axes, transports, progress) -> None:
    """Fill the `rows` of z, zeros (n, *part), for weights w (n, steps, k) of each part: seed by seed."""
    parts = tuple(tuple(part.shape[1:]) for part in z)
    vertex = [np.where((weights == 1).any(-1), weights.argmax(-1), -1) for weights in w]  # the seed that has all, or -1
    for j, seed in enumerate(space.seeds):
        if any(weights[rows, :, j].any() for weights in w):
            for i, noise in enumerate(seed.noise(parts)):
                blended = np.where(vertex[i] < 0, w[i][..., j], 0.0)
                xi = transports[i].forward(noise[None])[0]
                for row in rows:
                    add_over_time(z[i][row], axes[i], blended[row], xi)
                    own = torch.from_numpy(np.flatnonzero(vertex[i][row] == j))
                    z[i][row].index_copy_(axes[i], own, noise.index_select(axes[i], own))
            noise = xi = None  # gone before the next one is drawn
        if progress is not None:
            progress(j + 1, space.k)
    for i, transport in enumerate(transports):
        if isinstance(transport, Gaussian):
            continue
        for row in rows:
            moving = torch.from_numpy(np.flatnonzero(vertex[i][row] < 0))
            values = z[i][row].index_select(axes[i], moving)
            z[i][row].index_copy_(axes[i], moving, transport.inverse(values[None])[0])
