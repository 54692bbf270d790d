"""A generation that a person looks at: its pictures, kept for the browser, and what was picked of it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...surrogate.points import from_coordinates
from ...surrogate.search import Generation, OpenStudy, Picks, generation_name, tell_picks
from .board import liked_points, put_all
from .graph_hash import graph_hash, is_link
from .shelf import KEY_LENGTH, Shelf
from .studies import HARMLESS

__all__ = ["MOST", "Shown", "kept", "kept_sounds", "keys_of", "put_picked", "tell_carried"]

# Pictures on a page.
MOST = 100


@dataclass(frozen=True)
class Shown:
    """The usable pictures of a generation: `frames[i]` (t, h, w, c) uint8 is kept under `keys[i]`.

    Of sounds, `sounds[i]` is the AUDIO of one whose waveform the picture shows; None elsewhere.
    """

    generation: Generation
    frames: Sequence[np.ndarray]
    keys: Sequence[str]
    sounds: Sequence[dict | None]

    @property
    def name(self) -> str:
        return generation_name(self.generation)

    def cells(self) -> list[dict]:
        """What the browser is told of each picture."""
        pictures = zip(self.keys, self.generation.labels, self.frames, self.sounds, strict=True)
        return [
            {
                "key": key, "label": label, "frames": len(frames), "width": frames.shape[2], "height": frames.shape[1],
                "sound": sound is not None,
            }
            for key, label, frames, sound in pictures
        ]  # fmt: skip

    def keep(self) -> None:
        """Put the pictures on the shelf, where the browser finds them."""
        shelf = Shelf()
        for key, frames, sound in zip(self.keys, self.frames, self.sounds, strict=True):
            shelf.keep(key, frames, sound)
        shelf.tidy(set(self.keys))


def keys_of(prompt: dict | None, pick: str, study: str, trials: np.ndarray) -> list[str]:
    """Under which keys the pictures of points number `trials` (n,) of a study are kept, as the graph above node `pick` makes them."""
    # Without a prompt nobody knows what made them, and they are never found again.
    graph = graph_hash(prompt, pick, HARMLESS) or uuid.uuid4().hex
    texts = [f"{study}/{int(trial)}/{graph}" for trial in trials]
    return [hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH] for text in texts]


def kept(keys: Sequence[str]) -> list[np.ndarray] | None:
    """The frames under `keys`; None unless all are there."""
    shelf, found = Shelf(), []
    for key in keys:
        frames = shelf.load(key)
        if frames is None:
            return None
        found.append(frames)
    return found


def kept_sounds(keys: Sequence[str]) -> list[dict | None]:
    """The AUDIO of one under each of `keys`; None where a picture is none of a sound."""
    shelf = Shelf()
    return [shelf.load_sound(key) for key in keys]


def tell_carried(node, opened: OpenStudy) -> OpenStudy:
    """Tell the study of an Ask what was picked of the generation that it gave before; the study to go on with.

    The picks are in the prompt, in the Pick below. Those of other generations, told before or of another study, stay
    where they are. Raises ValueError if they cannot be read.
    """
    prompt = node.hidden.prompt or {}
    for number, text in _picks_below(prompt, str(node.hidden.unique_id)):
        picks = Picks.parse(text)
        generation = opened.study.ask()
        if not len(generation) or picks.of != generation_name(generation):
            continue
        shelf = Shelf()  # the pictures, for optimisers that look at them
        keys = keys_of(prompt, number, generation.study, generation.trials)
        seen = [shelf.load(key) for key in keys]
        tell_picks(opened.study, generation, picks, seen)
        put_picked(node, opened.space, generation, picks, seen, kept_sounds(keys))
        return opened.present()
    return opened


def put_picked(
    node,
    space,
    generation: Generation,
    picks: Picks,
    frames: Sequence[np.ndarray | None],
    sounds: Sequence[dict | None],
) -> None:
    """Put what was picked of a generation on the board; `frames` has a clip (t, h, w, c) uint8 of each point, `sounds` the
    AUDIO of one that it shows, or None.
    """
    seen = {cell: clip for cell in picks.cells if (clip := frames[cell]) is not None}
    if seen:
        liked = from_coordinates(space, generation.u[list(seen)])
        put_all(node, "Pick", liked_points(space, liked, seen.values(), [sounds[cell] for cell in seen]))


def _picks_below(prompt: dict, ask: str) -> Iterator[tuple[str, str]]:
    """(number, picks) of each Pick of the prompt whose study comes from the Ask number `ask`."""
    for number, node in prompt.items():
        picks = node["inputs"].get("picks")
        if node["class_type"] == "SurrogatePick" and isinstance(picks, str) and picks.strip():
            if _comes_from(prompt, node["inputs"].get("study"), ask):
                yield number, picks


def _comes_from(prompt: dict, link, ask: str) -> bool:
    """Whether the study at the end of `link` is the one that the Ask number `ask` gave, through any other nodes."""
    waiting, seen = [link], set()
    while waiting:
        link = waiting.pop()
        if not is_link(link, prompt) or (number := str(link[0])) in seen:
            continue
        if number == ask:
            return True
        seen.add(number)
        if prompt[number]["class_type"] != "SurrogateAsk":
            waiting += prompt[number]["inputs"].values()
    return False
