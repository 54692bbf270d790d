"""The pictures or sounds of a generation that was asked for, as they come back."""

from __future__ import annotations

from collections.abc import Mapping

from .sampling import FAULTS_ADVICE, clips_of, faults_of, sound_faults
from .sound_batches import one_by_one

__all__ = ["are_sounds", "still_wanted", "usable_pictures", "usable_sounds"]


def still_wanted(study, inputs: Mapping) -> list[str]:
    """Which lazy `inputs` of a node of lists are to be computed now; none if its `study` has asked for nothing."""
    if not len(study[0].generation or ()):
        return []
    return [name for name, value in inputs.items() if value is None or value == (None,) or value == [None]]


def usable_pictures(images, count: int) -> tuple[list, list[str]]:
    """The clip of each of `count` points, None where there is none or it is of no use, and why it is of no use.

    Raises ValueError if all of several are of no use: then the cause is not one of the points.
    """
    if images is None:
        return [None] * count, [""] * count
    faults = faults_of(images, count)
    _refuse_all(faults, "pictures")
    return [None if fault else clip for clip, fault in zip(clips_of(images, count), faults, strict=True)], faults


def are_sounds(batches) -> bool:
    """Whether a list of inputs is of AUDIO, and not of IMAGE."""
    return any(isinstance(batch, Mapping) for batch in batches or ())


def usable_sounds(batches, count: int) -> tuple[list[dict | None], list[str]]:
    """The AUDIO of one of each of `count` points from a list of AUDIO; otherwise as `usable_pictures`.

    Raises ValueError if there are more or fewer sounds than points, too.
    """
    sounds = [one for i, batch in enumerate(batches) for one in one_by_one(batch, i, "images")]
    if len(sounds) != count:
        raise ValueError(
            f"images: expected the {count} sounds of this generation, one for each point, got {len(sounds)}: connect what "
            "was rendered of the points that Surrogate Ask gave."
        )
    faults = sound_faults(sounds)
    _refuse_all(faults, "sounds")
    return [None if fault else _here(sound) for sound, fault in zip(sounds, faults, strict=True)], faults


def _here(sound: dict) -> dict:
    """The AUDIO as files hold it: 32-bit floats on the processor."""
    return {"waveform": sound["waveform"].detach().cpu().float(), "sample_rate": int(sound["sample_rate"])}


def _refuse_all(faults: list[str], what: str) -> None:
    if len(faults) > 1 and all(faults):
        raise ValueError(
            f"All {len(faults)} {what} of this generation are unusable: of the first, {faults[0]}. Nothing was recorded; "
            f"the next run makes them again. {FAULTS_ADVICE}"
        )
