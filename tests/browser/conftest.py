"""A real server and its page in a real browser, once for each frontend. Skipped where there is no browser."""

import importlib.util
import os
from pathlib import Path

import pytest

from dev.browser import CHROMIUM, FRONTENDS, frontend_arguments, open_page, prepare
from dev.client import Client
from dev.server import Server

ROOT = Path(__file__).absolute().parents[2]


def pytest_collection_modifyitems(items):
    missing = None
    if CHROMIUM is None:
        missing = "there is no browser here: install Chromium or Google Chrome and put it on the PATH"
    if importlib.util.find_spec("playwright") is None:
        missing = "this Python has no playwright: install it, or call python run.py test, which does"
    for item in items if missing else ():
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.skip(reason=missing))


@pytest.fixture(scope="session", params=FRONTENDS)
def frontend(request):
    """ComfyUI's own frontend, and the newest one where SURROGATE_FRONTEND names its folder."""
    return request.param


@pytest.fixture(scope="session")
def server(frontend):
    automatic = os.environ.get("SURROGATE_TEST_DEVICE", "cpu") == "auto"
    # The test-only nodes for the loop of flux_native_loop, which this ComfyUI may not have.
    packs = [ROOT / "tests" / "comfy" / "testkit"]
    arguments = ["--preview-method", "auto", *frontend_arguments(frontend), *([] if automatic else ["--cpu"])]
    with Server("browser tests", packs=packs, arguments=arguments) as server:
        prepare(Client(server.url))
        yield server


@pytest.fixture(scope="session")
def client(server):
    return Client(server.url)


# Of a module: as long as playwright runs, no other code of this process can have an event loop.
@pytest.fixture(scope="module")
def page(client, tmp_path_factory):
    with open_page(client.url, tmp_path_factory.mktemp("browser")) as page:
        yield page
        assert not page.deprecated
