"""Contact Sheet as a person uses it: the menu of a picture by mouse and by keyboard, what it changes in the graph, undo."""

import json
import random
import re

import pytest

from dev.browser import NODES, SLOW, show
from dev.workflow_files import read
from surrogate.points import parse_selection

SHEET = "app.canvas.graph.nodes.find(n => n.type === 'SurrogateContactSheet')"
VALUES = """() => app.graph.nodes.map(n => [n.type.replace('Surrogate', ''), String(n.widgets?.[0]?.value ?? '')])"""
INPUTS = """type => Object.fromEntries(app.graph.nodes.findLast(n => n.type === type).inputs.map(input => {
    const link = app.graph.links.get?.(input.link) ?? app.graph.links[input.link];
    return [input.name, link ? app.graph.getNodeById(link.origin_id).type : null];
}))"""
# The workflow -> what makes it quick.
QUICK = {
    "demo_grid": {"SurrogateCorners": {"columns": 2, "rows": 2}},
    "demo_variations": {"SurrogateNeighbours": {"count": 3}},
}
PARSED = """async texts => {
    const { parse } = await import('/extensions/ComfyUI-Surrogate/sheet/selection.js');
    return texts.map(text => parse(text, 10) ?? null);
}"""


def open_sheet(page, name: str, nodes: str) -> None:
    """Open the workflow with few pictures and steps, its sheet unfolded and in sight."""
    page.set_viewport_size({"width": 1500, "height": 1200})
    show(page, read(name), NODES[nodes])
    values = QUICK[name] | {"BasicScheduler": {"steps": 1}}
    page.evaluate(
        """values => Object.entries(values).forEach(([type, given]) => Object.entries(given).forEach(([key, value]) => {
            app.graph.nodes.find(n => n.type === type).widgets.find(w => w.name === key).value = value;
        }))""",
        values,
    )
    look_at_sheet(page)


def look_at_sheet(page) -> None:
    page.evaluate(f"""() => {{
        const [x, y] = {SHEET}.pos;
        app.canvas.ds.scale = 1.2;
        app.canvas.ds.offset = [120 - x, 130 - y];
        app.canvas.setDirty(true, true);
    }}""")
    page.wait_for_timeout(400)


def run(page, client) -> None:
    with page.expect_response(lambda answer: answer.url.endswith("/prompt")) as response:
        page.evaluate("() => app.queuePrompt(0)")
    client.wait(response.value.json()["prompt_id"], timeout=SLOW / 1000)
    page.wait_for_function(
        "() => document.querySelector('.surrogate-sheet img')?.naturalWidth > 0", timeout=SLOW
    )  # fmt: skip
    page.wait_for_timeout(300)


def cells(page):
    return page.locator(".surrogate-sheet .cell")


def choose(page, cell: int, name: str) -> None:
    cells(page).nth(cell).click()
    page.locator(f".surrogate-menu button[data-name={name}]").click()
    page.wait_for_timeout(200)


def value(page, kind: str) -> str:
    return dict(page.evaluate(VALUES))[kind]


def marked(page) -> list[int]:
    states = page.evaluate("() => [...document.querySelectorAll('.surrogate-sheet .cell')].map(c => c.ariaPressed)")
    return [i for i, state in enumerate(states) if state == "true"]


@pytest.mark.parametrize("nodes", NODES)
def test_with_the_mouse(client, page, nodes):
    open_sheet(page, "demo_grid", nodes)
    run(page, client)
    assert cells(page).count() == 4
    count = page.evaluate("() => app.graph.nodes.length")

    choose(page, 1, "select")  # adds Select Points
    assert value(page, "SelectPoints") == "2"
    assert page.evaluate(INPUTS, "SurrogateSelectPoints") == {"points": "SurrogateCorners", "numbers": None}
    cells(page).nth(3).click(modifiers=["Control"])
    assert (value(page, "SelectPoints"), marked(page)) == ("2, 4", [1, 3])
    choose(page, 1, "select")
    assert (value(page, "SelectPoints"), marked(page)) == ("4", [3])
    assert page.evaluate("() => app.graph.nodes.length") == count + 1

    choose(page, 2, "explore")
    assert value(page, "Weights") == "0, 0, 1, 0"
    connected = page.evaluate(INPUTS, "SurrogateExplorer")
    assert {name: connected[name] for name in ("guider", "sampler", "sigmas", "latent", "vae", "seeds")} == {
        "guider": "BasicGuider", "sampler": "KSamplerSelect", "sigmas": "BasicScheduler", "latent": "SurrogateDemoModel",
        "vae": "SurrogateDemoModel", "seeds": "SurrogateSeedsFromPoints",
    }  # fmt: skip
    assert page.evaluate(INPUTS, "SurrogateSeedsFromPoints") == {
        "space": "SurrogateSpace",
        "points": "SurrogateWeights",
    }
    assert not overlapping(page)
    before = len(client.get("/surrogate/board")["cards"])
    with page.expect_response(lambda answer: answer.url.endswith("/surrogate/board") and answer.ok):
        choose(page, 2 + (nodes == "classic"), "board")  # another one in each: a board has each point once
    assert len(client.get("/surrogate/board")["cards"]) == before + 1
    page.locator(".surrogate-sheet .bar").click()
    assert not cells(page).first.is_visible()
    page.locator(".surrogate-sheet .bar").click()
    assert cells(page).first.is_visible()


