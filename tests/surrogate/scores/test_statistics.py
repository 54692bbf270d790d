"""Statistics of pictures: known answers, and the known factors of rendered landscapes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from demo.scenes import TIMES, render
from surrogate.scores import make_score
from surrogate.scores.oklab import from_hex, oklab


def flat(colour, h=16, w=24):
    return torch.from_numpy(from_hex(colour)).expand(1, h, w, 3)


def spot(x, y, size=128, radius=8, height=None, ground=0.1):
    """A white disc on grey; x, y in [0, 1]."""
    height = height or size
    v, u = np.mgrid[:height, :size] + 0.5
    inside = np.hypot(u - x * size, v - y * height) < radius
    return torch.from_numpy(np.where(inside, 1.0, ground))[None, :, :, None]


@pytest.fixture(scope="module")
def scenes():
    """64 landscapes (64, 64, 64, 3), the index of their time of day, and their factors."""
    images, time, _, factors = render(64, 64, generator=torch.Generator().manual_seed(31))
    return images.permute(0, 2, 3, 1).contiguous(), time.numpy(), {k: v.numpy() for k, v in factors.items()}


@pytest.mark.parametrize("colour", ["#000000", "#ffffff", "#808080", "#ff0000", "#2060c0"])
def test_tones_of_one_colour(colour):
    lightness, a, b = oklab(from_hex(colour))
    np.testing.assert_allclose(make_score("brightness")(flat(colour)), lightness, atol=1e-12)
    np.testing.assert_allclose(make_score("contrast")(flat(colour)), 0, atol=1e-12)
    np.testing.assert_allclose(make_score("saturation")(flat(colour)), np.hypot(a, b), atol=1e-12)


def test_half_black_half_white():
    image = torch.zeros(1, 64, 64, 1)
    image[:, :, 32:] = 1
    np.testing.assert_allclose(make_score("brightness")(image), 0.5, atol=1e-8)
    np.testing.assert_allclose(make_score("contrast")(image), 0.5, atol=1e-8)
    np.testing.assert_allclose(make_score("saturation")(image), 0, atol=1e-7)


def test_tones_do_not_see_what_is_below_their_scale():
    board = ((torch.arange(512)[:, None] + torch.arange(512)) % 2)[None, :, :, None].double()
    np.testing.assert_allclose(make_score("contrast")(board), 0, atol=1e-12)
    assert make_score("contrast", side=512)(board) > 0.49


def test_night_is_dark(scenes):
    images, time, _ = scenes
    found = make_score("brightness")(images)
    night, day = (found[time == TIMES.index(name)] for name in ("night", "day"))
    assert len(night) > 8 and len(day) > 8
    assert night.max() < day.min()


def test_sharpness_of_a_checkerboard_and_of_ramps():
    board = ((torch.arange(64)[:, None] + torch.arange(64)) % 2)[None, :, :, None].double()
    np.testing.assert_allclose(make_score("sharpness")(board), 4, atol=1e-6)  # every Laplacian is -4 or 4
    # A ramp that is even in lightness, not in sRGB values: greys of Oklab lightness l have linear light l³.
    light = np.linspace(0.1, 0.9, 64) ** 3
    ramp = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    images = torch.from_numpy(ramp)[None, None, :, None].expand(1, 64, 64, 1)
    np.testing.assert_allclose(make_score("sharpness")(images), 0, atol=1e-6)


def test_blur_lowers_sharpness_step_by_step(scenes):
    image = scenes[0][:1].numpy()
    blurred = np.concatenate([gaussian_filter(image, (0, s, s, 0)) for s in (0, 0.5, 1, 2, 4, 8)])
    assert (np.diff(make_score("sharpness")(torch.from_numpy(blurred))) < 0).all()


def test_sharpness_needs_neighbours():
    with pytest.raises(ValueError, match="images are 2×9 pixels, but sharpness needs at least 3"):
        make_score("sharpness")(torch.rand(1, 9, 2, 3))


def test_share_of_a_colour():
    image = torch.zeros(1, 60, 100, 3)
    image[:, :15] = torch.tensor([1.0, 0.5, 0.0])  # a quarter
    exact = torch.tensor([255, 128, 0]) / 255
    image[:, 15:20, :50] = exact
    np.testing.assert_allclose(make_score("colour_share", colour="#ff8000")(image), 0.25 + 250 / 6000, atol=1e-12)
    np.testing.assert_allclose(make_score("colour_share", colour="#0080ff")(image), 0, atol=1e-12)
    np.testing.assert_allclose(make_score("colour_share", colour="000")(image), 0.75 - 250 / 6000, atol=1e-12)


def test_the_tolerance_is_a_distance_in_oklab():
    distance = np.linalg.norm(oklab(from_hex("#208040")) - oklab(from_hex("#30a040")))
    for factor, share in ((2.0, 1.0), (1.0, 1.0), (1 / 1.25, 0.75), (1 / 1.5, 0.5), (0.5, 0.0), (0.2, 0.0)):
        score = make_score("colour_share", colour="#208040", tolerance=float(distance * factor))
        np.testing.assert_allclose(score(flat("#30a040")), share, atol=1e-9)


def test_symmetry_of_mirrored_and_opposite_pictures(scenes):
    image = scenes[0][:1]
    mirrored = torch.cat([image, image.flip(2)], 2)
    np.testing.assert_allclose(make_score("symmetry")(mirrored), 1, atol=1e-12)
    np.testing.assert_allclose(make_score("symmetry")(flat("#3070b0")), 1, atol=1e-12)
    opposite = torch.zeros(1, 64, 64, 1)
    opposite[:, :, 32:] = 1
    assert make_score("symmetry")(opposite)[0] == pytest.approx(-1, abs=1e-3)


def test_symmetry_is_a_correlation_left_to_right_only():
    rng = np.random.default_rng(4)
    image = rng.random((1, 64, 64, 3))
    found = make_score("symmetry")(torch.from_numpy(image))[0]
    colours = oklab(image[0])
    centred = colours - colours.mean((0, 1))
    expected = np.sum(centred * centred[:, ::-1]) / np.sum(centred**2)
    assert found == pytest.approx(expected, abs=2e-3)
    upside = np.concatenate([image, image[:, ::-1]], 1)[:, :, ::1]
    assert make_score("symmetry")(torch.from_numpy(upside))[0] < 0.2


def test_faint_noise_is_no_asymmetry():
    rng = np.random.default_rng(9)
    image = 0.5 + 1e-3 * rng.standard_normal((1, 64, 64, 3))
    assert make_score("symmetry")(torch.from_numpy(image))[0] > 0.95


@pytest.mark.parametrize(("x", "y"), [(0.2, 0.3), (0.5, 0.5), (0.9, 0.15), (0.35, 0.8)])
def test_the_brightest_spot_is_found_in_any_format(x, y):
    for image in (spot(x, y), spot(x, y, 300, 15, height=150), spot(x, y, 48, 4)):
        np.testing.assert_allclose(make_score("brightest_x")(image), x, atol=0.015)
        np.testing.assert_allclose(make_score("brightest_y")(image), y, atol=0.015)


def test_one_hot_pixel_and_a_second_lamp_do_not_count():
    image = spot(0.3, 0.6, ground=0.1)
    image[0, 3, 120] = 1.0
    np.testing.assert_allclose(make_score("brightest_x")(image), 0.3, atol=0.01)
    weaker = torch.maximum(image, 0.9 * spot(0.8, 0.2))
    np.testing.assert_allclose(make_score("brightest_x")(weaker), 0.3, atol=0.01)
    np.testing.assert_allclose(make_score("brightest_y")(weaker), 0.6, atol=0.01)


def test_two_equal_lamps_do_not_meet_in_the_middle():
    image = torch.maximum(spot(0.2, 0.5), spot(0.8, 0.5))
    assert abs(make_score("brightest_x")(image)[0] - 0.5) > 0.25


def test_an_even_picture_has_its_spot_in_the_middle():
    assert make_score("brightest_x")(flat("#888888")) == 0.5
    assert make_score("brightest_y")(flat("#888888")) == 0.5


def test_the_brightest_spot_is_the_sun(scenes):
    images, _, factors = scenes
    x, y = make_score("brightest_x")(images), make_score("brightest_y")(images)
    assert np.corrcoef(x, factors["sun_x"])[0, 1] > 0.98
    assert np.corrcoef(y, factors["sun_y"])[0, 1] > 0.95
    off = np.hypot(x - factors["sun_x"], y - factors["sun_y"])
    assert np.median(off) < 0.02
    assert (off < 0.08).mean() > 0.95
