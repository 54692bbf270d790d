"""Workflows with core's nodes that ask remote services: valid in a server that has them. Nothing is asked."""

import pytest

from dev.client import Client
from dev.server import Server
from dev.workflow_files import WORKFLOWS, asks_a_service, read, twin

from .conftest import Comfy
from .test_workflows import FILES, refused, undotted
from .ui_format import to_prompt

ASKING = [name for name in WORKFLOWS if asks_a_service(name)]


@pytest.fixture(scope="module")
def serving():
    with Server("services", arguments=["--cpu"], services=True) as server:
        client = Client(server.url)
        if not client.object_info("GeminiNode"):
            pytest.skip("this ComfyUI has no node for Gemini, or lacks what its nodes for services need")
        yield Comfy(server, client)


@pytest.mark.parametrize("name", ASKING)
def test_the_browser_would_send_the_api_twin(serving, name):
    prompt = undotted(to_prompt(read(name), serving.client.object_info()))
    assert prompt == undotted(twin(name))


@pytest.mark.parametrize("name", ASKING)
def test_only_the_model_files_are_missing(serving, name):
    found = {
        (errors["class_type"], error["extra_info"]["input_name"]): error["type"]
        for errors in refused(serving, twin(name)).values()
        for error in errors["errors"]
    }
    assert found == {(loader, entry): "value_not_in_list" for loader, entry, _ in FILES[name]}
