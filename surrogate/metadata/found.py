"""What is found: for each file its seeds, or why it has none; and all files together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..seeds import Seed, Seeds
from .graph.settings import Settings

__all__ = ["NO_SETTINGS", "Found", "Pictures"]

NO_SETTINGS = Settings((), {})


@dataclass(frozen=True)
class Found:
    """What one picture file says. `seeds` made it, one or one for each frame; empty if `reason` tells why not.

    `size` is what the noise was made for (width, height, frames), `pixels` the file's own width and height; of a sound
    both are its length in seconds.
    """

    path: Path
    seeds: tuple[Seed, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()
    pixels: tuple[float, ...] | None = None
    frames: int = 1
    size: tuple[float, ...] | None = None
    settings: Settings = NO_SETTINGS


@dataclass(frozen=True)
class Pictures:
    """All files, in order: `found`, `seeds` of those that were kept, and for each seed its file and frame."""

    found: tuple[Found, ...]
    seeds: Seeds
    sources: tuple[tuple[Path, int], ...]
    report: str
