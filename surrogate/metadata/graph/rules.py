"""A rule: what one kind of node does, as a function whose parameters are the node's inputs.

Values are checked against the annotations before a rule is called: files come from strangers.
"""

from __future__ import annotations

import inspect
import math
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from ..errors import Untraceable
from .guides import Guide
from .opaque import told
from .prompt import Node
from .values import Noise, Opaque, Unknown, unknown_of

__all__ = ["Place", "Rule"]

LARGEST_INTEGER = 2**64


@dataclass(frozen=True)
class Place:
    """Where in the graph a rule is applied: the node, the noise that its MODEL was patched with (or None), and the
    samplings that guide it."""

    node: Node
    patched_noise: Callable[[], Noise | None]
    guides: frozenset[Guide] = frozenset()

    def __str__(self) -> str:
        return str(self.node)


@dataclass(frozen=True)
class Rule:
    """`function(place, **inputs)`. `lists` says "in" if it takes whole lists, "out" if its outputs are lists."""

    function: Callable
    lists: str = ""

    @cached_property
    def parameters(self) -> dict[str, tuple]:
        """Name -> (type, may be missing)."""
        hints = typing.get_type_hints(self.function)
        found = list(inspect.signature(self.function).parameters.values())[1:]
        return {p.name: (hints[p.name], p.default is not p.empty) for p in found}

    def apply(self, place: Place, values: dict[str, list]) -> list[list]:
        """The outputs, each a list of items, for inputs that are lists of items.

        As ComfyUI does it: called once for each item of the longest list, shorter ones repeat their last.
        Raises Untraceable.
        """
        given = {name: values[name] for name in self.parameters if name in values}
        for name, (_, optional) in self.parameters.items():
            if name not in given and not optional:
                raise Untraceable(f"{place} has no {name}")
        if "in" in self.lists:
            arguments = {
                name: [as_type(v, typing.get_args(hint)[0], name, place) for v in given[name]]
                if typing.get_origin(hint) is list
                else as_type(given[name][0], hint, name, place)
                for name, (hint, _) in self.parameters.items()
                if name in given
            }
            return self._outputs([self.function(place, **arguments)])
        results = []
        for i in range(max([len(items) for items in given.values()], default=1)):
            arguments = {
                name: as_type(items[min(i, len(items) - 1)], self.parameters[name][0], name, place)
                for name, items in given.items()
            }
            results.append(self.function(place, **arguments))
        return self._outputs(results)

    def _outputs(self, results: list) -> list[list]:
        rows = [result if isinstance(result, tuple) else (result,) for result in results]
        columns = []
        for column in zip(*rows, strict=True):
            items = [v for items in column for v in items] if "out" in self.lists else list(column)
            columns.append([Unknown(str(v)) if isinstance(v, Untraceable) else v for v in items])
        return columns


def as_type(value, hint, name: str, place: Place):
    """`value` as what the annotation `hint` says; a number that may be None is None if it cannot be told.

    Raises Untraceable, naming the input and the node.
    """
    if hint is object:
        return value
    wanted, optional = _wanted(hint)
    if optional and wanted in (int, float) and isinstance(value, (Unknown, Opaque)):
        number = _number(told(value, wanted, name)) if isinstance(value, Opaque) else None
        return None if number is None else wanted(number)
    if value is None and optional:
        return None
    if isinstance(value, Opaque):
        value = told(value, wanted, name)
    if (unknown := unknown_of(value)) is not None:
        raise Untraceable(unknown.reason)
    if wanted in (int, float):
        number = _number(value)
        if number is not None and (wanted is float or number == int(number)):
            return wanted(number)
    elif isinstance(value, wanted):
        return value
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        raise Untraceable(f"the {name} of {place} comes from node {value[0][:40]}, which is not in its prompt")
    shown = value.node if isinstance(value, Opaque) else _short(value)
    raise Untraceable(f"the {name} of {place} cannot be told: it is {shown}")


def _wanted(hint) -> tuple[type, bool]:
    """The type that an annotation names, and whether it may be None."""
    return (typing.get_args(hint)[0], True) if isinstance(hint, types.UnionType) else (hint, False)


def _number(value) -> int | float | None:
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 25:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value if abs(value) <= LARGEST_INTEGER else None


def _short(value) -> str:
    text = repr(value) if isinstance(value, (int, float, str, bool, type(None))) else f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:60]}…"
