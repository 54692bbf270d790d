"""Plots of searches: every mark where its number says, and nothing hidden."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from surrogate.pictures import parallel_coordinates, score_curve, space_map
from surrogate.pictures.canvas import Palette
from surrogate.pictures.plotting import FAILED, STRIPE, ticks

MAGENTA, CYAN = (255, 0, 255), (0, 255, 255)


def near(picture, colour, tolerance=30):
    return np.abs(picture.astype(int) - colour).max(-1) <= tolerance


def blobs(mask, least=4):
    """Centres (m, 2) as x, y of the connected groups of at least `least` pixels, from left to right."""
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    sizes = ndimage.sum_labels(mask, labels, range(1, count + 1))
    kept = [i + 1 for i in range(count) if sizes[i] >= least]
    centres = np.array(ndimage.center_of_mass(mask, labels, kept)).reshape(-1, 2)[:, ::-1] + 0.5
    return centres[np.lexsort((centres[:, 1], centres[:, 0]))]


def misfit(values, pixels):
    """Largest distance in pixels from the straight line that takes values to pixels, and its slope."""
    slope, offset = np.polyfit(values, pixels, 1)
    return np.abs(slope * np.asarray(values) + offset - pixels).max(), slope


def lightness(picture):
    return picture.astype(float) @ (0.299, 0.587, 0.114)


# ---------------------------------------------------------------------------------------------------------------- ticks


@pytest.mark.parametrize("seed", range(40))
def test_ticks_are_round_inside_and_apart(seed):
    rng = np.random.default_rng(seed)
    low = rng.normal() * 10.0 ** rng.integers(-6, 7)
    high = low + rng.random() * 10.0 ** rng.integers(-6, 7) + 1e-6 * abs(low)
    values, labels = ticks(low, high, 6)
    assert 2 <= len(values) <= 9
    assert len(set(labels)) == len(labels)
    steps = np.diff(values)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-6)
    mantissa = steps[0] / 10 ** np.floor(np.log10(steps[0] * (1 + 1e-9)))
    assert min(abs(mantissa - m) for m in (1, 2, 2.5, 5)) < 1e-3
    slack = 1e-5 * (high - low)
    assert values[0] >= low - slack and values[-1] <= high + slack
    np.testing.assert_allclose([float(label) for label in labels], values, atol=0.01 * steps[0])


# ---------------------------------------------------------------------------------------------------------- score curve


def course(n=40, seed=0):
    rng = np.random.default_rng(seed)
    return np.sin(np.arange(n) * 0.9) * 0.2 + np.linspace(0, 0.5, n) + 0.05 * rng.standard_normal(n)


def dots(picture):
    return blobs(near(picture, Palette.mark, 60) & (picture[..., 2] > 170))


def records(scores):
    return [i for i in range(len(scores)) if scores[i] > max(scores[:i], default=-np.inf)]


def across(picture, failed):
    """Slope and offset of x in pixels over the index of the evaluation, by the crosses of those that failed."""
    x = blobs(crosses(picture), 6)[:, 0]
    return np.polyfit(failed, x, 1)


def crosses(picture):
    red, green, blue = np.moveaxis(picture.astype(int), -1, 0)
    return (red > 110) & (red - green > 0.4 * red) & (green - blue < 40)


def test_every_evaluation_is_a_dot_at_its_place():
    scores = course()
    scores[[4, 35]] = np.nan
    picture = score_curve(scores)
    slope, offset = across(picture, [4, 35])
    found = dots(picture)
    index = (found[:, 0] - offset) / slope
    np.testing.assert_allclose(index, np.round(index), atol=0.07)
    index = np.round(index).astype(int)
    others = set(range(40)) - set(records(np.nan_to_num(scores, nan=-np.inf))) - {4, 35}
    # The golden line crosses some of the dots; all the others are there, once.
    assert set(index) <= others and len(others - set(index)) <= 2
    assert len(set(index)) == len(index)
    off, slope = misfit(scores[index], found[:, 1])
    assert off < 1.5 and slope < -100  # upwards


@pytest.mark.parametrize("sign", [1, -1])
def test_the_line_is_the_best_so_far(sign):
    scores = sign * course()
    best = (np.maximum if sign > 0 else np.minimum).accumulate(scores)
    scores[[4, 35]] = np.nan
    assert (best[[4, 35]] == best[[3, 34]]).all()
    picture = score_curve(scores, direction="maximize" if sign > 0 else "minimize")
    slope, offset = across(picture, [4, 35])
    golden = near(picture, Palette.best, 25)
    heights = []
    for i in range(40):
        y = np.flatnonzero(golden[:, round(offset + slope * (i + 0.45))])  # between two evaluations
        assert 1 <= len(y) <= 3
        heights.append(y.mean())
    off, slope = misfit(best, heights)
    assert off < 1
    assert slope < -100  # larger scores are further up, whatever the direction


def test_records_are_golden_dots():
    scores = [0.1, 0.5, 0.3, 0.2, 0.9, 0.4]
    picture = score_curve(scores)
    thick = ndimage.binary_erosion(near(picture, Palette.best, 20), iterations=2)
    found = blobs(thick[:, :850], 3)
    assert len(found) == 3
    off, slope = misfit([0.1, 0.5, 0.9], found[:, 1])
    assert off < 1 and slope < 0
    assert misfit([0, 1, 4], found[:, 0])[0] < 1


def test_failed_evaluations_are_red_crosses_under_the_plot():
    scores = course()
    scores[[3, 17, 30]] = [np.nan, np.inf, -np.inf]
    picture = score_curve([None if i == 17 else s for i, s in enumerate(scores)])
    found = blobs(crosses(picture), 6)
    assert len(found) == 3
    off, slope = misfit([3, 17, 30], found[:, 0])
    assert off < 1 and slope > 15
    assert np.ptp(found[:, 1]) < 1
    assert found[0, 1] > dots(picture)[:, 1].max()
    assert near(picture[round(found[0, 1])], FAILED, 10).any()
    assert not crosses(score_curve(course())).any()


def test_a_score_far_worse_does_not_flatten_the_others():
    scores = course()
    spread = np.ptp(dots(score_curve(scores))[:, 1])
    scores[20] = -1e9
    assert np.ptp(dots(score_curve(scores))[:, 1]) > 0.9 * spread
    worst = scores.copy()
    worst[20] = -1e12
    np.testing.assert_array_equal(score_curve(worst), score_curve(scores))  # both at the edge


def test_the_best_is_never_cut_off():
    scores = np.concatenate([course(), [50.0]])
    picture = score_curve(scores)
    golden = np.argwhere(near(picture, Palette.best, 12))
    assert np.ptp(golden[:, 0]) > 300


def test_the_axis_reaches_to_the_budget():
    short, long = score_curve(course()), score_curve(course(), budget=160)
    a, b = dots(short), dots(long)
    assert np.ptp(a[:, 0]) / np.ptp(b[:, 0]) == pytest.approx(4, rel=0.1)
    np.testing.assert_array_equal(score_curve(course(), budget=10), short)  # more were spent than planned


def test_generations_are_stripes():
    plain = score_curve(course())
    striped = score_curve(course(), generation=np.arange(40) // 8)
    assert not near(plain, STRIPE, 0).any()
    row = near(striped, STRIPE, 0).sum(0) > 200
    edges = np.flatnonzero(np.diff(row.astype(int)))
    assert len(edges) == 6  # three of five generations
    np.testing.assert_allclose(np.diff(edges), np.diff(edges)[0], atol=1.5)


def test_a_given_best_is_drawn_instead():
    scores = course()
    known = np.full(40, 2.0)
    picture = score_curve(scores, known)
    thick = ndimage.binary_erosion(near(picture, Palette.best, 20)[:, :800], iterations=2)
    assert not thick.any()  # no score raised it: a line, no golden dot
    rows = np.flatnonzero(near(picture, Palette.best, 20)[:, 400])
    assert len(rows) <= 3 and rows.max() < dots(picture)[:, 1].min()


@pytest.mark.parametrize("n", [1, 2, 3, 7, 1000, 5000])
def test_any_number_of_images(n):
    picture = score_curve(course(n), title="many", generation=np.arange(n) // 4)
    assert picture.shape == (540, 960, 3) and picture.dtype == np.uint8
    assert near(picture, Palette.best, 20).any()


@pytest.mark.parametrize(
    "scores",
    [
        [np.nan],
        [np.nan, None, np.inf],
        [0.5],
        [0.5, 0.5, 0.5],
        [0.0, 0.0],
        [1e308, -1e308],
        [5e-324, 0.0],
        [1 + 1e-15, 1],
        [1e9, 1e9 + 1],
        [-1e-9, 1e-9],
    ],
)
def test_odd_scores_draw_without_warnings(scores, recwarn):
    for direction in ("maximize", "minimize"):
        assert score_curve(scores, direction=direction).shape == (540, 960, 3)
    assert not recwarn


def test_the_size_is_as_asked_and_inputs_stay():
    scores = course()
    before = scores.copy()
    assert score_curve(scores, size=(400, 300), title="x" * 500).shape == (300, 400, 3)
    np.testing.assert_array_equal(scores, before)
    np.testing.assert_array_equal(score_curve(scores), score_curve(list(scores)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scores": []}, r"^scores: expected numbers of shape \(n,\), got \(0,\)"),
        ({"scores": [[1.0]]}, "^scores: expected"),
        ({"scores": ["a"]}, "^scores: expected numbers"),
        ({"best": [1.0]}, "^best: expected numbers of shape .3"),
        ({"generation": [0, 1]}, "^generation: expected"),
        ({"generation": [0, 1, np.nan]}, "^generation: expected finite"),
        ({"budget": 0}, "^budget: expected a whole number"),
        ({"budget": 2.5}, "^budget: expected a whole number"),
        ({"direction": "up"}, '^direction: expected "maximize" or "minimize"'),
        ({"size": (10, 10)}, "^size: expected a whole number of at least 320"),
        ({"size": 640}, "^size: expected width and height"),
    ],
)
def test_bad_curves_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        score_curve(**{"scores": [1.0, 2.0, 3.0], **arguments})


# ------------------------------------------------------------------------------------------------------------------ map


def hill(u):
    return np.exp(-((u[:, 0] - 0.7) ** 2 + (u[:, 1] - 0.2) ** 2) / 0.05)


def square(picture, size):
    """The map's own pixels, and where they begin: within its frame of one pixel, which marks may cover here and there."""
    frame = near(picture, Palette.edge, 0)
    x0 = int(np.flatnonzero(frame.sum(0) > 0.7 * size)[0]) + 1
    y0 = int(np.flatnonzero(frame[:, x0:].sum(1) > 0.7 * size)[0]) + 1
    assert (frame[y0 + size, x0 : x0 + size]).mean() > 0.7
    return picture[y0 : y0 + size, x0 : x0 + size], (x0, y0)


