"""New files in ComfyUI's folders: names in the output folder, pictures in the temp folder."""

from __future__ import annotations

import uuid
from pathlib import Path

import folder_paths
import numpy as np
from PIL import Image

__all__ = ["new_files", "temporary_file", "temporary_picture"]


def new_files(prefix: str, *kinds: str) -> list[Path]:
    """Paths for one new file of each of `kinds`, such as csv, under the next number that no file of this name has.

    Raises what core raises for a prefix that leads out of the output folder.
    """
    folder, stem, counter, _, _ = folder_paths.get_save_image_path(prefix, folder_paths.get_output_directory())
    return [Path(folder) / f"{stem}_{counter:05}_.{kind}" for kind in kinds]


def temporary_file(file: dict) -> Path:
    """Where the picture is of which `temporary_picture` has told."""
    return Path(folder_paths.get_temp_directory()) / file["filename"]


def temporary_picture(pixels: np.ndarray) -> dict:
    """`pixels` (h, w, 3) uint8 as a JPEG in the temp folder, and what the browser must be told to show it.

    Raises OSError if it cannot be written.
    """
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    name = f"surrogate_{uuid.uuid4().hex}.jpg"
    Image.fromarray(pixels).save(folder / name, format="JPEG", quality=90)
    return {"filename": name, "subfolder": "", "type": "temp"}
