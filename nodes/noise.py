"""The points' noise, for samplers that take a NOISE and, through a patched MODEL, for those that do not."""

import logging

import comfy.patcher_extension
import torch
from comfy_api.latest import io

from ..surrogate.points import acts
from ..surrogate.shapes import describe
from .pinned import pin
from .tools import wires
from .tools.latents import PointsNoise, fix_empty, packed, repeat_to, sample_parts, select, tensors_of
from .tools.notices import warn
from .tools.peculiar import check_noise_counts, depends_on_batch
from .tools.sampling_inputs import noise_seed_input, points_per_batch_input
from .tools.schema import schema

__all__ = ["KSamplerNoise", "Noise"]

log = logging.getLogger("ComfyUI-Surrogate")
KEY = "surrogate_noise"


class Noise(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateNoise",
            display_name="Surrogate Noise",
            search_aliases=["slerp noise", "noise mix", "custom noise", "noise input", "variation noise"],
            category="surrogate/noise",
            description="Gives the noise of the points to SamplerCustomAdvanced. Connect both outputs to the "
            "sampler, so that the batch size of the latent fits the noise.",
            inputs=[
                wires.Space.Input("space", tooltip="The space of the points."),
                wires.Points.Input("points", tooltip="The points to render."),
                io.Latent.Input(
                    "latent",
                    tooltip="The latent that the sampler would get without this node: an empty latent of the size "
                    "you want, or encoded pictures for image to image. A batch size of 1 is repeated for all points; "
                    "otherwise it must hold one image for each point.",
                ),
                noise_seed_input(),
                points_per_batch_input(),
            ],
            outputs=[
                io.Noise.Output(
                    display_name="noise",
                    is_output_list=True,
                    tooltip="The noise of the points, one entry for each batch, for the noise input of SamplerCustomAdvanced.",
                ),
                io.Latent.Output(
                    display_name="latent",
                    is_output_list=True,
                    tooltip="The latent with the right batch size, one entry for each batch, for the latent_image "
                    "input of SamplerCustomAdvanced.",
                ),
            ],
        )

    @classmethod
    def execute(cls, space, points, latent, noise_seed, images_per_batch) -> io.NodeOutput:
        latent = repeat_to(latent, len(points), "points")
        groups = acts.batches(points, images_per_batch)
        return io.NodeOutput(
            [PointsNoise(space, points.w[group], noise_seed) for group in groups],
            [select(latent, group) for group in groups],
        )


class KSamplerNoise(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateKSamplerNoise",
            display_name="Surrogate Noise for KSampler",
            search_aliases=["variation seed", "custom noise", "noise injection", "ksampler noise", "noise mix"],
            category="surrogate/noise",
            description="Gives the noise of the points to samplers without a NOISE input: KSampler, KSampler "
            "(Advanced), SamplerCustom and those of other packs. It makes a copy of the model whose samplers start "
            "from the points' noise. Connect both outputs to the sampler; give later samplers (upscaling, detailing) "
            "the model from before this node.",
            inputs=[
                io.Model.Input(
                    "model",
                    tooltip="The model that the sampler would get without this node. It is not changed; a copy is "
                    "passed on.",
                ),
                wires.Space.Input("space", tooltip="The space of the points."),
                wires.Points.Input("points", tooltip="The points to render, all in one batch."),
                io.Latent.Input(
                    "latent",
                    tooltip="The latent that the sampler would get without this node. A batch size of 1 is repeated "
                    "for all points.",
                ),
                # Optional, and last: older workflows have neither of them.
                io.Boolean.Input(
                    "pin_noise",
                    default=False,
                    optional=True,
                    tooltip="For stochastic samplers (ancestral, SDE, LCM), which add noise at each step. On: they "
                    "add the same noise for every point, so that a point gives the same image in every batch and "
                    "near points give similar images. Off: a seed gives the image that KSampler gives with it. "
                    "Deterministic samplers give the same with both.",
                ),
                noise_seed_input(
                    "With pin_noise: seed of the noise that the sampler adds at each step. Keep one number for a whole space: "
                    "another number gives another image at each point. Without pin_noise the sampler's own seed decides.",
                    optional=True,
                ),
            ],
            outputs=[
                io.Model.Output(
                    display_name="model",
                    tooltip="A copy of the model whose samplers start from the noise of the points.",
                ),
                io.Latent.Output(display_name="latent", tooltip="The latent with the right batch size."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, model, space, points, latent, pin_noise=False, noise_seed=0) -> io.NodeOutput:
        check_noise_counts(model)
        if len(points) > 1:
            warn(cls, filter(None, [depends_on_batch(model)]))
        latent = repeat_to(latent, len(points), "points")
        expected = fix_empty(model, latent)
        space.parts(sample_parts(expected))  # raises now, not inside the sampler, if the seeds have another shape
        model = model.clone()
        start = _start_from(PointsNoise(space, points.w, 0), expected, noise_seed if pin_noise else None)
        model.add_wrapper_with_key(comfy.patcher_extension.WrappersMP.OUTER_SAMPLE, KEY, start)
        return io.NodeOutput(model, latent)


def _start_from(points_noise: PointsNoise, latent: dict, noise_seed: int | None):
    """A wrapper around `CFGGuider.outer_sample` that replaces the sampler's first noise.

    With a `noise_seed` it pins the noise of each step too. It changes nothing for another shape (a second pass at another size),
    and gives no first noise to a sampler that adds none.
    """
    wanted = [tuple(part.shape) for part in tensors_of(latent["samples"])]

    def outer_sample(executor, noise, latent_image, sampler, *args, **kwargs):
        # A nested latent arrives packed into one tensor, and the shapes of its parts come as another argument.
        shapes = kwargs.get("latent_shapes") or [noise.shape]
        got = [tuple(shape) for shape in shapes]
        if got != wanted:
            log.warning(
                "Surrogate Noise for KSampler: the sampler works on %s in a batch of %d, the points were made for %s "
                "in a batch of %d: its own noise is used.",
                *(text for shapes in (got, wanted) for text in (describe(tuple(s[1:] for s in shapes)), shapes[0][0])),
            )
        elif torch.count_nonzero(noise) == 0:
            log.info("Surrogate Noise for KSampler: this sampler adds no noise; none is replaced.")
        else:
            noise = packed(points_noise.generate_noise(latent)).to(noise)
        if noise_seed is not None and got == wanted:
            sampler = pin(sampler, noise_seed)
        return executor(noise, latent_image, sampler, *args, **kwargs)

    return outer_sample
