"""The oldest ComfyUI that the README names: every node is there, and the demo workflows give their pictures."""

import io
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dev.client import Client
from dev.server import Server
from dev.workflow_files import WORKFLOWS

from .conftest import Comfy
from .core_names import GUARDED
from .test_core_names import missing_in
from .test_scoring_nodes import scored
from .test_search import history
from .test_workflows import skip_if_too_old
from .ui_format import to_prompt

ROOT = Path(__file__).absolute().parents[2]
OLDEST = os.environ.get("SURROGATE_OLDEST_COMFYUI")

pytestmark = pytest.mark.skipif(not OLDEST, reason="run.py sets up an old ComfyUI beside its own, not beside yours")


@pytest.fixture(scope="module")
def oldest():
    with Server(
        "oldest", packs=[Path(__file__).parent / "testkit"], arguments=["--cpu"], comfyui=Path(OLDEST)
    ) as server:
        yield Comfy(server, Client(server.url))


def read(path: Path) -> dict:
    return json.loads(path.read_text("utf-8"))


def test_it_is_the_one_that_the_readme_names(oldest):
    version = oldest.client.get("/system_stats")["system"]["comfyui_version"]
    assert f"Needs ComfyUI {version} or newer" in (ROOT / "README.md").read_text("utf-8")
    assert f'requires-comfyui = ">={version}"' in (ROOT / "pyproject.toml").read_text("utf-8")
    assert f'OLDEST = "{version}"' in (ROOT / "nodes" / "tools" / "loading.py").read_text("utf-8")


def test_every_node_is_there_and_takes_the_same_inputs(oldest, comfy):
    old, new = (
        {i: node for i, node in server.client.object_info().items() if i.startswith("Surrogate")}
        for server in (oldest, comfy)
    )
    assert old.keys() == new.keys()
    for name, node in old.items():
        for kind in ("required", "optional"):
            assert list(node["input"].get(kind, {})) == list(new[name]["input"].get(kind, {})), name
        assert node["output"] == new[name]["output"]


def test_nodes_of_the_graph_score_a_search(oldest):
    graph, _ = scored(oldest, "by nodes")
    graph.run()
    rows = history(oldest, "by nodes")
    assert len(rows) == 12 and np.isfinite(rows.scores).all()


def test_it_has_the_names_that_the_pack_uses(oldest):
    assert missing_in(oldest) <= GUARDED.keys()


@pytest.mark.parametrize("name", WORKFLOWS)
def test_its_browser_would_send_the_same_graph(oldest, name):
    skip_if_too_old(oldest.client, name)
    assert to_prompt(read(WORKFLOWS[name]), oldest.client.object_info()) == read(ROOT / "demo" / "api" / f"{name}.json")


MOST = {"budget": 16, "steps": 8, "columns": 3, "rows": 3, "frames": 8, "count": 8, "size": 64}
# What a person did in the Explorer: two pictures are liked and finished.
FINISHED = '{"pages": [{"n": 4, "likes": [1, 2]}, {"do": "finish"}]}'
# And in Pick: of a single generation two pictures.
PICKED = "2, 5"


@pytest.mark.parametrize("name", [name for name in WORKFLOWS if name.startswith("demo_")])
def test_the_demo_workflows_run(oldest, name):
    """With smaller pictures, budgets and grids and fewer steps: how well they search and invert is tested elsewhere."""
    prompt = read(ROOT / "demo" / "api" / f"{name}.json")
    latents = [[number, 3] for number, node in prompt.items() if node["class_type"] == "SurrogateDemoModel"]
    prompt["small"] = {"class_type": "EmptySD3LatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}}
    for node in prompt.values():
        node["inputs"] |= {name: ["small", 0] for name, value in node["inputs"].items() if value in latents}
        for setting, most in MOST.items():
            if setting in node["inputs"]:
                node["inputs"][setting] = min(node["inputs"][setting], most)
        if "session" in node["inputs"]:
            node["inputs"] |= {"session": FINISHED, "pictures": 4}
        if "picks" in node["inputs"]:
            node["inputs"]["likes"] = PICKED
            study = next(node for node in prompt.values() if node["class_type"] == "SurrogateStudy")["inputs"]
            study["budget"] = study["population"]
    oldest.client.run(prompt, read(WORKFLOWS[name]), timeout=900)
    deadline = time.monotonic() + 900
    for study in [node["inputs"]["name"] for node in prompt.values() if node["class_type"] == "SurrogateStudy"]:
        # Tell sends the graph again until the search is finished.
        while not oldest.client.get("/surrogate/study", name=study)["finished"]:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    while any(oldest.client.get("/queue").values()):
        time.sleep(0.1)
    entry = max(oldest.client.get("/history").values(), key=lambda entry: entry["prompt"][0])
    explored = [page for output in entry["outputs"].values() for page in output.get("surrogate_explorer", ())]
    files = [*oldest.client.images(entry), *(file for page in explored for file in page["saved"])]
    pictures = [oldest.client.view(file) for file in files if file["type"] == "output"]
    assert pictures
    for picture in pictures:
        values = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), np.int16)
        assert values.mean() > 10  # not black, not one colour, not noise
        assert values.std() > 8
        assert np.abs(np.diff(values, axis=1)).mean() < values.std()
        # A page without its pictures has letters and frames, in few colours.
        assert len(np.unique(values.reshape(-1, 3), axis=0)) > 700
