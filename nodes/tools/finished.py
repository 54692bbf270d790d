"""The pictures of one run of Render Points: those from before, those that are made now, and those that failed."""

from __future__ import annotations

import numpy as np

from ...surrogate.pictures.gallery import Gallery
from .sampling import Rendered

__all__ = ["Finished"]

# Failed pictures that are named one by one.
MOST_NAMED = 8


class Finished:
    """The pictures of one run: those from before, those that are made now, and those that failed."""

    def __init__(self, gallery: Gallery, points, u: np.ndarray, recipe: dict | None, written: dict[str, str]):
        self.gallery, self.points, self.u, self.recipe, self.written = gallery, points, u, recipe, written
        self.missing = list(range(len(points)))
        self.frames: dict[int, np.ndarray] = {}
        self.faults: dict[int, str] = {}

    def load(self) -> None:
        """Take what is there from an earlier run."""
        for i in self.missing:
            frames = self.gallery.load(i + 1)
            if frames is not None:
                self.frames[i] = frames
        self.missing = [i for i in self.missing if i not in self.frames]

    def add(self, one: Rendered) -> None:
        """Save a picture, unless it failed."""
        self.frames[one.index] = np.zeros_like(one.frames) if one.fault else one.frames
        if one.fault:
            self.faults[one.index] = one.fault
        else:
            self.gallery.save(one.index + 1, one.frames, self._own(one.index), self.written)

    def _own(self, i: int) -> dict:
        if self.recipe is None:
            return {}
        return {**self.recipe, "u": self.u[i].tolist(), "label": self.points.labels[i]}

    @property
    def done(self) -> int:
        return len(self.frames)

    @property
    def good(self) -> list[int]:
        return [i for i in range(len(self.points)) if i not in self.faults]

    def in_order(self) -> list[np.ndarray]:
        return [self.frames[i] for i in range(len(self.points))]

    def summary(self) -> str:
        """How many there are, and what failed. Raises ValueError if nothing but failures came of it."""
        if not self.good:
            raise ValueError(f"No picture was saved. {self._failed()}")
        count, new = len(self.points), len(self.missing) - len(self.faults)
        made = f"{count} pictures: {new} new, {count - len(self.missing)} from before"
        return f"{made}, {len(self.faults)} failed. {self._failed()}" if self.faults else made

    def _failed(self) -> str:
        """Which pictures failed and why, and what to do."""
        labels = self.points.labels
        names = [f"{i + 1} ({labels[i]}): {why}" for i, why in list(self.faults.items())[:MOST_NAMED]]
        more = f"; and {len(self.faults) - MOST_NAMED} more" if len(self.faults) > MOST_NAMED else ""
        return (
            f"Failed pictures: {'; '.join(names)}{more}. They are not saved, black at the outputs, and made again the next "
            "time that the node runs. Often the model or the VAE overflows in half precision: restart ComfyUI with "
            "--fp32-vae or --force-fp32. Or the guider divides by zero: check its conditioning and cfg."
        )
