"""For all tests: imports from this checkout, and the fast tests first."""

import importlib.util
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

# A shell that starts the tests in the background has Ctrl-C ignored, and so would have every program they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).absolute().parents[1]

# At the end: in front, this repository's ``nodes`` folder would hide ComfyUI's ``nodes.py`` in every child process
# that inherits the path.
sys.path.append(str(ROOT))

# From fast to slow. The browser's tests are one folder with a server of its own; those of tests/comfy are many files, and
# fill the time in which other workers are at work.
SLOW = tuple(ROOT / "tests" / name for name in ("dev", "test_run.py", "browser", "comfy"))
# Files that take long for their size: the first of their folder.
LONG = ("browser/test_layout.py", "comfy/test_workflows.py", "comfy/test_oldest.py")


def pytest_configure(config):
    for name in ("surrogate", "demo", "dev"):
        found = importlib.util.find_spec(name)
        origin = Path(found.origin) if found and found.origin else None
        if origin is None or ROOT not in origin.parents:
            raise pytest.UsageError(
                f"`import {name}` finds {origin} and not this checkout's; remove that package from this Python, or "
                "run the tests with python run.py test."
            )


def pytest_collection_modifyitems(items):
    """Fast folders first; in a folder the long files first, so that no worker begins one when the others are done."""
    long = {ROOT / "tests" / name for name in LONG}

    def slowness(path):
        return max((rank for rank, folder in enumerate(SLOW, 1) if path.is_relative_to(folder)), default=0)

    def place(path):
        return slowness(path), path not in long, -path.stat().st_size, str(path)

    places = {path: place(path) for path in {item.path for item in items}}
    items.sort(key=lambda item: places[item.path])


@pytest.fixture(scope="session")
def root():
    """The repository's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def schemas() -> dict[str, dict]:
    """Every node as ComfyUI describes it: node id -> what /object_info answers."""
    command = [sys.executable, str(ROOT / "dev" / "launch.py"), str(ROOT / "dev" / "schemas.py")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server of the tests' own; skips, with the reason, where none can be started."""
    from dev.postgres import Postgres, lacking

    reason = lacking()
    if reason:
        pytest.skip(reason)
    server = Postgres()
    yield server
    server.close()
