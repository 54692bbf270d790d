"""From likes to noises: every picture is valid noise, and a page never changes once it was shown."""

import json

import numpy as np
import pytest
import torch

from surrogate import Seeds, space_from_recipe
from surrogate.explore import ACTS, Course, Session
from surrogate.space import LARGEST_K

SHAPE = (16, 16, 16)
BRED = [act for act in ACTS if act != "finish"]


def noises(course, number=None):
    space, points = course.page(number)
    return space.latents(points.u, SHAPE)


def after(*acts, **more):
    session = Session()
    for act in acts:
        session = session.like(1, 4).then(act, **more)
    return session


def test_the_first_page_shows_the_integers_from_the_seed_on():
    _, points = Course(Session(), 41).page()
    assert points.marks == tuple(f"seed {41 + i}" for i in range(9))
    expected = Seeds.from_range(41, 9)
    assert all(torch.equal(z, seed.noise((SHAPE,))[0]) for z, seed in zip(noises(Course(Session(), 41)), expected))


def test_given_seeds_come_first_and_are_not_drawn_again():
    given = Seeds.from_text("7, 9")
    _, points = Course(Session(), 6, given).page()
    assert points.marks == tuple(f"seed {value}" for value in (7, 9, 10, 11, 12, 13, 14, 15, 16))


def test_given_noises_of_any_kind_and_a_transport():
    latents = torch.randn(3, *SHAPE, generator=torch.Generator().manual_seed(1))
    course = Course(after("more", "mix"), 5, Seeds.from_tensors(latents), "sphere")
    assert torch.equal(noises(course, 0)[:3], latents)
    assert noises(course).square().mean().item() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("act", BRED)
def test_every_page_is_valid_noise(act):
    course = Course(after("more", act), 3)
    space, points = course.page()
    assert len(points) == 9
    np.testing.assert_allclose(np.linalg.norm(space.weights(points.u), axis=1), 1, atol=1e-12)
    assert noises(course).std().item() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("act", ACTS)
def test_the_same_session_gives_the_same_page(act):
    made = after("more", act)
    again = Course(Session.parse(made.text()), 3)
    assert torch.equal(noises(Course(made, 3)), noises(again))


@pytest.mark.parametrize("act", ["more", "mix", "surprise", "none", "near"])
def test_what_comes_after_a_page_does_not_change_it(act):
    made = after("more", act)
    before = noises(Course(made, 3))
    later = made.like(0).then("more").like(2).then("finish")
    assert torch.equal(noises(Course(later, 3), made.shown), before)


@pytest.mark.parametrize("act", ["more", "mix", "surprise", "none", "near", "finish"])
def test_likes_on_earlier_pages_do_not_change_it(act):
    made = after("more", act)
    before = noises(Course(made, 3))
    for page in (0, 1):
        later = Session(made.pages, page).like(7)
        assert torch.equal(noises(Course(later, 3), made.shown), before)


@pytest.mark.parametrize("act", ["more", "mix", "surprise", "none"])
def test_pictures_of_a_page_differ(act):
    z = noises(Course(after("more", act), 3)).flatten(1)
    cosine = torch.corrcoef(z) - torch.eye(len(z))
    assert cosine.max() < 0.999


def test_the_last_liked_picture_stays_on_the_next_page():
    made = Session().like(5, 2).then("more")
    assert torch.equal(noises(Course(made, 3))[0], noises(Course(made, 3), 0)[2])


def test_where_nothing_was_good_no_picture_stays():
    made = Session().like(5, 2).then("none")
    assert not torch.equal(noises(Course(made, 3))[0], noises(Course(made, 3), 0)[2])


def test_the_last_four_that_were_liked_are_blended():
    space, _ = Course(Session().like(*range(9)).then("more"), 3).page()
    shown_before = {str(3 + i) for i in range(9)}
    assert {seed.label for seed in space.seeds} & shown_before == {"8", "9", "10", "11"}


