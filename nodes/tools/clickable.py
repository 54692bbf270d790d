"""A contact sheet as the browser shows it: a copy of its picture, and what is where on it."""

from __future__ import annotations

import logging

import numpy as np

from ...surrogate.pictures.thumbnails import thumbnail
from ...surrogate.points import Points, write_weights
from .outputs import temporary_picture

__all__ = ["clickable"]

log = logging.getLogger("ComfyUI-Surrogate")
# The longest side of the copy, in pixels.
SIDE = 2048
# What the browser is told becomes part of the workflow: of larger sheets it is not told everything.
MOST_CELLS = 1000
MOST_NUMBERS = 2000


def clickable(sheet, picture: np.ndarray, points: Points | None) -> list[dict]:
    """For a node's `ui`: the file, and for each cell its box in pixels of the `sheet`, its label and its weights as text.

    picture : the sheet as it was drawn, (h, w, 3) uint8
    Weights are left out where there are many, boxes where there are more than a person can click on. Empty if the
    disk is full.
    """
    try:
        file = temporary_picture(thumbnail(picture, SIDE))
    except OSError as error:
        log.warning("Contact Sheet cannot show its sheet in the node: %s", error)
        return []
    few = len(sheet.boxes) <= MOST_CELLS
    return [
        {
            "file": file,
            "size": [picture.shape[1], picture.shape[0]],
            "count": len(sheet.boxes),
            "boxes": sheet.boxes.tolist() if few else [],
            "labels": _labels(points) if few else [],
            "weights": _weights(points),
        }
    ]


def _labels(points: Points | None) -> list[str]:
    return [] if points is None else [mark or label for mark, label in zip(points.marks, points.labels, strict=True)]


def _weights(points: Points | None) -> list[str]:
    return [] if points is None or points.w.size > MOST_NUMBERS else [write_weights(w) for w in points.w]
