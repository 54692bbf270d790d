"""Empty latents of nodes that have no rule: they have a width, a height and a batch size, or say how long a clip is."""

from __future__ import annotations

from ..errors import Untraceable
from .opaque import told
from .rules import Place
from .values import MOST_ROWS, Batch, Opaque, Row

__all__ = ["empty_latent"]

LENGTHS = ("length", "video_frames", "num_frames", "frames")
SIZES = {"width", "height"}


def empty_latent(place: Place, given: dict[str, object], pictures: bool) -> Batch | None:
    """The empty latent that the node makes; None if it makes none. `pictures`: it is given some.

    With a size and a batch size, pictures guide it; with a batch size alone, it may change their number. Raises
    Untraceable if the batch size cannot be told.
    """
    sized, counted = SIZES <= set(given), "batch_size" in given
    if counted and (sized or not pictures):
        return _latent(place, given, _count(place, given))
    clip = any(name in given for name in LENGTHS) and "positive" in given
    if sized and (clip or not pictures):
        note = f"{place} is not known and has no batch size: taken for one empty latent"
        return _latent(place, given, 1).each(lambda row: Row(unsure=True).noted(note))
    return None


def _count(place: Place, given: dict[str, object]) -> int:
    count = _whole(given, "batch_size")
    if count is None or not 1 <= count <= MOST_ROWS:
        raise Untraceable(f"the batch_size of {place} cannot be told, or is not between 1 and {MOST_ROWS}")
    return count


def _latent(place: Place, given: dict[str, object], count: int) -> Batch:
    length = next((n for name in LENGTHS if (n := _whole(given, name)) is not None), 1)
    width, height = _whole(given, "width"), _whole(given, "height")
    size = None if width is None or height is None else (width, height, length) if length > 1 else (width, height)
    return Batch((Row(),) * count, size=size, clip=length > 1)


def _whole(given: dict[str, object], name: str) -> int | None:
    """A whole number that was typed in, or comes from a node for numbers."""
    value = given.get(name)
    if isinstance(value, Opaque):
        value = told(value, int, name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
