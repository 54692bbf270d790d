"""A name for what a part of the graph makes: the same however its nodes are numbered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping

__all__ = ["graph_hash", "is_link"]


def graph_hash(prompt: dict | None, node_id: str | None, ignored: Mapping[str, Collection[str]]) -> str:
    """A hash of node `node_id` of an API prompt and of all above it; "" if there is no prompt.

    `ignored`: class type -> the inputs of such nodes that do not count.
    """
    if not prompt or str(node_id) not in prompt:
        return ""
    nodes: dict = prompt
    known: dict[str, str] = {}

    def visit(node_id: str) -> str:
        if node_id not in known:
            node = nodes[node_id]
            skipped = ignored.get(node["class_type"], ())
            inputs = {
                name: [visit(str(value[0])), value[1]] if is_link(value, nodes) else value
                for name, value in node["inputs"].items()
                if name not in skipped
            }
            text = json.dumps([node["class_type"], inputs], sort_keys=True)
            known[node_id] = hashlib.sha256(text.encode()).hexdigest()
        return known[node_id]

    return visit(str(node_id))


def is_link(value, prompt: dict) -> bool:
    return isinstance(value, list) and len(value) == 2 and str(value[0]) in prompt and isinstance(value[1], int)
