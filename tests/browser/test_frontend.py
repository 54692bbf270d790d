"""The workflows in ComfyUI's own frontend."""

import json
import os
import time
from pathlib import Path

import pytest

from dev.browser import NODES, show
from dev.workflow_files import WORKFLOWS, asks_a_service, has_sound, needs, version
from surrogate import Seeds
from surrogate.files.seed_file import save_seeds

ROOT = Path(__file__).absolute().parents[2]
LOAD_SEEDS = "app.graph.nodes.find(n => n.type === 'SurrogateLoadSeeds')"
# Where a widget of a classic node is on the screen.
ON_SCREEN = """(node, which) => {
    const y = node.pos[1] + node.widgets.find(which).y + 10;
    const canvas = app.canvas.canvas.getBoundingClientRect();
    const place = app.canvas.convertOffsetToCanvas([node.pos[0] + 60, y]);
    return [place[0] + canvas.left, place[1] + canvas.top];
}"""
# A file is dragged from the desktop and dropped there.
DROP = """async ([place, name, bytes]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], name));
    const [clientX, clientY] = place;
    const target = document.elementFromPoint(clientX, clientY);
    for (const kind of ['dragenter', 'dragover', 'drop']) {
        target.dispatchEvent(new DragEvent(kind, {dataTransfer: data, clientX, clientY, bubbles: true, cancelable: true}));
        await new Promise(resolve => setTimeout(resolve, 300));
    }
}"""


def load(page, name: str, nodes_2: bool = False) -> dict:
    """Open a workflow as the template browser does."""
    return show(page, json.loads(WORKFLOWS[name].read_text("utf-8")), nodes_2)


def skip_if_too_old(client, name: str) -> None:
    """For a workflow with nodes that this ComfyUI does not have."""
    if has_sound(name):
        needs_sound(client)
    if version(client.get("/system_stats")["system"]["comfyui_version"]) < needs(name):
        pytest.skip(f"needs ComfyUI {'.'.join(map(str, needs(name)))}")
    if asks_a_service(name):
        pytest.skip("tests/comfy/test_services.py has it: this server has no nodes that ask remote services")


def needs_sound(client) -> None:
    if not client.object_info("VAEDecodeAudio"):
        pytest.skip("this ComfyUI has no nodes for sound: its Python lacks torchaudio")


@pytest.mark.parametrize("nodes", NODES)
@pytest.mark.parametrize("name", WORKFLOWS)
def test_the_frontend_sends_the_api_twin(client, page, name, nodes):
    skip_if_too_old(client, name)
    page.complaints.clear()
    workflow = load(page, name, NODES[nodes])

    # Players are widgets without a value.
    shown = page.evaluate("""() => app.graph.nodes.map(n => {
        const values = (n.widgets || []).filter(w => w.serialize !== false);
        return [n.id, n.type, !!n.has_errors, values.length];
    })""")
    assert {(int(i), kind) for i, kind, *_ in shown} == {(node["id"], node["type"]) for node in workflow["nodes"]}
    # Newer pages mark nodes whose files are missing.
    with_files = {
        node["id"] for node in workflow["nodes"] if node["properties"].get("models") or node["type"] == "LoadImage"
    }
    assert {int(i) for i, _, errors, _ in shown if errors} <= with_files
    # Positional: one widget more, such as a "control after generate", and every later value is in the wrong place.
    values = {node["id"]: len(node.get("widgets_values") or []) for node in workflow["nodes"]}
    ours = {int(i): count for i, kind, _, count in shown if kind.startswith("Surrogate")}
    assert ours == {i: values[i] for i in ours}

    sent = json.loads(page.evaluate("async () => JSON.stringify((await app.graphToPrompt()).output)"))
    sent = {i: {"class_type": node["class_type"], "inputs": node["inputs"]} for i, node in sent.items()}
    for node in sent.values():
        if node["class_type"] == "SaveAudio":
            node["inputs"].pop("audioUI", None)  # its player, which the server does not know
    assert sent == json.loads((ROOT / "demo" / "api" / f"{name}.json").read_text("utf-8"))

    ours = [c for c in page.complaints if "Surrogate" in c and "api.comfy.org" not in c]
    assert not ours, f"the console says: {ours}"


