"""Writes the subgraph blueprints (``subgraphs/*.json``), which ComfyUI lists among its nodes, from the workflows.

    python dev/launch.py dev/blueprints.py [--check]     --check: only say whether the files are what would be written

A blueprint is a part of a workflow: its nodes with their values, the wires between them, and as its own inputs and
outputs the wires that cross its border and the widgets that are shown outside. ComfyUI knows them since 0.3.67.
"""

from __future__ import annotations

import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from dev.workflow_files import as_text, read  # noqa: E402

FOLDER = ROOT / "subgraphs"
INPUT, OUTPUT = -10, -20  # the ids of a subgraph's two ends
NAMESPACE = uuid.UUID("5b7a5e0e-6d0c-4c47-9a63-0f6f2f3c1b00")


@dataclass(frozen=True)
class Blueprint:
    """A part of the workflow `source`.

    nodes : ids of its nodes there
    shown : (node, widget, name outside) of each widget that the subgraph shows
    outputs : (node, output, name outside), also where the workflow uses them only inside
    """

    name: str
    description: str
    aliases: tuple[str, ...]
    source: str
    nodes: tuple[int, ...]
    shown: tuple[tuple[int, str, str], ...]
    outputs: tuple[tuple[int, int, str], ...]


BLUEPRINTS = (
    Blueprint(
        "Grid between four seeds",
        "The noises of a grid of images with four seeds' own images at its corners. Connect noise and latent to "
        "SamplerCustomAdvanced, and points to Contact Sheet.",
        ("seed grid", "slerp", "seed blend", "noise mix"),
        "demo_grid",
        (2, 3, 4, 5),
        ((2, "seeds", "seeds"), (4, "columns", "columns"), (4, "rows", "rows"), (5, "noise_seed", "noise_seed")),
        ((5, 0, "noise"), (5, 1, "latent"), (4, 0, "points")),
    ),
    Blueprint(
        "Variations of a point",
        "The noises of a point and of its neighbours in the space between seeds: variations of one image. A small "
        "radius gives small changes. Connect noise and latent to SamplerCustomAdvanced.",
        ("variation seed", "variation", "similar images", "subseed"),
        "demo_variations",
        (2, 3, 4, 5, 6),
        (
            (2, "seeds", "seeds"),
            (4, "weights", "weights"),
            (5, "count", "count"),
            (5, "radius", "radius"),
            (5, "random_seed", "random_seed"),
            (6, "noise_seed", "noise_seed"),
        ),
        ((6, 0, "noise"), (6, 1, "latent"), (5, 0, "points")),
    ),
    Blueprint(
        "Score one by one",
        "Scores each image of a batch by itself and gives the scores in the order of the images, for Surrogate Tell. Open it "
        "and put the node that shall score into the place of Picture Statistics: its number, or a text with one number.",
        ("score", "reward", "judge", "one at a time", "rebatch"),
        "demo_ask_tell",
        (22, 12),
        ((12, "statistic", "statistic"), (12, "colour", "colour")),
        ((12, 0, "scores"),),
    ),
    Blueprint(
        "Search by text",
        "Searches the space between seeds for the image that fits a text best, by the CLIP text and vision models that "
        "are connected. Shows the images as they come.",
        ("search by prompt", "best of n", "clip score", "seed hunt"),
        "flux_search_clip",
        (1, 2, 14, 15, 16),
        (
            (14, "text", "text"),
            (1, "seeds", "seeds"),
            (15, "name", "study name"),
            (15, "budget", "budget"),
            (16, "images_per_batch", "images_per_batch"),
        ),
        ((16, 1, "best_image"), (16, 2, "n_best_images"), (16, 6, "study")),
    ),
)


def main(arguments: list[str]) -> int:
    stale = [blueprint.name for blueprint in BLUEPRINTS if _file(blueprint) != _text(blueprint)]
    if "--check" in arguments:
        for name in stale:
            print(f"subgraphs/{name}.json is not what dev/blueprints.py writes: run it without --check")
        return bool(stale)
    FOLDER.mkdir(exist_ok=True)
    for blueprint in BLUEPRINTS:
        _path(blueprint).write_text(_text(blueprint), "utf-8", newline="\n")
    return 0


def _path(blueprint: Blueprint) -> Path:
    return FOLDER / f"{blueprint.name}.json"


def _file(blueprint: Blueprint) -> str:
    return _path(blueprint).read_text("utf-8") if _path(blueprint).exists() else ""


def _text(blueprint: Blueprint) -> str:
    return as_text(made(blueprint))


