"""A headless ComfyUI that lives as long as a ``with`` block. Standard library only.

    with Server("demo") as server:
        client = Client(server.url)

Every server gets a private base directory (models, input, output, user, temp and custom_nodes) that is removed
afterwards, so it neither sees nor touches the user's own files, and several can run at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path

from dev.users import find_comfyui, is_comfyui

__all__ = ["ROOT", "Server", "ServerFailed", "comfyui_folder", "free_port", "link_folder", "link_packs", "option_known"]

ROOT = Path(__file__).absolute().parents[1]
PACK_NAME = "ComfyUI-Surrogate"
LAUNCH = ROOT / "dev" / "launch.py"
KEPT_LOGS = 10
KEPT_SECONDS = 2 * 24 * 3600


class ServerFailed(RuntimeError):
    """ComfyUI did not start or died; the message ends with the last lines of its log."""


class Server:
    """ComfyUI on a free loopback port.

    name : names the log file and the base directory
    pack : folder of the pack itself; default: this checkout
    packs : folders of further custom nodes to link in next to it
    arguments : further command line arguments for ComfyUI, such as ``--cpu``
    base : base directory to use and keep; by default a new one that is removed at the end
    services : whether it has core's nodes that ask remote services
    comfyui, python : default: those of the environment that ``run.py`` set up
    timeout : seconds until it must answer

    Entering raises ServerFailed if ComfyUI dies, does not answer in time, or could not load one of the packs.
    After entering: ``url``, ``base``, ``log`` (paths) and ``process``.
    """

    def __init__(
        self,
        name: str = "comfyui",
        *,
        pack: Path = ROOT,
        packs: Iterable[Path] = (),
        arguments: Sequence[str] = (),
        base: Path | None = None,
        services: bool = False,
        comfyui: Path | None = None,
        python: str | Path = sys.executable,
        timeout: float = 300.0,
    ):
        self.name = name
        self.packs = {
            PACK_NAME if pack == ROOT else pack.name: pack,
            **{Path(pack).name: Path(pack).absolute() for pack in packs},
        }
        self.arguments, self.services = list(arguments), services
        self.comfyui = comfyui_folder() if comfyui is None else Path(comfyui)
        self.python = str(python)
        self.timeout = timeout
        self.base = base
        self.url = ""
        self.log: Path | None = None
        self.process: subprocess.Popen | None = None
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Server:
        with contextlib.ExitStack() as stack:
            if self.base is None:
                self.base = _new_base(self.name)
                stack.callback(_remove_base, self.base)
            link_packs(self.base, self.packs)
            self.log = _new_log(self.name)
            for attempt in range(3):  # between choosing a port and taking it, another program may take it
                try:
                    stack.callback(self._stop)
                    self._start()
                    break
                except ServerFailed:
                    self._stop()
                    if attempt == 2 or "address already in use" not in self.tail(400).lower():
                        raise
            self._check_packs()
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._cleanup.close()

    def restart(self) -> None:
        """Stop it, and start it again at the same address with the same folders."""
        self._stop()
        self._start(int(self.url.rpartition(":")[2]))

    def tail(self, lines: int = 30) -> str:
        """The last lines of the log."""
        text = self.log.read_text("utf-8", "replace") if self.log else ""
        return "\n".join(text.splitlines()[-lines:])

    def check_alive(self) -> None:
        """Raise ServerFailed if the process has ended."""
        if self.process is None or self.process.poll() is not None:
            raise ServerFailed(self._sentence(f"ComfyUI ended by itself (exit status {self._status()})"))

    def _start(self, port: int | None = None) -> None:
        port = free_port() if port is None else port
        self.url = f"http://127.0.0.1:{port}"
        command = [
            self.python,
            *(["-s"] if sys.flags.no_user_site else []),
            str(LAUNCH),
            "--die-with-parent",
            str(self.comfyui / "main.py"),
            *("--listen", "127.0.0.1", "--port", str(port), "--disable-auto-launch"),
            *("--base-directory", str(self.base)),
        ]
        if option_known(self.comfyui, "--database-url"):  # its default lies in ComfyUI's own folder
            command += ["--database-url", f"sqlite:///{self.base / 'user' / 'comfyui.db'}"]
        if option_known(self.comfyui, "--whitelist-custom-nodes"):
            # A user's extra_model_paths.yaml can name more custom nodes: not part of what is shown or tested here.
            command += ["--disable-all-custom-nodes", "--whitelist-custom-nodes", *self.packs]
        if not self.services and option_known(self.comfyui, "--disable-api-nodes"):
            command += ["--disable-api-nodes"]
        with open(self.log, "ab") as sink:
            self.process = subprocess.Popen(
                [*command, *self.arguments],
                cwd=self.base,
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
                # A process group of its own: Ctrl-C reaches us alone, and we end it with all its children.
                **({"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP} if os.name == "nt" else
                   {"start_new_session": True}),
            )  # fmt: skip
        deadline = time.monotonic() + self.timeout
        while not self._answers():
            self.check_alive()
            if time.monotonic() > deadline:
                raise ServerFailed(self._sentence(f"ComfyUI did not answer within {self.timeout:.0f} seconds"))
            time.sleep(0.1)
        self.check_alive()

    def _answers(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.url + "/system_stats", timeout=10) as response:
                arguments = json.load(response)["system"].get("argv", [])
        except (OSError, ValueError, KeyError):
            return False
        return not arguments or str(self.base) in arguments

    def _check_packs(self) -> None:
        text = self.tail(100_000)
        failed = [name for name in self.packs if re.search(rf"\(IMPORT FAILED\): .*{re.escape(name)}\s*$", text, re.M)]
        if failed:
            names = " and ".join(failed)
            raise ServerFailed(f"ComfyUI could not load {names} (its log: {self.log}):\n{_why(text, failed)}")

    def _stop(self) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        _kill_tree(process)
        with contextlib.suppress(OSError):
            process.stdin.close()

    def _status(self) -> int | None:
        return None if self.process is None else self.process.poll()

    def _sentence(self, what: str) -> str:
        return f"{what}. The end of its log ({self.log}):\n{self.tail()}"


def _why(log: str, packs: list[str]) -> str:
    """What ComfyUI said about packs that it could not load: the tracebacks, or the one line that names the pack."""
    lines, found, begin = log.splitlines(), [], 0
    for number, line in enumerate(lines):
        if line.startswith("Traceback"):
            begin = number
        if re.search("Cannot import|comfy_entrypoint", line) and any(pack in line for pack in packs):
            found += lines[begin if line.startswith("Cannot import") else number : number + 1]
    return "\n".join(found) or "\n".join(lines[-30:])


def comfyui_folder() -> Path:
    """The ComfyUI that ``run.py`` chose; without ``run.py``, the one that it would choose if it is there."""
    if os.environ.get("SURROGATE_COMFYUI"):
        return Path(os.environ["SURROGATE_COMFYUI"])
    found = find_comfyui(ROOT, os.environ)
    folder = found[0] if found else ROOT / ".comfy" / "ComfyUI"
    if is_comfyui(folder):
        return folder
    raise ServerFailed("There is no ComfyUI to start yet: call python run.py (demo, test or setup), which sets one up.")


def option_known(comfyui: Path, option: str) -> bool:
    """Whether this ComfyUI has a command line option; versions differ."""
    return f'"{option}"' in (comfyui / "comfy" / "cli_args.py").read_text("utf-8")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def link_packs(base: Path, packs: dict[str, Path]) -> None:
    """Make ``base`` a base directory for ComfyUI whose custom nodes are exactly ``packs`` (name -> folder)."""
    for name in ("custom_nodes", "models", "input", "output", "user"):
        (base / name).mkdir(parents=True, exist_ok=True)
    for name, folder in packs.items():
        link_folder(folder, base / "custom_nodes" / name)


def link_folder(folder: Path, link: Path) -> None:
    """Make ``link`` lead to ``folder``: a symbolic link, on Windows a junction (which needs no special rights)."""
    if os.path.lexists(link):
        if os.path.realpath(link) == os.path.realpath(folder):
            return
        _unlink(link)
    if os.name == "nt":
        import _winapi

        _winapi.CreateJunction(str(folder), str(link))
    else:
        link.symlink_to(folder, target_is_directory=True)


def _unlink(link: Path) -> None:
    # A junction is removed like an empty folder; rmdir never follows it. A real folder with content makes it fail.
    os.rmdir(link) if os.name == "nt" else os.unlink(link)


def _new_base(name: str) -> Path:
    runs = ROOT / ".comfy" / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    for old in runs.iterdir():  # left by a process that was killed
        if time.time() - old.stat().st_mtime > KEPT_SECONDS:
            _remove_base(old)
    return Path(tempfile.mkdtemp(prefix=name + "-", dir=runs))


def _remove_base(base: Path) -> None:
    with contextlib.suppress(OSError):
        for link in (base / "custom_nodes").iterdir():  # first, so that nothing can be deleted through them
            _unlink(link)
    shutil.rmtree(base, ignore_errors=True)


def _new_log(name: str) -> Path:
    folder = ROOT / ".comfy" / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob(f"{name}-*.log"), key=lambda path: path.stat().st_mtime)[: -KEPT_LOGS + 1]:
        with contextlib.suppress(OSError):
            old.unlink()
    return folder / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"


def _kill_tree(process: subprocess.Popen) -> None:
    """End a process and its children. Our children keep nothing that a sudden end could spoil."""
    if os.name == "nt":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True)
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)
