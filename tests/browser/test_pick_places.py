"""Surrogate Pick where workflows put it: in a subgraph and an app, copied, undone, queued, in two windows, restarted."""

import pytest

from dev.browser import SLOW, show

from .picking import Picking
from .test_pick_waiting import another_window
from .test_templates import KNOWS_APPS

PICK = "app.graph.nodes.find(n => n.type === 'SurrogatePick')"


@pytest.fixture
def picking(client, page):
    return Picking(client, page)


@pytest.mark.parametrize("nodes", ["classic", "Nodes 2.0"])
def test_in_a_subgraph(picking, nodes):
    picking.open(nodes)
    page = picking.page
    page.evaluate(f"() => {{ window.outer = app.graph.convertToSubgraph(new Set([{PICK}])).node; }}")
    page.wait_for_timeout(500)  # as a person, who opens it after the page has drawn it
    page.evaluate("() => app.canvas.setGraph(window.outer.subgraph)")
    page.wait_for_timeout(500)
    try:
        picking.run()
        picking.at(1)
        picking.cells.nth(2).click()
        picking.says("1 liked")
        picking.press("go")
        picking.at(2)
        assert picking.liked == []
        assert picking.told["best"]["number"] == 2
    finally:
        page.evaluate("() => app.canvas.setGraph(app.graph)")


def test_in_an_app(picking):
    page = picking.page
    if not page.evaluate(KNOWS_APPS):
        pytest.skip("this version of the page has no apps")
    picking.open("Nodes 2.0")
    pick = page.evaluate(f"() => {PICK}.id")
    data = {"inputs": [[pick, "picks"]], "outputs": [pick]}
    show(page, {**picking.saved, "extra": {"linearMode": True, "linearData": data}}, True, as_app=True)
    try:
        page.locator(".surrogate-pick").wait_for(timeout=20_000)
        picking.run()
        picking.at(1)
        picking.cells.nth(1).dispatch_event("click")  # the page's own tour of its apps lies over it
        picking.says("1 liked")
        page.locator(".surrogate-pick [data-act=go]").dispatch_event("click")
        picking.at(2)
        assert picking.told["best"]["number"] == 1
        buttons = "[...document.querySelectorAll('.surrogate-pick .buttons button')]"
        assert page.evaluate(f"() => {buttons}.every(b => b.clientWidth && b.scrollWidth <= b.clientWidth)")
    finally:
        page.evaluate("() => { app.extensionManager._p._s.get('canvas').linearMode = false; }")


def test_a_pasted_copy_shares_no_click(picking):
    picking.open()
    page = picking.page
    picking.run()
    picking.at(1)
    page.evaluate(
        f"() => {{ app.canvas.selectItems([{PICK}]); app.canvas.copyToClipboard(); app.canvas.pasteFromClipboard(); }}"
    )
    page.wait_for_timeout(500)
    page.evaluate("() => app.graph.nodes.findLast(n => n.type === 'SurrogatePick').surrogatePick.act('like', 2)")
    values = "() => app.graph.nodes.filter(n => n.type === 'SurrogatePick').map(n => n.widgets.find(w => w.name === 'picks').value)"
    one, two = page.evaluate(values)
    assert one == ""
    assert "[2]" in two
    page.evaluate("() => app.graph.nodes.filter(n => n.type === 'SurrogatePick').forEach(n => app.graph.remove(n))")
    assert page.locator(".surrogate-pick, .surrogate-explorer-large").count() == 0


def test_a_like_can_be_undone(picking):
    picking.open()
    page = picking.page
    picking.run()
    picking.at(1)
    shown = picking.sources
    page.evaluate("() => app.extensionManager.workflow.activeWorkflow.changeTracker.checkState()")
    picking.cells.nth(3).click()
    assert picking.picks.cells == (3,)
    page.keyboard.press("Control+z")
    page.wait_for_function("() => !document.querySelector('.surrogate-pick .cell.liked')", timeout=10_000)
    assert picking.value == ""
    assert picking.sources == shown


def test_a_queue_of_ten_tells_once(picking):
    picking.open()
    picking.run()
    picking.at(1)
    picking.cells.nth(0).click()
    picking.page.evaluate("async () => { await app.queuePrompt(0, 10); }")
    picking.idle()
    picking.at(2)
    assert picking.told["evaluated"] == 4
    assert picking.liked == []


def test_another_window_with_another_study_sees_nothing_of_it(picking):
    picking.open()
    with another_window(picking) as other:
        other.open()
        picking.run()
        picking.at(1)
        picking.cells.nth(1).click()
        assert not other.cells.count()
        other.run()
        other.at(1)
        assert other.liked == []
        other.press("none")
        other.at(2)
        assert picking.liked == [1]
        assert picking.told["evaluated"] == 0


def test_after_a_restart_of_the_server_the_click_is_there_and_told(server, picking):
    picking.open()
    page = picking.page
    picking.run()
    picking.at(1)
    picking.cells.nth(1).click()
    shown = picking.sources
    # As when the server goes while a picture is still on its way.
    page.evaluate("() => document.querySelectorAll('.surrogate-pick .cell img')[2].dispatchEvent(new Event('error'))")
    assert picking.sources[2] == ""
    page.evaluate("() => { window.back = false; app.api.addEventListener('reconnected', () => (window.back = true)); }")
    server.restart()
    page.wait_for_function("() => window.back", timeout=SLOW)
    assert picking.sources == shown
    assert page.evaluate("async address => (await fetch(address, { cache: 'no-store' })).ok", shown[1])
    picking.run()
    picking.at(2)
    assert picking.told["best"]["number"] == 1
