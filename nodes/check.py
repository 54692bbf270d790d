"""Are these seeds noise, and what can be done if they are not."""

import torch
from comfy_api.latest import io

from ..surrogate.diagnostics import check_seeds, drawing, shape_of
from .tools import wires
from .tools.advice import advice
from .tools.latents import sample_parts
from .tools.notices import say
from .tools.progress import stepper
from .tools.schema import schema

__all__ = ["CheckSeeds"]

SHOWN = 4


class CheckSeeds(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateCheckSeeds",
            display_name="Surrogate Check Seeds",
            search_aliases=["noise check", "noise statistics", "is it noise", "gaussian test"],
            category="surrogate/seeds",
            description="Measures each seed as noise and says whether it is fit to be blended. It also recommends a "
            "transport for Surrogate Space. Use it for noises that ComfyUI did not draw: inverted images, edited "
            "latents, files from others. Integer seeds are always fit.",
            inputs=[
                wires.Seeds.Input("seeds", tooltip="The seeds to check. One is enough."),
                io.Latent.Input(
                    "latent",
                    optional=True,
                    tooltip="A latent of the size that you will sample. Needed only if all seeds are integers, which "
                    "have no size of their own.",
                ),
                wires.Space.Input(
                    "space",
                    optional=True,
                    tooltip="Checks the seeds against the transport of this space, to see whether it repairs them. "
                    "Not connected: against standard normal noise.",
                ),
            ],
            outputs=[
                io.Boolean.Output(display_name="fit", tooltip="True if every seed can be blended as it is."),
                io.String.Output(
                    display_name="verdict",
                    tooltip="A sentence about all seeds, the advice, then a sentence about each seed that is not "
                    "fit. The beginning is also shown under the node.",
                ),
                io.String.Output(
                    display_name="table",
                    tooltip="All measured numbers with their meaning: mean, variance, norm, autocorrelation and "
                    "others. Readable as text and as Markdown.",
                ),
                io.Image.Output(
                    display_name="picture",
                    tooltip="Charts: the values of each seed against normal noise, the correlation of neighbouring "
                    "values, and how similar the seeds are.",
                ),
                # Core's own Combo.Output does not connect to a Combo.Input.
                io.Custom("COMBO").Output(
                    display_name="transport",
                    tooltip="Name of the recommended transport, for the input of the same name on Surrogate Space.",
                ),
                io.String.Output(
                    display_name="transport_settings",
                    tooltip="Settings of the recommended transport as JSON, for the input of the same name on "
                    "Surrogate Space.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, seeds, latent=None, space=None) -> io.NodeOutput:
        with advice(
            "Connect a latent of the size that will be sampled." if latent is None else "Or connect no latent."
        ):
            parts = shape_of(seeds, None if latent is None else sample_parts(latent))
        report = check_seeds(seeds, parts, None if space is None else space.transport, progress=stepper())
        verdict = report.summary(len(seeds))
        shown = report.summary(SHOWN)
        say(cls, shown)
        return io.NodeOutput(
            report.fit,
            verdict,
            report.table,
            torch.from_numpy(drawing(report)).float()[None] / 255,
            report.repair.transport.name,
            report.settings,
            ui={"text": [shown]},
        )
