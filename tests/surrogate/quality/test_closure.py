"""Closure: the noise of blends against the formula, and a test of pictures that holds its level whatever they share."""

import numpy as np
import pytest
import scipy.stats
import torch

from surrogate import Seeds, SurrogateSpace
from surrogate.diagnostics import Grade
from surrogate.quality import check_noise, check_pictures, two_sample, walks
from surrogate.quality.closure import FEWEST, judged_as_one

from .conftest import SHAPE, alike, noises, pictures_of


def test_blends_of_integer_seeds_are_noise():
    space = SurrogateSpace(Seeds.from_range(0, 5))
    found = check_noise(space.latents(walks(space, 24).u, SHAPE))
    assert found.share(Grade.FIT) == 1 and found.worst.label == "point 1"
    np.testing.assert_allclose(found.norm, 1, atol=4 * np.sqrt(1 / 2 / 1024))


@pytest.mark.parametrize("common", [0.3, 0.9])
def test_blends_of_seeds_that_are_alike_have_the_norm_of_the_gram_matrix(common):
    space = alike(4, common)
    u = walks(space, 24).u
    w = space.weights(u)
    found = check_noise(space.latents(u))
    np.testing.assert_allclose(found.norm, np.sqrt(np.einsum("nk,kl,nl->n", w, space.gram(), w)), rtol=1e-5)
    assert found.share(Grade.FIT) < 0.5
    assert "stronger: blends look burnt" in str(found.worst)
    kept = check_noise(alike(4, common, "sphere").latents(u))
    assert kept.share(Grade.FIT) == 1


def test_linear_averages_are_weak():
    w = SurrogateSpace(Seeds.from_range(0, 4)).weights(np.random.default_rng(0).random((12, 3)))
    w = torch.from_numpy(w / w.sum(1, keepdims=True)).float()
    found = check_noise((w @ noises(0, 4).flatten(1)).reshape(-1, *SHAPE))
    assert found.share(Grade.FAR) > 0.6
    assert "weaker: blends look flat" in str(found.worst)


def test_parts_are_measured_one_by_one_and_their_norm_together():
    z = [noises(0, 3), 2 * noises(20, 3)[:, :2]]
    found = check_noise(z)
    assert found.share(Grade.FAR) == 1 and "Part 2" in str(found.worst)
    np.testing.assert_allclose(found.norm, np.sqrt((1024 + 4 * 512) / 1536), rtol=0.05)


def test_noise_that_is_not_finite_is_named():
    z = noises(0, 3)
    z[1, 0, 0, 0] = float("nan")
    with pytest.raises(ValueError, match="point 2 holds NaN"):
        check_noise(z)


# Pictures.

Q = 4


def shares_of_alarms(blends, rng, times=400, m=32, level=0.05) -> int:
    """How many of `times` tests see something, of features that are normal and correlated."""
    mix = 10 * rng.normal(size=(Q, Q))
    return sum(judged_as_one(blends() @ mix, rng.normal(size=(m, Q)) @ mix).p <= level for _ in range(times))


def test_the_level_is_exact_where_all_blends_are_one_picture():
    """The worst that seeds in common can do; the scatter is large beside what is visible."""
    rng = np.random.default_rng(0)
    alarms = shares_of_alarms(lambda: np.repeat(rng.normal(size=(1, Q)), 20, 0), rng)
    assert scipy.stats.binomtest(alarms, 400, 0.05).pvalue > 0.01


@pytest.mark.parametrize("shared", [0.0, 0.5, 0.8])
def test_the_level_holds_whatever_blends_have_in_common(shared):
    rng = np.random.default_rng(1)

    def blends():
        return shared**0.5 * rng.normal(size=(1, Q)) + (1 - shared) ** 0.5 * rng.normal(size=(20, Q))

    assert shares_of_alarms(blends, rng) <= 30  # of 400: 5 % and twice the standard error


def test_shuffling_does_not_hold_it():
    """Why pictures are judged as one: what spaces share makes the usual test wrong."""
    rng = np.random.default_rng(2)
    x = [0.5**0.5 * (rng.normal(size=(1, Q)) + rng.normal(size=(20, Q))) for _ in range(40)]
    assert sum(two_sample(one, rng.normal(size=(32, Q)), shuffles=99).p <= 0.05 for one in x) > 20


def test_a_gross_flaw_is_seen(fresh):
    space = SurrogateSpace(Seeds.from_range(0, 8))
    z = space.latents(walks(space, 24).u, SHAPE)
    good, burnt = (check_pictures(pictures_of(factor * z), fresh) for factor in (1.0, 2.5))
    assert good.p > 0.05 and burnt.p < 0.01
    assert burnt.off["contrast"] > 3
    assert good.blends.shape == (24, Q) and good.fresh.shape == (32, Q)
    np.testing.assert_allclose(good.fresh.mean(0), 0, atol=1e-9)


def test_differences_that_nobody_sees_do_not_count():
    same = np.full((12, 9, 9, 3), 100, np.uint8)
    assert check_pictures(same + np.uint8(1), same).p > 0.5
    assert check_pictures(np.random.default_rng(0).integers(0, 256, same.shape, dtype=np.uint8), same).p < 1e-6


def test_too_few_pictures(fresh):
    with pytest.raises(ValueError, match=f"At least {FEWEST} pictures of fresh noise.*got 3 and 32"):
        check_pictures(fresh, fresh[:3])
    with pytest.raises(ValueError, match="got 32 and 0"):
        check_pictures(fresh[:0], fresh)
