"""Where ComfyUI's page draws the nodes and groups of the workflow that is open, and what of it is in the way."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["NOTES", "Box", "Drawn", "drawn", "faults"]

NOTES = ("Note", "MarkdownNote")
SLACK = 2.0  # pixels of the graph: what rounding does to the place of an element on the page

# Everything in pixels of the graph, a node with its title. In Nodes 2.0 a bar below a node is part of its element.
_MEASURE = """() => {
    const canvas = app.canvas.canvas.getBoundingClientRect();
    const graph = (x, y) => app.canvas.convertCanvasToOffset([x - canvas.left, y - canvas.top]);
    const element = node => document.querySelector(`[data-node-id="${node.id}"]`);
    const box = node => {
        if (LiteGraph.vueNodesMode && element(node)) {
            const { left, top, right, bottom } = element(node).getBoundingClientRect();
            return [...graph(left, top), ...graph(right, bottom)];
        }
        const [width, height] = node.computeSize(), [x, y] = node.pos;
        return [x, y - 30, x + Math.max(width, node.size[0]), y + Math.max(height, node.size[1])];
    };
    return {
        nodes: app.graph.nodes.map(node => [String(node.id), node.type, ...box(node)]),
        groups: app.graph._groups.map(({ title, pos, size }) => [title, 'group', pos[0], pos[1], pos[0] + size[0], pos[1] + size[1]]),
    };
}"""


class Box(NamedTuple):
    """A node (`name` is its id) or a group (its title), from (left, top) to (right, bottom), in pixels of the graph."""

    name: str
    kind: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > SLACK and down > SLACK

    def is_inside(self, other: Box) -> bool:
        return (
            self.left >= other.left - SLACK
            and self.top >= other.top - SLACK
            and self.right <= other.right + SLACK
            and self.bottom <= other.bottom + SLACK
        )


class Drawn(NamedTuple):
    nodes: list[Box]
    groups: list[Box]


def drawn(page: Page) -> Drawn:
    """What is drawn now; the whole graph must be in sight, because Nodes 2.0 draws nothing else."""
    found = page.evaluate(_MEASURE)
    return Drawn(*([Box(*one) for one in found[part]] for part in ("nodes", "groups")))


def faults(graph: Drawn) -> Iterator[str]:
    """Every overlap of two nodes, of two groups, and of a note with a group; every node that no group holds."""
    notes = [node for node in graph.nodes if node.kind in NOTES]
    for boxes in (graph.nodes, [*graph.groups, *notes]):
        for a, b in itertools.combinations(boxes, 2):
            if a.overlaps(b):
                yield f"{a.kind} {a.name} overlaps {b.kind} {b.name}"
    for node in graph.nodes:
        if node.kind not in NOTES and not any(node.is_inside(group) for group in graph.groups):
            yield f"{node.kind} {node.name} is in no group"
