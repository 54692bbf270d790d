"""Lays the workflows out so that nothing overlaps, however they are drawn.

    python dev/launch.py dev/layout.py [NAME …]      default: all of them

Nodes are as wide and as high as the page makes them: they differ between classic nodes and Nodes 2.0 and between
versions of the page. So every workflow is opened in each (SURROGATE_FRONTEND adds the newest, see dev/browser.py), each
node gets the largest size that it had anywhere, and what is then in the way moves to the right or down. Run it after
adding a node to a workflow, or when a newer page makes nodes larger.
"""

from __future__ import annotations

import json
import sys
import tempfile
from bisect import bisect
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from dev.boxes import NOTES, Box, drawn, faults  # noqa: E402
from dev.browser import FRONTENDS, NODES, frontend_arguments, open_page, prepare, settle, show  # noqa: E402
from dev.client import Client  # noqa: E402
from dev.server import Server  # noqa: E402
from dev.workflow_files import WORKFLOWS, write  # noqa: E402

TITLE = 30  # of a node, above its position
GAP = 30  # between two nodes
BORDER = (15, 45, 15, 15)  # of a group: left, top, right, bottom
WINDOW = (3600, 2200)  # so large that every workflow is drawn whole
LONG, WIDE = 12, 300  # letters of an input's name, and the width that a node with a longer one needs: see web/sizes.js
VIEW = (1500, 900)  # what is seen when a workflow is opened
READABLE = 0.58  # classic nodes have no texts where these would be smaller than 8 of 14 pixels
# Pixels of it that the page's bars cover: at the left, and at the top with the one about Nodes 2.0 and with what Nodes 2.0
# move notes up in pages that spread nodes.
BARS = (80, 165)

Sizes = dict[str, tuple[float, float]]


def main(names: list[str]) -> None:
    files = [WORKFLOWS[name] for name in names] or list(WORKFLOWS.values())
    workflows = {file: json.loads(file.read_text("utf-8")) for file in files}
    sizes = measure(workflows)
    for file, workflow in workflows.items():
        lay_out(workflow, sizes[file])
        write(file, workflow)


def measure(workflows: dict[Path, dict]) -> dict[Path, Sizes]:
    """Of every workflow: node id -> the largest width and height, without the title, that any page gives it."""
    found: dict[Path, Sizes] = {file: {} for file in workflows}
    for name in FRONTENDS:
        server = Server(
            "layout",
            packs=[ROOT / "tests" / "comfy" / "testkit"],
            arguments=["--cpu", *frontend_arguments(name)],
            services=True,
        )
        with server, tempfile.TemporaryDirectory() as profile:
            prepare(Client(server.url))
            with open_page(server.url, Path(profile), WINDOW) as page:
                for kind, nodes_2 in NODES.items():
                    for file, workflow in workflows.items():
                        show_whole(page, workflow, nodes_2)
                        graph = drawn(page)
                        _enlarge(found[file], graph.nodes)
                        print(f"{file.stem}, {name}, {kind}: {len(list(faults(graph)))} faults", flush=True)
    return found


def show_whole(page, workflow: dict, nodes_2: bool) -> None:
    """Open it, at a zoom at which Nodes 2.0 draws all of it."""
    show(page, workflow, nodes_2)
    page.evaluate("""() => {
        const edge = which => Math.min(...app.graph.nodes.map(node => node.pos[which]));
        app.canvas.ds.scale = 0.8;
        app.canvas.ds.offset = [100 - edge(0), 150 - edge(1)];
        app.canvas.setDirty(true, true);
    }""")
    settle(page)


def _enlarge(sizes: Sizes, nodes: Sequence[Box]) -> None:
    for node in nodes:
        width, height = sizes.get(node.name, (0, 0))
        across, down = node.right - node.left, node.bottom - node.top - TITLE
        sizes[node.name] = (max(width, across), max(height, down))


def lay_out(workflow: dict, sizes: Sizes) -> None:
    """Give the nodes of a workflow these sizes, in place, and move nodes and groups apart where they would overlap."""
    old_groups = {group["title"]: _bounds(group) for group in workflow["groups"]}
    members = {title: _inside(workflow["nodes"], bounds) for title, bounds in old_groups.items()}
    for nodes in members.values():
        _spread_nodes(nodes, sizes)
    for group in workflow["groups"]:
        nodes = members[group["title"]]
        old = group["bounding"]
        right = max([old[0] + old[2], *(node["pos"][0] + node["size"][0] + BORDER[2] for node in nodes)])
        bottom = max([old[1] + old[3], *(node["pos"][1] + node["size"][1] + BORDER[3] for node in nodes)])
        group["bounding"] = [*old[:2], right - old[0], bottom - old[1]]
    _spread_groups(workflow["groups"], old_groups, members)
    _stretch_notes(workflow, old_groups)
    _look_at(workflow)


