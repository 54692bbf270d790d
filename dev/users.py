"""The user's own ComfyUI and the Python that runs it.

Nothing is ever written into that ComfyUI or installed into its Python: what a command needs on top goes into a folder
of the checkout.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from .folders import digest, lock, read, replace, temporary, write
from .interpreter import probe, public, venv_python
from .pack import Pack, SetupError, shown
from .pip import run_pip
from .stage import stage

__all__ = ["ensure_site", "find_comfyui", "find_python", "is_comfyui"]


def is_comfyui(folder: Path) -> bool:
    return (folder / "main.py").is_file() and (folder / "comfy").is_dir() and (folder / "folder_paths.py").is_file()


def find_comfyui(root: Path, environ: Mapping[str, str]) -> tuple[Path, str] | None:
    """The user's own ComfyUI and how it was found, or None. Raises SetupError if COMFYUI_PATH is not a ComfyUI."""
    named = environ.get("COMFYUI_PATH", "").strip()
    if named:
        folder = Path(named).expanduser().absolute()
        for candidate in (folder, folder / "ComfyUI"):  # the second: the portable build's outer folder
            if is_comfyui(candidate):
                return candidate, "COMFYUI_PATH"
        raise SetupError(
            f"COMFYUI_PATH is {named!r}, but there is no ComfyUI in that folder (no main.py with a comfy folder beside "
            "it); correct it, or unset it to use a ComfyUI that run.py sets up by itself."
        )
    # absolute first: a clone that is linked into custom_nodes counts as lying there
    for path in (root.absolute(), root.resolve()):
        if path.parent.name == "custom_nodes" and is_comfyui(path.parent.parent):
            return path.parent.parent, "custom_nodes"
    return None


def find_python(comfyui: Path, origin: str) -> Path:
    """The Python that runs the user's ComfyUI: the one in its folder, else the calling one. Raises SetupError."""
    candidates = [
        *(venv_python(comfyui / name) for name in ("venv", ".venv", "env")),
        comfyui.parent / "python_embeded" / "python.exe",
        Path(sys.executable),
    ]
    tried = [python for python in candidates if python.is_file()]
    for python in tried:
        # aiohttp is what ComfyUI's server is made of: together with torch it tells ComfyUI's Python from any other
        if {"torch", "aiohttp"} <= probe(python).distributions.keys():
            return python
    raise SetupError(
        f"The ComfyUI in {comfyui} has no Python with torch and aiohttp (looked at {', '.join(map(str, tried))}); call "
        "run.py with the Python that starts that ComfyUI"
        + (", or unset COMFYUI_PATH to use a ComfyUI that run.py sets up." if origin == "COMFYUI_PATH" else ".")
    )


def ensure_site(pack: Pack, python: Path, tests: bool) -> tuple[Path, ...]:
    """Put what the user's Python lacks into a folder of ours, and return the folder (nothing if it lacks nothing).

    torch, torchvision and numpy are held at the versions that are there: a second copy of them would break ComfyUI.
    """
    with lock(pack):
        files = pack.requirements(tests)
        facts = probe(python)
        wanted = digest(*(path.read_text("utf-8") for path in files), str(python), facts.version, facts.distributions)
        folder = pack.home / ("site-test" if tests else "site")
        stamp = folder / "surrogate.json"
        if read(stamp).get("wanted") != wanted:
            with temporary(pack) as work:
                held = work / "held.txt"
                names = [
                    name for name in ("torch", "torchvision", "torchaudio", "numpy") if name in facts.distributions
                ]
                held.write_text("".join(f"{name}=={public(facts.distributions[name])}\n" for name in names), "utf-8")
                report = work / "report.json"
                asked = [argument for path in files for argument in ("-r", str(path))]
                with stage(pack, "Looking for packages that this ComfyUI's Python lacks"):
                    run_pip(
                        pack,
                        python,
                        ["install", "--dry-run", "--quiet", "--report", str(report), "-c", str(held), *asked],
                        "find out which packages are missing",
                    )
                lacking = [
                    f"{item['metadata']['name']}=={item['metadata']['version']}"
                    for item in json.loads(report.read_text("utf-8"))["install"]
                ]
                fresh = work / "site"
                fresh.mkdir()
                if lacking:
                    with stage(pack, f"Installing {', '.join(lacking)} into {shown(pack, folder)}"):
                        run_pip(
                            pack,
                            python,
                            ["install", "--no-deps", "--target", str(fresh), *lacking],
                            f"install {', '.join(lacking)}",
                        )
                write(fresh / "surrogate.json", {"wanted": wanted, "packages": lacking})
                replace(work, fresh, folder)
        return (folder,) if read(stamp).get("packages") else ()
