"""Pictures and sounds that an Explorer has shown, kept by what they show: going back costs no model step, nor does a restart."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from pathlib import Path

import folder_paths
import numpy as np
from PIL import Image

from ...surrogate.pictures.gallery import Gallery
from ...surrogate.pictures.thumbnails import thumbnail
from .sound import load_sound, save_mp3, save_sound

__all__ = ["KEY", "KEY_LENGTH", "Shelf", "folder"]

log = logging.getLogger("ComfyUI-Surrogate")
# What a picture is called: part of a hash of everything that decides it.
KEY_LENGTH = 24
KEY = re.compile(f"[0-9a-f]{{{KEY_LENGTH}}}")
# The longest side of the copies that a page shows, their quality, and how long each frame of a clip lasts.
SIDE, QUALITY = 512, 85
MILLISECONDS = 63
# All pictures together take at most this much of the disk.
LIMIT = 2 << 30


def folder() -> Path:
    """In ComfyUI's user folder: what is there survives a restart, and is not in the user's way."""
    return Path(folder_paths.get_user_directory()) / "surrogate_explorer"


class Shelf:
    """A lossless file and small copies of each picture, under its key. A full disk is no reason to stop."""

    def __init__(self, limit: int = LIMIT):
        self.folder, self.limit = folder(), limit

    def load(self, key: str) -> np.ndarray | None:
        """The frames (t, h, w, c) uint8 of picture `key`, or None."""
        frames = self._gallery(key).load(1)
        if frames is None or not self.small(key).exists() or (len(frames) > 1 and not self.moving(key).exists()):
            return None
        self._used(key)
        return frames

    def load_sound(self, key: str) -> dict | None:
        """The AUDIO of one that was kept with picture `key`, or None."""
        return load_sound(self._wav(key))

    def keep(self, key: str, frames: np.ndarray, sound: dict | None = None) -> None:
        """Keep the frames (t, h, w, c) uint8 as picture `key`, and the AUDIO of one that they show."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            small = [Image.fromarray(thumbnail(frame, SIDE)) for frame in frames]
            small[0].save(self.small(key), format="WEBP", quality=QUALITY)
            if len(small) > 1:
                moving = {"save_all": True, "append_images": small[1:], "duration": MILLISECONDS, "loop": 0}
                small[0].save(self.moving(key), format="WEBP", quality=QUALITY, **moving)
            if sound is not None:
                save_sound(self._wav(key), sound)
            self._gallery(key).save(1, frames, {})
            if sound is not None:
                save_mp3(self.heard(key), sound)
        except (OSError, ValueError) as error:
            log.warning("A picture of the Explorer cannot be kept (%s); it is made again when it is needed.", error)

    def whole(self, key: str) -> Path:
        gallery = self._gallery(key)
        return gallery.folder / gallery.name(1)

    def small(self, key: str) -> Path:
        """The picture, or the first frame of a clip, as a small file."""
        return self.folder / f"{key}.webp"

    def moving(self, key: str) -> Path:
        """A clip as a small file."""
        return self.folder / f"{key}.moving.webp"

    def heard(self, key: str) -> Path:
        """A sound as a small file."""
        return self.folder / f"{key}.mp3"

    def _wav(self, key: str) -> Path:
        return self.folder / f"{key}.wav"

    def _used(self, key: str) -> None:
        """`tidy` removes first what was used least recently."""
        for path in (self.whole(key), self.small(key), self.moving(key), self._wav(key), self.heard(key)):
            with contextlib.suppress(OSError):
                os.utime(path)

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
