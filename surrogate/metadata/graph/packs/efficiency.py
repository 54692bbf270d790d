"""Efficiency Nodes: samplers that are told by scripts to draw other noise, a grid of pictures, or to sample again."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import Untraceable
from ..rules import Place, Rule
from ..samplers import ALL_STEPS
from ..sampling import NO_NOISE
from ..values import Batch, Noise, Opaque, random_noise
from .alike import foreign_ksampler, foreign_steps, refused_noise

__all__ = ["EFFICIENCY"]


@dataclass(frozen=True)
class Script:
    """What Efficiency's scripts tell a sampler: a reason why its noise is not KSampler's, and whether it samples the
    result again. `plots`: what it gives is a grid of pictures."""

    refused: str = ""
    again: str = ""
    plots: bool = False

    def then(self, other: Script | None) -> Script:
        other = other or Script()
        return Script(self.refused or other.refused, self.again or other.again, self.plots or other.plots)


def _noise_script(
    place: Place,
    rng_source: str = "cpu",
    cfg_denoiser: bool = False,
    add_seed_noise: bool = False,
    seed: int | None = None,
    weight: float | None = None,
    script: Script | None = None,
):
    refused = ""
    if rng_source != "cpu":
        refused = f"{place} draws its noise on {rng_source[:20]}, where numbers are others than KSampler's"
    elif add_seed_noise and weight != 0:
        refused = f"{place} adds the noise of another seed without keeping the variance: no seed stands for that"
    return Script(refused).then(script)


def _plot_script(place: Place, script: Script | None = None):
    return Script(f"{place} draws a grid of several pictures, which no single seed stands for", plots=True).then(script)


def _plain_script(place: Place, script: Script | None = None):
    return Script().then(script)


def _again_script(place: Place, script: Script | None = None):
    return Script(again=f"sampled again by {place}").then(script)


def _scripted(place: Place, seed: int, script: object) -> tuple[Noise, str]:
    """The noise that a script leaves, and a note if it samples the result again."""
    if script is None:
        return random_noise(seed), ""
    if not isinstance(script, Script):
        return refused_noise(f"the script of {place} is not known: it may draw other noise", seed), ""
    if script.plots:
        raise Untraceable(script.refused)
    return refused_noise(script.refused, seed) if script.refused else random_noise(seed), script.again


def _twice(place: Place, before: int, made: Batch, again: str) -> tuple:
    """Efficiency's outputs: the latent and the picture, `before` others ahead."""
    made = made.noted(again) if again else made
    other = Opaque(str(place), instead=made)
    return *[other] * before, made, other, made


def _efficient(place: Place, seed: int, latent_image: Batch, denoise: float | None = 1.0, script: object = None):
    noise, again = _scripted(place, seed, script)
    return _twice(place, 3, foreign_ksampler(place, latent_image, noise, denoise), again)


def _efficient_advanced(
    place: Place,
    noise_seed: int,
    latent_image: Batch,
    add_noise: str = "enable",
    start_at_step: int | None = 0,
    end_at_step: int | None = ALL_STEPS,
    steps: int | None = ALL_STEPS,
    script: object = None,
):
    noise, again = _scripted(place, noise_seed, script)
    noise = noise if add_noise == "enable" else NO_NOISE
    return _twice(place, 3, foreign_steps(place, latent_image, noise, start_at_step, end_at_step, steps), again)


def _efficient_sdxl(
    place: Place,
    noise_seed: int,
    latent_image: Batch,
    start_at_step: int | None = 0,
    steps: int | None = ALL_STEPS,
    script: object = None,
):
    noise, again = _scripted(place, noise_seed, script)
    return _twice(place, 1, foreign_steps(place, latent_image, noise, start_at_step, ALL_STEPS, steps), again)


EFFICIENCY = {
    "KSampler (Efficient)": Rule(_efficient),
    "KSampler Adv. (Efficient)": Rule(_efficient_advanced),
    "KSampler SDXL (Eff.)": Rule(_efficient_sdxl),
    "Noise Control Script": Rule(_noise_script),
    "XY Plot": Rule(_plot_script),
    "HighRes-Fix Script": Rule(_again_script),
    "Tiled Upscaler Script": Rule(_again_script),
    "AnimateDiff Script": Rule(_plain_script),
}
