"""What the pack uses of ComfyUI is written down, is there, and does without what nobody promised."""

import ast
import json
import re

from .core_names import GUARDED, IO, OPEN, ROOT, names_of, used
from .graph import Graph

API = {f"comfy_api.latest.io.{name}" for name in IO}


def missing_in(comfy) -> set[str]:
    """The names that this ComfyUI lacks."""
    g = Graph(comfy)
    model, vae, conditioning, _ = g.demo()
    found = g(
        "TestCoreNames",
        names=json.dumps(sorted({*API, *OPEN, *GUARDED})),
        guider=g("BasicGuider", model=model, conditioning=conditioning),
        sampler=g("KSamplerSelect", sampler_name="euler"),
        model=model,
        vae=vae,
        clip=g("TestSmallClip"),
        clip_vision=g("TestSmallClipVision"),
    )
    shown = g("PreviewAny", source=found)
    (text,) = g.run()["outputs"][shown.number]["text"]
    return set(json.loads(text))


def test_every_name_is_listed():
    found, listed = used(), {*API, *OPEN, *GUARDED}
    assert not OPEN.keys() & GUARDED.keys()
    new = {name: files for name, files in found.items() if name not in listed}
    assert not new, "new dependences on core: list them in core_names.py, with a guard if core does not promise them"
    assert not listed - found.keys(), "no longer used"


def test_every_way_to_use_a_name_is_seen():
    source = """
from comfy.utils import lanczos
from comfy import ops as o
import comfy.sd
def use(guider):
    lanczos(o.cast(comfy.sd._private.thing))
    getattr(getattr(guider, "conds", None), "items", hasattr(comfy.sd, "CLIP"))
    return guider.cfg
"""
    assert set(names_of(ast.parse(source))) == {
        "comfy.utils.lanczos", "comfy.ops.cast", "comfy.sd._private.thing", "guider.conds.items", "comfy.sd.CLIP",
        "guider.cfg",
    }  # fmt: skip


def test_underscored_names_are_not_used():
    assert not [
        name for name in used() if any(part.startswith("_") and part != "__version__" for part in name.split("."))
    ]


def test_they_are_there(comfy):
    assert missing_in(comfy) <= GUARDED.keys()


def test_a_missing_name_would_be_seen(comfy):
    g = Graph(comfy)
    names = ["comfy.utils.ProgressBar", "comfy.utils.NoSuchBar", "no_such_module.x", "vae.decode", "vae.no_such"]
    vae = g("SurrogateDemoModel")[1]
    others = {name: vae for name in ("guider", "sampler", "model", "clip", "clip_vision")}
    shown = g("PreviewAny", source=g("TestCoreNames", names=json.dumps(names), vae=vae, **others))
    (text,) = g.run()["outputs"][shown.number]["text"]
    assert json.loads(text) == ["comfy.utils.NoSuchBar", "no_such_module.x", "vae.no_such"]


def test_guarded_names_are_asked_for_with_care():
    """No plain `module.name` of a guarded name outside of the one function that explains it."""
    explained = {"clip_model.py", "demo.py", "latents.py"}  # one function there catches or checks, for several names
    for name, files in used().items():
        if name not in GUARDED or files <= explained:
            continue
        last = name.rsplit(".", 1)[1]
        for file in files - explained:
            text = next((ROOT / "nodes").rglob(file)).read_text("utf-8")
            careful = re.search(rf'(get|has)attr\(.*"{last}"', text) or "except" in text
            assert careful, f"{name} in {file}: getattr with a default, or an except that says what is missing"


def test_every_node_is_registered():
    """A file that is forgotten in nodes/__init__.py would be missing without a word."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("surrogate_nodes", ROOT / "nodes" / "__init__.py", submodule_search_locations=[])
    table = module_from_spec(spec)
    spec.loader.exec_module(table)
    written = {}
    for path in sorted((ROOT / "nodes").glob("*.py")):
        classes = [node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.ClassDef)]
        named = [node.name for node in classes if any("ComfyNode" in ast.unparse(base) for base in node.bases)]
        if named:
            written[path.stem] = set(named)
    assert {file: set(names) for file, names in table.NODES.items()} == written


def returned(node: ast.AST) -> list[str]:
    """What a function returns, without the functions in it."""
    found = [ast.unparse(node.value)] if isinstance(node, ast.Return) else []
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.Lambda):
            found += returned(child)
    return found


def test_nodes_return_what_every_version_takes():
    """A dictionary is an error before 2026; a tuple has no place for what is shown."""
    for path in sorted((ROOT / "nodes").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name == "execute":
                values = returned(node)
                assert ast.unparse(node.returns) == "io.NodeOutput" and values, path.name
                assert not [value for value in values if value[0] in "{(["], (path.name, values)


def test_workflows_choose_what_there_is(comfy):
    """Newer versions reject a choice that is none of a node's; this one lets it through to the node."""
    nodes = comfy.client.object_info()
    seen = 0
    for path in sorted((ROOT / "demo" / "api").glob("*.json")):
        for node in json.loads(path.read_text("utf-8")).values():
            if not node["class_type"].startswith("Surrogate"):
                continue
            inputs = nodes[node["class_type"]]["input"]
            for name, (kind, *options) in (inputs.get("required", {}) | inputs.get("optional", {})).items():
                choices = kind if isinstance(kind, list) else options[0].get("options") if options else None
                value = node["inputs"].get(name)
                if choices and isinstance(value, str):
                    assert value in choices, (path.name, node["class_type"], name, value)
                    seen += 1
    assert seen > 50


def test_no_script_compares_ids_as_numbers():
    """A node's id is a number in older frontends and a string in newer ones."""
    for path in (ROOT / "web").glob("*.js"):
        lines = [line for line in path.read_text("utf-8").splitlines() if re.search(r"\.id\b|display_node", line)]
        assert all("String(" in line for line in lines), (path.name, lines)
