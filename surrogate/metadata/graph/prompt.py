"""The API prompt in a picture: nodes by id, their inputs, and which of these are links. Checked; nothing is executed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import Untraceable

__all__ = ["Link", "Node", "Prompt", "parse_prompt"]

MOST_NODES = 5000
MOST_INPUTS = 1000
LONGEST = 1 << 22


@dataclass(frozen=True)
class Link:
    """Output number `output` of the node `node`."""

    node: str
    output: int


@dataclass(frozen=True)
class Node:
    """A node: `inputs` are its widgets' values, `links` those inputs that come from other nodes."""

    id: str
    kind: str
    inputs: dict[str, Any] = field(repr=False)
    links: dict[str, Link] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.kind[:60]} (node {self.id[:40]})"


@dataclass(frozen=True)
class Prompt:
    """All nodes of a prompt; `text` is the JSON it was read from."""

    nodes: dict[str, Node]
    text: str = field(repr=False)

    def above(self, *ids: str) -> list[str]:
        """The nodes `ids` and all that they depend on, each after those it depends on (but for nodes in a circle)."""
        order: list[str] = []
        seen: set[str] = set()
        for start in ids:
            stack: list[tuple[str, Iterator[Link]]] = []
            following = start if start not in seen else None
            while stack or following is not None:
                if following is not None:
                    seen.add(following)
                    stack.append((following, iter(self.nodes[following].links.values())))
                current, links = stack[-1]
                following = next((link.node for link in links if link.node not in seen), None)
                if following is None:
                    stack.pop()
                    order.append(current)
        return order


def parse_prompt(text: str) -> Prompt:
    """The prompt in `text`, as ComfyUI's save nodes write it. Raises Untraceable with the reason if it is none."""
    if len(text) > LONGEST:
        raise Untraceable(f"its prompt is refused: {len(text) >> 20} MiB of text, more than {LONGEST >> 20}")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise Untraceable(f"its prompt cannot be read: {reason}") from None
    if not isinstance(found, dict) or not found:
        raise Untraceable("its prompt is not a graph of nodes")
    if len(found) > MOST_NODES:
        raise Untraceable(f"its prompt is refused: {len(found)} nodes, more than {MOST_NODES}")
    nodes = {}
    for number, entry in found.items():
        kind, inputs = (entry.get("class_type"), entry.get("inputs")) if isinstance(entry, dict) else (None, None)
        if not isinstance(kind, str) or not isinstance(inputs, dict) or len(inputs) > MOST_INPUTS:
            raise Untraceable(f"its prompt is not a graph of nodes: entry {number[:40]!r} has no class_type and inputs")
        links = {name: link for name, value in inputs.items() if (link := _link(value, found)) is not None}
        values = {name: _unwrapped(value) for name, value in inputs.items() if name not in links}
        nodes[number] = Node(number, kind, values, links)
    return Prompt(nodes, text)


def _unwrapped(value):
    """ComfyUI's way to write a list that is not a link."""
    return value["__value__"] if isinstance(value, dict) and set(value) == {"__value__"} else value


def _link(value, nodes: dict) -> Link | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    node, output = value
    if isinstance(node, bool) or not isinstance(node, (str, int)) or str(node) not in nodes:
        return None
    if isinstance(output, bool) or not isinstance(output, int) or not 0 <= output < 1000:
        return None
    return Link(str(node), output)
