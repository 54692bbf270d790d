"""Inputs that several nodes have, because they sample and decode as SamplerCustomAdvanced and VAE Decode do."""

from __future__ import annotations

from comfy_api.latest import io

from ...surrogate.points import acts
from .schema import defaults

__all__ = [
    "BATCH",
    "guider_input",
    "noise_seed_input",
    "points_per_batch_input",
    "sampler_input",
    "sigmas_input",
    "vae_input",
]

# Of `images_per_batch`.
BATCH = {
    "min": 1,
    "max": 4096,
    "tooltip": "Batch size: how many images are sampled together. 1 uses the least memory; larger batches are faster, until "
    "the memory is full. A model that takes only batches of 1 gets them.",
}


def guider_input() -> io.Guider.Input:
    return io.Guider.Input(
        "guider",
        tooltip="The model with its prompt, from BasicGuider (models without a negative prompt) or CFGGuider.",
    )


def sampler_input() -> io.Sampler.Input:
    return io.Sampler.Input(
        "sampler",
        tooltip="The sampler, from KSamplerSelect. With a deterministic one, such as euler, near points give similar "
        "pictures. Ancestral and SDE samplers add noise at each step (see noise_seed).",
    )


def sigmas_input() -> io.Sigmas.Input:
    return io.Sigmas.Input(
        "sigmas", tooltip="The noise schedule (scheduler and steps), from BasicScheduler or another node."
    )


def vae_input() -> io.Vae.Input:
    return io.Vae.Input("vae", tooltip="Decodes the latents to pictures.")


def points_per_batch_input() -> io.Int.Input:
    """The input of nodes that give a stock sampler one group of points after the other."""
    return io.Int.Input(
        "images_per_batch",
        default=defaults(acts.batches)["images_per_batch"],
        min=0,
        max=4096,
        tooltip="0: all points in one batch. Otherwise the batch size: the sampler runs once for each group of this many points, "
        "so that large grids fit into memory.",
    )


def noise_seed_input(
    tooltip: str = "Seed of the noise that stochastic samplers (ancestral, SDE) add at each step: one number for all points, so "
    "that a point always gives the same image. Deterministic samplers, such as euler, do not use it.",
    optional: bool = False,
) -> io.Int.Input:
    """The input that names the noise of stochastic samplers."""
    return io.Int.Input(
        "noise_seed",
        optional=optional,
        default=0,
        min=0,
        max=0xFFFFFFFFFFFFFFFF,
        control_after_generate=False,
        tooltip=tooltip,
    )
