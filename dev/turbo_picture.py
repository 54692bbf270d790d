"""Draws nine noises beside nine points on the prompt (``docs/turbo.png``), and the picture of the template that makes them.

    python dev/launch.py dev/turbo_picture.py

It runs the workflow demo_turbo in a private ComfyUI: the demo model, changed to behave as a distilled model does.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from dev.client import Client  # noqa: E402
from dev.server import Server  # noqa: E402
from dev.workflow_files import WORKFLOWS, twin  # noqa: E402
from surrogate.pictures.canvas import Canvas, Palette  # noqa: E402
from surrogate.pictures.lettering import Face  # noqa: E402
from surrogate.resizing import resampled  # noqa: E402

NAME, PICTURE, THUMBNAIL = "demo_turbo", ROOT / "docs" / "turbo.png", 512
COUNT, SIDE, GAP, EDGE, HEAD, TEXT = 3, 128, 8, 24, 48, 24
# Render Points of the workflow -> what is over its pictures.
GRIDS = {"9": "Nine noises", "11": "Nine points on the prompt"}


def pictures() -> list[list[np.ndarray]]:
    """Of each node of `GRIDS`: nine pictures (128, 128, 3) uint8."""
    with Server("turbo", arguments=["--cpu"]) as server:
        client = Client(server.url)
        entry = client.run(twin(NAME), timeout=1800)
        files = [entry["outputs"][node]["images"] for node in GRIDS]
        return [
            [np.asarray(Image.open(io.BytesIO(client.view(one))).convert("RGB")) for one in group] for group in files
        ]


def draw_grid(canvas: Canvas, left: int, top: int, grid: list[np.ndarray], side: int, gap: int) -> None:
    """Nine pictures as squares of `side` pixels with `gap` between them."""
    for i, picture in enumerate(grid):
        row, column = divmod(i, COUNT)
        canvas.paste(left + column * (side + gap), top + row * (side + gap), resampled(picture, side, side))


def beside(grids: list[list[np.ndarray]]) -> np.ndarray:
    """Both grids with their captions, uint8."""
    extent = COUNT * SIDE + (COUNT - 1) * GAP
    canvas, face = Canvas(3 * EDGE + 2 * extent, HEAD + extent + EDGE), Face()
    for number, (grid, caption) in enumerate(zip(grids, GRIDS.values(), strict=True)):
        left = EDGE + number * (extent + EDGE)
        canvas.text(left, 12, caption, face, TEXT, Palette.title)
        draw_grid(canvas, left, HEAD, grid, SIDE, GAP)
    return canvas.pixels


def thumbnail(grids: list[list[np.ndarray]]) -> np.ndarray:
    """The first row of the first grid over the second grid, (512, 512, 3) uint8."""
    side, gap, edge = 112, 6, 82
    canvas = Canvas(THUMBNAIL, THUMBNAIL)
    draw_grid(canvas, edge, 14, grids[0][:COUNT], side, gap)
    draw_grid(canvas, edge, 14 + side + 24, grids[1], side, gap)
    return canvas.pixels


def main() -> None:
    grids = pictures()
    Image.fromarray(beside(grids)).save(PICTURE, optimize=True)
    Image.fromarray(thumbnail(grids)).save(WORKFLOWS[NAME].with_suffix(".jpg"), quality=90, optimize=True)


if __name__ == "__main__":
    main()