@pytest.mark.parametrize("nodes", NODES)
def test_a_file_from_before_pin_noise_means_what_it_meant(client, page, nodes):
    workflow = json.loads(WORKFLOWS["ksampler_grid"].read_text("utf-8"))
    (older,) = (node for node in workflow["nodes"] if node["type"] == "SurrogateKSamplerNoise")
    older["widgets_values"] = []
    older["inputs"] = [entry for entry in older["inputs"] if "widget" not in entry]
    show(page, workflow, NODES[nodes])
    sent = json.loads(page.evaluate("async () => JSON.stringify((await app.graphToPrompt()).output)"))
    twin = json.loads((ROOT / "demo" / "api" / "ksampler_grid.json").read_text("utf-8"))
    assert {i: node["inputs"] for i, node in sent.items()} == {i: node["inputs"] for i, node in twin.items()}


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


def choose(page, nodes: str, path: Path) -> None:
    """Press the button of Load Seeds and choose `path`."""
    with page.expect_file_chooser() as chooser:
        if nodes == "Nodes 2.0":
            page.get_by_text("choose file to upload").click()
        else:
            place = page.evaluate(f"({ON_SCREEN})({LOAD_SEEDS}, w => w.type === 'button')")
            page.mouse.click(*place)
    chooser.value.set_files(path)


@pytest.mark.parametrize("nodes", NODES)
def test_load_seeds_takes_a_file_from_the_users_computer(client, page, tmp_path, nodes):
    page.complaints.clear()
    page.evaluate("on => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)", NODES[nodes])
    empty = {"version": 0.4, "last_node_id": 0, "last_link_id": 0, "nodes": [], "links": [], "groups": [], "extra": {}}
    page.evaluate("workflow => app.loadGraphData(workflow, true, true)", empty)
    page.evaluate("""() => {
        const add = (type, x) => {
            const node = LiteGraph.createNode(type);
            node.pos = [x, 100];
            app.graph.add(node);
            return node;
        };
        add('SurrogateLoadSeeds', 100).connect(2, add('PreviewAny', 600), 0);
        app.canvas.ds.offset = [0, 0];
        app.canvas.ds.scale = 1;
    }""")
    page.wait_for_timeout(1000)
    # The button is no value of its own in the workflow.
    assert len(page.evaluate(f"() => {LOAD_SEEDS}.serialize().widgets_values")) == 1
    path = tmp_path / f"from {nodes}, ü.safetensors"
    save_seeds(Seeds.from_text("3, 4, 5"), path)
    choose(page, nodes, path)
    page.wait_for_function(f"() => {LOAD_SEEDS}.widgets[0].value?.startsWith('surrogate/from')", timeout=10_000)
    assert page.evaluate(f"() => {LOAD_SEEDS}.widgets[0].options.values")[0] == f"surrogate/{path.name}"
    if nodes == "Nodes 2.0":
        shown = page.get_by_role("combobox", name="file")
        assert shown.inner_text() == f"surrogate/{path.name}"
        red, green, _ = page.evaluate(
            "element => getComputedStyle(element).color.match(/[0-9.]+/g)", shown.element_handle()
        )
        assert red == green  # else it is said not to be in the list
    with page.expect_response(lambda response: response.url.endswith("/prompt") and response.ok) as response:
        page.evaluate("() => app.queuePrompt(0)")  # a toast may lie over the button
    entry = client.wait(response.value.json()["prompt_id"], timeout=60)
    (text,) = [text for out in entry["outputs"].values() for text in out["text"]]
    assert text == f"{path.name}: 3 seeds, any size, all of them integers\n1. 3\n2. 4\n3. 5"

    place = page.evaluate(f"({ON_SCREEN})({LOAD_SEEDS}, w => w.name === 'file')")
    page.evaluate(DROP, [place, f"dropped on {nodes}.safetensors", list(path.read_bytes())])
    page.wait_for_function(f"() => {LOAD_SEEDS}.widgets[0].value.startsWith('surrogate/dropped')", timeout=10_000)
    page.evaluate(DROP, [place, "holiday.png", [1, 2, 3]])
    page.get_by_text("holiday.png is no .safetensors file").first.wait_for(timeout=10_000)
    assert page.evaluate(f"() => {LOAD_SEEDS}.widgets[0].value") == f"surrogate/dropped on {nodes}.safetensors"
    assert not [c for c in page.complaints if "Surrogate" in c and "api.comfy.org" not in c]

    large = tmp_path / "large.safetensors"
    large.touch()
    os.truncate(large, 101 << 20)  # ComfyUI takes 100 MB
    choose(page, nodes, large)
    page.get_by_text("large.safetensors is too large to upload: copy it").first.wait_for(timeout=30_000)
    assert page.evaluate(f"() => {LOAD_SEEDS}.widgets[0].value") == f"surrogate/dropped on {nodes}.safetensors"


