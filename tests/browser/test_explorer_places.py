"""Surrogate Explorer where workflows put it: in several tabs and subgraphs, copied, undone, queued, cancelled."""

import json

import pytest

from dev.browser import READY, SLOW, show

from .exploring import NODE, WORKFLOW, cells, explore, run, session, settle, sources
from .test_templates import KNOWS_APPS

SESSIONS = """() => app.graph.nodes.filter(n => n.type === 'SurrogateExplorer')
    .map(n => n.widgets.find(w => w.name === 'session').value)"""


def test_another_tab_sees_nothing_of_it(client, page):
    explore(page, "classic", 8000)
    other = page.context.new_page()
    try:
        other.goto(client.url, timeout=SLOW)
        other.wait_for_function(READY, timeout=SLOW)
        other.wait_for_timeout(2500)
        explore(other, "classic", 8000)
        run(page, client)
        cells(page).nth(1).click()
        assert sources(page)[1]
        assert not any(sources(other))
        assert session(other) == {}
        run(other, client)  # the same page, which is there already
        assert sources(other) == sources(page)
        assert "likes" not in session(other)["pages"][0]
        assert session(page)["pages"][0]["likes"] == [1]
    finally:
        other.close()


def test_in_two_instances_of_a_subgraph(client, page):
    explore(page, "classic", 8100)
    page.evaluate(f"""() => {{
        const {{ node }} = app.graph.convertToSubgraph(new Set([{NODE}]));
        const copy = LiteGraph.createNode(node.type);
        copy.pos = [node.pos[0], node.pos[1] + 400];
        app.graph.add(copy);
        node.inputs.forEach((input, i) => {{
            const link = app.graph.links.get(input.link);
            if (link) app.graph.getNodeById(link.origin_id).connect(link.origin_slot, copy, i);
        }});
        app.canvas.setGraph(node.subgraph);
    }}""")
    page.wait_for_timeout(500)
    inner = "app.canvas.graph.nodes.find(n => n.type === 'SurrogateExplorer')"
    ids = page.evaluate("async () => Object.entries((await app.graphToPrompt()).output)")
    assert len([i for i, node in ids if node["class_type"] == "SurrogateExplorer" and ":" in i]) == 2
    run(page, client)
    first = sources(page)
    assert len(set(first)) == 4
    cells(page).nth(2).click()
    run(page, client)
    made = json.loads(page.evaluate(f"() => {inner}.widgets.find(w => w.name === 'session').value"))
    assert len(made["pages"]) == 2  # one page, though two nodes are run
    assert sources(page)[0] == first[2]
    page.evaluate("() => app.canvas.setGraph(app.graph)")


def test_a_pasted_copy_has_a_session_of_its_own(client, page):
    explore(page, "classic", 8200)
    run(page, client)
    page.evaluate(f"() => {{ app.canvas.selectItems([{NODE}]); app.canvas.copyToClipboard(); app.canvas.pasteFromClipboard(); }}")  # fmt: skip
    page.wait_for_timeout(500)
    page.evaluate(
        "() => app.graph.nodes.findLast(n => n.type === 'SurrogateExplorer').surrogateExplorer.act('like', 2)"
    )
    one, two = page.evaluate(SESSIONS)
    assert "likes" not in json.loads(one)["pages"][0]
    assert json.loads(two)["pages"][0]["likes"] == [2]
    page.evaluate("() => app.graph.nodes.filter(n => n.type === 'SurrogateExplorer').forEach(n => app.graph.remove(n))")
    assert page.locator(".surrogate-explorer, .surrogate-explorer-large").count() == 0


def test_a_like_can_be_undone(client, page):
    explore(page, "classic", 8300)
    run(page, client)
    shown = sources(page)
    page.evaluate("() => app.extensionManager.workflow.activeWorkflow.changeTracker.checkState()")
    cells(page).nth(3).click()
    assert session(page)["pages"][0]["likes"] == [3]
    page.keyboard.press("Control+z")
    page.wait_for_function("() => !document.querySelector('.surrogate-explorer .cell.liked')", timeout=10_000)
    assert "likes" not in session(page)["pages"][0]
    assert sources(page) == shown


def test_a_queue_of_ten_makes_one_page(client, page):
    explore(page, "classic", 8400)
    run(page, client)
    cells(page).nth(0).click()
    page.evaluate("async () => { await app.queuePrompt(0, 10); }")
    settle(page, client)
    assert len(session(page)["pages"]) == 2
    assert len(set(sources(page))) == 4


