"""Studies to search, and other processes to search in."""

from __future__ import annotations

import functools
import itertools
import json
import os
import signal
import subprocess
import sys
import time
import types
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from surrogate import Seeds, SurrogateSpace
from surrogate.search import Study


class Piece:
    """Code that runs in another process."""

    def __init__(self, pid: int, path: Path):
        self.pid, self.path = pid, path

    def result(self, timeout: float = 120.0):
        """What the code assigned to `result`."""
        self._await(self.path, timeout)
        answer = json.loads(self.path.read_text())
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def reached(self, path: Path, timeout: float = 120.0) -> str:
        """Wait until the code has written the file `path`; its text."""
        self._await(path, timeout)
        return path.read_text()

    def kill(self) -> None:
        """As `kill -9`, and gone when this returns."""
        os.kill(self.pid, signal.SIGKILL)
        while Path(f"/proc/{self.pid}").exists():
            time.sleep(0.005)

    def _await(self, path: Path, timeout: float) -> None:
        end = time.monotonic() + timeout
        while not path.exists():
            assert time.monotonic() < end, f"the process did not write {path.name} within {timeout} s"
            if self.path.exists():
                assert "error" not in (answer := json.loads(self.path.read_text())), answer["error"]
            time.sleep(0.005)


class Host:
    """Starts code in processes of their own: `Study`, `np` and `args` are there by name."""

    def __init__(self, root: Path, folder: Path, within: Sequence[str] = ()):
        """`within`: a command that runs another one, in a network namespace for instance."""
        self.folder, self.numbers = folder, itertools.count()
        self.process = subprocess.Popen(
            [*within, sys.executable, str(Path(__file__).with_name("host.py")), str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, code: str, **args) -> Piece:
        path = self.folder / f"{next(self.numbers)}.json"
        self.process.stdin.write(json.dumps({"code": code, "args": args, "result": str(path)}) + "\n")
        self.process.stdin.flush()
        return Piece(int(self.process.stdout.readline()), path)

    def close(self) -> None:
        self.process.stdin.close()
        assert self.process.wait(60) == 0

    def run(self, code: str, **args):
        return self.start(code, **args).result()


@pytest.fixture(scope="session")
def host(root, tmp_path_factory):
    if not hasattr(os, "fork"):
        pytest.skip("needs an operating system that forks")
    host = Host(root, tmp_path_factory.mktemp("host"))
    yield host
    host.close()


@pytest.fixture(scope="session")
def start_host(root):
    """Starts another `host`."""
    return functools.partial(Host, root)


def space(k: int = 4) -> SurrogateSpace:
    return SurrogateSpace(Seeds.from_text(", ".join(str(seed) for seed in range(100, 100 + k))))


def bowl(u, centre: float = 0.3) -> np.ndarray:
    """A smooth score, 0 at its best, where all coordinates are `centre`."""
    return -((np.atleast_2d(u) - centre) ** 2).sum(axis=1)


def forget(optimisers: bool = False) -> None:
    """As if this process had just started: no points and no optimiser at hand; or only no optimiser."""
    from surrogate.search.access import memories

    for memory in memories.values():
        memory.optimiser = {}
    if not optimisers:
        memories.clear()


@pytest.fixture(scope="session")
def searching():
    """`space`, `bowl`, and `open`, a study in memory unless a storage is named."""

    def open(storage=None, name="study", k=4, **settings):
        return Study.open(storage, name, space(k), **{"budget": 32, **settings})

    return types.SimpleNamespace(space=space, bowl=bowl, open=open, forget=forget)
