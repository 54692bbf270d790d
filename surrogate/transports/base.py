"""What a transport is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

__all__ = ["Example", "Transport", "per_row"]


class Example(NamedTuple):
    """A transport, and `draw(rng, n)`: n independent latents (n, *shape), float32, of the distribution that it is for."""

    transport: Any
    draw: Callable[[np.random.Generator, int], Any]


class Transport(ABC):
    """An invertible map between a model's latent distribution and an inner space where seeds may be combined.

    Domain: latents z (n, *shape), independent samples of the distribution. Codomain: inner latents
    xi (n, *inner_shape(shape)), of zero mean and a law that Σ w_k xi_k keeps for every w of unit norm.

    Laws, tested with the `examples` of every entry of `TRANSPORTS`:

    - `inverse(forward(z)) == z` to rounding, float32 like z.
    - For independent z_k of the distribution, `inverse(Σ w_k forward(z_k))` has the distribution of z: for random w of
      unit norm and for equal ones.
    - `forward(z)` has the shape (n, *inner_shape(shape)).
    - Rows do not depend on each other, given `first` and `power`.
    - Arguments are not written into.
    - `settings()` are arguments of the constructor that make the same transport, and JSON.
    - In a space of such latents a vertex is its seed to the last bit, and a point's bits do not depend on the others.
    """

    name: str
    # Whether `forward` wants the first seed's inner latent, and `inverse` the power that independent seeds would have.
    uses_first = False
    uses_power = False
    # Whether each value is mapped on its own, so that a part of a latent can be mapped without the rest.
    by_value = False

    @classmethod
    @abstractmethod
    def examples(cls) -> list[Example]:
        """At least one transport of this kind with its distribution: the laws are tested with these."""

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
