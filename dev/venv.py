"""The pack's own Python environment, with torch, ComfyUI's requirements and ours.

It cannot be made under another name and renamed (its scripts hold its path), so it carries a record of what is
finished; an environment that was interrupted is removed, by the same call where it can, else by the next one.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .folders import digest, read, remove_tree, temporary, write
from .interpreter import public, said_by, venv_python, version_of, without_python_settings
from .pack import Pack, SetupError, shown
from .pip import reason_of, run_logged, run_pip
from .stage import stage

__all__ = ["TORCH_INDEX", "Venv", "torchaudio_for"]

TORCH_INDEX = "SURROGATE_TORCH_INDEX"
"""Environment variable: a package index to take torch and torchvision from, such as PyTorch's own for processors alone."""


_TORCH_WORKS = """
import importlib.metadata, json, os, sys
import torch, torchvision
torchvision.ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([1.0]), 0.5)
facts = {"files": [os.path.abspath(torch.__file__), os.path.abspath(torchvision.__file__)]}
facts["folders"] = [p for p in sys.path if os.path.basename(p) in ("site-packages", "dist-packages")]
for name in ("torch", "torchvision"):
    facts[name] = importlib.metadata.version(name)
    info = importlib.metadata.distribution(name).locate_file(name + "-" + facts[name] + ".dist-info")
    if os.path.exists(info):  # its name holds the version: gone after an upgrade
        facts["files"].append(os.path.abspath(info))
print(json.dumps(facts))
"""

_TORCHAUDIO_WORKS = """
import torch, torchaudio
assert torchaudio.functional.resample(torch.zeros(1, 441), 44100, 48000).shape == (1, 480)
"""
SECONDS_OF_A_DAY = 86400
# The last one, which works with every later torch; each before it belongs to the torch of its own number.
LAST_TORCHAUDIO = (2, 11)


def torchaudio_for(torch: str) -> str:
    version = tuple(int(part) for part in public(torch).split(".")[:2])
    return "torchaudio=={}.{}.*".format(*min(version, LAST_TORCHAUDIO))


