"""What a node has to say to the person in front of it: in the log, and under the node in the browser."""

from __future__ import annotations

import logging
import sys

import comfy.sample
import torch
from comfy_api.latest import io
from server import PromptServer

__all__ = ["replaced_noise", "say", "warn"]

log = logging.getLogger("ComfyUI-Surrogate")


def say(node: type[io.ComfyNode] | None, text: str) -> None:
    """Show `text` under the node."""
    node_id = node.hidden.unique_id if node is not None and node.hidden else None
    show = getattr(PromptServer.instance, "send_progress_text", None)  # newer than 0.3.3x
    if node_id and show:
        show(text, node_id)


def warn(node: type[io.ComfyNode] | None, texts) -> None:
    """Log each warning and show all of them under the node, if there is one."""
    texts = list(texts)
    for text in texts:
        log.warning("%s", text)
    if texts:
        say(node, "\n".join(texts))


def replaced_noise() -> str | None:
    """A warning if another pack has replaced ComfyUI's own noise for the whole process; None if seeds mean core's noise.

    Says which function replaced it. A replacement that draws the same noise as ComfyUI is no reason to warn.
    """
    own = sys.modules["comfy.sample"].__file__
    noise = comfy.sample.prepare_noise
    inner = getattr(comfy.sample, "prepare_noise_inner", noise)
    replaced = next((function for function in (noise, inner) if _file_of(function) != own), None)
    if replaced is None:
        return None
    where = f"{getattr(replaced, '__module__', '?')}.{getattr(replaced, '__qualname__', type(replaced).__name__)}"
    probe = torch.zeros(2, 4, 2, 2)
    expected = torch.randn(probe.shape, generator=torch.Generator().manual_seed(42))
    try:
        with torch.random.fork_rng(devices=[]):
            drawn = noise(probe, 42)
    except Exception as error:  # another pack's function: anything can come
        log.debug("%s cannot be tried: %s", where, error)
    else:
        if isinstance(drawn, torch.Tensor) and torch.equal(drawn.cpu().float(), expected):
            return None
    return (
        f"Another node pack has replaced ComfyUI's noise for the whole server: {where} ({_file_of(replaced)}) takes the "
        "place of comfy.sample.prepare_noise. Integer seeds of this pack mean the noise of an unchanged ComfyUI, so "
        "KSampler and RandomNoise give other pictures here than the corners of a space with the same seeds."
    )


def _file_of(function) -> str | None:
    return getattr(getattr(function, "__code__", None), "co_filename", None)
