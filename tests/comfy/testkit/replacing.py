"""Functions that take the place of core's noise, as other packs write them; they spoil the global generators, too."""

import functools
import random

import comfy.sample
import numpy as np
import torch
from comfy_api.latest import io

OWN = {
    name: getattr(comfy.sample, name)
    for name in ("prepare_noise", "prepare_noise_inner")
    if hasattr(comfy.sample, name)
}


def another_noise(latent_image, seed, noise_inds=None):
    torch.manual_seed(seed ^ 0x5A5A)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    return torch.randn(latent_image.shape).to(latent_image.dtype)


@functools.wraps(OWN["prepare_noise"])
def decorated(*args, **settings):
    return -OWN["prepare_noise"](*args, **settings)


def the_same(latent_image, seed, noise_inds=None):
    return OWN["prepare_noise"](latent_image, seed, noise_inds)


def inner(latent_image, generator, noise_inds=None):
    return -OWN["prepare_noise_inner"](latent_image, generator, noise_inds)


class Called:
    def __call__(self, latent_image, seed, noise_inds=None):
        return another_noise(latent_image, seed)


def failing(latent_image, seed, noise_inds=None, *, needed):
    return another_noise(latent_image, seed)


def _chosen(kind: str) -> dict:
    """What to put in the place of which function."""
    if kind == "off":
        return OWN
    if kind == "inner":
        return {"prepare_noise_inner": inner}
    other = {"other": another_noise, "wrapped": decorated, "object": Called(), "same": the_same, "fails": failing}
    return {"prepare_noise": other[kind]}


class ReplacedNoise(io.ComfyNode):
    """Does what other packs do when they are loaded: replaces ComfyUI's noise for the whole server.

    other draws another noise, wrapped is a decorated one, object something that is called, same draws core's, off undoes it.
    """

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestReplacedNoise",
            category="test",
            inputs=[
                io.AnyType.Input("value"),
                io.Combo.Input("kind", options=["off", "other", "wrapped", "object", "same", "inner", "fails"]),
            ],
            outputs=[io.AnyType.Output()],
            not_idempotent=True,
        )

    @classmethod
    def execute(cls, value, kind):
        for name, function in _chosen(kind).items():
            setattr(comfy.sample, name, function)
        return io.NodeOutput(value)
