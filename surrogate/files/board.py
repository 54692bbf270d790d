"""A board: seeds that a person liked or kept, each with a small picture, in a folder of bounded size.

A card is some files named by its key: what is written on it (JSON), its picture (WebP), its sound if it has one (MP3),
and its seed as `save_seeds` writes it, which any workflow can load. What is damaged or half there is no card, and is swept up.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from ..seeds import IntegerSeed, Seed, Seeds
from .seed_file import LARGEST_THUMBNAIL, save_seeds
from .tensors import fixed_seeds

__all__ = ["KEY", "MOST_RECENT", "MOST_STARRED", "Board", "BoardFull", "Card"]

VERSION = 1
KEY = re.compile("[0-9a-f]{24}")
# Cards. Those that are not starred make room for newer ones.
MOST_RECENT, MOST_STARRED = 300, 300
# Bytes, of all files together and of one seed: noises of large videos are stored as they are.
LIMIT, LARGEST_SEED = 256 << 20, 8 << 20
# Characters of a text on a card, deleted cards that are remembered, and seconds until half a card is rubbish.
LONGEST_TEXT, MOST_DELETED, YOUNG = 4000, 1000, 600
QUALITY = 85


class BoardFull(ValueError):
    """As many cards are starred as there may be."""


@dataclass(frozen=True)
class Card:
    """What is written on a card.

    label : what a picture of the seed is called, such as "12 50% · 99 50%"
    source : the node that it comes from
    text : of an integer, what Seeds from Integers takes; otherwise ""
    weights, seeds : of a point of a small space, the line that Weights takes and the names of the space's seeds
    sound : whether it has a sound, which the picture shows, or which belongs to the clip
    made, renewed : when it was kept first, and last, in seconds since 1970
    """

    key: str
    label: str
    source: str
    text: str = ""
    weights: str = ""
    seeds: tuple[str, ...] = ()
    made: float = 0.0
    starred: bool = False
    renewed: float = 0.0
    sound: bool = False


@dataclass
class Board:
    """The cards in `folder`, which is made when the first one comes. Safe between the threads of one process.

    folder : of nothing else than this board
    most_recent, most_starred, limit : at most so many cards that are not starred and that are, and so many bytes
    """

    folder: Path
    most_recent: int = MOST_RECENT
    most_starred: int = MOST_STARRED
    limit: int = LIMIT
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def keep(
        self,
        seed: Seed,
        picture: np.ndarray,
        label: str,
        source: str,
        *,
        context: str = "",
        weights: str = "",
        names: tuple[str, ...] = (),
        write_sound: Callable[[Path], object] | None = None,
        again: bool = False,
    ) -> str | None:
        """Keep `seed` with its `picture` (h, w, 3) uint8, at most 256 pixels a side; the key of its card.

        context : where the seed was seen (a workflow): the same seed has one card in each, with the latest picture
        write_sound : writes its sound, an MP3, to a path; where it writes none, the card has none
        again : also if the person has deleted this card before; otherwise None is returned then
        Raises ValueError for a seed that is too large to keep, OSError if the disk refuses.
        """
        recipe = json.dumps([Seeds((seed,)).recipe(), context], sort_keys=True)
        key = hashlib.sha256(recipe.encode()).hexdigest()[:24]
        with self._lock:
            gone = self._deleted()
            if key in gone and not again:
                return None
            self.folder.mkdir(parents=True, exist_ok=True)
            if key in gone:
                self._write_deleted([other for other in gone if other != key])
            self._write_seed(key, seed, picture)
            self._whole(self.picture(key), lambda part: _save_picture(part, picture))
            self.sound(key).unlink(missing_ok=True)
            if write_sound is not None:
                write_sound(self.sound(key))
            text = seed.label if isinstance(seed, IntegerSeed) else ""
            now = time.time()
            card = Card(
                key,
                label[:LONGEST_TEXT],
                source,
                text,
                weights[:LONGEST_TEXT],
                names,
                now,
                renewed=now,
                sound=self.sound(key).is_file(),
            )
            before = self.card(key)
            self._write(card if before is None else replace(card, made=before.made, starred=before.starred))
            self.tidy()
        return key

    def cards(self) -> list[Card]:
        """All cards, the latest first."""
        try:
            names = [path.stem for path in self.folder.glob("*.json") if KEY.fullmatch(path.stem)]
        except OSError:
            return []
        found = [card for card in map(self.card, names) if card is not None]
        return sorted(found, key=lambda card: (-card.made, card.key))

    def card(self, key: str) -> Card | None:
        """The card `key`; None if there is none, or it is damaged."""
        if not KEY.fullmatch(key):
            return None
        try:
            entry = json.loads((self.folder / f"{key}.json").read_text("utf-8"))
            whole = self.picture(key).is_file() and self.seed_file(key).is_file()
        except (OSError, ValueError, RecursionError):
            return None
        return _card(key, entry) if whole else None

    def picture(self, key: str) -> Path:
        """The file of a card's picture."""
        return self.folder / f"{key}.webp"

    def sound(self, key: str) -> Path:
        """The file of a card's sound, which most cards do not have."""
        return self.folder / f"{key}.mp3"

    def seed_file(self, key: str) -> Path:
        """The file of a card's seed, for `load_seeds`."""
        return self.folder / f"{key}.safetensors"

    def star(self, key: str, starred: bool) -> Card | None:
        """Star a card, or take its star away; None if there is no such card. Raises BoardFull, and OSError."""
        with self._lock:
            card = self.card(key)
            if card is None:
                return None
            others = [other for other in self.cards() if other.starred and other.key != key]
            if starred and len(others) >= self.most_starred:
                raise BoardFull(
                    f"{self.most_starred} cards are starred, and no more can be: take the star off another."
                )
            self._write(card := replace(card, starred=starred))
            self.tidy()
            return card

    def delete(self, key: str) -> bool:
        """Delete a card, which liking it again does not bring back; whether it was there. Raises OSError."""
        with self._lock:
            if self.card(key) is None:
                return False
            self._write_deleted([*self._deleted(), key])
            self._remove(key)
            return True

    def tidy(self) -> None:
        """Remove the oldest cards that are not starred, beyond the limits, and what is left of damaged ones."""
        with self._lock:
            cards = self.cards()
            sizes = self._sizes({card.key for card in cards})
            total = sum(sizes.values())
            recent = [card for card in cards if not card.starred]
            while recent and (len(recent) > self.most_recent or total > self.limit):
                total -= sizes.get(recent[-1].key, 0)
                self._remove(recent.pop().key)

    def _sizes(self, known: set[str]) -> dict[str, int]:
        """Bytes of each card; files of the board that belong to none are removed once they are not just being written."""
        sizes: dict[str, int] = {}
        for path in self.folder.iterdir():
            key = path.name.partition(".")[0]
            if not KEY.fullmatch(key):
                continue
            stat = path.stat()
            if key in known:
                sizes[key] = sizes.get(key, 0) + stat.st_size
            elif time.time() - stat.st_mtime > YOUNG:
                path.unlink(missing_ok=True)
        return sizes

    def _write_seed(self, key: str, seed: Seed, picture: np.ndarray) -> None:
        size = 4 * sum(math.prod(part) for fixed in fixed_seeds([seed]) for part in fixed.parts)
        if size > LARGEST_SEED:
            raise ValueError(
                f"The noises of this seed have {size >> 20} MiB; the board keeps at most {LARGEST_SEED >> 20}: save it with "
                "Surrogate Save Seeds."
            )
        save_seeds(Seeds((seed,)), self.seed_file(key), thumbnails=[picture])

    def _write(self, card: Card) -> None:
        text = json.dumps({"v": VERSION, **asdict(card)}, ensure_ascii=False)
        self._whole(self.folder / f"{card.key}.json", lambda part: part.write_text(text, "utf-8"))

    def _whole(self, path: Path, write: Callable[[Path], object]) -> None:
        """The file appears under its name when it is complete."""
        part = path.with_name(f"{path.name}.part")
        try:
            write(part)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)

    def _remove(self, key: str) -> None:
        for path in (self.folder / f"{key}.json", self.picture(key), self.sound(key), self.seed_file(key)):
            path.unlink(missing_ok=True)

    def _deleted(self) -> list[str]:
        try:
            read = json.loads((self.folder / "deleted.json").read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return []
        return [key for key in read if isinstance(key, str)] if isinstance(read, list) else []

    def _write_deleted(self, keys: list[str]) -> None:
        text = json.dumps(keys[-MOST_DELETED:])
        self._whole(self.folder / "deleted.json", lambda part: part.write_text(text, "utf-8"))


def _save_picture(path: Path, picture: np.ndarray) -> None:
    if (
        picture.dtype != np.uint8
        or picture.ndim != 3
        or picture.shape[2] != 3
        or max(picture.shape) > LARGEST_THUMBNAIL
    ):
        raise ValueError(
            f"picture must be (h, w, 3) uint8 of at most {LARGEST_THUMBNAIL} pixels a side, got {picture.shape} {picture.dtype}."
        )
    Image.fromarray(picture).save(path, format="WEBP", quality=QUALITY)


def _card(key: str, entry) -> Card | None:
    """The card in a file's JSON; None if it is none."""
    if not isinstance(entry, Mapping) or entry.get("v") != VERSION:
        return None
    texts = {name: entry.get(name, "") for name in ("label", "source", "text", "weights")}
    names, times = entry.get("seeds", []), [entry.get(name, 0.0) for name in ("made", "renewed")]
    good = all(isinstance(text, str) and len(text) <= LONGEST_TEXT for text in texts.values())
    good = good and isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not good or not all(isinstance(one, float) and math.isfinite(one) for one in times):
        return None
    return Card(
        key,
        **texts,
        seeds=tuple(names),
        made=times[0],
        starred=entry.get("starred") is True,
        renewed=times[1],
        sound=entry.get("sound") is True,
    )
