"""The lists of the help pages and the list of nodes follow the schemas; what is written by hand stays."""

import copy

import pytest

from dev import tables

PAGE = tables.HELP / "SurrogateGrid.md"


def test_pages_are_as_the_schemas_say(schemas):
    assert not tables.outdated(schemas), tables.HOW


def test_another_tooltip_makes_the_page_outdated(schemas):
    changed = copy.deepcopy(schemas)
    changed["SurrogateGrid"]["input"]["required"]["columns"][1] |= {"tooltip": "So | many.", "max": 70_000}
    outdated = tables.outdated(changed)
    assert set(outdated) == {PAGE}
    before, after = PAGE.read_text("utf-8"), outdated[PAGE]
    assert "- `columns`: So | many. *Whole number, 1 to 70,000, default 5.*\n" in after
    assert before.partition(tables.END)[2] == after.partition(tables.END)[2] != ""


def test_another_description_changes_the_list_too(schemas):
    changed = copy.deepcopy(schemas)
    changed["SurrogateGrid"]["description"] = "Squares. Many of them."
    outdated = tables.outdated(changed)
    assert set(outdated) == {PAGE, tables.LIST}
    assert "[Surrogate Grid](../web/docs/SurrogateGrid.md) | Squares. |" in outdated[tables.LIST]


def test_every_node_has_a_page_and_a_wish(schemas):
    changed = copy.deepcopy(schemas)
    changed["SurrogateGrid"]["category"] = "surrogate/elsewhere"
    with pytest.raises(ValueError, match=r"no wish for the category surrogate/elsewhere: add it to WISHES"):
        tables.outdated(changed)
    changed = {"SurrogateNew": schemas["SurrogateGrid"] | {"name": "SurrogateNew"}}
    with pytest.raises(ValueError, match=r"SurrogateNew\.md must exist and hold the two lines"):
        tables.outdated(changed)
