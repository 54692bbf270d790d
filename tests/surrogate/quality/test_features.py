"""Features: numbers that are known by hand, whatever a picture comes as."""

import numpy as np
import pytest

from surrogate.quality import FEATURES, features, keep
from surrogate.quality.features import FAINT
from surrogate.scores.oklab import oklab

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)
NONE = np.log2(FAINT)


def test_of_an_even_picture_there_is_nothing_but_its_colour():
    red = np.zeros((8, 9, 3), np.uint8)
    red[..., 0] = 255
    (contrast, saturation, detail, colour_detail), grey = features([red, np.full((5, 5, 3), 128, np.uint8)])
    assert [contrast, detail, colour_detail] == pytest.approx([NONE] * 3, abs=1e-6)
    assert saturation == pytest.approx(np.log2(np.hypot(*oklab(np.array([1.0, 0, 0]))[1:]) + FAINT))
    assert grey == pytest.approx([NONE] * 4, abs=1e-4)
    assert len(FEATURES) == 4


def test_half_black_and_half_white():
    half = np.zeros((10, 10, 3), np.uint8)
    half[:, 5:] = 255
    contrast, saturation, detail, _ = features([half])[0]
    assert contrast == pytest.approx(np.log2(0.5 + FAINT), abs=1e-3)
    assert [saturation, detail] == pytest.approx([NONE] * 2, abs=1e-3)  # six of eight columns have no edge


def test_detail_is_what_lies_beside_its_neighbours():
    ramp = np.broadcast_to(np.arange(60, 124, 2, dtype=np.uint8)[:, None], (32, 32, 3))
    fine = np.indices((32, 32)).sum(0) % 2 * 20 + 100
    fine = np.broadcast_to(fine[..., None], (32, 32, 3)).astype(np.uint8)
    smooth, checked = features([ramp, fine])[:, 2]
    assert smooth < NONE + 2 < checked
    step = np.ptp(oklab(np.array([[100] * 3, [120] * 3]) / 255)[:, 0])
    assert checked == pytest.approx(np.log2(4 * step + FAINT), abs=1e-6)


def test_grey_alpha_and_clips():
    grey = NOISE[..., :1]
    opaque = np.concatenate([NOISE, np.full((40, 50, 1), 255, np.uint8)], -1)
    a, b, c, d = features([grey, grey.repeat(3, -1), NOISE, opaque])
    assert np.array_equal(a, b) and np.array_equal(c, d)
    clip = np.stack([NOISE, grey.repeat(3, -1)])
    np.testing.assert_allclose(features([clip])[0], (b + c) / 2)


def test_the_pictures_are_left_alone_and_do_not_depend_on_each_other():
    before = NOISE.copy()
    alone = features([NOISE])
    assert np.array_equal(features([before[::-1].copy(), NOISE])[1], alone[0])
    assert np.array_equal(NOISE, before)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (NOISE / 255, "picture 2 is float64"),
        (NOISE[0], r"picture 2 is uint8 \(50, 3\)"),
        (NOISE[..., :2], "1, 3 or 4 channels"),
        (NOISE[:2], "Picture 2 .*at least 3×3 pixels"),
        (NOISE[None][:0], "Picture 2 .*at least 3×3 pixels"),
        (np.zeros((600, 1, 3), np.uint8), "at least 3×3 pixels"),
    ],
)
def test_what_is_no_picture(picture, message):
    with pytest.raises(ValueError, match=message):
        features([NOISE, picture])


def test_what_is_kept_of_a_picture_is_the_picture_and_of_a_clip_16_frames():
    assert np.array_equal(keep(NOISE[None]), NOISE[None])
    long = np.broadcast_to(np.arange(81, dtype=np.uint8)[:, None, None, None], (81, 4, 4, 1))
    kept = keep(long)
    assert kept.shape == (16, 4, 4, 3)
    assert kept[0, 0, 0, 0] == 0 and kept[-1, 0, 0, 0] == 80
    assert np.ptp(np.diff(kept[:, 0, 0, 0].astype(int))) <= 1
    assert keep(np.zeros((1, 1024, 600, 3), np.uint8)).shape == (1, 512, 300, 3)
    assert keep(np.zeros((2, 9, 9, 4), np.uint8)).shape == (2, 9, 9, 3)
