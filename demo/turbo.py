"""The demo model changed so that it behaves as a distilled model does; a stand-in, for nothing was distilled.

A distilled model draws the whole picture in its first step, and its prompt decides the picture rather than its initial
noise. Here a step above `EDGE` is a whole run of the demo model inside, from a noise that is a smooth random function of
the prompt's embedding: the initial noise does not count in it. The steps below, in which the picture is there already,
are the demo model's own, so the initial noise changes details only.
"""

from __future__ import annotations

import itertools
import math
from functools import cache

import torch

__all__ = ["SHIFT", "drawn_from_the_prompt", "noise_of"]

# Of the schedule: more than half of the noise is gone after the first of four steps.
SHIFT = 0.25
# Sigma above which a step draws the picture anew: what the first fifth of the schedule is.
EDGE = 0.5
STEPS = 8  # of the run inside
FEATURES = 512
# Change of the embedding, per value, that gives another picture: the larger, the less noise on the prompt does.
SCALE = 6.0


@cache
def _functions(tokens: int, width: int, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Frequencies (tokens · width, FEATURES), phases (FEATURES,) and waves (FEATURES, size) of the random function."""
    generator = torch.Generator().manual_seed(20)
    frequencies = torch.randn(tokens * width, FEATURES, generator=generator) / SCALE
    phases = 2 * math.pi * torch.rand(FEATURES, generator=generator)
    return frequencies, phases, torch.randn(FEATURES, size, generator=generator)


def noise_of(embedding: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Noises (n, *shape) of embeddings (n, t, d): each nearly N(0, I), and alike for embeddings that are alike."""
    flat = embedding.detach().float().cpu().flatten(1)
    frequencies, phases, waves = _functions(*embedding.shape[1:], math.prod(shape))
    weights = math.sqrt(2 / FEATURES) * torch.cos(flat @ frequencies + phases)
    return (weights @ waves).reshape(-1, *shape).to(embedding.device)


def drawn_from_the_prompt(apply_model, arguments: dict) -> torch.Tensor:
    """A step of the model, for ModelPatcher.set_model_unet_function_wrapper: the picture (n, *shape) that it predicts."""
    x, sigma, more = arguments["input"], arguments["timestep"], arguments["c"]
    if float(sigma.max()) <= EDGE:
        return apply_model(x, sigma, **more)
    z = noise_of(more["c_crossattn"], tuple(x.shape[1:])).to(x)
    for now, then in itertools.pairwise(torch.linspace(1, 0, STEPS + 1).tolist()):
        predicted = apply_model(z, torch.full_like(sigma, now), **more)
        z = z + (z - predicted) * ((then - now) / now)
    return z
