"""What ``python run.py demo`` runs: render a workflow in a real ComfyUI and save its picture.

It does what any client would: start a server (here a private one), queue ``demo/api/demo_<name>.json`` over HTTP,
follow the websocket, fetch the pictures. The UI twin in ``workflows`` goes along, as it does from the browser, so the
saved picture can be dragged into ComfyUI and rendered again.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).absolute().parents[1]
# At the end: in front, this repository's ``nodes`` would hide any other module of that name.
sys.path.append(str(ROOT))

from dev import workflow_files  # noqa: E402
from dev.client import Client, ExecutionFailed, Progress, PromptRejected  # noqa: E402
from dev.server import Server, ServerFailed  # noqa: E402

SHOWN = {
    "search": (
        "the picture that was wanted, the best of six noise seeds, and what the search found from there;\n"
        "below, every score and the best so far, the images by how their noises differ, and the best of all and of each generation."
    ),
    "scout_search": (
        "the picture that was wanted, the best of 32 random noises, and what the search found between the best eight;\n"
        "below, every score and the best so far, what the good points are made of, and the best pictures."
    ),
    "adaptive": (
        "the picture that was wanted, the best of six noise seeds, and what the search found beyond the space between them;\n"
        "below, every score and the best so far, how the noises differ, and the best pictures."
    ),
    "ask_tell": "a search out of stock nodes: the best pictures, every score, and the map of where it looked.",
    "grid": (
        "four noise seeds at the corners and, between them, images of their surrogate space.\n"
        "The corners are exactly what those seeds give on their own."
    ),
    "invert_blend": (
        "on the left four pictures that no noise made, on the right the space between the noises found for them,\n"
        "with the same four in its corners."
    ),
    "path": "a closed walk through four noise seeds, one image per step, as an animation.",
    "render": "a flat slice through three noise seeds: each point on its own, and all of them on one sheet.",
}
OUTPUT = ROOT / "demo_output"
STALLED = 600.0  # seconds without a new image; a slow machine is slow


class OneLine:
    """Progress on one line of a terminal; elsewhere one line per node."""

    def __init__(self) -> None:
        self.terminal = sys.stdout.isatty()
        self.width = 0
        self.node = ""

    def __call__(self, progress: Progress) -> None:
        if self.terminal:
            done = round(24 * progress.fraction)
            text = f"  [{'#' * done}{'.' * (24 - done)}] {progress.fraction:4.0%}  {progress.node_type}"
            if progress.maximum:
                text += f" {progress.value:.0f}/{progress.maximum:.0f}"
            print("\r" + text.ljust(self.width), end="", flush=True)
            self.width = len(text)
        elif progress.node_id and progress.node_id != self.node:
            self.node = progress.node_id
            print(f"  {progress.fraction:4.0%}  {progress.node_type}", flush=True)

    def end(self) -> None:
        if self.terminal and self.width:
            print("\r" + " " * self.width, end="\r", flush=True)


def main() -> int:
    api = ROOT / "demo" / "api"
    names = sorted(path.stem.removeprefix("demo_") for path in api.glob("demo_*.json"))
    parser = argparse.ArgumentParser(prog="run.py demo", description="Render a demo workflow in a private ComfyUI.")
    parser.add_argument("name", nargs="?", default="search", choices=names, help=f"one of {', '.join(names)}")
    parser.add_argument("--cpu", action="store_true", help="do not use a graphics card")
    arguments = parser.parse_args()

    prompt = workflow_files.twin(f"demo_{arguments.name}")
    workflow = workflow_files.read(f"demo_{arguments.name}")

    began = time.monotonic()
    print("Starting ComfyUI …", flush=True)
    with Server("demo", arguments=["--cpu"] if arguments.cpu else []) as server:
        client = Client(server.url)
        print(f"ComfyUI answers at {server.url}; rendering the workflow demo_{arguments.name} …", flush=True)
        line = OneLine()
        try:
            entry = _followed(client, prompt, client.run(prompt, workflow, on_progress=line, timeout=1800))
        except OSError:
            server.check_alive()
            raise
        finally:
            line.end()
        OUTPUT.mkdir(exist_ok=True)
        paths = []
        for group in _by_name([image for image in client.images(entry) if image["type"] == "output"]):
            for number, (stem, image) in enumerate(group, 1):
                counter = f"_{number:03d}" if len(group) > 1 else ""
                paths.append(_save(client.view(image), stem + counter + Path(image["filename"]).suffix))

    if not paths:
        raise ExecutionFailed({"exception_message": "the workflow saved no picture"})
    print("", *(paths if len(paths) <= 3 else [paths[0], f"and {len(paths) - 1} more in {OUTPUT}"]), "", sep="\n")
    print(f"shows {SHOWN.get(arguments.name, 'what the workflow saved.')}")
    print(f"It took {time.monotonic() - began:.0f} seconds.")
    return 0


def _followed(client: Client, prompt: dict, entry: dict) -> dict:
    """The history entry that ends a search which runs the prompt again and again; of any other prompt its own.

    The study's route tells how it stands: what any program would ask.
    """
    if not any(node["class_type"] == "SurrogateTell" and node["inputs"]["until_finished"] for node in prompt.values()):
        return entry
    (name,) = [node["inputs"]["name"] for node in prompt.values() if node["class_type"] == "SurrogateStudy"]
    said, moved = "", time.monotonic()
    while not (study := client.get("/surrogate/study", name=name))["finished"]:
        if study["progress"] != said:
            said, moved = study["progress"], time.monotonic()
            print(f"  {said}", flush=True)
        elif time.monotonic() - moved > STALLED:
            raise TimeoutError(f"the search makes no progress: {said}")
        time.sleep(0.5)
    while any(client.get("/queue").values()):
        time.sleep(0.2)
    return max(client.get("/history").values(), key=lambda entry: entry["prompt"][0])


def _by_name(images: list[dict[str, str]]) -> list[list[tuple[str, dict[str, str]]]]:
    """Images that share a name but for ComfyUI's counter, together; single ones, such as the sheet, first."""
    groups: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for image in images:
        stem = re.sub(r"_\d+_?$", "", Path(image["filename"]).stem)
        groups.setdefault(stem, []).append((stem, image))
    return sorted(groups.values(), key=len)


def _save(content: bytes, name: str) -> Path:
    path = OUTPUT / name
    part = path.with_name(name + ".part")
    part.write_bytes(content)
    part.replace(path)
    return path


def _stop(*_signal: object) -> None:
    # Once is enough: a second signal must not disturb the server's end.
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a terminal that cannot show a character still shows the rest
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, _stop)
    try:
        status = main()
    except KeyboardInterrupt:
        print("\nStopped; the server is gone.", file=sys.stderr)
        status = 130
    except (ServerFailed, PromptRejected, ExecutionFailed, TimeoutError, OSError) as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        status = 1
    sys.exit(status)
