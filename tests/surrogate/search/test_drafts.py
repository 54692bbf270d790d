"""Drafts: when they are trusted, what the study remembers of them, and that a search gains by them or loses nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch

from surrogate import Seeds, SurrogateSpace
from surrogate.search import COMPLETE, FAILED, SKIPPED, DraftingLoop, Loop, Study, score_each
from surrogate.search.drafts import Drafting, Line, believed, chosen_step, pairs, trust, watched_steps
from surrogate.search.drafts.drafting import CHECK, FIRST, PATIENCE
from surrogate.search.values import Draft

SHAPE, STEPS = (4, 8, 8), 8


class Made(NamedTuple):
    frames: np.ndarray
    fault: str
    drafts: dict


class Model:
    """A model that decides on the left half of its pictures at once, on the right half with its last step.

    It counts its steps. `spoilt(number of picture)` says which of its drafts are of no use.
    """

    def __init__(self, space, spoilt=lambda number: False):
        chance = torch.Generator().manual_seed(3)
        self.space, self.spoilt, self.steps, self.sketched = space, spoilt, 0, 0
        self.mixing = torch.randn(256, 24, generator=chance) / 16
        self.painting = torch.randn(24, 16 * 16 * 3, generator=chance) / 24**0.5

    def pictures(self, u, early: bool) -> np.ndarray:
        factors = self.space.latents(u, SHAPE).flatten(1) @ self.mixing
        painted = torch.sigmoid(torch.tanh(1.5 * factors) @ self.painting * 2).reshape(-1, 16, 16, 3)
        if early:
            painted[:, :, 8:] = 1 - painted[:, :, 8:].flip(1)
        return (painted[:, None] * 255).numpy().astype(np.uint8)

    def render(self, u):
        return self.watch(u, ())

    def watch(self, u, steps):
        self.steps += STEPS * len(u)
        sketches = {step: self.pictures(u, early=True) for step in steps}
        finished = self.pictures(u, early=False)
        return [Made(finished[i], "", {s: Made(p[i], "", {}) for s, p in sketches.items()}) for i in range(len(u))]

    def draft(self, u, step):
        self.steps += step * len(u)
        self.sketched += len(u)
        faults = ["NaN" if self.spoilt(self.sketched - len(u) + i) else "" for i in range(len(u))]
        return [Made(frames, fault, {}) for frames, fault in zip(self.pictures(u, early=True), faults, strict=True)]


class Halves:
    """How far the left or the right half of a picture is from a target's."""

    def __init__(self, columns: slice):
        space = SurrogateSpace(Seeds.from_range(900, 9))
        self.target = Model(space).pictures(np.full((1, 8), 0.37), early=False)[0, 0] / 255.0
        self.columns = columns

    def __call__(self, picture) -> float:
        away = picture.frames[0, :, self.columns] / 255.0 - self.target[:, self.columns]
        return float(np.sqrt((away**2).mean()))


LEFT, RIGHT = slice(0, 8), slice(8, 16)


def opened(storage=None, optimiser="sobol", budget=48, seed=5, **more) -> Study:
    settings = {"scout": 8, "noises": 256} if optimiser == "adaptive" else {}
    return Study.open(
        storage,
        "study",
        SurrogateSpace(Seeds.from_range(500, 9)),
        budget=budget,
        seed=seed,
        optimiser=optimiser,
        directions="minimize",
        population=4,
        settings=settings,
        **more,
    )


def judged_by(score, on=lambda: None):
    def judge(pictures):
        on()
        return score_each([score], pictures, (KeyboardInterrupt,))

    return judge


def run(study: Study, columns: slice = LEFT, fixed=None, on=lambda: None, at_once=4, spoilt=lambda n: False) -> Model:
    model = Model(study.space, spoilt)
    nothing = lambda *told: None  # noqa: E731
    loop = DraftingLoop(
        study, study.space, model.render, at_once, nothing,
        watch=model.watch, draft=model.draft, drafted=nothing, of=STEPS, fixed=fixed,
    )  # fmt: skip
    loop.run(judged_by(Halves(columns), on), score_seeds=False)
    return model


def run_without(study: Study, columns: slice) -> Model:
    model = Model(study.space)
    Loop(study, study.space, model.render, 4, lambda *told: None).run(judged_by(Halves(columns)), score_seeds=False)
    return model


# What drafts are worth.


def test_drafts_are_looked_at_after_an_eighth_and_a_quarter_of_the_steps():
    assert [watched_steps(steps) for steps in (1, 2, 4, 8, 20, 50)] == [(), (1,), (1,), (1, 2), (2, 5), (6, 12)]


