"""One check per idea: what is taken, in which plain type it comes back, and what the error teaches."""

import math
import re

import numpy as np
import pytest
import torch

from surrogate.checks import array, choice, number, share, whole


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), torch.tensor(3), np.array(3)])
def test_a_whole_number_of_any_kind_becomes_an_int(value):
    found = whole("count", value, 1, 3)
    assert found == 3
    assert type(found) is int


@pytest.mark.parametrize("value", [True, np.True_, 2.0, 2.5, math.nan, "3", None, [3], np.float64(3), np.array([1, 2])])
def test_what_is_not_a_whole_number_is_refused(value):
    with pytest.raises(ValueError, match=r"^count must be a whole number of at least 1, got "):
        whole("count", value, 1)


def test_the_message_names_the_bounds_that_there_are():
    with pytest.raises(ValueError, match=re.escape("count must be a whole number from 1 to 9, got 0.")):
        whole("count", 0, 1, 9)
    with pytest.raises(ValueError, match=re.escape("count must be a whole number of at most 9, got 10.")):
        whole("count", 10, high=9)
    with pytest.raises(ValueError, match=re.escape("side must be a whole number of pixels from 4 to 64, got 3.")):
        whole("side", 3, 4, 64, "of pixels")
    with pytest.raises(ValueError, match=re.escape("count must be a whole number, got 'many'.")):
        whole("count", "many")
    assert whole("count", -(10**30)) == -(10**30)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), torch.tensor(0.5), np.array(0.5), torch.tensor([0.5])])
def test_a_number_of_any_kind_becomes_a_float(value):
    found = number("angle", value, 0, 1)
    assert found == 0.5
    assert type(found) is float


@pytest.mark.parametrize("value", [True, np.True_, math.nan, math.inf, -0.1, 90.5, "1", None, 1j, [1, 2], 10**400])
def test_what_is_not_a_number_within_the_bounds_is_refused(value):
    with pytest.raises(ValueError, match=r"^angle must be a number from 0 to 90, got "):
        number("angle", value, 0, 90)


def test_a_bound_that_is_left_out_and_one_that_is_left_open():
    assert number("score", -1e300) == -1e300
    with pytest.raises(ValueError, match=re.escape("score must be a finite number, got inf.")):
        number("score", math.inf)
    with pytest.raises(ValueError, match=re.escape("radius must be a number above 0 and up to 90, got 0.")):
        number("radius", 0, high=90, above=0)
    with pytest.raises(ValueError, match=re.escape("radius must be a number above 0, got -1.")):
        number("radius", -1, above=0)


def test_a_share_is_from_0_to_1():
    assert [share("part", value) for value in (0, 0.25, np.float32(1))] == [0.0, 0.25, 1.0]
    with pytest.raises(ValueError, match=re.escape("part must be a number from 0 to 1, got 1.01.")):
        share("part", 1.01)


def test_an_array_has_the_shape_that_is_asked_for():
    found = array("u", [[1, 2, 3], [4, 5, 6]], ("n", 3))
    assert found.shape == (2, 3)
    assert found.dtype == np.float64
    with pytest.raises(ValueError, match=re.escape("u must have shape (n, 3), got (5, 2).")):
        array("u", np.zeros((5, 2)), ("n", 3))
    with pytest.raises(ValueError, match=re.escape("w must have shape (k,), got ().")):
        array("w", 1.0, ("k",))
    with pytest.raises(ValueError, match=re.escape("w must be numbers of shape (k,), got [[1], [2, 3]].")):
        array("w", [[1], [2, 3]], ("k",))


def test_a_choice_names_what_can_be_chosen():
    assert choice("chart", "a", {"a": 1, "b": 2}) == "a"
    for value in ("c", None, 1, ["a"]):
        with pytest.raises(ValueError, match=re.escape(f"chart must be one of a, b, got {value!r}.")):
            choice("chart", value, {"a": 1, "b": 2})


def test_a_long_value_is_cut_in_the_message():
    with pytest.raises(ValueError, match=r"^count must be a whole number, got 'x{79}…\.$"):
        whole("count", "x" * 10_000)
