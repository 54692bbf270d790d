"""What the pack's own scripts change on the page: the colours of wires, and pictures in place of the last preview."""

import io
import random

import pytest
from PIL import Image

from dev.browser import NODES, show
from dev.workflow_files import read

from .test_templates import KNOWS_APPS

SEEDS_WIRE = (0x8D, 0xDB, 0x8D)
# Look closely at the middle of a wire of a type, where a mark in its colour is.
CLOSE_UP = """type => {
    const links = app.graph.links, all = links.values ? [...links.values()] : Object.values(links);
    const [x, y] = all.find(link => link?.type === type)._pos;
    const canvas = app.canvas.canvas.getBoundingClientRect();
    app.canvas.ds.scale = 3;
    app.canvas.ds.offset = [canvas.width / 6 - x, canvas.height / 6 - y];
    app.canvas.setDirty(true, true);
    return [canvas.left + canvas.width / 2, canvas.top + canvas.height / 2];
}"""
# Addresses of the pictures that a node shows, whichever way it is drawn; `id` may be that of a node in a subgraph.
PICTURES = """([id, nodes2]) => {
    const parts = id.split(':'), last = parts.pop();
    const graph = parts.reduce((graph, part) => graph.getNodeById(part).subgraph, app.rootGraph ?? app.graph);
    const shown = nodes2 ? document.querySelectorAll(`[data-node-id="${last}"] img`) : graph.getNodeById(last).imgs ?? [];
    return [...shown].map(image => image.src);
}"""


# All our nodes, as one adds them; and what Nodes 2.0 has cut off in them.
ADD_ALL = """() => {
    app.graph.clear();
    const kinds = Object.values(LiteGraph.registered_node_types).filter(({ comfyClass }) => comfyClass?.startsWith('Surrogate'));
    kinds.forEach(({ comfyClass }, i) => {
        const node = LiteGraph.createNode(comfyClass);
        node.pos = [(i % 8) * 560, Math.floor(i / 8) * 900];
        app.graph.add(node);
    });
    app.canvas.ds.scale = 0.5;
    app.canvas.ds.offset = [0, 0];
    app.canvas.setDirty(true, true);
    return kinds.length;
}"""
CUT_OFF = """() => [...document.querySelectorAll('[data-node-id] *')]
    .filter(one => !one.children.length && one.clientWidth && one.scrollWidth > one.clientWidth + 1)
    .filter(one => getComputedStyle(one).overflowX !== 'visible')
    .map(one => one.textContent)"""
# Classic nodes whose titles are longer than they are wide: the title begins where a square of its height ends.
TITLES = """() => {
    const ink = document.createElement('canvas').getContext('2d');
    ink.font = app.canvas.title_text_font;
    const end = node => LiteGraph.NODE_TITLE_HEIGHT + ink.measureText(node.title).width;
    return app.graph.nodes.filter(node => end(node) > node.size[0]).map(node => node.title);
}"""


def only(graph: dict, kind: str) -> dict:
    (node,) = [node for node in graph["nodes"] if node["type"] == kind]
    return node


def run(page, client, timeout: float) -> None:
    page.complaints.clear()
    with page.expect_response(lambda response: response.url.endswith("/prompt") and response.ok) as response:
        page.evaluate("() => app.queuePrompt(0)")
    client.wait(response.value.json()["prompt_id"], timeout=timeout)


def settled(page, node: str, nodes_2: bool) -> list[str]:
    """The addresses of the pictures of a node, when there are some and none is a preview; else after ten seconds."""
    for _ in range(20):
        page.wait_for_timeout(500)
        found = page.evaluate(PICTURES, [node, nodes_2])
        if found and not any(address.startswith("blob:") for address in found):
            break
    assert not [one for one in page.complaints if "reading 'naturalWidth'" in one]  # nothing would be drawn any more
    return found


def assert_finished(shown: list[str]) -> None:
    """All six, or the one that older versions of Nodes 2.0 show at a time; none a preview, whose address is a blob."""
    assert len(shown) in (1, 6)
    assert all("/view?" in address for address in shown)


