"""A name for what a part of the graph makes: the same however its nodes are numbered."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Collection, Mapping

__all__ = ["graph_hash", "is_link"]


def graph_hash(prompt: dict | None, node_id: str | None, ignored: Mapping[str, Collection[str]]) -> str:
    """A hash of node `node_id` of an API prompt and of all above it; "" if there is no prompt.

    `ignored`: class type -> the inputs of such nodes that do not count. A value that is not JSON, which only a node that
    expands into others can give them, makes the hash one that never comes again.
    """
    if not prompt or str(node_id) not in prompt:
        return ""
    known: dict[str, str] = {}
    waiting = [str(node_id)]  # not by recursion: the copies of a long loop are a deep graph
    while waiting:
        if waiting[-1] in known:
            waiting.pop()
            continue
        node = prompt[waiting[-1]]
        skipped = ignored.get(node["class_type"], ())
        counted = {name: value for name, value in node["inputs"].items() if name not in skipped}
        above = [str(value[0]) for value in counted.values() if is_link(value, prompt)]
        new = [other for other in above if other not in known]
        if new:
            waiting += new
            continue
        inputs = {
            name: [known[str(value[0])], value[1]] if is_link(value, prompt) else value
            for name, value in counted.items()
        }
        text = json.dumps([node["class_type"], inputs], sort_keys=True, default=lambda _: uuid.uuid4().hex)
        known[waiting.pop()] = hashlib.sha256(text.encode()).hexdigest()
    return known[str(node_id)]


def is_link(value, prompt: dict) -> bool:
    return isinstance(value, list) and len(value) == 2 and str(value[0]) in prompt and isinstance(value[1], int)
