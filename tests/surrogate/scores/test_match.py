"""Matching a target: known distances, and the right picture found among others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import wasserstein_distance_nd

from demo.scenes import render
from surrogate.scores import MATCHES, make_score
from surrogate.scores.colours import DIRECTIONS
from surrogate.scores.oklab import oklab


@pytest.fixture(scope="module")
def landscapes():
    return render(8, 128, generator=torch.Generator().manual_seed(21))[0].permute(0, 2, 3, 1).contiguous()


def flat(*colour, h=40, w=40):
    return torch.tensor(colour, dtype=torch.float64).expand(1, h, w, len(colour))


def enlarged(images, h, w):
    images = torch.nn.functional.interpolate(images.permute(0, 3, 1, 2), (h, w), mode="bilinear", antialias=True)
    return images.permute(0, 2, 3, 1)


@pytest.mark.parametrize("name", MATCHES)
def test_a_picture_matches_itself_best(name, landscapes):
    best = 1.0 if name == "match_structure" else 0.0
    for i in (0, 3, 6):
        target = landscapes[i]
        found = make_score(name, target=target)(landscapes)
        assert found.argmax() == i
        assert found[i] == pytest.approx(best, abs=1e-12)
        assert np.delete(found, i).max() < best - 0.005


@pytest.mark.parametrize("name", MATCHES)
def test_a_target_of_another_size_is_found_too(name, landscapes):
    for size in ((256, 256), (100, 70), (150, 400)):
        target = enlarged(landscapes[4:5], *size)
        assert make_score(name, target=target)(landscapes[2:6]).argmax() == 2
        # And the other way round: large pictures, a small target.
        assert make_score(name, target=landscapes[4])(enlarged(landscapes[2:6], *size)).argmax() == 2


@pytest.mark.parametrize("name", MATCHES)
def test_coming_nearer_raises_the_score(name, landscapes):
    """What a search needs: between an unrelated picture and the target there is a slope upwards."""
    t = torch.linspace(0, 1, 7)[:, None, None, None]
    found = make_score(name, target=landscapes[0])((1 - t) * landscapes[7] + t * landscapes[0])
    assert (np.diff(found) > 0).all()


def test_pixels_is_the_root_mean_square():
    score = make_score("match_pixels", target=flat(0.2, 0.4, 0.6)[0])
    found = score(flat(0.2, 0.4, 0.9).float())
    np.testing.assert_allclose(found, -0.3 / np.sqrt(3), atol=1e-7)
    assert make_score("match_pixels", target=flat(0.0, 0, 0))(flat(1.0, 1, 1)) == -1


def test_pixels_are_averaged_as_srgb_values():
    """A fine checkerboard of black and white is the grey of half the value; in linear light it would be 0.735."""
    board = ((torch.arange(64)[:, None] + torch.arange(64)) % 2)[None, :, :, None].double()
    score = make_score("match_pixels", target=flat(0.5, 0.5, 0.5))
    np.testing.assert_allclose(score(board), 0, atol=1e-12)


def test_pixels_at_a_scale_do_not_see_what_is_smaller():
    rng = torch.Generator().manual_seed(1)
    target = torch.rand(32, 32, 3, generator=rng, dtype=torch.float64)
    detail = torch.tensor([[0.1, -0.1], [-0.1, 0.1]], dtype=torch.float64).repeat(32, 32)[None, :, :, None]
    image = target[None].repeat_interleave(2, 1).repeat_interleave(2, 2) * 0.5 + 0.25 + detail
    coarse = make_score("match_pixels", target=target * 0.5 + 0.25, side=32)(image)
    fine = make_score("match_pixels", target=target * 0.5 + 0.25, side=64)(image)
    np.testing.assert_allclose(coarse, 0, atol=1e-12)
    np.testing.assert_allclose(fine, -0.1, atol=1e-12)


def test_pixels_stretch_the_target():
    left = torch.zeros(10, 40, 3)
    left[:, :20] = 1
    image = torch.zeros(1, 80, 20, 3)
    image[:, :, :10] = 1
    np.testing.assert_allclose(make_score("match_pixels", target=left)(image), 0, atol=1e-12)
    np.testing.assert_allclose(make_score("match_pixels", target=left)(image.flip(2)), -1, atol=1e-12)


def test_the_directions_are_a_tight_frame():
    np.testing.assert_allclose(np.linalg.norm(DIRECTIONS, axis=1), 1)
    np.testing.assert_allclose(DIRECTIONS.T @ DIRECTIONS, np.eye(3) * 16 / 3, atol=1e-12)
    products = np.abs(DIRECTIONS @ DIRECTIONS.T)[~np.eye(16, dtype=bool)]
    assert products.max() < 0.8  # no two the same


@pytest.mark.parametrize(
    ("a", "b"), [((0, 0, 0), (1, 1, 1)), ((1, 0, 0), (0, 0.3, 0.9)), ((0.5,) * 3, (0.5, 0.52, 0.5))]
)
def test_colours_of_even_pictures_are_their_oklab_distance(a, b):
    expected = np.linalg.norm(oklab(np.array(a, float)) - oklab(np.array(b, float)))
    found = make_score("match_colours", target=flat(*map(float, a), h=17, w=30))(flat(*map(float, b)))
    np.testing.assert_allclose(found, -expected, atol=1e-9)


def test_colours_do_not_care_where_they_stand():
    rng = np.random.default_rng(5)
    image = rng.random((1, 48, 48, 3))
    moved = image.reshape(1, -1, 3)[:, rng.permutation(48 * 48)].reshape(image.shape)
    score = make_score("match_colours", target=torch.from_numpy(moved[0]))
    np.testing.assert_allclose(score(torch.from_numpy(image)), 0, atol=1e-12)
    assert make_score("match_pixels", target=torch.from_numpy(moved[0]))(torch.from_numpy(image)) < -0.1


def test_colours_are_at_most_the_wasserstein_distance_and_near_it():
    """scipy solves the transport itself (order 1, at most that of order 2)."""
    rng = np.random.default_rng(6)
    for spread in (0.05, 0.3):
        a, b = 0.2 + spread * rng.random((6, 6, 3)), 0.8 - spread * rng.random((6, 6, 3))
        exact = wasserstein_distance_nd(oklab(a).reshape(-1, 3), oklab(b).reshape(-1, 3))
        found = -make_score("match_colours", target=torch.from_numpy(a))(torch.from_numpy(b)[None])[0]
        assert 0.97 * exact < found < 1.1 * exact


def test_colours_see_which_colours_go_together():
    """Same distributions of red and of blue on their own, but red with blue or red without."""
    both = torch.zeros(1, 20, 20, 3)
    both[:, :10] = torch.tensor([0.8, 0.0, 0.8])
    apart = torch.zeros(1, 20, 20, 3)
    apart[:, :10, :, 0] = 0.8
    apart[:, 10:, :, 2] = 0.8
    assert make_score("match_colours", target=both)(apart)[0] < -0.1


def ssim_reference(x, y):
    """Wang et al. 2004 in scipy's words, over whole windows."""
    blur = lambda v: gaussian_filter(v, 1.5, truncate=5 / 1.5)[5:-5, 5:-5]  # noqa: E731
    c1, c2 = 0.0001, 0.0009
    mx, my = blur(x), blur(y)
    vx, vy, cov = blur(x * x) - mx**2, blur(y * y) - my**2, blur(x * y) - mx * my
    return np.mean(((2 * mx * my + c1) * (2 * cov + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2)))


