"""Means of areas against brute force; what is looked at keeps its edges and its brightness."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrogate.resizing import area_means, resampled


@pytest.mark.parametrize(("factor_y", "factor_x"), [(2, 4), (8, 1), (3, 5)])
def test_whole_factors_are_means_of_blocks(factor_y, factor_x):
    pixels = np.random.default_rng(0).random((24, 60, 3))
    blocks = pixels.reshape(24 // factor_y, factor_y, 60 // factor_x, factor_x, 3).mean((1, 3))
    np.testing.assert_allclose(area_means(pixels, *blocks.shape[:2]), blocks, rtol=0, atol=1e-15)


@pytest.mark.parametrize(("old", "new"), [((7, 11), (3, 5)), ((5, 4), (9, 10)), ((13, 1), (4, 6)), ((1, 1), (3, 2))])
def test_any_factor_is_the_mean_of_the_area(old, new):
    """By brute force: the old picture enlarged without rounding, then averaged over whole blocks."""
    pixels = np.random.default_rng(1).random((*old, 2))
    fine = pixels.repeat(new[0], 0).repeat(new[1], 1)
    expected = fine.reshape(new[0], old[0], new[1], old[1], 2).mean((1, 3))
    np.testing.assert_allclose(area_means(pixels, *new), expected, rtol=0, atol=1e-14)


def test_the_mean_stays_and_equal_sizes_are_not_touched():
    pixels = np.random.default_rng(2).random((101, 67, 3))
    np.testing.assert_allclose(area_means(pixels, 32, 21).mean((0, 1)), pixels.mean((0, 1)), atol=1e-13)
    assert area_means(pixels, 101, 67) is pixels


def test_torch_agrees_on_the_area_of_whole_factors():
    pixels = torch.rand(1, 3, 64, 96, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    expected = torch.nn.functional.interpolate(pixels, (16, 24), mode="area")[0].permute(1, 2, 0)
    np.testing.assert_allclose(area_means(pixels[0].permute(1, 2, 0).numpy(), 16, 24), expected, atol=1e-14)


def test_whole_numbers_are_averaged_too():
    """As the pictures of a clip come: uint8, which would overflow if it were added as it is."""
    assert area_means(np.full((6, 6, 3), 255, np.uint8), 4, 2).tolist() == [[[255.0] * 3] * 2] * 4


def test_equal_sizes_are_not_resampled():
    picture = np.random.default_rng(3).integers(0, 256, (20, 30, 3), np.uint8)
    assert resampled(picture, 30, 20) is picture


@pytest.mark.parametrize(("width", "height"), [(7, 5), (200, 90), (30, 5), (7, 200)])
def test_one_colour_stays_that_colour(width, height):
    picture = np.full((20, 30, 3), (10, 120, 250), np.uint8)
    assert (resampled(picture, width, height) == (10, 120, 250)).all()
    assert resampled(picture, width, height).shape == (height, width, 3)


def test_shrinking_averages():
    """A fine pattern of black and white becomes grey, not one of the two."""
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[::2, ::2] = picture[1::2, 1::2] = 255
    grey = resampled(picture, 8, 8)
    assert np.abs(grey.astype(int) - 127).max() <= 2


@pytest.mark.parametrize(("side", "hard"), [(32, True), (33, False)])
def test_icons_grow_with_hard_pixels_and_larger_pictures_smoothly(side, hard):
    picture = np.zeros((side, side, 3), np.uint8)
    picture[:, side // 2 :] = 255
    grown = resampled(picture, 4 * side, 4 * side)
    assert (len(np.unique(grown)) == 2) == hard


def test_a_part_of_an_array_that_is_not_contiguous():
    picture = np.random.default_rng(4).integers(0, 256, (40, 60, 4), np.uint8)
    assert np.array_equal(resampled(picture[::2, ::-1, :3], 15, 10), resampled(picture[::2, ::-1, :3].copy(), 15, 10))
