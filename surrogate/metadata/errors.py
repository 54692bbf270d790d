"""Why a picture gives no seed. Both messages continue a sentence that begins with the picture's name."""

from __future__ import annotations

__all__ = ["CannotRead", "NotSampled", "Untraceable"]


class CannotRead(ValueError):
    """The file itself cannot be read."""


class Untraceable(ValueError):
    """The prompt in the file does not tell which noise made the picture."""


class NotSampled(Untraceable):
    """What the node wrote is no picture of a sampler."""
