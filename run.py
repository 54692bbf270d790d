#!/usr/bin/env python3
"""ComfyUI-Surrogate from nothing, in one command each:

    python run.py demo [NAME]         search for a picture (search, the default), or render a grid (grid), a walk
                                      (path), … and say where the result is
    python run.py test [arguments]    run the tests (arguments go to pytest)
    python run.py serve [arguments]   open ComfyUI with this pack (arguments go to ComfyUI; --no-browser opens no page)
    python run.py lint                check the source style
    python run.py setup               only set up what the others need, and show it

The first call sets up what is missing; later ones start in seconds. Which ComfyUI is used: the one that the environment
variable COMFYUI_PATH names; else the one whose custom_nodes folder this pack lies in; else one of its own, which is
downloaded into .comfy with a Python environment in .venv (and, for the tests, the oldest one that works). A ComfyUI of yours is never written to. If torch and
torchvision work in the Python that you call this with, they are used; else they are installed, from the package index
that SURROGATE_TORCH_INDEX names if it is set (PyTorch has one for processors alone, a small download).
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 10):  # noqa: UP036 (it is what an older Python comes to read)
    sys.exit(
        "run.py needs Python 3.10 or newer, and this is {}.{}; call it with a newer one.".format(*sys.version_info)
    )

import contextlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path

ROOT = Path(__file__).absolute().parent
if str(ROOT) not in sys.path:  # the Python of ComfyUI's portable build does not add a script's folder by itself
    sys.path.insert(0, str(ROOT))

from dev.environment import Environment, Pack, SetupError, prepare, prepare_oldest  # noqa: E402
from dev.server import free_port, link_packs, option_known  # noqa: E402

PACK = Pack(ROOT)
LAUNCH = ROOT / "dev" / "launch.py"
INTERRUPTED = 130
ACCELERATORS = {"--cpu", "--directml", "--cuda-device", "--default-device", "--oneapi-device-selector"}


def demo(arguments: list[str]) -> int:
    environment = prepare(PACK, tests=False)
    if {"-h", "--help"}.isdisjoint(arguments):
        arguments = [*arguments, *_cpu(environment, arguments)]
    return _call(environment, LAUNCH, ROOT / "demo" / "run_demo.py", *arguments)


def test(arguments: list[str]) -> int:
    environment = prepare(PACK, tests=True)
    more = {}
    if environment.owned:  # a ComfyUI of the user's is tested alone, with its own requirements
        more["SURROGATE_OLDEST_COMFYUI"] = str(prepare_oldest(PACK, environment.python))
    return _call(environment, LAUNCH, "-m", "pytest", *arguments, variables=more)


def lint(arguments: list[str]) -> int:
    """Fast where ruff is at hand in the calling Python; otherwise the environment has it."""
    import importlib.metadata

    wanted = re.search(r"^ruff==(\S+)", (ROOT / "requirements-test.txt").read_text("utf-8"), re.M).group(1)
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        if importlib.metadata.version("ruff") == wanted:
            ruff = Environment(comfyui=ROOT, python=Path(sys.executable), origin="calling")
            return _ruff(ruff, arguments)
    return _ruff(prepare(PACK, tests=True), arguments)


def _ruff(environment: Environment, arguments: list[str]) -> int:
    paths = arguments or ["."]
    checked = _call(environment, LAUNCH, "-m", "ruff", "check", *paths)
    formatted = _call(environment, LAUNCH, "-m", "ruff", "format", "--check", *paths)
    return checked or formatted


def serve(arguments: list[str]) -> int:
    environment = prepare(PACK, tests=False)
    arguments, port = _with_port(arguments)
    if "--no-browser" in arguments:
        arguments.remove("--no-browser")
        arguments.append("--disable-auto-launch")
    elif not {"--auto-launch", "--disable-auto-launch"}.intersection(arguments):
        arguments.append("--auto-launch" if _has_browser() else "--disable-auto-launch")
    arguments += _cpu(environment, arguments)
    print(f"ComfyUI will be at http://127.0.0.1:{port} (stop it with Ctrl-C).", flush=True)
    if environment.origin == "custom_nodes":  # the user's own, with their own folders
        status = _call(environment, LAUNCH, environment.comfyui / "main.py", *arguments, cwd=environment.comfyui)
        return 0 if status == INTERRUPTED else status
    base = PACK.home / "base"
    link_packs(base, {"ComfyUI-Surrogate": ROOT})
    options = ["--base-directory", str(base)]
    if option_known(environment.comfyui, "--database-url"):  # its default lies in ComfyUI's own folder
        options += ["--database-url", f"sqlite:///{base / 'user' / 'comfyui.db'}"]
    if not environment.owned:
        options += ["--extra-model-paths-config", str(_model_paths(environment.comfyui))]
    status = _call(environment, LAUNCH, environment.comfyui / "main.py", *options, *arguments, cwd=base)
    return 0 if status == INTERRUPTED else status


def setup(arguments: list[str]) -> int:
    environment = prepare(PACK, tests=True)
    print(f"ComfyUI: {environment.comfyui} ({environment.origin})")
    print(f"Python:  {environment.python}")
    for folder in environment.site:
        print(f"         with packages of our own in {folder}")
    return 0


COMMANDS = {"demo": demo, "test": test, "serve": serve, "lint": lint, "setup": setup}


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(__doc__)
        return 0 if arguments else 2
    command = COMMANDS.get(arguments[0])
    if command is None:
        print(f"run.py has no command {arguments[0]!r}; it has {', '.join(COMMANDS)}.", file=sys.stderr)
        return 2
    try:
        return command(arguments[1:])
    except SetupError as error:
        print(f"run.py: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nrun.py: stopped; the same command goes on from here.", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:  # a full disk, a folder that may not be written, …
        where = f" ({error.filename})" if error.filename else ""
        reason = error.strerror or str(error)
        print(f"run.py: {reason}{where}; mend that, then run the same command again.", file=sys.stderr)
    return 1


# ---------------------------------------------------------------------------------------------------- helpers


def _call(environment: Environment, *command: str | Path, cwd: Path = ROOT, variables: dict | None = None) -> int:
    """Run a program in the environment, with more `variables`, to its end; its exit status. Ctrl-C and SIGTERM reach it,
    and once."""
    process = subprocess.Popen(environment.command(*command), cwd=cwd, env=environment.variables() | (variables or {}))
    try:
        return process.wait()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # From a terminal, Ctrl-C has reached the program too. A signal sent to us alone has not.
        for seconds, tell in ((2, lambda: _interrupt(process)), (30, process.terminate), (10, process.kill)):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
                break
            tell()
        process.wait()
        return INTERRUPTED


def _interrupt(process: subprocess.Popen) -> None:
    if os.name == "nt":
        process.terminate()
    else:
        process.send_signal(signal.SIGINT)


def _cpu(environment: Environment, arguments: list[str]) -> list[str]:
    """``--cpu`` where torch sees no accelerator: ComfyUI does not find that out by itself."""
    if ACCELERATORS.intersection(arguments):
        return []
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
        if done.stdout.split() == [b"no"]:
            return ["--cpu"]
    return []


def _has_browser() -> bool:
    # Without a display Python would open a text browser in this very terminal.
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _with_port(arguments: list[str]) -> tuple[list[str], int]:
    """The arguments with a port: the one asked for, else 8188, else a free one."""
    import socket

    for index, argument in enumerate(arguments):
        if argument == "--port" and index + 1 < len(arguments) and arguments[index + 1].isdigit():
            return list(arguments), int(arguments[index + 1])
        if argument.startswith("--port=") and argument[7:].isdigit():
            return list(arguments), int(argument[7:])
    port = 8188
    with socket.socket() as probe:
        if os.name != "nt":  # as the server does: a port that was in use a moment ago is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            port = free_port()
    return [*arguments, "--port", str(port)], port


def _model_paths(comfyui: Path) -> Path:
    """A file that tells ComfyUI to look for models in another ComfyUI's folder. (JSON is YAML.)"""
    models = comfyui / "models"
    kinds = {folder.name: f"models/{folder.name}" for folder in sorted(models.iterdir()) if folder.is_dir()}
    for kind, older in (("diffusion_models", "unet"), ("text_encoders", "clip"), ("controlnet", "t2i_adapter")):
        found = [path for path in (kinds.pop(kind, None), kinds.pop(older, None)) if path]
        if found:
            kinds[kind] = "\n".join(found)
    file = PACK.home / "extra_model_paths.yaml"
    file.write_text(json.dumps({"comfyui": {"base_path": str(comfyui), **kinds}}, indent=1), "utf-8")
    return file


def _terminated(*_signal: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a terminal that cannot show a character still shows the rest
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(main(sys.argv[1:]))
