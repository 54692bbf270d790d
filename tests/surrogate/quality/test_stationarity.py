"""Stationarity: what is smooth is found, what is not is chance, at the rate that chance has."""

import numpy as np
import pytest
import scipy.stats
import torch

from surrogate import CHARTS, Seeds, SurrogateSpace
from surrogate.quality import stationarity, walks
from surrogate.quality.stationarity import cosines, relation
from surrogate.scores.distances import picture_distances

from .conftest import SHAPE, noises, pictures_of


def test_a_relation_is_spearmans_and_pearsons():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 9, 60).astype(float)  # with ties
    b = a + rng.normal(size=60)
    found = relation(a, b)
    assert found.rank == pytest.approx(scipy.stats.spearmanr(a, b).statistic, abs=1e-12)
    assert found.linear == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-12)


def test_what_groups_have_in_common_does_not_count():
    rng = np.random.default_rng(1)
    a, b, group = rng.normal(size=90), rng.normal(size=90), np.repeat([0, 1, 2], 30)
    apart = relation(a + 50 * group, b + 50 * group, group)
    alone = relation(a, b, group)
    assert (apart.rank, apart.linear) == pytest.approx((alone.rank, alone.linear))
    assert abs(apart.rank) < 0.4 < relation(a + 50 * group, b + 50 * group).rank
    assert np.isnan(relation(np.ones(9), np.arange(9.0)).rank)


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("k", [2, 3, 8, 32])
def test_a_smooth_model_has_near_pictures_at_near_points(chart, k):
    space = SurrogateSpace(Seeds.from_range(0, k), chart)
    points = walks(space, 32, k)
    z = space.latents(points.u, SHAPE)
    found = stationarity(space, points, pictures_of(z), z)
    assert found.p == 0.001
    assert min(found.by_u.rank, found.by_weights.rank, found.by_latents.rank) > 0.85
    # 4096 values: the noises' cosine is that of the weights, up to about 1/√1024.
    assert found.by_weights.rank == pytest.approx(found.by_latents.rank, abs=0.05)


def test_each_relation_is_that_of_its_name():
    space = SurrogateSpace(Seeds.from_range(0, 8), "angular")
    points = walks(space, 24, 0)
    z = space.latents(points.u, SHAPE)
    found = stationarity(space, points, pictures_of(z), z)
    (i, j), w = points.pairs, space.weights(points.u)
    seen, walk = picture_distances(pictures_of(z))[i, j], points.walk[i]
    by_u, by_w = np.linalg.norm(points.u[i] - points.u[j], axis=1), 1 - (w[i] * w[j]).sum(1)
    cosine = torch.nn.functional.cosine_similarity(z[i].flatten(1), z[j].flatten(1)).numpy()
    assert np.array_equal(found.u, by_u) and np.array_equal(found.pictures, seen)
    assert found.by_u == relation(by_u, seen, walk) != found.by_weights == relation(by_w, seen, walk)
    assert found.by_latents.linear == pytest.approx(relation(1 - cosine, seen, walk).linear, abs=1e-4)
    assert found.u_weights == relation(by_u, by_w, walk)


def test_pictures_that_have_nothing_to_do_with_the_points_are_chance():
    space, p, ranks = SurrogateSpace(Seeds.from_range(0, 3)), [], []
    points = walks(space, 16, 0)
    z = space.latents(points.u, SHAPE)
    for number in range(150):
        found = stationarity(space, points, pictures_of(noises(10_000 + 16 * number, 16)), z, seed=number)
        p.append(found.p)
        ranks.append(found.by_u.rank)
    assert scipy.stats.kstest(p, "uniform").pvalue > 0.01
    assert abs(np.mean(ranks)) < 0.05


def test_pictures_that_are_all_the_same():
    space = SurrogateSpace(Seeds.from_range(0, 3))
    points = walks(space, 8, 0)
    found = stationarity(space, points, np.zeros((8, 9, 9, 3), np.uint8), space.latents(points.u, SHAPE))
    assert np.isnan(found.by_u.rank) and found.p == 1 and found.typical == 0


def test_cosines_of_parts_are_those_of_all_values():
    z = [noises(0, 5), noises(50, 5)[:, :2, :3]]
    flat = torch.cat([part.flatten(1) for part in z], 1).double().numpy()
    expected = 1 - scipy.spatial.distance.cdist(flat, flat, "cosine")
    np.testing.assert_allclose(cosines(z), expected, atol=1e-9)


def test_numbers_that_do_not_fit():
    space = SurrogateSpace(Seeds.from_range(0, 3))
    points = walks(space, 8, 0)
    z = space.latents(points.u, SHAPE)
    with pytest.raises(ValueError, match="7 pictures for 8 points"):
        stationarity(space, points, pictures_of(z)[:7], z)
    with pytest.raises(ValueError, match="7 latents for 8 points"):
        stationarity(space, points, pictures_of(z), z[:7])
