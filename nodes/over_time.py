"""Noise for one clip, or sound, that moves along a path from its beginning to its end."""

from __future__ import annotations

from comfy_api.latest import io

from ..surrogate.points import acts
from ..surrogate.points.batches import in_groups
from ..surrogate.shapes import describe
from ..surrogate.space.over_time import MOVEMENTS, Stretch, latents_over_time, time_axes
from .tools import wires
from .tools.advice import advice
from .tools.core_noise import notice_replaced_noise
from .tools.latents import as_samples, parts_for, repeat_to, select
from .tools.progress import cancellable
from .tools.sampling_inputs import noise_seed_input
from .tools.schema import defaults, schema

__all__ = ["NoiseOverTime"]


class NoiseOverTime(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        typed = defaults(acts.stretches_in_batches)
        return schema(
            node_id="SurrogateNoiseOverTime",
            display_name="Surrogate Noise over Time",
            search_aliases=["seed travel", "morph video", "video noise", "noise path", "interpolation"],
            category="surrogate/noise",
            description="Makes noise for one clip or sound that moves along a path of points from its beginning to "
            "its end. It begins as one picture or sound and ends as another; several clips can follow each other on "
            "one path. For SamplerCustomAdvanced: connect both outputs.",
            inputs=[
                wires.Space.Input("space", tooltip="The space of the path."),
                wires.Points.Input(
                    "points",
                    tooltip="The path: an open or closed Surrogate Path, or any points. The clip begins at the first "
                    "point and ends at the last; the others are spread evenly between them in time.",
                ),
                io.Latent.Input(
                    "latent",
                    tooltip="The latent that the sampler would get without this node, of a video or sound model. Its "
                    "length is the length of the clip. A batch size of 1 is repeated for all stretches.",
                ),
                io.Combo.Input(
                    "movement",
                    options=list(MOVEMENTS),
                    default=typed["movement"],
                    tooltip="smooth: the noise changes at each step of the latent, along a great circle from point "
                    "to point. hold: the noise stays at each point for an equal share of the time, then jumps to the "
                    "next.",
                ),
                io.Float.Input(
                    "start",
                    default=typed["start"],
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Place on the path where the clip begins: 0 is the first point, 1 the last.",
                ),
                io.Float.Input(
                    "end",
                    default=typed["end"],
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Place on the path where the clip ends. A next clip that starts here continues this one. "
                    "If end is less than start, the clip moves backwards.",
                ),
                io.Int.Input(
                    "stretches",
                    default=typed["stretches"],
                    min=1,
                    max=4096,
                    tooltip="Cuts the way from start to end into this many clips of equal length. Each begins where "
                    "the previous one ended.",
                ),
                noise_seed_input(),
                io.Int.Input(
                    "clips_per_batch",
                    default=typed["clips_per_batch"],
                    min=0,
                    max=4096,
                    tooltip="Batch size: how many stretches are sampled together. 1: one after the other. 0: all in "
                    "one batch.",
                ),
            ],
            outputs=[
                io.Noise.Output(
                    display_name="noise",
                    is_output_list=True,
                    tooltip="The noise of each clip, one entry for each batch, for the noise input of "
                    "SamplerCustomAdvanced.",
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
    def execute(cls, space, points, latent, noise_seed, **typed) -> io.NodeOutput:
        groups = acts.stretches_in_batches(points, **typed)
        places = in_groups(sum(map(len, groups)), len(groups[0]))
        latent = repeat_to(latent, sum(map(len, groups)), "stretches")
        return io.NodeOutput(
            [_StretchesNoise(space, group, noise_seed) for group in groups],
            [select(latent, group) for group in places],
        )


class _StretchesNoise:
    """A ComfyUI NOISE: the noises of some stretches, made when a sampler asks and at the shape it asks for."""

    def __init__(self, space, stretches: list[Stretch], seed: int):
        self.space, self.stretches, self.seed = space, stretches, seed

    def generate_noise(self, latent: dict):
        """Noise (n, *shape) for the latent dictionary that the sampler is about to use."""
        notice_replaced_noise()
        parts = parts_for(latent, len(self.stretches), "stretches")
        kind = latent.get("type")
        if kind not in (None, "audio") and any(len(part) == 2 for part in parts):
            raise ValueError(
                f"The latent is of the kind {kind!r} (a mesh, perhaps) with shape {describe(parts)}: nothing in it is "
                "time. Connect the latent of a video or sound model."
            )
        with advice(
            "In ComfyUI: connect the latent of a video or sound model, or use Surrogate Noise with one point for each frame."
        ):
            time_axes(parts, kind == "audio")  # raises for an image
        made = latents_over_time(self.space, self.stretches, parts, kind == "audio", progress=cancellable)
        return as_samples(made, latent["samples"])
