"""What a node has to say to the person in front of it: in the log, and under the node in the browser."""

from __future__ import annotations

import logging

from comfy_api.latest import io
from server import PromptServer

from .copies import shown_id

__all__ = ["say", "warn"]

log = logging.getLogger("ComfyUI-Surrogate")


def say(node: type[io.ComfyNode] | None, text: str) -> None:
    """Show `text` under the node."""
    show = getattr(PromptServer.instance, "send_progress_text", None)  # newer than 0.3.3x
    if show and node is not None and node.hidden and node.hidden.unique_id:
        show(text, shown_id(node.hidden))


def warn(node: type[io.ComfyNode] | None, texts) -> None:
    """Log each warning and show all of them under the node, if there is one."""
    texts = list(texts)
    for text in texts:
        log.warning("%s", text)
    if texts:
        say(node, "\n".join(texts))
