"""Pictures of Render Points carry the recipe of their space and their point in it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from ..files.tensors import load_tensors
from ..recipes import space_from_recipe
from ..seeds import IntegerSeed, Seed
from ..space.point_seed import seed_at
from .errors import CannotRead, Untraceable
from .files.embedded import open_regular

__all__ = ["Recipes"]

LARGEST_TENSORS = 1 << 31
# A space of a thousand integers takes 10 kB; one of nested spaces some hundreds.
LONGEST = 1 << 21
LONGEST_REASON = 300


class Recipes:
    """Reads recipes; a file of noises only once, however many pictures share it."""

    def __init__(self):
        # Kept while it does not change: the time and the size are part of what is asked for.
        self._loaded = lru_cache(maxsize=4)(lambda file, time, size: load_tensors(file))

    def seed(self, text: str, path: Path) -> Seed:
        """The seed at the point of the recipe `text`, which was in the file `path`. Raises Untraceable."""
        try:
            if len(text) > LONGEST:
                raise ValueError(f"it is longer than {LONGEST >> 20} MiB")
            recipe = json.loads(text)
            if not isinstance(recipe, dict) or "space" not in recipe or "u" not in recipe:
                raise ValueError("space or u is missing")
            carrier = recipe.get("carrier")
            if isinstance(carrier, dict) and not carrier["noise"]:
                return IntegerSeed(carrier["seed"])  # the point is on the prompt
            space = space_from_recipe(recipe["space"], self._tensors(recipe.get("tensors"), path))
            return seed_at(space, [float(number) for number in recipe["u"]], "", recipe.get("weights"))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise Untraceable(f"its recipe cannot be used: {str(error)[:LONGEST_REASON]}") from None

    def _tensors(self, name, path: Path) -> Mapping | None:
        """The noises that belong to the picture `path`, in a file that the recipe names: in its folder, nowhere else."""
        if name is None:
            return None
        plain = isinstance(name, str) and name.endswith(".safetensors") and os.path.basename(name) == name
        if not plain or "\\" in name:
            raise ValueError(f"the name of its noises' file is not one: {str(name)[:80]!r}")
        file = path.parent / name
        if file.is_symlink():
            raise ValueError(f"{name} is a link")
        try:
            with open_regular(file) as opened:
                state = os.fstat(opened.fileno())
            if state.st_size > LARGEST_TENSORS:
                raise ValueError(f"{name} is larger than {LARGEST_TENSORS >> 30} GiB")
            return self._loaded(file, state.st_mtime_ns, state.st_size)
        except (CannotRead, OSError) as error:
            raise ValueError(f"{name}, which belongs in the folder of the picture, is missing: {error}") from None