class Venv:
    """The pack's own Python environment and its record of what is finished.

    The record is a JSON file in the environment: ``busy`` names the stage under way and is empty when it is complete,
    so an environment whose record says busy was interrupted and is rebuilt.
    """

    def __init__(self, pack: Pack):
        self.pack = pack
        self.folder = pack.root / ".venv"
        if self.folder.exists() and not (self.folder / "surrogate.json").exists():
            self.folder = pack.home / "venv"  # a .venv that the user made: not ours to touch
        self.record_file = self.folder / "surrogate.json"

    @property
    def python(self) -> Path:
        return venv_python(self.folder)

    def ensure(self) -> None:
        """The environment with pip, torch and torchvision."""
        if self._complete():
            return
        caller = Path(sys.executable)
        if Path(sys.prefix).resolve() == self.folder.resolve():
            caller = Path(sys._base_executable)  # we are about to remove the interpreter that runs us
        if self.folder.exists():
            with stage(self.pack, f"Removing an interrupted or outdated {shown(self.pack, self.folder)}"):
                remove_tree(self.folder)
        with self._busy("environment", remove=True):
            with stage(self.pack, f"Making the Python environment {shown(self.pack, self.folder)}"):
                self._make(caller)
            torch = self._reuse_torch(caller) or self._install_torch()
            self._record(python=list(version_of(self.python)), torch=torch)

    def ensure_packages(self, comfyui: Path) -> None:
        """ComfyUI's requirements, ours, and those of the tests."""
        lines = (comfyui / "requirements.txt").read_text("utf-8").splitlines()
        # torchaudio is pinned to torch's version and often missing for it: see ensure_sound.
        # requests is imported by ComfyUI's server but was forgotten in its list.
        lines = [line for line in lines if not line.strip().lower().startswith("torchaudio")] + ["requests"]
        files = self.pack.requirements(tests=True)
        record = read(self.record_file)
        torch = record["torch"]
        held = [f"{name}=={public(torch[name])}" for name in ("torch", "torchvision")]
        wanted = digest(lines, held, *(path.read_text("utf-8") for path in files))
        if record.get("packages") == wanted:
            return
        with temporary(self.pack) as work:
            listed, constraints = work / "comfyui.txt", work / "held.txt"
            listed.write_text("\n".join(lines) + "\n", "utf-8")
            constraints.write_text("\n".join(held) + "\n", "utf-8")
            arguments = ["install", "-c", str(constraints), "-r", str(listed)]
            arguments += [argument for path in files for argument in ("-r", str(path))]
            with stage(self.pack, "Installing ComfyUI's requirements and the test packages"), self._busy("packages"):
                run_pip(self.pack, self.python, arguments, "install ComfyUI's requirements")
            self._record(packages=wanted)

    def ensure_sound(self) -> None:
        """torchaudio, without which core has no nodes for sound, if it can be had.

        If not, that is said, the tests of sound are skipped, and it is tried again when torch has changed or a day has
        gone by.
        """
        record = read(self.record_file)
        torch, tried = record["torch"]["torch"], record.get("torchaudio", {})
        if tried.get("torch") == torch and (tried["works"] or time.time() - tried["time"] < SECONDS_OF_A_DAY):
            return
        works = said_by(self.python, _TORCHAUDIO_WORKS) is not None
        if not works:
            # No dependencies: it asks for the torch that it was built with. Not one that is lent and does not work.
            options = ["--no-deps", "--ignore-installed", *_torch_index()]
            try:
                with stage(self.pack, "Installing torchaudio, for the tests of sound"), self._busy("torchaudio"):
                    run_pip(self.pack, self.python, ["install", *options, torchaudio_for(torch)], "install torchaudio")
                works = said_by(self.python, _TORCHAUDIO_WORKS) is not None
                reason = "" if works else "it does not work with this torch"
            except SetupError as error:
                reason = str(error)
            if reason:
                print(f"  No torchaudio: the tests of sound are skipped. {reason}", file=sys.stderr, flush=True)
        self._record(torchaudio={"torch": torch, "works": works, "time": time.time()})

    def _complete(self) -> bool:
        record = read(self.record_file)
        if record.get("busy") or "torch" not in record or not self.python.is_file():
            return False
        return all(Path(file).exists() for file in record["torch"]["files"]) and (
            list(version_of(self.python)) == record["python"]
        )

    def _make(self, caller: Path) -> None:
        # Not the venv module of this process: it takes sys.executable, which may be about to go.
        done = run_logged(
            [str(caller), "-m", "venv", str(self.folder)], self.pack.log, without_python_settings(os.environ)
        )
        if done.code or not self.python.is_file():
            raise SetupError(
                f"{caller} could not make a Python environment in {self.folder} ({reason_of(done.output)}); on Debian "
                "and Ubuntu install the package python3-venv, elsewhere call run.py with another Python 3.10 or newer."
            )

    def _reuse_torch(self, caller: Path) -> dict | None:
        """Lend the calling interpreter's torch and torchvision if they work together, here too."""
        with stage(self.pack, "Looking for torch and torchvision in the calling Python"):
            lent = _torch_facts(caller)
            if lent is None:
                return None
            site = next(self.folder.glob("Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages"))
            path = site / "surrogate_lent_by_caller.pth"
            path.write_text("\n".join(lent["folders"]) + "\n", "utf-8")
            facts = _torch_facts(self.python)
            if facts is None:
                path.unlink()
            return facts

    def _install_torch(self) -> dict:
        arguments = ["install", *_torch_index(), "torch", "torchvision"]
        with stage(self.pack, "Installing torch and torchvision (a large download, once)"):
            run_pip(self.pack, self.python, arguments, "install torch and torchvision")
            facts = _torch_facts(self.python)
        if facts is None:
            raise SetupError(
                "torch and torchvision were installed but do not work together on this machine; call run.py with a "
                "Python in which both work, and it will use those."
            )
        return facts

    def _record(self, **entries: object) -> None:
        write(self.record_file, {**read(self.record_file), **entries})

    @contextlib.contextmanager
    def _busy(self, name: str, remove: bool = False) -> Iterator[None]:
        """Mark the environment as unfinished; remove it if it cannot be trusted afterwards.

        A pip that ends with an error has undone what it did not finish; one that was stopped has not.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._record(busy=name)
        try:
            yield
        except SetupError:
            if remove:
                remove_tree(self.folder)
            else:
                self._record(busy="")
            raise
        except BaseException:
            remove_tree(self.folder)
            raise
        self._record(busy="")


def _torch_index() -> list[str]:
    """Arguments of pip for the index that `TORCH_INDEX` names, if it names one."""
    index = os.environ.get(TORCH_INDEX, "").strip()
    return ["--index-url", index] if index else []


def _torch_facts(python: Path) -> dict | None:
    said = said_by(python, _TORCH_WORKS)
    try:
        return None if said is None else json.loads(said)
    except ValueError:
        return None
