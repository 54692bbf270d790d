"""The charts: their laws, the paper's package, mpmath where float64 is hard, and the measure."""

from __future__ import annotations

import functools

import mpmath
import numpy as np
import pytest
import scipy.stats
from latent_spaces_by_example.charts import AngularChart, KnotheRosenblattChart

from surrogate.charts import CHARTS, TOLERANCE, Chart, chart_named, check_coordinates, check_weights

KS = (2, 3, 8, 64, 1024)
HARD = (0.0, 5e-324, 1e-310, 1e-300, 1e-100, 1e-17, 1e-9, 0.5, 1 - 1e-9, 1 - 1e-16, 1.0)
every_chart = pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
every_k = pytest.mark.parametrize("k", KS)


def orthant(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    """n points (n, k), uniform on the non-negative part of the unit sphere."""
    w = np.abs(rng.standard_normal((n, k)))
    return w / np.linalg.norm(w, axis=1, keepdims=True)


def hard_points(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    """Points (n, k-1) of the closed cube: each hard number in every coordinate, then mixtures of them and of 0 and 1."""
    same = np.tile(np.array(HARD)[:, None], (1, k - 1))
    corners = rng.integers(0, 2, (n, k - 1)).astype(float)
    return np.concatenate([same, corners, rng.choice(HARD, (n, k - 1))])


# Laws of every chart.


@every_chart
def test_it_is_registered_under_its_name(chart):
    assert isinstance(chart, Chart)
    assert CHARTS[chart.name] is chart


@every_chart
@every_k
def test_weights_are_a_unit_vector_of_the_orthant(chart, k):
    rng = np.random.default_rng(k)
    u = np.concatenate([rng.random((100, k - 1)), hard_points(rng, 60, k)])
    w = chart.weights(u)
    assert w.shape == (len(u), k)
    assert w.dtype == np.float64
    assert (w >= 0).all() and (w <= 1).all()
    np.testing.assert_allclose(np.linalg.norm(w, axis=1), 1, atol=1e-14)


@every_chart
@every_k
def test_coordinates_lie_in_the_cube(chart, k):
    rng = np.random.default_rng(k)
    w = np.concatenate([orthant(rng, 100, k), np.eye(k), chart.weights(hard_points(rng, 60, k))])
    u = chart.coordinates(w)
    assert u.shape == (len(w), k - 1)
    assert u.dtype == np.float64
    assert (u >= 0).all() and (u <= 1).all()


@every_chart
@every_k
def test_round_trip_from_coordinates(chart, k):
    rng = np.random.default_rng(k)
    # Where the orthant's points are: at large k the angular chart leaves float64 elsewhere in the cube.
    u = chart.coordinates(orthant(rng, 100, k))
    if k <= 8:
        u = np.concatenate([u, rng.uniform(0.02, 0.98, (100, k - 1))])
    np.testing.assert_allclose(chart.coordinates(chart.weights(u)), u, atol=1e-12)


@every_chart
@every_k
def test_round_trip_from_weights(chart, k):
    rng = np.random.default_rng(k)
    # Blends of two seeds alone; at large k not nearer to the first one than float64 coordinates reach.
    nearest = 0.001 if k <= 64 else 0.4
    angle = rng.uniform(nearest, 1, 200) * np.pi / 2
    pairs = np.zeros((200, k))
    for row, theta in zip(pairs, angle, strict=True):
        i, j = np.sort(rng.choice(k, 2, replace=False))
        row[i], row[j] = np.cos(theta), np.sin(theta)
    w = np.concatenate([orthant(rng, 100, k), pairs])
    np.testing.assert_allclose(chart.weights(chart.coordinates(w)), w, atol=1e-13)


@every_chart
@every_k
def test_vertices_are_exact(chart, k):
    vertices = np.eye(k)
    u = chart.coordinates(vertices)
    assert np.array_equal(u, np.tri(k, k - 1, -1) + (np.arange(k - 1) > np.arange(k)[:, None]))
    assert np.array_equal(chart.weights(u), vertices)


@every_chart
@every_k
def test_first_and_last_seed_are_opposite_corners(chart, k):
    w = chart.weights(np.array([np.zeros(k - 1), np.ones(k - 1)]))
    assert np.array_equal(w, np.eye(k)[[0, -1]])


@every_chart
@every_k
def test_every_corner_of_the_cube_is_a_seed(chart, k):
    corners = np.random.default_rng(k).integers(0, 2, (100, k - 1)).astype(float)
    w = chart.weights(corners)
    # The first coordinate that is 0 takes all the weight; -0.0 is 0.
    first = np.where((corners == 0).any(1), corners.argmin(1), k - 1)
    assert np.array_equal(w, np.eye(k)[first])
    assert np.array_equal(chart.weights(np.where(corners == 0, -0.0, 1.0)), w)


@every_chart
@every_k
def test_nothing_is_nan_on_the_closed_cube(chart, k):
    w = chart.weights(hard_points(np.random.default_rng(k), 200, k))
    u = chart.coordinates(w)
    again = chart.weights(u)
    assert np.isfinite(w).all() and np.isfinite(u).all() and np.isfinite(again).all()
    np.testing.assert_allclose(again, w, atol=1e-13)


@every_chart
@every_k
def test_a_point_does_not_depend_on_its_batch(chart, k):
    rng = np.random.default_rng(k)
    u = np.concatenate([rng.random((30, k - 1)), hard_points(rng, 20, k)])
    w = chart.weights(u)
    back = chart.coordinates(w)
    assert np.array_equal(np.stack([chart.weights(point) for point in u]), w)
    assert np.array_equal(np.stack([chart.coordinates(point) for point in w]), back)
    assert np.array_equal(chart.weights(u[::-1]), w[::-1])
    assert np.array_equal(chart.weights(np.asfortranarray(u)), w)
    assert np.array_equal(chart.coordinates(np.asfortranarray(w)), back)


@every_chart
@pytest.mark.parametrize("batch", [(), (1,), (5,), (2, 3), (2, 1, 3), (0,)])
def test_any_leading_shape(chart, batch):
    u = np.random.default_rng(0).random((*batch, 4))
    w = chart.weights(u)
    assert w.shape == (*batch, 5)
    assert np.array_equal(w.reshape(-1, 5), chart.weights(u.reshape(-1, 4)))
    back = chart.coordinates(w)
    assert back.shape == u.shape
    np.testing.assert_allclose(back, u, atol=1e-13)


@every_chart
def test_the_input_is_left_alone(chart):
    u = np.random.default_rng(0).random((3, 4))
    w = chart.weights(u)
    before = u.copy(), w.copy()
    chart.weights(u), chart.coordinates(w)
    assert np.array_equal(u, before[0]) and np.array_equal(w, before[1])


@every_chart
def test_float32_and_lists_are_welcome(chart):
    u = np.array([[0.25, 0.5, 1.0]], dtype=np.float32)
    assert np.array_equal(chart.weights(u), chart.weights([[0.25, 0.5, 1.0]]))


@every_chart
@pytest.mark.parametrize(
    ("u", "message"),
    [
        ([[]], r"shape \(1, 0\).*Add a second seed"),
        (0.5, r"shape \(\)"),
        ([0.5, np.nan], r"finite, got nan at index \(1,\)"),
        ([[0.5, np.inf]], r"finite, got inf at index \(0, 1\)"),
        ([0.5, 1.001], r"cube \[0, 1\]\^2, got 1\.001 at index \(1,\)"),
        ([-1e-6, 0.5], r"cube .*got -1e-06 at index \(0,\)"),
    ],
)
def test_bad_coordinates_are_named(chart, u, message):
    with pytest.raises(ValueError, match=message):
        chart.weights(u)


@every_chart
@pytest.mark.parametrize(
    ("w", "message"),
    [
        ([1.0], r"at least 2 seeds, got shape \(1,\)"),
        ([np.nan, 1.0], r"finite, got nan at index \(0,\)"),
        ([1.0, -1e-6], r"negative, got -1e-06 at index \(1,\)"),
        ([0.5, 0.5], r"norm 1, got norm 0\.707107"),
        ([[1.0, 0.0], [0.0, 0.0]], r"norm 1, got norm 0"),
    ],
)
def test_bad_weights_are_named(chart, w, message):
    with pytest.raises(ValueError, match=message):
        chart.coordinates(w)


@every_chart
def test_rounding_outside_the_domain_is_projected_back(chart):
    off = TOLERANCE / 2
    assert np.array_equal(chart.weights([-off, 1 + off]), chart.weights([0.0, 1.0]))
    assert np.array_equal(chart.coordinates([1 + off, -off]), chart.coordinates([1.0, 0.0]))


def test_the_number_of_seeds_is_checked_where_it_is_known():
    with pytest.raises(ValueError, match="3 coordinates a point, but a space of 3 seeds has 2"):
        check_coordinates([0.1, 0.2, 0.3], k=3)
    with pytest.raises(ValueError, match="2 weights a point, but the space has 3 seeds"):
        check_weights([1.0, 0.0], k=3)


# Against others.


@pytest.mark.parametrize("k", [2, 3, 5, 8, 16, 32, 64])
@pytest.mark.parametrize(
    ("name", "official"), [("knothe_rosenblatt", KnotheRosenblattChart()), ("angular", AngularChart())]
)
def test_it_agrees_with_the_papers_package(name, official, k):
    rng = np.random.default_rng(k)
    u = rng.uniform(0.01, 0.99, (300, k - 1))
    np.testing.assert_allclose(CHARTS[name].weights(u), official.forward(u), atol=1e-12, rtol=0)
    u = official.inverse(orthant(rng, 1000, k))
    # The package's arccos loses digits near 0: ours are compared there with mpmath, below.
    u = u[(u > (0.2 if name == "angular" else 0.01)).all(axis=1)]
    assert len(u) > 100
    w = official.forward(u)
    np.testing.assert_allclose(CHARTS[name].coordinates(w), official.inverse(w), atol=1e-12, rtol=0)


@pytest.mark.parametrize("k", [2, 8, 64, 1024])
def test_angles_have_the_digits_of_mpmath(k):
    w = orthant(np.random.default_rng(k), 4, k)
    w[1, : k // 2], w[2, : (k + 1) // 2], w[3, 0] = 1e-9, 0.0, 1e3
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    for u, row in zip(CHARTS["angular"].coordinates(w), w.tolist(), strict=True):
        with mpmath.workdps(40):
            left = mpmath.mpf(0)
            for i in reversed(range(k - 1)):
                left += mpmath.mpf(row[i + 1]) ** 2
                exact = mpmath.atan2(mpmath.sqrt(left), row[i]) * 2 / mpmath.pi
                assert abs(u[i] - exact) < 1e-15


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_two_seeds_are_a_quarter_circle(chart):
    u = np.linspace(0, 1, 1001)[:, None]
    circle = np.concatenate([np.cos(np.pi * u / 2), np.sin(np.pi * u / 2)], axis=1)
    np.testing.assert_allclose(chart.weights(u), circle, atol=1e-15)


@functools.cache
def exact_stick(b: float, u: float) -> tuple[mpmath.mpf, mpmath.mpf]:
    """v and 1-v of I(1/2, b; v) = 1-u in 60 digits, each solved in the log of the one that is small."""
    with mpmath.workdps(60):
        b, below, above = mpmath.mpf(b), mpmath.mpf(u), 1 - mpmath.mpf(u)
        if u in (0.0, 1.0):
            return above, below
        if below < above:
            rest = _solve(b, mpmath.mpf("0.5"), below)
            return 1 - rest, rest
        v = _solve(mpmath.mpf("0.5"), b, above)
        return v, 1 - v


def _solve(a, b, y):
    """x of I(a, b; x) = y, bracketed in log x: near 0, I is x^a / (a B(a, b))."""
    near = (mpmath.log(y) + mpmath.log(a) + mpmath.log(mpmath.beta(a, b))) / a
    cdf = functools.partial(mpmath.betainc, a, b, 0, regularized=True)
    bracket = (near - 2, mpmath.mpf("-1e-9"))
    return mpmath.exp(mpmath.findroot(lambda t: mpmath.log(cdf(mpmath.exp(t)) / y), bracket, solver="anderson"))


def exact_weights(u: np.ndarray) -> list[mpmath.mpf]:
    """The Knothe-Rosenblatt weights of one point (k-1,), in 60 digits."""
    k, left, w = len(u) + 1, mpmath.mpf(1), []
    with mpmath.workdps(60):
        for i, coordinate in enumerate(u.tolist(), 1):
            v, rest = exact_stick((k - i) / 2, coordinate)
            w.append(mpmath.sqrt(left * v))
            left *= rest
        return [*w, mpmath.sqrt(left)]


def assert_exact(u: np.ndarray):
    w = CHARTS["knothe_rosenblatt"].weights(u)
    for i, (got, expected) in enumerate(zip(w.tolist(), exact_weights(u), strict=True)):
        # Squares of weights below 1e-150 do not exist in float64.
        error = abs(mpmath.mpf(got) - expected)
        assert error <= 1e-12 * expected or error < 1e-150, (i, got, mpmath.nstr(expected, 17))


@pytest.mark.parametrize("k", KS)
@pytest.mark.parametrize("u", [1e-300, 1e-100, 1e-17, 1e-9, 0.1, 0.9, 1 - 1e-9, 1 - 1e-16])
def test_each_stick_has_the_digits_of_mpmath(k, u):
    for i in sorted({0, (k - 1) // 2, max(0, k - 3), k - 2}):
        # Ones before it and zeros behind it: one stick alone is broken, in two.
        point = np.r_[np.ones(i), u, np.zeros(k - 2 - i)]
        assert_exact(point)


@pytest.mark.parametrize("k", [3, 8, 64, 1024])
def test_whole_points_have_the_digits_of_mpmath(k):
    rng = np.random.default_rng(k)
    inside = (1e-300, 1e-17, 1e-9, 0.3, 0.7, 1 - 1e-9, 1 - 1e-16)
    for hard in (inside[3:], inside):
        point = np.ones(k - 1)
        some = rng.choice(k - 1, min(k - 1, 8), replace=False)
        point[some] = rng.choice(hard, len(some))
        assert_exact(point)


def test_large_k_near_the_first_seed_ends_at_the_seed():
    # u is about (1 - w_1²)^((k-1)/2): below the smallest float64, the point and the seed have the same coordinates.
    chart = CHARTS["knothe_rosenblatt"]
    for k, norm in ((128, 0.0035), (1024, 0.49)):
        w = np.full(k, norm / np.sqrt(k - 1))
        w[0] = np.sqrt(1 - norm**2)
        u = chart.coordinates(w)
        assert u[0] < 1e-300
        np.testing.assert_allclose(chart.weights(u), w, atol=norm)
        w = np.full(k, 1.2 * norm / np.sqrt(k - 1))
        w[0] = np.sqrt(1 - (1.2 * norm) ** 2)
        np.testing.assert_allclose(chart.weights(chart.coordinates(w)), w, atol=1e-12)


# The measure.


def uniformity(w: np.ndarray, seed: int) -> float:
    """Smallest p-value, times the number of tests, of w (n, k) being uniform on the orthant."""
    n, k = w.shape
    rng = np.random.default_rng(seed)
    other = orthant(rng, n, k)
    p = [scipy.stats.kstest(column**2, scipy.stats.beta(0.5, (k - 1) / 2).cdf).pvalue for column in w.T[:16]]
    for direction in rng.standard_normal((8, k)):
        p.append(scipy.stats.ks_2samp(w @ direction, other @ direction).pvalue)
    for angle in (w.min(axis=1), other.min(axis=1)), (w.max(axis=1), other.max(axis=1)):
        p.append(scipy.stats.ks_2samp(*angle).pvalue)
    return min(p) * len(p)


@pytest.mark.parametrize(("k", "n"), [(2, 10000), (3, 10000), (8, 10000), (64, 4000)])
def test_the_uniform_cube_becomes_the_uniform_orthant(k, n):
    u = np.random.default_rng(k).random((n, k - 1))
    assert uniformity(CHARTS["knothe_rosenblatt"].weights(u), seed=k) > 0.01


@pytest.mark.parametrize("k", [3, 8, 64])
def test_the_uniform_orthant_becomes_the_uniform_cube(k):
    u = CHARTS["knothe_rosenblatt"].coordinates(orthant(np.random.default_rng(k), 4000, k))
    p = [scipy.stats.kstest(column, "uniform").pvalue for column in u.T]
    assert min(p) * len(p) > 0.01
    # Independent, not only each uniform.
    correlation = np.corrcoef(u.T) - np.eye(k - 1)
    assert np.abs(correlation).max() < 5 / np.sqrt(len(u))


@pytest.mark.parametrize("k", [3, 8])
def test_the_test_of_the_measure_tells_the_angular_chart(k):
    u = np.random.default_rng(k).random((10000, k - 1))
    assert uniformity(CHARTS["angular"].weights(u), seed=k) < 1e-6


# The whole sphere, which is no chart to choose: weights of either sign.

WHOLE = chart_named("whole_sphere")


@every_k
def test_whole_sphere_round_trips(k):
    rng = np.random.default_rng(k)
    w = rng.standard_normal((200, k))
    w[:40, k // 2 :] = 0  # seeds that are not used yet
    w[:40, 0] += 1e-3
    w = np.concatenate([w / np.linalg.norm(w, axis=1, keepdims=True), np.eye(k), -np.eye(k)])
    u = WHOLE.coordinates(w)
    assert u.shape == (len(w), k - 1)
    assert ((u >= 0) & (u <= 1)).all()
    np.testing.assert_allclose(WHOLE.weights(u), w, atol=2e-14)
    assert (np.abs(WHOLE.weights(u)[:40, k // 2 + 1 :]) == 0).all()


@every_k
def test_whole_sphere_has_exact_vertices(k):
    assert np.array_equal(WHOLE.weights(WHOLE.coordinates(np.eye(k))), np.eye(k))
    assert np.array_equal(WHOLE.weights(WHOLE.coordinates(-np.eye(k))), -np.eye(k))
    halves = np.where(np.arange(k - 1) < np.arange(k)[:, None], 0.5, 0.0)
    halves[-1, -1] = 0.25
    assert np.array_equal(WHOLE.coordinates(np.eye(k)), halves)


@every_k
def test_whole_sphere_is_defined_on_the_closed_cube(k):
    w = WHOLE.weights(hard_points(np.random.default_rng(k), 60, k))
    assert np.isfinite(w).all()
    np.testing.assert_allclose(np.linalg.norm(w, axis=1), 1, atol=1e-14)


def test_whole_sphere_is_not_for_choosing_and_takes_unit_vectors_alone():
    assert WHOLE.name not in CHARTS
    with pytest.raises(ValueError, match="norm 1"):
        WHOLE.coordinates([0.5, -0.5])
    with pytest.raises(ValueError, match="There is no chart 'round': choose one of knothe_rosenblatt"):
        chart_named("round")
