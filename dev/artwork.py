"""Draw the icon and the banner under which ComfyUI's registry shows the pack, from a picture that the pack made.

    python dev/launch.py dev/artwork.py

It cuts the 25 pictures out of `docs/demo_grid.png` (the grid between four seeds), and writes `docs/icon.png`
(400 × 400 pixels) and `docs/banner.png` (21:9).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from surrogate.pictures.canvas import Canvas, Palette  # noqa: E402
from surrogate.pictures.lettering import Face  # noqa: E402
from surrogate.resizing import resampled  # noqa: E402

GRID = ROOT / "docs" / "demo_grid.png"
ICON, BANNER = ROOT / "docs" / "icon.png", ROOT / "docs" / "banner.png"
# Pixels of the grid's picture: where its first cell begins, from one cell to the next, and a cell's side.
LEFT, TOP, STEP_X, STEP_Y, CELL, COUNT = 108, 90, 154, 154, 128, 5
ICON_SIDE, BANNER_SIZE = 400, (1260, 540)
TITLE = "ComfyUI-Surrogate"
LINES = ("A few seeds become a small space.", "Every point in it is an image:", "draw grids and paths, or search it.")


def cells() -> list[list[np.ndarray]]:
    """The pictures of the grid, row by row, each (128, 128, 3) uint8."""
    with Image.open(GRID) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    rows, columns = range(TOP, TOP + COUNT * STEP_Y, STEP_Y), range(LEFT, LEFT + COUNT * STEP_X, STEP_X)
    return [[pixels[y : y + CELL, x : x + CELL] for x in columns] for y in rows]


def draw_grid(canvas: Canvas, left: int, top: int, pictures: list[list[np.ndarray]], side: int, gap: int) -> None:
    """Lay `pictures` out as squares of `side` pixels with `gap` between them; those in the corners, the seeds, are framed."""
    last = len(pictures) - 1
    for i, row in enumerate(pictures):
        for j, picture in enumerate(row):
            x, y = left + j * (side + gap), top + i * (side + gap)
            if i in (0, last) and j in (0, last):
                canvas.frame(x, y, x + side, y + side, max(3, side // 20), Palette.mark)
            canvas.paste(x, y, resampled(np.ascontiguousarray(picture), side, side))


def icon() -> np.ndarray:
    """Every second picture of the grid, (400, 400, 3) uint8: nine can still be told apart where the icon is small."""
    canvas = Canvas(ICON_SIDE, ICON_SIDE)
    side, gap, edge = 116, 14, 12
    draw_grid(canvas, edge, edge, [row[::2] for row in cells()[::2]], side, gap)
    return canvas.pixels


def banner() -> np.ndarray:
    """The name and the idea in words, and the grid, (540, 1260, 3) uint8."""
    width, height = BANNER_SIZE
    canvas, face = Canvas(width, height), Face()
    side, gap, edge = 92, 10, 20
    draw_grid(canvas, width - edge - COUNT * side - (COUNT - 1) * gap, edge, cells(), side, gap)
    canvas.text(56, 150, TITLE, face, 54, Palette.title)
    for number, line in enumerate(LINES):
        canvas.text(56, 256 + 40 * number, line, face, 28, Palette.caption)
    return canvas.pixels


def main() -> None:
    for path, pixels in ((ICON, icon()), (BANNER, banner())):
        Image.fromarray(pixels).save(path, optimize=True)
        print(
            f"{path.relative_to(ROOT)}: {pixels.shape[1]} × {pixels.shape[0]} pixels, {path.stat().st_size // 1024} kB"
        )


if __name__ == "__main__":
    main()
