"""The space itself, what there is to know about it, and where a latent lies in it."""

import json

import torch
from comfy_api.latest import io

from ..surrogate import CHARTS, TRANSPORTS, SurrogateSpace, make_transport, points
from ..surrogate.pictures import gram_picture
from ..surrogate.search.optimisers.adaptive import own_seeds
from ..surrogate.shapes import describe
from .seeds import noise_or_samples
from .tools import wires
from .tools.latents import sample_parts, tensors_of
from .tools.notices import say, warn
from .tools.progress import stepper

__all__ = ["LocateLatent", "Space", "SpaceInfo", "json_settings"]

FRESH = (
    "It is the space of an adaptive search: its own seeds, then the fresh noises that the search uses one by one. The first "
    "{} are compared; the others are integers, which are independent."
)


class Space(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateSpace",
            display_name="Surrogate Space",
            category="surrogate",
            description="A small space that k seeds span: k-1 coordinates from 0 to 1. Every point of it is a valid "
            "noise for the model, so every point renders a good image; the corners are the seeds themselves.",
            inputs=[
                wires.Seeds.Input("seeds", tooltip="At least two seeds. Equal seeds count once."),
                io.Combo.Input(
                    "chart",
                    options=list(CHARTS),
                    default=next(iter(CHARTS)),
                    tooltip="How coordinates become weights. knothe_rosenblatt spreads them evenly over all blends, "
                    "for any number of seeds. angular (hyperspherical angles) favours the first seeds.",
                ),
                io.Combo.Input(
                    "transport",
                    options=list(TRANSPORTS),
                    default=next(iter(TRANSPORTS)),
                    tooltip="How the model's noise is distributed. gaussian: every diffusion and flow model. "
                    "sphere: seeds that are alike or not quite Gaussian (keeps the norm). affine, quantile: normal "
                    "with a known mean and scale, any other distribution. rotation: rotation matrices. composite: one "
                    "transport for each part of a nested latent.",
                ),
                io.String.Input(
                    "transport_settings",
                    default="",
                    optional=True,
                    tooltip='Settings of the transport as JSON, such as {"scale": 1.2} for affine, {"radius": 1} for '
                    'sphere, {"distribution": "laplace"} for quantile. Empty: its defaults.',
                ),
            ],
            outputs=[wires.Space.Output(display_name="space")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, seeds, chart, transport, transport_settings="") -> io.NodeOutput:
        seeds, repeated = seeds.deduplicated()
        warn(cls, repeated)
        return io.NodeOutput(
            SurrogateSpace(
                seeds, chart, make_transport(transport, **json_settings(transport_settings, "transport_settings"))
            )
        )


class SpaceInfo(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateSpaceInfo",
            display_name="Space Info",
            category="surrogate",
            description="What a space is made of, how alike its seeds are (Gram matrix), and what to watch out for.",
            inputs=[
                wires.Space.Input("space", tooltip="The space to look at."),
                io.Latent.Input("latent", tooltip="A latent of the size that will be sampled."),
            ],
            outputs=[
                io.String.Output(display_name="text", tooltip="Seeds, chart, transport, warnings."),
                io.Image.Output(display_name="gram", tooltip="Gram matrix: 1 on the diagonal, 0 elsewhere is ideal."),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, space, latent) -> io.NodeOutput:
        parts = sample_parts(latent)
        compared = own_seeds(space)
        fresh = space.k - compared.k
        gram = compared.gram(parts, progress=stepper())
        warnings = compared.warnings(parts, gram)
        text = "\n".join(
            [
                f"{space.k} seeds: {', '.join(compared.seeds.labels)}"
                + (f" and {fresh} more integers" if fresh else ""),
                f"{space.k - 1} coordinates, chart {space.chart.name}, transport {space.transport!r}",
                f"latent {describe(parts)}",
                *([FRESH.format(compared.k)] if fresh else []),
                *(warnings or ["The seeds are independent noise: every point of the space is valid."]),
            ]
        )
        picture = torch.from_numpy(gram_picture(gram, compared.seeds.labels)).float()[None] / 255
        say(cls, text)
        return io.NodeOutput(text, picture, ui={"text": [text]})


class LocateLatent(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateLocateLatent",
            display_name="Locate Latent",
            category="surrogate/points",
            description="Finds the points of a space that come nearest to given noises, and how near that is.",
            inputs=[
                wires.Space.Input("space", tooltip="The space to look in."),
                io.Latent.Input(
                    "latent",
                    tooltip="A batch of noises to locate. With a NOISE connected: the latent it is drawn for.",
                ),
                io.Noise.Input("noise", optional=True, tooltip="Optional: locate this noise, drawn for the latent."),
            ],
            outputs=[
                wires.Points.Output(display_name="points", tooltip="One point for each noise of the batch."),
                io.Float.Output(
                    display_name="fit",
                    tooltip="Cosine between each noise and its point: 1, the space contains it; 0, it knows nothing "
                    "of it. A list, one number for each noise.",
                    is_output_list=True,
                ),
            ],
        )

    @classmethod
    def execute(cls, space, latent, noise=None) -> io.NodeOutput:
        located = space.coordinates(tensors_of(noise_or_samples(latent, noise)), progress=stepper())
        return io.NodeOutput(points.from_weights(space, located.w), located.fit.tolist())


def json_settings(text: str, name: str) -> dict:
    """Settings by name from the text of the input `name`; none if it is empty."""
    if not text.strip():
        return {}
    try:
        settings = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f'{name} is not JSON ({error}); write for example {{"scale": 1.2}}.') from None
    if not isinstance(settings, dict) or "name" in settings:
        raise ValueError(f'{name} must be settings by name, such as {{"scale": 1.2}}, got {text.strip()}.')
    return settings
