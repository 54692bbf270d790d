"""Space Quality: whether near points give near pictures, and whether blends look like the model's own."""

import numpy as np
import torch
from comfy_api.latest import io

from ..surrogate import SurrogateSpace, points, quality
from .noise import in_groups, noise_seed_input
from .tools import wires
from .tools.latents import batch_size, fix_empty, repeat_to, sample_parts
from .tools.notices import say
from .tools.progress import cancellable
from .tools.sampling import Progress, Rendered, render

__all__ = ["SpaceQuality"]


class SpaceQuality(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateSpaceQuality",
            display_name="Space Quality",
            category="surrogate",
            description="Renders some points of a space and as many fresh noises, and says in plain words whether near "
            "points give near pictures, whether blends look like the model's own pictures, and what to do if not.",
            inputs=[
                io.Guider.Input("guider", tooltip="The model with its prompt, as for SamplerCustomAdvanced."),
                io.Sampler.Input("sampler", tooltip="The sampler that you will use with the space."),
                io.Sigmas.Input("sigmas", tooltip="The schedule."),
                io.Latent.Input("latent", tooltip="A latent with a batch of 1, of the size that you will use."),
                io.Vae.Input("vae", tooltip="Decodes the latents to pictures."),
                wires.Space.Input("space", tooltip="The space to look at."),
                io.Int.Input(
                    "count",
                    default=32,
                    min=8,
                    max=512,
                    tooltip="How many points to render, on straight walks of about 8, and as many fresh noises beside "
                    "them. Fewer: quick, and only gross faults are seen. 64 or more: smaller ones too.",
                ),
                io.Int.Input(
                    "random_seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=False,
                    tooltip="Decides which points and which fresh noises. Another number, another look at the same space.",
                ),
                noise_seed_input(),
                io.Int.Input(
                    "images_per_batch",
                    default=8,
                    min=1,
                    max=4096,
                    tooltip="How many to sample together: as many as your memory holds. At 1 it cannot be seen whether "
                    "a sampler gives a point another picture in another batch.",
                ),
            ],
            outputs=[
                io.String.Output(
                    display_name="report", tooltip="Both answers with their reasons, advice, then every number."
                ),
                io.Image.Output(
                    display_name="plot",
                    tooltip="Distance in the space against distance of pictures, and blends beside fresh noises.",
                ),
                io.Float.Output(
                    display_name="rank_correlation",
                    tooltip="Of distance in the space with distance of pictures, along walks. 1: the nearer, the more "
                    "alike. 0: no relation, or all pictures are the same.",
                ),
                io.Float.Output(
                    display_name="p_value",
                    tooltip="How often chance makes pictures of fresh noise stand out as much as those of the blends do. "
                    "Below 0.05: they do.",
                ),
                io.Float.Output(
                    display_name="norm",
                    tooltip="Norm of the blends, root mean square, in units of the norm of noise: 1 is noise, below it "
                    "pictures turn flat, above it they burn.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls, guider, sampler, sigmas, latent, vae, space, count, random_seed, noise_seed, images_per_batch
    ) -> io.NodeOutput:
        if batch_size(latent) != 1:
            raise ValueError(f"latent holds a batch of {batch_size(latent)}: connect one with a batch of 1.")
        walks = quality.walks(space, count, random_seed)
        progress = Progress(guider, 2 * count + 1, sigmas, cls)

        def pictures(space, w, groups) -> list[np.ndarray]:
            repeated = repeat_to(latent, len(w), "points")
            made = render(guider, sampler, sigmas, repeated, vae, space, w, noise_seed, groups, progress)
            return [quality.keep(_whole(picture).frames) for picture in made]

        groups = in_groups(count, images_per_batch)
        # The second point once more, alone: at another place of another batch.
        *blends, again = pictures(space, space.weights(walks.u[[*range(count), 1]]), [*groups, [count]])
        noises = SurrogateSpace(space.seeds.others(count, f"quality {random_seed}"))
        fresh = pictures(noises, points.vertices(noises).w, groups)

        parts = sample_parts(fix_empty(guider.model_patcher, latent))
        latents = space.latents(walks.u, parts, progress=cancellable)
        found = quality.space_quality(space, walks, blends, latents, fresh, (1, again), random_seed)
        say(cls, found.summary)
        rank = found.stationarity.by_u.rank
        return io.NodeOutput(
            found.text,
            torch.from_numpy(quality.picture(found)).float()[None] / 255,
            rank if np.isfinite(rank) else 0.0,
            found.closure.pictures.p,
            float(np.sqrt(np.mean(found.closure.noise.norm**2))),
            ui={"text": [found.summary]},
        )


def _whole(picture: Rendered) -> Rendered:
    if picture.fault:
        raise ValueError(
            f"Picture {picture.index + 1} cannot be compared: {picture.fault}. Sample one such latent with ComfyUI's own "
            "nodes first; starting ComfyUI with --fp32-vae or --force-fp32 often mends NaN pictures."
        )
    return picture