SOUND_SHEET = "app.graph.nodes.find(n => n.type === 'SurrogateSoundSheet')"


@pytest.mark.parametrize("nodes", NODES)
def test_sound_sheet_has_a_player_for_each_sound(client, page, nodes):
    needs_sound(client)
    page.complaints.clear()
    page.evaluate("on => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)", NODES[nodes])
    empty = {"version": 0.4, "last_node_id": 0, "last_link_id": 0, "nodes": [], "links": [], "groups": [], "extra": {}}
    page.evaluate("workflow => app.loadGraphData(workflow, true, true)", empty)
    # Mono and stereo, short and long; a title, so that the runs of the two kinds of nodes differ.
    page.evaluate(
        """title => {
        const add = (type, x) => {
            const node = LiteGraph.createNode(type);
            node.pos = [x, 100];
            app.graph.add(node);
            return node;
        };
        const sounds = add('TestSounds', 100), sheet = add('SurrogateSoundSheet', 450);
        sounds.widgets[0].value = '[[[2, 1, 88200], 44100, "tone"], [[1, 2, 8000], 8000, "noise"]]';
        sheet.widgets.find(w => w.name === 'title').value = title;
        sounds.connect(0, sheet, 0);
        sheet.connect(1, add('PreviewImage', 900), 0);
        app.canvas.ds.offset = [0, 0];
        app.canvas.ds.scale = 1;
    }""",
        nodes,
    )
    page.wait_for_timeout(1000)
    # The players are no value of their own in the workflow.
    assert len(page.evaluate(f"() => {SOUND_SHEET}.serialize().widgets_values")) == 6
    with page.expect_response(lambda response: response.url.endswith("/prompt") and response.ok) as response:
        page.evaluate("() => app.queuePrompt(0)")
    sent = json.loads(response.value.request.post_data)["prompt"]
    (sheet,) = [node for node in sent.values() if node["class_type"] == "SurrogateSoundSheet"]
    assert set(sheet["inputs"]) == {"sounds", "picture", "title", "cell_size", "columns", "numbers", "players"}
    client.wait(response.value.json()["prompt_id"], timeout=60)
    page.wait_for_function(f"() => {SOUND_SHEET}.soundList.querySelectorAll('audio').length === 3", timeout=10_000)
    names = page.evaluate(f"() => [...{SOUND_SHEET}.soundList.querySelectorAll('span')].map(e => e.textContent)")
    assert names == ["1", "2", "3"]

    # They can be heard, one at a time.
    lengths = page.evaluate(f"""async () => {{
        const players = [...{SOUND_SHEET}.soundList.querySelectorAll('audio')];
        await Promise.all(players.map(player => new Promise((done, failed) => {{
            player.onloadedmetadata = done;
            player.onerror = () => failed(new Error(player.error.message));
            player.load();
        }})));
        for (const player of players) {{ player.muted = true; await player.play(); }}
        return players.map(player => [player.duration, player.paused]);
    }}""")
    assert [round(length, 2) for length, _ in lengths] == [2.0, 2.0, 1.0]
    assert [paused for _, paused in lengths[:2]] == [True, True]
    box = page.evaluate(
        f"() => {{ const b = {SOUND_SHEET}.soundList.getBoundingClientRect(); return [b.width, b.height, {SOUND_SHEET}.size[0]]; }}"
    )
    assert 150 < box[0] <= box[2] and box[1] > 60, "they can be seen, within the node"
    # The browser's own nodes for sound look at ours too, when results are shown again.
    page.evaluate("() => app.extensionManager && app.nodeOutputs && (app.nodeOutputs = {...app.nodeOutputs})")
    page.wait_for_timeout(500)
    assert not [c for c in page.complaints if "Surrogate" in c or "audioUI" in c or "uncaught" in c]
    page.evaluate(f"() => app.graph.remove({SOUND_SHEET})")
