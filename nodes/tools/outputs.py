"""Names of new files in ComfyUI's output folder."""

from __future__ import annotations

from pathlib import Path

import folder_paths

__all__ = ["new_files"]


def new_files(prefix: str, *kinds: str) -> list[Path]:
    """Paths for one new file of each of `kinds`, such as csv, under the next number that no file of this name has.

    Raises what core raises for a prefix that leads out of the output folder.
    """
    folder, stem, counter, _, _ = folder_paths.get_save_image_path(prefix, folder_paths.get_output_directory())
    return [Path(folder) / f"{stem}_{counter:05}_.{kind}" for kind in kinds]
