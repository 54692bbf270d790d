"""Picks: likes instead of scores, and generations of valid noise around what was liked."""

from __future__ import annotations

import numpy as np
import pytest

from surrogate import Seeds, SurrogateSpace
from surrogate.search import COMPLETE, FAILED, OPTIMISERS, History, Study
from surrogate.search.optimisers.picks import liked_rows


def history(*generations) -> History:
    """A study of which each generation has these scores; None is a point without one."""
    scores = np.array([score for generation in generations for score in generation], dtype=float)[:, None]
    number = np.repeat(np.arange(len(generations)), [len(g) for g in generations])
    index = np.concatenate([np.arange(len(g)) for g in generations])
    state = np.where(np.isfinite(scores[:, 0]), COMPLETE, FAILED)
    whole = np.full(len(scores), 9)
    return History(("maximize",), np.zeros((len(scores), 3)), scores, state, 0 * number, number, index, whole)


NOBODY = [0, 0, 0]


@pytest.mark.parametrize(
    ("generations", "liked"),
    [
        ([[0, 1, 0, 1]], [3, 1]),
        ([[0, 1, None, 0]], [1]),
        ([NOBODY], []),
        ([NOBODY, [1, 1, 1]], [5, 4, 3]),
        ([[1, 0], NOBODY], []),
        ([[None, None]], []),
        ([[0.3, 0.9, 0.1, 0.5, 0.7, 0.2]], [4, 1]),
        ([[0.3, 0.9, 0.9, 0.1]], [2, 1]),
    ],
)
def test_scores_are_read_as_likes(generations, liked):
    made = history(*generations)
    last = np.flatnonzero(made.generation == len(generations) - 1)
    assert liked_rows(made, last).tolist() == liked


def opened(budget=90, **settings) -> Study:
    space = SurrogateSpace(Seeds.from_text("7, 9"))
    return Study.open(None, "likes", space, budget=budget, optimiser="picks", seed=3, settings=settings)


def pages(study: Study, *likes) -> list[np.ndarray]:
    """The weights of the generations that follow when these pictures are liked; None: nobody could tell."""
    made = []
    for cells in likes:
        generation = study.ask()
        made.append(study.space.weights(generation.u))
        study.tell(generation, [np.nan if cells is None else float(i in cells) for i in range(len(generation))])
    return made


def test_the_first_generation_shows_the_given_seeds_and_fresh_noises():
    study = opened()
    (first,) = pages(study, [0])
    np.testing.assert_array_equal(first, np.eye(study.space.k)[:9])
    assert study.space.seeds.labels[:2] == ("7", "9")


def test_what_was_liked_comes_again_among_its_blends_with_fresh_noises():
    first, second = pages(opened(), [5, 2], [])
    np.testing.assert_allclose(second[0], first[2], atol=1e-12)
    old = second[1:, :9]
    assert (np.linalg.norm(old[:, [2, 5]], axis=1) > 0.2).all()
    assert not np.delete(old, [2, 5], axis=1).any()
    fresh = second[1:, 9:]
    assert ((fresh != 0).sum(axis=1) == 1).all() and ((fresh != 0).sum(axis=0) <= 1).all()


def turn(w: np.ndarray) -> float:
    """The mean share of the fresh noise in the bred pictures of a page."""
    return float(np.abs(w[1:])[:, np.abs(w[0]) == 0].max(axis=1).mean())


def test_turns_shrink_and_are_wider_after_a_page_of_which_nothing_was_liked():
    liked = pages(opened(), *[[0]] * 9)
    assert turn(liked[8]) < 0.5 * turn(liked[1])
    none = pages(opened(), [0], [], [0])
    assert turn(none[2]) > 1.2 * turn(pages(opened(), [0], [0], [0])[2])


def test_a_page_of_which_nobody_can_tell_says_nothing():
    _, told, _ = pages(opened(), [4], None, [0])
    _, _, third = pages(opened(), [4], None, [0])
    assert turn(third) == pytest.approx(turn(told), rel=0.2)


def test_when_the_noises_are_used_up_it_finds_directions_between_them():
    study = opened(noises=12)
    for w in pages(study, *[[3, 4]] * 6):
        np.testing.assert_allclose(np.linalg.norm(w, axis=1), 1, atol=1e-12)
    u = study.history().u
    assert len(np.unique(u.round(9), axis=0)) >= len(u) - 6


def test_a_space_that_is_wide_enough_is_searched_as_it_is():
    space = SurrogateSpace(Seeds.from_range(0, 40), "whole_sphere")
    study = Study.open(None, "likes", space, budget=9, optimiser="picks", settings={"noises": 40})
    assert study.space.seeds == space.seeds


def test_likes_lead_to_what_is_wanted():
    """A person who wants one noise and likes the two nearest gets nearer than twice as many pages by chance."""
    target = np.random.default_rng(5).standard_normal(200)
    target /= np.linalg.norm(target)

    def nearest(optimiser: str, budget: int, seed: int) -> float:
        settings = {"noises": 200} if optimiser == "picks" else {}
        space = SurrogateSpace(Seeds.from_range(0, 200), "whole_sphere")
        study = Study.open(
            None, "x", space, budget=budget, optimiser=optimiser, population=9, settings=settings, seed=seed
        )
        found = -1.0
        while len(generation := study.ask()):
            likeness = study.space.weights(generation.u) @ target
            found = max(found, float(likeness.max()))
            study.tell(generation, (likeness >= np.sort(likeness)[-2]).astype(float))
        return found

    ours, chance = (
        [nearest(name, budget, seed) for seed in range(3)] for name, budget in (("picks", 108), ("random", 216))
    )
    assert min(ours) > 1.5 * max(chance)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"parents": 0}, "parents must be a whole number of at least 1"),
        ({"widest": 1.5}, "widest must be a number from 0 to 1.4"),
        ({"spread": 0.5}, "spread must be a number from 1"),
        ({"noises": 2000}, "noises must be a whole number from 2 to 1024"),
    ],
)
def test_settings_that_cannot_be_are_named(setting, said):
    with pytest.raises(ValueError, match=said):
        OPTIMISERS["picks"](**setting)
