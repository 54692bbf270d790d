"""The space itself, what there is to know about it, and its point nearest to a latent."""

import torch
from comfy_api.latest import io

from ..surrogate import CHARTS, TRANSPORTS, points
from ..surrogate.pictures import gram_picture
from ..surrogate.search.optimisers.adaptive import own_seeds
from ..surrogate.shapes import describe
from ..surrogate.space import acts
from .seeds import noise_or_samples
from .tools import wires
from .tools.latents import sample_parts, tensors_of
from .tools.notices import say, warn
from .tools.progress import stepper
from .tools.schema import defaults, schema

__all__ = ["LocateLatent", "Space", "SpaceInfo"]

FRESH = (
    "It is the space of an adaptive search: its own seeds, then the fresh noises that the search uses one by one. The first "
    "{} are compared; the others are integers, which are independent."
)


class Space(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        typed = defaults(acts.space)
        return schema(
            node_id="SurrogateSpace",
            display_name="Surrogate Space",
            search_aliases=[
                "slerp",
                "noise mix",
                "seed blend",
                "seed mixer",
                "blend seeds",
                "mix seeds",
                "interpolation",
                "latent space",
            ],
            category="surrogate/space",
            description="Makes a space from at least two seeds, in which every point is a valid initial noise for "
            "the model. A space of k seeds has k-1 coordinates from 0 to 1. Its corners are the seeds themselves; "
            "every other point is a blend of them.",
            inputs=[
                wires.Seeds.Input(
                    "seeds",
                    tooltip="At least two seeds; equal seeds count once. More seeds give more variety and more "
                    "coordinates: 4 to 16 are a good start.",
                ),
                io.Combo.Input(
                    "chart",
                    options=list(CHARTS),
                    default=typed["chart"],
                    tooltip="How coordinates become a blend of seeds. knothe_rosenblatt: every blend has an equal "
                    "share of the space, for any number of seeds. angular: hyperspherical angles, in which blends "
                    "near the first seeds fill most of the space.",
                ),
                io.Combo.Input(
                    "transport",
                    options=list(TRANSPORTS),
                    default=typed["transport"],
                    tooltip="How the model's noise is distributed. gaussian: right for all diffusion and flow models "
                    "with integer seeds. sphere: for seeds that resemble each other; it keeps the norm of the noise. "
                    "affine: normal with a known mean and scale. quantile: independent values of another known "
                    "distribution. rotation: rotation matrices. composite: one transport for each part of a latent "
                    "with several parts.",
                ),
                io.String.Input(
                    "transport_settings",
                    default=typed["transport_settings"],
                    optional=True,
                    tooltip='Settings of the transport as JSON, such as {"scale": 1.2} for affine, {"radius": 1} for '
                    'sphere, {"distribution": "laplace"} for quantile. Empty: the defaults of the transport.',
                ),
            ],
            outputs=[
                wires.Space.Output(
                    display_name="space", tooltip="The space, for all nodes that choose points and that make noise."
                )
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, seeds, **typed) -> io.NodeOutput:
        warn(cls, seeds.deduplicated()[1])
        return io.NodeOutput(acts.space(seeds, **typed))


class SpaceInfo(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateSpaceInfo",
            display_name="Surrogate Space Info",
            search_aliases=["gram matrix", "seed similarity", "space warnings"],
            category="surrogate/space",
            description="Shows what a space is made of, how similar its seeds are, and whether they are independent "
            "noise.",
            inputs=[
                wires.Space.Input("space", tooltip="The space to examine."),
                io.Latent.Input(
                    "latent",
                    tooltip="An empty latent of the size that you will sample. How similar two noises look depends "
                    "on their size.",
                ),
            ],
            outputs=[
                io.String.Output(
                    display_name="text",
                    tooltip="The seeds, the number of coordinates, chart, transport and warnings. Also shown under "
                    "the node.",
                ),
                io.Image.Output(
                    display_name="gram",
                    tooltip="Picture of the Gram matrix: how similar each pair of seeds is. 1 on the diagonal and 0 "
                    "elsewhere is ideal.",
                ),
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
        return schema(
            node_id="SurrogateLocateLatent",
            display_name="Surrogate Locate Latent",
            search_aliases=["nearest point", "find noise", "project latent", "latent to point"],
            category="surrogate/points",
            description="Finds the point of a space whose noise is most similar to a given noise, and says how "
            "similar it is.",
            inputs=[
                wires.Space.Input("space", tooltip="The space to look in."),
                io.Latent.Input(
                    "latent",
                    tooltip="A batch of noises to locate. If noise is connected: the latent that the noise is drawn "
                    "for.",
                ),
                io.Noise.Input(
                    "noise",
                    optional=True,
                    tooltip="A NOISE to locate, drawn for the latent. Not connected: the latent itself is the noise.",
                ),
            ],
            outputs=[
                wires.Points.Output(
                    display_name="points", tooltip="The most similar point for each noise of the batch."
                ),
                io.Float.Output(
                    display_name="fit",
                    tooltip="Cosine between each noise and its point, one number for each noise. 1: the space "
                    "contains the noise. 0: the noise has nothing in common with the seeds.",
                    is_output_list=True,
                ),
            ],
        )

    @classmethod
    def execute(cls, space, latent, noise=None) -> io.NodeOutput:
        located = space.coordinates(tensors_of(noise_or_samples(latent, noise)), progress=stepper())
        return io.NodeOutput(points.from_weights(space, located.w), located.fit.tolist())
