"""Surrogate Explorer remembered as a study, in a real server: what was liked on which page, and the report of it."""

import json
import urllib.parse
import urllib.request

import torch

from surrogate.explore import Session

from .graph import Graph, Log, counted
from .test_explorer import explorer


def stands(comfy, name: str) -> dict:
    url = f"{comfy.server.url}/surrogate/study?name={urllib.parse.quote(name)}"
    with urllib.request.urlopen(url) as answer:
        return json.loads(answer.read())


def run(comfy, session: Session, name: str, **settings) -> tuple:
    """The page, the report's best pictures and whole best picture (files that exist if there is a report), and its text."""
    g = Graph(comfy)
    node = explorer(g, session, seed=300, study=name, **settings)
    report = g("SurrogateStudyReport", study=node[9], filename_prefix="", n_best=3)
    page, best, whole = g.keep(node[1]), g.keep(report[3]), g.keep(report[5])
    entry = g.run()
    return page, best, whole, entry["outputs"].get(report.number, {}).get("text", [""])[0]


def test_the_course_of_an_explorer_is_reported_and_what_was_liked_is_found(comfy):
    name = "my 'walk' 🙂"
    first = Session.parse("", 4)
    _, best, _, said = run(comfy, first, name)
    assert not best.path.exists() and not said  # nothing is judged yet
    assert (stands(comfy, name)["evaluated"], stands(comfy, name)["open"]) == (0, 4)

    second = first.like(1, 3).then("more", 4)
    run(comfy, second, name)
    third = second.like(2).then("more", 4)
    _, best, _, said = run(comfy, third, name)
    assert "8 of 12 images" in said and "best 2" in said
    assert best.path.exists()
    found = stands(comfy, name)
    assert (found["generation"], found["best"]["label"], found["best"]["scores"]) == (3, "2.3", [2.0])

    finished, _, whole, _ = run(comfy, third.then("finish"), name)
    assert torch.equal(whole.tensor, finished.tensor[2:])  # the latest liked one, with all steps
    assert stands(comfy, name)["evaluated"] == 8


def test_it_says_when_a_study_has_no_room_for_more_pages(comfy):
    session = Session.parse("", 16)
    for _ in range(64):
        session = session.then("new", 16)
    log = Log(comfy)
    run(comfy, session, "a long walk")
    assert log.wait_for("The study 'a long walk' has 64 of 65 pages: a study holds 1024 noises")


def test_the_study_does_not_change_what_a_picture_is(comfy):
    session = Session.parse("", 4)
    run(comfy, session, "", log="of a study")
    run(comfy, session, "kept", log="of a study")
    assert counted(comfy, "of a study") == [4]
