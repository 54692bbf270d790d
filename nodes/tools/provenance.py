"""What decides a picture, as far as a node can see it, and what a file says of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping

import torch
from comfy.cli_args import args

from ...surrogate.files.tensors import save_tensors
from ...surrogate.pictures.gallery import Gallery
from .carrier import recipe_of
from .copies import running_graph
from .graph_hash import graph_hash
from .latents import fix_empty, sample_parts, tensors_of

__all__ = ["drawn", "run_hash", "texts", "with_tensors"]


def run_hash(hidden, what, ignored: Mapping[str, Collection[str]], latent: dict, sigmas: torch.Tensor) -> str:
    """A hash of `what` (JSON), of the graph above the node less the inputs `ignored`, of its latent and its schedule."""
    digest = hashlib.sha256()
    digest.update(json.dumps(what, sort_keys=True).encode())
    digest.update(graph_hash(running_graph(hidden), hidden.unique_id, ignored).encode())
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


def drawn(guider, latent: dict) -> dict:
    """What a recipe says of the noise that will be drawn: its shape (core fits an empty latent to the model), and what else
    points change, by Surrogate Carrier."""
    shape = [list(part) for part in sample_parts(fix_empty(guider.model_patcher, latent))]
    return {"shape": shape, **recipe_of(guider)}


def with_tensors(recipe: dict, space, gallery: Gallery) -> dict | None:
    """The recipe, with the file of the seeds that are tensors; None if pictures are to carry no metadata."""
    if args.disable_metadata:
        return None
    name = f"{gallery.stem.replace('%batch_num%', 'all')}_{gallery.run[:8]}_seeds.safetensors"
    return {**recipe, "tensors": name} if save_tensors(space.seeds, gallery.folder / name) else recipe
