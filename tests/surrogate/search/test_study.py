"""A study: ask and tell, its budget, what it refuses, what it remembers, what it reports."""

from __future__ import annotations

import csv
import json
import shutil
import threading

import numpy as np
import pytest
import torch

from surrogate import space_from_recipe
from surrogate.search import Study, StudyError, study_names


def run(study, score, generations: int = 1_000_000) -> list:
    """Search on; the points asked, (n, k-1) as lists."""
    u = []
    for _ in range(generations):
        generation = study.ask()
        if not len(generation):
            break
        u += generation.u.tolist()
        study.tell(generation, score(generation.u))
    return u


@pytest.fixture
def file(tmp_path):
    return tmp_path / "studies.sqlite3"


# Ask and tell.


def test_a_search_from_beginning_to_end(searching):
    study = searching.open(budget=20, directions="maximize")
    assert study.progress == "0 of 20 images, no score yet"
    assert study.best is None and not study.finished
    first = study.ask()
    assert (len(first), first.run, first.number) == (8, 0, 0)
    assert first.u.shape == (8, 3)
    assert first.indices.tolist() == first.trials.tolist() == list(range(8))
    assert first.labels == tuple(f"1.{i}" for i in range(1, 9))
    report = study.tell(first, searching.bowl(first.u))
    assert report == study.report()
    assert (report.evaluated, report.open, report.generation, report.finished) == (8, 0, 1, False)
    second = study.ask()
    assert second.number == 1 and second.trials.tolist() == list(range(8, 16))
    study.tell(second, searching.bowl(second.u))
    third = study.ask()
    assert len(third) == 4  # what the budget leaves
    assert study.report().open == 4
    report = study.tell(third, searching.bowl(third.u))
    assert report.finished and study.finished
    best = max(searching.bowl(study.history().u))
    assert str(report) == f"20 of 20 images, generation 3, best {best:.4g}, finished"
    end = study.ask()
    assert len(end) == 0 and end.u.shape == (0, 3)
    assert study.tell(end, []) == report


def test_asking_again_gives_the_same_and_spends_nothing(searching):
    study = searching.open()
    first, again = study.ask(), study.ask()
    np.testing.assert_array_equal(first.u, again.u)
    np.testing.assert_array_equal(first.trials, again.trials)
    assert len(study.history()) == 8


def test_asking_for_a_few_gives_the_rest_later(searching):
    study = searching.open()
    few = study.ask(3)
    assert few.indices.tolist() == [0, 1, 2]
    study.tell(few, searching.bowl(few.u))
    assert study.ask(3).indices.tolist() == [3, 4, 5]
    assert study.ask().indices.tolist() == [3, 4, 5, 6, 7]
    assert study.ask(100).number == 0


def test_told_in_parts_and_in_any_order_is_told(searching):
    at_once, parts = searching.open(), searching.open()
    whole = at_once.ask()
    at_once.tell(whole, searching.bowl(whole.u))
    asked = parts.ask()
    for part in (asked[5:], asked[2:5], asked.select([1, 0])):
        report = parts.tell(part, searching.bowl(part.u))
    assert report.evaluated == 8
    np.testing.assert_array_equal(parts.ask().u, at_once.ask().u)
    with pytest.raises(ValueError, match=r"select\(\[i\]\)"):
        asked[3]


def test_telling_the_same_again_changes_nothing(searching):
    study = searching.open()
    asked = study.ask()
    scores = [*searching.bowl(asked.u[:-1]), float("nan")]
    report = study.tell(asked, scores)
    assert study.tell(asked, scores) == report
    assert study.tell(asked[3:5], scores[3:5]) == report


