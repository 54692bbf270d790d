"""Telling the person at the keyboard what is being done, and for how long."""

from __future__ import annotations

import contextlib
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from .pack import Pack

__all__ = ["stage"]


@contextlib.contextmanager
def stage(pack: Pack, title: str) -> Iterator[None]:
    """Say what is being done, how long it takes, and, on a terminal, what pip said last."""
    began = time.monotonic()
    terminal = sys.stderr.isatty()
    ended = threading.Event()

    def tick() -> None:
        while not ended.wait(1):
            width = shutil.get_terminal_size().columns - 1
            text = f"  {title} … {time.monotonic() - began:.0f} s  {_last_line(pack.log)}"
            print("\r" + text[:width].ljust(width), end="", file=sys.stderr, flush=True)

    ticker = threading.Thread(target=tick, daemon=True)
    if terminal:
        ticker.start()
    else:
        print(f"  {title} …", file=sys.stderr, flush=True)
    finished = "stopped"
    try:
        yield
        finished = "done"
    finally:
        ended.set()
        seconds = time.monotonic() - began
        if terminal:
            ticker.join()
            width = shutil.get_terminal_size().columns - 1
            print("\r" + f"  {title}: {finished} in {seconds:.0f} s"[:width].ljust(width), file=sys.stderr, flush=True)
        elif seconds > 5 or finished != "done":
            print(f"    {finished} in {seconds:.0f} s", file=sys.stderr, flush=True)


def _last_line(log: Path) -> str:
    try:
        with open(log, "rb") as source:
            source.seek(max(0, log.stat().st_size - 400))
            return source.read().decode("utf-8", "replace").rstrip().rsplit("\n", 1)[-1].strip()
    except OSError:
        return ""