def test_the_map_lies_as_the_sheets_of_a_grid_do():
    """u1 to the right, u2 downwards, light where the field is large."""
    field = np.zeros((20, 20))
    field[10:, :10] = 1.0  # u1 < 0.5, u2 > 0.5
    inside, _ = square(space_map([[0.5, 0.5]], [np.nan], field=field, size=400), 400)
    light = lightness(inside)
    assert light[230:, :170].min() > 180
    for region in (light[:170, :170], light[:170, 230:], light[230:, 230:]):
        assert region.max() < 60


def test_a_function_and_its_values_draw_the_same():
    middles = (np.arange(96) + 0.5) / 96
    grid = np.stack(np.meshgrid(middles, middles), -1)
    u, scores = np.random.default_rng(0).random((5, 2)), np.arange(5.0)
    a = space_map(u, scores, field=hill)
    b = space_map(u, scores, field=hill(grid.reshape(-1, 2)).reshape(96, 96))
    np.testing.assert_array_equal(a, b)


def test_contours_are_bands_of_one_colour_and_follow_the_field():
    inside, _ = square(space_map([[0.05, 0.95]], [np.nan], field=lambda u: u[:, 0], size=500), 500)
    row = inside[100]
    colours, counts = np.unique(row, axis=0, return_counts=True)
    bands = colours[counts > 20]
    assert 8 <= len(bands) <= 16
    # Band by band lighter to the right; a tenth of the values on a tenth of the width.
    order = [np.flatnonzero((row == band).all(-1)).mean() for band in bands]
    light = lightness(bands)
    assert (np.diff(light[np.argsort(order)]) > 0).all()
    np.testing.assert_allclose(np.diff(np.sort(order))[1:-1], 50, atol=2)


