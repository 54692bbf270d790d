"""Embeddings by the user's own CLIP models: the directions whose cosine says how well a picture fits."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...surrogate.scores.images import check_images, rgb

__all__ = ["embedding_of_text", "embeddings_of_pictures", "embeddings_of_target"]

BLACK = np.zeros((8, 8, 3))
# Of core's text models: no node of core's own asks for the projected embedding.
INTERNAL = ("reset_clip_options", "set_clip_options", "encode_token_weights")


def embeddings_of_pictures(vision_model, images, name: str = "images") -> torch.Tensor:
    """Embeddings (n, d) of images (n, h, w, c); NaN for a picture with pixels that are not finite.

    Picture by picture, so that none depends on the others of its batch; grey and transparent pictures as in all scores.
    """
    rows = []
    for image in check_images(images, name):
        pixels = rgb(image, name)
        row = _embedding(vision_model, BLACK if pixels is None else pixels)
        rows.append(torch.full_like(row, torch.nan) if pixels is None else row)
    return torch.stack(rows)


def embeddings_of_target(vision_model, target) -> torch.Tensor:
    """The same for pictures to compare with, which must all be finite."""
    embeddings = embeddings_of_pictures(vision_model, target, "target")
    if bool(embeddings.isnan().any()):
        raise ValueError("target has pixels that are NaN or infinite: no picture can resemble it.")
    return embeddings


def _embedding(vision_model, pixels: np.ndarray) -> torch.Tensor:
    embeds = vision_model.encode_image(torch.from_numpy(pixels).float()[None])["image_embeds"]
    if embeds.ndim != 2:
        raise ValueError(
            f"clip_vision gives {tuple(embeds.shape)} numbers for a picture instead of one row: SigLIP models do "
            "that. Load a CLIP vision model, such as clip-vit-large-patch14."
        )
    return embeds[0].float().cpu()


def embedding_of_text(text_model, text: str, vision_model) -> torch.Tensor:
    """The embedding (1, d) of `text` that CLIP made for comparing with pictures, checked to be one for `vision_model`."""
    model: Any = getattr(text_model, "cond_stage_model", None)
    lacking = [name for name in INTERNAL if not hasattr(model, name)]
    if lacking:
        raise ValueError(
            f"clip cannot be asked for the embedding that pictures have in common with it: it has no {', '.join(lacking)}. "
            "Load it with ComfyUI's own CLIP loaders; if you did, update the pack."
        )
    # Diffusion models want the embedding before its projection to the directions of pictures, so that is what core gives
    # for CLIP-L. Every encoding by core begins with these options as they were.
    model.reset_clip_options()
    model.set_clip_options({"projected_pooled": True})
    try:
        text_model.load_model()
        pooled = model.encode_token_weights(text_model.tokenize(text))[1]
    finally:
        model.reset_clip_options()
    if pooled is None:
        raise ValueError(
            "clip gives one embedding for each token and none for the text, as T5 and other language models do: connect "
            "a CLIP model, such as CLIP-L."
        )
    pooled = pooled.float().cpu()
    if _without_projection(model, pooled):
        raise ValueError(
            "clip has no text projection, so its text and a picture have no direction in common (FLUX's "
            "clip_l.safetensors is such a file; ComfyUI's log says: clip missing: text_projection.weight). Load a whole "
            "CLIP, such as clip-vit-large-patch14."
        )
    width = _embedding(vision_model, BLACK).shape[0]
    if pooled.shape[1] != width:
        raise ValueError(
            f"clip gives {pooled.shape[1]} numbers and clip_vision {width}. They must be the two halves of one CLIP, such "
            "as clip-vit-large-patch14, whose one file both loaders take."
        )
    return pooled


def _without_projection(model: torch.nn.Module, pooled: torch.Tensor) -> bool:
    """Whether the projection behind `pooled` (1, d) is what was in memory by chance, as core leaves it if the file has none.

    Measured on such files: all but a few values are 0, or their scale is 30 and more; trained ones lie around d^-0.5.
    """
    if not bool(torch.isfinite(pooled).all()) or not bool(pooled.any()):
        return True
    for name, weight in model.named_parameters():
        if name.endswith("text_projection.weight") and len(weight) == pooled.shape[1]:
            values = weight.detach().float()
            if bool((values == 0).float().mean() > 0.5) or not bool(values.std() < 1):
                return True
    return False
