"""One server for each GPU: what each is told, and that they end together."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from dev.environment import Environment
from dev.pack import Pack, SetupError
from dev.serving_several import asked_for, serve_several

ROOT = Path(__file__).absolute().parents[2]
# Says what it was told and which process it is; then runs until a file "end" says that the one at its port ends.
MAIN = """
import json, os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
port = sys.argv[sys.argv.index("--port") + 1]
with open(os.path.join(here, port + ".part"), "w") as file:
    json.dump({"arguments": sys.argv[1:], "pid": os.getpid()}, file)
os.rename(os.path.join(here, port + ".part"), os.path.join(here, port + ".json"))
while len([name for name in os.listdir(here) if name.endswith(".json")]) < 2:
    time.sleep(0.02)
if "1" in sys.argv:
    sys.exit(7)
time.sleep(60)
"""


@pytest.mark.skipif(os.name == "nt", reason="processes as Linux and macOS have them")
def test_each_has_its_own_gpu_port_and_folders(tmp_path, capfd):
    comfyui = tmp_path / "ComfyUI"
    (comfyui / "models").mkdir(parents=True)
    (comfyui / "main.py").write_text(MAIN)
    (comfyui / "comfy").mkdir()
    (comfyui / "comfy" / "cli_args.py").write_text('"--database-url"')

    class Here(Pack):
        home = tmp_path / "home"

    each, others = asked_for(["--gpus", "0,1", "--no-browser", "--lowvram"])
    began = time.monotonic()
    status = serve_several(Here(ROOT), Environment(comfyui, Path(sys.executable), "COMFYUI_PATH"), each, others)
    assert status == 7 and time.monotonic() - began < 40, "one ended, so the other one was stopped"
    told = [json.loads(file.read_text()) for file in comfyui.glob("*.json")]
    assert not any(psutil.pid_exists(program["pid"]) for program in told)

    def given(option: str) -> list[str]:
        """The last value of an option, which is the one that counts."""
        found = [program["arguments"] for program in told]
        return [words[len(words) - words[::-1].index(option)] for words in found]

    assert sorted(given("--cuda-device")) == ["0", "1"]
    assert len(set(given("--base-directory"))) == 1, "models, inputs and studies are shared"
    for option in ("--port", "--output-directory", "--temp-directory", "--database-url"):
        assert len(set(given(option))) == 2
    assert all("--lowvram" in program["arguments"] for program in told)
    printed = capfd.readouterr().out
    urls = " ".join(f"http://127.0.0.1:{port}" for port in given("--port"))
    assert "python run.py workers http://127.0.0.1:" in printed and all(url in printed for url in urls.split())


@pytest.mark.parametrize("words", [["--gpus", "0,0"], ["--gpus"], ["--gpus=a"], ["--servers", "0"], ["--servers=x"]])
def test_what_is_no_list_of_gpus(words):
    with pytest.raises(SetupError, match=f"{words[0].split('=')[0]} is .*give"):
        asked_for(words)


def test_one_server_is_served_as_ever():
    assert asked_for(["--port", "1", "--lowvram"]) == ([], ["--port", "1", "--lowvram"])
    assert asked_for(["--servers=2", "--cpu"]) == ([[], []], ["--cpu"])
