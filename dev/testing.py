"""How ``run.py test`` calls pytest: with several workers, where what it is asked for allows that.

A test file stays together on one worker (``--dist loadfile``), and each worker starts servers of its own, on ports and
in base folders of their own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

__all__ = ["free_memory", "processors", "pytest_arguments", "pytest_variables"]

MOST_WORKERS = 4
MEMORY = 4 << 30  # bytes for each worker: it starts a ComfyUI, and some a browser
# Options that need the tests in one process, or that say how many processes there are.
ALONE = ("-n", "--numprocesses", "--dist", "-s", "--capture=no", "--pdb", "--trace", "--sw", "--stepwise", "--co",
         "--collect-only", "--markers", "--fixtures", "-h", "--help", "--version", "no:xdist")  # fmt: skip


def pytest_arguments(arguments: Sequence[str], count: int, memory: int = 0) -> list[str]:
    """The user's `arguments`, and the workers for `count` processors if nothing in the arguments forbids workers.

    With enough free `memory` (bytes; 0: not known) there is one worker more than processors.
    """
    if count < 2 or any(_alone(argument) for argument in arguments):
        return list(arguments)
    return ["-n", str(_workers(count, memory)), "--dist", "loadfile", "--no-loadscope-reorder", *arguments]


def pytest_variables(arguments: Sequence[str], count: int) -> dict[str, str]:
    """Environment variables that keep the workers from starting more threads than there are processors."""
    if "--dist" not in pytest_arguments(arguments, count) or os.environ.get("OMP_NUM_THREADS"):
        return {}
    return {"OMP_NUM_THREADS": str(count // min(count, MOST_WORKERS))}


def free_memory() -> int:
    """How many bytes of memory are free, also in this container; 0 where that is not known."""
    found = re.search(r"^MemAvailable: +(\d+) kB", _read("/proc/meminfo"), re.M)
    most, used = (_read(f"/sys/fs/cgroup/memory.{name}").strip() for name in ("max", "current"))
    left = [int(most) - int(used)] if most.isdigit() and used.isdigit() else []
    return min([int(found[1]) << 10, *left]) if found else 0


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _workers(count: int, memory: int) -> int:
    # A worker waits for its server, its browser and its files for about a third of its time.
    wanted = count + 1 if memory >= (count + 1) * MEMORY else count
    return min(wanted, MOST_WORKERS)


def _read(path: str) -> str:
    return Path(path).read_text("utf-8") if os.path.exists(path) else ""


def _alone(argument: str) -> bool:
    # One test that is named (file.py::test) is sooner done without workers. -n4 and -n=4 are forms of -n.
    return "::" in argument or argument.split("=")[0] in ALONE or argument in ALONE or argument[:2] == "-n"
