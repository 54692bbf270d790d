"""ComfyUI's LATENT dictionaries, whatever their rank: images, video, sound, nested parts."""

from __future__ import annotations

import inspect

import comfy.sample
import comfy.utils
import torch

from ...surrogate.shapes import Parts, describe
from .core_noise import notice_replaced_noise
from .progress import cancellable

__all__ = [
    "PointsNoise",
    "as_samples",
    "batch_size",
    "fix_empty",
    "packed",
    "parts_for",
    "repeat_to",
    "sample_parts",
    "select",
    "tensors_of",
    "unpacked",
]


def tensors_of(samples) -> list[torch.Tensor]:
    """The parts of `latent["samples"]`: one tensor, or those of a nested tensor."""
    return list(samples.unbind()) if getattr(samples, "is_nested", False) else [samples]


def as_samples(tensors: list[torch.Tensor], like):
    """`tensors` as samples of the same kind and dtype as `like`, on the CPU, where ComfyUI makes its noise."""
    tensors = [t.to(part.dtype) for t, part in zip(tensors, tensors_of(like), strict=True)]
    return type(like)(tensors) if getattr(like, "is_nested", False) else tensors[0]


def packed(samples) -> torch.Tensor:
    """The samples in one tensor, as samplers see them: several parts as (n, 1, all values)."""
    parts = tensors_of(samples)
    return comfy.utils.pack_latents(parts)[0] if len(parts) > 1 else parts[0]


def unpacked(tensor: torch.Tensor, like):
    """What `packed` made, in parts like those of `like`, with as many samples and of the dtype that `tensor` has."""
    parts = tensors_of(like)
    if len(parts) == 1:
        return tensor
    shapes = [(len(tensor), *part.shape[1:]) for part in parts]
    return type(like)(comfy.utils.unpack_latents(tensor, shapes))


def sample_parts(latent: dict) -> Parts:
    """The shape of one sample, part by part."""
    return tuple(tuple(part.shape[1:]) for part in tensors_of(latent["samples"]))


def batch_size(latent: dict) -> int:
    return len(tensors_of(latent["samples"])[0])


def fix_empty(model, latent: dict) -> dict:
    """The latent as the samplers will see it: core resizes empty latents to the model, more so in each version."""
    fix = comfy.sample.fix_empty_latent_channels
    extra = {
        name: latent.get(name)
        for name in ("downscale_ratio_spacial", "downscale_ratio_temporal")
        if name in inspect.signature(fix).parameters
    }
    return {**latent, "samples": fix(model, latent["samples"], **extra)}


def repeat_to(latent: dict, count: int, what: str) -> dict:
    """The latent with `count` samples: a single one is repeated. Raises ValueError if it holds another number."""
    size = batch_size(latent)
    latent = {key: value for key, value in latent.items() if key != "batch_index"}  # belongs to core's own noise
    if size == count:
        return latent
    if size != 1:
        raise ValueError(
            f"latent holds a batch of {size}, but there are {count} {what}: connect a latent with a batch of 1, "
            f"which is repeated, or one with {count}."
        )
    repeated = [part.repeat(count, *[1] * (part.ndim - 1)) for part in tensors_of(latent["samples"])]
    return {**latent, "samples": as_samples(repeated, latent["samples"])}


def select(latent: dict, indices: list[int]) -> dict:
    """The samples at `indices`, with the masks that core would give them in the whole batch."""
    parts = tensors_of(latent["samples"])
    chosen = {**latent, "samples": as_samples([part[indices] for part in parts], latent["samples"])}
    mask = latent.get("noise_mask")
    if mask is not None:  # of several parts, the first have one each
        masks = [_mask_of(one, part, indices) for one, part in zip(tensors_of(mask), parts)]
        chosen["noise_mask"] = as_samples(masks, mask) if getattr(mask, "is_nested", False) else masks[0]
    return chosen


def _mask_of(mask: torch.Tensor, part: torch.Tensor, indices: list[int]) -> torch.Tensor:
    """The masks of the samples at `indices`, as core reads masks: fewer than samples are repeated in turn.

    A mask of a clip without an axis for the batch has one for the frames, and counts for all samples.
    """
    if part.ndim == 4:
        mask = mask.reshape(-1, 1, *mask.shape[-2:])
    elif mask.ndim < part.ndim:
        return mask
    return mask[[i % len(mask) for i in indices]]


def parts_for(latent: dict, count: int, what: str) -> Parts:
    """The shape of one sample of `latent`, to which a noise for `count` points, stretches, … is to be made.

    Raises ValueError if it holds another number of samples.
    """
    parts, size = sample_parts(latent), batch_size(latent)
    if size != count:
        raise ValueError(
            f"This noise is for {count} {what}, but the sampler's latent has a batch of {size} "
            f"({describe(parts)} each). Connect the LATENT output of the node that gives the NOISE."
        )
    return parts


class PointsNoise:
    """A ComfyUI NOISE: the noises of some points, made when a sampler asks and at the shape it asks for."""

    def __init__(self, space, w, seed: int):
        """`w` (n, k): the weights of the points."""
        self.space, self.w, self.seed = space, w, seed

    def generate_noise(self, latent: dict):
        """Noise (n, *shape) for the latent dictionary that the sampler is about to use."""
        notice_replaced_noise()
        parts = parts_for(latent, len(self.w), "points")
        return as_samples(self.space.combine(self.w, parts, progress=cancellable), latent["samples"])
