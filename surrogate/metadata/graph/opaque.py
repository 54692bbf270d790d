"""What can be told of a value that a node gives which has no rule: the one number, text or picture that it can be."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .values import Batch, Opaque, Sigmas, batch_of

__all__ = ["told"]

NUMBER_NAMES = ("noise_seed", "seed", "value", "int", "float", "number", "Value", "Number")
SEEDS = ("seed", "noise_seed")
# A node that is handed one of these, and hands on more than one thing, does not calculate.
BUNDLED = {
    *("model", "clip", "vae", "positive", "negative", "conditioning", "latent", "latent_image", "samples", "image"),
    *("images", "pipe", "basic_pipe", "base_ctx", "ctx", "context"),
}
# Typed into such a node, they are settings that it hands on; any other number may be added to the seed.
SETTINGS = {
    *("seed", "noise_seed", "steps", "cfg", "denoise", "step_refiner", "start_at_step", "end_at_step", "width"),
    *("height", "batch_size", "guidance", "clip_skip", "clip_width", "clip_height"),
}
MOST_VISITED = 200
# What these give is drawn by the number that is typed in; it is another one.
DRAWING = re.compile(r"random|shuffle|hash", re.I)


def told(value: Opaque, wanted: type, name: str) -> object:
    """`value` as a `wanted`, if it can only be one thing: what the input `name` of another node gets. Else `value`."""
    if wanted in (int, float):
        return _number(value, name)
    if wanted is Batch:
        return batch_of(value) or value
    if wanted is Sigmas:
        return Sigmas(None)
    if wanted is bool and len(value.flags) == 1:
        return value.flags[0]
    if wanted is str and len(value.texts) == 1:
        return value.texts[0]
    return value


def _number(value: Opaque, name: str) -> object:
    if len(value.numbers) == 1 and value.numbers[0][0] in NUMBER_NAMES and not value.links:
        return value if DRAWING.search(value.node.rpartition(" (node ")[0]) else value.numbers[0][1]
    found = set(_carried(value, SEEDS if name in SEEDS else (name,)))
    return found.pop() if len(found) == 1 else value


def _carried(value: Opaque, names: tuple[str, ...]) -> Iterator[int | float]:
    """The numbers that go into a node that bundles things, under one of `names`, or into a bundle in it."""
    waiting, seen = [value], 0
    while waiting and seen < MOST_VISITED:
        one, seen = waiting.pop(), seen + 1
        if not _bundles(one):
            continue
        yield from (number for typed, number in one.numbers if typed in names)
        for link, given in one.links:
            if link in names and isinstance(given, (int, float)) and not isinstance(given, bool):
                yield given
            elif isinstance(given, Opaque) and link in names and len(given.numbers) == 1 and not given.links:
                yield given.numbers[0][1]
            elif isinstance(given, Opaque) and link not in names:
                waiting.append(given)


def _bundles(value: Opaque) -> bool:
    names = {name for name, _ in value.links}
    pipes = any("pipe" in name or "ctx" in name or "context" in name for name in names)
    return (pipes or bool(names & BUNDLED)) and {name for name, _ in value.numbers} <= SETTINGS
