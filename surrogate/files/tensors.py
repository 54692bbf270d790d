"""The noises of tensor seeds on disk, so that a picture made with them can be rebuilt."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import safetensors
import safetensors.torch
import torch

from ..seeds import FixedSeed, Seed, Seeds

__all__ = ["fixed_seeds", "load_tensors", "save_tensors", "write_tensors"]


def save_tensors(seeds: Seeds, path) -> bool:
    """Write the noises of the tensor seeds among `seeds` to the safetensors file `path`, named by their checksums.

    Those that points of other spaces are made of included.
    Returns whether there were any; integer seeds need no file.
    """
    tensors = {
        f"{seed.checksum}.{i}": part.contiguous().clone()
        for seed in fixed_seeds(seeds)
        for i, part in enumerate(seed.noise(seed.parts))
    }
    if tensors:
        write_tensors(tensors, path, {"format": "surrogate-seeds-1"})
    return bool(tensors)


def write_tensors(tensors: Mapping[str, torch.Tensor], path, metadata: Mapping[str, str]) -> None:
    """A safetensors file that appears whole or not at all. Raises OSError if it cannot be written."""
    part = Path(path).with_suffix(".part")
    try:
        safetensors.torch.save_file(dict(tensors), part, dict(metadata))
        os.replace(part, path)
    except safetensors.SafetensorError as error:
        raise OSError(f"{Path(path).name} cannot be written: {error}") from None
    finally:
        part.unlink(missing_ok=True)


def fixed_seeds(seeds: Iterable[Seed]) -> Iterator[FixedSeed]:
    """The seeds among `seeds` that are given as values, those that points of other spaces are made of included."""
    for seed in seeds:
        if isinstance(seed, FixedSeed):
            yield seed
        yield from fixed_seeds(seed.sources)


def load_tensors(path) -> dict[str, list[torch.Tensor]]:
    """The noises in `path` by checksum, each a list of parts: what `space_from_recipe` wants.

    Raises ValueError if the file is broken or holds something else.
    """
    noises: dict[str, dict[int, torch.Tensor]] = {}
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            for name in file.keys():
                checksum, part = name.rsplit(".", 1)
                noises.setdefault(checksum, {})[int(part)] = file.get_tensor(name)
        if any(set(parts) != set(range(len(parts))) for parts in noises.values()):
            raise ValueError("a part of a seed is missing")
    except (safetensors.SafetensorError, ValueError) as error:
        raise ValueError(f"{Path(path).name} is not a file of surrogate seeds: {error}.") from None
    return {checksum: [parts[i] for i in sorted(parts)] for checksum, parts in noises.items()}
