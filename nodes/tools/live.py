"""What a search shows while it runs: its best picture and its course, under the node that works."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import folder_paths
import numpy as np

from ...surrogate.pictures.album import Album
from ...surrogate.points import from_coordinates
from ...surrogate.recent import Recent
from ...surrogate.search.drawing import card
from ...surrogate.search.optimisers.adaptive import trimmed
from .outputs import temporary_picture

__all__ = ["Live", "album_of", "copy_pictures", "keep_pictures"]

log = logging.getLogger("ComfyUI-Surrogate")
# Of the time that a search takes, drawing takes at most this share.
SHARE = 0.03
# Studies of which the last card is remembered.
KEPT = 16


@dataclass(frozen=True)
class _Card:
    """A card that was drawn: when that ended, how many seconds it took, and what the browser was told of its file."""

    ended: float = -math.inf
    seconds: float = 0.0
    file: dict = field(default_factory=dict)


# By the identity of the study.
_drawn: Recent[str, _Card] = Recent(KEPT)


def album_of(study) -> Album:
    """The pictures of a `surrogate.search.Study`: in ComfyUI's user folder, and in the place that the study names."""
    return study.album(Path(folder_paths.get_user_directory()) / "surrogate_pictures")


def keep_pictures(opened, trials, clips, best) -> None:
    """Keep the clips (t, h, w, c) uint8 of points number `trials`, that of `best` as it is. A full disk is no reason to stop."""
    album = album_of(opened.study)
    try:
        for trial, clip in zip(trials, clips, strict=True):
            album.keep(int(trial), clip)
            if best is not None and trial == best.number:
                space, found = trimmed(opened.space, from_coordinates(opened.space, best.u))
                recipe = {"space": space.recipe(), **found.recipe(0), "scores": list(best.scores)}
                album.keep_whole(int(trial), clip, recipe)
    except OSError as error:
        log.warning("The pictures of the search cannot be saved (%s); its scores are saved.", error)


def copy_pictures(source, opened, places) -> None:
    """Give the album of `opened` the pictures that the study `source` has of the same points: pairs of their numbers."""
    theirs, mine, best = album_of(source), album_of(opened.study), opened.study.best
    for number, here in places:
        small, whole = theirs.small(number), theirs.whole(number)
        if small is None or mine.small(here) is not None:
            continue
        keep_pictures(opened, [here], [small[None]] if whole is None else [whole], None if whole is None else best)


class Live:
    """Cards of one study. They are drawn as often as `SHARE` allows, and whenever `always`."""

    def __init__(self, study):
        self.study, self.album = study, album_of(study)

    def draw(self, latest=(), always: bool = False) -> np.ndarray | None:
        """The card (h, w, 3) uint8 with the points number `latest`, or None if it is too early for another."""
        began = time.monotonic()
        last = self._last
        if not always and began - last.ended < last.seconds / SHARE:
            return None
        report = self.study.report()
        pixels = card(self.study.history(), self.album, report.budget, latest, title=report.name)
        _drawn.keep(self.study.identity, _Card(time.monotonic(), time.monotonic() - began, last.file))
        return pixels

    def shown(self, latest=(), always: bool = False) -> list[dict]:
        """For a node's `ui["images"]`: the card as a file in ComfyUI's temp folder, a new one or the last."""
        pixels = self.draw(latest, always)
        if pixels is not None:
            try:
                file = temporary_picture(pixels)
            except OSError as error:
                log.warning("The card of the search cannot be saved: %s", error)
                return []
            _drawn.keep(self.study.identity, replace(self._last, file=file))
        file = self._last.file
        return [file] if file else []

    @property
    def _last(self) -> _Card:
        return _drawn.get(self.study.identity) or _Card()
