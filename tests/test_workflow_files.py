"""The workflows as files: complete, consistent, readable. What ComfyUI makes of them is tested in tests/comfy."""

import itertools
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from dev.workflow_files import FOLDER, WORKFLOWS, twin, write

ROOT = Path(__file__).absolute().parents[1]
EXPECTED = {
    "demo_adaptive", "demo_ask_tell", "demo_drafts", "demo_explore", "demo_grid", "demo_invert_blend", "demo_path", "demo_render",
    "demo_scout_search", "demo_search",
    "flux_ask_tell", "flux_from_pictures", "flux_grid", "flux_invert_blend", "flux_native_loop", "flux_search_clip",
    "hunyuan_video_search", "ksampler_grid", "ltx_path", "qwen_grid", "sdxl_search", "stable_audio_blend", "wan_grid",
}  # fmt: skip
TITLE = 30  # of a node, above its position
NOTES = ("Note", "MarkdownNote")

each = pytest.mark.parametrize("path", WORKFLOWS.values(), ids=WORKFLOWS)


def read(path: Path) -> dict:
    return json.loads(path.read_text("utf-8"))


def box(node: dict) -> tuple:
    """x0, y0, x1, y1 with the title."""
    (x, y), (width, height) = node["pos"], node["size"]
    return x, y - TITLE, x + width, y + height


def overlap(a, b) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def inside(a, b) -> bool:
    return b[0] <= a[0] and b[1] <= a[1] and a[2] <= b[2] and a[3] <= b[3]


def test_all_are_there_and_nothing_else():
    # ComfyUI lists every JSON of this folder as a template, and folders of these names hide each other.
    assert set(WORKFLOWS) >= EXPECTED
    assert len(WORKFLOWS) == len(list(FOLDER.glob("*.json")))
    assert set(WORKFLOWS) == {path.stem for path in (ROOT / "demo" / "api").glob("*.json")}
    for name in ("example_workflows", "example", "examples", "workflow"):
        assert not (ROOT / name).exists()


@each
def test_a_file_is_called_by_a_title_that_every_system_and_address_can_have(path):
    # ComfyUI shows the name as the title and puts it into an address as it is.
    assert re.fullmatch(r"\d\d [A-Z0-9][A-Za-z0-9 .,()]+", path.stem)
    assert next(iter(WORKFLOWS)) == "demo_explore"  # the one to press Run on


@each
def test_a_file_is_as_the_tools_write_it(path, tmp_path):
    write(tmp_path / "again.json", read(path))
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


@each
def test_every_node_names_the_pack_that_has_it(path):
    for node in read(path)["nodes"]:
        if node["type"] not in NOTES:
            ours = node["type"].startswith("Surrogate")
            assert node["properties"]["cnr_id"] == ("surrogate-space" if ours else "comfy-core")
            assert node["properties"]["ver"]


@each
def test_a_workflow_as_the_browser_saves_it(path):
    workflow = read(path)
    assert workflow["version"] == 0.4
    assert workflow["last_node_id"] == max(node["id"] for node in workflow["nodes"])
    assert workflow["last_link_id"] == max(link[0] for link in workflow["links"])
    ids = [node["id"] for node in workflow["nodes"]]
    assert len(ids) == len(set(ids))
    assert all(node["mode"] == 0 for node in workflow["nodes"])
    # Without a stored view Nodes 2.0 puts groups and nodes in different places.
    assert 8 / 14 < workflow["extra"]["ds"]["scale"] <= 1  # below, classic nodes have no texts


@each
def test_both_ends_of_every_link_agree(path):
    workflow = read(path)
    nodes = {node["id"]: node for node in workflow["nodes"]}
    links = {link[0]: link for link in workflow["links"]}
    assert len(links) == len(workflow["links"])
    for number, source, out, target, into, kind in links.values():
        output, entry = nodes[source]["outputs"][out], nodes[target]["inputs"][into]
        assert number in output["links"]
        assert entry["link"] == number
        assert kind == output["type"] == entry["type"]
    for node in nodes.values():
        for i, entry in enumerate(node["inputs"]):
            assert entry["link"] is None or links[entry["link"]][3:5] == [node["id"], i]
        for i, output in enumerate(node["outputs"]):
            for number in output["links"] or []:
                assert links[number][1:3] == [node["id"], i]


