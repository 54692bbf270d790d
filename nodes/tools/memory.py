"""How much may lie in memory at once."""

from __future__ import annotations

import math

import comfy.model_management
import torch

__all__ = ["room"]


def room() -> float:
    """Half of the free memory in bytes; infinite where ComfyUI does not say how much is free."""
    free = getattr(comfy.model_management, "get_free_memory", None)
    return math.inf if free is None else free(torch.device("cpu")) / 2
