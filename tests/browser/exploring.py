"""What tests of Surrogate Explorer do in the browser: open it, press Run, look at the page."""

from __future__ import annotations

import json

from dev.browser import SLOW, show
from dev.workflow_files import read

WORKFLOW = read("demo_explore")
NODE = "app.graph.nodes.find(n => n.type === 'SurrogateExplorer')"
QUICK = {"pictures": 4, "images_per_batch": 4}


def explore(page, nodes: str, seed: int, steps: int = 2, **values) -> None:
    """Open the workflow with quick settings and a seed that no other test has."""
    page.set_viewport_size({"width": 1500, "height": 1400})
    show(page, WORKFLOW, nodes == "Nodes 2.0")
    values = QUICK | {"seed": seed} | values
    for kind, given in (("SurrogateExplorer", values), ("BasicScheduler", {"steps": steps})):
        page.evaluate(
            "([kind, given]) => { for (const widget of app.graph.nodes.find(n => n.type === kind).widgets) "
            "if (widget.name in given) widget.value = given[widget.name]; }",
            [kind, given],
        )


def run(page, client) -> None:
    """Press Run and wait until the queue is empty and the page has its pictures."""
    page.evaluate("async () => { await app.queuePrompt(0); }")
    settle(page, client)


def settle(page, client) -> None:
    page.wait_for_timeout(300)
    for _ in range(600):
        queue = client.get("/queue")
        if not queue["queue_running"] and not queue["queue_pending"]:
            break
        page.wait_for_timeout(200)
    page.wait_for_function(
        "() => document.querySelectorAll('.surrogate-explorer .cell.empty').length === 0", timeout=SLOW
    )


def session(page) -> dict:
    return json.loads(page.evaluate(f"() => {NODE}.widgets.find(w => w.name === 'session').value") or "{}")


def cells(page):
    return page.locator(".surrogate-explorer .cell")


def press(page, name: str) -> None:
    page.locator(".surrogate-explorer button", has_text=name).click()


def sources(page) -> list[str]:
    return page.evaluate("() => [...document.querySelectorAll('.surrogate-explorer .cell img')].map(i => i.src)")
