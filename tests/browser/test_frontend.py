"""The workflows in ComfyUI's own frontend. Skipped where there is no browser for it: it needs Chromium and playwright."""

import importlib.util
import json
import os
import shutil
import time
from pathlib import Path

import pytest

from demo.client import Client
from demo.server import Server

ROOT = Path(__file__).absolute().parents[2]
WORKFLOWS = {path.stem: path for path in sorted((ROOT / "workflows").glob("*.json"))}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
READY = "() => !!(window.app && app.graph && app.extensionManager && LiteGraph.registered_node_types.SurrogateSpace)"
SLOW = 120_000  # milliseconds

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the PATH"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed"),
]


@pytest.fixture(scope="module")
def client():
    automatic = os.environ.get("SURROGATE_TEST_DEVICE", "cpu") == "auto"
    # The test-only nodes for the loop of flux_native_loop, which this ComfyUI may not have.
    packs = [ROOT / "tests" / "comfy" / "testkit"]
    with Server("browser tests", packs=packs, arguments=[] if automatic else ["--cpu"]) as server:
        client = Client(server.url)
        # Otherwise a default template takes the place of what we load, and a dialog about missing models lies over it.
        off = ("Comfy.Workflow.Persist", "Comfy.Workflow.ShowMissingModelsWarning")
        client.post("/settings", {"Comfy.TutorialCompleted": True, **dict.fromkeys(off, False)})
        yield client


@pytest.fixture(scope="module")
def page(client, tmp_path_factory):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("browser"), executable_path=CHROMIUM, headless=True, args=ARGUMENTS
        )
        page = context.pages[0]
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(f"uncaught: {error}"))
        page.on("console", lambda m: page.complaints.append(f"{m.text} {m.location}") if m.type == "error" else None)
        page.goto(client.url, timeout=SLOW)
        page.wait_for_function(READY, timeout=SLOW)
        page.wait_for_timeout(2500)  # the frontend's own first graph
        yield page
        context.close()


def load(page, name: str, nodes_2: bool = False) -> dict:
    """Open a workflow as the template browser does."""
    workflow = json.loads(WORKFLOWS[name].read_text("utf-8"))
    page.evaluate("on => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)", nodes_2)
    page.evaluate("workflow => app.loadGraphData(workflow, true, true)", workflow)
    page.wait_for_timeout(1500)
    return workflow


@pytest.mark.parametrize("nodes", ["classic", "Nodes 2.0"])
@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_frontend_sends_the_api_twin(client, page, name, nodes):
    page.complaints.clear()
    workflow = load(page, name, nodes == "Nodes 2.0")

    shown = page.evaluate("() => app.graph.nodes.map(n => [n.id, n.type, !!n.has_errors, (n.widgets || []).length])")
    assert {(int(i), kind) for i, kind, *_ in shown} == {(node["id"], node["type"]) for node in workflow["nodes"]}
    assert not any(errors for _, _, errors, _ in shown)
    # Positional: one widget more, such as a "control after generate", and every later value is in the wrong place.
    values = {node["id"]: len(node.get("widgets_values") or []) for node in workflow["nodes"]}
    assert {int(i): count for i, _, _, count in shown} == values

    sent = json.loads(page.evaluate("async () => JSON.stringify((await app.graphToPrompt()).output)"))
    sent = {i: {"class_type": node["class_type"], "inputs": node["inputs"]} for i, node in sent.items()}
    assert sent == json.loads((ROOT / "demo" / "api" / f"{name}.json").read_text("utf-8"))

    ours = [c for c in page.complaints if "Surrogate" in c and "api.comfy.org" not in c]
    assert not ours, f"the console says: {ours}"


def test_the_run_button_makes_the_grid(client, page):
    load(page, "demo_grid")
    with page.expect_response(lambda response: response.url.endswith("/prompt") and response.ok) as response:
        page.click('[data-testid="queue-button"]')
    entry = client.wait(response.value.json()["prompt_id"], timeout=900)
    (image,) = client.images(entry)
    assert image["filename"].startswith("demo_grid")
    # The node shows it too.
    deadline = time.monotonic() + 30
    while not page.evaluate("() => (app.nodeOutputs['12'] || {}).images?.length") and time.monotonic() < deadline:
        page.wait_for_timeout(200)
    assert page.evaluate("() => app.nodeOutputs['12'].images[0].filename") == image["filename"]
