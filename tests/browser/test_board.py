"""The board in the sidebar: what is liked appears there, and is used in another workflow by mouse, by keyboard, by dragging."""

import json
import re

import pytest

from dev.browser import NODES, SLOW, show

from .exploring import cells, explore, run
from .test_explorer_sounds import SOUNDS, build
from .test_frontend import needs_sound

EMPTY = {"version": 0.4, "last_node_id": 0, "last_link_id": 0, "nodes": [], "links": [], "groups": [], "extra": {}}
PLACES = {"SurrogateSeedsFromIntegers": 0, "RandomNoise": 1, "SurrogateLoadSeeds": 2, "VAEDecode": 3}
TAB = ".surrogate-board-tab-button, [data-testid=surrogate-board-tab-button]"  # in older pages, and in newer ones
BUILD = """places => {
    for (const [type, place] of Object.entries(places)) {
        const node = LiteGraph.createNode(type);
        node.pos = [700 + 420 * (place % 2), 150 + 320 * Math.floor(place / 2)];
        app.graph.add(node);
    }
    app.canvas.ds.offset = [0, 0];
    app.canvas.ds.scale = 1;
    app.graph.nodes.find(n => n.type === 'SurrogateSeedsFromIntegers').widgets[0].value = '7';
}"""
VALUE = "type => String(app.graph.nodes.find(n => n.type === type).widgets[0].value)"
SELECT = "type => app.canvas.selectItems([app.graph.nodes.find(n => n.type === type)])"
MIDDLE = """type => {
    const node = app.graph.nodes.find(n => n.type === type), box = app.canvas.canvas.getBoundingClientRect();
    return [box.left + node.pos[0] + node.size[0] / 2, box.top + node.pos[1] - 12];
}"""


@pytest.fixture
def board(client, page):
    """The tab, open, and nothing on it."""
    for card in client.get("/surrogate/board")["cards"]:
        page.evaluate("id => fetch(`/surrogate/board/${id}`, { method: 'DELETE' })", card["key"])
    if not page.locator(".surrogate-board").is_visible():
        page.locator(TAB).click()
    page.locator(".surrogate-board .hint.alone").wait_for()
    return page


def cards(page):
    return page.locator(".surrogate-board .card")


def labels(page) -> list[str]:
    return cards(page).locator(".label").all_inner_texts()


def drag(page, card: int, to: list[float]) -> None:
    cards(page).nth(card).hover()
    page.mouse.down()
    page.mouse.move(to[0] - 30, to[1] + 4, steps=4)
    page.mouse.move(*to, steps=3)
    page.mouse.up()
    page.wait_for_timeout(600)


def liked(page, client, nodes: str, seed: int) -> None:
    """Two integers and a blend come on the board while it is open."""
    explore(page, nodes, seed)
    run(page, client)
    cells(page).nth(1).click()
    cells(page).nth(3).click()
    run(page, client)
    cells(page).nth(2).click()
    run(page, client)
    page.wait_for_function("() => document.querySelectorAll('.surrogate-board .card').length === 3", timeout=20_000)


