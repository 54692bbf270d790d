"""Clips: the frames that belong to each point, in what comes over an IMAGE wire."""

from __future__ import annotations

import torch

__all__ = ["split_clips"]


def split_clips(images: list[torch.Tensor], count: int, what: str = "points") -> list[torch.Tensor]:
    """The frames (t, h, w, c) of each of `count` points, from a list of IMAGE batches; parts of them where possible.

    As many batches as points: a batch each, of any length. Otherwise all pictures in order, as many for each point.
    Raises ValueError if they cannot be shared out.
    """
    if len(images) == count and all(len(batch) for batch in images):
        return list(images)
    total = sum(len(batch) for batch in images)
    if not total or total % count:
        raise ValueError(
            f"images holds {total} pictures, but there are {count} {what}: connect all of them; for clips one batch for "
            "each, or the same number of frames for each."
        )
    frames = total // count
    clips: list[torch.Tensor] = []
    left: list[torch.Tensor] = []
    for batch in images:
        start = 0
        while start < len(batch):
            stop = start + frames - sum(len(part) for part in left)
            left.append(batch[start:stop])
            start = min(stop, len(batch))
            if sum(len(part) for part in left) == frames:
                clips.append(_joined(left))
                left = []
    return clips


def _joined(parts: list[torch.Tensor]) -> torch.Tensor:
    if len(parts) == 1:
        return parts[0]
    sizes = sorted({f"{part.shape[2]}×{part.shape[1]}" for part in parts})
    if len(sizes) > 1 or len({part.shape[-1] for part in parts}) > 1:
        raise ValueError(
            f"images has pictures of different sizes ({', '.join(sizes)}) as frames of one clip: connect one batch for "
            "each point."
        )
    return torch.cat(parts)