def few_points() -> dict:
    """Six pictures that no earlier run has made, in batches of two: so that there are previews."""
    graph = read("demo_render")
    only(graph, "SurrogateSlice")["widgets_values"][1] = 3
    render = only(graph, "SurrogateRenderPoints")
    render["widgets_values"][:2] = [random.getrandbits(32), 2]
    render["widgets_values"][2] = f"surrogate/{random.getrandbits(64):x}"
    return graph


@pytest.mark.parametrize("nodes", NODES)
def test_wires_have_the_colour_of_their_type_whatever_the_palette(page, nodes):
    def colour():
        x, y = page.evaluate(CLOSE_UP, "SURROGATE_SEEDS")
        page.wait_for_timeout(1000)
        with Image.open(io.BytesIO(page.screenshot())) as picture:
            return picture.convert("RGB").getpixel((round(x), round(y)))

    def is_its_own(found):
        return all(abs(a - b) < 8 for a, b in zip(found, SEEDS_WIRE))

    show(page, read("demo_render"), NODES[nodes])
    assert is_its_own(colour())
    for palette in ("light", "dark"):
        page.evaluate("name => app.extensionManager.setting.set('Comfy.ColorPalette', name)", palette)
        assert is_its_own(colour())
    # The dots of Nodes 2.0, too.
    style = "getComputedStyle(document.documentElement).getPropertyValue('--color-datatype-SURROGATE_SEEDS')"
    assert page.evaluate(f"() => {style}") == "#8ddb8d"


@pytest.mark.parametrize("nodes", NODES)
def test_finished_pictures_take_the_place_of_the_last_preview(client, page, nodes):
    graph = few_points()
    show(page, graph, NODES[nodes])
    page.evaluate("() => { window.previews = 0; app.api.addEventListener('b_preview', () => window.previews++); }")
    run(page, client, timeout=300)
    assert page.evaluate("() => window.previews") > 0
    shown = settled(page, str(only(graph, "SurrogateRenderPoints")["id"]), NODES[nodes])
    assert_finished(shown)


@pytest.mark.parametrize("nodes", NODES)
def test_search_shows_its_card_once(client, page, nodes):
    graph = read("demo_search")
    study, search = only(graph, "SurrogateStudy"), only(graph, "SurrogateSearch")
    study["widgets_values"][0] = f"card {random.getrandbits(64):x}"
    study["widgets_values"][2] = 14
    show(page, graph, NODES[nodes])
    run(page, client, timeout=300)
    shown = settled(page, str(search["id"]), NODES[nodes])
    assert len(shown) == 1 and "/view?" in shown[0]


@pytest.mark.parametrize("nodes", NODES)
def test_finished_pictures_are_shown_in_a_subgraph(client, page, nodes):
    show(page, few_points(), NODES[nodes])
    inner = page.evaluate("""() => {
        const node = app.graph.nodes.find(n => n.type === 'SurrogateRenderPoints');
        const { node: outer, subgraph } = app.graph.convertToSubgraph(new Set([node]));
        app.canvas.setGraph(subgraph);
        app.canvas.ds.scale = 0.8; // a node draws its pictures where it can be seen
        app.canvas.ds.offset = [100 - subgraph.nodes[0].pos[0], 150 - subgraph.nodes[0].pos[1]];
        return `${outer.id}:${subgraph.nodes[0].id}`;
    }""")
    page.wait_for_timeout(1000)
    run(page, client, timeout=300)
    shown = settled(page, inner, NODES[nodes])
    page.evaluate("() => app.canvas.setGraph(app.rootGraph ?? app.graph)")
    assert_finished(shown)


def test_no_name_is_cut_off_in_a_new_node(page):
    page.evaluate("() => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', false)")
    assert page.evaluate(ADD_ALL) > 40
    assert page.evaluate(TITLES) == []
    if not page.evaluate(KNOWS_APPS):
        return  # in the first versions of Nodes 2.0 all names have one width
    page.set_viewport_size({"width": 2400, "height": 3400})
    page.evaluate("() => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', true)")
    page.evaluate(ADD_ALL)
    page.wait_for_timeout(3000)
    try:
        assert page.locator("[data-node-id]").count() > 40
        assert page.evaluate(CUT_OFF) == []
    finally:
        page.set_viewport_size({"width": 1280, "height": 720})