def test_the_process_finds_the_hill():
    u = np.random.default_rng(1).random((60, 2))
    inside, _ = square(space_map(u, hill(u), size=400, seeds=[]), 400)
    y, x = np.nonzero(lightness(ndimage.median_filter(inside, (15, 15, 1))) > 170)
    assert abs(x.mean() / 400 - 0.7) < 0.05 and abs(y.mean() / 400 - 0.2) < 0.05


def test_minimizing_turns_the_colours_round():
    u = np.random.default_rng(2).random((30, 2))
    a = square(space_map(u, hill(u), size=300), 300)[0]
    b = square(space_map(u, -hill(u), size=300, direction="minimize"), 300)[0]
    assert (a == b).mean() > 0.999  # but for rounding at borders of bands


def test_a_burnt_score_does_not_drown_the_map():
    u = np.random.default_rng(3).random((60, 2))
    scores = hill(u)
    worst = int(np.argmin(scores))
    scores[worst] = -1e9
    inside, _ = square(space_map(u, scores, size=400), 400)
    assert len(np.unique(inside.reshape(-1, 3), axis=0)) > 50
    y, x = np.nonzero(lightness(ndimage.median_filter(inside, (15, 15, 1))) > 170)
    assert abs(x.mean() / 400 - 0.7) < 0.06 and abs(y.mean() / 400 - 0.2) < 0.06