def test_another_result_for_the_same_point_is_refused(searching):
    study = searching.open()
    asked = study.ask()
    study.tell(asked[:2], [0.5, float("nan")])
    for rows, scores, was in ((asked[:1], [0.6], "0.5"), (asked[:1], [None], "0.5"), (asked[1:2], [0.5], "failed")):
        with pytest.raises(ValueError, match=rf"Image 1\.. of the study 'study' was told before as .*{was}"):
            study.tell(rows, scores)
    before = study.history()
    with pytest.raises(ValueError, match="told before"):
        study.tell(asked[:4], [0.6, float("nan"), 0.1, 0.2])
    np.testing.assert_array_equal(study.history().scores, before.scores)
    assert study.report().evaluated == 2


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([0.1] * 7, "8 points in this generation and 7 scores"),
        ([0.1] * 9, "8 points in this generation and 9 scores"),
        (0.1, "8 points in this generation and 1 scores"),
        (torch.tensor(0.1), "8 points in this generation and 1 scores"),
        ([], "8 points in this generation and 0 scores"),
        (np.zeros((8, 2)), "1 directions, but point 1 got 2 scores"),
        (np.zeros((8, 0)), "1 directions, but point 1 got 0 scores"),
        (["good"] * 8, "must be a number, got 'good'"),
        ("12345678", "8 points in this generation and 1 scores|must be a number"),
        ([{}] * 8, "must be a number"),
    ],
)
def test_wrong_scores_are_refused_and_nothing_is_recorded(scores, message, searching):
    study = searching.open()
    asked = study.ask()
    with pytest.raises(ValueError, match=message):
        study.tell(asked, scores)
    assert study.report().evaluated == 0
    assert (study.history().state == "running").all()


@pytest.mark.parametrize("form", [list, tuple, np.array, torch.tensor, lambda s: np.array(s)[:, None], np.float32])
def test_scores_come_in_many_forms(form, searching):
    study = searching.open()
    scores = [0.5 * i for i in range(8)]
    study.tell(study.ask(), form(scores))
    assert study.history().scores[:, 0].tolist() == scores


def test_points_of_another_study_are_refused(searching):
    study, other = searching.open(), searching.open()
    with pytest.raises(ValueError, match="another study"):
        study.tell(other.ask(), [0.0] * 8)
    with pytest.raises(ValueError, match="wants the Generation"):
        study.tell([[0.5]], [0.0])
    asked = study.ask()
    asked.u[0, 0] += 1e-9
    with pytest.raises(ValueError, match="Point 0 of this generation is not in the study"):
        study.tell(asked, [0.0] * 8)
    assert study.report().evaluated == 0


def test_what_has_no_score_fails_for_a_reason(searching):
    study = searching.open()
    asked = study.ask()
    scores = [0.1, float("nan"), float("inf"), -float("inf"), None, 0.2, float("nan"), 0.3]
    report = study.tell(asked, scores, [None] * 6 + ["the scorer raised", None])
    assert (report.evaluated, report.failed, report.best.score) == (8, 5, 0.3)
    assert "5 failed" in str(report)
    history = study.history()
    assert history.state.tolist() == ["complete", *["failed"] * 4, "complete", "failed", "complete"]
    assert np.isnan(history.scores[history.state == "failed"]).all()
    reasons = ["", "the score is nan", "the score is inf", "the score is -inf", "the score is nan"]
    assert list(history.reasons) == [*reasons, "", "the scorer raised", ""]
    searching.forget(optimisers=True)
    assert len(study.ask()) == 8
    with pytest.raises(ValueError, match="8 points in this generation and 2 reasons"):
        study.tell(study.ask(), [0.0] * 8, ["a", "b"])


def test_a_search_survives_generations_without_any_score(searching):
    study = searching.open(budget=40)
    u = run(study, lambda u: np.full(len(u), np.nan))
    assert study.finished and study.best is None
    assert str(study.report()) == "40 of 40 images, generation 5, 40 failed, no score yet, finished"
    assert len(np.unique(u, axis=0)) == 40


# The budget and the population.


def test_a_budget_raised_within_a_generation_goes_on_as_if_it_had_been_so(searching, file):
    whole = run(searching.open(budget=40), searching.bowl)
    begun = run(searching.open(file, budget=11), searching.bowl)
    assert len(begun) == 11
    raised = searching.open(file, budget=40)
    assert raised.remarks == ("The budget was 11 and is 40 now.",)
    assert begun + run(raised, searching.bowl) == whole


def test_the_population_may_be_larger_than_the_budget(searching):
    study = searching.open(budget=3, population=50)
    assert len(run(study, searching.bowl)) == 3
    assert study.finished


def test_a_budget_lowered_below_what_is_spent_ends_the_search(searching, file):
    study = searching.open(file, budget=32)
    asked = study.ask()
    study = searching.open(file, budget=4)
    assert not study.finished
    assert study.tell(asked, searching.bowl(asked.u)).finished
    assert len(study.ask()) == 0


