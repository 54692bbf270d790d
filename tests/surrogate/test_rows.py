"""Rows with bars: what is drawn where, and what cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate.pictures import Column, rows_picture
from surrogate.pictures.canvas import Palette

GOOD = (110, 190, 130)


def drawn(values, grades=None, words=None, **column):
    n = len(values)
    return rows_picture(
        [f"row {i}" for i in range(n)],
        [Column("numbers", np.array(values, float), **column)],
        words=["word"] * n if words is None else words,
        grades=[0] * n if grades is None else grades,
    )


def count(picture, colour) -> int:
    return int((picture == np.array(colour)).all(axis=-1).sum())


def test_bars_are_as_long_as_their_numbers():
    one, two = (count(drawn([value], words=[""], limit=1.0), GOOD) for value in (0.4, 0.8))
    assert 1.9 < two / one < 2.1
    negative = drawn([-0.8], words=[""], limit=1.0)
    assert abs(count(negative, GOOD) - two) <= 0.05 * two
    columns = np.flatnonzero((negative == np.array(GOOD)).all(axis=-1).any(axis=0))
    assert columns.max() < np.flatnonzero((drawn([0.8], words=[""], limit=1.0) == GOOD).all(-1).any(0)).min() + 3


def test_grades_colour_bars_and_what_is_not_known_has_none():
    assert count(drawn([0.5], grades=[2], words=[""]), Palette.best) > 100
    assert count(drawn([0.5], grades=[0], words=[""]), Palette.best) == 0
    assert count(drawn([np.nan, np.nan], words=["", ""]), GOOD) == 0


def test_the_band_and_the_errors_are_there():
    assert count(drawn([0.1], band=0.3, limit=1.0), Palette.hatch) > 500
    assert count(drawn([0.1], band=np.nan, limit=1.0), Palette.hatch) < 5  # soft edges of letters can have any grey
    plain, spread = (count(drawn([1.0, 2.0], errors=e), Palette.title) for e in (None, np.array([0.2, np.nan])))
    assert spread > plain


@pytest.mark.parametrize("values", [[0.0, 0.0], [1e300, -1e300], [1e-300, 0.0], [5.0, 5.0], [np.nan, 0.0]])
def test_any_numbers_can_be_drawn(values):
    assert drawn(values).dtype == np.uint8


@pytest.mark.parametrize(
    "change, message",
    [
        ({"values": []}, "expected at least one each, got 0"),
        ({"values": [1.0], "words": []}, "words: expected 1, one for each name, got 0"),
        ({"values": [1.0], "grades": [0, 1]}, "grades: expected 1, one for each name, got 2"),
        ({"values": [1.0], "errors": [1.0, 2.0]}, r"errors: expected numbers of shape \(1,\), got \(2,\)"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        drawn(**change)
