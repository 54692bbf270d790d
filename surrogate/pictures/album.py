"""The pictures of a study: a small one of every point that was rendered, and the best ones whole."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .gallery import Gallery
from .shared import Shared
from .thumbnails import thumbnail

__all__ = ["SIDE", "Album"]

# Longest side of a small picture in pixels: enough for a contact sheet, some 10 KB on the disk.
SIDE = 256


@dataclass(frozen=True)
class Album:
    """A folder with the pictures of the study that `study` (its `identity`) names; made when the first one comes.

    Points are numbered as in the study. A clip's small picture is its middle frame. Whatever is missing or broken reads
    as None: pictures are there to be looked at, a search never depends on them. With `shared`, they are also those that
    other computers have kept.
    """

    folder: Path
    study: str
    shared: Shared | None = None

    def keep(self, number: int, frames: np.ndarray) -> None:
        """Keep point `number`, frames (t, h, w, 1 | 3 | 4) uint8, as a small picture. Raises OSError if the disk refuses."""
        self.folder.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(thumbnail(frames[len(frames) // 2], SIDE))
        path = self._path(number)
        part = path.with_suffix(".part")
        try:
            picture.save(part, format="JPEG", quality=90)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        if self.shared is not None:
            self.shared.send(path)

    def small(self, number: int) -> np.ndarray | None:
        """The small picture of point `number`, (h, w, 3) uint8."""
        path = self._path(number)
        self._fetch(path)
        try:
            with Image.open(path) as picture:
                return np.asarray(picture.convert("RGB"))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            return None

    def keep_whole(self, number: int, frames: np.ndarray, recipe: Mapping) -> None:
        """Keep point `number` as it is, with the `recipe` that rebuilds it. Raises OSError if the disk refuses."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._best.save(number, frames, recipe)
        if self.shared is not None:
            self.shared.send_only(path)

    def whole(self, number: int) -> np.ndarray | None:
        """The frames (t, h, w, c) uint8 of point `number`, if it was kept whole."""
        self._fetch(self.folder / self._best.name(number))
        return self._best.load(number)

    def _fetch(self, path: Path) -> None:
        if self.shared is not None:
            self.shared.fetch(path)

    @property
    def _best(self) -> Gallery:
        return Gallery(self.folder, "best", self.study)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.jpg"
