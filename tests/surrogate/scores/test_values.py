"""Scores that came over a wire."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrogate.scores import OneScore, as_scores, not_finite


@pytest.mark.parametrize(
    "values",
    [
        [1, 2.5, -3.0],
        (1, 2.5, -3.0),
        [[1, 2.5], [-3.0]],
        [[1], [[2.5]], -3.0],
        torch.tensor([1, 2.5, -3.0]),
        torch.tensor([[1], [2.5], [-3.0]], dtype=torch.float16),
        torch.tensor([1, 2.5, -3.0], requires_grad=True),
        [torch.tensor([1, 2.5]), torch.tensor(-3.0)],
        np.array([1, 2.5, -3.0]),
        np.array([1, 2.5, -3.0], object),
        ["1", "Score: 2.5/10", "it is -3."],
        [["1"], 2.5, ["minus: -3"]],
        [np.float32(1), np.float64(2.5), np.int64(-3)],
    ],
)
def test_every_form_of_three_numbers(values):
    found = as_scores(values, 3)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [1, 2.5, -3])


@pytest.mark.parametrize("value", [2, 2.5, [2.5], [[2.5]], torch.tensor(2.5), True, np.True_])
def test_one_number_for_one_image(value):
    assert as_scores(value, 1).shape == (1,)


@pytest.mark.parametrize("value", [0.5, [0.5], torch.tensor(0.5), [torch.tensor([[0.5]])], "7/10", ["7"], True])
def test_one_number_for_several_images_says_what_to_do(value):
    with pytest.raises(
        OneScore, match=r"scores is one number for 8 images, so it cannot tell them apart.*one at a time"
    ):
        as_scores(value, 8)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "^clip holds 0 numbers for 3 images, too few"),
        ([1, 2], "^clip holds 2 numbers for 3 images, too few: some images were not scored"),
        ([1, 2, 3, 4], "^clip holds 4 numbers for 3 images, too many"),
        (["7/10", "between 3 and 4", "2"], r"^clip: the text 'between 3 and 4' has several numbers \(3, 4\)"),
        (["1", "2"], "^clip holds 2 numbers for 3 images, too few"),
        ({1: 2}, "^clip must be numbers or texts with a number, one for each image, got dict"),
        ([b"1", 2, 3], "^clip must be numbers or texts with a number, one for each image, got bytes"),
        ([1j, 2, 3], "^clip must be numbers or texts with a number, one for each image, got complex"),
        (torch.zeros(3, dtype=torch.complex64), "^clip must be numbers"),
        ([10**400, 1, 2], "too large for float64"),
    ],
)
def test_bad_scores_are_named(values, message):
    with pytest.raises(ValueError, match=message):
        as_scores(values, 3, "clip")


def test_endless_nesting_is_an_error():
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError, match="nested deeper"):
        as_scores(loop, 1)


@pytest.mark.parametrize("count", [0, -1, 2.0, True, None])
def test_bad_counts_are_named(count):
    with pytest.raises(ValueError, match="count must be a whole number of images of at least 1"):
        as_scores([1.0], count)


def test_what_is_not_finite_is_kept_and_reported():
    found = as_scores([0.5, float("nan"), None, float("inf"), torch.tensor(-float("inf"))], 5)
    np.testing.assert_array_equal(found, [0.5, np.nan, np.nan, np.inf, -np.inf])
    assert not_finite(found) == (
        "4 of 5 scores are not finite: image 2 is nan, image 3 is nan, image 4 is inf, image 5 is -inf."
    )
    assert not_finite([0.5, 1]) == ""
    assert not_finite(np.full(20, np.nan)).endswith("image 8 is nan, ….")


def test_nothing_is_shared_with_what_came():
    values = np.array([1.0, 2.0])
    found = as_scores(values, 2)
    found[0] = 7
    assert values[0] == 1
