"""Samplers of other packs that are known to draw KSampler's noise, or of which is known what else they do with it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...points import from_weights
from ...seeds import IntegerSeed, Seed, Seeds
from ...space import SurrogateSpace
from ...space.point_seed import seed_at
from ..errors import Untraceable
from .batches import check_rows
from .rules import Place, Rule
from .samplers import ALL_STEPS, sample_steps
from .sampling import NO_NOISE, idle, sampled, whole
from .values import Batch, Noise, Opaque, Row, random_noise

__all__ = ["FOREIGN", "TAKEN"]

EASY_LOADERS = ("easy fullLoader", "easy a1111Loader", "easy comfyLoader", "easy fluxLoader", "easy pixArtLoader")
TAKEN = "is not a node of ComfyUI: taken for a sampler that draws noise as KSampler does"


def _ksampler(place: Place, latent: Batch, noise: Noise, denoise: float | None) -> Batch:
    if denoise is not None and denoise <= 0:
        return idle(latent, f"{place} samples nothing: its denoise is 0")
    return sampled(place, latent, noise, whole(denoise)).noted(f"{place} {TAKEN}")


def _advanced(
    place: Place, latent: Batch, noise: Noise, first: int | None, last: int | None, steps: int | None
) -> Batch:
    return sample_steps(place, latent, noise, first, last, steps).noted(f"{place} {TAKEN}")


def _refused(reason: str, seed: int) -> Noise:
    """A noise that no seed stands for; where something is sampled again, it does not matter."""

    def draw(latent: Batch) -> list[Seed]:
        raise Untraceable(reason)

    return Noise(draw, str(seed))


# -------------------------------------------------------------------------------------------------- Efficiency Nodes


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
        return _refused(f"the script of {place} is not known: it may draw other noise", seed), ""
    if script.plots:
        raise Untraceable(script.refused)
    return _refused(script.refused, seed) if script.refused else random_noise(seed), script.again


def _twice(place: Place, before: int, made: Batch, again: str) -> tuple:
    """Efficiency's outputs: the latent and the picture, `before` others ahead."""
    made = made.noted(again) if again else made
    other = Opaque(str(place), instead=made)
    return *[other] * before, made, other, made


def _efficient(place: Place, seed: int, latent_image: Batch, denoise: float | None = 1.0, script: object = None):
    noise, again = _scripted(place, seed, script)
    return _twice(place, 3, _ksampler(place, latent_image, noise, denoise), again)


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
    return _twice(place, 3, _advanced(place, latent_image, noise, start_at_step, end_at_step, steps), again)


def _efficient_sdxl(
    place: Place,
    noise_seed: int,
    latent_image: Batch,
    start_at_step: int | None = 0,
    steps: int | None = ALL_STEPS,
    script: object = None,
):
    noise, again = _scripted(place, noise_seed, script)
    return _twice(place, 1, _advanced(place, latent_image, noise, start_at_step, ALL_STEPS, steps), again)


# ------------------------------------------------------------------------------------------------------ Inspire Pack

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
        return _refused(f"{place} draws its noise on the GPU, whose numbers are others than KSampler's", seed)
    stepped = batch_mode.startswith(PER_PICTURE)
    if strength is None:
        return _refused(f"the variation_strength of {place} cannot be told", seed)
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
    return _ksampler(place, latent_image, noise, denoise)


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
        noise = _refused(f"{place} is given a noise of its own, which no seed stands for", noise_seed)
    else:
        noise = _inspire_noise(
            place, noise_seed, noise_mode, batch_seed_mode, variation_seed, variation_strength, variation_method
        )
    return _advanced(place, latent_image, noise if add_noise else NO_NOISE, start_at_step, end_at_step, steps)


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


# ------------------------------------------------------------------------------------------------------- other packs


def _plain(place: Place, seed: int, latent_image: Batch, denoise: float | None = 1.0):
    return _ksampler(place, latent_image, random_noise(seed), denoise)


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
    return _advanced(place, latent_image, noise, start_at_step, end_at_step, steps)


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


# ---------------------------------------------------------------------------------------------------------- Easy Use


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
    sides = (empty_latent_width, empty_latent_height)
    size = None if None in sides or min(sides) <= 0 else sides  # type: ignore[type-var]
    return Batch((Row(),) * batch_size, size=size)  # type: ignore[arg-type]


def _easy_settings(
    place: Place,
    seed: int,
    pipe: Batch,
    denoise: float | None = 1.0,
    latent: Batch | None = None,
    image_to_latent: Batch | None = None,
):
    """The settings of a sampler, which follows and only takes the pipe: so here is where it samples."""
    return _ksampler(place, _easy_start(pipe, latent, image_to_latent), random_noise(seed), denoise)


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
        noise = _refused(f"{place} draws its noise on the GPU, whose numbers are others than KSampler's", seed)
    start = _easy_start(pipe, latent, image_to_latent)
    return _advanced(place, start, noise, start_at_step, end_at_step, steps)


def _easy_start(pipe: Batch, latent: Batch | None, picture: Batch | None) -> Batch:
    if picture is not None:
        return replace(picture, index=None, decoded=False)
    return pipe if latent is None else latent


def _other_noise(reason: str) -> Rule:
    def refused(place: Place):
        raise Untraceable(f"{place} {reason}")

    return Rule(refused)


FOREIGN = {
    "KSampler (Efficient)": Rule(_efficient),
    "KSampler Adv. (Efficient)": Rule(_efficient_advanced),
    "KSampler SDXL (Eff.)": Rule(_efficient_sdxl),
    "Noise Control Script": Rule(_noise_script),
    "XY Plot": Rule(_plot_script),
    "HighRes-Fix Script": Rule(_again_script),
    "Tiled Upscaler Script": Rule(_again_script),
    "AnimateDiff Script": Rule(_plain_script),
    "KSampler //Inspire": Rule(_inspire),
    "KSamplerPipe //Inspire": Rule(_inspire),
    "KSamplerAdvanced //Inspire": Rule(_inspire_advanced),
    "KSamplerAdvancedPipe //Inspire": Rule(_inspire_advanced),
    "RandomNoise //Inspire": Rule(_inspire_random),
    "ImpactKSamplerBasicPipe": Rule(_first_of_pipe),
    "ImpactKSamplerAdvancedBasicPipe": Rule(_first_of_pipe_advanced),
    **dict.fromkeys(EASY_LOADERS, Rule(_easy_loader)),
    "easy preSampling": Rule(_easy_settings),
    "easy preSamplingAdvanced": Rule(_easy_advanced),
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
