"""The Gaussian process of maps, against scipy's normal distribution and known functions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import multivariate_normal

from surrogate.processes.gaussian_process import LENGTHS, MOST, NOISES, GaussianProcess


def wave(u):
    return np.sin(5 * u[:, 0]) + 0.1 * u[:, 1]


def matern(a, b, lengths):
    r = np.sqrt(5) * cdist(a / lengths, b / lengths)
    return (1 + r + r * r / 3) * np.exp(-r)


def log_likelihood(u, scores, lengths, noise):
    """By scipy, with the variance that makes it largest, without the constant."""
    y = (scores - scores.mean()) / scores.std()
    k = matern(u, u, lengths) + noise * np.eye(len(u))
    variance = y @ np.linalg.inv(k) @ y / len(y)
    return multivariate_normal.logpdf(y, np.zeros(len(y)), variance * k) + len(y) / 2 * (1 + np.log(2 * np.pi))


@pytest.fixture(scope="module")
def noisy():
    rng = np.random.default_rng(0)
    u = rng.random((60, 2))
    scores = wave(u) + 0.1 * rng.standard_normal(60)
    return u, scores, GaussianProcess.fit(u, scores)


def test_the_likelihood_is_that_of_the_normal_distribution(noisy):
    u, scores, process = noisy
    expected = log_likelihood(u, scores, process.lengths, process.noise)
    assert process.log_likelihood == pytest.approx(expected, abs=1e-6)


def test_of_noise_alone_the_likelihood_is_0():
    """The second point lies too far away for any length to reach."""
    process = GaussianProcess.fit([[0.0], [1e6], [2e6], [3e6]], [1.0, 7.0, 2.0, 4.0])
    assert process.log_likelihood == pytest.approx(0, abs=1e-9)
    assert log_likelihood(process.u, process.scores, process.lengths, 10.0) == pytest.approx(0, abs=1e-9)


def test_no_neighbour_on_the_grid_is_likelier(noisy):
    u, scores, process = noisy
    at = [int(np.argmin(abs(LENGTHS - length))) for length in process.lengths]
    noise = NOISES.index(process.noise)
    for i, step in ((0, -1), (0, 1), (1, -1), (1, 1), (2, -1), (2, 1)):
        moved = [*at, noise]
        moved[i] += step
        if all(0 <= m < len(LENGTHS) for m in moved[:2]) and 0 <= moved[2] < len(NOISES):
            other = log_likelihood(u, scores, LENGTHS[moved[:2]], NOISES[moved[2]])
            assert other <= process.log_likelihood + 1e-9


def test_the_mean_is_the_conditional_expectation(noisy):
    u, scores, process = noisy
    points = np.random.default_rng(1).random((30, 2))
    inverse = np.linalg.inv(matern(u, u, process.lengths) + process.noise * np.eye(60))
    expected = scores.mean() + matern(points, u, process.lengths) @ inverse @ (scores - scores.mean())
    np.testing.assert_allclose(process.mean(points), expected, atol=1e-9)


def test_without_a_score_it_is_what_the_others_say(noisy):
    """Against as many refits, each without one score, all else as it was."""
    u, scores, process = noisy
    y = (scores - scores.mean()) / scores.std()
    mean, deviation = process.leave_one_out()
    for i in range(60):
        others = np.arange(60) != i
        inverse = np.linalg.inv(matern(u[others], u[others], process.lengths) + process.noise * np.eye(59))
        near = matern(u[[i]], u[others], process.lengths)[0]
        variance = process.signal * (1 + process.noise - near @ inverse @ near)
        assert mean[i] == pytest.approx(scores.mean() + scores.std() * (near @ inverse @ y[others]), abs=1e-9)
        assert deviation[i] == pytest.approx(scores.std() * np.sqrt(variance), abs=1e-9)
    assert np.mean(((scores - mean) / deviation) ** 2) <= 1 + 1e-9


def test_deviations_are_those_of_the_joint_distribution(noisy):
    u, scores, process = noisy
    a, b = np.random.default_rng(1).random((2, 20, 2))
    both = np.concatenate([a, b])
    near = matern(both, u, process.lengths)
    inverse = np.linalg.inv(matern(u, u, process.lengths) + process.noise * np.eye(60))
    joint = scores.var() * process.signal * (matern(both, both, process.lengths) - near @ inverse @ near.T)
    np.testing.assert_allclose(process.deviation(both), np.sqrt(np.diag(joint)), atol=1e-9)
    mean, deviation = process.difference(a, b)
    rows = np.concatenate([np.eye(20), -np.eye(20)], axis=1)
    np.testing.assert_allclose(mean, process.mean(a) - process.mean(b), atol=1e-12)
    np.testing.assert_allclose(deviation, np.sqrt(np.diag(rows @ joint @ rows.T)), atol=1e-9)
    one, spread = process.difference(a, b[:1])
    assert one[3] == pytest.approx(mean[3] + process.mean(b[3:4])[0] - process.mean(b[:1])[0])
    assert spread[0] == pytest.approx(deviation[0])
    average = rows.mean(0)
    assert process.mean_difference(a, b) == pytest.approx((mean.mean(), np.sqrt(average @ joint @ average)), abs=1e-9)
    assert process.difference(a, a)[1].max() < 1e-6


def test_alike_coordinates_have_one_length(noisy):
    u, scores, process = noisy
    alike = GaussianProcess.fit(u, scores, alike=True)
    assert alike.lengths[0] == alike.lengths[1]
    assert alike.log_likelihood < process.log_likelihood


def test_it_averages_noise_and_sees_which_coordinate_matters(noisy):
    _, _, process = noisy
    points = np.random.default_rng(2).random((500, 2))
    assert np.sqrt(np.mean((process.mean(points) - wave(points)) ** 2)) < 0.06  # the noise is 0.1
    assert process.lengths[1] > 2 * process.lengths[0]
    assert 1e-3 <= process.noise <= 1e-1


def test_it_goes_through_scores_without_noise():
    u = np.random.default_rng(3).random((40, 2))
    process = GaussianProcess.fit(u, wave(u))
    np.testing.assert_allclose(process.mean(u), wave(u), atol=1e-3)
    points = np.random.default_rng(4).random((200, 2))
    assert np.abs(process.mean(points) - wave(points)).max() < 0.05


def test_units_do_not_matter(noisy):
    u, scores, process = noisy
    other = GaussianProcess.fit(u, 1e6 - 300 * scores)
    points = np.random.default_rng(5).random((50, 2))
    np.testing.assert_array_equal(other.lengths, process.lengths)
    np.testing.assert_allclose(other.mean(points), 1e6 - 300 * process.mean(points), rtol=1e-9)


def test_scores_that_failed_do_not_count(noisy):
    u, scores, process = noisy
    more = np.concatenate([u, [[0.5, 0.5], [0.1, 0.1]]])
    other = GaussianProcess.fit(more, [*scores, np.nan, -np.inf])
    points = np.random.default_rng(6).random((50, 2))
    np.testing.assert_array_equal(other.mean(points), process.mean(points))


@pytest.mark.parametrize("n", [2, 3, 9])
def test_few_scores_have_one_length(n):
    u = np.random.default_rng(7).random((n, 2))
    process = GaussianProcess.fit(u, wave(u))
    assert process.lengths[0] == process.lengths[1]
    assert np.isfinite(process.mean(u)).all()


def test_equal_scores_and_equal_places():
    u = np.random.default_rng(8).random((20, 2))
    np.testing.assert_allclose(GaussianProcess.fit(u, np.full(20, 7.0)).mean(u), 7)
    same = GaussianProcess.fit(np.full((20, 2), 0.3), np.arange(20.0))
    assert same.mean([[0.3, 0.3]])[0] == pytest.approx(9.5, abs=0.1)


def test_many_evaluations_are_thinned_evenly():
    rng = np.random.default_rng(9)
    u = rng.random((5 * MOST, 1))
    process = GaussianProcess.fit(u, np.sin(5 * u[:, 0]) + 0.1 * rng.standard_normal(len(u)))
    assert len(process.u) == MOST
    assert (process.u[0], process.u[-1]) == (u[0], u[-1])
    points = np.linspace(0, 1, 40)[:, None]
    assert np.abs(process.mean(points) - np.sin(5 * points[:, 0])).max() < 0.1


@pytest.mark.parametrize(
    ("u", "scores", "message"),
    [
        (np.zeros((3, 2)), np.zeros(4), r"u must have shape \(n, d\) and scores \(n,\), got \(3, 2\) and \(4,\)"),
        (np.zeros(3), np.zeros(3), "u must have shape"),
        (np.zeros((3, 0)), np.zeros(3), "u must have shape"),
        (np.full((3, 2), np.nan), np.zeros(3), "u must be finite"),
        (np.zeros((3, 2)), [1, np.nan, np.inf], "at least 2 finite ones, got 1"),
    ],
)
def test_bad_input_is_named(u, scores, message):
    with pytest.raises(ValueError, match=message):
        GaussianProcess.fit(u, scores)


def test_points_of_another_space_are_named(noisy):
    with pytest.raises(ValueError, match=r"points must have shape \(m, 2\), got \(4, 3\)"):
        noisy[2].mean(np.zeros((4, 3)))