def overlapping(page) -> list:
    """Pairs of nodes of which one covers the other."""
    boxes = page.evaluate(
        "() => app.graph.nodes.map(n => [n.type, n.pos[0], n.pos[1] - 30, n.pos[0] + n.size[0], n.pos[1] + n.size[1]])"
    )
    return [
        (a[0], b[0])
        for i, a in enumerate(boxes)
        for b in boxes[:i]
        if min(a[3], b[3]) - max(a[1], b[1]) > 2 and min(a[4], b[4]) - max(a[2], b[2]) > 2
    ]


@pytest.mark.parametrize("nodes", NODES)
def test_with_the_keyboard_alone(client, page, nodes):
    """From variation to variation: Neighbours begins where the person points, and Run shows what is around it."""
    open_sheet(page, "demo_variations", nodes)
    run(page, client)
    before = page.locator(".surrogate-sheet img").get_attribute("src")
    cells(page).first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.wait_for_timeout(200)
    assert (value(page, "SelectPoints"), marked(page)) == ("4", [3])
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("() => document.activeElement.dataset.name") == "neighbours"
    page.keyboard.press("Escape")
    assert page.locator(".surrogate-menu").count() == 0
    assert page.evaluate("() => document.activeElement.className.includes('cell')")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    weights = page.evaluate(f"() => {SHEET}.properties.surrogate_sheet.shown.weights")
    assert value(page, "Weights") == weights[3]
    run(page, client)
    assert page.locator(".surrogate-sheet img").get_attribute("src") != before
    again = page.evaluate(f"() => {SHEET}.properties.surrogate_sheet.shown.weights[0]")
    assert [float(n) for n in again.split(",")] == pytest.approx([float(n) for n in weights[3].split(",")], abs=1e-15)


@pytest.mark.parametrize("nodes", NODES)
def test_in_a_subgraph(client, page, nodes):
    """The sheet's points come through the subgraph's input; so do those of the node that a click adds."""
    open_sheet(page, "demo_grid", nodes)
    page.evaluate(f"() => {{ window.outer = app.graph.convertToSubgraph(new Set([{SHEET}])).node; }}")
    page.wait_for_timeout(500)  # as a person, who opens it after the page has drawn it
    page.evaluate("() => app.canvas.setGraph(window.outer.subgraph)")
    page.wait_for_timeout(500)
    look_at_sheet(page)
    run(page, client)
    assert cells(page).count() == 4
    cells(page).nth(1).click(modifiers=["Control"])
    cells(page).nth(2).click(modifiers=["Control"])
    assert marked(page) == [1, 2]
    ends = page.evaluate("""() => app.canvas.graph.nodes.map(node => {
        const link = app.canvas.graph.getLink(node.inputs.find(input => input.name === 'points').link);
        return [node.type, link.origin_id, link.origin_slot];
    })""")
    assert sorted(kind for kind, *_ in ends) == ["SurrogateContactSheet", "SurrogateSelectPoints"]
    assert ends[0][1:] == ends[1][1:]


def test_undo_takes_a_click_back_and_the_sheet_stays(client, page):
    open_sheet(page, "demo_grid", "classic")
    run(page, client)
    page.evaluate("() => app.extensionManager.workflow.activeWorkflow.changeTracker.checkState()")
    choose(page, 0, "seed")
    types = [kind for kind, _ in page.evaluate(VALUES)]
    assert types.count("Weights") == types.count("SeedsFromPoints") == 1
    page.evaluate("() => app.extensionManager.workflow.activeWorkflow.changeTracker.undo()")
    page.wait_for_timeout(1000)
    types = [kind for kind, _ in page.evaluate(VALUES)]
    assert types.count("Weights") == types.count("SeedsFromPoints") == 0
    assert cells(page).count() == 4


def test_a_workflow_that_is_opened_again_shows_its_sheet(client, page):
    open_sheet(page, "demo_grid", "classic")
    run(page, client)
    shown, saved = (
        page.locator(".surrogate-sheet img").get_attribute("src"),
        page.evaluate("() => app.graph.serialize()"),
    )
    show(page, read("demo_grid"))
    assert cells(page).count() == 0
    show(page, saved)
    assert page.locator(".surrogate-sheet img").get_attribute("src") == shown
    assert cells(page).count() == 4


def test_the_page_reads_numbers_as_the_node_does(page):
    chance = random.Random(3)
    pieces = [
        "1",
        "2",
        "10",
        "11",
        "0",
        "last",
        "all",
        "3-5",
        "5 - 3",
        "last-8",
        "007",
        "x",
        "-",
        ",",
        ";",
        " ",
        "\n",
        "1.5",
    ]
    texts = ["".join(chance.choices([*pieces, ", ", " "], k=chance.randrange(6))) for _ in range(400)]

    def read_by_the_node(text):
        try:
            return parse_selection(text, 10, "numbers")
        except ValueError:
            return None

    expected = [read_by_the_node(text) for text in texts]
    assert 50 < sum(one is None for one in expected) < 350
    assert page.evaluate(PARSED, texts) == expected


def test_every_language_has_every_text(root):
    texts = {path.parent.name: json.loads(path.read_text("utf-8")) for path in (root / "locales").glob("*/main.json")}
    for section, folder in {"surrogate_sheet": "sheet", "surrogate_pad": "pads"}.items():
        places = {name: sorted(re.findall(r"{\w+}", text)) for name, text in texts["en"][section].items()}
        for language, text in texts.items():
            assert {name: sorted(re.findall(r"{\w+}", words)) for name, words in text[section].items()} == places, (
                language
            )
        for source in [root / "web" / f"{folder}.js", *(root / "web" / folder).glob("*.js")]:
            assert set(re.findall(r'\bsay\("(\w+)"', source.read_text("utf-8"))) <= places.keys(), source.name
