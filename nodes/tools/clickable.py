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
    height, width = picture.shape[:2]
    few = len(sheet.boxes) <= MOST_CELLS
    marks, labels, w = ((), (), ()) if points is None else (points.marks, points.labels, points.w)
    return [
        {
            "file": file,
            "size": [width, height],
            "count": len(sheet.boxes),
            "boxes": sheet.boxes.tolist() if few else [],
            "labels": [mark or label for mark, label in zip(points.marks, points.labels)]
            if few and points is not None
            else [],
            "weights": [write_weights(one) for one in w] if np.size(w) <= MOST_NUMBERS else [],
        }
    ]
