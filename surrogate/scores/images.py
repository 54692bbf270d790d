"""Images as scores see them: RGB in [0, 1], reduced to a working size by area averaging."""

from __future__ import annotations

import numpy as np
import torch

from ..resizing import area_means

__all__ = ["OVERSHOOT", "check_images", "check_target", "reduced", "rgb", "working_size"]

# Sharpening and blending nodes leave [0, 1] a little; what passes this is a mistake of units, such as 0…255.
OVERSHOOT = 1.0


def check_images(images, name: str = "images") -> torch.Tensor:
    """`images` as a float tensor (n, h, w, c), or a ValueError that says what is wrong.

    It is not copied, and the values are not looked at: see `rgb`.
    """
    images = _tensor(images, name)
    if images.ndim != 4:
        hint = " Add the batch: images[None]." if images.ndim == 3 else ""
        raise ValueError(f"{name} must have shape (n, h, w, c), got {tuple(images.shape)}.{hint}")
    if images.shape[0] == 0:
        raise ValueError(f"{name} is an empty batch of shape {tuple(images.shape)}: there is nothing to score.")
    return _checked(images, name)


def check_target(target) -> np.ndarray:
    """The picture `target`, (h, w, c) or (1, h, w, c), as RGB (h, w, 3) float64; a ValueError for anything else."""
    target = _tensor(target, "target")
    if target.ndim == 4 and target.shape[0] == 1:
        target = target[0]
    if target.ndim != 3:
        several = target.ndim == 4 and target.shape[0] > 1
        hint = f" It holds {target.shape[0]} pictures: choose one of them." if several else ""
        raise ValueError(f"target must be one picture, (h, w, c) or (1, h, w, c), got {tuple(target.shape)}.{hint}")
    pixels = rgb(_checked(target, "target"), "target")
    if pixels is None:
        raise ValueError("target has pixels that are NaN or infinite: no picture can match it.")
    return pixels


def rgb(image: torch.Tensor, name: str = "images") -> np.ndarray | None:
    """One image (h, w, 1 | 3 | 4) as a new array (h, w, 3) float64 of sRGB values in [0, 1]; None if not all is finite.

    Grey is spread over the three channels. What is transparent is composited over black, on the sRGB values as
    viewers do. Values that leave [0, 1] by at most `OVERSHOOT` are clipped, as a file would.
    """
    image = image.detach().cpu()
    # numpy from here on: one thread, so that a search does not fight with itself for the processor.
    values = (image.float() if image.dtype == torch.bfloat16 else image).numpy().astype(np.float64)
    if not np.isfinite(values).all():
        return None
    low, high = values.min(), values.max()
    if low < -OVERSHOOT or high > 1 + OVERSHOOT:
        raise ValueError(f"{name} must lie in [0, 1], got values from {low:g} to {high:g}. Divide 0…255 by 255.")
    values = np.clip(values, 0, 1)
    channels = values.shape[-1]
    if channels == 1:
        return values.repeat(3, axis=-1)
    return values[..., :3] * values[..., 3:] if channels == 4 else values


def working_size(height: int, width: int, side: int) -> tuple[int, int]:
    """Height and width with the longest side reduced to `side`; smaller images keep theirs."""
    factor = min(1.0, side / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def reduced(picture: np.ndarray, side: int) -> np.ndarray:
    """`picture` (h, w, c) by area averaging, with the longest side `side`; smaller ones as they are."""
    height, width = picture.shape[:2]
    return area_means(picture, *working_size(height, width, side))


def _tensor(images, name: str) -> torch.Tensor:
    if isinstance(images, np.ndarray) and images.dtype.kind in "fiub":
        images = torch.from_numpy(np.ascontiguousarray(images))
    if not isinstance(images, torch.Tensor):
        hint = " Stack pictures of one size; score those of different sizes one at a time."
        raise ValueError(
            f"{name} must be a float tensor with values in [0, 1], got {type(images).__name__}."
            + (hint if isinstance(images, (list, tuple)) else "")
        )
    if not images.is_floating_point():
        hint = " Divide by 255." if images.dtype == torch.uint8 else ""
        raise ValueError(f"{name} must be a float tensor with values in [0, 1], got {images.dtype}.{hint}")
    return images


def _checked(images: torch.Tensor, name: str) -> torch.Tensor:
    *_, h, w, c = images.shape
    if h == 0 or w == 0:
        raise ValueError(f"{name} has no pixels: got shape {tuple(images.shape)}.")
    if c not in (1, 3, 4):
        hint = " The channels come last: permute (n, c, h, w) to (n, h, w, c)." if images.shape[-3] in (1, 3, 4) else ""
        raise ValueError(f"{name} must have 1, 3 or 4 channels (grey, RGB, RGBA), got {c}.{hint}")
    return images
