"""What is typed into the nodes that put a space on the text embedding.

The functions are the nodes' acts: the nodes call them with what was typed and show their defaults.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import number, share

__all__ = ["CARRIERS", "Settings", "settings"]

# What a point changes -> whether the initial noise too.
CARRIERS = {"conditioning": False, "conditioning and noise": True}


@dataclass(frozen=True)
class Settings:
    """How much noise the embedding gets: `strength` in standard deviations of the embedding, `until` a share of the sampling
    (0 to 1), and whether the `pooled` embedding gets noise too."""

    strength: float
    until: float
    pooled: bool

    @property
    def plain(self) -> bool:
        """Whether they leave the prompt as it is."""
        return self.strength == 0 or self.until == 0


def settings(strength: float = 0.5, until: float = 0.2, pooled: bool = False) -> Settings:
    """Raises ValueError for a strength below 0, and for an `until` that is not from 0 to 1."""
    return Settings(number("strength", strength, 0), share("until", until), bool(pooled))
