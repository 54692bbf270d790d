"""Noise that moves along a path while a clip, or a sound, goes on."""

from __future__ import annotations

from comfy_api.latest import io

from ..surrogate.shapes import describe
from ..surrogate.space.over_time import MOVEMENTS, Stretch, latents_over_time
from .noise import in_groups, noise_seed_input
from .tools import wires
from .tools.latents import as_samples, parts_for, repeat_to, select
from .tools.progress import cancellable

__all__ = ["NoiseOverTime"]


class NoiseOverTime(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateNoiseOverTime",
            display_name="Surrogate Noise over Time",
            category="surrogate",
            description="Noise for one clip (or sound) that moves along a path while the clip goes on, or for several "
            "clips that follow each other on it. For SamplerCustomAdvanced; connect both outputs to the sampler.",
            inputs=[
                wires.Space.Input("space", tooltip="The space of the path."),
                wires.Points.Input(
                    "points",
                    tooltip="The path, from Surrogate Path or any points: the first is where the clip begins, the last "
                    "where it ends, the others evenly between.",
                ),
                io.Latent.Input(
                    "latent",
                    tooltip="The latent your sampler would get, of a video or sound model: its length is the length of "
                    "the clip. A batch of 1 is repeated for all stretches.",
                ),
                io.Combo.Input(
                    "movement",
                    options=list(MOVEMENTS),
                    default=MOVEMENTS[0],
                    tooltip="smooth: the noise moves on with each step of the latent. hold: it stands at each point for "
                    "an equal share of the time, then jumps to the next.",
                ),
                io.Float.Input(
                    "start",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Where on the path this clip begins: 0 is the first point, 1 the last.",
                ),
                io.Float.Input(
                    "end",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Where on the path it ends. The next clip goes on if it starts here. Less than start: the "
                    "clip walks backwards.",
                ),
                io.Int.Input(
                    "stretches",
                    default=1,
                    min=1,
                    max=4096,
                    tooltip="Cuts the way from start to end into this many clips of equal length, each of which begins "
                    "where the one before ends.",
                ),
                noise_seed_input(),
                io.Int.Input(
                    "clips_per_batch",
                    default=1,
                    min=0,
                    max=4096,
                    tooltip="How many stretches the sampler makes at once. 0: all in one batch.",
                ),
            ],
            outputs=[
                io.Noise.Output(display_name="noise", is_output_list=True, tooltip="For SamplerCustomAdvanced."),
                io.Latent.Output(display_name="latent", is_output_list=True, tooltip="For its latent_image input."),
            ],
        )

    @classmethod
    def execute(
        cls, space, points, latent, movement, start, end, stretches, noise_seed, clips_per_batch
    ) -> io.NodeOutput:
        cut = Stretch(points.u, start, end, movement, points.w).cut(stretches)
        latent = repeat_to(latent, stretches, "stretches")
        groups = in_groups(stretches, clips_per_batch)
        return io.NodeOutput(
            [_StretchesNoise(space, [cut[i] for i in group], noise_seed) for group in groups],
            [select(latent, group) for group in groups],
        )


class _StretchesNoise:
    """A ComfyUI NOISE: the noises of some stretches, made when a sampler asks and at the shape it asks for."""

    def __init__(self, space, stretches: list[Stretch], seed: int):
        self.space, self.stretches, self.seed = space, stretches, seed

    def generate_noise(self, latent: dict):
        """Noise (n, *shape) for the latent dictionary that the sampler is about to use."""
        parts = parts_for(latent, len(self.stretches), "stretches")
        kind = latent.get("type")
        if kind not in (None, "audio") and any(len(part) == 2 for part in parts):
            raise ValueError(
                f"The latent is of the kind {kind!r} (a mesh, perhaps) with shape {describe(parts)}: nothing in it is "
                "time. Connect the latent of a video or sound model."
            )
        made = latents_over_time(self.space, self.stretches, parts, kind == "audio", progress=cancellable)
        return as_samples(made, latent["samples"])
