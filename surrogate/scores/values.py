"""Scores that others made, checked."""

from __future__ import annotations

import numbers

import numpy as np
import torch

from ..checks import whole
from .texts import score_in

__all__ = ["OneScore", "as_scores", "not_finite"]


class OneScore(ValueError):
    """There is one score for several images, so it cannot tell them apart."""


def as_scores(values, count: int, name: str = "scores") -> np.ndarray:
    """`values` as scores (count,) float64, one for each image, in the images' order.

    values: a number, a text with one number in it (see `score_in`), True or False, a tensor or array of any shape, or
        lists of these, nested as they come when batches are scored one after another. None is NaN. NaN and infinite
        scores are allowed: see `not_finite`.

    Raises ValueError for anything else, for a text with several numbers, and for too few and too many; OneScore for one
    number for several images.
    """
    count = whole("count", count, 1, unit="of images")
    flat = list(_numbers(values, name, 0))
    if len(flat) == 1 and count > 1:
        raise OneScore(
            f"{name} is one number for {count} images, so it cannot tell them apart. Use a score that gives one number "
            "for each image, or score the images one at a time and pass the numbers as a list."
        )
    if len(flat) != count:
        what = "too few: some images were not scored" if len(flat) < count else "too many"
        raise ValueError(f"{name} holds {len(flat)} numbers for {count} images, {what}. Give one for each, in order.")
    return np.array(flat, np.float64)


def not_finite(scores) -> str:
    """A sentence on the scores (n,) that are NaN or infinite, such as "2 of 8 scores are not finite: image 3 is nan,
    image 5 is inf." with images counted from 1; "" if there are none."""
    scores = np.asarray(scores, np.float64)
    wrong = np.flatnonzero(~np.isfinite(scores))
    if not len(wrong):
        return ""
    listed = ", ".join(f"image {i + 1} is {scores[i]:g}" for i in wrong[:8])
    return f"{len(wrong)} of {len(scores)} scores are not finite: {listed}{', …' if len(wrong) > 8 else ''}."


def _numbers(values, name, depth):
    if values is None:
        yield np.nan
    elif isinstance(values, (numbers.Real, np.bool_)):
        try:
            yield float(values)
        except OverflowError:
            raise ValueError(f"{name} holds a whole number too large for float64.") from None
    elif isinstance(values, str):
        yield score_in(values, name)
    elif isinstance(values, torch.Tensor) and not values.is_complex():
        yield from values.detach().to("cpu", torch.float64).flatten().tolist()
    elif isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        yield from values.astype(np.float64).ravel().tolist()
    elif isinstance(values, (list, tuple)) or (isinstance(values, np.ndarray) and values.dtype == object):
        if depth > 8:
            raise ValueError(f"{name} is nested deeper than lists of batches are.")
        for value in values:
            yield from _numbers(value, name, depth + 1)
    else:
        raise ValueError(
            f"{name} must be numbers or texts with a number, one for each image, got {type(values).__name__}."
        )
