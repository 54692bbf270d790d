"""Steps: where they begin, how long they are, and what two charts make of them."""

import numpy as np
import pytest

from surrogate import CHARTS
from surrogate.quality import PLACES, steps
from surrogate.quality.stretch import angles


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("k", [2, 3, 9])
def test_steps_begin_at_their_place_and_stay_inside(place, k):
    before, after = steps(k, place, 200, 0.1, seed=2)
    assert before.shape == after.shape == (200, k - 1)
    for u in (before, after):
        assert 0 <= u.min() and u.max() <= 1
    np.testing.assert_allclose(np.linalg.norm(after - before, axis=1), 0.1, atol=1e-12)
    at_border = ((before == 0) | (before == 1)).sum(1)
    assert set(at_border) == {{"face": 1, "edge": k - 2, "corner": k - 1}.get(place, 0)}
    if place == "middle":
        assert 0.4 <= before.min() and before.max() <= 0.6


def test_angles_are_accurate_where_they_are_small():
    for angle in (1e-9, 1e-3, 1.0, np.pi / 2):
        a, b = np.array([[1.0, 0.0]]), np.array([[np.cos(angle), np.sin(angle)]])
        assert angles(a, b)[0] == pytest.approx(angle, rel=1e-6)


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_a_space_of_two_seeds_is_the_same_everywhere(chart):
    before, after = steps(2, "anywhere", 100, 0.1)
    np.testing.assert_allclose(angles(chart.weights(before), chart.weights(after)), 0.1 * np.pi / 2, rtol=1e-9)


def test_steps_that_are_none():
    with pytest.raises(ValueError, match="There is no place 'outside': choose one of anywhere, middle"):
        steps(3, "outside", 1, 0.1)
    for length in (0, -1, 0.6, np.nan):
        with pytest.raises(ValueError, match=r"length must be above 0 and at most 0\.5"):
            steps(3, "corner", 1, length)
