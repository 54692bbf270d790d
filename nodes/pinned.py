"""Stochastic samplers whose noise is pinned, so that a point is a picture again."""

from __future__ import annotations

import functools
import hashlib
import inspect

import comfy.k_diffusion.sampling
import comfy.samplers
import torch
from comfy_api.latest import io

from .tools.notices import say, warn
from .tools.schema import schema

__all__ = ["PinnedSampler", "pin"]


class PinnedSampler(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogatePinnedSampler",
            display_name="Surrogate Pinned Sampler",
            search_aliases=["ancestral", "sde", "stochastic sampler", "deterministic sampler", "fixed sampler noise"],
            category="surrogate/noise",
            description="Makes a stochastic sampler (ancestral, SDE, LCM) add the same noise for every point. A "
            "point then gives the same picture in every batch, and near points give similar pictures.",
            inputs=[
                io.Sampler.Input(
                    "sampler",
                    tooltip="A sampler from KSamplerSelect or another node that gives a SAMPLER. Its settings are "
                    "kept.",
                ),
                io.Int.Input(
                    "noise_seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=False,
                    tooltip="Seed of the noise that the sampler adds at each step. Keep one number for a whole "
                    "space: another number gives another picture at each point.",
                ),
            ],
            outputs=[
                io.Sampler.Output(
                    display_name="sampler",
                    tooltip="The sampler for SamplerCustomAdvanced, Surrogate Render Points or Surrogate Search. A "
                    "deterministic sampler is passed on unchanged.",
                )
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, sampler, noise_seed) -> io.NodeOutput:
        pinned = pin(sampler, noise_seed)
        if getattr(sampler, "extra_options", {}).get("s_churn"):
            warn(cls, ["Pinned Sampler: the noise of s_churn is not pinned; set s_churn to 0."])
        if pinned is sampler:
            say(cls, "This sampler draws no noise: there is nothing to pin.")
        return io.NodeOutput(pinned)


def pin(sampler, seed: int):
    """A sampler that draws the noise named `seed` at each step; `sampler` itself if it draws no noise.

    Raises ValueError for a sampler that is not of ComfyUI's own kind.
    """
    function = getattr(sampler, "sampler_function", None)
    if function is None:
        raise ValueError(
            f"sampler is a {type(sampler).__name__}, whose noise this node cannot reach: connect one of ComfyUI's own "
            "samplers, from KSamplerSelect."
        )
    if "noise_sampler" not in inspect.signature(function).parameters:
        return sampler
    settings = getattr(sampler, "extra_options", {})
    options = {name: value for name, value in settings.items() if name != "noise_sampler"}
    inpainting = getattr(sampler, "inpaint_options", {})
    return comfy.samplers.KSAMPLER(_pinned(function, seed), options, inpainting)


def _pinned(function, seed: int):
    """The sampler `function`, with the same noise for each sample of a batch, and in every batch."""

    @functools.wraps(function)
    def sample(model, x, sigmas, *args, **settings):
        settings["noise_sampler"] = _Stream(function, x, sigmas, seed)
        return function(model, x, sigmas, *args, **settings)

    return sample


class _Stream:
    """The noise of each step, for one sample and so for all: of the kind that core's own samplers draw for a batch of one."""

    def __init__(self, function, x: torch.Tensor, sigmas: torch.Tensor, seed: int):
        self.x = x
        # On the processor, so that it does not depend on the device.
        one = torch.zeros(1, *x.shape[1:], dtype=x.dtype)
        if _is_sde(function) and (sigmas > 0).any():
            # The noise of overlapping intervals belongs together.
            low, high = sigmas[sigmas > 0].min().cpu(), sigmas.max().cpu()
            self.draw = _brownian(one, low, high, _apart(seed))
        else:
            generator = torch.Generator().manual_seed(_apart(seed))
            self.draw = lambda *_: torch.randn(one.shape, dtype=one.dtype, generator=generator)

    def __call__(self, sigma, sigma_next) -> torch.Tensor:
        sigma, sigma_next = (torch.as_tensor(s).detach().cpu() for s in (sigma, sigma_next))
        return self.draw(sigma, sigma_next).to(self.x).expand_as(self.x)


def _brownian(one: torch.Tensor, low, high, seed: int):
    tree = getattr(comfy.k_diffusion.sampling, "BrownianTreeNoiseSampler", None)
    if tree is None:
        raise RuntimeError(
            "Pinned Sampler: this ComfyUI has no BrownianTreeNoiseSampler, which SDE samplers draw from. Choose an "
            "ancestral sampler, such as euler_ancestral, or update the pack."
        )
    return tree(one, low, high, seed=seed, cpu=True)


def _apart(seed: int) -> int:
    """A number far from `seed`: the noise of a step must not be the initial noise of a seed with that number."""
    return int.from_bytes(hashlib.sha256(f"pinned sampler {seed}".encode()).digest()[:4], "big")


def _is_sde(function) -> bool:
    return function.__name__.startswith("sample_dpmpp_") and "sde" in function.__name__
