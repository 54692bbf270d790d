"""The simplest inversion: Euler steps backwards, none of them solved. Its noises are far from Gaussian."""

from itertools import pairwise

import comfy.samplers
import torch
from comfy_api.latest import io


class RoughInversion(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestRoughInversion",
            category="test",
            inputs=[io.Guider.Input("guider"), io.Sigmas.Input("sigmas"), io.Latent.Input("latent")],
            outputs=[io.Latent.Output()],
        )

    @classmethod
    def execute(cls, guider, sigmas, latent):
        sampler = _Backwards()
        guider.sample(
            torch.zeros_like(latent["samples"]), latent["samples"], sampler, sigmas, disable_pbar=True, seed=0
        )
        return io.NodeOutput({"samples": sampler.noise})


class _Backwards(comfy.samplers.Sampler):
    def sample(self, model_wrap, sigmas, extra_args, callback, noise, latent_image=None, *args, **kwargs):
        x = latent_image.clone()
        for following, sigma in pairwise(sigmas.flip(0)):
            x = x + (sigma - following) * (x - model_wrap(x, sigma * x.new_ones(len(x)), **extra_args)) / sigma
        self.noise = x / sigmas[0]
        return latent_image
