"""How far several servers are, as a table that is drawn again and again in a terminal."""

from __future__ import annotations

import shutil
import sys
import time

from .fleet import Fleet

__all__ = ["Table", "lines"]

# Seconds between two tables where the output is no terminal.
SELDOM = 30.0
HEAD = ("server", "images", "an hour", "failures", "now")


class Table:
    """Prints how a fleet stands: in a terminal in one place, elsewhere now and then below each other."""

    def __init__(self, stream=None):
        self.stream = stream or sys.stdout
        self.terminal = self.stream.isatty()
        self.height, self.printed = 0, float("-inf")

    def show(self, fleet: Fleet, always: bool = False) -> None:
        """Print it, if it is time to."""
        if not self.terminal and not always and time.monotonic() < self.printed + SELDOM:
            return
        width = shutil.get_terminal_size((120, 24)).columns - 1 if self.terminal else 1000
        text = [line[:width] for line in lines(fleet)]
        # Up to where the last one began, and what was there is erased.
        begin = f"\x1b[{self.height}A\x1b[J" if self.terminal and self.height else ""
        print(begin + "\n".join(text), file=self.stream, flush=True)
        self.height, self.printed = len(text), time.monotonic()


def lines(fleet: Fleet) -> list[str]:
    """A line for each study, then a table of the servers."""
    rows = [HEAD]
    for url, worker in fleet.workers.items():
        now = worker.standing
        said = f"{now.state}; {now.said}" if now.said else now.state
        rows.append((url, str(now.images), f"{now.an_hour:.0f}", str(now.failures), " ".join(said.split())))
    total = [worker.standing for worker in fleet.workers.values()]
    if len(total) > 1:
        sums = sum(n.images for n in total), sum(n.an_hour for n in total), sum(n.failures for n in total)
        rows.append(("together", str(sums[0]), f"{sums[1]:.0f}", str(sums[2]), ""))
    widths = [max(map(len, column)) for column in zip(*rows)]
    table = [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:4], widths[1:4])), row[4]]
        ).rstrip()
        for row in rows
    ]
    progress = fleet.progress
    return [
        f"{name}: {progress[name]['progress'] if name in progress else 'not begun'}" for name in fleet.studies
    ] + table
