"""Pictures that an Explorer has shown, kept by what they show: going back costs no model step, nor does a restart."""

from __future__ import annotations

import contextlib
import logging
import re
from pathlib import Path

import folder_paths
import numpy as np
from PIL import Image

from ...surrogate.pictures.gallery import Gallery
from ...surrogate.pictures.thumbnails import thumbnail

__all__ = ["KEY", "KEY_LENGTH", "Shelf", "folder"]

log = logging.getLogger("ComfyUI-Surrogate")
# What a picture is called: part of a hash of everything that decides it.
KEY_LENGTH = 24
KEY = re.compile(f"[0-9a-f]{{{KEY_LENGTH}}}")
# The longest side of the copies that a page shows, and how long each frame of a clip lasts.
SIDE = 512
MILLISECONDS = 63
# All pictures together take at most this much of the disk.
LIMIT = 2 << 30


def folder() -> Path:
    """In ComfyUI's user folder: what is there survives a restart, and is not in the user's way."""
    return Path(folder_paths.get_user_directory()) / "surrogate_explorer"


class Shelf:
    """A lossless file and a small copy of each picture, under its key. A full disk is no reason to stop."""

    def __init__(self, limit: int = LIMIT):
        self.folder, self.limit = folder(), limit

    def load(self, key: str) -> np.ndarray | None:
        """The frames (t, h, w, c) uint8 of picture `key`, or None."""
        frames = self._gallery(key).load(1)
        if frames is None or not self.small(key).exists():
            return None
        for path in (self.whole(key), self.small(key)):  # `tidy` removes first what was used least recently
            with contextlib.suppress(OSError):
                path.touch()
        return frames

    def keep(self, key: str, frames: np.ndarray) -> None:
        """Keep the frames (t, h, w, c) uint8 as picture `key`."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _thumbnails(frames[:1])[0].save(self.small(key), format="WEBP", quality=85, **_moving(frames))
            self._gallery(key).save(1, frames, {})
        except (OSError, ValueError) as error:
            log.warning("A picture of the Explorer cannot be kept (%s); it is made again when it is needed.", error)

    def whole(self, key: str) -> Path:
        gallery = self._gallery(key)
        return gallery.folder / gallery.name(1)

    def small(self, key: str) -> Path:
        return self.folder / f"{key}.webp"

    def tidy(self, needed: set[str]) -> None:
        """Remove the pictures that were used least recently, beyond `limit` bytes, but none of `needed`."""
        try:
            files = sorted(((path.stat(), path) for path in self.folder.iterdir()), key=lambda entry: entry[0].st_mtime)
        except OSError:
            return
        total = sum(stat.st_size for stat, _ in files)
        for stat, path in files:
            if total <= self.limit:
                break
            if path.name[:KEY_LENGTH] not in needed:
                path.unlink(missing_ok=True)
                total -= stat.st_size

    def _gallery(self, key: str) -> Gallery:
        return Gallery(self.folder, key, key)


def _moving(frames: np.ndarray) -> dict:
    if len(frames) == 1:
        return {}
    return {"save_all": True, "append_images": _thumbnails(frames[1:]), "duration": MILLISECONDS, "loop": 0}


def _thumbnails(frames: np.ndarray) -> list[Image.Image]:
    return [Image.fromarray(thumbnail(frame, SIDE)) for frame in frames]
