"""The pictures of a generation that was asked for, as they come back."""

from __future__ import annotations

from .sampling import FAULTS_ADVICE, clips_of, faults_of

__all__ = ["usable_pictures"]


def usable_pictures(images, count: int) -> tuple[list, list[str]]:
    """The clip of each of `count` points, None where there is none or it is of no use, and why it is of no use.

    Raises ValueError if all of several are of no use: then the cause is not one of the points.
    """
    if images is None:
        return [None] * count, [""] * count
    faults = faults_of(images, count)
    _refuse_all(faults)
    return [None if fault else clip for clip, fault in zip(clips_of(images, count), faults, strict=True)], faults


def _refuse_all(faults: list[str]) -> None:
    if len(faults) > 1 and all(faults):
        raise ValueError(
            f"All {len(faults)} pictures of this generation are unusable: of the first, {faults[0]}. Nothing was recorded; "
            f"the next run makes them again. {FAULTS_ADVICE}"
        )
