"""What holds for every score of the registry."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from demo.scenes import render
from surrogate import scores
from surrogate.scores import MATCHES, SCORES, STATISTICS, Score, make_score

every_score = pytest.mark.parametrize("name", SCORES)


@pytest.fixture(scope="module")
def landscapes():
    """Seven pictures (7, 64, 64, 3) in [0, 1]."""
    images = render(7, 64, generator=torch.Generator().manual_seed(11))[0]
    return images.permute(0, 2, 3, 1).contiguous()


def make(name, target):
    settings = {"target": target} if SCORES[name].needs_target else {}
    if name == "colour_share":  # a colour that the landscapes have
        settings = {"colour": "#80a0d0", "tolerance": 0.15}
    return make_score(name, **settings)


@every_score
def test_it_is_registered_under_its_name(name):
    assert issubclass(SCORES[name], Score)
    assert SCORES[name].name == name
    assert dataclasses.is_dataclass(SCORES[name])
    assert SCORES[name].__doc__
    assert SCORES[name].tooltip and not SCORES[name].tooltip.endswith(".")
    assert set(SCORES[name].asks) <= {field.name for field in dataclasses.fields(SCORES[name])}


def test_the_registry_is_matches_and_statistics():
    assert {**MATCHES, **STATISTICS} == SCORES
    assert all(score.needs_target for score in MATCHES.values())
    assert not any(score.needs_target for score in STATISTICS.values())


def test_every_exported_name_is_there():
    assert all(hasattr(scores, name) for name in scores.__all__)


@every_score
def test_scores_are_float64_differ_and_do_not_depend_on_the_batch(name, landscapes):
    score = make(name, landscapes[2])
    together = score(landscapes)
    assert together.shape == (7,)
    assert together.dtype == np.float64
    assert len(set(together)) == 7
    alone = np.concatenate([score(landscapes[i : i + 1]) for i in range(7)])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(score(landscapes.flip(0)), together[::-1])


@every_score
def test_inputs_stay_and_chance_is_not_touched(name, landscapes):
    before, torch_state, numpy_state = landscapes.clone(), torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    score = make(name, landscapes[0])
    first = score(landscapes)
    np.testing.assert_array_equal(score(landscapes), first)
    assert torch.equal(landscapes, before)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002


@pytest.mark.parametrize("name", MATCHES)
def test_the_target_may_change_afterwards(name, landscapes):
    target = landscapes[0].clone()
    score = make_score(name, target=target)
    before = score(landscapes)
    target.zero_()
    np.testing.assert_array_equal(score(landscapes), before)


@every_score
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_precision_hardly_matters(name, dtype, landscapes):
    score = make(name, landscapes[0])
    tolerance = {torch.float16: 2e-3, torch.bfloat16: 2e-2, torch.float64: 0}[dtype]
    np.testing.assert_allclose(score(landscapes.to(dtype)), score(landscapes), atol=tolerance)


@every_score
def test_arrays_gradients_and_other_strides_are_fine(name, landscapes):
    score = make(name, landscapes[0])
    expected = score(landscapes)
    np.testing.assert_array_equal(score(landscapes.numpy()), expected)
    np.testing.assert_array_equal(score(landscapes.clone().requires_grad_()), expected)
    strided = landscapes.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    assert not strided.is_contiguous()
    np.testing.assert_array_equal(score(strided), expected)


@every_score
def test_grey_as_one_channel_and_as_three(name, landscapes):
    grey = landscapes[..., :1]
    score = make(name, landscapes[0])
    np.testing.assert_array_equal(score(grey), score(grey.repeat(1, 1, 1, 3)))


@every_score
def test_transparent_pixels_are_black_and_opaque_ones_as_they_are(name, landscapes):
    score = make(name, landscapes[0])
    opaque = torch.cat([landscapes, torch.ones(7, 64, 64, 1)], -1)
    np.testing.assert_array_equal(score(opaque), score(landscapes))
    half = opaque.clone()
    half[:, :, :32, 3] = 0
    black = landscapes.clone()
    black[:, :, :32] = 0
    np.testing.assert_array_equal(score(half), score(black))


@every_score
def test_a_little_outside_of_the_range_is_clipped(name, landscapes):
    score = make(name, landscapes[0])
    over = landscapes * 1.6 - 0.3
    assert over.max() > 1 and over.min() < 0
    np.testing.assert_array_equal(score(over), score(over.clamp(0, 1)))


@every_score
def test_far_outside_of_the_range_is_an_error(name, landscapes):
    score = make(name, landscapes[0])
    with pytest.raises(ValueError, match=r"images must lie in \[0, 1\], got values from .* to 2.*Divide 0…255 by 255"):
        score(landscapes * 255)


@every_score
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_broken_picture_raises_or_scores_nan_alone(name, value, landscapes):
    score = make(name, landscapes[0])
    burnt = landscapes.clone()
    burnt[3, 10, 20, 1] = value
    with pytest.raises(ValueError, match=r"images 3 \(from 0\) of 7 have pixels that are NaN or infinite"):
        score(burnt)
    found = score(burnt, broken="nan")
    assert np.isnan(found[3])
    keep = [0, 1, 2, 4, 5, 6]
    np.testing.assert_array_equal(found[keep], score(landscapes)[keep])


@every_score
@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [
        ((0, 64, 64, 3), torch.float32, "empty batch"),
        ((64, 64, 3), torch.float32, r"must have shape \(n, h, w, c\), got \(64, 64, 3\). Add the batch"),
        ((1, 2, 64, 64, 3), torch.float32, r"must have shape \(n, h, w, c\)"),
        ((1, 3, 64, 64), torch.float32, "1, 3 or 4 channels .*got 64. The channels come last"),
        ((1, 64, 64, 2), torch.float32, "1, 3 or 4 channels .*got 2"),
        ((1, 64, 64, 0), torch.float32, "1, 3 or 4 channels .*got 0"),
        ((1, 0, 64, 3), torch.float32, "has no pixels|have no pixels"),
        ((1, 64, 64, 3), torch.uint8, "float tensor .*got torch.uint8. Divide by 255"),
        ((1, 64, 64, 3), torch.int64, "float tensor"),
        ((1, 64, 64, 3), torch.complex64, "float tensor"),
    ],
)
def test_bad_images_are_named(name, shape, dtype, message, landscapes):
    with pytest.raises(ValueError, match=f"^images.*({message})"):
        make(name, landscapes[0])(torch.zeros(shape, dtype=dtype))


@every_score
@pytest.mark.parametrize("images", [None, "images", [[1.0]], 3])
def test_what_is_no_tensor_is_named(name, images, landscapes):
    with pytest.raises(ValueError, match=r"^images must be a float tensor"):
        make(name, landscapes[0])(images)


@every_score
def test_mixed_sizes_in_a_list_say_what_to_do(name, landscapes):
    with pytest.raises(ValueError, match=r"got list. Stack pictures of one size; score those of different sizes one"):
        make(name, landscapes[0])([landscapes[0], landscapes[1][:32]])


@every_score
def test_unknown_ways_of_broken_are_named(name, landscapes):
    with pytest.raises(ValueError, match='broken must be "raise" or "nan"'):
        make(name, landscapes[0])(landscapes, broken="ignore")


@every_score
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2), (7, 5), (10, 64)])
def test_tiny_and_thin_pictures_score_or_say_what_they_need(name, shape, landscapes):
    score = make(name, landscapes[0])
    images = torch.rand(2, *shape, 3, generator=torch.Generator().manual_seed(0))
    try:
        found = score(images)
    except ValueError as error:
        assert score.smallest > 1 or name == "match_image"
        assert "images" in str(error) and f"{shape[1]}×{shape[0]}" in str(error)
    else:
        assert np.isfinite(found).all()


@every_score
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_pictures_of_one_shade_have_finite_scores(name, value, landscapes):
    assert np.isfinite(make(name, landscapes[0])(torch.full((1, 32, 48, 3), value))).all()


@pytest.mark.parametrize("name", MATCHES)
@pytest.mark.parametrize(
    ("target", "message"),
    [
        (torch.zeros(8, 8), r"one picture, \(h, w, c\) or \(1, h, w, c\), got \(8, 8\)"),
        (torch.zeros(2, 8, 8, 3), "It holds 2 pictures: choose one"),
        (torch.zeros(0, 8, 8, 3), r"one picture, .* got \(0, 8, 8, 3\)"),
        (torch.zeros(8, 8, 3, dtype=torch.uint8), "got torch.uint8. Divide by 255"),
        (np.zeros((8, 8, 3), np.uint8), "got torch.uint8. Divide by 255"),
        (torch.zeros(8, 8, 5), "1, 3 or 4 channels"),
        (torch.zeros(0, 8, 3), "no pixels"),
        (torch.full((8, 8, 3), float("nan")), "NaN or infinite"),
        (torch.full((8, 8, 3), 255.0), r"must lie in \[0, 1\]"),
        ("target.png", "got str"),
    ],
)
def test_bad_targets_are_named(name, target, message):
    with pytest.raises(ValueError, match=f"^target.*{message}"):
        make_score(name, target=target)


@pytest.mark.parametrize("name", MATCHES)
def test_targets_of_other_channels_sizes_and_dtypes_are_fine(name, landscapes):
    grey = landscapes[0][..., :1]
    expected = make_score(name, target=grey.repeat(1, 1, 3))(landscapes)
    np.testing.assert_array_equal(make_score(name, target=grey)(landscapes), expected)
    np.testing.assert_array_equal(make_score(name, target=grey[None].double())(landscapes), expected)
    opaque = torch.cat([landscapes[0], torch.ones(64, 64, 1)], -1)
    expected = make_score(name, target=landscapes[0])(landscapes)
    np.testing.assert_array_equal(make_score(name, target=opaque)(landscapes), expected)
    assert make_score(name, target=torch.rand(100, 3, 3))(landscapes).shape == (7,)


def test_unknown_names_and_settings_are_named():
    with pytest.raises(ValueError, match="There is no score 'beauty': choose one of match_image"):
        make_score("beauty")
    with pytest.raises(ValueError, match="brightness has no setting 'size'; it has side"):
        make_score("brightness", size=3)
    with pytest.raises(ValueError, match="match_pixels compares with a picture: give it a target"):
        make_score("match_pixels")


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("brightness", {"side": 0}, "side must be a whole number"),
        ("brightness", {"side": 2.5}, "side must be a whole number"),
        ("brightness", {"side": True}, "side must be a whole number"),
        ("symmetry", {"side": 10**6}, "side must be a whole number"),
        ("colour_share", {"colour": "red"}, "colour must be written #rrggbb .*got 'red'"),
        ("colour_share", {"colour": "#ff80"}, "colour must be written #rrggbb"),
        ("colour_share", {"colour": None}, "colour must be written #rrggbb"),
        ("colour_share", {"tolerance": 0}, "tolerance must be a number from 0.001 to 1"),
        ("colour_share", {"tolerance": float("nan")}, "tolerance must be a number"),
        ("brightest_x", {"blur": -1}, "blur must be a number from 0 to 0.5"),
    ],
)
def test_bad_settings_are_named(name, settings, message):
    with pytest.raises(ValueError, match=message):
        make_score(name, **settings)