@pytest.mark.parametrize("name", ["cma-es", "random", "tpe"])
def test_the_population_may_change_and_is_replayed(name, searching, file):
    run(searching.open(file, optimiser=name, budget=48), searching.bowl, 3)
    study = searching.open(file, optimiser=name, budget=48, population=4)
    assert study.remarks == ("The population was 8 and is 4 now.",)
    run(study, searching.bowl, 2)
    warm = study.ask().u
    assert warm.shape == (4, 3)
    assert study.history().population.tolist() == [8] * 24 + [4] * 12
    # Told and then replayed from the file.
    study.tell(study.ask(), searching.bowl(warm))
    after = study.ask()
    study.delete()
    run(searching.open(file, optimiser=name, budget=48), searching.bowl, 3)
    study = searching.open(file, optimiser=name, budget=48, population=4)
    for _ in range(3):
        searching.forget()
        run(study, searching.bowl, 1)
    searching.forget()
    np.testing.assert_array_equal(study.ask().u, after.u)


# What is known before.


def test_known_points_are_remembered_and_cost_nothing(searching, file):
    study = searching.open(file, budget=16)
    u = searching.space().chart.coordinates(np.eye(4))
    assert study.add_known(u, [0.1, -0.5, float("nan"), 0.7], ["seed 100", "seed 101", "seed 102", "seed 103"]) == 4
    assert study.add_known(u, [0.2, -0.5, 0.3, 0.8]) == 0  # known already
    assert study.add_known([[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]], [0.0, 0.1]) == 1
    searching.forget()
    report = study.report()
    assert (report.evaluated, report.open, report.best.score, report.best.label) == (0, 0, 0.7, "seed 103")
    assert report.best.run == report.best.generation == -1
    history = study.history()
    assert history.known.all()
    np.testing.assert_array_equal(history.u[:4], u)
    assert history.state.tolist() == ["complete", "complete", "failed", "complete", "complete"]
    assert len(run(study, searching.bowl)) == 16
    assert str(study.report()).startswith("16 of 16 images, generation 2, best 0.7")


def test_cma_starts_from_the_best_known_point(searching):
    study = searching.open(settings={"sigma0": 0.01}, population=20)
    study.add_known([[0.9, 0.1, 0.5], [0.2, 0.8, 0.6]], [0.1, 0.2])
    assert np.allclose(study.ask().u, [0.2, 0.8, 0.6], atol=0.06)


def test_known_points_added_later_do_not_change_what_was_asked(searching, file):
    study = searching.open(file)
    run(study, searching.bowl, 2)
    study.add_known([[0.9, 0.1, 0.5]], [10.0])
    warm = study.ask().u
    searching.forget()
    np.testing.assert_array_equal(study.ask().u, warm)
    run(study, searching.bowl, 1)
    warm = study.ask().u
    assert study.best.score == 10.0
    searching.forget(optimisers=True)
    fresh = searching.open()
    run(fresh, searching.bowl, 3)
    np.testing.assert_array_equal(fresh.ask().u, warm)


@pytest.mark.parametrize("name", ["tpe", "nsga-ii"])
def test_samplers_learn_from_known_points(name, searching):
    several = {"directions": ["maximize", "minimize"]} if name == "nsga-ii" else {}

    def candidates(know):
        study = searching.open(optimiser=name, population=6, **several)
        if know:
            u = np.random.default_rng(0).uniform(0.85, 1, (12, 3)), np.random.default_rng(1).uniform(0, 1, (30, 3))
            u = np.concatenate(u)
            gain = np.where((u > 0.85).all(axis=1), 5.0, 0.0) + u.sum(axis=1)
            study.add_known(u, np.stack([gain, -gain], axis=1) if several else gain)
        return study.ask().u

    assert candidates(True).mean() > candidates(False).mean() + 0.1


