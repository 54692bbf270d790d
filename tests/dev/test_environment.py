"""The whole setting up: how it recovers, what it says without a network or a disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dev.environment import prepare
from dev.pack import SetupError
from dev.venv import Venv, torchaudio_for

from .made import (
    COMFYUI,
    UNREACHABLE,
    clone,
    comfyui_wheel,
    leftovers,
    make_wheel,
    pip_settings,
    posix,
    python_in,
    run_py,
    sentence,
    until,
    use,
)


@pytest.fixture(scope="module")
def built_once(tmp_path_factory):
    """A checkout with an embedded ComfyUI, set up after a first attempt was killed in the middle."""
    folder = tmp_path_factory.mktemp("built")
    wheels = folder / "wheels"
    wheel = comfyui_wheel(wheels, COMFYUI)
    pack = clone(folder / "Klön mit Lücke")
    with pytest.MonkeyPatch.context() as monkeypatch:
        use(monkeypatch, pip_settings(wheels=wheels))
        first = python_in(pack, f"prepare(Pack(Path({str(pack.root)!r})), True, {{}})")
        until(lambda: (pack.root / ".venv" / "pyvenv.cfg").exists(), 60, "the environment to be begun")
        first.kill()
        first.communicate()
        assert json.loads((pack.root / ".venv" / "surrogate.json").read_text("utf-8"))["busy"] == "environment"
        environment = prepare(pack, True, {}, wheel)
    return pack, environment, wheel, wheels


@pytest.fixture
def built(built_once, monkeypatch):
    use(monkeypatch, pip_settings(wheels=built_once[3]))
    return built_once


def test_a_killed_first_attempt_is_followed_by_a_complete_one(built):
    pack, environment, _, _ = built
    assert environment.owned
    assert environment.python == Venv(pack).python
    assert environment.python.is_relative_to(pack.root / ".venv")
    code = "import torch, torchvision, sys; print(sys.prefix)"
    done = subprocess.run(environment.command("-c", code), capture_output=True, text=True, env=environment.variables())
    assert Path(done.stdout.strip()).samefile(pack.root / ".venv"), done.stderr
    assert (environment.comfyui / "main.py").read_text("utf-8") == COMFYUI["main.py"]
    assert not (environment.comfyui / "extra_model_paths.yaml").exists()
    assert leftovers(pack) == []


def test_bytecode_is_written_into_the_embedded_comfyui_and_not_into_a_users(built, monkeypatch):
    _, environment, *_ = built
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in environment.variables()
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE")
    users = replace(environment, origin="COMFYUI_PATH")
    assert users.variables()["PYTHONDONTWRITEBYTECODE"] == "1"


def test_the_second_call_is_quick_and_needs_no_network(built, monkeypatch):
    pack, environment, wheel, _ = built
    use(monkeypatch, pip_settings(index=UNREACHABLE))
    began = time.monotonic()
    assert prepare(pack, True, {}, wheel) == environment
    assert time.monotonic() - began < 5


def test_changed_requirements_are_installed_and_a_failure_spoils_nothing(built):
    pack, environment, wheel, wheels = built
    asked = pack.root / "requirements-test.txt"
    before = asked.read_text("utf-8")
    make_wheel(wheels, "added-later", "1.0", {"added_later.py": "answer = 42\n"})
    asked.write_text(before + "no-such-package-anywhere\n", "utf-8")
    with pytest.raises(SetupError, match=r"Could not install .* no no-such-package-anywhere .* run the same command"):
        prepare(pack, True, {}, wheel)
    asked.write_text(before + "added-later\n", "utf-8")
    assert prepare(pack, True, {}, wheel) == environment
    done = subprocess.run(environment.command("-c", "import added_later as a; print(a.answer)"), capture_output=True)
    assert done.stdout.split() == [b"42"]
    assert leftovers(pack) == []


def test_requirements_cannot_replace_torch(built):
    pack, environment, wheel, wheels = built
    asked = pack.root / "requirements-test.txt"
    before = asked.read_text("utf-8")
    make_wheel(wheels, "wants-old-torch", "1.0", {"wants_old_torch.py": ""}, requires=("torch==1.0",))
    make_wheel(wheels, "torch", "1.0", {"torch/__init__.py": ""})
    asked.write_text(before + "wants-old-torch\n", "utf-8")
    with pytest.raises(SetupError, match="Could not install"):
        prepare(pack, True, {}, wheel)
    asked.write_text(before, "utf-8")
    assert prepare(pack, True, {}, wheel) == environment
    done = subprocess.run(environment.command("-c", "import torch; print(torch.__version__)"), capture_output=True)
    assert done.stdout.strip() not in (b"", b"1.0")


def test_a_torchaudio_that_cannot_be_had_costs_the_tests_of_sound_and_nothing_else(built, capsys):
    """It is lent with torch; here one that fails stands before it."""
    pack, environment, wheel, wheels = built
    site = next((pack.root / ".venv").glob("Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages"))
    record = Venv(pack).record_file

    def again():
        record.write_text(json.dumps(json.loads(record.read_text("utf-8")) | {"torchaudio": {}}), "utf-8")
        assert prepare(pack, True, {}, wheel) == environment
        kept = json.loads(record.read_text("utf-8"))
        assert kept["busy"] == ""
        return kept["torchaudio"]["works"], capsys.readouterr().err

    (site / "torchaudio").mkdir(exist_ok=True)
    (site / "torchaudio" / "__init__.py").write_text("raise OSError('built for another torch')\n", "utf-8")
    works, said = again()
    assert not works and "No torchaudio: the tests of sound are skipped. Could not install torchaudio" in said
    assert prepare(pack, True, {}, wheel) == environment
    assert capsys.readouterr().err == ""  # not tried again, not said again

    version = torchaudio_for(json.loads(record.read_text("utf-8"))["torch"]["torch"]).split("==")[1].replace("*", "0")
    make_wheel(wheels, "torchaudio", version, {"torchaudio/__init__.py": "raise OSError('broken')\n"})
    works, said = again()
    assert not works and "it does not work with this torch" in said

    good = "import types, torch\nfunctional = types.SimpleNamespace(resample=lambda x, a, b: torch.zeros(1, 480))\n"
    make_wheel(wheels, "torchaudio", version, {"torchaudio/__init__.py": good}, requires=("torch==1.0",))
    works, said = again()
    assert works and "Installing torchaudio" in said and "No torchaudio" not in said


@posix
def test_ctrl_c_during_the_setup_leaves_nothing(tmp_path):
    pack = clone(tmp_path / "clone")
    env = pip_settings(index=UNREACHABLE)
    env.pop("COMFYUI_PATH", None)
    process = subprocess.Popen(
        [sys.executable, str(pack.root / "run.py"), "setup"],
        env=env,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: (pack.root / ".venv" / "pyvenv.cfg").exists(), 60, "the environment to be begun")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert not (pack.root / ".venv").exists()
    assert leftovers(pack) == []


def test_without_a_network_there_is_one_sentence_and_nothing_half_installed(tmp_path):
    pack = clone(tmp_path / "clone ä")
    bare = tmp_path / "bare"  # a calling Python without torch
    subprocess.run([sys.executable, "-m", "venv", str(bare)], check=True, capture_output=True)
    python = bare / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    said = sentence(run_py(pack, "demo", env=pip_settings(index=UNREACHABLE), python=python))
    assert "Could not install torch and torchvision" in said
    assert "cannot reach the package index" in said
    assert "run the same command again" in said
    assert not (pack.root / ".venv").exists()
    assert sorted(path.name for path in pack.home.iterdir()) == ["lock", "logs"]


@posix
def test_a_full_disk_gives_one_sentence_and_leaves_nothing(tmp_path):
    import resource

    pack = clone(tmp_path / "clone")
    said = sentence(
        run_py(
            pack,
            "test",
            env=pip_settings(index=UNREACHABLE),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
        )
    )
    assert "could not make a Python environment" in said or "File too large" in said
    assert not (pack.root / ".venv").exists()
    assert leftovers(pack) == []