def test_the_next_page_is_nearer_to_what_was_liked_than_to_the_rest():
    made = Session().like(5, 2).then("more")
    first, second = noises(Course(made, 3), 0).flatten(1), noises(Course(made, 3)).flatten(1)
    likeness = torch.nn.functional.normalize(second, dim=1) @ torch.nn.functional.normalize(first, dim=1).T
    assert likeness[:, [5, 2]].abs().mean() > 3 * likeness[:, [0, 1, 3, 4]].abs().mean()


def distance(turn, act="more"):
    made = Session().like(5).then(act, turn=turn)
    first, second = noises(Course(made, 3), 0)[5], noises(Course(made, 3))
    return (second - first).square().mean(dim=(1, 2, 3)).max()


@pytest.mark.parametrize("act", ["more", "near"])
def test_farther_goes_farther(act):
    assert distance(0, act) < distance(50, act) < distance(100, act)


def test_pages_narrow_down():
    def width(number):
        z = noises(Course(after(*["more"] * 9), 3), number).flatten(1)
        return (z - z[0]).square().mean()

    assert width(9) < width(1) / 2


def test_neighbours_of_a_picture():
    made = Session().then("near", at=7)
    first, second = noises(Course(made, 3), 0), noises(Course(made, 3))
    assert torch.equal(second[0], first[7])
    cosine = torch.cosine_similarity(second[1:].flatten(1), first[7].flatten()[None])
    assert (cosine > 0.85).all()


def test_mix_adds_nothing_new():
    space, _ = Course(Session().like(5, 2).then("mix"), 3).page()
    assert {seed.label for seed in space.seeds} == {"8", "5"}


def test_finish_is_what_was_liked_and_so_is_liked():
    made = Session().like(5, 2).then("more").like(0, 3).then("finish")
    course = Course(made, 3)
    # Picture 0 of the second page is picture 2 of the first, which stayed: it counts once.
    assert len(course.page()[1]) == len(course.liked()[1]) == 3
    assert torch.equal(noises(course), course.liked()[0].latents(course.liked()[1].u, SHAPE))
    assert Course(Session()).liked() is None


def test_what_is_liked_as_seeds():
    course = Course(Session().like(5, 2).then("more").like(3), 3)
    seeds, (space, liked) = course.liked_seeds(), course.liked()
    assert seeds.labels == ("8", "5", "liked 3")
    assert all(torch.equal(seed.noise((SHAPE,))[0], z) for seed, z in zip(seeds, space.combine(liked.w, SHAPE)))
    assert len(Course(Session()).liked_seeds()) == 0


def test_each_picture_alone_is_the_same_noise_and_its_recipe_rebuilds_it():
    course = Course(after("more", "none"), 3)
    for z, (space, points) in zip(noises(course), course.alone(), strict=True):
        recipe = json.loads(json.dumps(space.recipe()))
        rebuilt = space_from_recipe(recipe).latents(points.u, SHAPE)[0]
        assert torch.equal(rebuilt, z)


def test_another_seed_another_course():
    assert not torch.equal(noises(Course(after("more"), 3)), noises(Course(after("more"), 4)))


def test_a_long_session_goes_on_and_its_latest_pictures_are_the_outputs():
    made = Session()
    for _ in range(130):
        made = made.like(*range(9)).then("more")
    course = Course(made, 3)
    assert course.page()[0].k <= LARGEST_K
    space, liked = course.liked()
    assert space.k <= LARGEST_K
    assert len(liked) > 500
    # The latest are those that stay.
    page, shown = course.page(129)
    assert torch.allclose(space.latents(liked.u[-1:], SHAPE), page.latents(shown.u[-1:], SHAPE), atol=1e-4)


def test_the_global_random_state_is_left_alone():
    state = torch.get_rng_state()
    noises(Course(after("more", "mix"), 3))
    assert torch.equal(torch.get_rng_state(), state)
