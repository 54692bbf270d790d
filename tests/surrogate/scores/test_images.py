"""Area averaging and Oklab, against independent values."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrogate.scores.images import resized, working_size
from surrogate.scores.oklab import from_hex, oklab


@pytest.mark.parametrize(("factor_y", "factor_x"), [(2, 4), (8, 1), (3, 5)])
def test_whole_factors_are_means_of_blocks(factor_y, factor_x):
    pixels = np.random.default_rng(0).random((24, 60, 3))
    blocks = pixels.reshape(24 // factor_y, factor_y, 60 // factor_x, factor_x, 3).mean((1, 3))
    np.testing.assert_allclose(resized(pixels, *blocks.shape[:2]), blocks, rtol=0, atol=1e-15)


@pytest.mark.parametrize(("old", "new"), [((7, 11), (3, 5)), ((5, 4), (9, 10)), ((13, 1), (4, 6)), ((1, 1), (3, 2))])
def test_any_factor_is_the_mean_of_the_area(old, new):
    """By brute force: the old picture enlarged without rounding, then averaged over whole blocks."""
    pixels = np.random.default_rng(1).random((*old, 2))
    fine = pixels.repeat(new[0], 0).repeat(new[1], 1)
    expected = fine.reshape(new[0], old[0], new[1], old[1], 2).mean((1, 3))
    np.testing.assert_allclose(resized(pixels, *new), expected, rtol=0, atol=1e-14)


def test_the_mean_stays_and_equal_sizes_are_not_touched():
    pixels = np.random.default_rng(2).random((101, 67, 3))
    np.testing.assert_allclose(resized(pixels, 32, 21).mean((0, 1)), pixels.mean((0, 1)), atol=1e-13)
    assert resized(pixels, 101, 67) is pixels


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


def test_torch_agrees_on_the_area_of_whole_factors():
    pixels = torch.rand(1, 3, 64, 96, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    expected = torch.nn.functional.interpolate(pixels, (16, 24), mode="area")[0].permute(1, 2, 0)
    np.testing.assert_allclose(resized(pixels[0].permute(1, 2, 0).numpy(), 16, 24), expected, atol=1e-14)