def test_every_evaluation_is_on_the_map():
    """Dots by their colours: on no field, each has that of its score."""
    u = np.array([[0.1, 0.1], [0.5, 0.3], [0.9, 0.6], [0.3, 0.9]])
    inside, _ = square(space_map(u, [1.0, 2.0, 3.0, 4.0], field=False, best=0, size=400), 400)
    light = [lightness(inside[round(400 * v), round(400 * h)]) for h, v in u]
    assert (np.diff(light) > 20).all()
    touched = blobs((inside != Palette.hollow).any(-1), 10)
    np.testing.assert_allclose(touched, u[np.argsort(u[:, 0])] * 400, atol=1)


def test_failures_are_crosses_and_the_best_has_a_ring():
    u = np.array([[0.2, 0.2], [0.5, 0.5], [0.8, 0.3]])
    for kwargs, where in (({}, 2), ({"best": 0}, 0), ({"direction": "minimize"}, 0)):
        inside, _ = square(space_map(u, [1.0, np.nan, 3.0], size=400, **kwargs), 400)
        cross = blobs(near(inside, FAILED, 50), 6)
        np.testing.assert_allclose(cross, [[200, 200]], atol=1)
        y, x = np.nonzero(near(inside, Palette.best, 12))
        assert abs(x.mean() + 0.5 - 400 * u[where, 0]) < 1 and abs(y.mean() + 0.5 - 400 * u[where, 1]) < 1
        assert 15 < np.ptp(x) < 30


def test_seeds_are_blue_places_with_names():
    u, scores = [[0.5, 0.5]], [1.0]
    bare = space_map(u, scores, size=400)
    seeds = [("seed 12", [[0, 0], [0, 1]]), ("seed 99", (1, 0)), ("", (1, 1))]
    picture = space_map(u, scores, seeds=seeds, size=400)
    _, (x0, y0) = square(bare, 400)
    blue = near(picture, Palette.mark, 10)
    assert not near(bare, Palette.mark, 10).any()
    for x, y in ((0, 0), (0, 400), (400, 0), (400, 400)):
        assert blue[y0 + y - 2 : y0 + y + 2, x0 + x - 2 : x0 + x + 2].all()
    assert blue[y0 + 10 : y0 + 390, x0].all()  # the edge that is the first seed
    assert not blue[y0 + 20 : y0 + 380, x0 + 399].any()
    tags = blobs(ndimage.binary_erosion(blue[y0 : y0 + 400, x0 + 8 : x0 + 392], iterations=2), 60)
    assert len(tags) >= 2  # two names, none for the third
    assert blue[y0 + 390, x0 + 300 : x0 + 380].sum() == 0


