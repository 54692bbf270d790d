"""A score out of a text that a language model wrote."""

from __future__ import annotations

import math
import time

import pytest

from surrogate.scores import score_in


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("7", 7),
        ("Score: 7/10", 7),
        ("8.5 / 10!", 8.5),
        ("I would give it 7 out of 10.", 7),
        ("7 out of 10. So: 7", 7),
        ("**Rating:** 7.0/10 (7)", 7),
        ("7 von 10", 7),
        ("85 %", 85),
        ('{"score": 0.25}', 0.25),
        ("score=-0.5", -0.5),
        ("−3", -3),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("7pts", 7),
        ("SD3 says 4, SDXL1.0 says 4", 4),
        ("the picture of v1.5 gets 4", 4),
        ("7.\n", 7),
        ("７／１０ ７".replace("／", "/"), 7),
        ("1/2", 1),
    ],
)
def test_the_number_is_found(text, score):
    assert score_in(text) == score


@pytest.mark.parametrize("text", ["", "none found", "NaN", "I see no face in SD3's picture.", "...", "-", "/10"[:1]])
def test_no_number_is_a_failed_image(text):
    assert math.isnan(score_in(text))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("between 6 and 8", "6, 8"),
        ("5-7", "5, 7"),
        ("7/10 for light, 4/10 for colour", "7, 4"),
        ("Image 3: 0.7", "3, 0.7"),
        ("7,5", "7, 5"),
        ("[0.1, 0.2, 0.3, 0.4, 0.5]", r"0\.1, 0\.2, 0\.3, 0\.4, …"),
        ("6 to 8/10", "6, 8"),
    ],
)
def test_several_numbers_are_an_error_that_names_them(text, numbers):
    with pytest.raises(ValueError, match=rf"^scores: the text .* has several numbers \({numbers}\)"):
        score_in(text)


def test_a_long_answer_is_shortened_in_the_message():
    with pytest.raises(ValueError, match=r"^verdict: the text .{0,70}…' has several") as caught:
        score_in("The picture " * 1000 + "has 3 birds: 7/10", "verdict")
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", ["1" * 100_000, "1." * 50_000, "1 of " * 20_000, "-" * 100_000, "7/" + " " * 100_000])
def test_no_text_takes_long(text):
    began = time.monotonic()
    score_in(text)
    assert time.monotonic() - began < 5
