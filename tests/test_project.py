"""What the project says about itself in several files is the same in all of them."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dev import artwork
from dev.archive import packed_files

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


# The archive that the registry keeps.

PACKED = packed_files() if (ROOT / ".git").exists() else []
needs_git = pytest.mark.skipif(not PACKED, reason="what is packed is what git tracks, and this is no git checkout")
# What scanners of the registry refuse, in test files too.
REFUSED = (
    "subprocess", "os.system", "os.popen", r"(?<![\w.])exec\(", r"(?<![\w.])eval\(", "_create_unverified_context",
    "CERT_NONE", r"verify\s*=\s*False", "pickle", "new Function",
)  # fmt: skip


@needs_git
def test_the_archive_has_what_the_pack_needs_and_nothing_else():
    folders = {name.split("/")[0] for name in PACKED}
    assert {"__init__.py", "nodes", "surrogate", "web", "demo", "requirements.txt", "pyproject.toml"} <= folders
    assert folders.isdisjoint({"tests", "benchmarks", "dev", ".github", ".ci", "run.py"})
    assert {"demo/scenes.py", "demo/model/demo_flux.safetensors", "LICENSE", "README.md"} <= set(PACKED)


@needs_git
@pytest.mark.parametrize("pattern", REFUSED)
def test_nothing_that_scanners_refuse_is_packed(pattern):
    programs = [name for name in PACKED if name.endswith((".py", ".js"))]
    assert len(programs) > 100
    assert [name for name in programs if re.search(pattern, text(name))] == []


EXTENSION = re.compile(r'registerExtension\(\{\s*name: "([^"]+)"')


@pytest.mark.parametrize("script", sorted((ROOT / "web").glob("*.js")), ids=lambda path: path.name)
def test_browser_extensions_are_named_after_the_pack(script):
    text = script.read_text("utf-8")
    names = EXTENSION.findall(text)
    assert len(names) == text.count("registerExtension(")
    assert all(name.startswith("ComfyUI-Surrogate.") for name in names)


@pytest.mark.parametrize(("field", "file", "size"), [("Icon", "icon", (400, 400)), ("Banner", "banner", (1260, 540))])
def test_the_registry_finds_the_icon_and_the_banner(field, file, size):
    assert re.search(rf'^{field} = "https://\S+/main/docs/{file}\.png"$', text("pyproject.toml"), re.M)
    with Image.open(ROOT / "docs" / f"{file}.png") as picture:
        assert picture.size == size
    width, height = size
    assert (width == height and width <= 400) if field == "Icon" else width * 9 == height * 21


def test_the_icon_and_the_banner_are_what_the_script_draws():
    for path, drawn in ((artwork.ICON, artwork.icon()), (artwork.BANNER, artwork.banner())):
        with Image.open(path) as picture:
            kept = np.asarray(picture.convert("RGB")).astype(int)
        assert np.abs(kept - drawn).mean() < 1  # another Pillow rounds differently


def test_a_tag_publishes_only_a_version_with_its_changes_and_a_publisher():
    published = text(".github/workflows/publish.yml")
    assert 'tags: ["v*"]' in published and "PLACEHOLDER" in published
    version = re.search(r'^version = "(.*)"$', text("pyproject.toml"), re.M)[1]
    assert f"\n## {version}" in text("CHANGELOG.md")
