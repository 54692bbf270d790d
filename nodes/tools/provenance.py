"""What decides a picture, as far as a node can see it, and what a file says of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping

import torch
from comfy.cli_args import args

from .graph_hash import graph_hash
from .latents import tensors_of

__all__ = ["run_hash", "texts"]


def run_hash(hidden, what, ignored: Mapping[str, Collection[str]], latent: dict, sigmas: torch.Tensor) -> str:
    """A hash of `what` (JSON), of the graph above the node less the inputs `ignored`, of its latent and its schedule."""
    digest = hashlib.sha256()
    digest.update(json.dumps(what, sort_keys=True).encode())
    digest.update(graph_hash(hidden.prompt, hidden.unique_id, ignored).encode())
    mask = latent.get("noise_mask")
    for tensor in (*tensors_of(latent["samples"]), sigmas, *([] if mask is None else tensors_of(mask))):
        digest.update(str(tuple(tensor.shape)).encode())
        digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()


def texts(hidden) -> dict[str, str]:
    """What Save Image writes into a PNG."""
    if args.disable_metadata:
        return {}
    found = {} if hidden.prompt is None else {"prompt": json.dumps(hidden.prompt)}
    return found | {name: json.dumps(value) for name, value in (hidden.extra_pnginfo or {}).items()}
