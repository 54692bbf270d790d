"""Recipes: JSON to spaces and seeds. The only file that knows every kind of seed; each kind writes its own recipe.

>>> from surrogate import Seeds, SurrogateSpace, space_from_recipe
>>> space_from_recipe(SurrogateSpace(Seeds.from_text("12, 99")).recipe()).seeds.labels
('12', '99')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from .charts import check_weights
from .checks import array
from .seeds import FixedSeed, IntegerSeed, Seed, Seeds, tensor_seeds
from .space import SurrogateSpace
from .space.clip_seed import ClipSeed
from .space.over_time import Stretch
from .space.point_seed import PointSeed
from .transports import make_transport

__all__ = ["Tensors", "seeds_from_recipe", "space_from_recipe"]

# The checksum of a tensor seed to its parts (*latent_shape), or to the seed itself.
Tensors = Mapping[str, Sequence[torch.Tensor] | FixedSeed]


def space_from_recipe(recipe, tensors: Tensors | None = None) -> SurrogateSpace:
    """The space of which `recipe` is the `recipe()`, as JSON gives it back. `tensors` has the noises of its tensor seeds.

    Raises ValueError for a recipe that is not one, or names a tensor that is not given.
    """
    try:
        entries, chart, transport = recipe["seeds"], recipe["chart"], dict(recipe["transport"])
        name = transport.pop("name")
        if not (isinstance(entries, (list, tuple)) and isinstance(chart, str) and isinstance(name, str)):
            raise TypeError
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            "This is not the recipe of a surrogate space: seeds, chart or transport is missing or of another kind."
        ) from None
    return SurrogateSpace(Seeds.join([seeds_from_recipe(entries, tensors)]), chart, make_transport(name, **transport))


def seeds_from_recipe(entries: Sequence, tensors: Tensors | None = None) -> Seeds:
    """The seeds of a recipe's list. `tensors` has the noises of the tensor seeds.

    Raises ValueError for an entry that is not a seed, or names a tensor that is not given.
    """
    return Seeds(tuple(_seed(entry, tensors or {}) for entry in entries))


def _seed(entry, tensors: Tensors) -> Seed:
    if isinstance(entry, str):
        return IntegerSeed.parse(entry)
    if isinstance(entry, Mapping) and "point" in entry:
        return _point_seed(entry, tensors)
    if isinstance(entry, Mapping) and "path" in entry:
        return _clip_seed(entry, tensors)
    return _tensor_seed(entry, tensors)


def _tensor_seed(entry, tensors: Tensors) -> FixedSeed:
    checksum = entry.get("tensor") if isinstance(entry, Mapping) else None
    found = tensors.get(checksum) if isinstance(checksum, str) else None
    if found is None:
        raise ValueError(f"The recipe needs the tensor of seed {entry!r}: pass it in tensors by its checksum.")
    label = str(entry.get("label", "latent"))
    if isinstance(found, FixedSeed):
        seed: FixedSeed = found.named(label)
    else:
        (seed,) = tensor_seeds([part[None] for part in found], [label])
    if seed.checksum != checksum:
        raise ValueError(f"The tensor given for seed {label} has another checksum than the recipe.")
    shape = seed.recipe()["shape"]
    if entry.get("shape", shape) != shape:  # the checksum is of the values alone
        raise ValueError(f"The tensor given for seed {label} has shape {shape}, in the recipe {entry['shape']}.")
    return seed


def _point_seed(entry: Mapping, tensors: Tensors) -> PointSeed:
    """The seed of a recipe that is a point of another space."""
    space = _inner_space(entry, tensors)
    try:
        u = tuple(float(number) for number in entry["point"])
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"The recipe's seed {str(entry.get('label'))[:80]!r} is not a point: its coordinates must be numbers."
        ) from None
    space.weights(u)
    w = entry.get("weights")
    if w is not None:
        w = tuple(check_weights(array("weights", w, (space.k,)), space.k, space.chart.signed).tolist())
    return PointSeed(space, u, str(entry.get("label", "point")), w)


def _clip_seed(entry: Mapping, tensors: Tensors) -> ClipSeed:
    """The seed of a recipe that is a stretch of a path through another space."""
    space = _inner_space(entry, tensors)
    try:
        start, end = (float(entry.get(name, default)) for name, default in (("start", 0.0), ("end", 1.0)))
        u = np.array(entry["path"], dtype=np.float64)
        stretch = Stretch(u, start, end, entry.get("movement", "smooth"), entry.get("weights"))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"The recipe's seed {str(entry.get('label'))[:80]!r} is not a path: {error}") from None
    space.weights(stretch.u)
    stretch.stops(space)
    return ClipSeed(space, stretch, entry.get("sound") is True, str(entry.get("label", "clip")))


def _inner_space(entry: Mapping, tensors: Tensors) -> SurrogateSpace:
    try:
        return space_from_recipe(entry.get("space"), tensors)
    except RecursionError:
        raise ValueError("This recipe is nested too deeply: spaces within spaces without end.") from None
