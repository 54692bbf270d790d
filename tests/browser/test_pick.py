"""Surrogate Pick as a person uses it: mouse, keyboard, both renderings of nodes, and reload."""

import json
import re
import uuid

import pytest

from dev.browser import SLOW, show
from dev.workflow_files import read
from surrogate.search import Picks

WORKFLOW = read("demo_pick")
NODE = "app.graph.nodes.find(n => n.type === 'SurrogatePick')"


def widget(name: str, kind: str = "SurrogatePick") -> str:
    return f"app.graph.nodes.find(n => n.type === '{kind}').widgets.find(w => w.name === '{name}')"


@pytest.fixture
def picking(client, page):
    return Picking(client, page)


class Picking:
    """The workflow with a study of its own and quick settings, in one window."""

    def __init__(self, client, page):
        self.client, self.page = client, page

    def open(self, nodes: str = "classic", **values) -> "Picking":
        self.page.set_viewport_size({"width": 1900, "height": 1400})
        self.name = f"browser {uuid.uuid4().hex}"
        workflow = {**WORKFLOW, "id": str(uuid.uuid4())}
        show(self.page, workflow, nodes == "Nodes 2.0")
        set_all = "([kind, values]) => Object.entries(values).forEach(([k, v]) => app.graph.nodes.find(n => n.type === kind).widgets.find(w => w.name === k).value = v)"
        self.page.evaluate(set_all, ["SurrogateStudy", {"name": self.name, "population": 4, "budget": 16}])
        self.page.evaluate(set_all, ["BasicScheduler", {"steps": 1}])
        self.page.evaluate(set_all, ["SurrogatePick", values])
        return self

    def run(self) -> None:
        self.page.evaluate("async () => { await app.queuePrompt(0); }")

    def at(self, generation: int) -> None:
        """Wait until the page shows this generation, of which nothing was told."""
        self.page.wait_for_function(
            "n => document.querySelector('.surrogate-pick .title')?.textContent === `Generation ${n}`"
            " && document.querySelectorAll('.surrogate-pick .cell.empty').length === 0"
            " && !document.querySelector('.surrogate-pick [data-act=skip]').disabled",
            arg=generation,
            timeout=SLOW,
        )

    def says(self, text: str) -> None:
        self.page.wait_for_function(
            "text => document.querySelector('.surrogate-pick .note').textContent.includes(text)", arg=text, timeout=SLOW
        )

    @property
    def picks(self) -> Picks:
        return Picks.parse(self.page.evaluate(f"() => {widget('picks')}.value"))

    @property
    def value(self) -> str:
        return self.page.evaluate(f"() => {widget('picks')}.value")

    @property
    def saved(self) -> dict:
        """The workflow as a file has it."""
        return json.loads(self.page.evaluate("() => JSON.stringify(app.graph.serialize())"))

    @property
    def cells(self):
        return self.page.locator(".surrogate-pick .cell")

    def press(self, act: str) -> None:
        self.page.locator(f".surrogate-pick [data-act={act}]").click()

    @property
    def liked(self) -> list[int]:
        liked = "() => [...document.querySelectorAll('.surrogate-pick .cell')].flatMap((c, i) => c.classList.contains('liked') ? [i] : [])"
        return self.page.evaluate(liked)

    @property
    def told(self) -> dict:
        return self.client.get("/surrogate/study", name=self.name)


@pytest.mark.parametrize("nodes", ["classic", "Nodes 2.0"])
def test_between_runs_with_the_mouse(picking, nodes):
    picking.open(nodes)
    picking.says("Run to see the first images")
    picking.run()
    picking.at(1)
    assert picking.cells.count() == 4
    assert picking.page.locator(".surrogate-pick .main").is_disabled()
    picking.cells.nth(2).click()
    picking.cells.nth(0).click()
    picking.cells.nth(2).click()  # taken back
    picking.says("1 liked")
    assert picking.picks.cells == (0,)
    picking.run()  # Run takes them along
    picking.at(2)
    assert picking.liked == []
    assert picking.value == ""
    assert picking.told["best"]["number"] == 0
    picking.press("none")
    picking.at(3)
    picking.press("skip")
    picking.at(4)
    assert (picking.told["evaluated"], picking.told["skipped"]) == (12, 4)
    picking.cells.nth(1).click()
    picking.press("go")
    picking.says("The budget is spent")
    assert picking.cells.count() == 0
    assert picking.told["finished"]


@pytest.mark.parametrize("nodes", ["classic", "Nodes 2.0"])
def test_with_the_keyboard_alone(picking, nodes):
    picking.open(nodes, clicks="ranking")
    picking.run()
    picking.at(1)
    picking.cells.first.focus()
    for key in ("ArrowRight", "ArrowDown", "Space", "ArrowLeft", "Space"):
        picking.page.keyboard.press(key)
    assert picking.picks.verdict == "ranking"
    assert picking.picks.cells == (3, 2)
    hearts = picking.page.locator(".surrogate-pick .heart")
    assert [hearts.nth(i).inner_text() for i in range(4)] == ["", "", "2", "1"]
    assert picking.page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") == "solid"
    picking.page.keyboard.press("v")
    assert picking.page.locator(".surrogate-explorer-large").count() == 1
    picking.page.keyboard.press("Enter")
    picking.at(2)
    assert picking.page.locator(".surrogate-explorer-large").count() == 0
    assert picking.told["best"]["number"] == 3


def test_a_reload_loses_nothing(picking):
    picking.open()
    picking.run()
    picking.at(1)
    picking.cells.nth(3).click()
    saved = picking.saved
    show(picking.page, WORKFLOW, False)
    assert picking.value == ""
    show(picking.page, saved, False)
    picking.at(1)
    assert picking.liked == [3]
    picking.run()
    picking.at(2)
    assert picking.told["best"]["number"] == 3


def test_every_language_has_every_text(root):
    texts = {path.parent.name: json.loads(path.read_text("utf-8")) for path in (root / "locales").glob("*/main.json")}
    english = texts["en"]["surrogate_pick"]
    for language, text in texts.items():
        assert text["surrogate_pick"].keys() == english.keys(), language
        for name, words in text["surrogate_pick"].items():
            assert sorted(re.findall(r"{\w+}", words)) == sorted(re.findall(r"{\w+}", english[name])), (language, name)
    said = {name for source in [root / "web" / "pick.js", *(root / "web" / "pick").glob("*.js")]
            for name in re.findall(r'\bsay\("(\w+)"', source.read_text("utf-8"))}  # fmt: skip
    assert said <= english.keys()
