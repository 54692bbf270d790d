"""From what a person writes (files, folders, patterns) to paths, within the folders that may be read."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .bounds import shown_name
from .numbering import MOST_ENTRIES

__all__ = ["PICTURES", "Listing", "list_pictures"]

PICTURES = (".png", ".apng", ".webp", ".jpg", ".jpeg", ".mp4", ".m4v", ".mov", ".webm", ".mkv",
            ".flac", ".mp3", ".opus", ".ogg")  # fmt: skip
MOST_LINES = 10_000
DEEPEST = 32
MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Listing:
    """The `paths` found, in order, and a sentence for everything that was refused or not there."""

    paths: tuple[Path, ...]
    refused: tuple[str, ...]


def list_pictures(text: str, folders: Mapping[str, Path], anywhere: bool = False) -> Listing:
    """The pictures that `text` names: one file, folder or pattern (`*`, `?`, `[…]`, `**`) a line.

    Relative ones lie in one of `folders`, named at the end of the line (`x.png [output]`); without a name in the first
    folder that has it. They cannot leave it: not by `..`, not through a link. Absolute paths are taken within the
    folders, and everywhere if `anywhere`. A folder stands for the pictures in it, by name; a pattern for all that fit.
    Raises ValueError for an empty text, or more than 10 000 lines.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValueError("pictures is empty: write a file, a folder or a pattern such as favourites/*.png [output].")
    if len(lines) > MOST_LINES:
        raise ValueError(f"pictures has {len(lines)} lines, more than {MOST_LINES}: write a folder or a pattern.")
    roots = {name: Path(os.path.realpath(folder)) for name, folder in folders.items()}
    paths: dict[Path, None] = {}
    refused = []
    for line in lines:
        try:
            for path in _of_line(line, roots, anywhere):
                if _within(path, roots.values()) or (anywhere and os.path.isabs(line)):
                    paths.setdefault(path)
                else:
                    refused.append(f"{shown_name(path)}: refused: it is a link that leads out of ComfyUI's folders")
        except (ValueError, OSError) as error:
            refused.append(f"{_short(line)}: {getattr(error, 'strerror', None) or error}")
    return Listing(tuple(paths), tuple(refused))


def _of_line(line: str, roots: Mapping[str, Path], anywhere: bool) -> list[Path]:
    if "\0" in line or len(line) > 4096:
        raise ValueError("this is not a path")
    named = re.fullmatch(r"(.+?)\s*\[(\w+)\]", line)
    name, bases = line, list(roots.values())
    if named and named[2] in roots:
        name, bases = named[1], [roots[named[2]]]
    if name.startswith(("//", "\\\\")):
        raise ValueError("refused: paths of other computers are not read")
    if os.path.isabs(name):
        base, relative = Path(Path(name).anchor), os.path.relpath(name, Path(name).anchor)
        fixed = _fixed_part(Path(name))
        if not anywhere and not _within(fixed, roots.values()):
            raise ValueError(
                "refused: outside ComfyUI's input, output and temp folders, which a server that other computers can "
                "reach does not leave"
            )
        found = _find(base, relative)
    else:
        if os.path.splitdrive(name)[0] or ".." in re.split(r"[/\\]", name):
            raise ValueError("refused: a relative path stays within its folder, without ..")
        found = next((matches for base in bases if (matches := _find(base, name))), [])
    if not found:
        raise ValueError("nothing is found under this name")
    return found


def _find(base: Path, name: str) -> list[Path]:
    """The file, the pictures of the folder, or all that fit the pattern `name` in `base`."""
    path = base / name
    if os.path.lexists(path):  # also a name with brackets
        return _sorted(_entries(path)) if path.is_dir() else [path]
    if not MAGIC.search(name):
        return []
    pieces = [piece for piece in re.split(r"[/\\]" if os.name == "nt" else "/", name) if piece not in ("", ".")]
    if len(pieces) > DEEPEST:
        raise ValueError(f"the pattern has more than {DEEPEST} parts")
    budget = iter(range(MOST_ENTRIES))
    return _sorted(p for p in _match(base, pieces, budget, 0) if p.suffix.lower() in PICTURES)


def _match(folder: Path, pieces: list[str], budget: Iterator[int], depth: int) -> Iterator[Path]:
    piece, rest = pieces[0], pieces[1:]
    if not MAGIC.search(piece):
        path = folder / piece
        if rest and path.is_dir():
            yield from _match(path, rest, budget, depth + 1)
        elif not rest and path.is_file():
            yield path
        return
    if piece == "**":
        yield from _match(folder, rest or ["*"], budget, depth + 1)
    if depth > DEEPEST:
        return
    try:
        with os.scandir(folder) as found:
            entries = list(zip(found, budget))
    except OSError:
        return
    for entry, _ in entries:
        if entry.name.startswith(".") and not piece.startswith("."):
            continue
        if piece == "**":
            if entry.is_dir(follow_symlinks=False):
                yield from _match(folder / entry.name, pieces, budget, depth + 1)
        elif fnmatch.fnmatch(entry.name, piece):
            if rest and entry.is_dir():
                yield from _match(folder / entry.name, rest, budget, depth + 1)
            elif not rest and not entry.is_dir():
                yield folder / entry.name


def _entries(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry, _ in zip(entries, range(MOST_ENTRIES)):
            if not entry.name.startswith(".") and os.path.splitext(entry.name)[1].lower() in PICTURES:
                yield folder / entry.name


def _sorted(paths) -> list[Path]:
    """By name, numbers by their value."""

    def key(path: Path):
        return [(int(p), "") if p.isdigit() else (-1, p.casefold()) for p in re.split(r"([0-9]{1,30})", str(path))]

    return sorted(set(paths), key=key)


def _fixed_part(path: Path) -> Path:
    """The path up to its first part with a wildcard."""
    if os.path.lexists(path):
        return path
    parts = []
    for part in path.parts:
        if MAGIC.search(part):
            break
        parts.append(part)
    return Path(*parts)


def _within(path: Path, roots) -> bool:
    real = os.path.realpath(path)
    return any(os.path.commonpath([real, root]) == str(root) for root in roots if _comparable(real, root))


def _comparable(a, b) -> bool:
    return os.path.splitdrive(a)[0].lower() == os.path.splitdrive(b)[0].lower()


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:60]}… ({len(text)} characters)"
