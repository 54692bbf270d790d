"""The pictures of one run of Render Points: those from before, those that are made now, and those that failed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ...surrogate.pictures.gallery import RECIPE, Gallery
from .sampling import FAULTS_ADVICE, Rendered
from .sound import load_sound, save_clip, save_sound, silence

__all__ = ["Finished"]

# Failed pictures that are named one by one.
MOST_NAMED = 8


class Finished:
    """The pictures of one run: those from before, those that are made now, and those that failed."""

    def __init__(
        self,
        gallery: Gallery,
        points,
        recipe: dict | None,
        written: dict[str, str],
        with_sound: bool,
        frames_per_second: float,
    ):
        self.gallery, self.points, self.recipe, self.written = gallery, points, recipe, written
        self.with_sound, self.frames_per_second = with_sound, frames_per_second
        self.missing = list(range(len(points)))
        self.frames: dict[int, np.ndarray] = {}
        self.heard: dict[int, dict] = {}
        self.faults: dict[int, str] = {}

    def load(self) -> None:
        """Take what is there from an earlier run."""
        for i in self.missing:
            frames = self.gallery.load(i + 1)
            sound = load_sound(self._file(i, ".wav")) if self.with_sound and frames is not None else None
            if frames is None or (self.with_sound and sound is None):
                continue
            self.frames[i] = frames
            if sound is not None:
                self.heard[i] = sound
        self.missing = [i for i in self.missing if i not in self.frames]

    def add(self, one: Rendered) -> None:
        """Save a picture, unless it failed."""
        self.frames[one.index] = np.zeros_like(one.frames) if one.fault else one.frames
        if one.fault:
            self.faults[one.index] = one.fault
            return
        own = self._own(one.index)
        if one.sound is not None:  # before the picture, which counts as finished when it is there
            self.heard[one.index] = one.sound
            save_sound(self._file(one.index, ".wav"), one.sound)
            texts = self.written if self.recipe is None else {**self.written, RECIPE: json.dumps(own)}
            save_clip(self._file(one.index, ".mp4"), one.frames, one.sound, self.frames_per_second, texts)
        self.gallery.save(one.index + 1, one.frames, own, self.written)

    def _file(self, i: int, suffix: str) -> Path:
        return (self.gallery.folder / self.gallery.name(i + 1)).with_suffix(suffix)

    def _own(self, i: int) -> dict:
        if self.recipe is None:
            return {}
        return {**self.recipe, **self.points.recipe(i), "label": self.points.labels[i]}

    @property
    def done(self) -> int:
        return len(self.frames)

    @property
    def good(self) -> list[int]:
        return [i for i in range(len(self.points)) if i not in self.faults]

    def shown(self) -> list[str]:
        """The names of the files to look at: clips with sound where there are any."""
        clips = [self._file(i, ".mp4") for i in self.good]
        return [clip.name if self.with_sound and clip.exists() else clip.with_suffix(".png").name for clip in clips]

    def sounds(self) -> list[dict]:
        """The sound of each point; silence where there is none."""
        quiet = [silence(len(self.frames[i]), self.frames_per_second) for i in range(len(self.points))]
        return [self.heard.get(i, one) for i, one in enumerate(quiet)]

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
            f"time that the node runs. {FAULTS_ADVICE}"
        )
