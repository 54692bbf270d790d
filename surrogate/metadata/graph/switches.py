"""Nodes that choose, bundle or hold values, and make no picture: switches, contexts and typed-in numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import Untraceable
from .rules import Place, Rule, as_type
from .values import Opaque, batch_of, unknown_of

__all__ = ["SWITCHES"]

Values = dict[str, list]


@dataclass(frozen=True, eq=False)  # compared by what they hold, pipes in pipes could take for ever
class Pipe:
    """Several values on one wire, by name."""

    fields: dict[str, list]


@dataclass(frozen=True)
class Choice:
    """A node that hands one of its inputs on: `chosen` tells which, as the names of those that may be it."""

    chosen: Callable[[Place, Values], list[str]]

    def apply(self, place: Place, values: Values) -> list[list]:
        """What is chosen, as lists of items. Raises Untraceable if that depends on what is not known."""
        names = [name for name in self.chosen(place, values) if name in values]
        if not names:
            raise Untraceable(f"{place} has no input for its choice")
        if all(values[name] == values[names[0]] for name in names):
            return [values[names[0]]]
        if all(_says_nothing(item) for name in names for item in values[name]):
            return [[Opaque(str(place))]]
        raise Untraceable(f"which input {place} hands on cannot be told")


def _says_nothing(item: object) -> bool:
    """Whether a value holds no pictures, no reason and no number."""
    return isinstance(item, Opaque) and item.batch is None and item.instead is None and not item.numbers


def _flag(place: Place, values: Values, name: str) -> bool | None:
    try:
        return as_type(values[name][0], bool, name, place) if name in values else None
    except Untraceable:
        return None


def _whole_number(place: Place, values: Values, name: str) -> int | None:
    return as_type(values[name][0], int | None, name, place) if name in values else None


def _of_two(switch: str, on_true: str, on_false: str) -> Choice:
    def chosen(place: Place, values: Values) -> list[str]:
        flag = _flag(place, values, switch)
        return [on_true, on_false] if flag is None else [on_true if flag else on_false]

    return Choice(chosen)


def _by_number(switch: str) -> Choice:
    """The input whose name ends with the number that is selected."""

    def chosen(place: Place, values: Values) -> list[str]:
        number = _whole_number(place, values, switch)
        linked = [name for name in values if name in place.node.links and name != switch]
        if number is None:
            return linked
        return [name for name in linked if name.lstrip("abcdefghijklmnopqrstuvwxyz_ ") == str(number)]

    return Choice(chosen)


def _first_linked(place: Place, values: Values) -> list[str]:
    return sorted(name for name in values if name in place.node.links)[:1]


def _soft(place: Place, values: Values) -> list[str]:
    """Core's soft switch: where one side is not connected, the other one."""
    flag = _flag(place, values, "switch")
    names: list[str] = [name for name in ("on_true", "on_false") if name in values]
    wanted = "on_true" if flag else "on_false"
    return names if flag is None or wanted not in names else [wanted]


# ------------------------------------------------------------------------------------------------------------ contexts

CONTEXT = ("model", "clip", "vae", "positive", "negative", "latent", "images", "seed")
BIG_CONTEXT = (
    *CONTEXT,
    *("steps", "step_refiner", "cfg", "ckpt_name", "sampler", "scheduler", "clip_width", "clip_height"),
    *("text_pos_g", "text_pos_l", "text_neg_g", "text_neg_l", "mask", "control_net"),
)


@dataclass(frozen=True)
class Context:
    """rgthree's contexts: `outputs` are a pipe and its fields. What is given overrides what the pipes before it hold;
    of several pipes (`merge`) the last one that has a field, or the first pipe alone."""

    outputs: tuple[str, ...]
    merge: bool = True

    def apply(self, place: Place, values: Values) -> list[list]:
        """The pipe and each of its fields, as lists of items."""
        pipes = [values[name][0] for name in sorted(values) if name == "base_ctx" or name.startswith("ctx_")]
        fields: dict[str, list] = {}
        for pipe in pipes if self.merge else pipes[:1]:
            if not isinstance(pipe, Pipe):
                raise Untraceable(f"what goes into {place} cannot be told")
            fields |= pipe.fields
        fields |= {name: values[name] for name in BIG_CONTEXT if name in values and values[name] != [None]}
        return [[Pipe(fields)], *(_field(place, fields, name) for name in self.outputs)]


def _field(place: Place, fields: dict[str, list], name: str) -> list:
    """What a context gives on the output `name`. Versions differ in their outputs: what is asked for tells, too."""
    links = tuple((other, items[0]) for other, items in fields.items())
    latent = batch_of(fields["latent"][0]) if "latent" in fields else None
    return [_carried(Opaque(str(place), links=links, instead=latent), item) for item in fields.get(name, [None])]


def _carried(context: Opaque, item: object) -> object:
    if isinstance(item, (int, float)):
        return item
    return replace(context, batch=batch_of(item) or unknown_of(item))


# -------------------------------------------------------------------------------------------------------------- values


def _typed(place: Place, value: object):
    return value


def _number_typed(place: Place, seed: int):
    return seed


SWITCHES: dict[str, Rule | Choice | Context] = {
    "ComfySwitchNode": _of_two("switch", "on_true", "on_false"),
    "ComfySoftSwitchNode": Choice(_soft),
    "LazySwitchKJ": _of_two("switch", "on_true", "on_false"),
    "easy ifElse": _of_two("boolean", "on_true", "on_false"),
    "Switch any [Crystools]": _of_two("boolean", "on_true", "on_false"),
    "Switch image [Crystools]": _of_two("boolean", "on_true", "on_false"),
    "Switch latent [Crystools]": _of_two("boolean", "on_true", "on_false"),
    "ImpactConditionalBranch": _of_two("cond", "tt_value", "ff_value"),
    "Latent Input Switch": _of_two("boolean", "latent_a", "latent_b"),
    "Image Input Switch": _of_two("boolean", "image_a", "image_b"),
    "Number Input Switch": _of_two("boolean", "number_a", "number_b"),
    "CR Latent Input Switch": _by_number("Input"),
    "CR Image Input Switch": _by_number("Input"),
    "CR Image Input Switch (4 way)": _by_number("Input"),
    "ImpactSwitch": _by_number("select"),
    "LatentSwitch": _by_number("select"),
    "easy anythingIndexSwitch": _by_number("index"),
    "Any Switch (rgthree)": Choice(_first_linked),
    "Context (rgthree)": Context(CONTEXT),
    "Context Big (rgthree)": Context(BIG_CONTEXT),
    "Context Switch (rgthree)": Context(CONTEXT, merge=False),
    "Context Switch Big (rgthree)": Context(BIG_CONTEXT, merge=False),
    "Context Merge (rgthree)": Context(CONTEXT),
    "Context Merge Big (rgthree)": Context(BIG_CONTEXT),
    "PrimitiveInt": Rule(_typed),
    "PrimitiveFloat": Rule(_typed),
    "PrimitiveBoolean": Rule(_typed),
    "PrimitiveString": Rule(_typed),
    "PrimitiveStringMultiline": Rule(_typed),
    "Seed (rgthree)": Rule(_number_typed),
}
