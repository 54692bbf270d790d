"""What each node of the pack says of itself, read from its schema without starting a server.

    python dev/launch.py dev/schemas.py     one JSON object: node id -> what ComfyUI's /object_info answers

SURROGATE_COMFYUI names the folder of the ComfyUI to read them with, as ``run.py`` sets it.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from dev.server import comfyui_folder  # noqa: E402

__all__ = ["schemas"]

PACK = "surrogate_pack"


def schemas() -> dict[str, dict]:
    """Node id -> its inputs, outputs and texts, in the order of the pack's list of nodes.

    Raises RuntimeError naming the nodes that cannot be loaded.
    """
    _prepare_comfyui()
    pack = _pack()
    loading = importlib.import_module(f"{PACK}.nodes.tools.loading")
    nodes = importlib.import_module(f"{PACK}.nodes").NODES
    loaded = loading.load_nodes()
    lost = {name for names in nodes.values() for name in names} - {node.__name__ for node in loaded}
    if lost:
        raise RuntimeError(
            f"Nodes of {pack.__name__} that cannot be loaded with this ComfyUI: {', '.join(sorted(lost))}."
        )
    return {node.GET_SCHEMA().node_id: node.GET_NODE_INFO_V1() for node in loaded}


def _prepare_comfyui() -> None:
    """ComfyUI's modules can be imported; no graphics processor is looked for."""
    sys.path.insert(0, str(comfyui_folder()))
    importlib.import_module("utils.install_util")  # before another package puts its own `utils` in front
    importlib.import_module("comfy.cli_args").args.cpu = True


def _pack() -> ModuleType:
    spec = importlib.util.spec_from_file_location(PACK, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    pack = importlib.util.module_from_spec(spec)
    sys.modules[PACK] = pack
    spec.loader.exec_module(pack)
    return pack


if __name__ == "__main__":
    json.dump(schemas(), sys.stdout, ensure_ascii=False)
