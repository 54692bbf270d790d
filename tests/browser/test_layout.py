"""Every workflow as it is drawn: nothing overlaps, nothing is outside its group, no name of an input is cut off."""

import pytest

from dev.boxes import drawn, faults
from dev.browser import NODES
from dev.layout import WINDOW, show_whole
from dev.workflow_files import WORKFLOWS, read

from .test_frontend import skip_if_too_old


@pytest.fixture(scope="module")
def large_page(page):
    """The page, in a window that shows the largest workflow whole: Nodes 2.0 draws nothing else."""
    before = page.viewport_size
    page.set_viewport_size({"width": WINDOW[0], "height": WINDOW[1]})
    yield page
    page.set_viewport_size(before)


@pytest.mark.parametrize("nodes", NODES)
@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_overlaps_and_everything_is_in_a_group(client, large_page, name, nodes):
    skip_if_too_old(client, name)
    workflow = read(name)
    show_whole(large_page, workflow, NODES[nodes])
    graph = drawn(large_page)
    assert len(graph.nodes) == len(workflow["nodes"])
    assert not list(faults(graph))