def test_the_first_step_that_can_be_trusted_is_chosen():
    chance = np.random.default_rng(0)
    finished = chance.standard_normal(32)
    seen = {
        1: (finished + chance.standard_normal(32), finished),
        2: (3 * finished + 1, finished),
        3: (finished, finished),
    }
    assert trust(*seen[1]) < 0.9 < trust(*seen[2])
    assert chosen_step(seen) == 2
    assert chosen_step(seen, after=2) == 3
    assert chosen_step(seen, after=3) == chosen_step({}) == 0


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_trust_has_no_unit(size):
    finished = np.arange(20.0) ** 2
    drafts = finished + np.tile([0.0, 9.0], 10)
    assert trust(size * drafts, size * finished) == pytest.approx(trust(drafts, finished))


def test_what_does_not_vary_or_is_too_little_is_not_trusted():
    numbers = np.arange(32.0)
    for drafts, finished in ((np.ones(32), numbers), (numbers, np.ones(32)), (numbers[:7], numbers[:7])):
        assert trust(drafts, finished) < -0.99


def test_what_is_true_of_all_and_not_of_the_best_is_not_trusted():
    finished = np.concatenate([np.linspace(0, 1, 16), 100 + np.linspace(0, 1, 16)])
    drafts = np.concatenate([np.linspace(0, 1, 16), 100 + np.linspace(1, 0, 16)])
    assert np.corrcoef(drafts, finished)[0, 1] > 0.999
    assert trust(drafts, finished) < 0


def test_a_line_gives_what_drafts_let_expect():
    assert Line.through([1.0, 2.0], [5.0, 6.0]) == Line(1.0, 0.0)
    drafts = np.linspace(-1, 0, 24)
    line = Line.through(drafts, 0.5 * drafts - 0.25)
    assert line(-0.4) == pytest.approx(-0.45)
    moved = Line.through([*drafts, -0.1, -0.1, -0.1], [*(0.5 * drafts - 0.25), -0.5, -0.5, -0.5])
    assert moved.slope * -0.1 + moved.height == pytest.approx(-0.5)


def test_two_failed_checks_in_a_row_end_drafts_of_a_step():
    drafting = Drafting(8).decided(2).after(CHECK)
    assert drafting.due
    assert drafting.checked(held=True) == Drafting(8, 2)
    once = drafting.checked(held=False)
    assert once.step == 2 and not once.due and once.checked(held=True).failed == 0
    twice = once.after(CHECK).checked(held=False)
    assert PATIENCE == 2 and twice == Drafting(8, None, refuted=2)
    assert once.checked(held=False, steadfast=True).step == 2
    assert Drafting.from_json(once.to_json()) == once


# What the study remembers.


@pytest.fixture
def file(tmp_path):
    return tmp_path / "studies.db"


def drafted(storage, **options) -> tuple[Study, np.ndarray]:
    """A study of which four points have drafts."""
    study = opened(storage, **options)
    generation = study.ask()
    study.tell_drafts(generation, [0.4, 0.1, 0.3, 0.2], 2, 8)
    return study, generation.trials


def test_a_draft_is_no_score_and_costs_its_steps(file):
    study, rows = drafted(file)
    report = study.report()
    assert report.best is None and report.evaluated == 1 and report.skipped == 0
    assert (report.drafts.finished, report.drafts.drafted, report.drafts.steps, report.drafts.saved) == (0, 4, 8, 24)
    assert "1 of 48 images (8 of 384 steps: 0 finished, 4 drafts, which saved 24 steps)" in str(report)
    history = study.history()
    assert (history.state == SKIPPED).all() and history.drafted.all() and np.isnan(history.scores).all()
    assert len(history.ranked()) == 0
    for other in (Study.load(file, "study").history(), history):
        assert other.drafts[rows[1]] == Draft({2: 0.1}, 8, 2)


def test_a_finished_draft_is_an_image_like_any_other(file):
    study, rows = drafted(file)
    now = study.drafting
    assert now == Drafting(8, since=4)
    report = study.tell_finished([int(rows[1])], [0.15], now.checked(True), drafts=[{1: 0.2}])
    assert report.best.number == rows[1] and report.best.scores == (0.15,)
    assert report.evaluated == 2 and report.drafts.saved == 3 * 8 - 8
    for other in (Study.load(file, "study"), study):
        assert other.history().drafts[rows[1]] == Draft({1: 0.2, 2: 0.1}, 8, 2)
        assert other.history().state[rows[1]] == COMPLETE and other.drafting == Drafting(8)


