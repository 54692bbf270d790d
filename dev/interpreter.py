"""What a Python says about itself when it is asked."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Probe", "probe", "public", "said_by", "venv_python", "version_of", "without_python_settings"]


@dataclass(frozen=True)
class Probe:
    """What an interpreter says about itself."""

    version: tuple[int, int]
    distributions: dict[str, str]


_PROBE = """
import importlib.metadata, json, sys
found = {}
for d in importlib.metadata.distributions():
    name = d.metadata["Name"]
    if name:
        found.setdefault(name.lower().replace("_", "-"), d.version)
print(json.dumps([list(sys.version_info[:2]), found]))
"""


def probe(python: Path) -> Probe:
    """Version and installed distributions of an interpreter; nothing installed if it cannot run."""
    try:
        done = subprocess.run([str(python), "-c", _PROBE], stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
        version, distributions = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return Probe((0, 0), {})
    return Probe((version[0], version[1]), distributions)


def said_by(python: Path, code: str) -> bytes | None:
    """What `code` prints in an interpreter, None if it fails there."""
    try:
        done = subprocess.run(
            [str(python), "-c", code],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=300,
            env=without_python_settings(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def version_of(python: Path) -> tuple[int, int]:
    """(major, minor) of an interpreter; (0, 0) if it does not run, for instance since its base Python is gone."""
    try:
        done = subprocess.run(
            [str(python), "-c", "import sys; print(*sys.version_info[:2])"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            env=without_python_settings(os.environ),
        )
        major, minor = done.stdout.split()
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return 0, 0


def venv_python(folder: Path) -> Path:
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


def without_python_settings(variables: Mapping[str, str]) -> dict[str, str]:
    """Without what would make one Python look into another's folders."""
    dropped = {"PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__"}
    return {name: value for name, value in variables.items() if name not in dropped}


def public(version: str) -> str:
    """A version without its local label: 2.9.0+cu130 is 2.9.0."""
    return version.split("+", 1)[0]
