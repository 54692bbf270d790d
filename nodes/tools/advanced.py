"""Inputs for the few who need them: newer frontends fold them away."""

from __future__ import annotations

import inspect

__all__ = ["advanced"]


def advanced(kind, *args, **settings):
    """An optional input of `kind`, such as io.String, marked as advanced where this ComfyUI knows that (2026 and later)."""
    if "advanced" in inspect.signature(kind.Input.__init__).parameters:
        settings["advanced"] = True
    return kind.Input(*args, optional=True, **settings)