def test_after_cancel_the_next_run_goes_on(client, page):
    explore(page, "classic", 8500, images_per_batch=1, steps=30)
    page.evaluate("async () => { await app.queuePrompt(0); }")
    page.wait_for_function("() => document.querySelector('.surrogate-explorer .cell:not(.empty)')", timeout=SLOW)
    page.evaluate("async () => { await fetch('/interrupt', { method: 'POST' }); }")
    first = sources(page)[0]
    for _ in range(100):
        if not client.get("/queue")["queue_running"]:
            break
        page.wait_for_timeout(200)
    assert sources(page)[3] == ""
    run(page, client)
    assert sources(page)[0] == first
    assert len(set(sources(page))) == 4


BOXES = """() => [...document.querySelectorAll('.surrogate-explorer :is(.cell, button, .title)')]
    .map(e => { const b = e.getBoundingClientRect(); return [b.x, b.y, b.width, b.height].map(Math.round); })"""


def test_nothing_moves_while_it_runs_and_a_large_picture_fits_a_small_window(client, page):
    explore(page, "classic", 8700, images_per_batch=1)
    run(page, client)
    cells(page).nth(1).click()
    page.wait_for_timeout(500)
    before = page.evaluate(BOXES)
    page.evaluate("async () => { await app.queuePrompt(0); }")
    seen = []
    for _ in range(600):
        seen.append(page.evaluate(BOXES))
        if not client.get("/queue")["queue_running"]:
            break
        page.wait_for_timeout(50)
    settle(page, client)
    assert all(boxes == before for boxes in [*seen, page.evaluate(BOXES)])

    page.set_viewport_size({"width": 750, "height": 500})  # what is left of 1500 x 1000 at 200 %
    page.evaluate(f"""() => {{
        const node = {NODE}, {{ ds }} = app.canvas;
        ds.offset = [150 / ds.scale - node.pos[0], -node.pos[1] - 250];
        app.canvas.setDirty(true, true);
    }}""")
    page.wait_for_timeout(500)
    page.mouse.move(5, 5)  # or it shows another one
    cells(page).nth(0).focus()
    page.keyboard.press("v")
    page.wait_for_function("() => document.querySelector('.surrogate-explorer-large').complete", timeout=SLOW)
    box = page.locator(".surrogate-explorer-large").bounding_box()
    assert 0 <= box["x"] and box["x"] + box["width"] <= 750
    assert 0 <= box["y"] and box["y"] + box["height"] <= 500
    page.keyboard.press("Escape")
    assert page.locator(".surrogate-explorer-large").count() == 0


def test_in_an_app(client, page):
    if not page.evaluate(KNOWS_APPS):
        pytest.skip("this version of the page has no apps")
    workflow = {**WORKFLOW, "extra": {**WORKFLOW["extra"], "linearMode": True}}
    show(page, workflow, True, as_app=True)
    try:
        page.locator(".surrogate-explorer").wait_for(timeout=20_000)
        run(page, client)
        cells(page).nth(1).dispatch_event("click")  # the page's own tour of its apps lies over it
        assert page.locator(".surrogate-explorer .cell.liked").count() == 1
        buttons = "[...document.querySelectorAll('.surrogate-explorer .buttons button')]"
        assert page.evaluate(f"() => {buttons}.every(b => b.clientWidth && b.scrollWidth <= b.clientWidth)")
    finally:
        page.evaluate("() => { app.extensionManager._p._s.get('canvas').linearMode = false; }")


def test_after_a_restart_of_the_server_the_page_is_there_and_the_next_run_works(server, client, page):
    explore(page, "classic", 8600)
    run(page, client)
    cells(page).nth(1).click()
    shown = sources(page)
    page.evaluate("() => { window.back = false; app.api.addEventListener('reconnected', () => (window.back = true)); }")
    server.restart()
    page.wait_for_function("() => window.back", timeout=SLOW)
    assert sources(page) == shown
    assert page.evaluate("async address => (await fetch(address, { cache: 'no-store' })).ok", shown[1])
    run(page, client)
    assert len(session(page)["pages"]) == 2
    assert sources(page)[0] == shown[1]
    assert len(set(sources(page))) == 4
