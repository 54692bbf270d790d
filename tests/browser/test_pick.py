"""Surrogate Pick as a person uses it: mouse, keyboard, both renderings of nodes, and reload."""

import json
import re

import pytest

from dev.browser import show

from .picking import WORKFLOW, Picking


@pytest.fixture
def picking(client, page):
    return Picking(client, page)


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
