"""Pictures that are of no use, such as those that are not a number: they fail, whatever a score would say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .values import UNUSABLE, History

__all__ = ["NoUsablePictures", "faults_in", "named_faults", "reasons_of", "without_faulty"]

# How many are named in a sentence.
NAMED = 8


class NoUsablePictures(RuntimeError):
    """Pictures came, but one after the other was of no use: to go on would spend the budget on nothing."""


def reasons_of(faults: Sequence[str]) -> list[str | None]:
    """Reasons (n,) for `Study.tell` from what is wrong with each picture, "" where nothing is."""
    return [f"{UNUSABLE}{fault}" if fault else None for fault in faults]


def without_faulty(scores: np.ndarray, faults: Sequence[str]) -> np.ndarray:
    """`scores` (n, m) float64 without those of pictures that have a fault: NaN in their place."""
    kept = np.array(scores, dtype=np.float64)
    kept[[bool(fault) for fault in faults]] = np.nan
    return kept


def faults_in(history: History) -> dict[str, str]:
    """What is wrong with each unusable picture of a study, by its name, such as "image 1.2"."""
    return {
        f"image {history.labels[row]}": history.reasons[row].removeprefix(UNUSABLE) for row in history.unusable.tolist()
    }


def named_faults(faults: Mapping[str, str]) -> str:
    """A sentence on the unusable pictures `faults`, by name what is wrong with each; "" if there are none.

    >>> named_faults({"image 1.2": "its pixels are NaN or infinite"})
    '1 picture is unusable and got no score: image 1.2 (its pixels are NaN or infinite).'
    """
    if not faults:
        return ""
    listed = ", ".join(f"{name} ({fault})" for name, fault in list(faults.items())[:NAMED])
    more = f" and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
    count = "1 picture is" if len(faults) == 1 else f"{len(faults)} pictures are"
    return f"{count} unusable and got no score: {listed}{more}."