@pytest.mark.parametrize(
    ("u", "scores", "labels", "message"),
    [
        ([[0.5, 0.5]], [0.1], None, "has 2 coordinates a point, but a space of 4 seeds has 3"),
        ([[0.5, 0.5, 1.5]], [0.1], None, "must lie in the cube"),
        ([[0.5, 0.5, 0.5]], [0.1, 0.2], None, "1 points and 2 scores"),
        ([[0.5, 0.5, 0.5]], [[0.1, 0.2]], None, "1 directions, but point 1 got 2"),
        ([[0.5, 0.5, 0.5]], [0.1], ["a", "b"], "1 points and 2 labels"),
    ],
)
def test_wrong_known_points_are_refused(u, scores, labels, message, searching):
    study = searching.open()
    with pytest.raises(ValueError, match=message):
        study.add_known(u, scores, labels)
    assert len(study.history()) == 0


# Several scores.


def test_several_scores_have_a_front(searching):
    study = searching.open(
        optimiser="random", budget=40, population=20, directions=["maximize", "minimize"], settings={}
    )
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, (40, 2)).astype(float)
    for half in (scores[:20], scores[20:]):
        report = study.tell(study.ask(), half)
    better = scores * [1, -1]
    beaten = [
        any((b >= a).all() and (b > a).any() for b in better)
        for a in better  # by the definition
    ]
    front = {tuple(row) for row, lost in zip(scores, beaten) if not lost}
    assert report.front == sum(not lost for lost in beaten)
    ranked = study.n_best(40)
    assert len(ranked) == 40
    assert {best.scores for best in ranked[: report.front]} == front
    assert all(best.scores not in front for best in ranked[report.front :])
    assert ranked[0] == report.best and report.best.score == report.best.scores
    assert f"{report.front} on the front" in str(report)


@pytest.mark.parametrize(
    ("optimiser", "directions", "message"),
    [
        ("cma-es", ["maximize", "maximize"], "cma-es takes one score, this study has 2 directions"),
        ("nsga-ii", ["maximize"], "nsga-ii is for several scores, this study has one direction"),
        ("nsga-ii", "minimize", "choose another optimiser such as cma-es"),
        ("random", [], "directions must be maximize or minimize"),
        ("random", ["up"], "directions must be maximize or minimize, one for each score, got .*up"),
    ],
)
def test_an_optimiser_is_refused_for_scores_it_does_not_take(optimiser, directions, message, searching):
    with pytest.raises(ValueError, match=message):
        searching.open(optimiser=optimiser, directions=directions)


def test_a_failure_in_one_of_several_scores_is_a_failure(searching):
    study = searching.open(optimiser="nsga-ii", population=4, directions=["maximize", "minimize"])
    study.tell(study.ask(), [[1, 2], [1, None], [float("nan"), 2], [3, 4]])
    assert study.history().state.tolist() == ["complete", "failed", "failed", "complete"]
    with pytest.raises(ValueError, match="2 directions, but point 1 got 1 scores"):
        study.tell(study.ask(), [1, 2, 3, 4])


# What a study remembers.


def test_opened_again_it_is_the_same(searching, file):
    study = searching.open(file, seed=5)
    run(study, searching.bowl, 2)
    again = searching.open(file, seed=5)
    assert again.remarks == ()
    assert again.progress == study.progress
    assert again.identity == study.identity
    loaded = Study.load(file, "study")
    assert loaded.definition == study.definition and loaded.optimiser == study.optimiser
    np.testing.assert_array_equal(loaded.ask().u, study.ask().u)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"k": 5}, r"space.seeds: 4 in the study \(.*\), 5 now"),
        ({"name": "study", "seed": 4}, "seed: 0 in the study, 4 now"),
        (
            {"optimiser": "tpe"},
            'optimiser: "cma-es" in the study, "tpe" now; settings.sigma0: 0.2 in the study, nothing',
        ),
        ({"settings": {"sigma0": 0.3}}, "settings.sigma0: 0.2 in the study, 0.3 now"),
        ({"directions": "minimize"}, r'directions\[1\]: "maximize" in the study, "minimize" now'),
        ({"shape": (16, 8, 9)}, r"shape\[3\]: 8 in the study, 9 now"),
        ({"shape": None}, r"shape: \[16, 8, 8\] in the study, None now"),
    ],
)
def test_a_name_is_not_reused_for_something_else(changed, message, searching, file):
    asked = {"shape": (16, 8, 8)}
    run(searching.open(file, **asked), searching.bowl, 1)
    with pytest.raises(ValueError, match=message):
        searching.open(file, **{**asked, **changed})
    second = searching.open(file, on_mismatch="new", **{**asked, **changed})
    assert second.name == "study (2)"
    assert "this is the study 'study (2)'" in second.remarks[0]
    assert second.progress.startswith("0 of 32")
    # Whoever asks for that again goes on with it, and the first one is as it was.
    assert searching.open(file, on_mismatch="new", **{**asked, **changed}).identity == second.identity
    assert searching.open(file, on_mismatch="new", **asked).progress.startswith("8 of 32")
    assert study_names(file) == ["study", "study (2)"]


