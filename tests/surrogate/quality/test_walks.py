"""Walks: even steps, all distances, nothing twice."""

import numpy as np
import pytest

from surrogate import Seeds, SurrogateSpace
from surrogate.quality import walks


@pytest.mark.parametrize("k", [2, 3, 32])
@pytest.mark.parametrize("count", [8, 11, 12, 32, 100])
def test_points_stand_at_even_steps_on_straight_walks(k, count):
    space = SurrogateSpace(Seeds.from_range(0, k))
    made = walks(space, count, 3)
    assert made.u.shape == (count, k - 1) and len(made) == count
    assert 0 <= made.u.min() and made.u.max() <= 1
    sizes = np.bincount(made.walk)
    assert len(sizes) == max(1, round(count / 8)) and np.ptp(sizes) <= 1
    for number in range(len(sizes)):
        along = np.diff(made.u[made.walk == number], axis=0)
        np.testing.assert_allclose(along, np.broadcast_to(along[0], along.shape), atol=1e-12)
        assert np.abs(along).max() > 1e-3
    i, j = made.pairs
    assert (made.walk[i] == made.walk[j]).all() and len(i) == (sizes * (sizes - 1) // 2).sum()


def test_a_seed_names_them():
    space = SurrogateSpace(Seeds.from_range(0, 4))
    assert np.array_equal(walks(space, 16, 1).u, walks(space, 16, 1).u)
    assert not np.array_equal(walks(space, 16, 1).u, walks(space, 16, 2).u)


@pytest.mark.parametrize("count", [0, 7, 5000, 16.0, True, "16"])
def test_a_number_that_is_none(count):
    with pytest.raises(ValueError, match="count must be a whole number of points from 8 to 4096, got"):
        walks(SurrogateSpace(Seeds.from_range(0, 3)), count)
