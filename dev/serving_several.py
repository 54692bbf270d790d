"""Several ComfyUI servers on one computer, one for each GPU: ``run.py serve --gpus 0,1`` or ``--servers 2``.

They share the folders of models, inputs and users, so also the studies and their pictures. Each has an output folder, a
temporary folder and a database of core's own: servers that write into the same ones overwrite each other's files.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from .call import INTERRUPTED, LAUNCH
from .environment import Environment
from .pack import Pack, SetupError
from .server import free_port, option_known
from .serving import command_line

__all__ = ["asked_for", "serve_several"]


def asked_for(arguments: Sequence[str]) -> tuple[list[list[str]], list[str]]:
    """What `arguments` say of several servers: the options of each, and the other arguments.

    An empty list if they say nothing of it. Raises SetupError for what is no list of GPUs and no number.
    """
    given, others = {}, []
    rest = iter(arguments)
    for argument in rest:
        name, sign, value = argument.partition("=")
        if name in ("--gpus", "--servers"):
            given[name] = value if sign else next(rest, "")
        else:
            others.append(argument)
    if "--gpus" in given:
        gpus = [gpu.strip() for gpu in given["--gpus"].split(",")]
        if not all(gpu.isdigit() for gpu in gpus) or len(set(gpus)) < len(gpus) or "--servers" in given:
            raise SetupError(f"--gpus is {given['--gpus']!r}: give the numbers of the GPUs, such as --gpus 0,1,2.")
        return [["--cuda-device", gpu] for gpu in gpus], others
    if "--servers" in given:
        if not given["--servers"].isdigit() or not 1 <= int(given["--servers"]) <= 64:
            raise SetupError(f"--servers is {given['--servers']!r}: give a number of servers from 1 to 64.")
        return [[] for _ in range(int(given["--servers"]))], others
    return [], others


def serve_several(pack: Pack, environment: Environment, each: Sequence[list[str]], arguments: list[str]) -> int:
    """Serve until Ctrl-C, or until one of the servers ends: the exit status."""
    processes: list[subprocess.Popen] = []
    urls = []
    try:
        for own in each:
            port, command, folder = _command(pack, environment, own, arguments, first=not processes)
            urls.append(f"http://127.0.0.1:{port}")
            print(f"ComfyUI will be at {urls[-1]} {' '.join(own)}".rstrip(), flush=True)
            processes.append(_start(environment, command, folder, port))
        print("Stop them with Ctrl-C. To search with all of them, save the workflow with Export (API), and type")
        print(f"    python run.py workers {' '.join(urls)} --workflow FILE", flush=True)
        return _await(processes)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        _end(processes)


def _command(
    pack: Pack, environment: Environment, own: list[str], arguments: list[str], first: bool
) -> tuple[int, list[str], Path]:
    """The port, the command and the folder of one server. Its own options come last, so that they count."""
    given = list(arguments)
    if not first:
        given = [*_without_port(given), "--port", str(free_port())]
        given = [argument for argument in given if argument not in ("--auto-launch", "--no-browser")]
        given.append("--disable-auto-launch")
    options, port, folder = command_line(pack, environment, [*given, *own])
    # ComfyUI's own folder has these folders too, if the pack is served from there.
    options += ["--output-directory", str(_folder(folder, "output", port))]
    options += ["--temp-directory", str(_folder(folder, "temp_of_servers", port))]
    if option_known(environment.comfyui, "--database-url"):
        options += ["--database-url", f"sqlite:///{folder / 'user' / f'comfyui_{port}.db'}"]
    return port, [str(LAUNCH), str(environment.comfyui / "main.py"), *options], folder


def _folder(base: Path, kind: str, port: int) -> Path:
    folder = base / kind / f"server_{port}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _without_port(arguments: list[str]) -> list[str]:
    kept, skip = [], False
    for argument in arguments:
        if not skip and argument != "--port" and not argument.startswith("--port="):
            kept.append(argument)
        skip = argument == "--port"
    return kept


def _start(environment: Environment, command: list[str], folder: Path, port: int) -> subprocess.Popen:
    process = subprocess.Popen(
        environment.command(*command),
        cwd=folder,
        env=environment.variables() | {"PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    threading.Thread(target=_repeat, args=(process, port), daemon=True).start()
    return process


def _repeat(process: subprocess.Popen, port: int) -> None:
    """Print what a server says, with its port in front."""
    assert process.stdout is not None
    for line in process.stdout:
        print(f"[{port}] {line}", end="", flush=True)


def _await(processes: list[subprocess.Popen]) -> int:
    """Until one ends: its exit status."""
    while True:
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = process.wait(0.5)
                print("One of the servers has ended, so the others are stopped.", flush=True)
                return status


def _end(processes: list[subprocess.Popen]) -> None:
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        signal.signal(signal.SIGINT, previous)
