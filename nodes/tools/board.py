"""The board of this ComfyUI: what people liked or kept is put on it, and all browsers hear of it."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import folder_paths
import numpy as np
from server import PromptServer

from ...surrogate.files import Board
from ...surrogate.files.seed_file import LARGEST_THUMBNAIL
from ...surrogate.pictures.thumbnails import thumbnail
from ...surrogate.points import Points, acts, write_weights
from ...surrogate.seeds import Seed
from ...surrogate.space import SurrogateSpace
from .sound import save_mp3

__all__ = ["CHANGED", "Liked", "board", "changed", "liked_points", "put", "put_all", "seed_file_for_workflows"]

log = logging.getLogger("ComfyUI-Surrogate")
# What browsers are told when the board has changed.
CHANGED = "surrogate.board"
# Numbers in the line of weights of a card: longer ones nobody reads.
MOST_WEIGHTS = 64
# In ComfyUI's input folder: where Load Seeds finds seeds of the board.
FOLDER = "surrogate/board"

_board = Board(Path(folder_paths.get_user_directory()) / "surrogate_board")


@dataclass(frozen=True, eq=False)
class Liked:
    """A seed that somebody liked: its picture, frames (t, h, w, c) uint8, what a card says of it, and its AUDIO of one, if
    it has a sound.
    """

    seed: Seed
    frames: np.ndarray
    label: str
    weights: str = ""
    names: tuple[str, ...] = ()
    sound: dict | None = None


def board() -> Board:
    return _board


def changed() -> None:
    """Tell all browsers that the board is another one now."""
    PromptServer.instance.send_sync(CHANGED, {})


def put(liked: Liked, source: str, context: str, again: bool = False) -> str | None:
    """Put one on the board; the key of its card, None if it was deleted before and is not wanted `again`.

    Raises ValueError if its seed is too large, OSError if the disk refuses.
    """
    picture = thumbnail(liked.frames[len(liked.frames) // 2], LARGEST_THUMBNAIL)
    return _board.keep(
        liked.seed,
        picture,
        liked.label,
        source,
        context=context,
        weights=liked.weights,
        names=liked.names,
        write_sound=None if liked.sound is None else partial(_write_sound, liked.sound),
        again=again,
    )


def put_all(node, source: str, all_liked: Iterable[Liked]) -> None:
    """Put what was liked in a run of `node` on the board. Nothing that goes wrong here is a reason to stop the run."""
    done = False
    try:
        for liked in all_liked:
            done = put(liked, source, _workflow(node)) is not None or done
    except (OSError, ValueError) as error:
        log.warning("What you liked is not on the board: %s", error)
    if done:
        changed()


def liked_points(
    space: SurrogateSpace, points: Points, frames: Iterable[np.ndarray], sounds: Iterable[dict | None]
) -> list[Liked]:
    """The points of a space that were liked, in their order, each with its frames and its AUDIO of one, or None."""
    seeds = acts.seeds(space, points)
    few = space.k <= MOST_WEIGHTS and not (points.w < 0).any()
    lines = [write_weights(w) if few else "" for w in points.w]
    names = tuple(space.seeds.labels) if few else ()
    labels = [mark or label for mark, label in zip(points.marks, points.labels, strict=True)]
    rows = zip(seeds, frames, labels, lines, sounds, strict=True)
    return [Liked(seed, clip, label, line, names, sound) for seed, clip, label, line, sound in rows]


def seed_file_for_workflows(key: str) -> str | None:
    """The name that Load Seeds has for a copy of the card's seed in the input folder; None if there is no such card.

    Raises OSError if it cannot be copied.
    """
    if _board.card(key) is None:
        return None
    target = Path(folder_paths.get_input_directory()) / FOLDER / f"{key}.safetensors"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        try:
            shutil.copyfile(_board.seed_file(key), part)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return f"{FOLDER}/{target.name}"


def _write_sound(sound: dict, path: Path) -> None:
    try:
        save_mp3(path, sound)
    except ValueError as error:
        log.warning("The board keeps a sound's picture only: %s", error)


def _workflow(node) -> str:
    """The id of the workflow that runs, "" if the prompt did not come from one."""
    workflow = (getattr(node.hidden, "extra_pnginfo", None) or {}).get("workflow") or {}
    return str(workflow.get("id") or "")
