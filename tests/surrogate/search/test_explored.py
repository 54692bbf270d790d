"""A session of the Explorer as a study: each page once, likes as scores, and what was liked is found again."""

from __future__ import annotations

import numpy as np
import torch

from surrogate import Seeds
from surrogate.explore import Course, Session
from surrogate.search import Study, record_course

SHAPE = (4, 8, 8)


def begun() -> Session:
    return Session.parse("", 4)


def scores_of(study: Study) -> dict[str, float]:
    history = study.history()
    return dict(zip(history.labels, history.scores[:, 0].tolist(), strict=True))


def recorded(session: Session, storage=None, seed: int = 40, name: str = "walk", **more) -> Study:
    return record_course(storage, name, Course(session, seed, **more))[0]


def test_a_page_is_open_until_it_is_judged(tmp_path):
    file = tmp_path / "studies.db"
    study = recorded(begun(), file)
    assert (study.report().evaluated, study.report().open, study.best) == (0, 4, None)
    study = recorded(begun().like(1, 3), file)
    assert scores_of(study) == {"1.1": 0, "1.2": 1, "1.3": 0, "1.4": 1}
    assert (study.report().evaluated, study.report().open) == (4, 0)


def test_likes_count_the_pages_that_led_to_them(tmp_path):
    session = begun().like(1, 3).then("more", 4).like(2).then("none", 4).then("more", 4).like(0, 1)
    study = recorded(session, tmp_path / "studies.db")
    history = study.history()
    assert history.scores[:, 0].tolist() == [0, 1, 0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 3, 3, 0, 0]
    assert history.generation.tolist() == np.repeat(range(4), 4).tolist()
    assert study.best.label == "4.1"


def test_what_is_told_twice_is_told_once(tmp_path):
    file, session = tmp_path / "studies.db", begun().like(1).then("more", 4).like(2)
    once = recorded(session, file).history()
    again = recorded(Session.parse(session.text()), file).history()
    assert again.labels == once.labels
    np.testing.assert_array_equal(again.scores, once.scores)
    # An earlier state, as when an old workflow is opened, adds nothing either.
    assert len(recorded(begun().like(1), file).history()) == 8


def test_going_back_and_liking_otherwise_updates_and_adds(tmp_path):
    file = tmp_path / "studies.db"
    session = begun().like(1).then("more", 4).like(2)
    recorded(session, file)
    back = Session(session.pages, 0).like(3).then("more", 4).like(0)
    study = recorded(back, file)
    assert scores_of(study) == {
        **{"1.1": 0, "1.2": 1, "1.3": 0, "1.4": 1},  # page 2 was made of 1.2, page 3 of 1.4
        **{"2.1": 0, "2.2": 0, "2.3": 2, "2.4": 0},
        **{"3.1": 2, "3.2": 0, "3.3": 0, "3.4": 0},
    }
    other = Session(back.pages, 1).like(3)
    study = recorded(other, file)
    assert [scores_of(study)[label] for label in ("2.3", "2.4")] == [0, 2]
    assert scores_of(Study.load(file, "walk")) == scores_of(study)


def test_another_session_of_the_same_seed_is_a_run_of_its_own(tmp_path):
    file = tmp_path / "studies.db"
    recorded(begun().like(1).then("more", 4).like(2), file)
    study = recorded(begun().like(0).then("more", 4), file)
    assert study.history().run.tolist() == [0] * 8 + [1] * 8
    assert scores_of(study)["1.2"] == 1 and scores_of(study)["2/1.1"] == 1
    # Each continues where it belongs.
    assert len(recorded(begun().like(1).then("more", 4).like(2).then("more", 4), file).history()) == 20


def test_another_explorer_of_that_name_gets_a_number(tmp_path):
    file = tmp_path / "studies.db"
    assert recorded(begun(), file).name == "walk"
    assert recorded(begun(), file, seed=41).name == "walk (2)"
    assert recorded(begun(), file, given=Seeds.from_text("7, 9")).name == "walk (3)"


def test_liked_points_are_found_again_after_a_restart(tmp_path):
    file, given = tmp_path / "studies.db", Seeds.from_text("7, 9")
    course = Course(begun().like(1).then("more", 4).like(2), 40, given, "sphere")
    _, numbers = record_course(file, "walk", course)
    study = Study.load(file, "walk")
    space, _ = course.whole()
    assert study.definition.space == space.recipe()
    (best,) = study.n_best(1)
    assert best.number == numbers[1, 2]
    expected, points = course.page(1)
    wanted = expected.combine(points.w[2:3], SHAPE)
    torch.testing.assert_close(space.latents(best.u[None], SHAPE), wanted, atol=1e-6, rtol=0)


def test_finished_pictures_are_points_that_were_liked(tmp_path):
    session = begun().like(1, 3).then("more", 4).like(0, 2).then("more", 4)
    unjudged, finished = session.scores(2), session.then("finish")
    assert unjudged is None and finished.scores(2) is None  # to finish is no judgement of the page
    session = Session(session.pages, 1).then("finish")
    study, numbers = record_course(tmp_path / "studies.db", "walk", Course(session))
    assert len(study.history()) == 12
    origins = [session.origin(3, cell) for cell in range(3)]
    assert [study.history().labels[numbers[origin]] for origin in origins] == ["1.2", "1.4", "2.3"]


def test_a_session_without_end_is_recorded_up_to_the_largest_space(tmp_path):
    session = Session()
    for _ in range(120):
        session = session.like(0).then("more", 9)
    study = recorded(session, tmp_path / "studies.db")
    assert study.space.k == 1024
    assert 1000 < len(study.history()) < 1024
