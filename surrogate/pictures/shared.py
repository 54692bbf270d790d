"""Pictures of a study in a place that several computers reach, and what to do while it cannot be reached."""

from __future__ import annotations

import logging
import math
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

__all__ = ["LARGEST", "Place", "Shared"]

log = logging.getLogger("ComfyUI-Surrogate")
# Bytes of a file; a larger one (a long clip, whole) stays on the computer that made it.
LARGEST = 16 * 2**20
# Seconds for which a place that failed is left alone, and how many files wait for it.
PAUSE, MOST_WAITING = 30.0, 1000


class Place(Protocol):
    """Files of one study by name, such as "000012.jpg". Every call raises OSError if the place cannot be used."""

    def read(self, name: str) -> bytes | None:
        """The file `name`; None if there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Whoever reads sees the whole of it, or what was there before."""

    def remove(self, name: str) -> None:
        """The file `name` is gone, if there was one."""


@dataclass(eq=False)
class Shared:
    """The files of a folder that are also in `place`: sent there when they are made, fetched where they are missing.

    A search never waits for it and never fails because of it: what cannot be sent is sent later.
    """

    place: Place
    _waiting: dict[Path, None] = field(default_factory=dict)
    _until: float = -math.inf
    _whole: str = ""

    def send(self, path: Path) -> None:
        """Put the file `path` into the place, and those that are still to be sent."""
        self._waiting[path] = None
        for old in list(self._waiting)[:-MOST_WAITING]:
            del self._waiting[old]
        while self._waiting and self._is_there:
            self._try(self._send, next(iter(self._waiting)))

    def send_only(self, path: Path) -> None:
        """As `send`; then the file that was sent so before is removed: of large files each computer keeps one there."""
        before, self._whole = self._whole, path.name
        self.send(path)
        if before not in ("", path.name) and self._is_there:
            self._try(self.place.remove, before)

    def fetch(self, path: Path) -> None:
        """Get the file `path` from the place, if it is there and not here."""
        if not path.exists() and self._is_there:
            self._try(self._fetch, path)

    @property
    def _is_there(self) -> bool:
        return time.monotonic() >= self._until

    def _try(self, act, what) -> None:
        try:
            act(what)
        except OSError as error:
            self._until = time.monotonic() + PAUSE
            log.warning("The shared pictures of the search cannot be reached (%s); tried again later.", error)

    def _send(self, path: Path) -> None:
        # A file that is gone from here meanwhile has nothing to be sent.
        if path.exists() and path.stat().st_size <= LARGEST:
            self.place.write(path.name, path.read_bytes())
        del self._waiting[path]

    def _fetch(self, path: Path) -> None:
        content = self.place.read(path.name)
        if content is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        try:
            part.write_bytes(content)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