def test_names_do_not_cover_each_other():
    seeds = [(f"seed {i}", (0.5, 0.5)) for i in range(4)]
    picture = space_map([[0.1, 0.1]], [1.0], seeds=seeds, size=400)
    one = space_map([[0.1, 0.1]], [1.0], seeds=seeds[:1], size=400)
    assert near(picture, Palette.mark, 5).sum() > 3.2 * near(one, Palette.mark, 5).sum()


def test_thumbnails_are_the_pictures_near_their_places():
    u = np.array([[0.2, 0.3], [0.8, 0.7], [0.5, 0.1]])
    thumbs = [np.full((60, 30, 3), MAGENTA, np.uint8), np.ones((20, 40, 3), np.float32) * (0, 1, 1), None]
    bare = space_map(u, [1.0, 2.0, 3.0], size=480, best=1)
    picture = space_map(u, [1.0, 2.0, 3.0], thumbnails=thumbs, size=480, best=1)
    _, (x0, y0) = square(bare, 480)
    for colour, place, w, h in ((MAGENTA, u[0], 30, 60), (CYAN, u[1], 60, 30)):
        assert not near(bare, colour, 0).any()
        y, x = np.nonzero(near(picture, colour, 0))
        assert (np.ptp(x) + 1, np.ptp(y) + 1) == (w, h) and len(x) == w * h
        px, py = np.array([x0, y0]) + place * 480
        gap = max(x.min() - px, px - x.max(), y.min() - py, py - y.max())
        assert 5 < gap < 30  # beside its place, not on it
    y, x = np.nonzero(near(picture, CYAN, 0))
    assert near(picture, Palette.best, 5)[y.min() - 2, x.min() : x.max()].all()  # the best has a golden frame
    y, x = np.nonzero(near(picture, MAGENTA, 0))
    assert near(picture, Palette.title, 5)[y.min() - 2, x.min() : x.max()].all()


def test_thumbnails_leave_most_of_the_map_and_the_best_goes_first():
    rng = np.random.default_rng(5)
    u = rng.random((80, 2))
    thumbs = [np.full((8, 8, 3), (255, 0, 100 + i), np.uint8) for i in range(80)]
    inside, _ = square(space_map(u, np.arange(80.0), thumbnails=thumbs, size=480), 480)
    shown = [i for i in range(80) if near(inside, (255, 0, 100 + i), 0).sum() >= 3600]
    assert 6 <= len(shown) <= 12
    assert 79 in shown and np.mean(shown) > 60


@pytest.mark.parametrize(
    "scores", [[np.nan] * 4, [1.0] * 4, [1e308, -1e308, 0, 1], [1.0, 1.0 + 1e-15, 1, 1], [0.0] * 4]
)
def test_odd_scores_map_without_warnings(scores, recwarn):
    u = np.random.default_rng(6).random((4, 2))
    assert space_map(u, scores, size=300).dtype == np.uint8
    assert not recwarn


def test_fewer_than_four_scores_have_no_surface():
    u = np.random.default_rng(7).random((4, 2)) * 0.3
    hollow = near(square(space_map(u, [1.0, 2.0, 3.0, np.nan], size=300), 300)[0], Palette.hollow, 0)
    assert hollow.mean() > 0.9
    assert not near(square(space_map(u, [1.0, 2.0, 3.0, 4.0], size=300), 300)[0], Palette.hollow, 0).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"u": np.zeros((2, 3))}, r"^u: expected numbers of shape \(n, 2\), got \(2, 3\)"),
        ({"u": np.zeros((0, 2)), "scores": []}, r"^u: expected numbers of shape \(n, 2\), got \(0, 2\)"),
        ({"u": [[0, 2], [0, 0]]}, r"^u: expected coordinates in \[0, 1\], got 0 to 2"),
        ({"u": [[0, np.nan], [0, 0]]}, "^u: expected finite numbers, got nan"),
        ({"scores": [1.0]}, r"^scores: expected numbers of shape \(2,\), got \(1,\)"),
        ({"field": np.zeros(4)}, r"^field: expected numbers of shape \(rows, columns\)"),
        ({"field": np.full((4, 4), np.nan)}, "^field: expected finite"),
        ({"field": lambda u: u}, r"^field: expected numbers of shape \(9216,\), got \(9216, 2\)"),
        ({"seeds": [("a", (0, 2))]}, r"^seeds\[0\]: expected places in \[0, 1\]"),
        ({"seeds": [("a", (0, 0, 0))]}, r"^seeds\[0\]: expected numbers of shape \(p, 2\)"),
        ({"seeds": [3]}, r"^seeds\[0\]: expected a name and its place"),
        ({"best": 2}, "^best: expected the index of one of the 2"),
        ({"thumbnails": [None]}, "^thumbnails: expected 2 images or None"),
        ({"thumbnails": [None, np.zeros((4, 4))]}, r"^thumbnails\[1\]: expected shape"),
        ({"thumbnails": [np.zeros((4, 4, 3), np.int64), None]}, r"^thumbnails\[0\]: expected uint8"),
        ({"names": "u1"}, "^names: expected two texts"),
        ({"size": 10}, "^size: expected a whole number of at least 200"),
        ({"direction": "best"}, "^direction: expected"),
    ],
)
def test_bad_maps_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        space_map(**{"u": [[0.1, 0.2], [0.3, 0.4]], "scores": [1.0, 2.0], **arguments})


