"""What tests of Surrogate Pick do in the browser: open its workflow, run it, look at the page."""

from __future__ import annotations

import json
import uuid

from dev.browser import SLOW, show
from dev.workflow_files import read
from surrogate.search import Picks

WORKFLOW = read("demo_pick")
NODE = "app.graph.nodes.find(n => n.type === 'SurrogatePick')"


def widget(name: str, kind: str = "SurrogatePick") -> str:
    return f"app.graph.nodes.find(n => n.type === '{kind}').widgets.find(w => w.name === '{name}')"


class Picking:
    """The workflow with a study of its own and quick settings, in one window."""

    def __init__(self, client, page):
        self.client, self.page = client, page

    def open(self, nodes: str = "classic", **values) -> Picking:
        self.page.set_viewport_size({"width": 1900, "height": 1400})
        self.name = f"browser {uuid.uuid4().hex}"
        show(self.page, {**WORKFLOW, "id": str(uuid.uuid4())}, nodes == "Nodes 2.0")
        self.quick(**values)
        return self

    def quick(self, **values) -> None:
        """A study of its own with small generations, few steps, and these values of Pick."""
        set_all = "([kind, values]) => Object.entries(values).forEach(([k, v]) => app.graph.nodes.find(n => n.type === kind).widgets.find(w => w.name === k).value = v)"
        self.page.evaluate(set_all, ["SurrogateStudy", {"name": self.name, "population": 4, "budget": 16}])
        self.page.evaluate(set_all, ["BasicScheduler", {"steps": 1}])
        self.page.evaluate(set_all, ["SurrogatePick", values])

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

    def idle(self) -> None:
        """Wait until nothing runs: then the study knows what was answered."""
        for _ in range(600):
            queue = self.client.get("/queue")
            if not queue["queue_running"] and not queue["queue_pending"]:
                return
            self.page.wait_for_timeout(100)

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

    @property
    def sources(self) -> list[str]:
        return self.page.evaluate("() => [...document.querySelectorAll('.surrogate-pick .cell img')].map(i => i.src)")

    def press(self, act: str) -> None:
        self.page.locator(f".surrogate-pick [data-act={act}]").click()

    @property
    def liked(self) -> list[int]:
        liked = "() => [...document.querySelectorAll('.surrogate-pick .cell')].flatMap((c, i) => c.classList.contains('liked') ? [i] : [])"
        return self.page.evaluate(liked)

    @property
    def told(self) -> dict:
        return self.client.get("/surrogate/study", name=self.name)
