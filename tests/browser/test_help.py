"""Every node's help page in the panel that the page itself opens for it."""

import contextlib
import re
from pathlib import Path

import pytest

from dev.browser import settle

playwright = pytest.importorskip("playwright.sync_api")

ROOT = Path(__file__).absolute().parents[2]
PAGES = sorted((ROOT / "web" / "docs").glob("*.md"))
EMPTY = {"version": 0.4, "last_node_id": 0, "last_link_id": 0, "nodes": [], "links": [], "groups": [], "extra": {}}
# One node alone, in the middle of the page, selected; its title.
ALONE = """kind => {
    app.canvas.deselectAll?.();
    app.graph.clear();
    const node = LiteGraph.createNode(kind);
    node.pos = [600, 250];
    app.graph.add(node);
    Object.assign(app.canvas.ds, { scale: 1, offset: [0, 0] });
    app.canvas.setDirty(true, true);
    app.canvas.selectNode(node);
    return node.title;
}"""
SELECT = "() => { app.canvas.deselectAll?.(); app.canvas.selectNode(app.graph.nodes[0]); }"
# What the panel shows: headings, rows of tables, items of lists, text outside of code, addresses that lead nowhere, and
# what is wider than the panel.
SHOWN = """async panel => {
    const words = panel.cloneNode(true);
    words.querySelectorAll('code').forEach(code => code.remove());
    const broken = [...panel.querySelectorAll('img')].filter(image => !image.complete || !image.naturalWidth);
    const links = [...panel.querySelectorAll('a')].map(link => link.href);
    const lost = await Promise.all(links.filter(to => to.startsWith(location.origin)).map(async to =>
        (await fetch(to)).ok ? null : to));
    return {
        headings: [...panel.querySelectorAll('h1, h2, h3')].map(heading => heading.innerText),
        rows: panel.querySelectorAll('tr').length,
        items: panel.querySelectorAll('li').length,
        cut: [...panel.querySelectorAll('table, li, p, img')]
            .filter(part => part.getBoundingClientRect().right > panel.getBoundingClientRect().right + 1)
            .map(part => part.innerText),
        text: words.textContent,
        broken: [...broken.map(image => image.src), ...lost.filter(to => to)],
    };
}"""
# Bold, links, rules of tables, comments, code and headings that were not made into elements.
RAW = re.compile(r"\*\*\w[^*]*\*\*|\]\(|\| *-{3}|<!--|`|^#+ ", re.M)


@pytest.fixture(scope="module")
def empty_page(page):
    """The page with an empty graph of classic nodes."""
    page.evaluate("() => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', false)")
    page.evaluate("workflow => app.loadGraphData(workflow, true, true)", EMPTY)
    settle(page)
    return page


def open_help(page, kind: str) -> str:
    """Select the node and click on the "i" above it; the node's title."""
    title = page.evaluate(ALONE, kind)
    button = page.get_by_test_id("info-button")
    for _ in range(4):
        with contextlib.suppress(playwright.TimeoutError):
            # Not as a click of the mouse: while the page still draws, the button can move away under the pointer.
            button.evaluate("button => button.click()", timeout=10_000)
            return title
        page.evaluate(SELECT)
    raise AssertionError(f"no help can be opened for {kind}")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_help_page_of_a_node_opens_and_is_whole(empty_page, path):
    written = path.read_text("utf-8")
    title = open_help(empty_page, path.stem)
    panel = empty_page.locator(".node-help-content").last
    headings = re.findall(r"^#+ (.*)$", written, re.M)
    panel.get_by_role("heading", name=headings[-1], exact=True).wait_for(timeout=20_000)
    shown = panel.evaluate(SHOWN)
    assert shown["headings"] == headings
    assert shown["rows"] == len(re.findall(r"^\|(?! *-{3})", written, re.M))
    assert shown["items"] == len(re.findall(r"^(?:-|\d+\.) ", written, re.M))
    assert shown["cut"] == []
    assert not RAW.search(shown["text"])
    assert shown["broken"] == []
    assert empty_page.get_by_text(title, exact=True).first.is_visible()
