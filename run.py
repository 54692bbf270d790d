#!/usr/bin/env python3
"""ComfyUI-Surrogate from nothing, in one command each:

    python run.py demo [NAME]         search for a picture (search, the default), or render a grid (grid), a walk
                                      (path), … and say where the result is
    python run.py test [arguments]    run the tests, with a worker for each processor (arguments go to pytest; -n 0: no
                                      workers)
    python run.py serve [arguments]   open ComfyUI with this pack (arguments go to ComfyUI; --no-browser opens no page;
                                      --gpus 0,1,2: one server for each of these GPUs; --servers 2: so many)
    python run.py workers URL URL … --workflow FILE
                                      search with several servers at once, until the budget is spent (--help: more)
    python run.py lint [paths]        check style and layout (of these files, or of all), types, and files that scripts write
    python run.py setup               only set up what the others need, and show it

The first call sets up what is missing; later ones start in seconds. Which ComfyUI is used: the one that the environment
variable COMFYUI_PATH names; else the one whose custom_nodes folder this pack lies in; else one of its own, which is
downloaded into .comfy with a Python environment in .venv (and, for the tests, the oldest one that works). A ComfyUI of
yours is never written to. If torch and torchvision work in the Python that you call this with, they are used; else they
are installed, from the package index that SURROGATE_TORCH_INDEX names if it is set (PyTorch has one for processors
alone, a small download).
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 10):  # noqa: UP036 (so that an older Python says this, not a syntax error)
    sys.exit(
        "run.py needs Python 3.10 or newer, and this is {}.{}; call it with a newer one.".format(*sys.version_info)
    )

import signal
from pathlib import Path

ROOT = Path(__file__).absolute().parent
if str(ROOT) not in sys.path:  # the Python of ComfyUI's portable build does not add a script's folder by itself
    sys.path.insert(0, str(ROOT))

from dev.call import INTERRUPTED, LAUNCH, call  # noqa: E402
from dev.environment import prepare, prepare_oldest  # noqa: E402
from dev.fleet.command import workers  # noqa: E402
from dev.pack import Pack, SetupError  # noqa: E402
from dev.serving import command_line, cpu  # noqa: E402
from dev.serving_several import asked_for, serve_several  # noqa: E402
from dev.testing import processors, pytest_arguments, pytest_variables  # noqa: E402

PACK = Pack(ROOT)


def demo(arguments: list[str]) -> int:
    environment = prepare(PACK, tests=False)
    if {"-h", "--help"}.isdisjoint(arguments):
        arguments = [*arguments, *cpu(environment, arguments)]
    return call(environment, LAUNCH, ROOT / "demo" / "run_demo.py", *arguments, cwd=ROOT)


def test(arguments: list[str]) -> int:
    environment = prepare(PACK, tests=True)
    count = processors()
    given = pytest_arguments(arguments, count)
    more = pytest_variables(arguments, count)
    if environment.owned:  # a ComfyUI of the user's is tested alone, with its own requirements
        more["SURROGATE_OLDEST_COMFYUI"] = str(prepare_oldest(PACK, environment.python))
    return call(environment, LAUNCH, "-m", "pytest", *given, cwd=ROOT, variables=more)


def serve(arguments: list[str]) -> int:
    each, arguments = asked_for(arguments)
    environment = prepare(PACK, tests=False)
    if each:
        return serve_several(PACK, environment, each, arguments)
    options, port, folder = command_line(PACK, environment, arguments)
    print(f"ComfyUI will be at http://127.0.0.1:{port} (stop it with Ctrl-C).", flush=True)
    status = call(environment, LAUNCH, environment.comfyui / "main.py", *options, cwd=folder)
    return 0 if status == INTERRUPTED else status


def lint(arguments: list[str]) -> int:
    return call(prepare(PACK, tests=True), LAUNCH, ROOT / "dev" / "lint.py", *arguments, cwd=ROOT)


def setup(arguments: list[str]) -> int:
    environment = prepare(PACK, tests=True)
    print(f"ComfyUI: {environment.comfyui} ({environment.origin})")
    print(f"Python:  {environment.python}")
    for folder in environment.site:
        print(f"         with packages of our own in {folder}")
    return 0


COMMANDS = {"demo": demo, "test": test, "serve": serve, "lint": lint, "setup": setup, "workers": workers}


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


def _terminated(*_signal: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a terminal that cannot show a character still shows the rest
    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(main(sys.argv[1:]))
