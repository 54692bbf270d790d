"""What the project says about itself in several files is the same in all of them."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).absolute().parents[1]
IGNORED = (ROOT / ".comfyignore").read_text("utf-8").split()


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def listed(name: str) -> list[str]:
    """The lines of a requirements file, without comments."""
    lines = (line.split("#")[0].strip() for line in text(name).splitlines())
    return [line for line in lines if line]


def test_the_registry_installs_what_requirements_txt_lists():
    found = re.search(r"^dependencies = (\[.*?\])", text("pyproject.toml"), re.M | re.S)
    assert ast.literal_eval(found[1]) == listed("requirements.txt")


def test_the_same_ruff_formats_everywhere():
    (pinned,) = [line for line in listed("requirements-test.txt") if line.startswith("ruff")]
    hooked = re.search(r"ruff-pre-commit\n +rev: v(\S+)", text(".pre-commit-config.yaml"))
    assert pinned == f"ruff=={hooked[1]}"


@pytest.mark.parametrize("path", IGNORED)
def test_what_the_registry_leaves_out_exists(path):
    assert (ROOT / path).exists()
    assert (ROOT / path).is_dir() == path.endswith("/")


def test_what_the_nodes_import_is_not_left_out():
    """Every module of the checkout that the nodes or the library import, by a relative import or a name in full."""
    needed = set()
    for file in [ROOT / "__init__.py", *(ROOT / "nodes").rglob("*.py"), *(ROOT / "surrogate").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                folder = file.parents[node.level - 1].joinpath(*(node.module or "").split("."))
                needed |= {folder, *(folder / alias.name for alias in node.names)}
    names = {path.relative_to(ROOT).as_posix() for path in needed}
    assert {"demo/scenes", "surrogate", "nodes"} <= names
    for path in IGNORED:
        whole = path.removesuffix(".py").removesuffix("/")
        assert not [name for name in names if name == whole or name.startswith(f"{whole}/")], path
