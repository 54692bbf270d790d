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
# Milliseconds that a frame of an animated PNG can last.
LONGEST = 65_535
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
        # As in ComfyUI's own file names, %batch_num% counts from 0.
        return f"{self.stem.replace('%batch_num%', str(number - 1))}_{self.run[:8]}_{number:05d}.png"

    def prepare(self) -> None:
        """Raises ValueError if pictures cannot be written under this name: better known before the first is made."""
        part = (self.folder / self.name(1)).with_suffix(".part")
        try:
            part.touch()
            part.unlink()
        except OSError as error:
            name = self.name(1) if len(self.name(1)) < 80 else f"{self.name(1)[:60]}… ({len(self.name(1))} characters)"
            raise ValueError(
                f"Pictures cannot be saved as {name} in {self.folder}: {error.strerror}. Choose another file name."
            ) from None

    def save(self, number: int, frames: np.ndarray, recipe: Mapping, texts: Mapping[str, str] | None = None) -> Path:
        """Write picture `number`: frames (t, h, w, 1 | 3 | 4) uint8, with `recipe` (JSON) and further `texts`.

        Appears under its name only when it is complete. Raises OSError if it cannot be written.
        """
        # Equal frames in a row are stored once and shown longer: Pillow would do so without telling how many they were.
        firsts = [i for i in range(len(frames)) if i == 0 or not np.array_equal(frames[i], frames[i - 1])]
        times = np.diff([*firsts, len(frames)]).tolist()
        if len(frames) > 1:
            recipe = {**recipe, "frames": times}
        info = PngInfo()
        info.add_text(RECIPE, json.dumps({**recipe, "run": self.run, "number": number}))
        for name, text in (texts or {}).items():
            info.add_text(name, text)
        pages = [Image.fromarray(frames[i][..., 0] if frames.shape[-1] == 1 else frames[i]) for i in firsts]
        path = self.folder / self.name(number)
        part = path.with_suffix(".part")
        moving = {"save_all": True, "append_images": pages[1:], "loop": 0}
        moving["duration"] = [min(n * self.milliseconds, LONGEST) for n in times]
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
            with Image.open(path) as picture:
                recipe = _parsed(picture.info.get(RECIPE), path)
                if recipe.get("run") != self.run or recipe.get("number") != number:
                    return None
                # Checksums to the end of the file: other packs tell Pillow to load what is cut off, and grey the rest.
                picture.verify()
            with Image.open(path) as picture:
                return _frames(picture, recipe.get("frames", [1]))
        except (OSError, SyntaxError, ValueError, TypeError, EOFError, Image.DecompressionBombError) as error:
            log.warning("%s cannot be read (%s) and is made again.", path.name, error)
            return None


def read_recipe(path) -> dict:
    """The recipe in the PNG file `path`: the space, the point u and the rest that rebuilds the picture.

    Raises ValueError if the file has none, OSError if it is not a picture.
    """
    with Image.open(path) as picture:
        return _parsed(getattr(picture, "text", {}).get(RECIPE), Path(path))


def _parsed(text: str | None, path: Path) -> dict:
    try:
        recipe = json.loads(text or "")
    except (TypeError, ValueError):
        recipe = None
    if not isinstance(recipe, dict):
        raise ValueError(f"{path.name} holds no surrogate recipe.")
    return recipe


def _frames(picture: Image.Image, times: list[int]) -> np.ndarray:
    """The frames of a picture whose page i is shown for `times[i]` frames."""
    if getattr(picture, "n_frames", 1) != len(times):
        raise ValueError(f"{getattr(picture, 'n_frames', 1)} different frames, expected {len(times)}")
    frames = []
    for index, count in enumerate(times):
        picture.seek(index)
        pixels = np.asarray(picture)
        frames += [pixels if pixels.ndim == 3 else pixels[..., None]] * count
    return np.stack(frames)
