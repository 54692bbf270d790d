"""Takes the README's pictures of ComfyUI's own page (``docs/pictures``), with the demo model. By hand, on a quiet machine.

    python dev/launch.py dev/pictures.py [explore | search | app | templates …]     default: all

With SURROGATE_FRONTEND (see dev/browser.py) they show that version of the page; *app* needs one that has apps (1.41).
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageChops

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from dev.browser import FRONTENDS, frontend_arguments, open_page, prepare, show  # noqa: E402
from dev.client import Client  # noqa: E402
from dev.server import Server  # noqa: E402
from dev.workflow_files import WORKFLOWS, read  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = ROOT / "docs" / "pictures"
WINDOW = (1440, 810)
THUMBNAIL = 512  # pixels: a side of the template browser's pictures
MOVING = 960  # pixels: the width of the moving picture
FRAME = 180  # milliseconds that each of its frames is shown
LAST = 3000
MOST = 40  # frames
LOOKED = [1600, 1400, 1600, 1400, 1600, 2600]  # milliseconds: a page, and what is liked on it
# What covers the graph and is not about it.
_BARE = """() => {
    const style = document.createElement('style');
    style.textContent = '.p-toast, [class*="minimap"], .litegraph-minimap, [data-testid*="toast"] { display: none !important; }';
    document.head.append(style);
    for (const [id, value] of [['Comfy.Minimap.Visible', false], ['Comfy.Graph.CanvasInfo', false]])
        app.extensionManager.setting.set(id, value);
}"""
# A view that shows these nodes whole; where they are then on the page: left, top, right, bottom.
_FRAME = """ids => {
    const nodes = app.graph.nodes.filter(node => !ids.length || ids.includes(Number(node.id)));
    const left = Math.min(...nodes.map(n => n.pos[0])) - 40, top = Math.min(...nodes.map(n => n.pos[1])) - 90;
    const right = Math.max(...nodes.map(n => n.pos[0] + n.size[0])) + 40;
    const bottom = Math.max(...nodes.map(n => n.pos[1] + n.size[1])) + 40;
    const { width, height } = app.canvas.canvas.getBoundingClientRect();
    const usable = [width - 80, height - 130];
    const scale = Math.min(usable[0] / (right - left), usable[1] / (bottom - top), 1);
    app.canvas.ds.scale = scale;
    app.canvas.ds.offset = [70 / scale - left, 110 / scale - top];
    app.canvas.setDirty(true, true);
    const place = app.canvas.canvas.getBoundingClientRect();
    const [x, y] = [place.left + 70, place.top + 110];
    return [x, y, x + (right - left) * scale, y + (bottom - top) * scale].map(Math.round);
}"""


def main(names: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    frontend = list(FRONTENDS)[-1]
    arguments = [*frontend_arguments(frontend), "--cpu"]  # no previews of single images: the card of the search is one
    with Server("pictures", arguments=arguments) as server, tempfile.TemporaryDirectory() as profile:
        client = Client(server.url)
        prepare(client)
        with open_page(server.url, Path(profile), WINDOW) as page:
            page.evaluate(_BARE)
            for name in names or PICTURES:
                PICTURES[name](page, client)


def explore(page: Page, client: Client) -> None:
    """Three pages of demo_explore, with the pictures that are clicked on each."""
    _open(page, "demo_explore", (5,))
    frames = []
    for likes in ((2, 8), (1, 4), (0, 3)):
        _run(page, client)
        frames.append(_explorer(page))
        for cell in likes:
            page.locator(".surrogate-explorer .cell").nth(cell).click()
        page.mouse.move(20, 600)
        frames.append(_explorer(page))
    frames[0].save(
        FOLDER / "explore.webp", save_all=True, append_images=frames[1:], duration=LOOKED, loop=0, quality=82, method=6
    )


def _explorer(page: Page) -> Image.Image:
    page.wait_for_timeout(500)
    return Image.open(io.BytesIO(page.locator(".surrogate-explorer").screenshot())).convert("RGB")


def search(page: Page, client: Client) -> None:
    """The search of demo_search, from Run to the end."""
    box = _open(page, "demo_search", (3, 8, 9, 10))
    frames = [_shot(page, box)]
    _run(page, client, lambda: frames.append(_shot(page, box)))
    frames.append(_shot(page, box))
    _save_moving(_few(_different(frames)), FOLDER / "search.webp")


def app(page: Page, client: Client) -> None:
    """The grid as a form, with its picture."""
    show(page, read("demo_grid"), True, as_app=True)
    page.wait_for_timeout(2000)
    if page.get_by_text("Skip", exact=True).is_visible():  # the page's own tour of its apps
        page.get_by_text("Skip", exact=True).click()
    _run(page, client)
    _write(_shot(page), "app")


def templates(page: Page, client: Client) -> None:
    """For the templates whose models are not here: their graphs, as the pictures of the template browser."""
    for name in ("flux_explore", "z_image_explore", "stable_audio_explore"):
        left, top, right, bottom = _open(page, name, [node["id"] for node in read(name)["nodes"][:-3]])
        side = min(right - left, bottom - top)  # of a square with the Explorer, which is on the right
        picture = _shot(page, [right - side, top, right, top + side])
        picture.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS).save(
            WORKFLOWS[name].with_suffix(".jpg"), quality=85
        )


PICTURES: dict[str, Callable[[Page, Client], None]] = {
    "explore": explore, "search": search, "app": app, "templates": templates,
}  # fmt: skip


def _open(page: Page, name: str, nodes: Sequence[int]) -> list[int]:
    show(page, read(name), True)
    box = page.evaluate(_FRAME, list(nodes))
    page.wait_for_timeout(1000)
    return box


def _run(page: Page, client: Client, meanwhile: Callable[[], object] = lambda: None) -> None:
    with page.expect_response(lambda response: response.url.endswith("/prompt") and response.ok) as response:
        page.evaluate("() => app.queuePrompt(0)")
    number = response.value.json()["prompt_id"]
    deadline = time.monotonic() + 900
    while client.history(number) is None:
        meanwhile()
        page.wait_for_timeout(300)
        if time.monotonic() > deadline:
            raise TimeoutError(f"prompt {number} has not finished within 900 seconds")
    page.wait_for_timeout(3000)


def _shot(page: Page, box: Sequence[int] | None = None) -> Image.Image:
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return picture.crop(tuple(box)) if box else picture


def _different(frames: list[Image.Image]) -> list[Image.Image]:
    kept = frames[:1]
    for frame in frames[1:]:
        if ImageChops.difference(frame, kept[-1]).getbbox():
            kept.append(frame)
    return kept


def _few(frames: list[Image.Image]) -> list[Image.Image]:
    """At most MOST of them, evenly chosen, the first and the last among them."""
    if len(frames) <= MOST:
        return frames
    return [frames[round(i * (len(frames) - 1) / (MOST - 1))] for i in range(MOST)]


def _save_moving(frames: list[Image.Image], path: Path) -> None:
    size = (MOVING, round(frames[0].height * MOVING / frames[0].width))
    small = [frame.resize(size, Image.Resampling.LANCZOS) for frame in frames]
    times = [FRAME] * (len(small) - 1) + [LAST]
    small[0].save(path, save_all=True, append_images=small[1:], duration=times, loop=0, quality=72, method=6)


def _write(picture: Image.Image, name: str) -> None:
    picture.save(FOLDER / f"{name}.webp", quality=88, method=6)


if __name__ == "__main__":
    main(sys.argv[1:])
