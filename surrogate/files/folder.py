"""Which seed files a folder holds, found quickly among many thousand pictures and models."""

from __future__ import annotations

import os
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from .seed_file import is_seed_file

__all__ = ["seed_files"]

# Files and folders that are looked at; of more, the first.
MOST_ENTRIES = 1_000_000
# Nanoseconds. A folder that has changed just now can change again without a new time: some file systems count in 2 s.
SETTLED = 3_000_000_000


@dataclass(frozen=True)
class _Folder:
    changed: int
    entries: int
    folders: tuple[str, ...]
    files: tuple[str, ...]


# ComfyUI asks for the list several times in every prompt: folders that have not changed are not read again.
_known: dict[str, _Folder] = {}


def seed_files(base: str | os.PathLike) -> list[Path]:
    """The files of `save_seeds` in the folder `base` and its subfolders, in no order; hidden ones are left out.

    Links to folders are not followed. What cannot be read is not listed.
    """
    found: list[Path] = []
    left = MOST_ENTRIES
    waiting = deque([os.fspath(base)])
    while waiting and left > 0:
        path = waiting.popleft()
        try:
            folder = _read(path)
        except OSError:
            continue
        left -= folder.entries
        waiting += [os.path.join(path, name) for name in folder.folders]
        found += [Path(path, name) for name in folder.files if is_seed_file(os.path.join(path, name))]
    return found


def _read(path: str) -> _Folder:
    changed = os.stat(path).st_mtime_ns
    known = _known.get(path)
    if known is not None and known.changed == changed:
        return known
    now, count, folders, files = time.time_ns(), 0, [], []
    with os.scandir(path) as entries:
        for entry in entries:
            count += 1
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            elif entry.name.lower().endswith(".safetensors"):
                files.append(entry.name)
    folder = _Folder(changed, count, tuple(sorted(folders)), tuple(files))
    if changed < now - SETTLED:
        _known[path] = folder
    return folder
