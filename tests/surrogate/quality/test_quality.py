"""The verdict on a space whose model is known: good, spoilt by the sampler, without reaction, not closed."""

import numpy as np
import pytest

from surrogate import Seeds, SurrogateSpace
from surrogate.quality import Grade, drawing, space_quality, walks

from .conftest import SHAPE, alike, noises, pictures_of


def looked_at(space, fresh, pictures=None, again=None, count=32, seed=0):
    points = walks(space, count, seed)
    z = space.latents(points.u, SHAPE)
    made = pictures_of(z) if pictures is None else pictures
    return space_quality(space, points, made, z, fresh, (1, made[1] if again is None else again), seed)


def test_a_good_space(fresh):
    found = looked_at(SurrogateSpace(Seeds.from_range(0, 4)), fresh)
    assert (found.near, found.closed, found.advice) == (Grade.YES, Grade.YES, [])
    assert found.summary.startswith("Near points give near pictures: yes. ") and found.text.startswith(found.summary)
    assert "4 seeds, chart knothe_rosenblatt" in found.text and "32 points, 32 fresh noises, 112 pairs" in found.text


def test_a_sampler_with_noise_of_its_own(fresh):
    space = SurrogateSpace(Seeds.from_range(0, 4))
    found = looked_at(space, fresh, pictures_of(noises(800, 32)), again=fresh[0])
    assert found.near is Grade.NO and "the same noise for every point" in found.advice[0] and found.differs_in_a_batch
    # Also if the points of a batch go well together: the next batch is another map.
    found = looked_at(space, fresh, again=fresh[0])
    assert found.stationarity.by_u.rank > 0.8 and found.near is Grade.NO
    # A little of it spoils less.
    z = space.latents(walks(space, 32).u, SHAPE)
    found = looked_at(space, fresh, again=pictures_of(z + 0.2 * noises(800, 32))[1])
    assert (
        found.near is Grade.WEAKLY and "the same noise for every point" in found.advice[0] and found.differs_in_a_batch
    )


def test_a_model_that_answers_in_jumps(fresh):
    space = SurrogateSpace(Seeds.from_range(0, 4), "angular")
    found = looked_at(space, fresh, pictures_of(noises(800, 32)))
    assert found.near is Grade.NO and "answers in jumps" in found.advice[0]
    assert "knothe_rosenblatt" in found.advice[1]


def test_a_model_that_does_not_react(fresh):
    space = SurrogateSpace(Seeds.from_range(0, 4))
    still = fresh // 64 + np.uint8(100)
    found = looked_at(space, still, pictures_of(space.latents(walks(space, 32).u, SHAPE)) // 64 + np.uint8(100))
    assert found.near is Grade.NO and found.closed is Grade.YES
    assert found.advice == [line for line in found.advice if "hardly reacts to noise" in line] != []
    found = looked_at(space, np.zeros_like(fresh), np.zeros((32, 9, 9, 3), np.uint8))
    assert found.near is Grade.NO and "All pictures of the space are the same." in found.summary


def test_seeds_that_are_alike(fresh):
    found = looked_at(alike(4, 0.9), fresh)
    assert found.closed is Grade.NO and found.near is Grade.YES
    assert "0 of 32 blends are noise to the model; point" in found.summary and "sphere transport" in found.advice[-1]
    assert looked_at(alike(4, 0.9, "sphere"), fresh).closed is Grade.YES
    # Weak seeds stay weak: the sphere keeps their norm.
    weak = SurrogateSpace(Seeds.from_tensors(0.7 * noises(0, 4)), transport="sphere")
    found = looked_at(weak, fresh)
    assert found.closed is Grade.NO and found.advice == ["A check of the seeds says what is wrong with them."]


def test_a_narrow_space(fresh):
    """Its points differ, in what nobody sees: rounding is not taken for the sampler's noise."""
    made = 0.999**0.5 * noises(900, 1) + 0.001**0.5 * noises(100, 4)
    space = SurrogateSpace(Seeds.from_tensors(made), transport="sphere")
    again = pictures_of(space.latents(walks(space, 32).u, SHAPE))[1]
    again[0] += 1
    found = looked_at(space, fresh, again=again)
    assert found.again > 0 and found.near is Grade.YES
    assert found.advice == ["The pictures of the space are nearly the same: take seeds that differ more."]


def test_pictures_that_stand_out_although_the_noise_is_good(fresh):
    space = SurrogateSpace(Seeds.from_range(0, 4))
    z = space.latents(walks(space, 32).u, SHAPE)
    found = looked_at(space, fresh, pictures_of(3 * z))
    assert found.closed is Grade.WEAKLY and "chosen for their looks" in found.summary


def test_it_repeats_and_leaves_its_inputs_alone(fresh):
    space, before = SurrogateSpace(Seeds.from_range(0, 4)), fresh.copy()
    first, second = (looked_at(space, fresh, seed=3) for _ in range(2))
    assert first.text == second.text and np.array_equal(drawing(first), drawing(second))
    assert np.array_equal(fresh, before)


def test_it_is_drawn(fresh):
    """Good and hopeless spaces, with few points and many; what moves moves."""
    good = looked_at(SurrogateSpace(Seeds.from_range(0, 4)), fresh)
    drawn = drawing(good)
    assert drawn.dtype == np.uint8 and drawn.shape[1:] == (960, 3)
    burnt = drawing(looked_at(alike(4, 0.9), fresh, count=64))
    assert burnt.shape[1] == 960 and not np.array_equal(drawn, burnt[: drawn.shape[0]])
    space = SurrogateSpace(Seeds.from_range(0, 4))
    assert drawing(looked_at(space, np.zeros_like(fresh), np.zeros((8, 9, 9, 3), np.uint8), count=8)).shape[1] == 960


def test_numbers_that_do_not_fit(fresh):
    space = SurrogateSpace(Seeds.from_range(0, 4))
    with pytest.raises(ValueError, match="31 pictures for 32 points"):
        looked_at(space, fresh, pictures_of(noises(0, 31)))
    with pytest.raises(ValueError, match="At least 7 pictures of fresh noise"):
        looked_at(space, fresh[:5])
