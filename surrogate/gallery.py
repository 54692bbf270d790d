"""A folder of numbered pictures that are saved one by one, know how they were made, and need not be made twice."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

__all__ = ["RECIPE", "Gallery", "read_recipe"]

# The name of the PNG text that holds the recipe.
RECIPE = "surrogate"
log = logging.getLogger("ComfyUI-Surrogate")


@dataclass(frozen=True)
class Gallery:
    """Pictures `<stem>_<run>_<number>.png` in `folder`, lossless; several frames make an animated PNG.

    `run` names what was rendered (a hash): a picture of another run is never taken for one of this.
    """

    folder: Path
    stem: str
    run: str
    milliseconds: int = 42

    def name(self, number: int) -> str:
        return f"{self.stem}_{self.run[:8]}_{number:05d}.png"

    def save(self, number: int, frames: np.ndarray, recipe: Mapping, texts: Mapping[str, str] | None = None) -> Path:
        """Write picture `number`: frames (t, h, w, 1 | 3 | 4) uint8, with `recipe` (JSON) and further `texts`.

        Appears under its name only when it is complete. Raises OSError if it cannot be written.
        """
        info = PngInfo()
        info.add_text(RECIPE, json.dumps({**recipe, "run": self.run, "number": number}))
        for name, text in (texts or {}).items():
            info.add_text(name, text)
        pages = [Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame) for frame in frames]
        path = self.folder / self.name(number)
        part = path.with_suffix(".part")
        moving = {"save_all": True, "append_images": pages[1:], "duration": self.milliseconds, "loop": 0}
        try:
            pages[0].save(part, format="PNG", pnginfo=info, compress_level=4, **(moving if len(pages) > 1 else {}))
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        return path

    def load(self, number: int) -> np.ndarray | None:
        """The frames (t, h, w, c) uint8 of picture `number`; None if it is missing, broken, or of another run."""
        path = self.folder / self.name(number)
        if not path.exists():
            return None
        try:
            recipe = read_recipe(path)
            if recipe.get("run") != self.run or recipe.get("number") != number:
                return None
            with Image.open(path) as picture:
                return self._frames(picture)
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            log.warning("%s cannot be read (%s) and is made again.", path.name, error)
            return None

    def _frames(self, picture: Image.Image) -> np.ndarray:
        frames = []
        for index in range(getattr(picture, "n_frames", 1)):
            picture.seek(index)
            pixels = np.asarray(picture)
            # Equal frames in a row are stored once, shown longer.
            times = round(picture.info.get("duration", self.milliseconds) / self.milliseconds) or 1
            frames += [pixels if pixels.ndim == 3 else pixels[..., None]] * times
        return np.stack(frames)


def read_recipe(path) -> dict:
    """The recipe in the PNG file `path`: the space, the point u and the rest that rebuilds the picture.

    Raises ValueError if the file has none, OSError if it is not a picture.
    """
    with Image.open(path) as picture:
        text = getattr(picture, "text", {}).get(RECIPE)
    try:
        recipe = json.loads(text)
    except (TypeError, ValueError):
        raise ValueError(f"{Path(path).name} holds no surrogate recipe.") from None
    if not isinstance(recipe, dict):
        raise ValueError(f"{Path(path).name} holds no surrogate recipe.")
    return recipe
