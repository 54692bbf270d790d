"""Inspire Pack: noise of the CPU or the GPU, seeds that count up over a batch, and variations between two seeds."""

from __future__ import annotations

from ....points import from_weights
from ....seeds import IntegerSeed, Seed, Seeds
from ....space import SurrogateSpace
from ....space.point_seed import seed_at
from ...errors import Untraceable
from ..rules import Place, Rule
from ..samplers import ALL_STEPS
from ..sampling import NO_NOISE
from ..values import Batch, Noise, random_noise
from .alike import foreign_ksampler, foreign_steps, refused_noise

__all__ = ["INSPIRE"]

PER_PICTURE = "variation str inc:"


def _inspire_noise(
    place: Place,
    seed: int,
    mode: str,
    batch_mode: str,
    variation_seed: int | None,
    strength: float | None,
    method: str,
) -> Noise:
    """Inspire's noise: on which device, how a batch is drawn, and how much of another seed's noise is mixed in."""
    if "cpu" not in mode.lower():
        return refused_noise(f"{place} draws its noise on the GPU, whose numbers are others than KSampler's", seed)
    stepped = batch_mode.startswith(PER_PICTURE)
    if strength is None:
        return refused_noise(f"the variation_strength of {place} cannot be told", seed)
    if batch_mode == "comfy" and not strength:
        return random_noise(seed)
    step = float(batch_mode[len(PER_PICTURE) :]) if stepped else 0.0

    def draw(latent: Batch) -> list[Seed]:
        if latent.index is not None:  # a batch_index turns both off
            return random_noise(seed).draw(latent)  # type: ignore[misc]
        count = len(latent.rows)
        bases = [
            IntegerSeed(seed + i)
            if batch_mode == "incremental"
            else IntegerSeed(seed, *((0, 1) if stepped else (i, count)))
            for i in range(count)
        ]
        return [_mixed(place, base, variation_seed, strength + step * i, method) for i, base in enumerate(bases)]

    return Noise(draw, str(seed))


def _mixed(place: Place, base: Seed, other: int | None, strength: float, method: str) -> Seed:
    """The point between two integers that (1 - s) a + s b is, at unit variance."""
    if strength == 0:
        return base
    if method != "linear":
        raise Untraceable(f"{place} mixes two noises along their own angle (slerp), which no point stands for exactly")
    if other is None or not 0 < strength <= 1:
        raise Untraceable(f"{place} mixes in another noise at {strength:g}, which is not between 0 and 1")
    variation = IntegerSeed(other)
    if strength == 1:
        return variation
    if variation.identity == base.identity:
        raise Untraceable(f"{place} mixes seed {base.label} with itself")
    space = SurrogateSpace(Seeds((base, variation)))
    (u,) = from_weights(space, [[1 - strength, strength]]).u
    return seed_at(space, u, f"{base.label} with {strength:g} of {variation.label}")


def _inspire(
    place: Place,
    seed: int,
    latent_image: Batch,
    denoise: float | None = 1.0,
    noise_mode: str = "CPU",
    batch_seed_mode: str = "comfy",
    variation_seed: int | None = None,
    variation_strength: float | None = 0.0,
    variation_method: str = "linear",
):
    noise = _inspire_noise(
        place, seed, noise_mode, batch_seed_mode, variation_seed, variation_strength, variation_method
    )
    return foreign_ksampler(place, latent_image, noise, denoise)


def _inspire_advanced(
    place: Place,
    noise_seed: int,
    latent_image: Batch,
    add_noise: bool = True,
    start_at_step: int | None = 0,
    end_at_step: int | None = ALL_STEPS,
    steps: int | None = ALL_STEPS,
    noise_mode: str = "CPU",
    batch_seed_mode: str = "comfy",
    variation_seed: int | None = None,
    variation_strength: float | None = 0.0,
    variation_method: str = "linear",
    noise_opt: object = None,
):
    if noise_opt is not None:
        noise = refused_noise(f"{place} is given a noise of its own, which no seed stands for", noise_seed)
    else:
        noise = _inspire_noise(
            place, noise_seed, noise_mode, batch_seed_mode, variation_seed, variation_strength, variation_method
        )
    return foreign_steps(place, latent_image, noise if add_noise else NO_NOISE, start_at_step, end_at_step, steps)


def _inspire_random(
    place: Place,
    noise_seed: int,
    noise_mode: str = "CPU",
    batch_seed_mode: str = "comfy",
    variation_seed: int | None = None,
    variation_strength: float | None = 0.0,
    variation_method: str = "linear",
):
    return _inspire_noise(
        place, noise_seed, noise_mode, batch_seed_mode, variation_seed, variation_strength, variation_method
    )


INSPIRE = {
    "KSampler //Inspire": Rule(_inspire),
    "KSamplerPipe //Inspire": Rule(_inspire),
    "KSamplerAdvanced //Inspire": Rule(_inspire_advanced),
    "KSamplerAdvancedPipe //Inspire": Rule(_inspire_advanced),
    "RandomNoise //Inspire": Rule(_inspire_random),
}
