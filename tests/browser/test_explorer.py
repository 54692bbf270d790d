"""Surrogate Explorer as a person uses it: mouse, keyboard, both renderings of nodes, reload."""

import json
import re

import pytest

from dev.browser import NODES, READY, SLOW, show

from .exploring import NODE, WORKFLOW, cells, explore, press, run, session, settle, sources


@pytest.mark.parametrize("nodes", ["classic", "Nodes 2.0"])
def test_with_the_mouse(client, page, nodes):
    explore(page, nodes, 1000 + len(nodes))
    run(page, client)
    assert cells(page).count() == 4
    first = sources(page)
    cells(page).nth(1).click()
    cells(page).nth(2).click()
    cells(page).nth(2).click()  # taken back
    cells(page).nth(3).click()
    assert session(page)["pages"] == [{"of": -1, "n": 4, "likes": [1, 3]}]

    run(page, client)  # Run with likes: more like these
    assert session(page)["pages"][1] == {"of": 0, "liked": [1, 3], "do": "more", "n": 4}
    second = sources(page)
    assert second[0] == first[3]
    assert len({*first, *second}) == 7

    press(page, "◀")
    assert sources(page) == first
    assert cells(page).nth(1).get_attribute("aria-selected") == "true"
    cells(page).nth(0).click()  # changes no page that is there
    press(page, "▶")
    assert sources(page) == second
    assert "2 liked" in page.locator(".surrogate-explorer .note").inner_text()

    page.evaluate(f"() => {NODE}.properties.surrogate_explorer.run = true")
    press(page, "Mix")
    settle(page, client)
    press(page, "Surprise me")
    settle(page, client)
    assert [made.get("do", "new") for made in session(page)["pages"]] == ["new", "more", "mix", "surprise"]
    assert not set(sources(page)) & {*first, *second}
    press(page, "Finish 2")
    settle(page, client)
    assert sources(page) == [first[1], first[3]]
    assert "finished and saved" in page.locator(".surrogate-explorer .note").inner_text()


@pytest.mark.parametrize("nodes", ["classic", "Nodes 2.0"])
def test_with_the_keyboard_alone(client, page, nodes):
    explore(page, nodes, 2000 + len(nodes))
    run(page, client)
    cells(page).first.focus()
    columns = page.evaluate(
        "() => getComputedStyle(document.querySelector('.surrogate-explorer .grid')).gridTemplateColumns.split(' ').length"
    )
    assert columns == 2
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert session(page)["pages"][0]["likes"] == [3]
    page.keyboard.press("v")
    assert page.locator(".surrogate-explorer-large").count() == 1
    page.keyboard.press("Escape")
    assert page.locator(".surrogate-explorer-large").count() == 0
    page.keyboard.press("Enter")  # its neighbours
    assert session(page)["pages"][1] == {"of": 0, "liked": [3], "do": "near", "n": 4, "at": 3}
    run(page, client)
    page.locator(".surrogate-explorer .main").focus()
    page.keyboard.press("Enter")
    assert session(page)["pages"][2]["do"] == "more"
    run(page, client)
    assert len(set(sources(page))) == 4
    for act in ("none", "finish"):
        page.locator(f".surrogate-explorer button[data-act={act}]").focus()
        page.keyboard.press("Enter")
        run(page, client)
    assert [made.get("do", "new") for made in session(page)["pages"]] == ["new", "near", "more", "none", "finish"]


def test_a_workflow_that_is_opened_again_shows_the_same_page(client, page):
    explore(page, "classic", 3000)
    run(page, client)
    cells(page).nth(0).click()
    run(page, client)
    shown, saved = sources(page), page.evaluate("() => app.graph.serialize()")
    show(page, WORKFLOW, False)
    assert session(page) == {}
    show(page, saved, False)
    page.wait_for_timeout(500)
    assert sources(page) == shown
    assert session(page)["page"] == 1


def test_drafts_are_called_drafts(client, page):
    explore(page, "classic", 5000, draft_steps=1)
    run(page, client)
    assert page.locator(".surrogate-explorer .note").inner_text().startswith("draft, 1 of 2 steps")


@pytest.mark.parametrize(("language", "button"), [("de", "Neue Seite"), ("zh", "新的一页"), ("en", "New page")])
def test_it_speaks_the_language_of_the_page(client, page, language, button):
    client.post("/settings", {"Comfy.Locale": language})
    try:
        page.reload(timeout=SLOW)
        page.wait_for_function(READY, timeout=SLOW)
        page.wait_for_timeout(2500)
        if page.evaluate("() => app.extensionManager.setting.get('Comfy.Locale')") != language:
            pytest.skip("this version of the page does not speak it: then we speak the page's language")
        explore(page, "classic", 6000)
        assert page.locator(".surrogate-explorer .main").inner_text() == button
    finally:
        client.post("/settings", {"Comfy.Locale": "en"})


def test_every_language_has_every_text(root):
    texts = {path.parent.name: json.loads(path.read_text("utf-8")) for path in (root / "locales").glob("*/main.json")}
    assert set(texts) == {"en", "de", "zh"}
    places = {name: re.findall(r"{\w+}", text) for name, text in texts["en"]["surrogate_explorer"].items()}
    for language, text in texts.items():
        found = {name: sorted(re.findall(r"{\w+}", words)) for name, words in text["surrogate_explorer"].items()}
        assert found == {name: sorted(names) for name, names in places.items()}, language
    for source in (root / "web" / "explorer").glob("*.js"):
        said = re.findall(r'\bsay\("(\w+)"', source.read_text("utf-8"))
        assert set(said) <= texts["en"]["surrogate_explorer"].keys(), source.name


@pytest.mark.parametrize("nodes", NODES)
def test_another_number_of_pictures_is_shown_at_once_or_announced(client, page, nodes):
    def pictures(count: int) -> None:
        page.evaluate(
            f"""count => {{
                const widget = {NODE}.widgets.find(w => w.name === 'pictures');
                widget.value = count;
                widget.callback?.(count);
            }}""",
            count,
        )
        page.wait_for_timeout(100)

    explore(page, nodes, 8700 + len(nodes), pictures=2)
    pictures(3)
    assert cells(page).count() == 3
    pictures(2)
    run(page, client)
    pictures(3)
    note = page.locator(".surrogate-explorer .note")
    assert (cells(page).count(), note.inner_text()) == (2, "3 pictures from the next page on")
    press(page, "New page")
    run(page, client)
    assert cells(page).count() == 3
    assert "from the next page" not in note.inner_text()
