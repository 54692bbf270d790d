"""Sounds as pictures: what is drawn where, on which scale, and what cannot be drawn."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from surrogate.pictures import SOUND_KINDS, Sound, sound_facts, sound_pictures, sound_sheet
from surrogate.pictures.canvas import Palette
from surrogate.pictures.plotting import FAILED

RATE = 44100
WIDTH, HEIGHT = 320, 180


def tone(hertz: float, seconds: float = 1.0, loud: float = 1.0, rate: int = RATE, channels: int = 1) -> Sound:
    t = np.arange(round(seconds * rate)) / rate
    return Sound(np.tile((loud * np.sin(2 * np.pi * hertz * t)).astype(np.float32), (channels, 1)), rate)


def chirp(low: float, high: float, seconds: float = 2.0) -> Sound:
    """Equal times for equal intervals."""
    t = np.arange(round(seconds * RATE)) / RATE
    growth = math.log(high / low) / seconds
    return Sound(np.sin(2 * np.pi * low * np.expm1(growth * t) / growth)[None].astype(np.float32), RATE)


def drawn(*sounds: Sound, kind: str, **settings) -> list[np.ndarray]:
    pictures = sound_pictures(sounds, kind=kind, width=WIDTH, height=HEIGHT, **settings)
    assert all(p.shape == (HEIGHT, WIDTH, 3) and p.dtype == np.uint8 for p in pictures)
    return pictures


def bright(picture: np.ndarray, right_of: int = 60) -> np.ndarray:
    """Without the left part, where the names of the notes stand."""
    return picture[:, right_of:].astype(int).sum(-1)


def hertz(row, top: float = RATE / 2) -> np.ndarray:
    """The note in the middle of a row of a spectrogram from 40 Hz."""
    return 40 * (top / 40) ** (1 - (np.asarray(row) + 0.5) / HEIGHT)


def tall(picture: np.ndarray, colour=None) -> int:
    """Pixels of a waveform in the column where it is highest."""
    drawn = (picture != np.array(Palette.ground)).any(-1) if colour is None else (picture == np.array(colour)).all(-1)
    return int(drawn.sum(0).max())


# --------------------------------------------------------------------------------------------------- spectrograms


@pytest.mark.parametrize("note", [80, 261.6, 1000, 4186, 15000])
def test_a_note_is_a_line_at_its_height(note):
    rows = bright(drawn(tone(note), kind="spectrogram")[0])[:, 20:-20].argmax(0)
    assert np.abs(np.log2(hertz(rows) / note)).max() < 0.35 if note < 100 else 0.08


def test_high_and_low_notes_are_equally_bright():
    peaks = [bright(drawn(tone(note), kind="spectrogram")[0])[:, 20:-20].max(0) for note in (100, 1000, 10000)]
    assert np.ptp([p.mean() for p in peaks]) < 0.12 * np.mean(peaks)


def test_a_chirp_is_a_straight_line():
    rows = bright(drawn(chirp(200, 12800), kind="spectrogram")[0])[:, :-20].argmax(0)
    columns = np.arange(60, 60 + len(rows)) + 0.5
    assert np.abs(np.log2(hertz(rows) / (200 * 2 ** (6 * columns / WIDTH)))).max() < 0.25


def test_two_notes_are_two_lines_and_noise_is_everywhere():
    two = bright(drawn(Sound(tone(440).samples + tone(880).samples, RATE), kind="spectrogram")[0])[:, 130]
    ridges = [r for r in range(1, HEIGHT - 1) if two[r] >= two[r - 1] and two[r] > two[r + 1] and two[r] > 400]
    assert sorted(round(440 * 2 ** round(math.log2(hertz(r) / 440))) for r in ridges) == [440, 880]
    noise = np.random.default_rng(0).standard_normal((1, RATE)).astype(np.float32)
    assert (bright(drawn(Sound(noise, RATE), kind="spectrogram")[0])[:150].mean(1) > 250).all()


def test_channels_that_cancel_are_seen():
    sound = tone(1000).samples
    opposed = Sound(np.concatenate([sound, -sound]), RATE)
    assert np.array_equal(*(drawn(s, kind="spectrogram")[0] for s in (opposed, Sound(sound, RATE))))
    right = Sound(np.concatenate([0 * sound, sound]), RATE)
    assert bright(drawn(right, kind="spectrogram")[0]).max() > 500


def test_a_lower_rate_has_no_high_notes():
    high, low = drawn(tone(1000), tone(1000, rate=8000), kind="spectrogram")
    rows = [bright(p)[:, 100].argmax() for p in (high, low)]
    assert abs(rows[0] - rows[1]) <= 1
    above = hertz(np.arange(HEIGHT)) > 4200
    assert (low[above, 200] == Palette.hollow).all() and not (high[above, 200] == Palette.hollow).any()


def test_loudness_is_comparable_80_decibels_down():
    loud, quiet, gone = (bright(p).max() for p in drawn(
        tone(1000), tone(1000, loud=0.01), tone(1000, loud=1e-5), kind="spectrogram"))  # fmt: skip
    alone = bright(drawn(tone(1000, loud=0.01), kind="spectrogram")[0]).max()
    assert loud > quiet > gone and alone == loud
    assert gone == bright(drawn(tone(1000), tone(0), kind="spectrogram")[1]).max()  # as silence


# ------------------------------------------------------------------------------------------------------ waveforms


def test_a_waveform_is_as_high_as_the_loudest_is_loud():
    loud, half, silent = drawn(tone(2000), tone(2000, loud=0.5), tone(2000, loud=0.0), kind="waveform")
    assert tall(loud) >= HEIGHT - 4
    assert abs(tall(half) - HEIGHT / 2) < 4
    assert tall(silent) in (1, 2)
    assert tall(drawn(tone(2000, loud=0.5), kind="waveform")[0]) == tall(loud)


def test_red_is_what_clips_and_nothing_else():
    clipping, full = drawn(tone(2000, loud=1.25), tone(2000, loud=1.0), kind="waveform")
    assert tall(clipping, FAILED) > 0.9 * HEIGHT
    assert tall(full, FAILED) == 0


def test_time_ends_with_the_longest():
    long, short = drawn(tone(500, 2.0), tone(500, 0.5), kind="waveform")
    filled = (short != np.array(Palette.hollow)).any(-1).any(0)
    assert filled[: WIDTH // 4].all() and not filled[WIDTH // 4 :].any()
    assert not (long == np.array(Palette.hollow)).all(-1).any()


def test_left_is_above_right():
    sound = Sound(np.stack([tone(2000).samples[0], np.zeros(RATE, np.float32)]), RATE)
    (picture,) = drawn(sound, kind="waveform")
    assert tall(picture[: HEIGHT // 2]) > 20 and tall(picture[HEIGHT // 2 :]) <= 2
    crowd = Sound(np.random.default_rng(0).uniform(-1, 1, (64, RATE)).astype(np.float32), RATE)
    assert tall(drawn(crowd, kind="waveform")[0]) > HEIGHT - 8  # too many for a lane each


def test_nothing_falls_between_two_columns():
    """A click of one sample anywhere."""
    for at in (0, 1, 7777, 12345, RATE - 1):
        samples = np.zeros((1, RATE), np.float32)
        samples[0, at] = 1.0
        assert tall(drawn(Sound(samples, RATE), kind="waveform")[0]) > HEIGHT / 2 - 4, at


# ------------------------------------------------------------------------------------------- all that can come along

ODD = {
    "one sample": np.array([[0.5]]),
    "two samples": np.array([[0.5, -0.5]]),
    "shorter than a window": np.random.default_rng(0).uniform(-1, 1, (2, 100)),
    "silence": np.zeros((2, 5000)),
    "only NaN": np.full((1, 5000), np.nan),
    "some NaN": np.where(np.arange(5000) % 7 == 0, np.nan, 0.5)[None],
    "infinite": np.where(np.arange(5000) % 7 == 0, -np.inf, 0.5)[None],
    "huge": np.full((1, 5000), 1e38),
    "tiny": np.full((1, 5000), 1e-30),
    "half precision": np.linspace(-1, 1, 5000, dtype=np.float16)[None],
    "integers": np.ones((1, 5000), np.int16),
    "the other way round in memory": np.zeros((5000, 2), np.float32).T,
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ODD)
def test_odd_sounds_are_drawn_and_left_as_they_are(name):
    samples = ODD[name]
    before = samples.copy()
    samples.setflags(write=False)
    for rate in (RATE, 0.01, 768000):
        for kind in SOUND_KINDS:
            once, again = (drawn(Sound(samples, rate), tone(440), kind=kind) for _ in range(2))
            assert all(np.array_equal(a, b) for a, b in zip(once, again))
        assert sound_facts(Sound(samples, rate))
    assert np.array_equal(samples, before, equal_nan=True)


def test_small_pictures_of_all_kinds():
    for kind in SOUND_KINDS:
        for width, height in ((1, 1), (2, 1), (1, 40), (40, 3), (130, 80)):
            (picture,) = sound_pictures([tone(440)], kind=kind, width=width, height=height)
            assert picture.shape == (height, width, 3)


def test_hours_of_sound_need_no_more_memory_than_seconds():
    hours = Sound(
        np.broadcast_to(np.float32(0.25), (2, 2 * 3600 * RATE)), RATE
    )  # one number in memory, as long as you like
    tracemalloc.start()
    sound_sheet([hours, tone(440)])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150e6, f"{peak / 1e6:.0f} MB"
    assert sound_facts(hours) == "2:00:00 h · peak -12.0 dB"


def test_facts():
    assert sound_facts(tone(441, 2.0, 0.5)) == "2.0 s · peak -6.0 dB"
    assert sound_facts(tone(441, 0.05, 0.0)) == "50 ms · silent"
    assert sound_facts(Sound(np.zeros((1, 90 * 8000)), 8000)) == "1:30 min · silent"
    square = np.where(np.arange(1000) % 10 < 2, 1.5, -0.5)[None]
    assert sound_facts(Sound(square, 1000)) == "1.0 s · peak +3.5 dB · clips (20 %)"
    broken = np.where(np.arange(1000) == 5, np.nan, 1.0)[None]
    assert sound_facts(Sound(broken, 1000)) == "1.0 s · peak +0.0 dB · 0.1 % NaN or infinite"


# ---------------------------------------------------------------------------------------------------------- sheets


def test_a_sheet_has_what_a_contact_sheet_has():
    sounds = [tone(200 * 2**i, 0.2) for i in range(4)]
    plain, _ = sound_sheet(sounds)
    settings = dict(
        marks=["seed 1", None, None, "seed 4"],
        row_labels=["a", "b"],
        column_labels=["c", "d"],
        row_title="rows",
        column_title="columns",
        scores=[1, 2, 3, 4],
        numbers=True,
        title="Tones",
    )
    labelled, pictures = sound_sheet(sounds, **settings)
    assert len(pictures) == 4
    assert (labelled == np.array(Palette.mark)).all(-1).sum() > 1000
    assert (labelled == np.array(Palette.best)).all(-1).sum() > 1000
    assert labelled.shape[0] > plain.shape[0] and labelled.shape[1] > plain.shape[1]
    assert np.array_equal(labelled, sound_sheet(sounds, **settings)[0])


def test_many_sounds_fit_the_sheet_and_one_is_one():
    many, pictures = sound_sheet([tone(440, 0.01)] * 150, kind="waveform", max_side=2000)
    assert max(many.shape) <= 2000 and len({p.shape for p in pictures}) == 1 and pictures[0].shape[1] < 384
    one, (picture,) = sound_sheet([tone(440)], cell=200)
    assert picture.shape == (112, 200, 3) and one.shape[1] >= 200


FAULTS = {
    "none": ([], {}, "sounds: expected at least one sound, got none"),
    "no samples": ([Sound(np.zeros((2, 0)), 8)], {}, r"sounds\[0\]: expected numbers of shape \(channels, samples\)"),
    "a row": ([tone(9), Sound(np.zeros(5), 8)], {}, r"sounds\[1\]: expected .* got float64 of shape \(5,\)"),
    "a batch": ([Sound(np.zeros((1, 2, 5)), 8)], {}, r"got float64 of shape \(1, 2, 5\)"),
    "texts": ([Sound(np.array([["a"]]), 8)], {}, "expected numbers of shape"),
    "complex": ([Sound(np.zeros((1, 5), complex), 8)], {}, "got complex128"),
    "no rate": ([Sound(np.zeros((1, 5)), 0)], {}, r"sounds\[0\]: expected a positive number of samples a second, got 0"),
    "a rate of NaN": ([Sound(np.zeros((1, 5)), math.nan)], {}, "got nan"),
    "a kind": ([tone(9)], {"kind": "cepstrum"}, "kind: expected one of 'both', 'waveform', 'spectrogram', got 'cepstrum'"),
    "captions": ([tone(9)], {"captions": ["a", "b"]}, "captions: expected 1 texts, one for each of the sounds, got 2"),
    "scores": ([tone(9)], {"scores": [1, 2]}, "scores: expected 1 numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_named(name):
    sounds, settings, message = FAULTS[name]
    with pytest.raises(ValueError, match=message):
        sound_sheet(sounds, **settings)
