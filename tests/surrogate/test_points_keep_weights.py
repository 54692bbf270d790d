"""A point is its weights: nothing loses it in a large space, where many points share their coordinates."""

import json

import numpy as np
import pytest
import torch

from surrogate import CHARTS, PointSeed, Seeds, Stretch, SurrogateSpace, latents_over_time, points, space_from_recipe
from surrogate.space.clip_seed import ClipSeed
from surrogate.space.point_seed import seed_at

SIZES = (2, 3, 4, 5, 9, 16, 33, 64, 128, 256, 512, 1024)
SHAPE = (2, 3, 4)


def space_of(k: int, chart: str = "knothe_rosenblatt") -> SurrogateSpace:
    return SurrogateSpace(Seeds.from_range(101, k), chart)


def angles(w: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.degrees(2 * np.arctan2(np.linalg.norm(w - v, axis=-1), np.linalg.norm(w + v, axis=-1)))


def seeds_of(made) -> np.ndarray:
    return np.flatnonzero([mark is not None for mark in made.marks])


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("k", [k for k in SIZES if k >= 4])
def test_only_the_corners_of_four_corners_are_seeds(k, chart):
    which = [1, k // 2, k - 1, k]
    made = points.corners(space_of(k, chart), which, 9, 9)
    w = made.w.reshape(9, 9, k)
    assert seeds_of(made).tolist() == [0, 8, 72, 80]
    assert np.array_equal(w[[0, 0, 8, 8], [0, 8, 0, 8]], np.eye(k)[np.array(which) - 1])
    for line in (*w, *w.swapaxes(0, 1)):
        steps = angles(line[:-1], line[1:])
        np.testing.assert_allclose(steps, steps[0], rtol=1e-12)
    t = np.linspace(0, np.pi / 2, 9)
    for i, (y, x) in enumerate([(np.cos, np.cos), (np.cos, np.sin), (np.sin, np.cos), (np.sin, np.sin)]):
        np.testing.assert_allclose(w[:, :, which[i] - 1], np.outer(y(t), x(t)), atol=1e-15)


@pytest.mark.parametrize("k", [k for k in SIZES if k >= 3])
def test_only_the_corners_of_a_slice_are_seeds(k):
    made = points.slice_through(space_of(k), [1, 2, k], 9)
    assert seeds_of(made).tolist() == [0, 36, 44]
    assert np.array_equal(made.w[[0, 36, 44]], np.eye(k)[[0, 1, k - 1]])
    y = made.layout[:, 1] / 8
    flat = made.w / made.w.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(flat[:, 0], 1 - y, atol=1e-14)


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("frames", [24, 120])
@pytest.mark.parametrize("k", SIZES)
def test_a_path_never_stands_still_nor_jumps(k, frames, closed):
    """Between the seeds 1, 2 and, where there are more, k and the one before: steps over a seed are shorter at most."""
    stops = np.eye(k)[sorted({0, 1, max(0, k - 2), k - 1})]
    w = points.path(space_of(k), stops, frames, closed).w
    way = 90.0 * (len(stops) - (not closed))
    step = way / (frames if closed else frames - 1)
    steps = angles(w, np.roll(w, -1, axis=0)) if closed else angles(w[:-1], w[1:])
    # Over a corner the straight way is shorter: about the hypotenuse of a right angle with legs of half a step.
    assert (steps > 0.7 * step).all() and (steps < step + 1e-9).all()
    assert (np.abs(steps - step) < 1e-9).sum() >= len(steps) - len(stops)


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("k", SIZES)
def test_neighbours_of_a_seed_are_not_the_seed(k, chart):
    space = space_of(k, chart)
    for seed in (1, k):
        made = points.neighbours(space, points.vertices(space, [seed]), 20, 15.0, seed=3)
        assert seeds_of(made).tolist() == [0] and np.array_equal(made.w[0], np.eye(k)[seed - 1])
        away = angles(made.w[1:], made.w[0])
        assert (away < 15 + 1e-9).all() and (away > 0.01).all()
        np.testing.assert_allclose(np.linalg.norm(made.w, axis=1), 1, rtol=1e-14)


@pytest.mark.parametrize("k", SIZES)
def test_variations_begin_at_the_point_that_they_are_given(k):
    """Not at another one with the same coordinates: 3 degrees from a seed of a large space."""
    space = space_of(k)
    w = np.zeros(k)
    w[0], w[-1] = np.cos(np.radians(3)), np.sin(np.radians(3))
    base = points.from_weights(space, w)
    made = points.neighbours(space, base, 4, 1.0)
    assert np.array_equal(made.w[0], base.w[0])
    assert (angles(made.w[1:], base.w[0]) < 1 + 1e-9).all()


@pytest.mark.parametrize("k", SIZES)
def test_typed_coordinates_stay_what_was_typed(k):
    """To the last bit, and so do the weights and the noise: workflows from before have the same pictures."""
    space = space_of(k)
    u = np.random.default_rng(k).random((5, k - 1))
    made = points.from_coordinates(space, u)
    assert np.array_equal(made.u, u) and np.array_equal(made.w, space.chart.weights(u))
    assert torch.equal(space.combine(made.w, SHAPE), space.latents(u, SHAPE))
    assert made.exact.all() and made.recipe(3) == {"u": u[3].tolist()}
    chosen = made.select([4, 0, 0])
    assert np.array_equal(chosen.u, u[[4, 0, 0]]) and np.array_equal(chosen.w, made.w[[4, 0, 0]])
    around = points.neighbours(space, u[2], 3)
    assert np.array_equal(around.u[0], u[2]) and np.array_equal(around.w[0], made.w[2])
    assert np.array_equal(points.neighbours(space, made.select([2]), 3).w, around.w)


def test_coordinates_are_computed_when_asked_for():
    made = points.corners(space_of(9, "angular"), columns=5, rows=5)
    assert made.typed is None and "u" not in vars(made)
    chosen = made.select([3, 7])
    assert np.array_equal(chosen.u, made.u[[3, 7]])
    assert chosen.u is chosen.u


def test_coordinates_of_typed_and_made_points_together():
    space = space_of(5)
    made = points.neighbours(space, [0.1, 0.2, 0.3, 0.4], 6)
    np.testing.assert_allclose(space.weights(made.u), made.w, atol=1e-12)
    assert not made.lost().any()


@pytest.mark.parametrize("k", [4, 64, 512, 1024])
def test_a_point_survives_its_recipe(k):
    """As a picture carries it, and as a seed of another space: to the last bit of the noise."""
    space = space_of(k)
    made = points.corners(space, columns=5, rows=5)
    noise = space.combine(made.w, SHAPE)
    for i in range(25):
        written = json.loads(json.dumps(made.recipe(i)))
        seed = seed_at(space, written["u"], "point", written.get("weights"))
        assert torch.equal(seed.noise((SHAPE,))[0], noise[i])
        again = space_from_recipe(
            json.loads(json.dumps(SurrogateSpace(Seeds((seed,)) + Seeds.from_text("7")).recipe()))
        )
        assert torch.equal(again.seeds[0].noise((SHAPE,))[0], noise[i])
        assert again.seeds[0].identity == seed.identity


def test_an_old_reader_of_a_recipe_finds_coordinates():
    """Those of today's versions, next to which the weights are written; none where they say the same."""
    space = space_of(4)
    made = points.corners(space, columns=3, rows=3)
    seed = seed_at(space, made.u[4], "middle", made.w[4])
    assert isinstance(seed, PointSeed)
    np.testing.assert_allclose(space.weights(seed.recipe()["point"]), made.w[4], atol=1e-12)
    typed = seed_at(space, [0.25, 0.5, 0.75], "typed", space.weights([0.25, 0.5, 0.75]))
    assert "weights" not in typed.recipe()


@pytest.mark.parametrize("weights", ["x", [1.0], [2.0, 0.0, 0.0], [-0.6, 0.8, 0.0], [float("nan")] * 3, {"a": 1}])
def test_weights_of_a_recipe_that_cannot_be(weights):
    entry = {"point": [0.5, 0.5], "weights": weights, "space": space_of(3).recipe()}
    path = {"path": [[0.5, 0.5]], "weights": [weights], "space": space_of(3).recipe()}
    for seed in (entry, path):
        with pytest.raises(ValueError, match=r"weights|w must|w has|not a path"):
            space_from_recipe({**space_of(3).recipe(), "seeds": ["1", seed]})


@pytest.mark.parametrize("k", [4, 512, 1024])
def test_a_clip_moves_along_the_points_themselves(k):
    space = space_of(k)
    made = points.path(space, np.eye(k)[[0, 1]], 24)
    stretch = Stretch(made.u, movement="hold", w=made.w)
    assert np.array_equal(stretch.weights(space, 24), made.w)
    steps = Stretch(made.u, w=made.w).weights(space, 47)
    np.testing.assert_allclose(angles(steps[:-1], steps[1:]), 90 / 46, rtol=1e-9)
    clip = ClipSeed(space, stretch.cut(2)[1], False, "clip")
    recipe = SurrogateSpace(Seeds((clip,)) + Seeds.from_text("7")).recipe()
    again = space_from_recipe(json.loads(json.dumps(recipe))).seeds[0]
    shape = ((2, 12, 2, 2),)
    assert again.identity == clip.identity and torch.equal(again.noise(shape)[0], clip.noise(shape)[0])
    assert torch.equal(clip.noise(shape)[0], latents_over_time(space, [clip.stretch], shape[0])[0])


def test_weights_of_other_points_than_the_path():
    with pytest.raises(ValueError, match=r"w must have shape \(3, 3\), got \(2, 3\)"):
        Stretch(np.zeros((3, 2)), w=np.eye(3)[:2])
