"""A real ComfyUI with this pack, for every test in this folder.

On another version than the pinned one, given by its folder and called with the Python that starts it:

    COMFYUI_PATH=/path/to/ComfyUI python run.py test tests/comfy
"""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.client import Client
from dev.server import Server
from dev.workflow_files import WORKFLOWS, has_sound

from .graph import needs_sound

WORKFLOWS_OF_SOUND = tuple(name for name in WORKFLOWS if has_sound(name))


@dataclass(frozen=True)
class Comfy:
    """A running ComfyUI and a client of it."""

    server: Server
    client: Client


@pytest.fixture(scope="session")
def comfy():
    """ComfyUI with this pack and the test-only nodes of ``testkit``, on the processor.

    The processor, because that is where two ways to the same image must agree to the last bit; SURROGATE_TEST_DEVICE
    set to ``auto`` lets ComfyUI choose. The base directory's name has a space and an umlaut, as users' folders do.
    """
    automatic = os.environ.get("SURROGATE_TEST_DEVICE", "cpu") == "auto"
    with Server(
        "tests ü", packs=[Path(__file__).parent / "testkit"], arguments=[] if automatic else ["--cpu"]
    ) as server:
        yield Comfy(server, Client(server.url))


@pytest.fixture(autouse=True)
def nodes_for_sound(request):
    """Tests of a workflow of sound are skipped where core has no nodes for it."""
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    if parameters.get("name") in WORKFLOWS_OF_SOUND:
        needs_sound(request.getfixturevalue("comfy"))