def made(blueprint: Blueprint) -> dict:
    """The blueprint as ComfyUI saves one: a workflow of one node, which shows the subgraph that is defined beneath."""
    part = _Part(blueprint, read(blueprint.source))
    outer = {
        "id": 1, "type": part.id, "pos": [0, 0], "size": [320, 30 * (len(part.inputs) + 3)], "flags": {}, "order": 0,
        "mode": 0, "inputs": [part.outside(one) for one in part.inputs],
        "outputs": [{"name": one["name"], "type": one["type"], "links": None} for one in part.outputs],
        "properties": {"cnr_id": "surrogate-space", "ver": "0.1.0"}, "widgets_values": [], "title": blueprint.name,
    }  # fmt: skip
    told = {"BlueprintDescription": blueprint.description, "BlueprintSearchAliases": list(blueprint.aliases)}
    return {
        "id": part.uuid("workflow"), "revision": 0, "last_node_id": 1, "last_link_id": 0, "nodes": [outer], "links": [],
        "groups": [], "definitions": {"subgraphs": [part.definition()]}, "config": {}, "extra": told, "version": 0.4,
    }  # fmt: skip


class _Part:
    """The nodes of a blueprint cut out of a workflow: the wires that cross the border end at the border."""

    def __init__(self, blueprint: Blueprint, workflow: dict):
        self.blueprint = blueprint
        self.id = self.uuid("subgraph")
        self.nodes = {node["id"]: node for node in workflow["nodes"] if node["id"] in blueprint.nodes}
        self.links: list[dict] = []
        self.inputs: list[dict] = []
        self.outputs: list[dict] = []
        self.last = 0
        self._unwire()
        for link in workflow["links"]:
            self._wire(link)
        for node, widget, name in blueprint.shown:
            self._show(node, widget, name)
        for node, slot, name in blueprint.outputs:
            self._give(node, slot, name)

    def uuid(self, what: str) -> str:
        return str(uuid.uuid5(NAMESPACE, f"{self.blueprint.name}/{what}"))

    def _unwire(self) -> None:
        for node in self.nodes.values():
            for entry in node["inputs"]:
                entry["link"] = None
            for output in node["outputs"]:
                output["links"] = []

    def _link(self, source: int, slot: int, target: int, into: int, kind: str) -> int:
        self.last += 1
        self.links.append({"id": self.last, "origin_id": source, "origin_slot": slot, "target_id": target,
                           "target_slot": into, "type": kind})  # fmt: skip
        if source in self.nodes:
            self.nodes[source]["outputs"][slot]["links"].append(self.last)
        if target in self.nodes:
            self.nodes[target]["inputs"][into]["link"] = self.last
        return self.last

    def _wire(self, link: list) -> None:
        _, source, slot, target, into, kind = link
        if target in self.nodes and source in self.nodes:
            self._link(source, slot, target, into, kind)
        elif target in self.nodes:  # from outside; the same wire may lead to several nodes
            name = self.nodes[target]["inputs"][into]["name"]
            entry = self._end(self.inputs, name, kind, ("wire", source, slot))
            entry["linkIds"].append(self._link(INPUT, self.inputs.index(entry), target, into, kind))

    def _show(self, node: int, widget: str, name: str) -> None:
        (into,) = [i for i, entry in enumerate(self.nodes[node]["inputs"]) if entry["name"] == widget]
        kind = self.nodes[node]["inputs"][into]["type"]
        entry = self._end(self.inputs, name, kind, ("widget", node, into))
        entry["linkIds"].append(self._link(INPUT, self.inputs.index(entry), node, into, kind))

    def _give(self, node: int, slot: int, name: str) -> None:
        kind = self.nodes[node]["outputs"][slot]["type"]
        entry = self._end(self.outputs, name, kind, ("output", node, slot))
        entry["linkIds"].append(self._link(node, slot, OUTPUT, self.outputs.index(entry), kind))

    def _end(self, ends: list[dict], name: str, kind: str, origin: tuple) -> dict:
        for entry in ends:
            if entry["origin"] == origin:
                return entry
        ends.append({"id": self.uuid(f"{origin}"), "name": name, "type": kind, "linkIds": [], "origin": origin})
        return ends[-1]

    def outside(self, entry: dict) -> dict:
        """The slot of the node that shows the subgraph."""
        widget = {"widget": {"name": entry["name"]}} if entry["origin"][0] == "widget" else {}
        return {"name": entry["name"], "type": entry["type"], **widget, "link": None}

    def definition(self) -> dict:
        nodes = list(self.nodes.values())
        left = min(node["pos"][0] for node in nodes)
        right = max(node["pos"][0] + node["size"][0] for node in nodes)
        top = min(node["pos"][1] for node in nodes)
        state = {"lastGroupId": 0, "lastNodeId": max(self.nodes), "lastLinkId": self.last, "lastRerouteId": 0}
        ends = [
            [{k: v for k, v in entry.items() if k != "origin"} for entry in one] for one in (self.inputs, self.outputs)
        ]
        return {
            "id": self.id, "version": 1, "state": state, "revision": 0, "config": {}, "name": self.blueprint.name,
            "inputNode": {"id": INPUT, "bounding": [left - 220, top, 140, 20 * (len(self.inputs) + 2)]},
            "outputNode": {"id": OUTPUT, "bounding": [right + 80, top, 140, 20 * (len(self.outputs) + 2)]},
            "inputs": ends[0], "outputs": ends[1], "widgets": [], "nodes": nodes, "groups": [], "links": self.links,
            "extra": {}, "category": "Surrogate", "description": self.blueprint.description,
        }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
