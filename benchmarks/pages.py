"""How fast the browser draws an Explorer's page of 16 pictures of 1024², and whether 50 pages fill its memory.

    python dev/launch.py benchmarks/pages.py

The pictures are noise with structure, as large as real ones as PNG and as WebP; they are put where the server keeps what
an Explorer has shown, and the page is told of them as after a run. So the pages come from a real server over HTTP, and
nothing is rendered.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from dev.browser import FRONTENDS, NODES, frontend_arguments, open_page, prepare, show  # noqa: E402
from dev.client import Client  # noqa: E402
from dev.server import Server  # noqa: E402
from dev.workflow_files import read  # noqa: E402
from surrogate.pictures.gallery import Gallery  # noqa: E402
from surrogate.pictures.thumbnails import thumbnail  # noqa: E402

PAGES, PICTURES, SIDE, SMALL = 50, 16, 1024, 512
SECONDS = 5
# Frames per second while the graph moves, so that every frame is drawn anew: the median second, and the longest frame.
FRAMES = """async seconds => {
    const times = [], [x, y] = app.canvas.ds.offset, end = performance.now() + 1000 * seconds;
    for (let i = 0; performance.now() < end; i++) {
        app.canvas.ds.offset = [x + 20 * Math.sin(i / 10), y];
        app.canvas.setDirty(true, true);
        times.push(await new Promise(requestAnimationFrame));
    }
    app.canvas.ds.offset = [x, y];
    return times.slice(1).map((time, i) => time - times[i]);
}"""
LOOK = """() => {
    const [x, y] = app.graph.nodes.find(n => n.type === 'SurrogateExplorer').pos;
    Object.assign(app.canvas.ds, { scale: 1, offset: [120 - x, 100 - y] });
    app.canvas.setDirty(true, true);
}"""
TOLD = """([text, cells]) => {
    const explorer = app.graph.nodes.find(n => n.type === 'SurrogateExplorer').surrogateExplorer;
    explorer.open(text);
    explorer.executed({ session: text, cells, draft_steps: 0, steps: 20 });
}"""
LOADED = """() => {
    const images = [...document.querySelectorAll('.surrogate-explorer .cell img')];
    return images.length === 16 && images.every(image => image.complete && image.naturalWidth === 512);
}"""


def picture(chance: np.random.Generator) -> np.ndarray:
    """Smooth colours with some grain: (1024, 1024, 3) uint8."""
    coarse = Image.fromarray(chance.integers(0, 256, (12, 12, 3), np.uint8)).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC
    )
    return np.clip(np.asarray(coarse) + chance.normal(0, 6, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)


def keep(folder: Path) -> tuple[list[list[dict]], int]:
    """Put the pictures of all pages on the shelf; what the browser is told of them, and the bytes of a page's small ones."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(1)
    pages: list[list[dict]] = []
    for page in range(PAGES):
        keys = [f"{page:012x}{cell:012x}" for cell in range(PICTURES)]
        for cell, key in enumerate(keys):
            if page:  # the same pixels under another address
                shutil.copyfile(folder / f"{pages[0][cell]['key']}.webp", folder / f"{key}.webp")
                continue
            pixels = picture(chance)
            Image.fromarray(thumbnail(pixels, SMALL)).save(folder / f"{key}.webp", format="WEBP", quality=85)
            Gallery(folder, key, key).save(1, pixels[None], {})
        pages.append(
            [{"key": key, "label": "", "fault": "", "frames": 1, "width": SIDE, "height": SIDE} for key in keys]
        )
    small = sum((folder / f"{cell['key']}.webp").stat().st_size for cell in pages[0])
    return pages, small


def session(count: int) -> str:
    return json.dumps({"v": 1, "page": count - 1, "pages": [{"of": i - 1, "n": PICTURES} for i in range(count)]})


def heap(page) -> float:
    """Bytes of JavaScript in use, after the rubbish is collected, in MB."""
    tools = page.context.new_cdp_session(page)
    for _ in range(3):
        tools.send("HeapProfiler.collectGarbage")
        page.wait_for_timeout(300)
    used = tools.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    tools.detach()
    return used


def turn(page, pages, number: int) -> None:
    page.evaluate(TOLD, [session(number + 1), pages[number]])
    page.wait_for_function(LOADED, timeout=60_000)


def measure(page, pages, nodes: str) -> str:
    show(page, read("demo_explore"), NODES[nodes])
    page.evaluate(LOOK)
    empty = page.evaluate(FRAMES, SECONDS)
    turn(page, pages, 0)
    page.wait_for_timeout(2000)
    times = page.evaluate(FRAMES, SECONDS)
    heaps = []
    for number in range(PAGES):
        turn(page, pages, number)
        if number % 10 == 9:
            heaps.append(heap(page))
    rates = [f"{1000 / statistics.median(some):.0f} ({1000 / np.quantile(some, 0.95):.0f})" for some in (empty, times)]
    return f"| {nodes} | {rates[0]} | {rates[1]} | {' · '.join(f'{used:.1f}' for used in heaps)} |"


def main() -> None:
    print(f"Load average at the start: {os.getloadavg()[0]:.1f}")
    for frontend in FRONTENDS:
        server = Server("pages", arguments=["--cpu", *frontend_arguments(frontend)])
        with server, tempfile.TemporaryDirectory() as profile:
            prepare(Client(server.url))
            pages, small = keep(server.base / "user" / "surrogate_explorer")
            print(f"A page's {PICTURES} small pictures: {small / 1e3:.0f} KB")
            print("| nodes | frames a second without pictures | with 16 | MB of JavaScript after 10, 20, … 50 pages |")
            print("| --- | --- | --- | --- |")
            with open_page(server.url, Path(profile), (1500, 1100)) as page:
                for nodes in NODES:
                    print(measure(page, pages, nodes), flush=True)
    print(f"Load average at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
