"""The commands of run.py: what they print, and that nothing is left running."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from dev.server import comfyui_folder, free_port

ROOT = Path(__file__).absolute().parents[1]
posix = pytest.mark.skipif(os.name == "nt", reason="signals as Linux and macOS have them")


def test_words_that_are_no_command_are_named():
    done = subprocess.run([sys.executable, str(ROOT / "run.py"), "dmeo"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "'dmeo'" in done.stderr and "demo, test, serve, lint" in done.stderr
    shown = subprocess.run([sys.executable, str(ROOT / "run.py"), "--help"], capture_output=True, text=True)
    assert shown.returncode == 0 and "python run.py demo" in shown.stdout


def test_run_py_needs_only_the_standard_library():
    code = f"import sys; sys.argv[0] = 'x'; sys.path.insert(0, {str(ROOT)!r}); import run; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded - sys.stdlib_module_names <= {"__main__", "run", "dev"}


def test_nobody_pins_torch_or_numpy():
    for name in ("requirements.txt", "pyproject.toml"):
        text = re.sub(r"#.*", "", (ROOT / name).read_text("utf-8"))
        assert not re.search(r"\b(torch|torchvision|torchaudio|numpy)\b\s*[<>=!~@]", text), name
    assert not re.search(r"^(torch|numpy)", (ROOT / "requirements.txt").read_text("utf-8"), re.M)


@contextlib.contextmanager
def command(*arguments: str, **variables: str):
    """run.py of this checkout, in the environment of these tests, its output readable line by line."""
    process = subprocess.Popen(
        [sys.executable, "-u", str(ROOT / "run.py"), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **variables},
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen, pattern: str) -> re.Match:
    lines = []
    for line in process.stdout:
        lines.append(line)
        if match := re.search(pattern, line):
            return match
    raise AssertionError(f"the program ended without saying {pattern!r}:\n" + "".join(lines))


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_setup_is_quick_when_all_is_there():
    subprocess.run([sys.executable, str(ROOT / "run.py"), "setup"], check=True, capture_output=True)
    began = time.monotonic()
    done = subprocess.run([sys.executable, str(ROOT / "run.py"), "setup"], capture_output=True, text=True)
    assert time.monotonic() - began < 10
    assert done.returncode == 0 and str(comfyui_folder()) in done.stdout
    assert done.stderr == ""


@posix
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_demo_leaves_no_server(how):
    runs = ROOT / ".comfy" / "runs"
    before = set(runs.glob("demo-*")) if runs.exists() else set()
    with command("demo", "--cpu") as process:
        port = int(read_until(process, r"answers at http://127\.0\.0\.1:(\d+)")[1])
        assert listens(port)
        process.send_signal(how)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in rest
    assert not listens(port)
    assert set(runs.glob("demo-*")) <= before


@posix
def test_serve_opens_comfyui_with_the_pack_and_the_users_models(tmp_path):
    """With COMFYUI_PATH: the user's models are there, the pack is there, and the user's folder stays as it was."""
    real, users = comfyui_folder(), tmp_path / "ComfyUI"
    users.mkdir()
    for path in real.iterdir():
        if path.name not in ("models", "custom_nodes", "user", "input", "output", "temp", "surrogate.json"):
            (users / path.name).symlink_to(path, target_is_directory=path.is_dir())
    for kind in ("unet", "diffusion_models", "vae", "a kind of my own"):
        (users / "models" / kind).mkdir(parents=True)
        (users / "models" / kind / f"in {kind}.safetensors").write_bytes(b"")
    before = sorted(str(path) for path in users.rglob("*"))
    port = free_port()
    with command("serve", "--no-browser", "--cpu", "--port", str(port), COMFYUI_PATH=str(users)) as process:
        read_until(process, "To see the GUI go to")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

        def get(path):
            return json.load(opener.open(f"http://127.0.0.1:{port}{path}", timeout=30))

        assert get("/models/diffusion_models") == ["in diffusion_models.safetensors", "in unet.safetensors"]
        assert get("/models/vae") == ["in vae.safetensors"] or "in vae.safetensors" in get("/models/vae")
        assert any(name.startswith("Surrogate") for name in get("/object_info"))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert not listens(port)
    assert sorted(str(path) for path in users.rglob("*")) == before
