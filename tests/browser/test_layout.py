"""Every workflow as it is drawn: nothing overlaps, nothing is outside its group, no name of an input is cut off."""

import pytest

from dev.boxes import drawn, faults
from dev.browser import NODES, open_page
from dev.layout import WINDOW, show_whole
from dev.workflow_files import WORKFLOWS, read

from .test_frontend import skip_if_too_old


@pytest.fixture(scope="module")
def page(client, tmp_path_factory):
    """In a window that shows the largest workflow whole: Nodes 2.0 draws nothing else."""
    with open_page(client.url, tmp_path_factory.mktemp("browser"), WINDOW) as page:
        yield page


@pytest.mark.parametrize("nodes", NODES)
@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_overlaps_and_everything_is_in_a_group(client, page, name, nodes):
    skip_if_too_old(client, name)
    workflow = read(name)
    show_whole(page, workflow, NODES[nodes])
    graph = drawn(page)
    assert len(graph.nodes) == len(workflow["nodes"])
    assert not list(faults(graph))
