"""Running pip: all it says goes to the log, its failure becomes one sentence."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .interpreter import without_python_settings
from .pack import Pack, SetupError, shown

__all__ = ["Done", "reason_of", "run_logged", "run_pip"]


@dataclass(frozen=True)
class Done:
    code: int
    output: str


def run_pip(pack: Pack, python: Path, arguments: Sequence[str], purpose: str) -> None:
    """Run pip; its output goes to the log, its failure becomes one sentence."""
    options = ["--disable-pip-version-check", "--no-input", "--no-color", "--progress-bar", "off"]
    if arguments[0] in ("install", "download"):
        arguments = [arguments[0], *options, *arguments[1:]]
    ours = python.is_relative_to(pack.root)
    done = run_logged([*_pip(python), *arguments], pack.log, _pip_variables(ours))
    if done.code:
        raise SetupError(f"Could not {purpose}: {reason_of(done.output)} (pip's own words: {shown(pack, pack.log)})")


def _pip(python: Path) -> list[str]:
    """pip for an interpreter: its own, or the calling one's acting on it (environments made by uv have none)."""
    for owner, tail in ((python, []), (Path(sys.executable), ["--python", str(python)])):
        code = "import importlib.util as u, sys; sys.exit(u.find_spec('pip') is None)"
        with contextlib.suppress(OSError):
            if subprocess.run([str(owner), "-c", code], stdin=subprocess.DEVNULL, capture_output=True).returncode == 0:
                return [str(owner), "-m", "pip", *tail]
    raise SetupError(f"Neither {python} nor {sys.executable} has pip; install it (python -m ensurepip) and try again.")


def _pip_variables(ours: bool) -> dict[str, str]:
    variables = without_python_settings(os.environ) if ours else dict(os.environ)
    # A user's own defaults for where to install would fight with --target and with the environment.
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_CONSTRAINT"):
        variables.pop(name, None)
    return variables | {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PYTHONUTF8": "1"}


_REASONS = (  # words in pip's output, in order of precedence, and what they mean
    (("no space left on device", "not enough space on the disk", "errno 28", "disk quota exceeded"),
     "the disk is full; free some space (a complete installation takes about 8 GB), then run the same command again"),
    (("newconnectionerror", "failed to establish a new connection", "connection refused", "name resolution",
      "max retries exceeded", "connecttimeout", "read timed out", "network is unreachable", "connection reset",
      "connection broken", "proxyerror", "getaddrinfo failed"),
     "pip cannot reach the package index; check the internet connection or the proxy, then run the same command again"),
    (("certificate verify failed", "sslerror"),
     "the package index's certificate was not accepted; check the clock, the proxy and pip's certificate settings, "
     "then run the same command again"),
    (("permission denied", "errno 13", "read-only file system"),
     "a file cannot be written; check the permissions of this folder, then run the same command again"),
    (("no matching distribution found",),
     "the package index has no {missing} for Python {python} on this system, or cannot be reached; check the internet "
     "connection and which package index pip is set to use, or call run.py with another Python (3.10 to 3.13), then run "
     "the same command again"),
)  # fmt: skip


def reason_of(output: str) -> str:
    lowered = output.lower()
    for words, meaning in _REASONS:
        if any(word in lowered for word in words):
            missing = re.search(r"no matching distribution found for ([\w.-]+)", lowered)
            version = "{}.{}".format(*sys.version_info[:2])
            return meaning.format(missing=missing[1] if missing else "such package", python=version)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["it gave no reason"])[-1].rstrip(".") + "; mend that, then run the same command again"


def run_logged(command: Sequence[str], log: Path, env: Mapping[str, str]) -> Done:
    """Run a program to its end with its output appended to the log; it is stopped if we are."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "ab") as sink:
        sink.write(f"\n$ {subprocess.list2cmdline(command)}\n".encode())
        sink.flush()
        start = sink.tell()
        process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, env=dict(env)
        )
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            raise
    with open(log, "rb") as source:
        source.seek(start)
        return Done(code, source.read().decode("utf-8", "replace"))