def test_structure_is_ssim_at_three_scales(landscapes):
    a, b = (landscapes[i].double().numpy() @ (0.299, 0.587, 0.114) for i in (1, 3))
    expected = [ssim_reference(x, y) for x, y in zip(pyramid(a), pyramid(b))]
    assert np.ptp(expected) > 0.01
    found = make_score("match_structure", target=landscapes[1])(landscapes[3:4])
    np.testing.assert_allclose(found, np.mean(expected), atol=1e-9)


def pyramid(x):
    half = x.reshape(64, 2, 64, 2).mean((1, 3))
    return x, half, half.reshape(32, 2, 32, 2).mean((1, 3))


def test_structure_of_even_pictures_is_the_term_of_light():
    a, b, c1 = 0.3, 0.7, 0.0001
    expected = (2 * a * b + c1) / (a * a + b * b + c1)
    found = make_score("match_structure", target=flat(a, a, a))(flat(b, b, b))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_structure_rather_forgives_light_than_blur(landscapes):
    image = landscapes[5:6]
    dark = image * 0.8
    blurred = torch.from_numpy(gaussian_filter(image.numpy(), (0, 4, 4, 0)))
    structure, pixels = (make_score(name, target=image) for name in ("match_structure", "match_pixels"))
    assert structure(dark) > structure(blurred)
    assert pixels(dark) < pixels(blurred)


