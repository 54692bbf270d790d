"""What came back for the points of a study: scores, or a sentence that says why there are none."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["NOT_JUDGED", "Result", "results_of"]

Result = tuple[float, ...] | str
# It came back, and nobody could say whether it is good.
NOT_JUDGED: Result = ()


def results_of(scores, reasons: Sequence[str | None] | None, count: int, directions: int, what: str) -> list[Result]:
    """Results of `count` points (`what`, for messages) from `scores`: (n,), or (n, m) for m `directions`.

    A score that is not finite, or None, is a failed point, for the reason in `reasons` or that one.
    Raises ValueError for a wrong number of scores or reasons, and for what is not a number.
    """
    rows = [_numbers(entry) for entry in _listed(scores)]
    if len(rows) != count:
        raise ValueError(
            f"There are {count} {what} and {len(rows)} scores: give one score a point, in their order. (A score that is "
            "one number for a whole batch has to be computed image by image.)"
        )
    if reasons is not None and len(reasons) != count:
        raise ValueError(
            f"There are {count} {what} and {len(reasons)} reasons: give one for each point, None for a point without a reason."
        )
    for i, row in enumerate(rows):
        if len(row) != directions:
            raise ValueError(f"The study has {directions} directions, but point {i + 1} got {len(row)} scores.")
    return [
        row if all(map(math.isfinite, row)) else str(reason or f"the score is {', '.join(map(str, row))}")
        for row, reason in zip(rows, reasons if reasons is not None else [None] * count, strict=True)
    ]


def _listed(scores) -> list:
    many = scores.tolist() if hasattr(scores, "tolist") else scores
    # One number is one score: counted, and refused unless there is one point.
    return list(many) if isinstance(many, Sequence) and not isinstance(many, str | bytes) else [many]


def _numbers(entry) -> tuple[float, ...]:
    """One point's scores."""
    many = entry.tolist() if hasattr(entry, "tolist") else entry
    many = many if isinstance(many, list | tuple) else [many]
    try:
        return tuple(math.nan if value is None else float(value) for value in many)
    except (TypeError, ValueError):
        raise ValueError(f"A score must be a number, got {entry!r}.") from None
