"""Core's samplers, noises and schedules: which seed a latent is sampled from, and whether from noise alone.

Each rule is named after nothing but its inputs: a parameter is an input of the node, its annotation what it must be.
The first parameter is the place in the graph. A rule returns the node's outputs, or one value that stands for all.
"""

from __future__ import annotations

import re
from dataclasses import replace

from .rules import Place, Rule
from .sampling import NO_NOISE, idle, sampled, whole
from .values import Batch, Noise, Sigmas, random_noise

__all__ = ["SAMPLERS", "SCHEDULES", "sample_steps"]

ALL_STEPS = 10000
NUMBER = re.compile(r"[-+]?(?:\d*\.\d+|\d+)")
LONGEST = 1000
# Flow models begin at 1; others at 14 and more. A first sigma below this leaves some of the latent.
LARGEST_PARTIAL_SIGMA = 0.995


def _ksampler(place: Place, seed: int, latent_image: Batch, denoise: float | None = 1.0):
    if denoise is not None and denoise <= 0:
        return idle(latent_image, f"{place} samples nothing: its denoise is 0")
    return sampled(place, latent_image, random_noise(seed), whole(denoise))


def sample_steps(place: Place, latent: Batch, noise: Noise, first: int | None, last: int | None, steps: int | None):
    """The latent after the steps from `first` to `last` of `steps`; None: not known."""
    end = min(ALL_STEPS if last is None else last, ALL_STEPS if steps is None else steps)
    if first is not None and first >= end:
        return idle(latent, f"{place} samples nothing: it starts at step {first} of {end}")
    return sampled(place, latent, noise, None if first is None else first == 0)


def _ksampler_advanced(
    place: Place,
    add_noise: str,
    noise_seed: int,
    latent_image: Batch,
    start_at_step: int | None = 0,
    end_at_step: int | None = ALL_STEPS,
    steps: int | None = ALL_STEPS,
):
    noise = random_noise(noise_seed) if add_noise == "enable" else NO_NOISE
    return sample_steps(place, latent_image, noise, start_at_step, end_at_step, steps)


def _along(place: Place, latent: Batch, noise: Noise, sigmas: Sigmas) -> Batch:
    if sigmas.steps == 0:
        return idle(latent, f"{place} samples nothing: its sigmas have no steps")
    return sampled(place, latent, noise, sigmas.whole)


def _sampler_custom(place: Place, add_noise: bool, noise_seed: int, sigmas: Sigmas, latent_image: Batch):
    return _along(place, latent_image, random_noise(noise_seed) if add_noise else NO_NOISE, sigmas)


def _sampler_custom_advanced(place: Place, noise: Noise, sigmas: Sigmas, latent_image: Batch):
    return _along(place, latent_image, noise, sigmas)


def _add_noise(place: Place, noise: Noise, sigmas: Sigmas, latent_image: Batch):
    """Adds noise at the first sigma, and needs no step for that."""
    return sampled(place, latent_image, noise, sigmas.whole)


# -------------------------------------------------------------------------------------------------------- noises


def _random_noise(place: Place, noise_seed: int):
    return random_noise(noise_seed)


def _disable_noise(place: Place):
    return NO_NOISE


# ----------------------------------------------------------------------------------------------------- schedules


def _whole_schedule(place: Place, steps: int | None = None):
    return Sigmas(True, steps)


def _schedule(place: Place, denoise: float | None = 1.0, steps: int | None = None):
    return Sigmas(whole(denoise), 0 if denoise is not None and denoise <= 0 else steps)


def _manual_sigmas(place: Place, sigmas: str):
    """The numbers in a text. Where the first one leaves some of the latent, the schedule is not whole."""
    first = NUMBER.search(sigmas[:LONGEST])
    if first is None:
        return Sigmas(None, None if sigmas.strip() else 0)
    return Sigmas(False if float(first[0]) < LARGEST_PARTIAL_SIGMA else None)


def _split_sigmas(place: Place, sigmas: Sigmas, step: int | None):
    if step is None:
        return sigmas, Sigmas(None)
    high = step if sigmas.steps is None else min(step, sigmas.steps)
    low = None if sigmas.steps is None else max(0, sigmas.steps - step)
    return replace(sigmas, steps=high), Sigmas(sigmas.whole if step == 0 else False, low)


def _split_sigmas_denoise(place: Place, sigmas: Sigmas, denoise: float | None):
    if denoise is None or sigmas.steps is None:
        return Sigmas(sigmas.whole), Sigmas(sigmas.whole if whole(denoise) else False)
    low = round(sigmas.steps * denoise)
    high = sigmas.steps - low if low else 0  # core cuts from the end: with nothing to cut off, nothing is left
    return Sigmas(sigmas.whole, high), Sigmas(sigmas.whole if low == sigmas.steps else False, low)


def _flip_sigmas(place: Place, sigmas: Sigmas):
    return Sigmas(False, sigmas.steps)


def _more_sigmas(place: Place, sigmas: Sigmas):
    return Sigmas(sigmas.whole, 0 if sigmas.steps == 0 else None)


def _first_sigma(place: Place, sigmas: Sigmas):
    return Sigmas(None, sigmas.steps)


SCHEDULES = {
    "BasicScheduler": Rule(_schedule),
    "AlignYourStepsScheduler": Rule(_schedule),
    "GITSScheduler": Rule(_schedule),
    "SDTurboScheduler": Rule(_schedule),
    "BetaSamplingScheduler": Rule(_whole_schedule),
    "OptimalStepsScheduler": Rule(_schedule),
    "LTXVScheduler": Rule(_whole_schedule),
    "Flux2Scheduler": Rule(_whole_schedule),
    "Ideogram4Scheduler": Rule(_whole_schedule),
    "ManualSigmas": Rule(_manual_sigmas),
    "SplitSigmas": Rule(_split_sigmas),
    "SplitSigmasDenoise": Rule(_split_sigmas_denoise),
    "FlipSigmas": Rule(_flip_sigmas),
    "ExtendIntermediateSigmas": Rule(_more_sigmas),
    "SetFirstSigma": Rule(_first_sigma),
}

SAMPLERS = {
    "KSampler": Rule(_ksampler),
    "KSamplerAdvanced": Rule(_ksampler_advanced),
    "SamplerCustom": Rule(_sampler_custom),
    "SamplerCustomAdvanced": Rule(_sampler_custom_advanced),
    "AddNoise": Rule(_add_noise),
    "RandomNoise": Rule(_random_noise),
    "DisableNoise": Rule(_disable_noise),
    **SCHEDULES,
}
