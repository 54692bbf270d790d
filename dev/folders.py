"""Folders and small files that are complete or not there at all.

A folder is made under another name, on the same disk, and renamed when it is complete. One process at a time does so in
a checkout.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .pack import Pack

__all__ = ["digest", "lock", "read", "remove_tree", "replace", "temporary", "write"]


@contextlib.contextmanager
def lock(pack: Pack) -> Iterator[None]:
    """One setting up at a time in a checkout. The operating system lets go of the lock when the process ends."""
    pack.home.mkdir(parents=True, exist_ok=True)
    with open(pack.home / "lock", "a+b") as file:
        waiting = False
        while not _try_lock(file.fileno()):
            if not waiting:
                print("  Another run.py is setting up; waiting for it …", file=sys.stderr, flush=True)
                waiting = True
            time.sleep(0.2)
        try:
            for folder in pack.home.glob(_TEMPORARY + "*"):  # left by a killed process; nobody else can be at work
                remove_tree(folder)
            yield
        finally:
            _unlock(file.fileno())


if os.name == "nt":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


_TEMPORARY = "unfinished-"


@contextlib.contextmanager
def temporary(pack: Pack) -> Iterator[Path]:
    """A folder on the same disk that is gone afterwards, whatever happens."""
    pack.home.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=pack.home))
    try:
        yield folder
    finally:
        remove_tree(folder)


def replace(work: Path, fresh: Path, folder: Path) -> None:
    """Put a complete folder in the place of an older one."""
    if folder.exists():
        folder.rename(work / "replaced")
    fresh.rename(folder)


def remove_tree(folder: Path) -> None:
    def writable(function, path, _error):  # Windows does not remove read-only files
        with contextlib.suppress(OSError):
            os.chmod(path, 0o700)
            function(path)

    shutil.rmtree(folder, **{"onexc" if sys.version_info >= (3, 12) else "onerror": writable})


def read(file: Path) -> dict:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def write(file: Path, content: dict) -> None:
    """All or nothing: a reader sees the old content or the new."""
    part = file.with_name(file.name + ".part")
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")
    part.replace(file)


def digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
