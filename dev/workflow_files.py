"""The pack's workflows, which ComfyUI lists as templates: their files, and the short names for tests and scripts.

A file's name is the title that ComfyUI shows; the numbers put the titles in order. `extra.surrogate` within the file is
its short name, which its twin in the format of ComfyUI's API (``demo/api/NAME.json``) has too.
"""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["FOLDER", "WORKFLOWS", "as_text", "asks_a_service", "has_sound", "needs", "read", "twin", "version", "write"]

ROOT = Path(__file__).absolute().parents[1]
FOLDER = ROOT / "workflows"


def _read(path: Path) -> dict:
    return json.loads(path.read_text("utf-8"))


WORKFLOWS = {_read(path)["extra"]["surrogate"]: path for path in sorted(FOLDER.glob("*.json"))}
"""Short name -> file, in the order of the titles."""


def read(name: str) -> dict:
    """The workflow with this short name, as the browser saves it."""
    return _read(WORKFLOWS[name])


def has_sound(name: str) -> bool:
    """Whether it uses core's nodes for sound, which a ComfyUI without torchaudio does not have."""
    return any(node["type"] in ("VAEDecodeAudio", "EmptyLatentAudio") for node in read(name)["nodes"])


def asks_a_service(name: str) -> bool:
    """Whether it uses a node of core's that asks a remote service, which servers for tests do not load."""
    return any(node["type"] == "GeminiNode" for node in read(name)["nodes"])


def needs(name: str) -> tuple[int, ...]:
    """The oldest version of ComfyUI that has all nodes of a workflow, by what its nodes say of themselves."""
    kinds = (node["properties"] for node in read(name)["nodes"])
    return max(version(kind["ver"]) for kind in kinds if kind.get("cnr_id") == "comfy-core")


def version(text: str) -> tuple[int, ...]:
    """0.3.75 as (0, 3, 75), to be compared."""
    return tuple(int(part) for part in text.split("."))


def twin(name: str) -> dict:
    """The same workflow in the format of ComfyUI's API."""
    return _read(ROOT / "demo" / "api" / f"{name}.json")


def write(path: Path, workflow: dict) -> None:
    """Save a workflow with one node, link or group per line, so that a change of one is a change of a line."""
    path.write_text(as_text(workflow), "utf-8", newline="\n")


def as_text(workflow: dict) -> str:
    """The text that `write` saves."""
    parts = []
    for key, value in workflow.items():
        if isinstance(value, list) and value:
            lines = ",\n".join(f"    {_line(one)}" for one in value)
            parts.append(f"  {_line(key)}: [\n{lines}\n  ]")
        else:
            parts.append(f"  {_line(key)}: {_line(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
