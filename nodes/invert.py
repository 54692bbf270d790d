"""Invert: the noise from which the sampler makes a given image or clip."""

from __future__ import annotations

from functools import partial

import comfy.model_management
import comfy.samplers
import comfy.utils
import torch
from comfy_api.latest import io

from ..surrogate import Seeds, inversion
from ..surrogate.points.batches import in_groups
from .tools import wires
from .tools.advice import advice
from .tools.latents import as_samples, batch_size, fix_empty, packed, select, tensors_of, unpacked
from .tools.missing_parts import drawn, missing
from .tools.notices import say, warn
from .tools.peculiar import check_noise_counts
from .tools.progress import quiet
from .tools.schema import schema

__all__ = ["Invert"]

# Relative error of the latent from which on the image is visibly another.
NOT_THE_IMAGE = 0.05


class Invert(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateInvert",
            display_name="Surrogate Invert",
            search_aliases=[
                "unsample",
                "unsampler",
                "image to noise",
                "inversion",
                "image to seed",
                "renoise",
                "img2noise",
            ],
            category="surrogate/seeds",
            description="Finds the noise from which your model makes a given image or clip, and gives it as a seed. "
            "Sampling that noise with euler and the same schedule gives the image again, so pictures from disk can "
            "be corners of a space.",
            inputs=[
                io.Guider.Input(
                    "guider",
                    tooltip="The model with a prompt that describes the images, from BasicGuider or CFGGuider. A "
                    "guidance (CFG) near 1 inverts best.",
                ),
                io.Sigmas.Input(
                    "sigmas",
                    tooltip="The noise schedule, from BasicScheduler, that you will render the space with; it must "
                    "begin at full noise (denoise 1). 50 steps give the image back most exactly; with fewer than 8 "
                    "it comes back only roughly.",
                ),
                io.Latent.Input(
                    "latent",
                    tooltip="The images or clips: a batch from VAE Encode or from a sampler. Each becomes one seed. A clip "
                    "whose sound is empty gets one that fits.",
                ),
                io.Int.Input(
                    "iterations",
                    default=40,
                    min=1,
                    max=1000,
                    tooltip="Most calls of the model for each step; 2 to 4 are usual. 1: fastest and rough. Higher: "
                    "more exact where a step is hard, and slower.",
                ),
                io.Float.Input(
                    "tolerance",
                    default=3e-6,
                    min=1e-7,
                    max=0.5,
                    step=1e-7,
                    round=False,
                    tooltip="A step is finished when the relative error of the latent is below this. 0.000003: as "
                    "exact as float32 allows. 0.001: half as many calls of the model, with small visible "
                    "differences. Above 0.1: a rough guess.",
                ),
                io.Int.Input(
                    "images_per_batch",
                    default=4,
                    min=1,
                    max=4096,
                    tooltip="Batch size: how many images are inverted together. Each needs memory for about 14 "
                    "latents in addition to the model. 1 uses the least memory.",
                ),
                io.String.Input(
                    "name",
                    default="inverted",
                    tooltip="The seeds are labelled with this name and a number: name 1, name 2, …",
                ),
                io.Int.Input(
                    "noise_seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=False,
                    optional=True,
                    tooltip="A schedule of few steps does not determine the whole noise of an image; the missing "
                    "part is drawn from this integer, and so is a missing sound. Another integer gives another noise for "
                    "nearly the same image.",
                ),
            ],
            outputs=[
                wires.Seeds.Output(display_name="seeds", tooltip="One seed for each image, for Surrogate Space."),
                io.Latent.Output(display_name="noise", tooltip="The same noises as a LATENT."),
                io.Latent.Output(
                    display_name="resampled",
                    tooltip="The images that euler makes from these noises, as a LATENT. Decode it to compare.",
                ),
                io.Float.Output(
                    display_name="error",
                    is_output_list=True,
                    tooltip="Relative error of the resampled latent, one number for each image. 0.001: no visible "
                    "difference. 0.05: visibly another image.",
                ),
                io.Float.Output(
                    display_name="norm",
                    is_output_list=True,
                    tooltip="Norm of the noise, ‖z‖²/D, one number for each image. 1 is Gaussian noise; from 0.8 to "
                    "1.25 it is fit to be a seed.",
                ),
                io.String.Output(
                    display_name="report",
                    tooltip="A sentence about each image, with advice if its noise is not fit to be a seed.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls, guider, sigmas, latent, iterations, tolerance, images_per_batch, name, noise_seed=0
    ) -> io.NodeOutput:
        latent = fix_empty(guider.model_patcher, {k: v for k, v in latent.items() if k != "batch_index"})
        if latent.pop("noise_mask", None) is not None:
            warn(cls, ["Invert: the latent's mask is not used; the whole image is inverted."])
        check_noise_counts(guider.model_patcher)
        # Now: what is wrong is said of the whole batch, and before the model is loaded.
        sigmas = _checked(latent["samples"], sigmas)
        empty = missing(latent["samples"])
        groups = in_groups(batch_size(latent), images_per_batch)
        bar = comfy.utils.ProgressBar(len(groups) * 100)
        found: list[inversion.Inversion] = []
        targets: list[list[torch.Tensor]] = []
        again: list[torch.Tensor] = []
        for number, group in enumerate(groups):

            def step(done, total, number=number):
                bar.update_absolute(100 * number + 100 * done // total, len(groups) * 100)

            target, lacking = select(latent, group)["samples"], [where[group] for where in empty]
            noise = _fresh(packed(target).shape, noise_seed, group)
            if any(where.any() for where in lacking):
                target = drawn(partial(_run, guider, sigmas), noise, target, lacking)
            backwards = Backwards(guider, packed(target), iterations, tolerance, noise, step)
            inverted, resampled = _there_and_back(guider, backwards, target, sigmas)
            found.append(inverted)
            targets.append(tensors_of(target))
            again.append(resampled)
            bar.update_absolute(100 * (number + 1), len(groups) * 100)
        latent["samples"] = as_samples([torch.cat(parts) for parts in zip(*targets)], latent["samples"])
        result = _Result(latent["samples"], sigmas, found, torch.cat(again), name)
        (say if result.all_fit else _warn)(cls, result.report)
        noise = unpacked(result.noise, latent["samples"])
        return io.NodeOutput(
            Seeds.from_tensors(tensors_of(noise), result.labels),
            {**latent, "samples": as_samples(tensors_of(noise), latent["samples"])},
            {**latent, "samples": unpacked(result.resampled, latent["samples"])},
            result.errors,
            result.norms,
            result.report,
        )


def _checked(samples, sigmas: torch.Tensor) -> torch.Tensor:
    """The schedule. Raises ValueError for what cannot be inverted."""
    with advice("Connect the latent of an image, from VAE Encode or a sampler."):
        inversion.checked_latent(packed(samples).cpu())
    with advice("Connect the schedule as for sampling, without Flip Sigmas."):
        return inversion.checked_sigmas(sigmas.cpu())


def _there_and_back(guider, backwards: Backwards, target, sigmas) -> tuple[inversion.Inversion, torch.Tensor]:
    """The noise of `target`, and what core's own euler makes of it: measured, not computed."""
    empty = as_samples([torch.zeros_like(part) for part in tensors_of(target)], target)
    _run(guider, sigmas, empty, empty, sampler=backwards)
    inverted = backwards.result
    if inverted is None:
        raise RuntimeError(f"The guider ({type(guider).__name__}) has not called the sampler it was given.")
    noise = as_samples(tensors_of(unpacked(inverted.noise, target)), target)
    return inverted, packed(_run(guider, sigmas, noise, empty))


def _warn(node, report: str) -> None:
    warn(node, [report])


class _Result:
    """What came of all groups together, in numbers and words."""

    def __init__(self, samples, sigmas, found: list[inversion.Inversion], resampled: torch.Tensor, name: str):
        self.noise, self.resampled = torch.cat([one.noise for one in found]), resampled
        wanted = packed(samples).float().to(resampled.device)
        self.errors = inversion.relative_error(resampled.float(), wanted).tolist()
        self.norms = torch.cat([one.norms for one in found]).tolist()
        self.labels = [f"{name.strip() or 'inverted'} {i + 1}" for i in range(len(self.noise))]
        self.steps, self.calls, self.groups = len(sigmas) - 1, sum(one.calls for one in found), len(found)

    @property
    def all_fit(self) -> bool:
        return all(map(_fit, self.errors, self.norms))

    @property
    def report(self) -> str:
        return "\n".join(
            [
                *map(_sentence, self.labels, self.errors, self.norms),
                f"{self.steps} steps, {self.calls} calls of the model and {self.groups * self.steps} to check. "
                "Render with euler and this schedule.",
            ]
        )


class Backwards(comfy.samplers.Sampler):
    """A sampler that walks from the finished image to its noise, which it keeps in `result`.

    The guider gives it all that a forward sampler has: the loaded model, prompts, guidance, hooks, wrappers. It is
    started like the forward sampler, from an empty latent; the image comes with it, not through the guider. Of several
    parts (a clip with its sound) `target` is all of them in one tensor, as samplers see them.
    """

    def __init__(self, guider, target, iterations: int, tolerance: float, noise, progress):
        self.model = guider.model_patcher
        self.target = target
        self.iterations, self.tolerance = iterations, tolerance
        self.noise, self.progress = noise, progress
        self.result: inversion.Inversion | None = None

    def sample(
        self, guider, sigmas, extra_args, callback, noise, latent_image=None, denoise_mask=None, disable_pbar=False
    ):
        sampling = self.model.get_model_object("model_sampling")
        clean = self.model.get_model_object("process_latent_in")(self.target.to(noise))

        def denoise(x, sigma):
            comfy.model_management.throw_exception_if_processing_interrupted()
            return guider(x, sigma * x.new_ones(len(x)), **extra_args)

        # How the forward sampler turns noise and image into what it starts from, whatever the kind of model.
        one, zero = noise.new_ones(1, 1), noise.new_zeros(1, 1)
        # Core's samplers tell whether a schedule starts at full noise, as it should here; one that does not say: it does.
        full = self.max_denoise(guider, sigmas) if hasattr(self, "max_denoise") else True
        scale = float(sampling.noise_scaling(sigmas[0], one, zero, full))
        # How large a noise of variance 1 is in x, in units of sigma: 1, but for models with a noise scale (HiDream-O1: 8).
        spread = float(
            sampling.noise_scaling(sigmas[-2], noise.new_ones(1, 1), noise.new_zeros(1, 1), False) / sigmas[-2]
        )
        # The sampler divides what it ends with, if it ends before sigma 0; this undoes it.
        latent = sampling.noise_scaling(sigmas[-1], torch.zeros_like(clean), clean.clone(), False)
        result = inversion.invert(
            denoise,
            latent,
            sigmas,
            scale=scale,
            spread=spread,
            iterations=self.iterations,
            tolerance=self.tolerance,
            noise=self.noise,
            progress=self.progress,
        )
        self.result = result.cpu()
        return latent


def _run(guider, sigmas, noise, latent, mask=None, sampler=None):
    """What euler, or `sampler`, makes of `noise` and `latent`."""
    comfy.model_management.throw_exception_if_processing_interrupted()
    sampler = sampler or comfy.samplers.sampler_object("euler")
    samples = guider.sample(noise, latent, sampler, sigmas, denoise_mask=mask, disable_pbar=quiet(), seed=0)
    return samples.to(comfy.model_management.intermediate_device())


def _fresh(shape, noise_seed: int, places: list[int]) -> torch.Tensor:
    """Noise for each image by its place in the whole batch: the same in every grouping."""
    drawn = [
        torch.randn(shape[1:], generator=torch.Generator().manual_seed((noise_seed + place) % 2**64))
        for place in places
    ]
    return torch.stack(drawn)


def _fit(error: float, norm: float) -> bool:
    low, high = inversion.SHELL
    return error < NOT_THE_IMAGE and low <= norm <= high


def _sentence(label: str, error: float, norm: float) -> str:
    low, high = inversion.SHELL
    said = f"{label}: comes back to {100 * error:.2g} %, ‖z‖²/D = {norm:.2f}"
    if _fit(error, norm):
        return f"{said}: fit to be a seed."
    advice = []
    if not error < NOT_THE_IMAGE:
        advice.append(
            "the image does not come back: use more steps, a guidance nearer 1, or a prompt that describes it"
        )
    if norm < low:
        advice.append("less noise than Gaussian, blends will look flat: use more steps")
    if norm > high:
        advice.append(
            "more than Gaussian, blends will burn: use more steps or a prompt that fits, or the sphere transport"
        )
    return f"{said}: NOT fit to be a seed. {'; '.join(advice).capitalize()}."
