"""The lists of inputs and outputs in the help pages, and the list of nodes, written from the nodes' schemas.

    python dev/launch.py dev/tables.py             write them
    python dev/launch.py dev/tables.py --check     fail if a page differs from the schemas

The rest of a help page is written by hand; what stands between the two markers is not.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from dev.schemas import schemas  # noqa: E402

__all__ = ["help_page", "list_of_nodes", "outdated"]

BEGIN = "<!-- From here to the end marker: written by dev/tables.py from the node's schema. -->"
END = "<!-- End of the part that dev/tables.py writes. -->"
HELP = ROOT / "web" / "docs"
LIST = ROOT / "docs" / "nodes.md"
HOW = "write them with: python dev/launch.py dev/tables.py"
# What somebody wants -> the category of the nodes for it, in the order of a first visit.
WISHES = {
    "Try everything without a download": "surrogate/demo",
    "Turn pictures or numbers into seeds": "surrogate/seeds",
    "Make a space from seeds, and know whether it is good": "surrogate/space",
    "Choose which points of the space to look at": "surrogate/points",
    "Give the points' noise to a sampler": "surrogate/noise",
    "Render the points and see them together": "surrogate/pictures",
    "Search the space for the best picture": "surrogate/search",
    "Say what a good picture is": "surrogate/scores",
}
KINDS = {"INT": "whole number", "FLOAT": "number", "STRING": "text", "BOOLEAN": "on or off", "COMBO": "choice"}


def outdated(nodes: dict[str, dict]) -> dict[Path, str]:
    """File -> the text that it should have, for each one that has another.

    Raises ValueError if a node has no help page, or a category that is not in `WISHES`.
    """
    wanted = {HELP / f"{name}.md": help_page(node) for name, node in nodes.items()} | {LIST: list_of_nodes(nodes)}
    return {path: text for path, text in wanted.items() if _text(path) != text}


def help_page(node: dict) -> str:
    """The help page of a node: its present text with the written part made anew."""
    path = HELP / f"{node['name']}.md"
    before, begin, rest = _text(path).partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path.relative_to(ROOT)} must exist and hold the two lines\n{BEGIN}\n{END}")
    return f"{before}{BEGIN}\n\n{_written(node)}\n{END}{after}"


def list_of_nodes(nodes: dict[str, dict]) -> str:
    """docs/nodes.md: every node in a line, under what somebody wants to do."""
    unknown = {node["category"] for node in nodes.values()} - set(WISHES.values())
    if unknown:
        raise ValueError(f"dev/tables.py has no wish for the category {', '.join(sorted(unknown))}: add it to WISHES.")
    sections = [
        f"## {wish}\n\n"
        + _table(("node", "what it does"), [_line(n) for n in nodes.values() if n["category"] == category])
        for wish, category in WISHES.items()
    ]
    return "\n".join(["# All nodes, by what you want to do\n", INTRODUCTION, *sections])


INTRODUCTION = """\
Every name leads to the node's help page, which ComfyUI also shows when you select a node and open its info panel.
This page is written from the nodes' schemas by `dev/tables.py`.
"""


def _line(node: dict) -> tuple[str, str]:
    return f"[{node['display_name']}](../web/docs/{node['name']}.md)", first_sentence(node["description"])


def first_sentence(text: str) -> str:
    """Up to the first full stop that ends a sentence."""
    return text.split(". ")[0].rstrip(".") + "."


def _written(node: dict) -> str:
    inputs = [
        (name, kind, more, required == "required")
        for required in ("required", "optional")
        for name, (kind, more) in _with_settings(node["input"].get(required, {})).items()
    ]
    parts = [f"{node['description']}\n"]
    if inputs:
        told = [_told(name, _kind(kind, more, needed), more["tooltip"]) for name, kind, more, needed in inputs]
        parts.append("## Inputs\n\n" + "".join(told))
    outputs = zip(node["output_name"], node["output"], node["output_is_list"], node["output_tooltips"], strict=True)
    told = [_told(name, f"list of {kind}" if many else f"{kind}", text) for name, kind, many, text in outputs]
    parts.append("## Outputs\n\n" + "".join(told))
    return "\n".join(parts)


def _told(name: str, kind: str, text: str | None) -> str:
    """An item of a list, not a row of a table: the panel of help is 245 pixels wide at first, and cuts tables off."""
    kind = f"{kind[:1].upper()}{kind[1:]}"
    return f"- `{name}`: {_line_of(text)} *{kind}.*\n" if text else f"- `{name}`: *{kind}.*\n"


def _with_settings(inputs: dict) -> dict[str, tuple]:
    return {name: (given[0], given[1] if len(given) > 1 else {}) for name, given in inputs.items()}


def _kind(kind, more: dict, needed: bool) -> str:
    """What an input takes, in words: whole number, 1 to 8, at first 4."""
    options = kind if isinstance(kind, list) else more.get("options", [])
    name = "COMBO" if isinstance(kind, list) else str(kind)
    if more.get("forceInput") or name not in KINDS:
        name = name.replace(",", " / ")  # the panel breaks a line only at spaces
        return f"{name}{'' if needed else ', optional'}"
    words = [KINDS[name]]
    # A list without a default is made when the server is asked, such as that of files.
    if "default" in more and options:
        words = [" / ".join(f"`{option}`" for option in options)]
    if "min" in more and name in ("INT", "FLOAT"):
        words.append(f"{_number(more['min'])} to {_number(more['max'])}")
    if more.get("default") not in (None, ""):
        words.append(f"default {_default(more['default'])}")
    return ", ".join(words)


def _number(value: float) -> str:
    if value == 2**64 - 1:
        return "2^64 - 1"
    if value == 2**32 - 1:
        return "2^32 - 1"
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if value >= 10_000 else f"{value}"


def _default(value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"`{value}`" if isinstance(value, str) else _number(value)


def _table(head: tuple[str, ...], rows: list[tuple]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join("| " + " | ".join(_cell(cell) for cell in line) + " |\n" for line in lines)


def _cell(text: str | None) -> str:
    return _line_of(text).replace("|", "\\|")


def _line_of(text: str | None) -> str:
    return " ".join((text or "").split())


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def main(arguments: list[str]) -> int:
    differing = outdated(schemas())
    if "--check" in arguments:
        for path in differing:
            print(f"{path.relative_to(ROOT)} differs from the nodes' schemas", file=sys.stderr)
        if differing:
            print(HOW, file=sys.stderr)
        return 1 if differing else 0
    for path, text in differing.items():
        path.write_text(text, "utf-8", newline="\n")
        print(f"written: {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
