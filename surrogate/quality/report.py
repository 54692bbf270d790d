"""The verdict on a space, in words for those who will use it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..diagnostics import Grade as NoiseGrade
from ..scores.distances import picture_distances
from ..space import SurrogateSpace
from ..transports import Sphere
from .carriers import Carriers, variety
from .closure import Closure, check_noise, check_pictures
from .stationarity import Stationarity, stationarity
from .walks import Walks

__all__ = ["Grade", "Quality", "space_quality"]

# Distances of pictures, root mean squares of Oklab, below this are hardly seen.
VISIBLE = 0.02
# Rank correlation along walks that is clear, and that is of some use; how improbable by chance.
CLEAR, SOME, CHANCE = 0.5, 0.2, 0.05
# Two pictures of the same point, beside any two of the space: what rounding may do, and what spoils the map. Less than
# the last is not seen, however alike the space's pictures are.
ROUNDING, ANOTHER, UNSEEN = 0.1, 0.5, 0.005
# A space whose pictures differ by this part of what fresh ones do is narrow.
NARROW = 0.1
HARDLY = (
    "The model hardly reacts to noise: no space helps. Use a model that is not distilled to a few steps, more "
    "denoise, a weaker ControlNet or an open prompt."
)
# As many blends may be off before it counts.
FEW = 0.1


class Grade(Enum):
    YES = "yes"
    WEAKLY = "weakly"
    NO = "no"


@dataclass(frozen=True)
class Quality:
    """What is known of a space.

    again: distance of two pictures of the same point, made in different batches
    fresh: median distance of two pictures of fresh noise
    carriers: what pictures change with; None if that was not looked at
    """

    space: SurrogateSpace
    stationarity: Stationarity
    closure: Closure
    again: float
    fresh: float
    carriers: Carriers | None = None

    @property
    def near(self) -> Grade:
        """Whether near points give near pictures."""
        s = self.stationarity
        if self.fresh < VISIBLE or not s.by_u.rank > SOME or s.p > CHANCE or self._another(ANOTHER):
            return Grade.NO
        return Grade.YES if s.by_u.rank > CLEAR and not self._another(ROUNDING) else Grade.WEAKLY

    @property
    def closed(self) -> Grade:
        """Whether blends look like the model's own pictures."""
        far, off = (self.closure.noise.share(grade) for grade in (NoiseGrade.FAR, NoiseGrade.OFF))
        if far > FEW:
            return Grade.NO
        return Grade.WEAKLY if far + off > FEW or self.closure.pictures.p < CHANCE else Grade.YES

    @property
    def summary(self) -> str:
        """Both verdicts with their reasons, and what to do."""
        lines = [
            f"Near points give near pictures: {self.near.value}. {self._why_near()}",
            f"Blends look like the model's own pictures: {self.closed.value}. {self._why_closed()}",
            *self.advice,
        ]
        return "\n".join(lines)

    @property
    def text(self) -> str:
        """The summary, and every number."""
        s, pictures = self.stationarity, self.closure.pictures
        relations = [
            ("distance in the space", s.by_u),
            ("1 - product of the weights", s.by_weights),
            ("1 - cosine of the noises", s.by_latents),
        ]
        lines = [
            self.summary,
            "",
            f"{self.space.k} seeds, chart {self.space.chart.name}, transport {self.space.transport!r}; "
            f"{len(pictures.blends)} points, {len(pictures.fresh)} fresh noises, {len(s.u)} pairs along walks.",
            "Distance of pictures against …: rank correlation, linear correlation",
            *(f"  {name}: {r.rank:+.2f}, {r.linear:+.2f}" for name, r in relations),
            f"  (the chart alone, distance in the space against weights: {s.u_weights.rank:+.2f}, {s.u_weights.linear:+.2f})",
            "Distance of two pictures, median (0.02 is hardly seen, black and white are 1 apart): "
            f"in the space {s.typical:.3f}, fresh {self.fresh:.3f}, the same point twice {self.again:.4f}",
            *(self.carriers.numbers if self.carriers else []),
            "Mean picture of the blends, in standard deviations of fresh pictures: "
            + ", ".join(f"{name} {value:+.1f}" for name, value in pictures.off.items()),
        ]
        return "\n".join(lines)

    @property
    def differs_in_a_batch(self) -> bool:
        """Whether the same point gives another picture in another batch, by more than rounding."""
        return self._another(ROUNDING)

    @property
    def advice(self) -> list[str]:
        """What would make the space better, in sentences; none if nothing does."""
        s, lines = self.stationarity, [*self.carriers.advice] if self.carriers else []
        if self.fresh < VISIBLE:
            if not (self.carriers and self.carriers.helps):
                lines.insert(0, HARDLY)
        elif self.differs_in_a_batch:
            lines.append(
                "The same point gives another picture in another batch. If the sampler draws noise of its own (ancestral, "
                "SDE, LCM), give it the same noise for every point, or take a deterministic one such as euler."
            )
        elif self.near is not Grade.YES:
            lines.append(
                "Look at more points; if it stays so, the model answers in jumps. Smaller steps (neighbours within a small "
                "radius) and more sampling steps may help."
            )
            if self.space.chart.name == "angular" and self.space.k > 3:
                lines.append("The chart knothe_rosenblatt treats all seeds alike, angular favours the first ones.")
        if s.typical < NARROW * self.fresh:
            lines.append("The pictures of the space are nearly the same: take seeds that differ more.")
        if self.noise_is_off:
            sphere = all(isinstance(t, Sphere) for t in self._transports())
            lines.append(
                "A check of the seeds says what is wrong with them."
                if sphere
                else "Take seeds that differ more, or the sphere transport, which keeps the norm. A check of the seeds says which."
            )
        return lines

    @property
    def noise_is_off(self) -> bool:
        """Whether more than a few blends are no noise."""
        return self.closure.noise.share(NoiseGrade.FIT) < 1 - FEW

    def _another(self, share: float) -> bool:
        """Whether a point's second picture differs by this share of what two points' pictures do."""
        return self.again > max(UNSEEN, share * self.stationarity.typical)

    def _transports(self):
        transport = self.space.transport
        return getattr(transport, "transports", (transport,))

    def _why_near(self) -> str:
        s = self.stationarity
        if not np.isfinite(s.by_u.rank):
            return "All pictures of the space are the same."
        return (
            f"Along walks, distance and likeness have a rank correlation of {s.by_u.rank:.2f} (by chance: p {s.p:.3g})."
        )

    def _why_closed(self) -> str:
        noise, pictures = self.closure.noise, self.closure.pictures
        n, fit = len(noise.norm), round(noise.share(NoiseGrade.FIT) * len(noise.norm))
        said = (
            f"All {n} blends are noise to the model."
            if fit == n
            else f"{fit} of {n} blends are noise to the model; {noise.worst}"
        )
        if pictures.p >= CHANCE:
            return f"{said} Their pictures do not stand out among fresh ones (p {pictures.p:.2g})."
        name, value = max(pictures.off.items(), key=lambda item: abs(item[1]))
        stand_out = f"Their pictures stand out (p {pictures.p:.2g}), most in {name} ({value:+.1f} standard deviations)"
        if self.noise_is_off:
            return f"{said} {stand_out}."
        return f"{said} {stand_out}: seeds that were chosen for their looks do that, and it does no harm."


def space_quality(
    space: SurrogateSpace,
    points: Walks,
    pictures,
    latents,
    fresh,
    again: tuple[int, np.ndarray],
    seed: int = 0,
    carriers: Carriers | None = None,
) -> Quality:
    """The quality of `space`.

    points: of `walks`; pictures: one for each, (h, w, 3) or clips (t, h, w, 3), uint8; latents: their noises (n, *shape),
    or a list of such for nested ones
    fresh: at least 7 pictures of independent noises, none of them a seed of the space
    again: a point's number, from 0, and its picture made once more, in another batch
    seed: names the shuffles of the test by chance
    carriers: what the pictures change with, for the advice

    Raises ValueError for numbers that do not fit together, and pictures that are none.
    """
    number, second = again
    return Quality(
        space,
        stationarity(space, points, pictures, latents, seed),
        Closure(check_noise(latents), check_pictures(pictures, fresh)),
        again=float(picture_distances([pictures[number], second])[0, 1]),
        fresh=variety(fresh),
        carriers=carriers,
    )
