"""ComfyUI's own page in a headless Chromium: for tests, and for the scripts that lay out workflows and take pictures.

It needs Chromium on the PATH and playwright. SURROGATE_FRONTEND names the unpacked ``static`` folder of another
``comfyui-frontend-package``, such as the newest one: everything is then done with that one, too.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dev.client import Client

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page

__all__ = ["CHROMIUM", "FRONTENDS", "NODES", "READY", "SLOW", "frontend_arguments", "open_page", "prepare", "settle",
           "show"]  # fmt: skip

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FRONTENDS: dict[str, Path | None] = {"own": None}
"""Name -> folder that ComfyUI serves as its page; None: the one that it is installed with."""
if os.environ.get("SURROGATE_FRONTEND"):
    FRONTENDS["newest"] = Path(os.environ["SURROGATE_FRONTEND"])
NODES = {"classic": False, "Nodes 2.0": True}
SLOW = 120_000  # milliseconds

_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
              "--disable-component-update", "--disable-sync"]  # fmt: skip
READY = "() => !!(window.app && app.graph && app.extensionManager && LiteGraph.registered_node_types.SurrogateSpace)"
# A dozen times in a row, with a frame drawn in between, every node has its place, its size and its elements.
_SETTLED = """async () => {
    const shape = () => JSON.stringify([
        app.graph.nodes.map(node => [node.id, ...node.pos, ...node.size]),
        [...document.querySelectorAll('[data-node-id]')].map(({ offsetWidth, offsetHeight, childElementCount }) =>
            [offsetWidth, offsetHeight, childElementCount]),
        document.querySelectorAll('*').length,
    ]);
    const end = performance.now() + 10000;
    let before = '', quiet = 0;
    while (quiet < 12 && performance.now() < end) {
        await new Promise(resolve => setTimeout(() => requestAnimationFrame(resolve), 30));
        const now = shape();
        quiet = now === before ? quiet + 1 : 0;
        before = now;
    }
}"""
# What a file of the pack uses that the page warns of as deprecated is an error; so the page warns each time.
_STRICT = """() => {
    const { warn } = console;
    console.warn = (...what) => {
        const ours = new Error().stack.split('\\n').find(line => line.includes('/extensions/ComfyUI-Surrogate/'));
        if (ours && /deprecated/i.test(String(what[0]))) console.error(`deprecated: ${what[0]} ${ours}`);
        warn(...what);
    };
    let lite;
    Object.defineProperty(window, 'LiteGraph', {
        configurable: true, get: () => lite,
        set: value => { lite = value; if (lite) lite.alwaysRepeatWarnings = true; },
    });
}"""
# Otherwise a default template takes the place of what we load, and a dialog about missing models lies over it.
_OFF = ("Comfy.Workflow.Persist", "Comfy.Workflow.ShowMissingModelsWarning")


def frontend_arguments(name: str) -> list[str]:
    """Arguments of ComfyUI that make it serve the frontend `name`, a key of FRONTENDS."""
    folder = FRONTENDS[name]
    return [] if folder is None else ["--front-end-root", str(folder)]


def prepare(client: Client) -> None:
    """Store the settings that keep the page empty and free of dialogs."""
    client.post("/settings", {"Comfy.TutorialCompleted": True, **dict.fromkeys(_OFF, False)})


@contextlib.contextmanager
def open_page(url: str, folder: Path, size: tuple[int, int] = (1280, 720)) -> Iterator[Page]:
    """The page of a prepared server, loaded and quiet. `page.complaints` collects what its console calls an error, and
    `page.deprecated` what files of the pack use although the page warns of it.

    folder : an empty one, for the browser's profile
    size : of the window, in pixels
    """
    from playwright.sync_api import sync_playwright

    viewport: Any = {"width": size[0], "height": size[1]}
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder, executable_path=CHROMIUM, headless=True, args=_ARGUMENTS, viewport=viewport
        )
        page: Any = context.pages[0]
        page.complaints, page.deprecated = [], []
        page.on("pageerror", lambda error: page.complaints.append(f"uncaught: {error}"))
        page.on("console", partial(_listen, page))
        page.add_init_script(f"({_STRICT})()")
        page.goto(url, timeout=SLOW)
        page.wait_for_function(READY, timeout=SLOW)
        page.wait_for_timeout(2500)  # the frontend's own first graph
        yield page
        context.close()


def _listen(page: Any, message: ConsoleMessage) -> None:
    if message.type == "error":
        told = page.deprecated if message.text.startswith("deprecated: ") else page.complaints
        told.append(f"{message.text} {message.location}")


def show(page: Page, workflow: dict, nodes_2: bool = False, as_app: bool = False) -> dict:
    """Open a workflow as the template browser does, drawn as classic nodes or as Nodes 2.0; returns it.

    as_app : a workflow that is an app too is shown as such where the page knows apps; otherwise as a graph
    """
    page.evaluate("on => app.extensionManager.setting.set('Comfy.VueNodes.Enabled', on)", nodes_2)
    extra = workflow.get("extra", {})
    opened = workflow if as_app else {**workflow, "extra": {**extra, "linearMode": False}}
    page.evaluate("workflow => app.loadGraphData(workflow, true, true)", opened)
    settle(page)
    return workflow


def settle(page: Page) -> None:
    """Wait until what the page draws of the graph stays as it is: at least half a second, at most 10 seconds."""
    page.evaluate(_SETTLED)
