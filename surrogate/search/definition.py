"""What a study searches: all that must be the same for its scores to be comparable and its candidates repeatable."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["DIRECTIONS", "Definition"]

DIRECTIONS = ("maximize", "minimize")
LONGEST_NAME = 300
LARGEST_SEED = 2**64 - 1
SHOWN = 80


@dataclass(frozen=True)
class Definition:
    """A study's space (its recipe), latent shape, directions, optimiser with settings, and integer seed. All JSON.

    Budget, population and note are not part of it: they may change while the study runs.
    """

    space: Mapping
    shape: Sequence | None
    directions: tuple[str, ...]
    optimiser: str
    settings: Mapping
    seed: int

    def __post_init__(self):
        try:
            k = len(self.space["seeds"])
        except (KeyError, TypeError):
            raise ValueError(
                "space must be a SurrogateSpace or its recipe, a mapping with seeds, chart and transport; "
                f"got {_shorten(self.space)}."
            ) from None
        if k < 2:
            raise ValueError(f"A search needs a space of at least 2 seeds, got {k}: there is nothing to vary.")
        wrong = [d for d in self.directions if d not in DIRECTIONS]
        if wrong or not self.directions:
            raise ValueError(
                f"directions must be {' or '.join(DIRECTIONS)}, one for each score, got {wrong or 'none'}."
            )
        if not 0 <= self.seed <= LARGEST_SEED:
            raise ValueError(f"seed must be between 0 and 2^64 - 1, got {self.seed}.")
        for name in ("space", "shape", "settings"):
            try:
                plain = json.loads(json.dumps(getattr(self, name), allow_nan=False))
            except (TypeError, ValueError) as error:
                raise ValueError(f"{name} cannot be written as JSON: {error}.") from None
            object.__setattr__(self, name, plain)

    @property
    def k(self) -> int:
        """Number of seeds."""
        return len(self.space["seeds"])

    def to_json(self) -> dict:
        return {
            "space": self.space,
            "shape": self.shape,
            "directions": list(self.directions),
            "optimiser": self.optimiser,
            "settings": self.settings,
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, entry: Mapping) -> Definition:
        fields = {name: entry[name] for name in ("space", "shape", "optimiser", "settings", "seed")}
        return cls(directions=tuple(entry["directions"]), **fields)

    def differences(self, other: Definition) -> list[str]:
        """Sentences, field by field, on what `other` has otherwise; empty if both are the same."""
        return _differences("", self.to_json(), other.to_json())


def check_name(name: str) -> str:
    """`name`, or a ValueError that says why a study cannot have it."""
    if not isinstance(name, str) or not name.strip():
        raise ValueError("A study needs a name: it is how a search is continued later. Type any text.")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"A study's name can have at most {LONGEST_NAME} characters, got {len(name)}.")
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"The name {name!r} has half a character in it that no file can store.") from None
    if b"\0" in encoded:
        raise ValueError(f"The name {name!r} has a zero byte in it that no database can store.")
    return name


def _differences(path: str, old: Any, new: Any) -> list[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        found = []
        for key in [*old, *(key for key in new if key not in old)]:
            inner = f"{path}.{key}" if path else str(key)
            if key not in new:
                found.append(f"{inner}: {_shorten(old[key])} in the study, nothing now")
            elif key not in old:
                found.append(f"{inner}: nothing in the study, {_shorten(new[key])} now")
            else:
                found += _differences(inner, old[key], new[key])
        return found
    if isinstance(old, list) and isinstance(new, list) and old != new:
        if len(old) != len(new):
            return [f"{path}: {len(old)} in the study ({_shorten(old)}), {len(new)} now ({_shorten(new)})"]
        first = next(i for i, (a, b) in enumerate(zip(old, new)) if a != b)
        return _differences(f"{path}[{first + 1}]", old[first], new[first])
    return [] if old == new else [f"{path}: {_shorten(old)} in the study, {_shorten(new)} now"]


def _shorten(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str | int | float | list | dict) else repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
