"""Surrogate Explorer with sounds, which have players, and with clips, which move when one points at them."""

import pytest

from dev.browser import NODES, show

from .exploring import cells, run
from .test_frontend import needs_sound

EMPTY = {"version": 0.4, "last_node_id": 0, "last_link_id": 0, "nodes": [], "links": [], "groups": [], "extra": {}}
# Input of the Explorer -> the node that it comes from, and its widgets.
COMMON = {
    "sampler": ["KSamplerSelect", {"sampler_name": "euler"}],
    "sigmas": ["BasicScheduler", {"scheduler": "simple", "steps": 1, "denoise": 1.0}],
}
SOUNDS = COMMON | {
    "model": ["TestFamily", {"family": "Stable Audio"}],
    "vae": ["TestSoundVAE", {}],
    "latent": ["EmptyLatentAudio", {"seconds": 2.0}],
}
CLIPS = COMMON | {
    "model": ["TestAnyModel", {"channels": 16, "video": True, "prompt": 0}],
    "vae": ["TestAnyVAE", {}],
    "latent": ["TestLatent", {"shape": "[1, 16, 3, 8, 8]"}],
}
BUILD = """([parts, values]) => {
    const add = (type, widgets, x, y) => {
        const node = LiteGraph.createNode(type);
        node.pos = [x, y];
        app.graph.add(node);
        for (const widget of node.widgets ?? []) if (widget.name in widgets) widget.value = widgets[widget.name];
        return node;
    };
    const wire = (from, to, name, output = 0) => from.connect(output, to, to.inputs.findIndex(i => i.name === name));
    const explorer = add('SurrogateExplorer', values, 800, 100);
    const made = Object.fromEntries(Object.entries(parts).map(([n, [t, w]], i) => [n, add(t, w, 100, 100 + 160 * i)]));
    const guider = add('BasicGuider', {}, 450, 100);
    wire(made.model, guider, 'model');
    wire(made.model, guider, 'conditioning', 1);
    wire(made.model, made.sigmas, 'model');
    wire(guider, explorer, 'guider');
    for (const name of ['sampler', 'sigmas', 'vae', 'latent']) wire(made[name], explorer, name);
    app.canvas.ds.offset = [0, 0];
    app.canvas.ds.scale = 1;
}"""


def build(page, nodes: str, parts: dict, **values) -> None:
    page.set_viewport_size({"width": 1500, "height": 1200})
    show(page, EMPTY, NODES[nodes])
    page.evaluate(BUILD, [parts, {"pictures": 2, **values}])
    page.wait_for_timeout(500)


def moving_line(page, cell: int) -> str | None:
    """Where in the sound the line is; None while it is silent."""
    line = cells(page).nth(cell).locator(".at")
    return line.evaluate("line => line.style.left") if line.is_visible() else None


@pytest.mark.parametrize("nodes", NODES)
def test_sounds_have_players_and_one_plays_at_a_time(client, page, nodes):
    needs_sound(client)
    page.complaints.clear()
    build(page, nodes, SOUNDS, seed=7000 + len(nodes))
    assert page.locator(".surrogate-explorer :is(.at, .play):visible").count() == 0
    run(page, client)
    plays = page.locator(".surrogate-explorer .play:visible")
    assert plays.count() == 2
    plays.nth(0).click()
    page.wait_for_function("() => parseFloat(document.querySelector('.surrogate-explorer .at').style.left) > 5")
    assert page.locator(".surrogate-explorer .cell.liked").count() == 0  # to play is not to like

    cells(page).nth(1).focus()
    page.keyboard.press("p")
    assert moving_line(page, 0) is None
    assert moving_line(page, 1) is not None
    page.keyboard.press("p")
    assert moving_line(page, 1) is None

    page.keyboard.press("p")
    page.wait_for_function(
        "() => document.querySelectorAll('.surrogate-explorer .at')[1].hidden", timeout=10_000
    )  # the end
    page.keyboard.press("p")
    page.keyboard.press("Space")
    run(page, client)  # the next page is silent
    assert [moving_line(page, i) for i in (0, 1)] == [None, None]
    assert not [c for c in page.complaints if "urrogate" in c or "uncaught" in c]


def test_a_clip_moves_while_one_points_at_it_or_has_the_focus_on_it(client, page):
    build(page, "classic", CLIPS, seed=7100)
    run(page, client)
    page.mouse.move(5, 5)
    sources = (
        "() => [...document.querySelectorAll('.surrogate-explorer .cell img')].map(i => i.src.endsWith('?moving'))"
    )
    assert page.evaluate(sources) == [False, False]
    cells(page).nth(1).hover()
    assert page.evaluate(sources) == [False, True]
    cells(page).nth(0).focus()
    page.mouse.move(5, 5)
    assert page.evaluate(sources) == [True, False]
    assert page.evaluate("async () => (await fetch(document.querySelector('.surrogate-explorer img').src)).ok")
