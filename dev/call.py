"""Running a program in an environment to its end, as a person at a terminal expects it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .environment import Environment

__all__ = ["INTERRUPTED", "LAUNCH", "accelerated", "call"]

LAUNCH = Path(__file__).absolute().with_name("launch.py")
INTERRUPTED = 130
"""The exit status of a program that was stopped with Ctrl-C."""


def call(environment: Environment, *command: str | Path, cwd: Path, variables: Mapping[str, str] | None = None) -> int:
    """Run a program in the environment, with more `variables`, to its end; its exit status.

    Ctrl-C and SIGTERM reach the program, and reach it once.
    """
    process = subprocess.Popen(
        environment.command(*command), cwd=cwd, env=environment.variables() | {**(variables or {})}
    )
    try:
        return process.wait()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # From a terminal, Ctrl-C has reached the program too. A signal sent to us alone has not.
        for seconds, stop in ((2, lambda: _interrupt(process)), (30, process.terminate), (10, process.kill)):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
                break
            stop()
        process.wait()
        return INTERRUPTED


def _interrupt(process: subprocess.Popen) -> None:
    if os.name == "nt":
        process.terminate()
    else:
        process.send_signal(signal.SIGINT)


def accelerated(environment: Environment) -> bool:
    """Whether torch sees an accelerator there; True too if that cannot be found out."""
    code = """if True:
        import importlib.util, torch
        plugins = ("torch_directml", "torch_npu", "torch_mlu", "intel_extension_for_pytorch")
        found = torch.cuda.is_available() or torch.backends.mps.is_available()
        found = found or (hasattr(torch, "xpu") and torch.xpu.is_available())
        print("yes" if found or any(importlib.util.find_spec(name) for name in plugins) else "no")
    """
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(
            environment.command("-c", code),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            env=environment.variables(),
        )
        return done.stdout.split() != [b"no"]
    return True
