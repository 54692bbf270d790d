"""Uniform rotations, such as the frames of protein models."""

from __future__ import annotations

import numpy as np
import scipy
import torch

from .base import Example, Transport

__all__ = ["Rotation"]

TOLERANCE = 1e-3


class Rotation(Transport):
    """z uniform on SO(3): rotation matrices (…, 3, 3) to unit quaternions (…, 4) and back.

    A rotation is two quaternions, q and -q. The sign that lies nearer to the first seed's is taken: the rule turns
    with the seeds, so Σ w_k q_k, made unit again, is uniform; the rule "real part positive" would not be.
    (Frames in RFDiffusion; Willis et al., arXiv 2509.23800, appendix on transports.)

    Raises ValueError if z is not made of rotation matrices.
    """

    name = "rotation"
    uses_first = True

    @classmethod
    def examples(cls):
        return [
            Example(
                cls(),
                lambda rng, n: torch.from_numpy(scipy.spatial.transform.Rotation.random(n, rng).as_matrix()).float(),
            )
        ]

    def inner_shape(self, shape):
        if shape[-2:] != (3, 3):
            raise ValueError(
                f"The rotation transport needs latents of rotation matrices, shape (…, 3, 3), got {shape}."
            )
        return (*shape[:-2], 4)

    def forward(self, z, first=None):
        inner = self.inner_shape(tuple(z.shape[1:]))
        matrices = z.reshape(-1, 3, 3).double().numpy()
        error = np.abs(matrices @ matrices.transpose(0, 2, 1) - np.eye(3)).max(initial=0)
        if not error <= TOLERANCE or (np.linalg.det(matrices) < 0).any():
            raise ValueError(
                "The rotation transport needs rotation matrices (orthonormal, determinant 1); "
                f"these are {error:.2g} away from orthonormal, or mirrored."
            )
        q = (
            torch.from_numpy(scipy.spatial.transform.Rotation.from_matrix(matrices).as_quat())
            .to(z.dtype)
            .reshape(len(z), *inner)
        )
        if first is None:
            return q
        return torch.where((q * first).sum(-1, keepdim=True) < 0, -q, q)

    def inverse(self, xi, power=None):
        q = xi.reshape(-1, 4).double().numpy()
        if (np.linalg.norm(q, axis=1) < 1e-6).any():
            raise ValueError("The rotations cancel out at this point: two seeds are opposite. Remove one of them.")
        matrices = scipy.spatial.transform.Rotation.from_quat(q).as_matrix()
        return torch.from_numpy(matrices).to(xi.dtype).reshape(*xi.shape[:-1], 3, 3)
