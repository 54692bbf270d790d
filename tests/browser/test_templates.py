"""Templates, apps and blueprints as a person meets them in the page."""

import json

import pytest

from dev.blueprints import BLUEPRINTS, FOLDER, made
from dev.browser import NODES, SLOW, show
from dev.workflow_files import WORKFLOWS, read

from .test_frontend import skip_if_too_old

PACK = "ComfyUI-Surrogate"
APPS = [name for name in WORKFLOWS if read(name)["extra"].get("linearMode")]
NAMES = [blueprint.name for blueprint in BLUEPRINTS]
# Whether this version of the page knows apps (since 1.41).
KNOWS_APPS = "() => app.extensionManager._p._s.has('appMode')"


def test_the_first_template_is_opened_and_run(client, page):
    """By hand alone: the template browser, the template's card, the button Run; then the node shows its pictures."""
    page.evaluate("() => app.extensionManager.command.execute('Comfy.BrowseTemplates')")
    page.get_by_text(PACK, exact=True).first.click(timeout=20_000)
    title = next(iter(WORKFLOWS.values())).stem
    # The page shows some of the templates only, in an order of its own.
    page.get_by_placeholder("Search").last.fill(title)
    card = page.get_by_text(title).first
    card.wait_for(timeout=20_000)
    card.click()
    page.wait_for_function("() => app.graph.nodes.some(n => n.type === 'SurrogateExplorer')", timeout=20_000)
    with page.expect_response(lambda response: response.url.endswith("/prompt") and response.ok) as response:
        page.get_by_test_id("queue-button").click()
    client.wait(response.value.json()["prompt_id"], timeout=SLOW / 1000)
    page.wait_for_function(
        "() => app.graph.nodes.find(n => n.surrogateExplorer).surrogateExplorer.cells().filter(Boolean).length === 9"
    )


@pytest.mark.parametrize("typed, kind", {"slerp": "Space", "variation seed": "Neighbours"}.items())
def test_a_node_is_found_by_what_people_type(client, page, typed, kind):
    node = client.object_info(f"Surrogate{kind}")[f"Surrogate{kind}"]
    if not node.get("search_aliases"):
        pytest.skip("nodes have other names for the search since ComfyUI 0.11")
    page.evaluate("() => app.graph.clear()")
    page.evaluate("() => app.extensionManager.command.execute('Workspace.SearchBox.Toggle')")
    page.get_by_role("combobox", name="Add a node").wait_for(timeout=20_000)
    page.keyboard.type(typed, delay=30)
    page.wait_for_timeout(1500)  # the list moves while one types
    page.get_by_role("dialog").get_by_text(node["display_name"], exact=True).first.click(timeout=20_000)
    page.mouse.click(300, 400)  # newer pages ask where to put it
    page.wait_for_function(f"() => app.graph.nodes.some(n => n.type === 'Surrogate{kind}')", timeout=20_000)


# What is at the corner of the first note, on the page: the canvas or the note, or else what covers it.
CORNER = """() => {
    const notes = app.graph.nodes.filter(node => node.type === 'MarkdownNote');
    const left = Math.min(...notes.map(node => node.pos[0])), top = Math.min(...notes.map(node => node.pos[1])) - 30;
    const place = app.canvas.canvas.getBoundingClientRect(), { scale, offset } = app.canvas.ds;
    const found = document.elementFromPoint(place.left + (left + offset[0]) * scale + 4, place.top + (top + offset[1]) * scale + 4);
    return found === app.canvas.canvas || found.closest('[data-node-id]') ? '' : found.outerHTML.slice(0, 200);
}"""


@pytest.mark.parametrize("nodes", NODES)
@pytest.mark.parametrize("name", ["demo_grid", "demo_turbo", "z_image_prompt_explore", "qwen_lightning_grid"])
def test_a_template_opens_clear_of_the_page_s_bars(page, name, nodes):
    show(page, read(name), NODES[nodes])
    assert page.evaluate(CORNER) == ""


@pytest.mark.parametrize("name", APPS)
def test_an_app_shows_its_inputs_as_a_form(client, page, name):
    skip_if_too_old(client, name)
    workflow = show(page, read(name), True, as_app=True)
    data = workflow["extra"]["linearData"]
    nodes = {node["id"]: node for node in workflow["nodes"]}
    for node, widget in data["inputs"]:
        assert any(entry["name"] == widget and "widget" in entry for entry in nodes[node]["inputs"])
    assert {nodes[node]["type"] for node in data["outputs"]} & {
        "SaveImage",
        "SaveVideo",
        "SaveAudio",
        "SaveAnimatedWEBP",
    }
    if not page.evaluate(KNOWS_APPS):
        assert page.evaluate("() => app.graph.nodes.length") == len(nodes)  # older pages show the graph
        return
    page.wait_for_timeout(1500)
    kept = page.evaluate("() => { const s = app.extensionManager._p._s.get('appMode'); return [s.selectedInputs.length, s.selectedOutputs.length]; }")  # fmt: skip
    assert kept == [len(data["inputs"]), len(data["outputs"])]
    assert page.evaluate("() => app.extensionManager._p._s.get('canvas').linearMode")
    for _, widget in data["inputs"]:
        assert any(one.is_visible() for one in page.get_by_text(widget, exact=True).all())
    page.evaluate("() => { app.extensionManager._p._s.get('canvas').linearMode = false; }")


@pytest.mark.parametrize("blueprint", BLUEPRINTS, ids=NAMES)
def test_a_blueprint_is_listed_and_becomes_the_nodes_that_it_holds(client, page, blueprint):
    listed = {entry["name"] for entry in client.get("/global_subgraphs").values()}
    assert blueprint.name in listed
    file = json.loads((FOLDER / f"{blueprint.name}.json").read_text("utf-8"))
    assert file == made(blueprint)
    show(page, file)
    sent = page.evaluate("async () => (await app.graphToPrompt()).output")
    inner = {node["id"]: node for node in file["definitions"]["subgraphs"][0]["nodes"]}
    assert {node["class_type"] for node in sent.values()} == {node["type"] for node in inner.values()}
    twin = {node["type"]: node for node in read(blueprint.source)["nodes"] if node["id"] in blueprint.nodes}
    for node in sent.values():
        for entry, value in zip(
            [e["name"] for e in twin[node["class_type"]]["inputs"] if "widget" in e],
            twin[node["class_type"]]["widgets_values"],
        ):
            assert node["inputs"][entry] == value
    widgets = page.evaluate("() => app.graph.nodes[0].widgets.map(widget => widget.name)")
    assert widgets == [name for _, _, name in blueprint.shown]


def test_a_fresh_user_s_page_opens_the_first_template_once(client, page):
    # As a fresh user has it: the page loads a first graph of its own.
    first = WORKFLOWS["demo_explore"].stem
    client.post("/settings", {"Comfy.Workflow.Persist": True, "Surrogate.OpenTemplate": first})
    try:
        page.evaluate("() => app.graph.clear()")
        page.reload(timeout=SLOW)
        page.wait_for_function(
            "() => window.app?.graph?.nodes.some(n => n.type === 'SurrogateExplorer' && n.surrogateExplorer)",
            timeout=SLOW,
        )
        assert client.get("/settings/Surrogate.OpenTemplate") == ""
    finally:
        client.post("/settings", {"Comfy.Workflow.Persist": False, "Surrogate.OpenTemplate": ""})
