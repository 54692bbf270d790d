"""Space Quality: whether near points give near pictures, and whether blends look like the model's own."""

import numpy as np
import torch
from comfy_api.latest import io

from ..surrogate import SurrogateSpace, points, quality
from ..surrogate.conditioning.acts import settings
from ..surrogate.points.batches import in_groups
from .tools import wires
from .tools.carrier import Carrier, is_carried, with_carrier
from .tools.latents import batch_size, fix_empty, repeat_to, sample_parts
from .tools.notices import say
from .tools.progress import cancellable
from .tools.sampling import Progress, Rendered, render
from .tools.sampling_inputs import guider_input, noise_seed_input, vae_input
from .tools.schema import schema

__all__ = ["SpaceQuality"]

TRIED = 6  # pictures for each strength of noise on the prompt
CARRIER = "Surrogate Carrier, connected between the guider and the node that renders, puts them there."
PINNED = "Surrogate Pinned Sampler, connected after a stochastic sampler, gives it the same noise for every point."


class SpaceQuality(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateSpaceQuality",
            display_name="Surrogate Space Quality",
            search_aliases=["space test", "does noise matter", "noise sensitivity"],
            category="surrogate/space",
            description="Tests by rendering whether near points of a space give similar pictures, and whether blends "
            "look like the model's own pictures. It renders some points and as many new noises, answers both "
            "questions in words, and says what to do if an answer is no.",
            inputs=[
                guider_input(),
                io.Sampler.Input(
                    "sampler", tooltip="The sampler that you will use with the space, from KSamplerSelect."
                ),
                io.Sigmas.Input(
                    "sigmas",
                    tooltip="The noise schedule (scheduler and steps) that you will use with the space, from "
                    "BasicScheduler.",
                ),
                io.Latent.Input(
                    "latent", tooltip="An empty latent with a batch size of 1, of the size that you will use."
                ),
                vae_input(),
                wires.Space.Input("space", tooltip="The space to test."),
                io.Int.Input(
                    "count",
                    default=32,
                    min=8,
                    max=512,
                    tooltip="How many points to render, on straight walks of about 8 points. As many new noises are "
                    "rendered too, so twice as many images are made. 8: quick, only large faults are found. 64 and "
                    "more: small faults too.",
                ),
                io.Int.Input(
                    "random_seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=False,
                    tooltip="Decides which points and which new noises are rendered. Change it to test the same "
                    "space with others.",
                ),
                noise_seed_input(),
                io.Int.Input(
                    "images_per_batch",
                    default=8,
                    min=1,
                    max=4096,
                    tooltip="Batch size: how many images are sampled together. With 1 the test cannot notice that a "
                    "sampler gives a point another picture in another batch.",
                ),
            ],
            outputs=[
                io.String.Output(
                    display_name="report",
                    tooltip="Both answers with their reasons, advice, and all numbers. The answers are also shown "
                    "under the node.",
                ),
                io.Image.Output(
                    display_name="plot",
                    tooltip="Left: distance in the space against difference of the pictures. Right: blends compared "
                    "with new noises.",
                ),
                io.Float.Output(
                    display_name="rank_correlation",
                    tooltip="Rank correlation of distance in the space with difference of the pictures. 1: the "
                    "nearer two points are, the more similar their pictures. 0: no relation, or all pictures are the "
                    "same.",
                ),
                io.Float.Output(
                    display_name="p_value",
                    tooltip="How often pictures of random noise would differ from the model's own pictures as much "
                    "as the blends do. Below 0.05: the blends differ.",
                ),
                io.Float.Output(
                    display_name="norm",
                    tooltip="Norm of the blended noises (root mean square), in units of the norm of Gaussian noise. "
                    "1 is right. Below 1 pictures turn flat; above 1 they become harsh and oversaturated.",
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

        def pictures(space, w, groups, guider=guider, progress=progress) -> list[np.ndarray]:
            repeated = repeat_to(latent, len(w), "points")
            made = render(guider, sampler, sigmas, repeated, vae, space, w, noise_seed, groups, progress)
            return [quality.keep(_comparable(picture).frames) for picture in made]

        def on_prompt(guider, w) -> list[np.ndarray]:
            again = Progress(guider, len(w), sigmas, cls)
            return pictures(noises, w, in_groups(len(w), images_per_batch), guider, again)

        groups = in_groups(count, images_per_batch)
        # The second point once more, alone: at another place of another batch.
        *blends, again = pictures(space, space.weights(walks.u[[*range(count), 1]]), [*groups, [count]])
        noises = SurrogateSpace(space.seeds.others(count, f"quality {random_seed}"))
        fresh = pictures(noises, points.vertices(noises).w, groups)

        parts = sample_parts(fix_empty(guider.model_patcher, latent))
        latents = space.latents(walks.u, parts, progress=cancellable)
        carriers = _carriers(guider, fresh, noises, on_prompt, random_seed)
        found = quality.space_quality(space, walks, blends, latents, fresh, (1, again), random_seed, carriers)
        advice = [*([CARRIER] if carriers.recommended else []), *([PINNED] if found.differs_in_a_batch else [])]
        shown = "\n".join([found.summary, *advice])
        say(cls, shown)
        rank = found.stationarity.by_u.rank
        return io.NodeOutput(
            shown + found.text.removeprefix(found.summary),
            torch.from_numpy(quality.drawing(found)).float()[None] / 255,
            rank if np.isfinite(rank) else 0.0,
            found.closure.pictures.p,
            float(np.sqrt(np.mean(found.closure.noise.norm**2))),
            ui={"text": [shown]},
        )


def _carriers(guider, fresh, noises, pictures, seed: int) -> quality.Carriers:
    """How much pictures change with their noise; if that is little, also with noise on the prompt, by `pictures` of it."""
    by_noise = quality.variety(fresh)
    if by_noise >= quality.LITTLE or is_carried(guider):
        return quality.Carriers(by_noise, on_prompt=is_carried(guider))
    tried, w = {}, points.vertices(noises).w[:TRIED]
    try:
        for strength in quality.STRENGTHS:
            on_prompt = with_carrier(guider, Carrier(settings(strength, quality.UNTIL), False, seed))
            tried[strength] = quality.variety(pictures(on_prompt, w))
    except ValueError as error:  # a guider or a prompt that cannot have noise; the rest of the report stays
        return quality.Carriers(by_noise, why_not=str(error))
    return quality.Carriers(by_noise, tried)


def _comparable(picture: Rendered) -> Rendered:
    if picture.fault:
        raise ValueError(
            f"Picture {picture.index + 1} cannot be compared: {picture.fault}. Sample one such latent with ComfyUI's own "
            "nodes first; starting ComfyUI with --fp32-vae or --force-fp32 often mends NaN pictures."
        )
    return picture
