"""Which part of a latent of several parts a VAE is for: the clip, or its sound."""

from __future__ import annotations

import torch

__all__ = ["part_for"]


def part_for(vae, parts: list[torch.Tensor], otherwise: int) -> int:
    """The place of the part (n, c, …) that has the channels and the axes of `vae`; `otherwise` if not exactly one has.

    In every model of ComfyUI the clip is the first part and its sound the last, so these are what to give as `otherwise`.
    """
    channels, axes = getattr(vae, "latent_channels", None), getattr(vae, "latent_dim", None)
    fitting = [i for i, part in enumerate(parts) if part.shape[1] == channels]
    if len(fitting) > 1:
        fitting = [i for i in fitting if parts[i].ndim - 2 == axes]
    return fitting[0] if len(fitting) == 1 else range(len(parts))[otherwise]
