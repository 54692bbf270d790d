"""Pictures of Surrogate Explorer are followed to their noises: its pages, what it finished, and what was liked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from surrogate.explore import Course, Session
from surrogate.metadata import seeds_of_pictures
from surrogate.seeds import Seeds

from .graphs import found_in, graph, node, write

SHAPE = (4, 8, 8)
MADE = Session.parse("", 4).like(1, 3).then("more", 4).like(2)
SPACE = {
    "seeds": node("SurrogateSeedsFromIntegers", seeds="7, 9"),
    "space": node("SurrogateSpace", seeds=["seeds", 0], chart="knothe_rosenblatt", transport="sphere"),
}


def explorer(session, **inputs) -> dict:
    links = {"guider": ["g", 0], "sampler": ["k", 0], "sigmas": ["s", 0], "latent": ["latent", 0], "vae": ["model", 2]}
    typed = {"pictures": 4, "draft_steps": 0, "seed": 40, "noise_seed": 0, "filename_prefix": "explorer"}
    text = session.text() if isinstance(session, Session) else session
    return node("SurrogateExplorer", **links, **{**typed, "session": text, **inputs})


def explored(session, output: int = 1, **inputs) -> dict:
    """A graph that saves the pictures of an output of an Explorer."""
    more = inputs.pop("more", {})
    return graph(image=("explorer", output), explorer=explorer(session, **inputs), **more)


def saved(folder: Path, prompt: dict, count: int) -> list:
    """What is found in the files of a run that saves `count` pictures."""
    paths = [write(folder / f"x_{i:05}_.png", prompt) for i in range(1, count + 1)]
    return list(seeds_of_pictures(paths).found)


def assert_these(found: list, course: Course, which) -> None:
    """The noises found are, bit for bit, those of the points `which`, a space and its points."""
    space, points = which
    expected = space.combine(points.w, SHAPE)
    assert len(found) == len(expected)
    for one, noise in zip(found, expected, strict=True):
        assert not one.reason
        assert torch.equal(one.seeds[0].noise((SHAPE,))[0], noise)


@pytest.mark.parametrize("more", [{}, {"space": ["space", 0], "more": SPACE}, {"seeds": ["seeds", 0], "more": SPACE}])
def test_the_pictures_of_a_page(tmp_path, more):
    found = saved(tmp_path, explored(MADE, **more), 4)
    given = Seeds.from_text("7, 9") if more else Seeds(())
    course = Course(MADE, 40, given, "sphere" if "space" in more else "gaussian")
    assert_these(found, course, course.page())


def test_a_first_page_is_of_integers(tmp_path):
    found = saved(tmp_path, explored(""), 4)
    assert [one.seeds[0].label for one in found] == ["40", "41", "42", "43"]


def test_a_draft_is_noted(tmp_path):
    (one, *_) = saved(tmp_path, explored(MADE, draft_steps=2), 4)
    assert any("showed it as a draft" in note for note in one.notes)


def test_what_was_finished(tmp_path):
    course = Course(MADE.then("finish"), 40)
    assert_these(saved(tmp_path, explored(course.session, 0), 3), course, course.page())


def test_its_own_file_without_a_recipe(tmp_path):
    """A converter kept the prompt alone."""
    session = Session.parse("", 4).like(2).then("finish")
    prompt = graph(image=("decoded", 0), explorer=explorer(session))
    del prompt["save"]
    assert [seed.label for seed in found_in(tmp_path, prompt, "renamed.png").seeds] == ["42"]


def liked_by(kind: str, session=MADE) -> dict:
    """A graph in which a node takes what was liked."""
    explorer_node = explorer(session)
    custom = node(
        "SamplerCustomAdvanced", noise=["explorer", 2], guider=["g", 0], sampler=["k", 0], sigmas=["s", 0],
        latent_image=["explorer", 3],
    )  # fmt: skip
    parts = {
        "noise and latent": {"sampler": custom},
        "points and space": {"render": ["explorer", 4], "of": ["explorer", 5]},
        "seeds": {"render": ["v", 0], "of": ["sp", 0]},
    }[kind]
    if "sampler" in parts:
        guider = node("BasicGuider", model=["model", 0], conditioning=["text", 0])
        sigmas = node("BasicScheduler", model=["model", 0], scheduler="simple", steps=4, denoise=1.0)
        return graph(
            explorer=explorer_node, g=guider, s=sigmas, k=node("KSamplerSelect", sampler_name="euler"), **parts
        )
    rendered = node("SurrogateRenderPoints", space=parts["of"], points=parts["render"], latent=["latent", 0])
    space = node("SurrogateSpace", seeds=["explorer", 6], chart="knothe_rosenblatt", transport="gaussian")
    corners = node("SurrogateWeights", space=["sp", 0], weights="1 0 0\n0 1 0\n0 0 1")
    return graph(image=("r", 0), explorer=explorer_node, r=rendered, sp=space, v=corners)


@pytest.mark.parametrize("kind", ["noise and latent", "points and space", "seeds"])
def test_what_was_liked(tmp_path, kind):
    course = Course(MADE, 40)
    assert_these(saved(tmp_path, liked_by(kind), 3), course, course.liked())


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        (explored(MADE, 0), "had not finished anything yet"),
        (liked_by("noise and latent", ""), "nothing was liked"),
        (explored("{"), "session is not JSON"),
        (explored(json.dumps({"pages": [{"n": 16}] * 999})), "too many pictures to rebuild"),
        (explored(["other", 0], more={"other": node("SomeText")}), "session"),
    ],
    ids=["not finished", "not liked", "damaged", "without end", "of another node"],
)  # fmt: skip
def test_what_cannot_be_followed_is_said(tmp_path, prompt, reason):
    found = found_in(tmp_path, prompt)
    assert not found.seeds
    assert reason in found.reason
