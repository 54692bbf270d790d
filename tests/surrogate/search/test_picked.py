"""What a person picks of a generation becomes scores; what nobody could judge is skipped."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from surrogate.search import (
    OPTIMISERS,
    SKIPPED,
    Picks,
    Study,
    describe_study,
    generation_name,
    last_picked,
    pick_scores,
    tell_picks,
)


def test_scores_of_picks():
    assert pick_scores(Picks("likes", (3, 1)), 4).tolist() == [0, 1, 0, 1]
    assert pick_scores(Picks("ranking", (3, 1, 0)), 4).tolist() == [0.5, 0.75, 0, 1]
    assert pick_scores(Picks("ranking", (2,)), 3).tolist() == [0, 0, 1]
    assert pick_scores(Picks("none"), 2).tolist() == [0, 0]
    assert pick_scores(Picks("skip"), 2) is None
    with pytest.raises(ValueError, match="Picture 3 was picked, but there are 2 pictures"):
        pick_scores(Picks("likes", (0, 2)), 2)


def test_every_picked_picture_is_better_than_the_others():
    for count in range(1, 12):
        scores = pick_scores(Picks("ranking", tuple(range(count))), 12)
        assert (np.diff(scores[:count]) < 0).all()
        assert scores[:count].min() >= 0.5 and not scores[count:].any()


def test_picks_are_a_small_text():
    picks = Picks("ranking", (2, 0), "name")
    assert picks.text() == '{"v":1,"of":"name","do":"ranking","cells":[2,0]}'
    assert Picks.parse(picks.text()) == picks
    assert Picks.parse('{"cells": [1, 1, 0]}') == Picks("likes", (1, 0))
    assert Picks.parse('{"do": "likes"}') == Picks("none")
    assert Picks.parse('{"do": "skip", "cells": [1]}') == Picks("skip")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "picks is not JSON: '{'"),
        ("[]", "picks must be JSON of the form"),
        ('{"of": 3}', "picks must be JSON of the form"),
        ('{"v": 2}', "of version 2"),
        ('{"do": "love"}', "do in picks must be one of"),
        ('{"cells": 3}', "a list of numbers"),
        ('{"cells": [-1]}', "cells in picks must be a whole number of at least 0"),
        ('{"cells": [true]}', "cells in picks must be a whole number"),
        ("[" * 60_000, "too many brackets"),
        (" " * 70_000, "70000 characters"),
    ],
)
def test_a_text_that_is_no_answer_is_named(text, said):
    with pytest.raises(ValueError, match=said):
        Picks.parse(text)


def test_words():
    assert Picks.of_words(" 3, 1 ") == Picks("likes", (2, 0))
    assert Picks.of_words("3 1;2", "ranking") == Picks("ranking", (2, 0, 1))
    assert Picks.of_words("None") == Picks("none")
    assert Picks.of_words("skip") == Picks("skip")
    for text in ("", "the first", "0", "1.5", "-1"):
        with pytest.raises(ValueError, match="likes must be"):
            Picks.of_words(text)


def test_a_generation_has_one_name_everywhere(searching):
    study, other = searching.open(), searching.open(name="another")
    generation = study.ask()
    name = generation_name(generation)
    assert name == generation_name(study.ask())
    assert name not in (generation_name(generation[:3]), generation_name(other.ask()))
    study.skip(generation)
    assert generation_name(study.ask()) != name


@pytest.mark.parametrize("directions", ["maximize", "minimize"])
def test_a_study_is_told_what_is_picked(searching, directions):
    study = searching.open(directions=directions)
    first = study.ask()
    assert tell_picks(study, first, Picks("ranking", (5, 2))).best.index == 5
    assert study.history().u[last_picked(study.history())].tolist() == first.u[[5, 2]].tolist()
    second = study.ask()
    assert second.number == 1
    tell_picks(study, second, Picks("none"))
    assert last_picked(study.history()).tolist() == first.trials[[5, 2]].tolist()
    third = study.ask()
    tell_picks(study, third, Picks("likes", (7, 1)))
    assert last_picked(study.history()).tolist() == third.trials[[1, 7]].tolist()


def test_several_scores_cannot_be_picked(searching):
    study = searching.open(directions=("maximize", "minimize"), optimiser="nsga-ii")
    with pytest.raises(ValueError, match="has 2 directions"):
        tell_picks(study, study.ask(), Picks("likes", (0,)))


def test_nothing_was_picked_yet(searching):
    assert last_picked(searching.open().history()).tolist() == []


def test_what_is_skipped_came_back_without_a_score(tmp_path, searching):
    path = tmp_path / "studies.sqlite3"
    study = searching.open(storage=path, name="asked", budget=12, directions="maximize")
    first = study.ask()
    report = study.skip(first)
    assert (report.evaluated, report.skipped, report.failed, report.open) == (8, 8, 0, 0)
    assert str(report) == "8 of 12 images, generation 1, 8 not judged, no score yet"
    assert study.skip(first) == report  # again: nothing changes
    with pytest.raises(ValueError, match="told before as not judged, now as score"):
        study.tell(first, np.zeros(8))
    second = study.ask()
    assert (second.number, len(second)) == (1, 4)
    study.tell(second, np.arange(4.0))
    with pytest.raises(ValueError, match=r"told before as score .*, now as not judged"):
        study.skip(second)
    read = Study.load(path, "asked")
    assert read.history().state.tolist() == [SKIPPED] * 8 + ["complete"] * 4
    assert not read.history().judged[:8].any()
    assert read.finished and len(read.ask()) == 0
    assert describe_study(path, "asked")["skipped"] == 8
    read.export_json(tmp_path / "study.json")
    assert '"skipped"' in json.dumps(json.loads((tmp_path / "study.json").read_text()))


@pytest.mark.parametrize("optimiser", sorted(OPTIMISERS))
def test_every_optimiser_searches_on_after_a_skip_and_in_another_process(tmp_path, searching, optimiser):
    """What it proposes does not depend on whether its memory saw the skip."""
    found = OPTIMISERS[optimiser]
    directions = "maximize" if found.one_score else ("maximize", "maximize")
    path = tmp_path / "studies.sqlite3"
    study = searching.open(storage=path, name="s", budget=100, population=8, directions=directions, optimiser=optimiser)
    chance = np.random.default_rng(5)
    for act in ("tell", "skip", "tell"):
        generation = study.ask()
        scores = chance.random((len(generation), len(study.definition.directions)))
        study.tell(generation, scores) if act == "tell" else study.skip(generation)
    proposed = study.ask()
    assert proposed.number == 3
    history = study.history()
    rows = np.arange(len(history)) < len(history) - len(proposed)
    fresh = study.optimiser.propose(_first(history, rows), 0, 3, range(8), 8, study.definition.seed, {})
    assert np.array_equal(np.clip(fresh.u, 0, 1), proposed.u)


def _first(history, rows):
    """The history as it was before the last generation was asked for."""
    count = int(rows.sum())
    cut = {field.name: getattr(history, field.name) for field in dataclasses.fields(history)}
    return type(history)(**{name: value if name == "directions" else value[:count] for name, value in cut.items()})
