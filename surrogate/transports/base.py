"""What a transport is."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

__all__ = ["Transport"]


class Transport(ABC):
    """An invertible map between a model's latent distribution and an inner space where seeds may be combined.

    Domain: latents z (n, *shape), independent samples of the distribution. Codomain: inner latents
    xi (n, *inner_shape(shape)), of zero mean and a law that Σ w_k xi_k keeps for every w of unit norm.

    Laws, tested for every entry of `TRANSPORTS`: `inverse(forward(z)) == z` to rounding; for independent
    z_k of the distribution, `inverse(Σ w_k forward(z_k))` has the distribution of z; rows do not depend on each other.
    """

    name: str
    # Whether `forward` wants the first seed's inner latent, and `inverse` the power that independent seeds would have.
    uses_first = False
    uses_power = False
    # Whether each value is mapped on its own, so that a part of a latent can be mapped without the rest.
    by_value = False

    @abstractmethod
    def forward(self, z: torch.Tensor, first: torch.Tensor | None = None) -> torch.Tensor:
        """T→: inner latents (n, *inner_shape) of z (n, *shape).

        `first` (1, *inner_shape), the first seed's inner latent, settles a choice the inner space leaves open.
        """

    @abstractmethod
    def inverse(self, xi: torch.Tensor, power: torch.Tensor | None = None) -> torch.Tensor:
        """T←: latents (n, *shape) of xi (n, *inner_shape). `power` (n,) is Σ_k w_k² ‖xi_k‖²."""

    def inner_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of one inner latent, for one latent of `shape`. Raises ValueError if the shape cannot be one."""
        return shape

    def split(self, count: int) -> tuple[Transport, ...]:
        """The transport of each of the `count` parts of a latent: itself, unless it is a composite."""
        return (self,) * count

    def settings(self) -> dict:
        """The constructor's arguments, as JSON."""
        return {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.settings().items())})"


def per_row(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """`values` (n,) shaped so that it broadcasts over the rows of `like` (n, …)."""
    return values.to(like.dtype).reshape(-1, *[1] * (like.ndim - 1))
