"""Scores that come over wires, of any node that gives a number or a text."""

from __future__ import annotations

import numpy as np
from comfy_api.latest import io

from ...surrogate.scores import OneScore, as_scores, not_finite
from .notices import warn

__all__ = ["KINDS", "more_scores", "score_columns", "scores_input"]

MOST_SCORES = 3
KINDS = [io.Float, io.Int, io.Boolean, io.String]


def scores_input(**settings) -> io.MultiType.Input:
    """The input of a study's first score."""
    return io.MultiType.Input("scores", types=KINDS, **settings)


def more_scores(**settings) -> list[io.MultiType.Input]:
    """The inputs of a study's second and further scores."""
    return [
        io.MultiType.Input(
            f"scores_{i}",
            types=KINDS,
            optional=True,
            tooltip="Another score of the same images, for a study with several scores.",
            **settings,
        )
        for i in range(2, MOST_SCORES + 1)
    ]


def score_columns(node, scores, more: dict, count: int) -> np.ndarray:
    """What to tell a study of `count` images: their scores (count, m) float64. Warns of those that are not finite."""
    inputs = {"scores": scores, **{f"scores_{i}": more.get(f"scores_{i}") for i in range(2, MOST_SCORES + 1)}}
    try:
        columns = [as_scores(values, count, name) for name, values in inputs.items() if values is not None]
    except OneScore as error:
        raise OneScore(
            f"{error} In a workflow, Rebatch Images with batch_size 1 before the scorer does that."
        ) from None
    for column in columns:
        warn(node, filter(None, [not_finite(column)]))
    return np.stack(columns, axis=1)
