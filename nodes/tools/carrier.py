"""A guider whose points change the prompt's embedding: a mark on a copy of the guider, which `render` reads."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass

from ...surrogate.conditioning.acts import Settings
from ...surrogate.quality import nearly_equal
from ...surrogate.seeds import IntegerSeed
from .embeddings import with_noise_converted
from .latents import PointsNoise, as_samples, batch_size, sample_parts

__all__ = ["Carrier", "OneNoise", "alike", "is_carried", "recipe_of", "sampled_by", "with_carrier"]

MARK = "surrogate_carrier"


@dataclass(frozen=True)
class Carrier:
    """What a point changes: the embedding, by `settings`, and the initial noise too if `noise`; else it is that of `seed`."""

    settings: Settings
    noise: bool
    seed: int

    def guider(self, guider, space, w):
        """The guider for the points with weights `w` (n, k), whose batch is n. The negative prompt stays as it is."""
        given = getattr(guider, "original_conds", None)
        if given is None:
            raise ValueError(
                f"guider is a {type(guider).__name__}, which does not say what its prompts are: connect Basic Guider or "
                "CFG Guider to search the prompt's embedding."
            )
        copied = copy.copy(guider)
        copied.original_conds = {
            name: conds if name == "negative" else with_noise_converted(conds, space, w, self.settings)
            for name, conds in given.items()
        }
        return copied


class OneNoise:
    """A ComfyUI NOISE: the noise of the integer `drawn` for each sample of a batch; `seed` is that of stochastic samplers."""

    def __init__(self, drawn: int, seed: int):
        self.drawn, self.seed = drawn, seed

    def generate_noise(self, latent: dict):
        """Noise (n, *shape) for the latent dictionary that the sampler is about to use."""
        count = batch_size(latent)
        noise = [part.repeat(count, *[1] * part.ndim) for part in IntegerSeed(self.drawn).noise(sample_parts(latent))]
        return as_samples(noise, latent["samples"])


def recipe_of(guider) -> dict:
    """What a picture's recipe says of the guider's carrier (JSON); empty if it has none."""
    carrier = getattr(guider, MARK, None)
    if carrier is None:
        return {}
    return {"carrier": {**asdict(carrier.settings), "noise": carrier.noise, "seed": carrier.seed}}


def is_carried(guider) -> bool:
    """Whether the points of `guider` are on its prompt."""
    return hasattr(guider, MARK)


def alike(guider, pictures, w) -> list[str]:
    """What to do about `pictures` (t, h, w, c) uint8, of points with weights `w` (n, k), that are nearly equal; nothing if
    they are not, or are points near each other."""
    if not nearly_equal(pictures, w):
        return []
    if is_carried(guider):
        return [f"These {len(pictures)} pictures are nearly equal: raise strength or until of Surrogate Carrier."]
    return [
        f"These {len(pictures)} pictures are nearly equal: this model follows its prompt more than its noise. Put the points "
        "on the prompt: connect Surrogate Carrier between the guider and this node."
    ]


def with_carrier(guider, carrier: Carrier):
    """A copy of `guider` that carries `carrier`."""
    copied = copy.copy(guider)
    setattr(copied, MARK, carrier)
    return copied


def sampled_by(guider, space, w, noise_seed: int):
    """(guider, noise) with which the points of weights `w` (n, k) are sampled: of the space's noises, or as its carrier says."""
    carrier = getattr(guider, MARK, None)
    points = PointsNoise(space, w, noise_seed)
    if carrier is None:
        return guider, points
    return carrier.guider(guider, space, w), points if carrier.noise else OneNoise(carrier.seed, noise_seed)
