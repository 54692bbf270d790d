"""Which carrier suits a model: how much its pictures change with the initial noise, and how much with noise on its prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..scores.distances import picture_distances
from .keep import keep

__all__ = ["LITTLE", "STRENGTHS", "UNTIL", "Carriers", "nearly_equal", "variety"]

# Median distances of pictures, root mean squares of Oklab: pictures are nearly equal, and a model has little variety.
EQUAL, LITTLE = 0.025, 0.06
# Noise on the prompt that is tried: strengths in standard deviations of the embedding, for this share of the sampling.
STRENGTHS, UNTIL = (0.5, 1.0), 0.2
# Noise on the prompt must change pictures by so many times what the initial noise does to be worth it.
WORTH = 1.5
# Points whose weights have a smaller product are far apart; so many pictures are compared at most, and pairs at least.
FAR, MOST, PAIRS = 0.5, 12, 3


@dataclass(frozen=True)
class Carriers:
    """Median distances of the pictures of independent noises.

    noise: of noises that the space's points would have (initial noise, or with `on_prompt` noise on the prompt)
    prompt: strength -> of noises on the prompt; empty if that was not tried, and `why_not` if it cannot be
    """

    noise: float
    prompt: Mapping[float, float] = field(default_factory=dict)
    on_prompt: bool = False
    why_not: str = ""

    @property
    def recommended(self) -> float | None:
        """The strength with which the points should be on the prompt; None if they should not, or are already."""
        enough = {s: d for s, d in self.prompt.items() if d > max(EQUAL, WORTH * self.noise)}
        if not enough:
            return None
        return next((s for s, d in sorted(enough.items()) if d >= LITTLE), max(enough, key=lambda s: enough[s]))

    @property
    def helps(self) -> bool:
        """Whether noise on the prompt is, or would be, the way to more variety."""
        return self.on_prompt or self.recommended is not None

    @property
    def advice(self) -> list[str]:
        """What would give more variety, in sentences; none if there is enough."""
        if self.noise >= LITTLE:
            return []
        if self.on_prompt:
            return [
                "Pictures change little with the noise on the prompt: raise strength or until, or use the initial noise too."
            ]
        strength = self.recommended
        if strength is None:
            return [f"Noise on the prompt was not tried: {self.why_not}"] if self.why_not else []
        return [
            f"Pictures change more with noise on the prompt (median distance {self.prompt[strength]:.3f}) than with the "
            f"initial noise ({self.noise:.3f}): put the points on the prompt, with carrier = conditioning, strength = "
            f"{strength:g}, until = {UNTIL:g}."
        ]

    @property
    def numbers(self) -> list[str]:
        """What was measured on the prompt, a line; none if nothing was."""
        tried = ", ".join(f"{distance:.3f} at strength {strength:g}" for strength, distance in self.prompt.items())
        return [f"Distance of two pictures with noise on the prompt, median: {tried}"] if tried else []


def variety(pictures: Sequence[np.ndarray]) -> float:
    """Median distance of at least two `pictures`, each (h, w, 3) or a clip (t, h, w, 3), uint8."""
    return float(np.median(picture_distances(pictures)[np.triu_indices(len(pictures), 1)]))


def nearly_equal(pictures: Sequence[np.ndarray], w) -> bool:
    """Whether the `pictures` (t, h, w, c) uint8 of points with weights `w` (n, k) are nearly equal though the points are not.

    At most 12 of them are compared. False where fewer than 3 pairs of points are far apart: neighbours may be alike.
    """
    chosen = np.unique(np.linspace(0, len(pictures) - 1, MOST).round().astype(int))
    weights = np.asarray(w)[chosen]
    far = (np.triu(np.ones((len(chosen),) * 2), 1) > 0) & (weights @ weights.T < FAR)
    if far.sum() < PAIRS:
        return False
    return bool(np.median(picture_distances([keep(pictures[i]) for i in chosen])[far]) < EQUAL)
