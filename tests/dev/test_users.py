"""The user's own ComfyUI: how it is found, and that nothing is written into it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.environment import prepare
from dev.pack import SetupError
from dev.server import link_folder
from dev.users import ensure_site, find_comfyui, find_python

from .made import (
    clone,
    leftovers,
    make_wheel,
    users_comfyui,
)


def test_comfyui_path_is_used_and_checked(tmp_path):
    comfyui = users_comfyui(tmp_path / "portable" / "ComfyUI")
    pack = tmp_path / "clone"
    for named in (comfyui, comfyui.parent):
        assert find_comfyui(pack, {"COMFYUI_PATH": str(named)}) == (comfyui, "COMFYUI_PATH")
    with pytest.raises(SetupError, match=r"COMFYUI_PATH is '.*nowhere', but there is no ComfyUI in that folder"):
        find_comfyui(pack, {"COMFYUI_PATH": str(tmp_path / "nowhere")})
    assert find_comfyui(pack, {}) is None
    assert find_comfyui(pack, {"COMFYUI_PATH": ""}) is None


def test_the_comfyui_whose_custom_nodes_hold_the_pack_is_used(tmp_path):
    comfyui = users_comfyui(tmp_path / "ComfyUI")
    inside = comfyui / "custom_nodes" / "ComfyUI-Surrogate"
    inside.mkdir()
    assert find_comfyui(inside, {}) == (comfyui, "custom_nodes")
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    linked = comfyui / "custom_nodes" / "linked"
    link_folder(outside, linked)
    assert find_comfyui(linked, {}) == (comfyui, "custom_nodes")
    assert find_comfyui(outside, {}) is None
    other = users_comfyui(tmp_path / "other")
    assert find_comfyui(inside, {"COMFYUI_PATH": str(other)}) == (other, "COMFYUI_PATH")
    loose = tmp_path / "loose" / "custom_nodes" / "pack"  # a custom_nodes folder without a ComfyUI around it
    loose.mkdir(parents=True)
    assert find_comfyui(loose, {}) is None


@pytest.fixture(scope="module")
def users(tmp_path_factory):
    """A ComfyUI of the user's with its own Python, which has everything that the Python of these tests has."""
    comfyui = users_comfyui(tmp_path_factory.mktemp("users") / "ComfyUI")
    subprocess.run([sys.executable, "-m", "venv", str(comfyui / "venv")], check=True, capture_output=True)
    site = next((comfyui / "venv").glob("Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages"))
    lent = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (site / "lent.pth").write_text("\n".join(lent) + "\n", "utf-8")
    return comfyui, comfyui / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def test_the_python_of_the_users_comfyui_is_preferred_if_it_has_torch(users, tmp_path):
    assert find_python(users[0], "custom_nodes") == users[1]
    other = users_comfyui(tmp_path / "ComfyUI")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(other / "venv")], check=True)
    assert find_python(other, "custom_nodes") == Path(sys.executable)


def test_the_users_comfyui_gets_nothing_installed(users, tmp_path, wheels):
    comfyui, python = users

    def listing():
        return sorted(str(path) for path in comfyui.rglob("*") if "__pycache__" not in path.parts)

    before = listing()
    pack = clone(tmp_path / "clone")
    make_wheel(wheels, "only-for-tests", "1.0", {"only_for_tests.py": "answer = 42\n"}, requires=("numpy",))
    pack.requirements(tests=True)[1].write_text("only-for-tests\n", "utf-8")

    assert ensure_site(pack, python, tests=False) == ()
    environment = prepare(pack, True, {"COMFYUI_PATH": str(comfyui)})
    (site,) = environment.site
    names = {path.name for path in site.iterdir()}
    assert "only_for_tests.py" in names
    assert "numpy" not in names  # it has one: a second would break it
    assert (environment.python, environment.owned) == (python, False)
    command = environment.command(pack.root / "dev" / "launch.py", "-m", "only_for_tests")
    assert subprocess.run(command, env=environment.variables()).returncode == 0
    assert listing() == before
    assert leftovers(pack) == []


def test_what_needs_another_numpy_is_refused_for_the_users_python(users, tmp_path, wheels):
    pack = clone(tmp_path / "clone")
    make_wheel(wheels, "wants-old-numpy", "1.0", {"wants_old_numpy.py": ""}, requires=("numpy==1.0",))
    make_wheel(wheels, "numpy", "1.0", {"numpy/__init__.py": ""})
    pack.requirements(tests=True)[1].write_text("wants-old-numpy\n", "utf-8")
    with pytest.raises(SetupError, match="Could not find out which packages are missing"):
        ensure_site(pack, users[1], tests=True)
    assert leftovers(pack) == []


def test_a_comfyui_without_any_python_is_explained(tmp_path, monkeypatch):
    comfyui = users_comfyui(tmp_path / "ComfyUI")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    bare = tmp_path / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(SetupError, match=r"has no Python with torch and aiohttp .* unset COMFYUI_PATH"):
        find_python(comfyui, "COMFYUI_PATH")
