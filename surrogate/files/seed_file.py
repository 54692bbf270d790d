"""Seeds as a file to keep and to share: one safetensors file that says what is in it, and is read when needed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import safetensors
import torch

from ..recipes import seeds_from_recipe
from ..seeds import FixedSeed, Seeds, check_noise, checksum
from ..shapes import Parts, describe, shape_parts
from ..space import LARGEST_K
from .tensors import fixed_seeds, write_tensors

__all__ = ["LARGEST_THUMBNAIL", "FileSeed", "SeedFile", "is_seed_file", "load_seeds", "save_seeds"]

# The only key of the file's metadata: safetensors writes several in any order, and the same seeds make the same bytes.
KEY = "surrogate_seeds"
VERSION = 1
BEGINNING = f'{{"__metadata__":{{"{KEY}":'.encode()
LARGEST_THUMBNAIL = 256
LONGEST_TEXT = 100_000
SHOWN_NODES = 20
# Of the description, in bytes; safetensors reads headers of up to 100 MB.
LONGEST_DESCRIPTION = 50_000_000


@dataclass(frozen=True)
class FileSeed(FixedSeed):
    """A noise in the file `path`, read each time it is asked for, and checked."""

    path: Path
    digest: str
    parts: Parts
    label: str

    @property
    def checksum(self) -> str:
        return self.digest

    def _values(self) -> list[torch.Tensor]:
        with _explained(self.path), safetensors.safe_open(self.path, framework="pt") as file:
            # Copies: what is used must be what was checked, and a mapped file can change, or vanish, under our feet.
            values = [file.get_tensor(f"{self.checksum}.{i}").clone() for i in range(len(self.parts))]
        if [tuple(part.shape) for part in values] != list(self.parts) or checksum(values) != self.checksum:
            raise ValueError(
                f"Seed {self.label} in {self.path.name} is not what was saved: the file is damaged, or was changed "
                "since it was loaded. Load it again, or take a copy that is whole."
            )
        check_noise(values, self.label)
        return values


@dataclass(frozen=True)
class SeedFile:
    """What `load_seeds` found: the `seeds`, and what was said of them. Noises and thumbnails are still in the file."""

    path: Path
    seeds: Seeds
    note: str
    latent_format: str
    provenance: Mapping
    _thumbnails: tuple[str | None, ...] = field(repr=False)

    def thumbnail(self, index: int) -> np.ndarray | None:
        """The picture (h, w, 3) uint8 of seed `index`, or None. Raises ValueError if it is damaged."""
        name = self._thumbnails[index]
        if name is None:
            return None
        with _explained(self.path), safetensors.safe_open(self.path, framework="numpy") as file:
            shape = file.get_slice(name).get_shape()
            if len(shape) != 3 or shape[2] != 3 or not 0 < max(shape) <= LARGEST_THUMBNAIL or 0 in shape:
                raise ValueError(f"a thumbnail has the shape {shape}")
            pixels = file.get_tensor(name)
            if pixels.dtype != np.uint8 or _picture_name(pixels) != name:
                raise ValueError("a thumbnail is damaged")
        return pixels

    def describe(self) -> str:
        """The file in a few lines, for people."""
        kinds = len({seed.checksum for seed in fixed_seeds(self.seeds)})
        fixed = self.seeds.parts
        size = f"latents of {describe(fixed)}" if fixed else "any size"
        lines = [f"{self.path.name}: {len(self.seeds)} seed{'s' * (len(self.seeds) != 1)}, {size}"]
        lines[0] += f", {kinds} stored noise{'s' * (kinds != 1)}" if kinds else ", all of them integers"
        if self.latent_format:
            lines.append(f"made for {self.latent_format}")
        if nodes := _nodes(self.provenance):
            lines.append(f"the graph that made it is kept in it: {nodes}")
        if self.note:
            lines.append(self.note)
        return "\n".join([*lines, *(f"{i}. {label}" for i, label in enumerate(self.seeds.labels, 1))])


def save_seeds(
    seeds: Seeds,
    path: str | os.PathLike,
    *,
    thumbnails: Sequence[np.ndarray | None] | None = None,
    note: str = "",
    latent_format: str = "",
    provenance: Mapping | None = None,
) -> None:
    """Write `seeds` to the safetensors file `path`: integers as integers, points as recipes, noises as float32.

    `thumbnails`: a picture (h, w, 3) uint8 of at most 256 pixels a side for each seed, or None. `note`: a text for
    people. `latent_format`: what kind of latents these are. `provenance`: JSON on where they come from.
    The file appears whole or not at all; the same arguments give the same bytes.
    Raises ValueError for values that cannot be stored, OSError if the file cannot be written.
    """
    if not len(seeds):
        raise ValueError("There are no seeds to save.")
    if len(seeds) > LARGEST_K:
        raise ValueError(f"A file holds at most {LARGEST_K} seeds, got {len(seeds)}.")
    _ = seeds.parts  # raises for seeds of different shapes: no space could take them
    pictures = list(thumbnails) if thumbnails is not None else [None] * len(seeds)
    if len(pictures) != len(seeds):
        raise ValueError(f"thumbnails must hold one picture for each of the {len(seeds)} seeds, got {len(pictures)}.")
    tensors: dict[str, torch.Tensor] = {}
    for seed in fixed_seeds(seeds):
        if f"{seed.checksum}.0" not in tensors:
            # Clones: safetensors refuses tensors that share memory.
            parts = [part.contiguous().clone() for part in seed.noise(seed.parts)]
            tensors |= {f"{seed.checksum}.{i}": part for i, part in enumerate(parts)}
    names: list[str | None] = []
    for picture in pictures:
        if picture is not None:
            picture = np.ascontiguousarray(picture)
            if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
                raise ValueError(f"A thumbnail must be (h, w, 3) uint8, got {picture.shape} {picture.dtype}.")
            if max(picture.shape) > LARGEST_THUMBNAIL:
                raise ValueError(f"A thumbnail has at most {LARGEST_THUMBNAIL} pixels a side, got {picture.shape}.")
            tensors[_picture_name(picture)] = torch.from_numpy(picture.copy())
        names.append(None if picture is None else _picture_name(picture))
    content = {
        "seeds": seeds.recipe(),
        "thumbnails": names,
        "note": _text("note", note),
        "latent_format": _text("latent_format", latent_format),
        "provenance": dict(provenance or {}),
    }
    try:
        metadata = json.dumps({"version": VERSION, "checksum": _checksum_of(content), "content": content})
    except (TypeError, ValueError) as error:
        raise ValueError(f"provenance cannot be written as JSON: {error}.") from None
    if len(metadata) > LONGEST_DESCRIPTION:
        raise ValueError(
            f"The description of these seeds has {len(metadata) >> 20} MiB, a file takes {LONGEST_DESCRIPTION >> 20}: "
            "leave out the provenance, or save fewer points of large spaces in one file."
        )
    write_tensors(tensors, path, {KEY: metadata})


def load_seeds(path: str | os.PathLike) -> SeedFile:
    """The seeds in `path`. Reads the file's header alone; noises are read, and checked, when they are asked for.

    Raises ValueError that says what is wrong: no such file, damaged, of another program, or of a newer version.
    """
    path = Path(os.path.abspath(path))
    if not os.path.isfile(path):  # False, not an error, for what cannot be a path
        raise ValueError(f"There is no file {path.name}: it was moved or deleted. Choose another one.")
    with _explained(path), safetensors.safe_open(path, framework="pt") as file:
        text = (file.metadata() or {}).get(KEY)
        stored = {name: file.get_slice(name) for name in file.keys()}
        header = {name: (tuple(entry.get_shape()), entry.get_dtype()) for name, entry in stored.items()}
    if text is None:
        raise ValueError(
            f"{path.name} is a safetensors file of another kind (perhaps a model, or the noises of a picture): "
            "choose one that Save Seeds wrote."
        )
    with _explained(path):
        entry = json.loads(text)
        version = entry["version"]
        if not isinstance(version, int) or version < 1:
            raise ValueError(f"it has no format of the number {version!r}")
    if version > VERSION:
        raise ValueError(
            f"{path.name} was saved by a newer version of this pack (format {version}, this one reads {VERSION}): "
            "update ComfyUI-Surrogate."
        )
    with _explained(path):
        content = entry["content"]
        if _checksum_of(content) != entry["checksum"]:
            raise ValueError("its description is not what was saved")
        recipes, names = content["seeds"], content["thumbnails"]
        if not isinstance(recipes, list) or not 1 <= len(recipes) <= LARGEST_K or len(names) != len(recipes):
            raise ValueError("what it names as its seeds is not a list of seeds")
        seeds = seeds_from_recipe(recipes, _InFile(path, header))
        _ = seeds.parts  # raises for seeds of different shapes
        if any(name is not None and name not in header for name in names):
            raise ValueError("a thumbnail is missing")
        return SeedFile(
            path,
            seeds,
            str(content["note"]),
            str(content["latent_format"]),
            dict(content["provenance"]),
            tuple(names),
        )


def is_seed_file(path: str | os.PathLike) -> bool:
    """Whether the file begins as `save_seeds` begins one; reads a few bytes."""
    if not os.path.isfile(path):  # a pipe would keep us waiting
        return False
    try:
        with open(path, "rb") as file:
            return file.read(8 + len(BEGINNING))[8:] == BEGINNING
    except OSError:
        return False


class _InFile(Mapping):
    """The noises of a file by their checksums, as seeds; `header` has shape and type of each tensor."""

    def __init__(self, path: Path, header: Mapping):
        self.path = path
        found: dict[str, dict[int, tuple]] = {}
        for name, (shape, kind) in header.items():
            digest, _, number = name.rpartition(".")
            if number.isdecimal():
                found.setdefault(digest, {})[int(number)] = (shape, kind)
        self.found = found

    def __getitem__(self, digest: str) -> FileSeed:
        parts = self.found[digest]
        if sorted(parts) != list(range(len(parts))) or any(kind != "F32" for _, kind in parts.values()):
            raise ValueError("a noise is not complete, or not of float32")
        return FileSeed(self.path, digest, shape_parts([parts[i][0] for i in range(len(parts))]), "latent")

    def __iter__(self):
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


class _explained:
    """Errors on the way become a ValueError that names the file."""

    def __init__(self, path: Path):
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, FileNotFoundError):
            raise ValueError(f"The file {self.path.name} is gone: put it back, or load another one.") from None
        known = (safetensors.SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
        if isinstance(error, known):
            said = f"{error} is missing" if isinstance(error, KeyError) else str(error).rstrip(".")
            raise ValueError(
                f"{self.path.name} cannot be read: {said[:300]}. It is damaged, cut off or no file of seeds; take "
                "another copy."
            ) from None
        return False


def _nodes(provenance: Mapping) -> str:
    """The kinds of nodes in a prompt that is kept as provenance; empty if there is none."""
    prompt = provenance.get("prompt")
    nodes = prompt.values() if isinstance(prompt, Mapping) else ()
    kinds = sorted({str(node["class_type"]) for node in nodes if isinstance(node, Mapping) and "class_type" in node})
    return ", ".join(kinds[:SHOWN_NODES]) + ", …" * (len(kinds) > SHOWN_NODES)


def _checksum_of(content) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _picture_name(pixels: np.ndarray) -> str:
    return f"thumbnail.{hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()}"


def _text(name: str, text: str) -> str:
    text = str(text)
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"{name} can have at most {LONGEST_TEXT} characters, got {len(text)}.")
    return text
