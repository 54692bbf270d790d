"""Latents of several parts: one transport a part."""

from __future__ import annotations

from collections.abc import Sequence

from .base import Example, Transport
from .gaussian import Gaussian
from .rotation import Rotation

__all__ = ["Composite"]


class Composite:
    """One transport for each part of a nested latent: audio with video, frames with translations.

    `forward` and `inverse` take and return one tensor a part. Raises ValueError if the number of parts differs.
    """

    name = "composite"

    def __init__(self, transports: Sequence[Transport]):
        self.transports = tuple(transports)
        if not self.transports or not all(isinstance(t, Transport) for t in self.transports):
            raise ValueError(f"composite needs one transport (not composite itself) for each part, got {transports!r}.")

    @classmethod
    def examples(cls) -> list[Example]:
        """A composite of two, with their latents side by side: a list of tensors."""
        frames, places = Rotation.examples()[0], Gaussian.examples()[0]
        together = cls([frames.transport, places.transport])
        return [Example(together, lambda rng, n: [frames.draw(rng, n), places.draw(rng, n)])]

    def forward(self, z, first=None):
        parts = self.split(len(z))
        return [t.forward(part, f) for t, part, f in zip(parts, z, first or [None] * len(z), strict=True)]

    def inverse(self, xi, power=None):
        parts = self.split(len(xi))
        return [t.inverse(part, p) for t, part, p in zip(parts, xi, power or [None] * len(xi), strict=True)]

    def split(self, count: int) -> tuple[Transport, ...]:
        if count != len(self.transports):
            names = ", ".join(t.name for t in self.transports)
            raise ValueError(
                f"The composite transport has {len(self.transports)} parts ({names}), but the latent has {count}: "
                "give one transport for each part, in the latent's order."
            )
        return self.transports

    def settings(self):
        return {"transports": [{"name": t.name, **t.settings()} for t in self.transports]}

    def __repr__(self) -> str:
        return f"Composite({list(self.transports)!r})"
