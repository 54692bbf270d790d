"""Where seeds come from."""

from comfy_api.latest import io

from ..surrogate import Seeds
from .tools import wires
from .tools.latents import tensors_of
from .tools.notices import warn
from .tools.schema import schema

__all__ = ["JoinSeeds", "SeedsFromIntegers", "SeedsFromLatents"]


class SeedsFromIntegers(io.ComfyNode):
    @classmethod
    def define_schema(cls):
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
            description="The noises of integer seeds, as your sampler draws them: the images you liked become the "
            "corners of a surrogate space. They fit any model and size, because they are drawn when needed.",
            inputs=[
                io.String.Input(
                    "seeds",
                    default="12, 99, 1024, 7",
                    multiline=True,
                    tooltip="Integer seeds, separated by commas, spaces or lines. 42:3/4 is image 3 (counted from 0) "
                    "of a batch of 4 made with seed 42. Leave empty to use first and count instead.",
                ),
                io.Int.Input(
                    "first",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=False,
                    optional=True,
                    tooltip="First integer, used when the text is empty.",
                ),
                io.Int.Input(
                    "count",
                    default=0,
                    min=0,
                    max=1024,
                    optional=True,
                    tooltip="How many integers from first on, used when the text is empty. 0: the text is used.",
                ),
            ],
            outputs=[wires.Seeds.Output(display_name="seeds")],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, seeds, first=0, count=0) -> io.NodeOutput:
        if count and not seeds.strip():
            return io.NodeOutput(Seeds.from_range(first, count))
        if count:
            warn(cls, ["first and count are not used, because seeds are written in the text; empty it to use them."])
        return io.NodeOutput(Seeds.from_text(seeds))


class SeedsFromLatents(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateSeedsFromLatents",
            display_name="Surrogate Seeds from Latents",
            search_aliases=["latent to seeds", "noise to seeds", "custom noise", "latent batch"],
            category="surrogate/seeds",
            description="Each noise of a batch becomes a seed: noises you made yourself, inverted images, or the NOISE "
            "of another node. They fit latents of their own size only.",
            inputs=[
                io.Latent.Input(
                    "latent",
                    tooltip="A batch of noises, one seed each. With a NOISE connected: the latent it is drawn for.",
                ),
                io.Noise.Input("noise", optional=True, tooltip="Optional: take this noise, drawn for the latent."),
                io.String.Input("name", default="latent", tooltip="The seeds are called name 1, name 2, …"),
            ],
            outputs=[wires.Seeds.Output(display_name="seeds")],
        )

    @classmethod
    def execute(cls, latent, name, noise=None) -> io.NodeOutput:
        noises = tensors_of(noise_or_samples(latent, noise))
        labels = [f"{name.strip() or 'latent'} {i + 1}" for i in range(len(noises[0]))]
        return io.NodeOutput(Seeds.from_tensors(noises, labels))


class JoinSeeds(io.ComfyNode):
    MOST = 8

    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateJoinSeeds",
            display_name="Surrogate Join Seeds",
            search_aliases=["merge seeds", "concatenate seeds", "combine seeds", "add seeds"],
            category="surrogate/seeds",
            description="All seeds of all connected sets, in order. Chain it for more than eight sets.",
            inputs=[
                wires.Seeds.Input(f"seeds_{i}", optional=i > 2, tooltip="A set of seeds.")
                for i in range(1, cls.MOST + 1)
            ],
            outputs=[wires.Seeds.Output(display_name="seeds")],
        )

    @classmethod
    def execute(cls, **sets) -> io.NodeOutput:
        return io.NodeOutput(Seeds.join(s for _, s in sorted(sets.items()) if s is not None))


def noise_or_samples(latent: dict, noise):
    """The noises that a LATENT holds, or that a NOISE draws for it."""
    return latent["samples"] if noise is None else noise.generate_noise(latent)
