"""Draws pictures under which ComfyUI lists workflows: the title and the graph.

    python dev/launch.py dev/thumbnails.py

For workflows whose models have to be downloaded: such a model may not have been run here, and its picture must not be
another model's. Demo workflows have pictures of what they make, but for those that have none of their own yet.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from dev.workflow_files import WORKFLOWS, read  # noqa: E402
from surrogate.pictures.canvas import Canvas, Palette  # noqa: E402
from surrogate.pictures.lettering import Face  # noqa: E402

SIDE, EDGE, BOTTOM = 512, 24, 40
TITLE, LINE = 40, 50  # pixels: size of the title, and from one line to the next
GROUP, NODE, HEAD, WIRE = (34, 34, 38), (70, 70, 76), 5, (150, 150, 158)
WITHOUT = ("demo_variations", "demo_pick")
DRAWN = [name for name, path in WORKFLOWS.items() if "no download" not in path.stem or name in WITHOUT]


def thumbnail(name: str) -> np.ndarray:
    """The picture (512, 512, 3) uint8 of the workflow `name`."""
    workflow, canvas, face = read(name), Canvas(SIDE, SIDE), Face()
    lines = wrapped(WORKFLOWS[name].stem[3:], face, SIDE - 2 * EDGE)
    for number, line in enumerate(lines):
        canvas.text(EDGE, EDGE + LINE * number, line, face, TITLE, Palette.title)
    draw_graph(canvas, workflow, EDGE + LINE * len(lines) + 24)
    return canvas.pixels


def wrapped(text: str, face: Face, width: int) -> list[str]:
    """`text` in lines of at most `width` pixels each, where its words are not longer."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and face.mask(longer, TITLE).shape[1] <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def draw_graph(canvas: Canvas, workflow: dict, top: int) -> None:
    """Groups, wires and nodes from `top` down, stretched to fill the picture; notes are left out."""
    groups = [group["bounding"] for group in workflow["groups"]]
    left, right = min(g[0] for g in groups), max(g[0] + g[2] for g in groups)
    above, below = min(g[1] for g in groups), max(g[1] + g[3] for g in groups)
    scale = (SIDE - 2 * EDGE) / (right - left), (SIDE - BOTTOM - top) / (below - above)

    def place(x: float, y: float) -> tuple[int, int]:
        return round(EDGE + (x - left) * scale[0]), round(top + (y - above) * scale[1])

    for group, (x, y, width, height) in zip(workflow["groups"], groups, strict=True):
        box = *place(x, y), *place(x + width, y + height)
        canvas.plate(*box, 6, rgb(group["color"]), 0.45)
    nodes = {node["id"]: node for node in workflow["nodes"] if not node["type"].endswith("Note")}
    for _, source, _, target, _, _ in workflow["links"]:
        draw_wire(canvas, place(*right_of(nodes[source])), place(*left_of(nodes[target])))
    for node in nodes.values():
        (x, y), (width, height) = node["pos"], node["size"]
        (x0, y0), (x1, y1) = place(x, y - 30), place(x + width, y + height)
        canvas.plate(x0, y0, x1, y1, 3, NODE)
        canvas.fill(x0, y0, x1, min(y1, y0 + HEAD), rgb(node.get("bgcolor", "#9a9aa2")))


def right_of(node: dict) -> tuple[float, float]:
    return node["pos"][0] + node["size"][0], node["pos"][1] + 20


def left_of(node: dict) -> tuple[float, float]:
    return node["pos"][0], node["pos"][1] + 20


def draw_wire(canvas: Canvas, start: tuple[int, int], end: tuple[int, int]) -> None:
    """A curve that leaves and arrives level."""
    steps = 2 * (abs(end[0] - start[0]) + abs(end[1] - start[1])) + 2
    along = np.linspace(0, 1, steps)
    rise = along**2 * (3 - 2 * along)
    for x, y in {(round(start[0] + a * (end[0] - start[0])), round(start[1] + b * (end[1] - start[1])))
                 for a, b in zip(along, rise, strict=True)}:  # fmt: skip
        canvas.fill(x, y, x + 2, y + 2, WIRE)


def rgb(text: str) -> tuple[int, int, int]:
    """#rrggbb as numbers."""
    r, g, b = bytes.fromhex(text.removeprefix("#"))
    return r, g, b


def main() -> None:
    for name in DRAWN:
        Image.fromarray(thumbnail(name)).save(WORKFLOWS[name].with_suffix(".jpg"), quality=90, optimize=True)


if __name__ == "__main__":
    main()
