"""Are these seeds noise, and what can be done if they are not."""

import torch
from comfy_api.latest import io

from ..surrogate.diagnostics import check_seeds, picture
from .tools import wires
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
            description="Measures each seed as noise, says in plain words whether it is fit to be blended, and names "
            "the transport that keeps blends most like the seeds. For inverted, edited or foreign noises, before a "
            "space is made of them; Space Info looks at the finished space.",
            inputs=[
                wires.Seeds.Input("seeds", tooltip="The seeds to check; one is enough."),
                io.Latent.Input(
                    "latent",
                    optional=True,
                    tooltip="A latent of the size that will be sampled. Needed for integer seeds alone; others have "
                    "a size.",
                ),
                wires.Space.Input(
                    "space",
                    optional=True,
                    tooltip="Check against this space's transport: to see whether a repair fits. Without it: against "
                    "standard normal noise.",
                ),
            ],
            outputs=[
                io.Boolean.Output(display_name="fit", tooltip="Whether every seed is fit to be blended as it is."),
                io.String.Output(
                    display_name="verdict", tooltip="All seeds in a sentence, the advice, then each seed in words."
                ),
                io.String.Output(display_name="table", tooltip="Every number, with what it means. Text and Markdown."),
                io.Image.Output(
                    display_name="picture",
                    tooltip="Each seed's values against the normal density, its neighbours' correlation, and how "
                    "alike the seeds are.",
                ),
                # Core's own Combo.Output does not connect to a Combo.Input.
                io.Custom("COMBO").Output(
                    display_name="transport",
                    tooltip="The recommended transport, for the input of this name on Surrogate Space.",
                ),
                io.String.Output(
                    display_name="transport_settings",
                    tooltip="Its settings as JSON: connect or paste them into Surrogate Space.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, seeds, latent=None, space=None) -> io.NodeOutput:
        parts = None if latent is None else sample_parts(latent)
        report = check_seeds(seeds, parts, None if space is None else space.transport, progress=stepper())
        verdict = report.summary(len(seeds))
        shown = report.summary(SHOWN)
        say(cls, shown)
        return io.NodeOutput(
            report.fit,
            verdict,
            report.table,
            torch.from_numpy(picture(report)).float()[None] / 255,
            report.repair.transport.name,
            report.settings,
            ui={"text": [shown]},
        )
