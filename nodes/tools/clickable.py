"""A contact sheet as the browser shows it: a copy of its picture, and what is where on it."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ...surrogate.pictures.thumbnails import thumbnail
from ...surrogate.points import Points, write_weights
from ...surrogate.recent import Recent
from .board import Liked, liked_points
from .outputs import temporary_file, temporary_picture

__all__ = ["Drawn", "clickable", "drawn_sheet"]

log = logging.getLogger("ComfyUI-Surrogate")
# Sheets whose pictures can be kept on the board.
REMEMBERED = 32
# The longest side of the copy, in pixels.
SIDE = 2048
# What the browser is told becomes part of the workflow: of larger sheets it is not told everything.
MOST_CELLS = 1000
MOST_NUMBERS = 2000


@dataclass(frozen=True, eq=False)
class Drawn:
    """A sheet: the file with its copy, its `size` (height, width) in pixels, the boxes (n, 4) of its pictures, their points."""

    path: Path
    size: tuple[int, ...]
    boxes: np.ndarray
    points: Points

    def liked(self, cell: int) -> Liked:
        """The picture of a cell, cut out of the sheet, with its seed.

        Raises IndexError for another number, OSError if the copy is gone.
        """
        x0, y0, x1, y1 = self.boxes[range(len(self.boxes))[cell]].tolist()
        with Image.open(self.path) as copy:
            scale = copy.height / self.size[0]
            box = round(scale * x0), round(scale * y0), round(scale * x1), round(scale * y1)
            picture = np.asarray(copy.convert("RGB").crop(box))
        point, space = self.points.select([cell]), self.points.space
        assert space is not None
        (liked,) = liked_points(space, point, [picture[None]], [None])
        return liked


# By the name of the file that the browser shows.
_sheets: Recent[str, Drawn] = Recent(REMEMBERED)


def drawn_sheet(filename: str) -> Drawn | None:
    """The sheet whose picture is in the file `filename`; None if it is too long ago."""
    return _sheets.get(filename)


def clickable(sheet, picture: np.ndarray, points: Points | None, scores: Sequence[float] | None = None) -> list[dict]:
    """For a node's `ui`: the file, and for each cell its box in pixels of the `sheet`, its label and its weights as text.

    picture : the sheet as it was drawn, (h, w, 3) uint8
    scores : a number for each picture, if there are any
    Weights are left out where there are many, boxes where there are more than a person can click on. Empty if the
    disk is full.
    """
    try:
        file = temporary_picture(thumbnail(picture, SIDE))
    except OSError as error:
        log.warning("Contact Sheet cannot show its sheet in the node: %s", error)
        return []
    few = len(sheet.boxes) <= MOST_CELLS
    keepable = few and points is not None and points.space is not None
    if keepable and points is not None:
        _sheets.keep(file["filename"], Drawn(temporary_file(file), picture.shape[:2], sheet.boxes, points))
    return [
        {
            "file": file,
            "size": [picture.shape[1], picture.shape[0]],
            "count": len(sheet.boxes),
            "boxes": sheet.boxes.tolist() if few else [],
            "labels": _labels(points) if few else [],
            "weights": _weights(points),
            "keepable": keepable,
            "scores": [score if math.isfinite(score) else None for score in scores or ()] if few else [],
        }
    ]


def _labels(points: Points | None) -> list[str]:
    return [] if points is None else [mark or label for mark, label in zip(points.marks, points.labels, strict=True)]


def _weights(points: Points | None) -> list[str]:
    return [] if points is None or points.w.size > MOST_NUMBERS else [write_weights(w) for w in points.w]
