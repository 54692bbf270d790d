"""ComfyUI's official templates through Seeds from Pictures, as if each had been run and its pictures saved.

    python benchmarks/templates_traced.py TEMPLATES OBJECT_INFO [--list]

TEMPLATES is the folder of the JSON files in the package comfyui-workflow-templates-json, OBJECT_INFO a JSON file of
{node: {"inputs": [[name, type, is a widget, has control_after_generate], …]}}, or a server's /object_info. A template
is turned into the prompt that the frontend would send: subgraphs are opened, reroutes and muted nodes left out,
widgets named. For every node that saves pictures it prints what is found; --list prints each one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from surrogate.metadata import seeds_of

MUTED, BYPASSED = 2, 4
FRONTEND = {"Note", "MarkdownNote", "Reroute", "PrimitiveNode"}
WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "COMFY_DYNAMICCOMBO_V3"}
CONTROLS = {"fixed", "randomize", "increment", "decrement"}
INPUT_NODE, OUTPUT_NODE = -10, -20


class Level:
    """A graph, or a subgraph in use: its nodes and links, and where what it is given comes from."""

    def __init__(self, graph: dict, prefix: str, outer: Level | None, instance: dict | None, subgraphs: dict):
        self.nodes = {node["id"]: node for node in graph["nodes"]}
        self.links = {fields(link)["id"]: fields(link) for link in graph["links"]}
        self.given = [one["name"] for one in graph.get("inputs", [])]
        self.prefix, self.outer, self.instance, self.subgraphs = prefix, outer, instance, subgraphs

    def inner(self, node: dict) -> Level:
        return Level(self.subgraphs[node["type"]], f"{self.prefix}{node['id']}:", self, node, self.subgraphs)

    def source(self, link: int | None, depth: int = 0):
        """[node, output] of a link, {"value": …} of a widget that is linked, or None."""
        if link is None or link not in self.links or depth > 100:
            return None
        found = self.links[link]
        return self.output(found["origin_id"], found["origin_slot"], found["type"], depth + 1)

    def output(self, number: int, slot: int, kind, depth: int):
        if number == INPUT_NODE:
            name = self.given[slot] if slot < len(self.given) else None
            link = next((one.get("link") for one in self.instance["inputs"] if one["name"] == name), None)
            return self.outer.source(link, depth)
        node = self.nodes.get(number)
        if node is None or node.get("mode", 0) == MUTED:
            return None
        if node["type"] in self.subgraphs and node.get("mode", 0) != BYPASSED:
            inner = self.inner(node)
            last = next(
                (
                    i
                    for i, link in inner.links.items()
                    if link["target_id"] == OUTPUT_NODE and link["target_slot"] == slot
                ),
                None,
            )
            return inner.source(last, depth)
        if node["type"] == "PrimitiveNode":
            return {"value": (node.get("widgets_values") or [None])[0]}
        if node["type"] == "Reroute" or node.get("mode", 0) == BYPASSED:
            return self.passed(node, kind, depth)
        return [f"{self.prefix}{number}", slot]

    def passed(self, node: dict, kind, depth: int):
        """What a reroute or a bypassed node hands on: its first input of the type."""
        inputs = node.get("inputs", [])
        same = [one for one in inputs if node["type"] == "Reroute" or one.get("type") == kind]
        return self.source(same[0].get("link"), depth) if same else None


def fields(link) -> dict:
    if isinstance(link, dict):
        return link
    return dict(zip(("id", "origin_id", "origin_slot", "target_id", "target_slot", "type"), link, strict=False))


def prompt_of(graph: dict, schemas: dict) -> dict:
    """The API prompt of a graph as the frontend saves it."""
    subgraphs = {one["id"]: one for one in graph.get("definitions", {}).get("subgraphs", [])}
    prompt: dict = {}
    waiting = [Level(graph, "", None, None, subgraphs)]
    while waiting:
        level = waiting.pop()
        for node in level.nodes.values():
            if node.get("mode", 0) in (MUTED, BYPASSED) or node["type"] in FRONTEND:
                continue
            if node["type"] in subgraphs:
                waiting.append(level.inner(node))
            else:
                prompt[f"{level.prefix}{node['id']}"] = {
                    "class_type": node["type"],
                    "inputs": inputs_of(level, node, schemas),
                }
    return {key: pruned(node, prompt) for key, node in prompt.items()}


def pruned(node: dict, prompt: dict) -> dict:
    """Without links to nodes that are not run."""
    kept = {n: v for n, v in node["inputs"].items() if not (is_link(v) and v[0] not in prompt)}
    return {**node, "inputs": kept}


def is_link(value) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


def inputs_of(level: Level, node: dict, schemas: dict) -> dict:
    inputs = dict(widgets_of(node, schemas.get(node["type"])))
    for one in node.get("inputs", []):
        source = level.source(one.get("link"))
        if source is not None:
            inputs[one["name"]] = source["value"] if isinstance(source, dict) else source
    return inputs


def widgets_of(node: dict, schema: list | None) -> list[tuple[str, object]]:
    values = node.get("widgets_values") or []
    if isinstance(values, dict):
        return list(values.items())
    named = [one["widget"]["name"] for one in node.get("inputs", []) if one.get("widget")]
    known = [name for name, kind, *_ in schema or () if kind in WIDGETS]
    names = named if len(named) >= len(known) else known
    made, rest = [], list(values)
    for name in names:
        if not rest:
            break
        made.append((name, rest.pop(0)))
        if name.endswith("seed") and rest and rest[0] in CONTROLS:
            rest.pop(0)
    return made


def schemas_of(info: dict) -> dict:
    """Inputs of each node: of a dump, or of a server's /object_info."""
    found = {}
    for name, one in info.items():
        if "inputs" in one:
            found[name] = one["inputs"]
            continue
        both = [*one["input"].get("required", {}).items(), *one["input"].get("optional", {}).items()]
        found[name] = [[n, "COMBO" if isinstance(spec[0], list) else spec[0]] for n, spec in both]
    return found


SAVERS = {
    "SaveImage",
    "SaveImageAdvanced",
    "SaveVideo",
    "SaveWEBM",
    "SaveAnimatedWEBP",
    "SaveAnimatedPNG",
    "PreviewImage",
}


def traced(prompt: dict, folder: Path):
    """What is found for each node that saves pictures: all others are taken out, as if it alone had written the file."""
    for number, node in prompt.items():
        if node["class_type"] in SAVERS:
            alone = {n: one for n, one in prompt.items() if one["class_type"] not in SAVERS or n == number}
            info = PngInfo()
            info.add_text("prompt", json.dumps(alone))
            Image.new("RGB", (8, 8)).save(folder / "x.png", pnginfo=info)
            yield node, seeds_of(folder / "x.png")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("templates", type=Path)
    arguments.add_argument("object_info", type=Path)
    arguments.add_argument("--list", action="store_true")
    options = arguments.parse_args()
    schemas = schemas_of(json.loads(options.object_info.read_text()))
    counts: Counter = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(options.templates.glob("*.json")):
            graph = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(graph, dict) or "nodes" not in graph:
                continue
            for saver, found in traced(prompt_of(graph, schemas), Path(folder)):
                counts["found" if found.seeds else "refused"] += 1
                if options.list:
                    said = "; ".join(
                        [", ".join(s.label for s in found.seeds) or f"REFUSED {found.reason}", *found.notes]
                    )
                    print(f"{path.stem} | {saver['class_type']} | {said}")
    print(dict(counts))


if __name__ == "__main__":
    main()
