"""Easy Use: a loader makes an empty latent, settings say how it is sampled, and a sampler follows that takes the pipe."""

from __future__ import annotations

from dataclasses import replace

from ...errors import Untraceable
from ..batches import check_rows
from ..rules import Place, Rule
from ..samplers import ALL_STEPS
from ..sampling import NO_NOISE
from ..values import Batch, Row, random_noise
from .alike import foreign_ksampler, foreign_steps, refused_noise

__all__ = ["EASY"]

LOADERS = ("easy fullLoader", "easy a1111Loader", "easy comfyLoader", "easy fluxLoader", "easy pixArtLoader")


def _easy_loader(
    place: Place,
    batch_size: int = 1,
    empty_latent_width: int | None = None,
    empty_latent_height: int | None = None,
    a1111_prompt_style: bool = False,
):
    """An empty latent in a pipe, with the device that its sampler will draw noise on."""
    if a1111_prompt_style:
        raise Untraceable(f"{place} makes its sampler draw noise on the GPU (a1111_prompt_style)")
    check_rows(batch_size)
    width, height = empty_latent_width or 0, empty_latent_height or 0
    return Batch((Row(),) * batch_size, size=(width, height) if width > 0 and height > 0 else None)


def _easy_settings(
    place: Place,
    seed: int,
    pipe: Batch,
    denoise: float | None = 1.0,
    latent: Batch | None = None,
    image_to_latent: Batch | None = None,
):
    """The settings of a sampler, which follows and only takes the pipe: so here is where it samples."""
    return foreign_ksampler(place, _easy_start(pipe, latent, image_to_latent), random_noise(seed), denoise)


def _easy_advanced(
    place: Place,
    seed: int,
    pipe: Batch,
    add_noise: str = "enable (CPU)",
    start_at_step: int | None = 0,
    end_at_step: int | None = ALL_STEPS,
    steps: int | None = ALL_STEPS,
    latent: Batch | None = None,
    image_to_latent: Batch | None = None,
):
    noise = random_noise(seed) if add_noise != "disable" else NO_NOISE
    if "GPU" in add_noise:
        noise = refused_noise(f"{place} draws its noise on the GPU, whose numbers are others than KSampler's", seed)
    start = _easy_start(pipe, latent, image_to_latent)
    return foreign_steps(place, start, noise, start_at_step, end_at_step, steps)


def _easy_start(pipe: Batch, latent: Batch | None, picture: Batch | None) -> Batch:
    if picture is not None:
        return replace(picture, index=None, decoded=False)
    return pipe if latent is None else latent


EASY = {
    **dict.fromkeys(LOADERS, Rule(_easy_loader)),
    "easy preSampling": Rule(_easy_settings),
    "easy preSamplingAdvanced": Rule(_easy_advanced),
}
