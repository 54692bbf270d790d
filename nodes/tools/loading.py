"""What of the pack this ComfyUI can have, and a clear word about what it cannot."""

from __future__ import annotations

import importlib
import logging
import re

from .. import NODES

__all__ = ["OLDEST", "add_routes", "check_comfyui", "load_nodes"]

log = logging.getLogger("ComfyUI-Surrogate")
OLDEST = "0.3.52"
# The top-level modules of ComfyUI that the pack imports: who lacks one has another ComfyUI, not a package too few.
CORE = ("comfy", "comfy_api", "comfy_execution", "folder_paths", "latent_preview", "server")


def check_comfyui() -> None:
    """Say so if this ComfyUI does not have the node API that the pack is written for: it never asks for our nodes."""
    try:
        from comfy_api.latest import ComfyExtension, io  # noqa: F401
    except ImportError as error:
        log.error(
            "ComfyUI-Surrogate needs ComfyUI %s or newer, and this is %s: it has no V3 node API (%s), so the pack's nodes "
            "are missing. Update ComfyUI, then restart it.", OLDEST, _version(), _reason(error),
        )  # fmt: skip


def load_nodes(table: dict[str, tuple[str, ...]] = NODES) -> list[type]:
    """The nodes of `table` (file -> classes) that can be imported and described here; the log names the others.

    Raises RuntimeError, which ComfyUI logs, if there is none.
    """
    loaded: list[type] = []
    missing: dict[str, list[str]] = {}
    for file, names in table.items():
        for name in names:
            # Whatever goes wrong in one file must not take the others along.
            try:
                node = getattr(importlib.import_module(f"..{file}", __package__), name)
                node.define_schema()
            except Exception as error:
                log.debug("%s cannot be loaded", name, exc_info=True)
                missing.setdefault(f"{_reason(error)}. {_remedy(error)}", []).append(name)
            else:
                loaded.append(node)
    for why, lost in missing.items():
        log.error("ComfyUI-Surrogate: nodes missing: %s. Reason: %s", ", ".join(lost), why)
    if not loaded:
        raise RuntimeError("none of the pack's nodes could be loaded, for the reasons above")
    return loaded


def add_routes() -> None:
    """Add the pack's HTTP routes; without them the nodes still work."""
    try:
        importlib.import_module(".routes", __package__).add_routes()
    except Exception as error:
        log.error("ComfyUI-Surrogate: route missing: /surrogate/study. Reason: %s. %s", _reason(error), _remedy(error))


def _reason(error: Exception) -> str:
    """The error in words, without the path that Python adds to names that cannot be imported."""
    return re.sub(r" \([^()]*\)$", "", str(error)) or type(error).__name__


def _remedy(error: Exception) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.partition(".")[0] not in CORE:
        return "Install the pack's requirements.txt into ComfyUI's Python, then restart ComfyUI."
    return (
        f"The pack is made for ComfyUI {OLDEST} or newer and this is {_version()}: update ComfyUI, or if it is newer than "
        "the pack, the pack."
    )


def _version() -> str:
    try:
        from comfyui_version import __version__
    except ImportError:
        return "an older one"
    return __version__
