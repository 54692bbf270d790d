"""Who is searching: a worker is a process (or a named part of one), and may be dead."""

from __future__ import annotations

import functools
import os
import platform
import uuid
from dataclasses import asdict, dataclass

__all__ = ["Worker"]

# psutil derives start times from the boot time, which the kernel rounds to seconds.
START_TOLERANCE = 2.0


@dataclass(frozen=True)
class Worker:
    """A process by host, id and start time (ids are used again), and a `name` if one process holds several workers."""

    host: str
    pid: int
    start: float
    name: str = ""

    @classmethod
    def this(cls, name: str = "") -> Worker:
        """The worker that runs this code."""
        return cls(_host(), *_process(os.getpid()), name)

    @classmethod
    def from_json(cls, entry: dict) -> Worker:
        return cls(str(entry["host"]), int(entry["pid"]), float(entry["start"]), str(entry["name"]))

    def to_json(self) -> dict:
        return asdict(self)

    def is_dead(self, here: Worker) -> bool:
        """Whether this worker has certainly ended, as seen from `here`. Of another host nobody knows."""
        if self.host != here.host:
            return False
        if self.pid == here.pid:
            return abs(self.start - here.start) > START_TOLERANCE
        import psutil

        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
            return abs(process.create_time() - self.start) > START_TOLERANCE
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:  # It exists, and is none of our business.
            return False


@functools.cache
def _host() -> str:
    # Rented machines often share a name; the network card's address tells them apart.
    address = uuid.getnode()
    made_up = address >> 40 & 1
    return platform.node() if made_up else f"{platform.node()} {address:012x}"


@functools.cache
def _process(pid: int) -> tuple[int, float]:
    import psutil

    return pid, psutil.Process(pid).create_time()