# -------------------------------------------------------------------------------------------------- parallel coordinates


def weights(n, k, seed=0):
    w = np.abs(np.random.default_rng(seed).standard_normal((n, k)))
    return w / np.linalg.norm(w, axis=1, keepdims=True)


def axes_of(picture, k):
    """Left of each axis, and the rows of top and bottom."""
    columns = np.flatnonzero(near(picture, Palette.rule, 0).sum(0) > 50)
    columns = columns[:k]
    rows = np.flatnonzero(near(picture, Palette.rule, 0)[:, columns].any(1))
    return columns, rows.min(), rows.max()


def test_the_best_is_a_golden_line_through_its_weights():
    w = weights(30, 6)
    w[7, 0] = 0.05  # so that the best is not near anyone by chance
    w[7] /= np.linalg.norm(w[7])
    scores = np.zeros(30)
    scores[7] = 1
    picture = parallel_coordinates(w, scores, list("abcdef"))
    columns, _, _ = axes_of(picture, 6)
    golden = near(picture, Palette.best, 8)
    heights = [np.flatnonzero(golden[:, c - 1 : c + 2].any(1)).mean() for c in columns]
    off, slope = misfit(w[7], heights)
    assert off < 1.5 and slope < -200


def test_a_single_line_has_the_scale_of_its_weights():
    w = np.array([[0.6, 0.8, 0.0]])
    picture = parallel_coordinates(w, [0.3], ["a", "b", "c"])
    columns, top, bottom = axes_of(picture, 3)
    heights = [
        blobs(ndimage.binary_erosion(near(picture[:, c - 6 : c + 7], Palette.best, 20)), 5)[0, 1] for c in columns
    ]
    np.testing.assert_allclose(heights, [bottom - 0.75 * 420, top, bottom], atol=1.5)  # the scale ends at 0.8


