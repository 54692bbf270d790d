"""ComfyUI's command line for ``run.py serve``: the port, the models, the browser."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

from .call import accelerated
from .environment import Environment
from .pack import Pack
from .server import PACK_NAME, free_port, link_packs, option_known

__all__ = ["command_line", "cpu", "welcome"]

PORT = 8188
ACCELERATORS = {"--cpu", "--directml", "--cuda-device", "--default-device", "--oneapi-device-selector"}


def command_line(pack: Pack, environment: Environment, arguments: list[str]) -> tuple[list[str], int, Path]:
    """ComfyUI's arguments, its port, and the folder to start it in.

    The pack is linked into a base folder of the checkout, so nothing is written into the user's ComfyUI; a pack that
    lies in a ComfyUI's ``custom_nodes`` is served with that ComfyUI's own folders.
    """
    arguments, port = _with_port(arguments)
    if "--no-browser" in arguments:
        arguments.remove("--no-browser")
        arguments.append("--disable-auto-launch")
    elif not {"--auto-launch", "--disable-auto-launch"}.intersection(arguments):
        arguments.append("--auto-launch" if _has_browser() else "--disable-auto-launch")
    arguments += cpu(environment, arguments)
    if environment.origin == "custom_nodes":
        return arguments, port, environment.comfyui
    base = pack.home / "base"
    link_packs(base, {PACK_NAME: pack.root})
    options = ["--base-directory", str(base)]
    welcome(base, pack.root)
    if option_known(environment.comfyui, "--database-url"):  # its default lies in ComfyUI's own folder
        options += ["--database-url", f"sqlite:///{base / 'user' / 'comfyui.db'}"]
    if not environment.owned:
        options += ["--extra-model-paths-config", str(_model_paths(pack, environment.comfyui))]
    return [*options, *arguments], port, base


def welcome(base: Path, root: Path) -> None:
    """Have the page open the pack's first template (web/welcome.js) if nobody has used this base folder yet."""
    settings = base / "user" / "default" / "comfy.settings.json"
    if settings.exists():
        return
    first = min(path.stem for path in (root / "workflows").glob("*.json"))
    settings.parent.mkdir(parents=True, exist_ok=True)
    # Otherwise the page covers it with its list of templates.
    settings.write_text(json.dumps({"Comfy.TutorialCompleted": True, "Surrogate.OpenTemplate": first}), "utf-8")


def cpu(environment: Environment, arguments: list[str]) -> list[str]:
    """``--cpu`` where torch sees no accelerator: ComfyUI does not find that out by itself."""
    return [] if ACCELERATORS.intersection(arguments) or accelerated(environment) else ["--cpu"]


def _has_browser() -> bool:
    # Without a display Python would open a text browser in this very terminal.
    return sys.platform != "linux" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _with_port(arguments: list[str]) -> tuple[list[str], int]:
    """The arguments with a port: the one asked for, else 8188, else a free one."""
    for index, argument in enumerate(arguments):
        if argument == "--port" and index + 1 < len(arguments) and arguments[index + 1].isdigit():
            return list(arguments), int(arguments[index + 1])
        if argument.startswith("--port=") and argument[7:].isdigit():
            return list(arguments), int(argument[7:])
    port = PORT
    with socket.socket() as probe:
        if os.name != "nt":  # as the server does: a port that was in use a moment ago is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            port = free_port()
    return [*arguments, "--port", str(port)], port


def _model_paths(pack: Pack, comfyui: Path) -> Path:
    """A file that tells ComfyUI to look for models in another ComfyUI's folder. (JSON is YAML.)"""
    models = comfyui / "models"
    kinds = {folder.name: f"models/{folder.name}" for folder in sorted(models.iterdir()) if folder.is_dir()}
    for kind, older in (("diffusion_models", "unet"), ("text_encoders", "clip"), ("controlnet", "t2i_adapter")):
        found = [path for path in (kinds.pop(kind, None), kinds.pop(older, None)) if path]
        if found:
            kinds[kind] = "\n".join(found)
    file = pack.home / "extra_model_paths.yaml"
    file.write_text(json.dumps({"comfyui": {"base_path": str(comfyui), **kinds}}, indent=1), "utf-8")
    return file
