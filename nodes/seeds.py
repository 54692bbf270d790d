"""Where seeds come from."""

import inspect

from comfy_api.latest import io

from ..surrogate import Seeds
from ..surrogate.points.acts import seeds as seeds_of
from ..surrogate.seeds import acts
from .tools import wires
from .tools.advice import advice
from .tools.latents import tensors_of
from .tools.notices import warn
from .tools.schema import defaults, schema

__all__ = ["JoinSeeds", "SeedsFromIntegers", "SeedsFromLatents", "SeedsFromPoints"]


class SeedsFromIntegers(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        typed = defaults(acts.integers)
        return schema(
            node_id="SurrogateSeedsFromIntegers",
            display_name="Surrogate Seeds from Integers",
            search_aliases=[
                "seed",
                "seed list",
                "integer seed",
                "batch index",
                "image from batch",
                "image 3 of a batch of 4 again",
                "42:3/4",
                "batch seed",
                "seed range",
            ],
            category="surrogate/seeds",
            description="Makes seeds from the integer seeds of images that you like, to be the corners of a space. "
            "The noise of each integer is drawn when a sampler asks for it, exactly as KSampler draws it, so these "
            "seeds fit every model and every resolution.",
            inputs=[
                io.String.Input(
                    "seeds",
                    default=typed["seeds"],
                    multiline=True,
                    tooltip="The integer seeds that you typed into KSampler or RandomNoise, separated by commas, "
                    "spaces or lines. 42:3/4 is image 3 (counted from 0) of a batch of 4 made with seed 42. Leave "
                    "empty to use first and count instead.",
                ),
                io.Int.Input(
                    "first",
                    default=typed["first"],
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=False,
                    optional=True,
                    tooltip="First integer of a range of integers. Used only if the text is empty.",
                ),
                io.Int.Input(
                    "count",
                    default=typed["count"],
                    min=0,
                    max=1024,
                    optional=True,
                    tooltip="Number of integers to take, from first upwards. Used only if the text is empty. 0: the "
                    "text is used.",
                ),
            ],
            outputs=[
                wires.Seeds.Output(
                    display_name="seeds",
                    tooltip="One seed for each integer, in the order written, for Surrogate Space.",
                )
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, seeds, **range_of_integers) -> io.NodeOutput:
        if range_of_integers.get("count") and seeds.strip():
            warn(cls, ["first and count are not used, because seeds are written in the text; empty it to use them."])
        return io.NodeOutput(acts.integers(seeds, **range_of_integers))


class SeedsFromLatents(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateSeedsFromLatents",
            display_name="Surrogate Seeds from Latents",
            search_aliases=["latent to seeds", "noise to seeds", "custom noise", "latent batch"],
            category="surrogate/seeds",
            description="Makes a seed from each noise in a batch of latents: noises of your own, inverted images, or "
            "the NOISE of another node. These seeds fit only latents of their own size.",
            inputs=[
                io.Latent.Input(
                    "latent",
                    tooltip="A batch of noises; each becomes one seed. If noise is connected: the empty latent that "
                    "the noise is drawn for.",
                ),
                io.Noise.Input(
                    "noise",
                    optional=True,
                    tooltip="A NOISE, such as that of RandomNoise. It is drawn for the latent, and each image of the "
                    "batch becomes one seed. Not connected: the latent itself is the noise.",
                ),
                io.String.Input(
                    "name",
                    default="latent",
                    tooltip="The seeds are labelled with this name and a number: name 1, name 2, …",
                ),
            ],
            outputs=[
                wires.Seeds.Output(
                    display_name="seeds", tooltip="One seed for each noise of the batch, for Surrogate Space."
                )
            ],
        )

    @classmethod
    def execute(cls, latent, name, noise=None) -> io.NodeOutput:
        noises = tensors_of(noise_or_samples(latent, noise))
        labels = [f"{name.strip() or 'latent'} {i + 1}" for i in range(len(noises[0]))]
        with advice("If the latent is an empty one, connect a NOISE as well." if noise is None else ""):
            return io.NodeOutput(Seeds.from_tensors(noises, labels))


class SeedsFromPoints(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateSeedsFromPoints",
            display_name="Surrogate Seeds from Points",
            search_aliases=["point as seed", "points to seeds", "picture as seed", "blend as seed", "keep a point"],
            category="surrogate/seeds",
            description="Makes a seed from each point of a space: pictures that you found between seeds become the seeds "
            "of the next space. The noise is exactly that of the point, at every resolution that the space has.",
            inputs=[
                wires.Space.Input("space", tooltip="The space that the points were made from."),
                wires.Points.Input(
                    "points",
                    tooltip="The points to keep, such as those of Surrogate Select Points or Surrogate Weights. A point "
                    "at a seed of the space gives that seed.",
                ),
            ],
            outputs=[
                wires.Seeds.Output(
                    display_name="seeds",
                    tooltip="One seed for each point, in their order, for Surrogate Space, Surrogate Explorer or "
                    "Surrogate Save Seeds.",
                )
            ],
        )

    @classmethod
    def execute(cls, space, points) -> io.NodeOutput:
        return io.NodeOutput(seeds_of(space, points))


class JoinSeeds(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateJoinSeeds",
            display_name="Surrogate Join Seeds",
            search_aliases=["merge seeds", "concatenate seeds", "combine seeds", "add seeds"],
            category="surrogate/seeds",
            description="Joins several sets of seeds into one, in order. For more than eight sets, connect one of "
            "these nodes to another.",
            inputs=[
                wires.Seeds.Input(
                    name,
                    optional=parameter.default is None,
                    tooltip="A set of seeds. The sets are joined in the order of the inputs.",
                )
                for name, parameter in inspect.signature(acts.join).parameters.items()
            ],
            outputs=[
                wires.Seeds.Output(
                    display_name="seeds",
                    tooltip="All seeds. Their order gives each its number in nodes such as Surrogate Four Corners.",
                )
            ],
        )

    @classmethod
    def execute(cls, **sets) -> io.NodeOutput:
        return io.NodeOutput(acts.join(**sets))


def noise_or_samples(latent: dict, noise):
    """The noises that a LATENT holds, or that a NOISE draws for it."""
    return latent["samples"] if noise is None else noise.generate_noise(latent)
