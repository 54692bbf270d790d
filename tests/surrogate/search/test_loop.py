"""The loop of a search, with pictures that are of no use among the good ones."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from surrogate.search import FAILED, Loop, NoUsablePictures, Study, faults_in, named_faults, score_each, without_faulty

FAULT = "its pixels are NaN or infinite"


class Made(NamedTuple):
    frames: np.ndarray
    fault: str


class Pictures:
    """Makes a grey picture of each point, as bright as its first coordinate; unusable where `spoilt` says so."""

    def __init__(self, spoilt=lambda u: False):
        self.spoilt, self.made = spoilt, 0

    def __call__(self, u):
        self.made += len(u)
        return [Made(np.full((1, 4, 4, 3), 255 * row[0], np.uint8), FAULT if self.spoilt(row) else "") for row in u]


def score(pictures):
    return score_each([lambda one: -abs(float(one.frames.mean()) - 80)], pictures, (KeyboardInterrupt,))


def loop(study, space, render, at_once=3) -> tuple[Loop, list]:
    heard: list = []
    made = Loop(study, space, render, at_once, lambda numbers, pictures, report: heard.append(list(numbers)))
    return made, heard


def bright(u) -> bool:
    return bool(u[0] > 0.5)


@pytest.fixture
def opened(searching):
    return searching.open(budget=16, population=4), searching.space()


def test_a_fault_is_a_failed_image_that_is_never_best(opened):
    study, space = opened
    search, heard = loop(study, space, Pictures(bright))
    search.run(score, score_seeds=False)
    history = study.history()
    assert np.array_equal(history.state == FAILED, history.u[:, 0] > 0.5)
    assert [number for batch in heard for number in batch] == np.flatnonzero(history.state != FAILED).tolist()
    assert 0 < study.report().failed == len(history.unusable) == len(search.faults)
    assert study.best.u[0] <= 0.5
    assert set(faults_in(history).values()) == {FAULT}


@pytest.mark.parametrize("at_once", [1, 4, 100])
def test_however_many_are_made_at_once_the_search_is_the_same(opened, searching, at_once):
    study, space = opened
    loop(study, space, Pictures(bright))[0].run(score)
    other = searching.open(name="other", budget=16, population=4)
    loop(other, space, Pictures(bright), at_once)[0].run(score)
    assert np.array_equal(study.history().u, other.history().u)
    assert np.array_equal(study.history().scores, other.history().scores, equal_nan=True)


def test_the_next_run_makes_them_again_and_searches_on(opened):
    study, space = opened
    loop(study, space, Pictures(bright))[0].run(score, score_seeds=False)
    again = study.history().unusable
    planned = loop(study, space, Pictures())[0].planned(score_seeds=False)
    assert planned == (16 + len(again), 16)
    pictures = Pictures()
    loop(study, space, pictures)[0].run(score, score_seeds=False)
    history = study.history()
    assert pictures.made == len(again) and not len(history.unusable)
    assert (history.state == "complete").all() and study.report().failed == 0
    assert not any(history.reasons)


def test_a_picture_that_stays_unusable_is_made_once_a_run(opened):
    study, space = opened
    loop(study, space, Pictures(bright))[0].run(score, score_seeds=False)
    before, pictures = study.history().unusable, Pictures(bright)
    loop(study, space, pictures)[0].run(score, score_seeds=False)
    assert pictures.made == len(before) and np.array_equal(study.history().unusable, before)


def test_seeds_without_a_usable_picture_are_not_known(opened):
    study, space = opened
    search, _ = loop(study, space, Pictures(bright))
    search.run(score)
    bad = {f"seed {label}" for label, u in zip(space.seeds.labels, study.corners, strict=True) if bright(u)}
    known = [study.history().labels[row] for row in np.flatnonzero(study.history().known)]
    assert bad and {f"seed {label}" for label in space.seeds.labels} - bad == set(known)
    assert bad <= set(search.faults)
    loop(study, space, Pictures())[0].run(score)
    assert study.history().known.sum() == space.k


def test_it_stops_where_nothing_is_usable(searching):
    study, space = searching.open(budget=100, population=4), searching.space()
    for _ in range(2):
        with pytest.raises(NoUsablePictures, match=r"its last 8 pictures were all unusable\. 8 pictures are unusable"):
            loop(study, space, Pictures(lambda u: True), at_once=2)[0].run(score, score_seeds=False)
        assert study.report().evaluated == study.report().failed == 8
    loop(study, space, Pictures())[0].run(score, score_seeds=False)
    assert study.report().failed == 0 and study.finished


def test_another_process_learns_of_scores_that_came_later(searching, host, tmp_path):
    file = str(tmp_path / "studies.sqlite3")
    study, space = searching.open(file, budget=16, population=4), searching.space()
    loop(study, space, Pictures(bright))[0].run(score, score_seeds=False)
    before, failed = study.history(), study.history().unusable.tolist()
    host.run(
        "study = Study.load(file, 'study')\nstudy.retell(rows, [float(row) for row in rows])\nresult = True",
        file=file,
        rows=failed,
    )
    after = study.history()
    assert len(failed) and after.scores[failed, 0].tolist() == failed and not len(after.unusable)
    kept = np.setdiff1d(np.arange(16), failed)
    assert np.array_equal(after.scores[kept], before.scores[kept]) and np.array_equal(after.u, before.u)


def test_the_optimiser_learns_from_scores_that_came_later(searching):
    """What follows is what would have followed, had they been there at once."""
    studies = searching.open(budget=12, population=4), searching.open(name="other", budget=12, population=4)
    for study, late in zip(studies, (False, True), strict=True):
        for _ in range(2):
            generation = study.ask()
            scores = searching.bowl(generation.u)
            spoilt = np.arange(4) == 1 if generation.number == 1 and late else np.zeros(4, bool)
            study.tell(
                generation, np.where(spoilt, np.nan, scores), [("unusable picture: NaN" if s else None) for s in spoilt]
            )
    failed = studies[1].history().unusable
    studies[1].retell(failed, searching.bowl(studies[1].history().u[failed]))
    one, other = (study.ask().u for study in studies)
    assert failed.tolist() == [5] and np.array_equal(one, other)


def test_only_points_that_failed_are_told_again(searching):
    study = searching.open(budget=4, population=4)
    study.tell(study.ask(), [0.1, 0.2, np.nan, 0.4])
    for trial in (0, 4):
        with pytest.raises(ValueError, match=f"Point {trial} of the study 'study' did not fail"):
            study.retell([2, trial], [0.5, 0.5])
    assert study.report().failed == 1
    with pytest.raises(ValueError, match="trials must be a whole number of at least 0"):
        study.retell([-1], [0.5])
    assert study.retell([2], [np.nan]).failed == 1
    report = study.retell([2], [0.5])
    assert (report.failed, report.evaluated, report.best.number) == (0, 4, 2)


def test_scores_are_asked_of_usable_pictures_alone(opened):
    study, space = opened
    seen: list = []

    def judge(pictures):
        seen.extend(pictures)
        return score(pictures)

    loop(study, space, Pictures(bright))[0].run(judge, score_seeds=False)
    assert len(seen) == 16 - study.report().failed


def test_a_scorer_that_fails_costs_one_image_and_one_that_always_fails_stops():
    def picky(one):
        if one.frames.mean() > 100:
            raise RuntimeError("too bright")
        return float(one.frames.mean())

    def grey(value):
        return Made(np.full((1, 2, 2, 3), value), "")

    judged = score_each([picky], [grey(0), grey(200)], ())
    assert judged.scores[0] == 0 and np.isnan(judged.scores[1])
    assert judged.reasons == [None, "RuntimeError: too bright"]
    with pytest.raises(ValueError, match="fails on every image: RuntimeError: too bright"):
        score_each([picky], [grey(200)] * 2, ())
    with pytest.raises(RuntimeError):
        score_each([picky], [grey(200)], (RuntimeError,))
    assert score_each([picky, lambda frames: 1.0], [grey(0)], ()).scores == [(0.0, 1.0)]


def test_faults_in_words():
    assert named_faults({}) == ""
    assert named_faults({"image 1.2": FAULT}) == f"1 picture is unusable and got no score: image 1.2 ({FAULT})."
    many = named_faults({f"image 1.{i}": FAULT for i in range(10)})
    assert many.startswith("10 pictures are unusable") and many.endswith(f"image 1.7 ({FAULT}) and 2 more.")


def test_scores_of_faulty_pictures_are_taken_away():
    scores = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert without_faulty(scores, ["", ""]).tolist() == scores.tolist()
    assert np.isnan(without_faulty(scores, [FAULT, ""])).tolist() == [[True, True], [False, False]]
    assert not np.isnan(scores).any()


def test_a_loaded_study_searches_on(searching, tmp_path):
    file = str(tmp_path / "studies.sqlite3")
    searching.open(file, budget=8, population=4)
    study = Study.load(file, "study")
    loop(study, searching.space(), Pictures())[0].run(score, score_seeds=False)
    assert study.finished
