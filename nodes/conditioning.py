"""A space on the text embedding, for models whose pictures hardly change with the initial noise: by a CONDITIONING for stock
samplers, or by a GUIDER for the nodes that sample points themselves."""

from __future__ import annotations

from comfy_api.latest import io

from ..surrogate.checks import choice
from ..surrogate.conditioning import acts
from ..surrogate.points import acts as point_acts
from .tools import wires
from .tools.carrier import Carrier as Carried
from .tools.carrier import with_carrier
from .tools.embeddings import described, with_noise
from .tools.latents import repeat_to, select
from .tools.sampling_inputs import guider_input, points_per_batch_input
from .tools.schema import defaults, schema

__all__ = ["Carrier", "Conditioning"]


def settings_inputs() -> list:
    """How much noise, in how many steps, and where."""
    typed = defaults(acts.settings)
    return [
        io.Float.Input(
            "strength",
            default=typed["strength"],
            min=0.0,
            max=10.0,
            step=0.05,
            tooltip="Standard deviation of the noise, in standard deviations of the embedding. 0: the prompt itself. More gives "
            "more variety and follows the prompt less. The text output compares it with the strengths of other packs.",
        ),
        io.Float.Input(
            "until",
            default=typed["until"],
            min=0.0,
            max=1.0,
            step=0.05,
            tooltip="Share of the sampling, from its beginning, in which the prompt has the noise. 0.2: the first fifth of the "
            "steps; 1: all steps.",
        ),
        io.Boolean.Input(
            "pooled",
            default=typed["pooled"],
            tooltip="Whether the pooled embedding (SDXL, SD3, FLUX.1) gets noise too.",
        ),
    ]


class Conditioning(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateConditioning",
            display_name="Surrogate Conditioning",
            search_aliases=[
                "seed variance enhancer",
                "more variety",
                "conditioning noise",
                "prompt noise",
                "embedding noise",
                "turbo variation",
                "lightning variation",
                "same image every seed",
                "all images look the same",
            ],
            category="surrogate/noise",
            description="For models that draw nearly the same picture for every seed (turbo, lightning, few steps): puts the "
            "space on the prompt's embedding instead of the initial noise. The first steps see the prompt with the noise of a "
            "point, the other steps see the prompt itself. Connect both outputs to the sampler.",
            inputs=[
                io.Conditioning.Input("conditioning", tooltip="The prompt, from CLIP Text Encode or a node after it."),
                wires.Space.Input("space", tooltip="The space of the points. Its seeds must be integers."),
                wires.Points.Input("points", tooltip="The points to render."),
                io.Latent.Input(
                    "latent",
                    tooltip="The latent that the sampler would get without this node. A batch size of 1 is repeated for all "
                    "points, and all points get the initial noise of the sampler's seed, so that only the prompt's noise "
                    "differs. For both at once, connect Surrogate Noise after this node.",
                ),
                *settings_inputs(),
                points_per_batch_input(),
            ],
            outputs=[
                io.Conditioning.Output(
                    display_name="conditioning",
                    is_output_list=True,
                    tooltip="The prompt with the noise of the points, one entry for each batch, for a guider or KSampler.",
                ),
                io.Latent.Output(
                    display_name="latent",
                    is_output_list=True,
                    tooltip="The latent with the right batch size, one entry for each batch.",
                ),
                io.String.Output(
                    display_name="text",
                    tooltip="The size and standard deviation of the embedding, and what the strength means in absolute numbers.",
                ),
            ],
        )

    @classmethod
    def execute(cls, conditioning, space, points, latent, strength, until, pooled, images_per_batch) -> io.NodeOutput:
        settings = acts.settings(strength, until, pooled)
        latent = repeat_to(latent, len(points), "points")
        groups = point_acts.batches(points, images_per_batch)
        return io.NodeOutput(
            [with_noise(conditioning, space, points.w[group], settings) for group in groups],
            # batch_index: the sampler gives all of them the noise that its seed gives a single latent.
            [{**select(latent, group), "batch_index": [0] * len(group)} for group in groups],
            described(conditioning, settings),
        )


class Carrier(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateCarrier",
            display_name="Surrogate Carrier",
            search_aliases=[
                "seed variance enhancer",
                "more variety",
                "conditioning search",
                "embedding noise",
                "turbo",
                "lightning",
                "same image every seed",
                "all images look the same",
            ],
            category="surrogate/noise",
            description="For models that draw nearly the same picture for every seed (turbo, lightning, few steps): makes "
            "Surrogate Render Points, Search, Explorer and Space Quality change the prompt's embedding from point to point, "
            "instead of the initial noise or in addition to it. Connect it between the guider and one of them.",
            inputs=[
                guider_input(),
                io.Combo.Input(
                    "carrier",
                    options=list(acts.CARRIERS),
                    tooltip="What changes from point to point. conditioning: the prompt's embedding alone, all points have the "
                    "initial noise of the seed. conditioning and noise: both, with the same weights.",
                ),
                *settings_inputs(),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=False,
                    tooltip="With carrier = conditioning: the seed whose initial noise all points have.",
                ),
            ],
            outputs=[
                io.Guider.Output(
                    display_name="guider",
                    tooltip="The guider for Surrogate Render Points, Search, Explorer or Space Quality. In other samplers it "
                    "does what it did before.",
                ),
            ],
        )

    @classmethod
    def execute(cls, guider, carrier, strength, until, pooled, seed) -> io.NodeOutput:
        both = acts.CARRIERS[choice("carrier", carrier, acts.CARRIERS)]
        return io.NodeOutput(with_carrier(guider, Carried(acts.settings(strength, until, pooled), both, seed)))