def test_the_difference_between_spaces_is_named_seed_by_seed(searching, file):
    recipe = searching.space().recipe()
    Study.open(file, "a", recipe, budget=8)
    other = {**recipe, "seeds": [*recipe["seeds"][:2], "7", recipe["seeds"][3]], "chart": "angular"}
    with pytest.raises(ValueError) as raised:
        Study.open(file, "a", other, budget=8)
    assert 'space.seeds[3]: "102" in the study, "7" now' in str(raised.value)
    assert 'space.chart: "knothe_rosenblatt" in the study, "angular" now' in str(raised.value)


def test_another_note_is_a_remark(searching, file):
    searching.open(file, note="flux, 20 steps")
    study = searching.open(file, note="flux, 8 steps")
    assert "'flux, 20 steps' and is 'flux, 8 steps' now" in study.remarks[0]
    assert searching.open(file, note="flux, 8 steps").remarks == ()


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "Ünï 🎨🐈",
        "a" * 300,
        "'; DROP TABLE studies; --",
        '"quoted"',
        "line\nbreak",
        "%s {x} \\",
        " x ",
    ],
)
def test_names_may_be_anything(name, searching, tmp_path, file):
    run(searching.open(file, name=name), searching.bowl, 1)
    searching.forget()
    assert study_names(file) == [name]
    assert Study.load(file, name).progress.startswith("8 of 32")
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    assert searching.open(file, name=name, seed=1, on_mismatch="new").name == f"{name} (2)"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "needs a name"),
        ("  \n", "needs a name"),
        (None, "needs a name"),
        ("a" * 301, "at most 300 characters, got 301"),
        ("a\0b", "zero byte"),
        ("\ud83d", "half a character"),
    ],
)
def test_some_names_cannot_be(name, message, searching):
    with pytest.raises(ValueError, match=message):
        searching.open(name=name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": 0}, "budget must be a whole number from 1"),
        ({"budget": 2.5}, "budget must be a whole number"),
        ({"population": 2}, "population must be a whole number from 3"),
        ({"population": True}, "population must be a whole number"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"seed": 2**64}, "seed must be a whole number"),
        ({"lease": 0}, "lease must be a number above 0"),
        ({"on_mismatch": "ignore"}, "on_mismatch must be one of refuse, new"),
        ({"shape": ({1},)}, "shape cannot be written as JSON"),
        ({"settings": {"x0": [0.5, 0.5]}}, "x0 has 2 numbers, but the space has 3 coordinates"),
        ({"storage": "  "}, "storage is empty"),
        ({"storage": "sqlite:///:memory:"}, "let storage be None"),
        ({"storage": "nothing://at all"}, "neither a path nor a database URL"),
    ],
)
def test_wrong_arguments_are_explained(arguments, message, searching):
    with pytest.raises(ValueError, match=message):
        searching.open(**arguments)


@pytest.mark.parametrize("space", [{}, {"seeds": ["1"]}, "12, 99", None])
def test_a_wrong_space_is_explained(space):
    with pytest.raises(ValueError, match=r"space must be|at least 2 seeds"):
        Study.open(None, "a", space, budget=8)


def test_a_deleted_study_is_gone_and_its_name_is_free(searching, file):
    study, other = searching.open(file), searching.open(file, name="other")
    run(other, searching.bowl, 1)
    asked = study.ask()
    study.delete()
    for use in (study.ask, lambda: study.tell(asked, searching.bowl(asked.u)), study.report, study.heartbeat):
        with pytest.raises(StudyError, match=r"'study' was deleted from .* while it was in use"):
            use()
    again = searching.open(file)
    with pytest.raises(StudyError, match="was deleted"):
        study.ask()
    with pytest.raises(ValueError, match="another study"):
        again.tell(asked, searching.bowl(asked.u))
    assert again.progress.startswith("0 of 32")
    assert other.progress.startswith("8 of 32")