@pytest.mark.parametrize("nodes", NODES)
def test_from_an_explorer_to_another_workflow(client, board, nodes):
    page, seed = board, 9400 + 20 * len(nodes)
    page.complaints.clear()
    liked(page, client, nodes, seed)
    assert sorted(labels(page)[1:]) == [f"seed {seed + 1}", f"seed {seed + 3}"]
    page.wait_for_function(
        "() => [...document.querySelectorAll('.surrogate-board img')].every(i => i.naturalWidth > 0)"
    )
    show(page, EMPTY, NODES[nodes])
    page.evaluate(BUILD, PLACES)
    page.wait_for_timeout(800)
    newest, second = labels(page)[1].removeprefix("seed "), labels(page)[2].removeprefix("seed ")

    page.evaluate(SELECT, "SurrogateSeedsFromIntegers")
    cards(page).nth(1).click()
    page.wait_for_function(f"type => ({VALUE})(type) === '7, {newest}'", arg="SurrogateSeedsFromIntegers")
    page.evaluate(SELECT, "RandomNoise")
    cards(page).nth(2).click()
    page.wait_for_function(f"type => ({VALUE})(type) === '{second}'", arg="RandomNoise")

    drag(page, 2, page.evaluate(MIDDLE, "SurrogateSeedsFromIntegers"))
    assert page.evaluate(VALUE, "SurrogateSeedsFromIntegers") == f"7, {newest}, {second}"
    drag(page, 0, page.evaluate(MIDDLE, "SurrogateLoadSeeds"))
    page.wait_for_function(
        f"type => /^surrogate.board.[0-9a-f]{{24}}.safetensors$/.test(({VALUE})(type))", arg="SurrogateLoadSeeds"
    )
    drag(page, 0, page.evaluate(MIDDLE, "VAEDecode"))  # takes nothing
    count = page.evaluate("() => app.graph.nodes.length")
    assert count == 4
    drag(page, 0, [650, 850])  # nothing is there
    assert page.evaluate("() => app.graph.nodes.map(n => n.type)")[4:] == ["SurrogateLoadSeeds"]
    assert not [one for one in page.complaints if "/ComfyUI-Surrogate/" in one or "uncaught" in one]


def test_with_the_keyboard_alone_and_what_stays(client, board):
    page = board
    liked(page, client, "classic", 9800)
    page.evaluate(SELECT, "SurrogateExplorer")  # takes no card
    cards(page).first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("s")
    page.wait_for_function("() => document.querySelectorAll('.surrogate-board .star')[1].ariaPressed === 'true'")
    assert page.evaluate("() => document.activeElement.querySelector('.star').ariaPressed") == "true"  # the focus stays
    page.keyboard.press("m")
    entries = page.locator(".surrogate-menu button")
    assert [entries.nth(i).is_enabled() for i in range(entries.count())] == [False, True, True, True, True]
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Delete")
    page.wait_for_function("() => document.querySelectorAll('.surrogate-board .card').length === 2")
    page.locator(".surrogate-board .filter input").check()
    assert cards(page).count() == 1
    page.locator(".surrogate-board .card .star").click()
    page.wait_for_function("() => document.querySelector('.surrogate-board .hint').textContent.includes('No card')")
    page.locator(".surrogate-board .filter input").uncheck()
    assert cards(page).count() == 2
    page.locator(TAB).click()  # closed
    assert not page.locator(".surrogate-board").is_visible()
    page.locator(TAB).click()
    page.wait_for_function("() => document.querySelectorAll('.surrogate-board .card').length === 2")


def test_a_sound_can_be_heard(client, board):
    needs_sound(client)
    build(board, "classic", SOUNDS, seed=7200)
    run(board, client)
    cells(board).nth(1).click()
    run(board, client)
    board.wait_for_function("() => document.querySelectorAll('.surrogate-board .card').length === 1", timeout=20_000)
    play = cards(board).locator(".play")
    play.click()
    assert play.inner_text() == "❚❚"
    board.wait_for_function("() => document.querySelector('.surrogate-board .play').textContent === '▶'", timeout=SLOW)
    cards(board).first.focus()
    board.keyboard.press("p")
    assert play.inner_text() == "❚❚"
    board.locator(TAB).click()  # what is not seen is silent
    board.locator(TAB).click()
    play.wait_for()
    assert play.inner_text() == "▶"


def test_every_language_has_every_text(root):
    texts = {path.parent.name: json.loads(path.read_text("utf-8")) for path in (root / "locales").glob("*/main.json")}
    places = {name: sorted(re.findall(r"{\w+}", text)) for name, text in texts["en"]["surrogate_board"].items()}
    for language, text in texts.items():
        found = {name: sorted(re.findall(r"{\w+}", words)) for name, words in text["surrogate_board"].items()}
        assert found == places, language
    for source in [root / "web" / "board.js", *(root / "web" / "board").glob("*.js")]:
        assert set(re.findall(r'\bsay\("(\w+)"', source.read_text("utf-8"))) <= places.keys(), source.name
