"""Schemas: what an older ComfyUI does not know is left out, and defaults are those of the function that a node calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from comfy_api.latest import io

__all__ = ["defaults", "schema"]

# Fields that came after the oldest ComfyUI that the pack supports; without them a node is harder to find, not different.
NEWER = ("search_aliases",)


def schema(**fields) -> io.Schema:
    """The io.Schema with these `fields`, without those of `NEWER` that this ComfyUI does not know."""
    known = inspect.signature(io.Schema).parameters
    if io.Hidden.unique_id in fields.get("hidden", ()):  # a copy's messages go to the node that it is a copy of
        fields["hidden"] = [*dict.fromkeys([*fields["hidden"], io.Hidden.dynprompt])]
    return io.Schema(**{name: value for name, value in fields.items() if name not in NEWER or name in known})


def defaults(act: Callable) -> dict[str, Any]:
    """Parameter -> default of `act`, the function of `surrogate` that a node calls with what is typed into it."""
    parameters = inspect.signature(act).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}