@each
def test_nothing_lies_on_anything_else(path):
    workflow = read(path)
    for a, b in itertools.combinations(workflow["nodes"], 2):
        assert not overlap(box(a), box(b)), f"{a['type']} {a['id']} lies on {b['type']} {b['id']}"
    groups = {g["title"]: (g["bounding"][0], g["bounding"][1], g["bounding"][0] + g["bounding"][2],
                           g["bounding"][1] + g["bounding"][3]) for g in workflow["groups"]}  # fmt: skip
    for (a, first), (b, second) in itertools.combinations(groups.items(), 2):
        assert not overlap(first, second), f"{a} lies on {b}"
    for node in workflow["nodes"]:
        if node["type"] not in NOTES:
            assert any(inside(box(node), group) for group in groups.values()), f"{node['type']} is in no group"


@each
def test_links_run_from_left_to_right(path):
    workflow = read(path)
    nodes = {node["id"]: node for node in workflow["nodes"]}
    for _, source, _, target, _, _ in workflow["links"]:
        assert nodes[source]["pos"][0] <= nodes[target]["pos"][0]


@each
def test_a_note_says_what_to_do(path):
    texts = [node["widgets_values"][0] for node in read(path)["nodes"] if node["type"] in NOTES]
    assert "press Run" in "\n".join(texts) or "Press Run" in "\n".join(texts)
    types = {node["type"] for node in read(path)["nodes"]}
    missing = {
        "UNETLoader",
        "CLIPLoader",
        "DualCLIPLoader",
        "CLIPVisionLoader",
        "VAELoader",
        "CheckpointLoaderSimple",
    } & types
    for node in read(path)["nodes"]:
        if node["type"] in missing:
            # Where to get each file and where to put it: for the browser's offer to download, and in words.
            models = {model["name"]: model for model in node["properties"]["models"]}
            assert set(models) == {value for value in node["widgets_values"] if value.endswith(".safetensors")}
            for name, model in models.items():
                assert model["url"].startswith("https://")
                assert any(name in text and model["directory"] in text for text in texts)


@each
def test_the_api_twin_is_the_same_graph(path):
    workflow = read(path)
    api = twin(workflow["extra"]["surrogate"])
    shown = {str(node["id"]): node for node in workflow["nodes"] if node["type"] not in NOTES}
    assert {i: node["type"] for i, node in shown.items()} == {i: node["class_type"] for i, node in api.items()}
    links = {link[0]: link for link in workflow["links"]}
    for i, node in shown.items():
        wired = {e["name"]: [str(links[e["link"]][1]), links[e["link"]][2]] for e in node["inputs"] if e["link"]}
        assert wired == {name: value for name, value in api[i]["inputs"].items() if isinstance(value, list)}


@each
def test_pictures_are_saved_where_they_are_found(path):
    prefixes = [
        node["inputs"]["filename_prefix"]
        for node in twin(read(path)["extra"]["surrogate"]).values()
        if "filename_prefix" in node["inputs"]
    ]
    assert prefixes
    assert all(prefix.startswith("surrogate/") for prefix in prefixes)
    assert len(set(prefixes)) == len(prefixes)


@each
def test_the_template_browser_has_a_picture(path):
    with Image.open(path.with_suffix(".jpg")) as picture:
        assert picture.width == picture.height >= 256
    assert path.with_suffix(".jpg").stat().st_size < 100_000


def test_no_workflow_has_the_picture_of_another():
    pictures = {path.with_suffix(".jpg").read_bytes(): name for name, path in WORKFLOWS.items()}
    borrowed = set(WORKFLOWS) - set(pictures.values())
    assert not borrowed, "draw them with: python dev/launch.py dev/thumbnails.py"


@each
def test_an_app_has_inputs_and_outputs_that_are_in_the_graph(path):
    workflow = read(path)
    shown = workflow["extra"].get("linearData", {"inputs": [], "outputs": []})
    nodes = {node["id"]: node for node in workflow["nodes"]}
    for number, name, *_ in shown["inputs"]:
        assert name in {entry["name"] for entry in nodes[number]["inputs"] if "widget" in entry}
    assert set(shown["outputs"]) <= nodes.keys()
