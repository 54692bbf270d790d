"""What ought to be standard normal, if a noise follows its transport's distribution."""

from __future__ import annotations

import math

import torch

from ..transports import Rotation, Sphere, Transport

__all__ = ["is_rotations", "standard"]


def standard(transport: Transport, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Two views of `noise` (*part): values of mean 0 and variance 1 (C, *axes), and numbers that are standard normal,
    None where the values are.

    They are the inner latent, for most transports. The sphere takes any norm, so each seed is measured by its own,
    or by `radius`. Of a uniform rotation the nine elements, times √3, have mean 0 and variance 1 and are the channels;
    its angle θ has the distribution function (θ - sin θ)/π, which makes one standard normal number of each rotation.
    Raises ValueError for a noise that the transport does not take.
    """
    if isinstance(transport, Rotation):
        transport.forward(noise[None])  # raises, if these are no rotations
        trace = noise.diagonal(dim1=-2, dim2=-1).sum(-1).double()
        angle = torch.arccos(((trace - 1) / 2).clamp(-1, 1))
        share = ((angle - angle.sin()) / math.pi).clamp(1e-12, 1 - 1e-12)
        elements = noise.reshape(*noise.shape[:-2], 9).movedim(-1, 0) * math.sqrt(3)
        return elements, torch.special.ndtri(share).float()
    values = transport.forward(noise[None])[0]
    if isinstance(transport, Sphere):
        radius = transport.radius or math.sqrt(float(values.square().mean(dtype=torch.float64)))
        values = values / (radius or 1.0)
    return values, None


def is_rotations(noise: torch.Tensor) -> bool:
    """Whether `noise` (*part) is made of rotation matrices."""
    try:
        Rotation().forward(noise[None])
    except ValueError:
        return False
    return True