# Results.


def test_history_is_arrays_for_plots(searching):
    study = searching.open(budget=24, directions="minimize")
    study.add_known([[0.1, 0.1, 0.1]], [5.0])
    run(study, lambda u: (u**2).sum(axis=1), 2)
    study.ask()
    history = study.history()
    assert len(history) == 25
    assert history.u.shape == (25, 3)
    assert history.generation.tolist() == [-1] + [0] * 8 + [1] * 8 + [2] * 8
    assert history.state.tolist() == ["complete"] * 17 + ["running"] * 8
    assert np.isnan(history.scores[17:]).all()
    np.testing.assert_array_equal(history.best_so_far[:17], np.minimum.accumulate(history.scores[:17]))
    assert (history.best_so_far[17:] == history.scores[:17].min()).all()
    assert study.best.score == history.scores[:17].min()
    np.testing.assert_array_equal(study.best.u, history.u[study.best.number])
    with pytest.raises(ValueError):
        history.u[0] = 0
    best = study.n_best(5)
    assert [b.score for b in best] == sorted(history.scores[:17, 0])[:5]


def test_of_equal_scores_the_first_is_best(searching):
    study = searching.open()
    study.tell(study.ask(), [0.0, 1.0, 1.0, 0.5, 1.0, 0.0, 1.0, 0.0])
    assert study.best.number == 1
    assert [b.number for b in study.n_best(5)] == [1, 2, 4, 6, 3]
    asked = study.ask()
    study.tell(asked[4:5], [1.0])
    study.tell(asked[:1], [1.0])
    assert study.best.number == 1


