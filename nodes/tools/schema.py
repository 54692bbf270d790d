"""Schemas for every ComfyUI that the pack runs on: what an older one does not know is left out."""

from __future__ import annotations

import inspect

from comfy_api.latest import io

__all__ = ["schema"]

# Fields that came after the oldest ComfyUI that the pack supports; without them a node is harder to find, not different.
NEWER = ("search_aliases",)


def schema(**fields) -> io.Schema:
    """The io.Schema with these `fields`, without those of `NEWER` that this ComfyUI does not know."""
    known = inspect.signature(io.Schema).parameters
    return io.Schema(**{name: value for name, value in fields.items() if name not in NEWER or name in known})
