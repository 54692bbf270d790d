"""A sampler of another pack that draws KSampler's noise, and noise of which it is known that it is another."""

from __future__ import annotations

from ....seeds import Seed
from ...errors import Untraceable
from ..rules import Place
from ..samplers import sample_steps
from ..sampling import idle, sampled, whole
from ..values import Batch, Noise

__all__ = ["TAKEN", "foreign_ksampler", "foreign_steps", "refused_noise"]

TAKEN = "is not a node of ComfyUI: taken for a sampler that draws noise as KSampler does"


def foreign_ksampler(place: Place, latent: Batch, noise: Noise, denoise: float | None) -> Batch:
    if denoise is not None and denoise <= 0:
        return idle(latent, f"{place} samples nothing: its denoise is 0")
    return sampled(place, latent, noise, whole(denoise)).noted(f"{place} {TAKEN}")


def foreign_steps(
    place: Place, latent: Batch, noise: Noise, first: int | None, last: int | None, steps: int | None
) -> Batch:
    return sample_steps(place, latent, noise, first, last, steps).noted(f"{place} {TAKEN}")


def refused_noise(reason: str, seed: int) -> Noise:
    """A noise that no seed stands for; where something is sampled again, it does not matter."""

    def draw(latent: Batch) -> list[Seed]:
        raise Untraceable(reason)

    return Noise(draw, str(seed))
