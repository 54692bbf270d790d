"""How ``run.py test`` calls pytest: with one worker more than there are processors, where what it is asked for allows that.

One more, because tests in a browser and of several processes wait much of their time. A test file stays together on one worker (``--dist loadfile``), and each worker starts servers of its own, on ports and
in base folders of their own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

__all__ = ["processors", "pytest_arguments", "pytest_variables"]

MOST_WORKERS = 4
GIGABYTES = 5  # of memory that a worker takes with its ComfyUI and its browser
# Options that need the tests in one process, or that say how many processes there are.
ALONE = ("-n", "--numprocesses", "--dist", "-s", "--capture=no", "--pdb", "--trace", "--sw", "--stepwise", "--co",
         "--collect-only", "--markers", "--fixtures", "-h", "--help", "--version", "no:xdist")  # fmt: skip


def pytest_arguments(arguments: Sequence[str], count: int) -> list[str]:
    """The user's `arguments`, and the workers for `count` processors if nothing in the arguments forbids workers."""
    workers = _workers(count)
    if workers < 2 or any(_alone(argument) for argument in arguments):
        return list(arguments)
    return ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder", *arguments]


def pytest_variables(arguments: Sequence[str], count: int) -> dict[str, str]:
    """Environment variables that keep the workers from starting more threads than there are processors."""
    if "--dist" not in pytest_arguments(arguments, count) or os.environ.get("OMP_NUM_THREADS"):
        return {}
    return {"OMP_NUM_THREADS": str(max(count // _workers(count), 1))}


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _workers(count: int) -> int:
    """How many workers `count` processors have: none if there is one processor, one more than that if memory allows it."""
    more = count + 1 if 1 < count < _memory() // GIGABYTES else count
    return min(more, MOST_WORKERS)


def _memory() -> int:
    """This computer's memory in gigabytes; 0 where it is not known."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**30
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 0


def _alone(argument: str) -> bool:
    # One test that is named (file.py::test) is sooner done without workers. -n4 and -n=4 are forms of -n.
    return "::" in argument or argument.split("=")[0] in ALONE or argument in ALONE or argument[:2] == "-n"
