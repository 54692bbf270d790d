"""Scores of sounds: functions of waveforms, (n, channels, samples) at a rate, to (n,) float64.

    match_sound, match_timbre    how close to a target, over time or whenever it is heard
    loudness, pitch_height       of a sound on its own

`SOUND_MATCHES` and `SOUND_STATISTICS`, together `SOUND_SCORES`, map a name to a class. To add one, write a file with a
`SoundScore` and a line here: the tests of the laws and the nodes' drop-downs follow the registry.

>>> from surrogate.scores.sounds import make_sound_score
>>> make_sound_score("match_sound", target=reference, target_rate=44100)(waveforms, 44100)
"""

import dataclasses
from typing import Any

from .base import SoundScore
from .loudness import Loudness
from .match_sound import MatchSound, MatchTimbre
from .mel import log_mel, mel_filters
from .pitch_height import PitchHeight

__all__ = [
    "SOUND_MATCHES",
    "SOUND_SCORES",
    "SOUND_STATISTICS",
    "Loudness",
    "MatchSound",
    "MatchTimbre",
    "PitchHeight",
    "SoundScore",
    "log_mel",
    "make_sound_score",
    "mel_filters",
]

SOUND_MATCHES: dict[str, type[SoundScore]] = {s.name: s for s in (MatchSound, MatchTimbre)}
SOUND_STATISTICS: dict[str, type[SoundScore]] = {s.name: s for s in (Loudness, PitchHeight)}
SOUND_SCORES: dict[str, type[SoundScore]] = {**SOUND_MATCHES, **SOUND_STATISTICS}


def make_sound_score(name: str, **settings) -> SoundScore:
    """The score `name` with `settings`, such as `make_sound_score("match_sound", target=sound, target_rate=44100)`.

    Raises ValueError for an unknown name or setting, and for a target that is no sound.
    """
    if name not in SOUND_SCORES:
        raise ValueError(f"There is no score {name!r} of sounds: choose one of {', '.join(SOUND_SCORES)}.")
    made: Any = SOUND_SCORES[name]
    fields = [field.name for field in dataclasses.fields(made)]
    unknown = [setting for setting in settings if setting not in fields]
    if unknown:
        raise ValueError(f"{name} has no setting {unknown[0]!r}; it has {', '.join(fields) or 'none'}.")
    missing = [field for field in fields if settings.get(field) is None]
    if missing:
        raise ValueError(f"{name} compares with a sound: give it a {missing[0]}.")
    return made(**settings)
