"""Which of a node's inputs its result is made of: of several batches, the one that is not a mask, a guide or a number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import reduce

from .kinds import shown
from .rules import Place
from .values import Batch, Row, Unknown, batch_of, unknown_of

__all__ = ["NUMBERS", "PIXELS", "foremost", "picture_inputs"]

# Inputs that are numbers: a picture's size, read from the picture, makes no latent of that picture.
NUMBERS = re.compile(
    r"^value$|(^|_)(width|height|batch_size|length|steps|cfg|denoise|seed|amount|scale_by|frame_rate|fps|number|count"
    r"|num|offset|rate|factor|strength|seconds|duration|index)(_|$|\d)",
    re.I,
)
# Of several batches, the one that the result is made of rather than masked or guided by.
FOREMOST = ("samples", "latent_image", "latent", "latents", "image", "images", "pixels", "video", "audio")
# Inputs whose picture, if they have one, is not what is handed on.
ASIDE = re.compile(
    r"(^|_)(model|clip|vae|positive|negative|cond|conditioning|guider|sampler|sigmas|scheduler|mask|masks|prompt|text"
    r"|caption|string|filename|filename_prefix|path|noise|name|script|hook|control_net)(_|$|\d)",
    re.I,
)
# They hand on one of several: which, is not known of nodes without a rule.
CHOOSING = re.compile(
    r"switch|select|choose|choice|chooser|multiplex|\bmux\b|if ?else|conditional ?branch|toggle", re.I
)
MIXING = re.compile(r"composite|blend|interpolat|paste|mix|merge|LatentAdd|LatentSubtract", re.I)
LATENT = re.compile(r"latent|^samples|^stage_c$")
PIXELS = re.compile(r"image|pixel|frame|picture")


def picture_inputs(place: Place) -> list[str]:
    """The linked inputs that pictures or latents may come by, the foremost first."""
    names = [name for name in place.node.links if not NUMBERS.search(name)]
    apart = [name for name in names if not ASIDE.search(name) or LATENT.search(name)]
    return sorted(apart or names, key=lambda name: FOREMOST.index(name) if name in FOREMOST else len(FOREMOST))


def foremost(place: Place, items: Iterable[tuple[str, object]]) -> Batch | Unknown | None:
    """What the result of a node is made of: one batch, or the reason why it cannot be told. None: no pictures.

    Where latents and pictures come in, the latents are sampled and the pictures guide. Pictures of two samplings make
    one that no single noise made.
    """
    found = {name: value for name, value in items if batch_of(value) is not None or unknown_of(value) is not None}
    found = {name: value for name, value in found.items() if LATENT.search(name)} or found
    unknown = next((reason for value in found.values() if (reason := unknown_of(value)) is not None), None)
    if unknown is not None:
        return unknown
    batches = [_by_name(name, batch) for name, value in found.items() if (batch := batch_of(value)) is not None]
    if CHOOSING.search(shown(place.node.kind)) and len({_content(batch) for batch in batches}) > 1:
        return Unknown(f"which input {place} hands on cannot be told")
    made = [batch for batch in batches if batch.made]
    if len({tuple(row.origin for row in batch.rows) for batch in made}) > 1:
        return Unknown(f"{place} joins pictures of several samplings")
    if made and len(made) < len(batches) and not made[0].decoded and MIXING.search(shown(place.node.kind)):
        made = [made[0].noted(f"{place} mixes what was sampled with another latent"), *made[1:]]
    return reduce(_with_notes, made) if made else next(iter(batches), None)


def _content(batch: Batch) -> tuple:
    """Equal for batches of the same noises, as far as these are known."""
    return batch.index, tuple((row.origin, row.given) for row in batch.rows)


def _with_notes(batch: Batch, other: Batch) -> Batch:
    """The first of two batches of the same noises, with what is said of either."""
    pairs = zip(batch.rows, other.rows, strict=True)
    return replace(batch, rows=tuple(reduce(Row.noted, more.notes, row) for row, more in pairs))


def _by_name(name: str, batch: Batch) -> Batch:
    """What comes by an input for images is decoded, whatever node it comes from."""
    pixels = PIXELS.search(name) is not None and LATENT.search(name) is None
    return replace(batch, decoded=True) if pixels else batch
