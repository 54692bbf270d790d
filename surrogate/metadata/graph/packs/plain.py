"""Samplers of other packs with no settings of noise, and nodes that are known to mix or add noise by hand."""

from __future__ import annotations

from ...errors import Untraceable
from ..rules import Place, Rule
from ..samplers import ALL_STEPS
from ..sampling import NO_NOISE
from ..values import Batch, Opaque, random_noise
from .alike import foreign_ksampler, foreign_steps

__all__ = ["PLAIN"]


def _plain(place: Place, seed: int, latent_image: Batch, denoise: float | None = 1.0):
    return foreign_ksampler(place, latent_image, random_noise(seed), denoise)


def _plain_advanced(
    place: Place,
    noise_seed: int,
    latent_image: Batch,
    add_noise: object = True,
    start_at_step: int | None = 0,
    end_at_step: int | None = ALL_STEPS,
    steps: int | None = ALL_STEPS,
):
    noise = random_noise(noise_seed) if add_noise in (True, "enable") else NO_NOISE
    return foreign_steps(place, latent_image, noise, start_at_step, end_at_step, steps)


def _first_of_pipe(place: Place, seed: int, latent_image: Batch, denoise: float | None = 1.0):
    made = _plain(place, seed, latent_image, denoise)
    return Opaque(str(place)), made, Opaque(str(place))


def _first_of_pipe_advanced(
    place: Place,
    noise_seed: int,
    latent_image: Batch,
    add_noise: object = True,
    start_at_step: int | None = 0,
    end_at_step: int | None = ALL_STEPS,
    steps: int | None = ALL_STEPS,
):
    made = _plain_advanced(place, noise_seed, latent_image, add_noise, start_at_step, end_at_step, steps)
    return Opaque(str(place)), made, Opaque(str(place))


def _other_noise(reason: str) -> Rule:
    def refused(place: Place):
        raise Untraceable(f"{place} {reason}")

    return Rule(refused)


PLAIN = {
    "ImpactKSamplerBasicPipe": Rule(_first_of_pipe),
    "ImpactKSamplerAdvancedBasicPipe": Rule(_first_of_pipe_advanced),
    "BNK_TiledKSampler": Rule(_plain),
    "BNK_TiledKSamplerAdvanced": Rule(_plain_advanced),
    "KSampler (WAS)": Rule(_plain),
    "Hijack": _other_noise("mixes another noise into every sampler behind it: no seed stands for that"),
    "BNK_NoisyLatentImage": _other_noise("gives noise as a latent, whose strength is not known"),
    "BNK_SlerpLatent": _other_noise("mixes latents, which no seed stands for"),
    "BNK_InjectNoise": _other_noise("adds noise to a latent by hand, which no seed stands for"),
    "InjectLatentNoise+": _other_noise("adds noise to a latent by hand, which no seed stands for"),
    "KSamplerVariationsWithNoise+": _other_noise("mixes two noises along their own angle, which no seed stands for"),
}
