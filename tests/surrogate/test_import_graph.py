"""No module of `surrogate` needs, in a circle, a module that needs it: read from the sources, wherever an import is written."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest


def modules(package: Path) -> dict[str, Path]:
    """The dotted name of each module of a package, and its file."""
    found = {}
    for file in package.rglob("*.py"):
        parts = [package.name, *file.relative_to(package).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports(name: str, file: Path, known: dict[str, Path]) -> set[str]:
    """The modules among `known` that `file` imports: at its top, in functions, and for the type checker alone."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    wanted: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            wanted |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            # `from .a import b`: the module a.b if there is one, else something in a.
            inner = {f"{source}.{alias.name}" for alias in node.names}
            wanted |= inner & known.keys()
            if inner - known.keys():
                wanted.add(source)
    return wanted & known.keys() - {name}


def graph(package: Path) -> dict[str, set[str]]:
    known = modules(package)
    return {name: imports(name, file, known) for name, file in known.items()}


def circle(arrows: dict[str, set[str]]) -> list[str]:
    try:
        list(TopologicalSorter(arrows).static_order())
    except CycleError as error:
        return error.args[1]
    return []


def test_surrogate_has_no_circle_of_imports(root):
    arrows = graph(root / "surrogate")
    assert len(arrows) > 100 and arrows["surrogate.space.space"] >= {"surrogate.seeds", "surrogate.charts"}
    assert circle(arrows) == []


def test_only_recipes_knows_every_kind_of_seed(root):
    """Nothing that a space or a seed needs knows how one is rebuilt."""
    arrows = graph(root / "surrogate")
    below, waiting = set[str](), ["surrogate.recipes"]
    while waiting:
        waiting += (new := arrows[waiting.pop()] - below)
        below |= new
    assert {"surrogate.space.point_seed", "surrogate.space.clip_seed", "surrogate.seeds.integer"} <= below
    assert "surrogate.recipes" not in below and "surrogate.points" not in below


@pytest.mark.parametrize(
    "sources",
    [
        {"a": "from .b import f", "b": "from .a import g"},
        {"a": "import pack.b", "b": "def f():\n    from .a import g"},
        {"a": "if TYPE_CHECKING:\n    from .b import f", "b": "from . import a"},
        {"a": "from .c.d import f", "c/__init__": "", "c/d": "from ..b import f", "b": "from pack import a"},
    ],
    ids=["top", "function", "types", "folders"],
)
def test_a_circle_is_found(tmp_path, sources):
    package = tmp_path / "pack"
    for name, source in {"__init__": "", **sources}.items():
        file = package / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, "utf-8")
    assert {"pack.a", "pack.b"} <= set(circle(graph(package)))