def test_only_drafts_can_be_finished(file):
    study, _ = drafted(file)
    generation = study.ask()
    with pytest.raises(RuntimeError, match="not all drafts"):
        study.tell_finished([int(generation.trials[0])], [0.15], Drafting(8))


def test_optimisers_take_drafts_for_what_they_let_expect(file):
    study, rows = drafted(file)
    expected = believed(study.history())
    assert (expected.state == COMPLETE).all()
    assert expected.scores[rows, 0].tolist() == [0.4, 0.1, 0.3, 0.2]
    study.tell_finished(rows[:3].tolist(), [0.5, 0.2, 0.4], Drafting(8))
    assert believed(study.history()).scores[rows, 0].tolist() == [0.5, 0.2, 0.4, 0.2]
    assert pairs(study.history())[2][1].tolist() == [-0.5, -0.2, -0.4]
    without = opened()
    generation = without.ask()
    without.tell(generation, [1.0, 2.0, 3.0, 4.0])
    assert believed(without.history()) is not None and not without.history().drafted.any()


# The search.


@pytest.fixture(scope="module")
def early():
    """A search whose drafts tell the truth."""
    study = opened()
    return study, run(study)


def test_a_search_with_good_drafts_spends_its_steps_on_drafts(early):
    study, model = early
    report = study.report()
    assert report.finished and report.evaluated == 48
    assert report.drafts.steps == model.steps <= 48 * STEPS
    assert report.drafts.drafted > 60 and FIRST < report.drafts.finished < 36
    assert report.drafts.saved > 300


def test_it_finds_more_than_without():
    study, plain = opened(optimiser="adaptive", budget=32), opened(optimiser="adaptive", budget=32)
    model, paid = run(study), run_without(plain, LEFT)
    assert model.steps <= paid.steps == 32 * STEPS
    assert study.best.scores[0] < 0.85 * plain.best.scores[0]


def test_only_finished_pictures_are_best(early):
    study, _ = early
    history = study.history()
    assert history.state[study.best.number] == COMPLETE
    assert {history.state[row] for row in history.ranked()} == {COMPLETE}
    again = Model(study.space).render(study.best.u[None])[0]
    assert Halves(LEFT)(again) == study.best.scores[0]


def test_drafts_that_mislead_cost_nothing():
    study, plain = opened(budget=32), opened(budget=32)
    run(study, RIGHT)
    run_without(plain, RIGHT)
    assert study.drafting.step == 0 and study.report().drafts is None
    assert np.array_equal(study.history().u, plain.history().u)
    assert np.array_equal(study.history().scores, plain.history().scores)


def test_however_many_are_made_at_once_the_search_is_the_same(early):
    study, _ = early
    other = opened()
    run(other, at_once=3)
    assert np.array_equal(study.history().u, other.history().u)
    assert np.array_equal(study.history().scores, other.history().scores, equal_nan=True)


def test_a_search_that_was_stopped_goes_on_as_if_it_had_not(file, early):
    study, _ = early
    for stop in range(3, 60, 7):
        calls = iter(range(stop))

        def on(calls=calls):
            if next(calls, None) is None:
                raise KeyboardInterrupt

        try:
            run(opened(file), on=on)
        except KeyboardInterrupt:
            continue
        break
    else:
        run(opened(file))
    other = Study.load(file, "study")
    assert other.report().finished
    assert np.array_equal(study.history().u, other.history().u)
    assert np.array_equal(study.history().scores, other.history().scores, equal_nan=True)
    assert study.history().drafts == other.history().drafts


def test_an_optimiser_that_remembers_takes_drafts():
    study = opened(optimiser="cma-es")
    model = run(study)
    assert study.report().finished and model.sketched == study.report().drafts.drafted > 20


def test_a_step_that_somebody_chose_is_kept():
    study = opened(budget=16)
    model = run(study, RIGHT, fixed=3)
    report = study.report()
    assert report.finished and report.drafts.drafted == model.sketched > 8
    assert study.drafting.step == 3
    assert {max(d.scores) for d in study.history().drafts if d is not None} == {3}


def test_a_draft_of_no_use_is_a_failed_image():
    study = opened()
    run(study, spoilt=lambda number: number == 5)
    history, report = study.history(), study.report()
    assert report.finished and report.failed == 1 and len(history.unusable) == 1
    assert history.state[history.unusable[0]] == FAILED
    # The next run makes it again, whole.
    run(study)
    assert study.report().failed == 0