def test_an_inverted_texture_has_negative_structure():
    noise = torch.rand(1, 128, 128, 1, generator=torch.Generator().manual_seed(2))
    noise = 0.5 + 0.4 * torch.sign(noise - 0.5)
    assert make_score("match_structure", target=noise, side=4096)(1 - noise) < -0.5


def test_structure_leaves_out_scales_that_hold_no_window(landscapes):
    wide = landscapes[:1, :40]  # 40×128, 20×64; 10×32 holds no window of 11
    target = landscapes[1, :40].double().numpy() @ (0.299, 0.587, 0.114)
    image = wide[0].double().numpy() @ (0.299, 0.587, 0.114)
    half = lambda x: x.reshape(20, 2, 64, 2).mean((1, 3))  # noqa: E731
    expected = (ssim_reference(image, target) + ssim_reference(half(image), half(target))) / 2
    found = make_score("match_structure", target=landscapes[1, :40])(wide)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_pictures_too_thin_for_structure_say_what_to_do():
    with pytest.raises(ValueError, match=r"images of 640×20 pixels are 128×4 at side = 128.*Choose a larger side"):
        make_score("match_structure", target=flat(0.5, 0.5, 0.5))(torch.rand(1, 20, 640, 3))
    with pytest.raises(ValueError, match=r"images are 640×10 pixels, but match_structure needs at least 11"):
        make_score("match_structure", target=flat(0.5, 0.5, 0.5))(torch.rand(1, 10, 640, 3))


def test_the_mixture_is_the_weighted_mean_of_its_parts(landscapes):
    target = landscapes[0]
    pixels, colours, structure = (
        make_score(f"match_{part}", target=target)(landscapes) for part in ("pixels", "colours", "structure")
    )
    found = make_score("match_image", target=target, pixels=3, colours=2, structure=1)(landscapes)
    np.testing.assert_allclose(found, (3 * pixels + 2 * colours - (1 - structure) / 2) / 6, atol=1e-12)
    scaled = make_score("match_image", target=target, pixels=30, colours=20, structure=10)(landscapes)
    np.testing.assert_allclose(scaled, found, atol=1e-12)
    np.testing.assert_allclose(
        make_score("match_image", target=target, colours=0, structure=0, side=16)(landscapes),
        make_score("match_pixels", target=target, side=16)(landscapes),
        atol=1e-12,
    )


def test_a_part_that_weighs_nothing_needs_nothing():
    score = make_score("match_image", target=flat(0.5, 0.5, 0.5), structure=0)
    assert score(torch.rand(1, 1, 1, 3)).shape == (1,)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"pixels": 0, "colours": 0, "structure": 0}, "all weigh 0"),
        ({"colours": -1}, "colours must be a number from 0"),
        ({"structure": float("inf")}, "structure must be a number from 0"),
        ({"pixels": "1"}, "pixels must be a number from 0"),
    ],
)
def test_bad_weights_are_named(weights, message):
    with pytest.raises(ValueError, match=message):
        make_score("match_image", target=flat(0.5, 0.5, 0.5), **weights)