def test_lines_are_coloured_by_score_and_the_better_lie_on_top():
    w = np.sqrt([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9], [0.55, 0.45]])
    scores = [0.0, 0.5, 1.0, 2.0]
    for sign, direction in ((1, "maximize"), (-1, "minimize")):
        picture = parallel_coordinates(w, np.multiply(scores, sign), ["a", "b"], best=3, direction=direction)
        columns, top, bottom = axes_of(picture, 2)
        x = columns[0] + 15
        most = 1.0
        light = []
        for i in range(3):
            y = bottom - (w[i] @ (1 - 15 / np.ptp(columns), 15 / np.ptp(columns))) / most * (bottom - top)
            light.append(lightness(picture[round(y) - 2 : round(y) + 3, x]).max())
        assert light[0] + 15 < light[1] < light[2] - 15
        cross = picture[:, (columns[0] + columns[1]) // 2]
        assert near(cross, Palette.best, 5).any()


def test_the_order_of_the_points_does_not_matter():
    w, scores = weights(50, 5), np.random.default_rng(1).random(50)
    order = np.random.default_rng(2).permutation(50)
    names = list("abcde")
    a = parallel_coordinates(w, scores, names)
    b = parallel_coordinates(w[order], scores[order], names)
    assert np.array_equal(a, b)
    assert (a[80:] != np.roll(a, 1, 1)[80:]).any()


def test_failed_points_are_faint_and_below():
    w = np.array([[1.0, 0.0], [0.0, 1.0]])
    picture = parallel_coordinates(w, [1.0, np.nan], ["a", "b"])
    columns, top, bottom = axes_of(picture, 2)
    # At the crossing, the middle, the golden line is on top of the failed one.
    middle = picture[(top + bottom) // 2, columns.sum() // 2]
    assert near(middle, Palette.best, 10)
    x = columns[0] + 40
    y = bottom - round(40 / np.ptp(columns) * (bottom - top))
    faint = picture[y - 2 : y + 3, x].astype(int)
    assert 30 < lightness(faint).max() < 100 and np.ptp(faint.max(0)) < 12  # grey


def test_nobody_best_where_all_failed():
    picture = parallel_coordinates(weights(9, 3), [np.nan] * 9, list("abc"))
    assert not near(picture, Palette.best, 30).any()


@pytest.mark.parametrize("k", [2, 3, 16, 64, 512])
@pytest.mark.parametrize("name", ["", "s", "seed 123456", "a name that is much too long for the place " * 3])
def test_any_number_of_seeds_and_any_names(k, name):
    picture = parallel_coordinates(weights(3, k), [1.0, 2.0, 3.0], [name] * k, title="weights", height=160)
    assert max(picture.shape) < 7000
    rows = np.flatnonzero((near(picture, Palette.rule, 0).sum(1) > 0.3 * k) & (np.arange(len(picture)) > 150))
    text = near(picture[rows.max() + 4 :], Palette.label, 25)
    assert text.any() == bool(name)
    if k < 64:
        assert len(axes_of(picture, k)[0]) == k
    edges = np.concatenate([picture[:10].reshape(-1, 3), picture[:, :10].reshape(-1, 3), picture[-10:].reshape(-1, 3)])
    assert (edges == Palette.ground).all()  # nothing runs over the margins


@pytest.mark.parametrize("scores", [[1e308, -1e308, 0], [0.0] * 3, [1.0, 1 + 1e-16, 1], [np.inf, 1, 2]])
def test_odd_scores_draw_lines_without_warnings(scores, recwarn):
    assert parallel_coordinates(weights(3, 4), scores, list("abcd")).dtype == np.uint8
    assert not recwarn


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"w": np.zeros((2, 1)), "names": ["a"]}, "^w: expected from 2 to 512 weights a point, got 1"),
        ({"w": np.zeros(3)}, r"^w: expected numbers of shape \(n, k\), got \(3,\)"),
        ({"w": np.zeros((0, 3)), "scores": []}, r"^w: expected numbers of shape \(n, k\), got \(0, 3\)"),
        ({"w": np.full((2, 3), 2.0)}, r"^w: expected weights in \[0, 1\], got 2 to 2"),
        ({"w": np.full((2, 3), np.nan)}, "^w: expected finite"),
        ({"scores": [1.0]}, r"^scores: expected numbers of shape \(2,\)"),
        ({"names": ["a"]}, "^names: expected 3 texts"),
        ({"names": "abc"}, "^names: expected 3 texts, one for each seed, got the text 'abc'"),
        ({"best": -1}, "^best: expected the index"),
        ({"height": 20}, "^height: expected a whole number of at least 100"),
        ({"direction": None}, "^direction: expected"),
    ],
)
def test_bad_lines_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        parallel_coordinates(**{"w": weights(2, 3), "scores": [1.0, 2.0], "names": list("abc"), **arguments})


def test_the_same_input_gives_the_same_bits_and_stays():
    u, w, scores = np.random.default_rng(8).random((20, 2)), weights(20, 5), np.random.default_rng(9).random(20)
    kept = [a.copy() for a in (u, w, scores)]
    for draw in (
        lambda: score_curve(scores, budget=40),
        lambda: space_map(u, scores, seeds=[("a", (0, 0))], size=300),
        lambda: parallel_coordinates(w, scores, list("abcde")),
    ):
        np.testing.assert_array_equal(draw(), draw())
    for before, after in zip(kept, (u, w, scores)):
        np.testing.assert_array_equal(before, after)
