"""Nodes that run as copies: loops, and other nodes that expand into a graph, run copies of what the browser shows."""

from __future__ import annotations

__all__ = ["running_graph", "shown_id"]


def shown_id(hidden) -> str:
    """The id of the node in the browser that this one is, or is a copy of."""
    node_id, dynprompt = str(hidden.unique_id), hidden.dynprompt
    return node_id if dynprompt is None else str(dynprompt.get_display_node_id(node_id))


def running_graph(hidden) -> dict:
    """The API prompt in which the node is: the one that was queued, or for a copy that with all copies."""
    prompt, dynprompt = hidden.prompt or {}, hidden.dynprompt
    if dynprompt is None or str(hidden.unique_id) in prompt:
        return prompt
    return {node_id: dynprompt.get_node(node_id) for node_id in dynprompt.all_node_ids()}
