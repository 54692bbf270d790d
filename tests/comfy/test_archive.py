"""The archive of the registry, installed as the Manager does: unpacked into custom_nodes, under the pack's own name."""

import io
import json
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dev.archive import write_archive
from dev.client import Client
from dev.server import ROOT, Server

OLDEST = os.environ.get("SURROGATE_OLDEST_COMFYUI", "")
pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="what is packed is what git tracks")


@pytest.fixture(params=[None, OLDEST], ids=["this", "oldest"])
def comfyui(request) -> Path | None:
    """The folder of a ComfyUI; None for the one that all tests run on."""
    if request.param is None:
        return None
    if not request.param:
        pytest.skip("run.py sets up an old ComfyUI beside its own, not beside yours")
    return Path(request.param)


@pytest.fixture
def installed(tmp_path_factory) -> Path:
    """A base folder for ComfyUI in which the unpacked archive is the only pack."""
    base = tmp_path_factory.mktemp("archive")
    name = re.search(r'^name = "(.*)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)[1]
    write_archive(base / "node.zip")
    with zipfile.ZipFile(base / "node.zip") as archive:
        archive.extractall(base / "custom_nodes" / name)
    return base


def test_a_demo_runs_from_the_unpacked_archive(installed, comfy, comfyui):
    (pack,) = (installed / "custom_nodes").iterdir()
    assert not (pack / "tests").exists() and not (pack / "dev").exists()
    prompt = json.loads((pack / "demo" / "api" / "demo_grid.json").read_text("utf-8"))
    with Server("archive", pack=pack, arguments=["--cpu"], base=installed, comfyui=comfyui) as server:
        client = Client(server.url)
        entry = client.run(prompt)
        (image,) = client.images(entry)
        with Image.open(io.BytesIO(client.view(image))) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        ours = {name for name in client.object_info() if name.startswith("Surrogate")}
        shown = client.get("/extensions")
    assert min(pixels.shape[:2]) > 5 * 128 and pixels.std() > 30
    assert ours == {name for name in comfy.client.object_info() if name.startswith("Surrogate")}
    web = pack / "web"
    scripts = {f"/extensions/{pack.name}/{file.relative_to(web).as_posix()}" for file in web.rglob("*.js")}
    assert scripts and scripts <= set(shown)
