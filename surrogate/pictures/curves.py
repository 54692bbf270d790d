"""The course of a search: every score, and the best so far."""

import math
from itertools import pairwise

import numpy as np

from .canvas import Canvas, Palette
from .lettering import Face
from .plotting import (
    FAILED,
    LEFT,
    STRIPE,
    Strokes,
    best_of,
    better,
    finite,
    numbers,
    scale_of,
    summary,
    ticks,
    title_of,
    whole,
)

__all__ = ["score_curve"]


def score_curve(
    scores,
    best=None,
    *,
    generation=None,
    budget=None,
    title=None,
    direction="maximize",
    size=(960, 540),
    font=None,
):
    """Draw scores in the order in which they were found. Returns (height, width, 3) uint8 of the `size` given.

    scores: n numbers; NaN, None and infinite ones failed and stand as red crosses under the plot. Those so much worse
        than the rest that the rest could not be told apart stand as grey wedges at the edge.
    best: the best score so far, n numbers; drawn as a golden line. Default: of `scores`. Not finite: no line there.
    generation: n whole numbers; evaluations of one generation share a stripe of the ground.
    budget: how many evaluations there will be; the axis reaches so far.
    direction: "maximize" or "minimize".
    size: width and height in pixels, at least 320 × 240.
    font: path of a TrueType font, as in `contact_sheet`.

    Raises ValueError for no scores, lengths that differ, and a budget, size or direction that is none.
    """
    sign = better(direction)
    scores = finite("scores", scores)
    n = len(scores)
    best = _best_so_far(scores, sign) if best is None else finite("best", best, n)
    generation = None if generation is None else numbers("generation", generation, (n,), finite=True)
    budget = n if budget is None else max(n, whole("budget", budget, 1))
    width, height = _size(size)
    face = Face(font)

    text, margin, air = 13, 28, 8
    line = face.line(text)
    heads = face.wrap(title, 22, width - 2 * margin, 2)
    generations = None if generation is None else len(np.unique(generation))
    caption = face.wrap(summary(scores, best_of(None, scores, sign), budget, generations), text, width - 2 * margin, 2)
    top = margin + len(heads) * face.line(22) + len(caption) * line + (air + 4 if heads or caption else 0)
    strip = 16  # for what failed
    bottom = height - margin - 2 * line - strip
    low, high = scale_of(scores, sign, best[np.isfinite(best)])
    low, high = low - 0.04 * (high - low), high + 0.04 * (high - low)
    values, labels = ticks(low, high, (bottom - top) // 56) if np.isfinite([*scores, *best]).any() else ([], [])
    left = margin + max((face.width(label, text) for label in labels), default=0) + air
    final = best[np.isfinite(best)][-1:]
    final_text = f"{float(final[0]):.4g}" if len(final) else ""
    beside = face.width(final_text, text) + air if final_text else 0  # room for it, right of the end of the line
    right = width - margin
    right -= max(0, beside - (right - left) * (budget - n) // budget)
    canvas = Canvas(width, height)
    title_of(canvas, face, margin, heads, caption)

    # Evaluation 1 stands half a step from the left edge.
    def across(i):
        return left + (np.asarray(i, np.float64) + 0.5) * (right - left) / budget

    def up(score):
        return bottom - (np.asarray(score, np.float64) - low) / (high - low) * (bottom - top)

    canvas.fill(left, top, right, bottom, Palette.hollow)
    if generation is not None:
        changes = [0, *(np.flatnonzero(np.diff(generation)) + 1).tolist(), n]
        if len(changes) < (right - left) / 6:  # narrower stripes would only flicker
            for a, b in list(pairwise(changes))[::2]:
                x0, x1 = (left + round(i * (right - left) / budget) for i in (a, b))
                canvas.fill(x0, top, x1, bottom, STRIPE)
    for value, label in zip(values, labels):
        y = round(float(up(value)))
        canvas.fill(left, y, right, y + 1, Palette.edge)
        canvas.text(left - air, y - line // 2, label, face, text, Palette.caption, "right")
    for i, label in _counts(budget, (right - left) // 64):
        x = round(float(across(i - 1)))
        canvas.fill(x, bottom, x + 1, bottom + 4, Palette.rule)
        canvas.text(x, bottom + strip, label, face, text, Palette.caption, "middle")
    canvas.text((left + right) // 2, bottom + strip + line, "images", face, text, Palette.quiet, "middle")
    canvas.fill(left, bottom, right, bottom + 1, Palette.rule)

    # Dots grow smaller where they are many.
    radius = float(np.clip(1.4 * math.sqrt((right - left) / budget), 1.8, 4.0))
    x, y = across(range(n)), up(scores)
    record = _records(scores, best, sign)
    with Strokes(canvas, left - 6, top - 6, right + 6, bottom + strip) as strokes:
        for i in np.flatnonzero(np.isnan(scores)):
            strokes.cross(x[i], bottom + strip / 2, 3.5, FAILED)
        beyond = np.isfinite(scores) & ((scores < low) | (scores > high))
        for i in np.flatnonzero(beyond):
            up_there = scores[i] > high
            strokes.wedge(x[i], top + 5 if up_there else bottom - 6, 4, LEFT, up_there)
        for i in np.flatnonzero(np.isfinite(scores) & ~beyond & ~record):
            strokes.dot(x[i], y[i], radius, Palette.mark, 0.85)
        for path in _steps(x, up(best), across(n - 0.5)):
            strokes.line(path, Palette.best, 2.0)
        for i in np.flatnonzero(record & ~beyond):
            strokes.dot(x[i], y[i], radius + 0.7, Palette.best, edge=Palette.hollow)
    if final_text:
        y = int(np.clip(round(float(up(final[0]))), top, bottom))
        canvas.text(round(float(across(n - 0.5))) + air, y - line // 2, final_text, face, text, Palette.best)
    return canvas.pixels


def _best_so_far(scores, sign):
    run = np.maximum.accumulate(np.where(np.isnan(scores), -np.inf, sign * scores))
    return np.where(np.isfinite(run), sign * run, np.nan)


def _records(scores, best, sign):
    """Where a score raised the best."""
    before = np.concatenate([[np.nan], _best_so_far(scores, sign)[:-1]])
    raised = np.isnan(before) | (sign * scores > sign * before)
    return np.isfinite(scores) & raised & (np.isnan(best) | (sign * scores >= sign * best))


def _steps(x, y, end):
    """Staircases (m, 2) through the places where `y` is a number, up to `end`."""
    paths, path = [], []
    for i in range(len(x)):
        if math.isnan(y[i]):
            paths, path = [*paths, path], []
            continue
        path += [(x[i], level) for _, level in path[-1:]] + [(x[i], y[i])]
    if path:
        path.append((float(end), path[-1][1]))
    return [path for path in [*paths, path] if len(path) > 1]


def _counts(budget, most):
    """Numbers of images for the axis with their texts: 1 and round ones."""
    if budget == 1:
        return [(1, "1")]
    values, _ = ticks(0, budget, max(2, most))
    whole = [int(v) for v in values if v >= 1 and v == int(v)]
    first = [1] if not whole or whole[0] > 0.06 * budget + 1 else []
    return [(v, f"{v}") for v in first + whole]


def _size(size):
    try:
        width, height = size
    except (TypeError, ValueError):
        raise ValueError(f"size: expected width and height in pixels, got {size!r}.") from None
    return whole("size", width, 320), whole("size", height, 240)
