"""Clips without their sound, for a model that makes both: the sound is drawn."""

from __future__ import annotations

import inspect

import comfy.samplers
import torch

from .latents import as_samples, tensors_of, unpacked

__all__ = ["drawn", "missing"]


def missing(samples) -> list[torch.Tensor]:
    """Of each part, which samples lack it, (n,) bool: all zeros, where another part is there.

    Raises ValueError where one does, and this ComfyUI cannot draw it.
    """
    parts = tensors_of(samples)
    empty = [~part.flatten(1).any(1) & (len(parts) > 1) for part in parts]
    for number, where in enumerate(empty):
        if where.any() and not _takes_masks_of_parts():
            raise ValueError(
                f"latent {int(where.nonzero()[0]) + 1} of {len(where)} is empty (all zeros) in part {number + 1} of {len(parts)}, "
                "and this version of ComfyUI cannot draw a sound for a clip. Update ComfyUI, or encode the sound with the "
                "audio VAE and join both (LTXV Concat AV Latent)."
            )
    return empty


def drawn(run, noise: torch.Tensor, target, empty: list[torch.Tensor]):
    """`target` with the parts that are `empty` sampled to fit the others, which stay as they are.

    `run` samples: run(noise, latent, mask) -> samples. `noise` (n, values) is of all parts in one tensor.
    """
    masks = [_mask(part, where) for part, where in zip(tensors_of(target), empty)]
    starts = as_samples(tensors_of(unpacked(noise.to(tensors_of(target)[0]), target)), target)
    made = tensors_of(run(starts, target, as_samples(masks, target)))
    kept = zip(tensors_of(target), made, empty)
    return as_samples([torch.where(_along(part, where), new.to(part), part) for part, new, where in kept], target)


def _takes_masks_of_parts() -> bool:
    """Whether core's samplers do; older ones know one mask for all parts, and nothing else in them tells which they are."""
    return "denoise_mask.is_nested" in inspect.getsource(comfy.samplers)


def _mask(part: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """1 where a part is drawn, with one channel, as core reads masks."""
    return _along(part, where).to(part.dtype).expand(len(part), 1, *part.shape[2:]).clone()


def _along(part: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    return where.to(part.device).reshape(-1, *[1] * (part.ndim - 1))
