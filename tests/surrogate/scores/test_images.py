"""Working sizes and Oklab, against independent values."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate.scores.images import working_size
from surrogate.scores.oklab import from_hex, oklab


def test_the_longest_side_is_reduced_never_enlarged():
    assert working_size(1024, 512, 32) == (32, 16)
    assert working_size(512, 1024, 32) == (16, 32)
    assert working_size(20, 10, 32) == (20, 10)
    assert working_size(4000, 3, 32) == (32, 1)


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        # CSS Color 4 and culori give these to four digits.
        ("#ffffff", (1, 0, 0)),
        ("#000000", (0, 0, 0)),
        ("#ff0000", (0.62796, 0.22486, 0.12585)),
        ("#00ff00", (0.86644, -0.23389, 0.17950)),
        ("#0000ff", (0.45201, -0.03246, -0.31153)),
        ("#808080", (0.59987, 0, 0)),
    ],
)
def test_oklab_of_known_colours(colour, expected):
    np.testing.assert_allclose(oklab(from_hex(colour)), expected, atol=2e-5)


def test_hexadecimal_colours():
    np.testing.assert_array_equal(from_hex("#ff8000"), np.array([255, 128, 0]) / 255)
    np.testing.assert_array_equal(from_hex(" F80 "), np.array([255, 136, 0]) / 255)


def test_greys_have_no_hue():
    shades = np.linspace(0, 1, 256)[:, None].repeat(3, 1)
    found = oklab(shades)
    assert np.abs(found[:, 1:]).max() < 1e-7
    assert (np.diff(found[:, 0]) > 0).all()
