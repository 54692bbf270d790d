"""A real ComfyUI with this pack, for every test in this folder."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.client import Client
from demo.server import Server


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
