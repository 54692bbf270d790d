"""Scores of sounds: what holds for all of them, and what each of them hears."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrogate.scores.sounds import (
    SOUND_MATCHES,
    SOUND_SCORES,
    SOUND_STATISTICS,
    SoundScore,
    log_mel,
    make_sound_score,
    mel_filters,
)  # fmt: skip

RATE = 16000
every_score = pytest.mark.parametrize("name", SOUND_SCORES)


def tone(hertz: float, loud: float = 0.5, seconds: float = 0.5, rate: int = RATE, begins: float = 0.0) -> torch.Tensor:
    """(2, samples): silence, then a tone until the end."""
    t = torch.arange(round(seconds * rate), dtype=torch.float64) / rate
    return (loud * torch.sin(2 * torch.pi * hertz * t) * (t >= begins)).float().repeat(2, 1)


@pytest.fixture(scope="module")
def sounds() -> torch.Tensor:
    """(5, 2, 8000): tones of several heights and loudnesses, and noise."""
    noise = 0.2 * torch.randn(2, RATE // 2, generator=torch.Generator().manual_seed(1))
    tones = [tone(hertz, loud) for hertz, loud in ((220, 0.5), (440, 0.4), (3000, 0.3), (880, 0.05))]
    return torch.stack([*tones, noise])


def make(name: str, target: torch.Tensor) -> SoundScore:
    matches = {"target": target, "target_rate": RATE} if name in SOUND_MATCHES else {}
    return make_sound_score(name, **matches)


@every_score
def test_the_laws_of_every_score(name, sounds):
    score = make(name, sounds[1])
    assert score.name == name and SOUND_SCORES[name].__doc__ and not score.tooltip.endswith(".")
    before, state = sounds.clone(), torch.get_rng_state()
    found = score(sounds, RATE)
    assert found.shape == (5,) and found.dtype == np.float64 and len(set(found)) == 5
    alone = np.concatenate([score(one[None], RATE) for one in sounds])
    np.testing.assert_array_equal(found, alone)
    np.testing.assert_array_equal(score(sounds[:, :1], RATE), score(sounds[:, :1].repeat(1, 2, 1), RATE))
    np.testing.assert_array_equal(score(sounds.numpy(), RATE), found)
    assert torch.equal(sounds, before) and torch.equal(torch.get_rng_state(), state)


def test_the_registry_is_matches_and_statistics():
    assert {**SOUND_MATCHES, **SOUND_STATISTICS} == SOUND_SCORES
    assert all(score.medium == "sound" for score in SOUND_SCORES.values())


@every_score
def test_a_broken_sound_scores_nan_alone(name, sounds):
    broken = sounds.clone()
    broken[2, 0, 100] = float("nan")
    found, whole = make(name, sounds[1])(broken, RATE), make(name, sounds[1])(sounds, RATE)
    assert np.isnan(found).tolist() == [False, False, True, False, False]
    assert found[[0, 1, 3, 4]].tolist() == whole[[0, 1, 3, 4]].tolist()


@every_score
@pytest.mark.parametrize("waveforms", [torch.zeros(2, 8), torch.zeros(0, 1, 8), torch.zeros(1, 1, 0), [[[1]]], "a"])
def test_what_is_no_waveform_is_named(name, waveforms, sounds):
    with pytest.raises(ValueError, match=r"waveforms must be numbers of shape \(n, channels, samples\)"):
        make(name, sounds[1])(waveforms, RATE)
    with pytest.raises(ValueError, match="sample rate of waveforms must be a positive number"):
        make(name, sounds[1])(sounds, 0)


def test_names_and_targets_that_cannot_be_are_named(sounds):
    with pytest.raises(ValueError, match="There is no score 'beauty' of sounds: choose one of match_sound"):
        make_sound_score("beauty")
    with pytest.raises(ValueError, match="loudness has no setting 'target'; it has none"):
        make_sound_score("loudness", target=sounds[0])
    with pytest.raises(ValueError, match="match_sound compares with a sound: give it a target"):
        make_sound_score("match_sound")
    with pytest.raises(ValueError, match="target holds 5 sounds: choose one"):
        make("match_sound", sounds)
    with pytest.raises(ValueError, match="target has samples that are NaN"):
        make("match_timbre", sounds[0] * float("nan"))


@pytest.mark.parametrize("name", SOUND_MATCHES)
def test_a_target_matches_itself_and_what_is_nearer_matches_better(name, sounds):
    target = tone(440)
    score = make(name, target)
    found = score(torch.stack([target, tone(466), tone(880), tone(440, 0.25)]), RATE)
    assert found[0] == 0 and 0 > found[1] > found[2] > -1 and found[2] < found[3] < 0
    target.zero_()
    np.testing.assert_array_equal(score(tone(440)[None], RATE), [0.0])
    # Sampled twice as often it is the same sound to the ear.
    assert score(tone(440, rate=2 * RATE)[None], 2 * RATE)[0] > -0.02


def test_when_it_is_heard_counts_for_one_match_alone():
    early, late = tone(440, begins=0.0, seconds=1.0), tone(440, begins=0.5, seconds=1.0)
    mirrored = late.flip(1)
    moment, timbre = (
        make(name, late)(torch.stack([mirrored, early]), RATE) for name in ("match_sound", "match_timbre")
    )
    assert moment[0] < -0.15 and timbre[0] > -0.03
    assert timbre[1] < timbre[0]


def test_a_longer_sound_is_compared_with_silence():
    score = make("match_sound", tone(440))
    longer = torch.cat([tone(440), torch.zeros(2, RATE)], 1)[None]
    assert -0.1 < score(longer, RATE)[0] < 0
    assert score(tone(440, seconds=1.5)[None], RATE)[0] < score(longer, RATE)[0]
    assert np.isfinite(score(torch.zeros(1, 1, 3), RATE)).all()


@pytest.mark.parametrize("loud", [1.0, 0.1, 0.001])
def test_loudness_is_in_decibels_of_full_scale(loud):
    assert make_sound_score("loudness")(tone(441, loud)[None], RATE)[0] == pytest.approx(20 * np.log10(loud), abs=0.05)
    assert make_sound_score("loudness")(torch.zeros(1, 2, 500), RATE)[0] == -80


def test_pitch_height_rises_with_the_note():
    found = make_sound_score("pitch_height")(torch.stack([tone(hz) for hz in (60, 220, 880, 3520, 7000)]), RATE)
    assert (np.diff(found) > 0).all() and found[0] < 0.1 and found[-1] > 0.9
    assert make_sound_score("pitch_height")(torch.zeros(1, 1, 900), RATE)[0] == pytest.approx(0.5)


def test_mel_bands_are_where_the_scale_puts_them():
    # By definition 1000 Hz is 1000 mel, within 0.02; 40 Hz is 62.6 mel and 8 kHz is 2840 mel.
    size, rate = 2029, 44100
    filters, frequencies = mel_filters(size, rate), np.fft.rfftfreq(size, 1 / rate)
    assert filters.shape == (64, size // 2 + 1) and filters.any(1).all() and filters.max() <= 1
    band = round((1000 - 62.6) / (2840 - 62.6) * 65) - 1
    assert abs(frequencies[filters[band].argmax()] - 1000) < 60
    assert not filters[:, (frequencies < 40) | (frequencies > 8000)].any()
    assert not mel_filters(368, 8000)[-14:].any()  # above half the rate there is nothing
    for hertz in (100, 440, 1000, 5000):
        assert abs(frequencies[filters[log_mel(tone(hertz, rate=rate).double().numpy(), rate).mean(0).argmax()].argmax()] - hertz) < 0.08 * hertz + 22  # fmt: skip


def test_a_tone_of_full_scale_is_about_0_decibels_and_halves_are_6_less():
    loud, quiet = (log_mel(tone(1000, level).double().numpy(), RATE)[2:-3].max() for level in (1.0, 0.5))
    assert abs(loud) < 3 and loud - quiet == pytest.approx(6.02, abs=0.01)
