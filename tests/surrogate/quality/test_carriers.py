"""Which carrier is recommended for what was measured, and when pictures count as nearly equal."""

import numpy as np
import pytest

from surrogate import Seeds, SurrogateSpace, points
from surrogate.quality import Carriers, nearly_equal, variety


def shades(*levels: int) -> list[np.ndarray]:
    """Grey pictures (1, 8, 8, 3) of these levels."""
    return [np.full((1, 8, 8, 3), level, np.uint8) for level in levels]


@pytest.mark.parametrize(
    ("noise", "prompt", "recommended"),
    [
        (0.01, {0.5: 0.08, 1.0: 0.09}, 0.5),  # the least that gives variety
        (0.01, {0.5: 0.04, 1.0: 0.07}, 1.0),
        (0.01, {0.5: 0.04, 1.0: 0.05}, 1.0),  # little, but the most there is
        (0.05, {0.5: 0.06, 1.0: 0.07}, None),  # hardly more than the initial noise does
        (0.001, {0.5: 0.004, 1.0: 0.01}, None),  # more, but nobody sees it
        (0.01, {}, None),
    ],
)
def test_the_strength_that_is_recommended(noise, prompt, recommended):
    found = Carriers(noise, prompt)
    assert found.recommended == recommended and found.helps == (recommended is not None)
    said = "\n".join(found.advice)
    assert (f"strength = {recommended:g}, until = 0.2" in said) if recommended else not said


def test_advice_for_points_on_the_prompt_and_for_prompts_that_cannot_be_tried():
    assert "raise strength or until" in Carriers(0.01, on_prompt=True).advice[0]
    assert Carriers(0.01, why_not="it is a batch.").advice == ["Noise on the prompt was not tried: it is a batch."]
    assert Carriers(0.2, on_prompt=True).advice == Carriers(0.2, {0.5: 0.9}).advice == []
    assert Carriers(0.01, {0.5: 0.08}).numbers == [
        "Distance of two pictures with noise on the prompt, median: 0.080 at strength 0.5"
    ]


def test_nearly_equal_pictures_of_points_that_are_not():
    space = SurrogateSpace(Seeds.from_range(0, 4))
    corners = points.vertices(space).w
    assert nearly_equal(shades(100, 101, 102, 103), corners)
    assert not nearly_equal(shades(0, 80, 160, 240), corners)
    # Neighbours may be alike, and so may one or two points.
    near = np.repeat(corners[:1], 4, axis=0)
    assert not nearly_equal(shades(100, 101, 102, 103), near)
    assert not nearly_equal(shades(100, 100), corners[:2])


def test_pictures_of_any_number_of_channels_and_many_of_them():
    w = np.eye(40)
    grey = [np.full((1, 8, 8, 1), 100, np.uint8)] * 40
    assert nearly_equal(grey, w)
    assert variety([picture[0] for picture in shades(0, 255)]) > 0.5