def _spread_nodes(nodes: list[dict], sizes: Sizes) -> None:
    old = [_node_bounds(node) for node in nodes]
    for node in nodes:
        width, height = sizes.get(str(node["id"]), (0, 0))
        width = max(width, _least_width(node))
        node["size"] = [max(_up(width), node["size"][0]), max(_up(height), node["size"][1])]
    new = [_node_bounds(node) for node in nodes]
    for node, left, top in zip(nodes, *apart(old, new)):
        node["pos"] = [left, top + TITLE]


def _least_width(node: dict) -> float:
    """Nodes 2.0 would cut off the long names of inputs."""
    names = [entry["name"] for entry in node["inputs"] if "widget" in entry]
    return WIDE if any(len(name) > LONG for name in names) else 0


def _spread_groups(groups: list[dict], old: dict[str, Box], members: dict[str, list[dict]]) -> None:
    new = [_bounds(group) for group in groups]
    for group, left, top in zip(groups, *apart(list(old.values()), new)):
        across, down = left - group["bounding"][0], top - group["bounding"][1]
        group["bounding"][:2] = [left, top]
        for node in members[group["title"]]:
            node["pos"] = [node["pos"][0] + across, node["pos"][1] + down]


def apart(old: list[Box], new: list[Box]) -> tuple[list[float], list[float]]:
    """New left and top edges, at which boxes that did not overlap as `old` do not overlap with the sizes of `new`.

    Two boxes of which one was to the right of the other stay so; of any other two, one stays below the other.
    """
    after = [[a.right <= b.left for a in old] for b in old]
    below = [
        [a.bottom <= b.top and not after[j][i] and not after[i][j] for i, a in enumerate(old)]
        for j, b in enumerate(old)
    ]
    lefts = _pushed([(b.left, b.right) for b in old], [b.right - b.left for b in new], after)
    tops = _pushed([(b.top, b.bottom) for b in old], [b.bottom - b.top for b in new], below)
    return lefts, tops


def _pushed(old: list[tuple[float, float]], lengths: list[float], after: list[list[bool]]) -> list[float]:
    """Where each begins: where it did, or further on; the gap to whatever it comes after is kept, but at most GAP."""
    begins = [begin for begin, _ in old]
    for j in sorted(range(len(old)), key=lambda j: old[j][0]):
        for i, is_after in enumerate(after[j]):
            if is_after:
                begins[j] = max(begins[j], begins[i] + lengths[i] + min(old[j][0] - old[i][1], GAP))
    return begins


def _stretch_notes(workflow: dict, old_groups: dict[str, Box]) -> None:
    """Notes span the groups that they spanned before."""
    edges: list[tuple[float, float]] = []
    for group in workflow["groups"]:
        old, new = old_groups[group["title"]], _bounds(group)
        edges += [(old.left, new.left), (old.right, new.right)]
    edges.sort()
    for node in workflow["nodes"]:
        if node["type"] in NOTES:
            left, right = (_moved(x, edges) for x in (node["pos"][0], node["pos"][0] + node["size"][0]))
            node["pos"][0], node["size"][0] = left, right - left


def _moved(x: float, edges: list[tuple[float, float]]) -> float:
    """As far to the right as the last edge at or before x; never back."""
    before = edges[: bisect([old for old, _ in edges], x)]
    return x + max((new - old for old, new in before), default=0)


def _look_at(workflow: dict) -> None:
    """A view that shows the whole workflow, or its left part where that would be too small to read, clear of the page's bars."""
    boxes = [_node_bounds(node) for node in workflow["nodes"]]
    left, top = min(box.left for box in boxes), min(box.top for box in boxes)
    width, height = max(box.right for box in boxes) - left, max(box.bottom for box in boxes) - top
    scale = min(1.0, max(READABLE, min(VIEW[0] / width, VIEW[1] / height)))
    scale = round(scale, 2)
    workflow["extra"]["ds"] = {"scale": scale, "offset": [round(BARS[0] / scale - left), round(BARS[1] / scale - top)]}


def _inside(nodes: list[dict], bounds: Box) -> list[dict]:
    return [node for node in nodes if node["type"] not in NOTES and _node_bounds(node).is_inside(bounds)]


def _node_bounds(node: dict) -> Box:
    (x, y), (width, height) = node["pos"], node["size"]
    return Box(str(node["id"]), node["type"], x, y - TITLE, x + width, y + height)


def _bounds(group: dict) -> Box:
    x, y, width, height = group["bounding"]
    return Box(group["title"], "group", x, y, x + width, y + height)


def _up(length: float) -> int:
    """To whole fives: what a node measures differs by fractions from run to run."""
    return -int(-(length - 0.5) // 5) * 5


if __name__ == "__main__":
    main(sys.argv[1:])