@pytest.mark.parametrize("form", ["json", "csv"])
def test_an_export_rebuilds_every_image(form, searching, tmp_path):
    study = searching.open(shape=(4, 6, 6), name='a "quoted", name\n', budget=16)
    study.add_known([[1 / 3, 0.1, 0.7]], [0.25], ["seed, 7"])
    asked = study.ask()
    study.tell(asked[:7], [*searching.bowl(asked.u[:6]), None], [*[None] * 6, "it raised:\nbad"])
    path = tmp_path / f"export.{form}"
    getattr(study, f"export_{form}")(path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    if form == "json":
        data = json.loads(path.read_text(encoding="utf-8"))
        assert data["study"] == study.name
        rows = [
            {**row, "score": row["scores"][0], "space": data["space"], "shape": data["shape"]} for row in data["points"]
        ]
    else:
        with open(path, encoding="utf-8", newline="") as lines:
            table = list(csv.DictReader(lines))
        rows = [
            {
                **row,
                "u": [float(row[f"u{i}"]) for i in (1, 2, 3)],
                "score": float(row["score"]) if row["score"] else None,
                "space": json.loads(row["space"]),
                "shape": json.loads(row["shape"]),
            }
            for row in table
        ]
    history = study.history()
    assert [row["state"] for row in rows] == history.state.tolist() == ["complete"] * 7 + ["failed", "running"]
    assert [row["label"] for row in rows] == list(history.labels)
    assert rows[7]["reason"] == "it raised:\nbad" and rows[7]["score"] is None
    assert [row["score"] for row in rows[:7]] == history.scores[:7, 0].tolist()
    for row, u in zip(rows, history.u, strict=True):
        rebuilt = space_from_recipe(row["space"]).latents([row["u"]], row["shape"])
        assert torch.equal(rebuilt, searching.space().latents(u[None], (4, 6, 6)))


@pytest.mark.parametrize("kept", ["in a file", "in memory"])
def test_it_is_read_from_other_threads_while_it_runs(kept, searching, file):
    study = searching.open(file if kept == "in a file" else None, budget=80)
    texts, errors = [], []

    def watch():
        try:
            while not texts or "finished" not in texts[-1]:
                texts.append(study.progress)
                assert study.exists()
        except Exception as error:
            errors.append(error)

    watchers = [threading.Thread(target=watch) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    run(study, searching.bowl)
    for watcher in watchers:
        watcher.join(60)
    assert not errors
    assert len(study.history()) == 80


def test_who_looks_does_not_wait_for_an_optimiser_that_thinks(searching, monkeypatch):
    study = searching.open(optimiser="tpe")
    propose, thinking, done = type(study.optimiser).propose, threading.Event(), threading.Event()

    def think(*arguments):
        thinking.set()
        assert done.wait(60)
        return propose(*arguments)

    monkeypatch.setattr(type(study.optimiser), "propose", think)
    asked = []
    asker = threading.Thread(target=lambda: asked.append(study.ask()))
    asker.start()
    assert thinking.wait(60)
    assert study.progress == "0 of 32 images, no score yet"
    assert study.add_known([[0.5, 0.5, 0.5]], [1.0]) == 1
    done.set()
    asker.join(60)
    assert len(asked[0]) == 8 and asked[0].trials.tolist() == list(range(1, 9))
    searching.forget()
    np.testing.assert_array_equal(study.ask().u, asked[0].u)


@pytest.mark.parametrize(("name", "directions"), [("bayesian", 1), ("tpe", 1), ("nsga-ii", 2)])
def test_what_came_while_an_optimiser_thought_is_seen_alike_in_a_fresh_process(
    name, directions, searching, monkeypatch, file
):
    def scores(u):
        return np.stack([searching.bowl(u), searching.bowl(u, 0.8)], axis=1)[:, :directions]

    study = searching.open(file, optimiser=name, population=6, directions=["maximize"] * directions)
    for _ in range(2):  # more than the random start
        asked = study.ask()
        study.tell(asked, scores(asked.u))
    propose = type(study.optimiser).propose

    def think(*arguments):
        proposal = propose(*arguments)
        study.add_known([[0.3, 0.3, 0.3]], scores([[0.3, 0.3, 0.3]]))
        return proposal

    with monkeypatch.context() as slow:
        slow.setattr(type(study.optimiser), "propose", think)
        asked = study.ask()
    study.tell(asked, scores(asked.u))
    copy = file.with_name("copy")
    shutil.copy(file, copy)
    expected = Study.load(copy, "study").ask().u
    np.testing.assert_array_equal(study.ask().u, expected)


def test_an_optimiser_that_raises_leaves_the_study_as_it_was(searching, monkeypatch, file):
    for name in ("cma-es", "tpe"):
        study = searching.open(file, name=name, optimiser=name)
        study.tell(study.ask(), [0.0] * 8)
        with monkeypatch.context() as broken:
            broken.setattr(type(study.optimiser), "propose", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                study.ask()
        assert len(study.history()) == 8
        again = study.ask()
        assert (again.run, again.number, len(again)) == (0, 1, 8)


def test_two_threads_asking_at_once_get_the_same(searching, file):
    for name in ("cma-es", "tpe"):
        study, asked = searching.open(file, name=name, optimiser=name), []
        threads = [threading.Thread(target=lambda: asked.append(study.ask())) for _ in range(4)]  # noqa: B023
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(asked) == 4 and len(study.history()) == 8
        for generation in asked[1:]:
            np.testing.assert_array_equal(generation.u, asked[0].u)


def test_the_note_is_kept_and_can_be_changed(searching, file):
    study = searching.open(file, note="first")
    assert study.renote("second") == "first"
    assert study.renote("second") == "second"
    searching.forget()
    again = searching.open(file)  # no note: as it was
    assert again.renote("third") == "second" and not again.remarks
    assert "was 'third' and is 'fourth' now" in " ".join(searching.open(file, note="fourth").remarks)


def test_it_knows_whether_it_still_exists(searching, file):
    study = searching.open(file)
    assert study.exists()
    study.delete()
    assert not study.exists()
    assert searching.open(file).exists() and not study.exists()  # the same name, another study
    file.unlink()
    assert not study.exists()


def test_known_points_are_found_again(searching):
    study = searching.open()
    u = np.array([[0.5, 0.5, 0.5], [1.0, 0.0, 1.0]])
    study.tell(generation := study.ask(), np.zeros(len(generation)))
    study.add_known(u, [1.0, 2.0])
    rows = study.history().known_rows(u[::-1])
    assert rows.tolist() == [len(generation) + 1, len(generation)]
    assert study.history().known_rows(generation.u[:1]).tolist() == [-1]  # asked for, not known before
