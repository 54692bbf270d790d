"""Parallel coordinates: which seeds the good points are made of."""

import numpy as np

from .canvas import Canvas, Palette
from .lettering import Face
from .plotting import (
    LEFT,
    STRIPE,
    Strokes,
    best_of,
    better,
    colour_bar,
    finite,
    numbers,
    scale_of,
    scaled,
    summary,
    ticks,
    title_of,
    whole,
)

__all__ = ["parallel_coordinates"]

_MOST = 512  # axes; more would stand closer than pixels
_ROOM = 1100  # pixels that the axes take where they are few


def parallel_coordinates(
    w,
    scores,
    names,
    *,
    best=None,
    title=None,
    direction="maximize",
    height=420,
    font=None,
):
    """Draw each point as a line over k upright axes, one for each seed. Returns (height, width, 3) uint8.

    The lines are coloured by score, the better over the worse; the best is golden, with its weights as dots. All axes
    have one scale, from 0 to the largest weight there is.

    w: (n, k) weights, from 0 to 1, k from 2 to 512.
    scores: n numbers; NaN, None and infinite ones failed and are grey, under the others.
    names: k texts, the seeds'.
    best: index of the golden line. Default: that of the best score.
    direction: "maximize" or "minimize"; the best is always the lightest.
    height: of the axes in pixels, at least 100. The width follows from k.
    font: path of a TrueType font, as in `contact_sheet`.

    Raises ValueError, naming the argument, for other shapes, no points, and weights outside [0, 1].
    """
    sign = better(direction)
    w = numbers("w", w, ("n", "k"), finite=True)
    n, k = w.shape
    if not 2 <= k <= _MOST:
        raise ValueError(f"w: expected from 2 to {_MOST} weights a point, got {k}.")
    if w.min() < -1e-9 or w.max() > 1 + 1e-9:
        raise ValueError(f"w: expected weights in [0, 1], got {w.min():g} to {w.max():g}.")
    scores = finite("scores", scores, n)
    if isinstance(names, str) or len(names) != k:
        got = f"the text {names!r}" if isinstance(names, str) else len(names)
        raise ValueError(f"names: expected {k} texts, one for each seed, got {got}.")
    best = best_of(best, scores, sign)
    height = whole("height", height, 100)

    face = Face(font)
    text, margin, air, bar = 13, 28, 8, 14
    line = face.line(text)
    known = np.isfinite(scores)
    low, high = scale_of(scores, sign)
    largest = float(w.max()) or 1.0
    most = next(v for v in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0) if v >= min(largest, 1.0) - 1e-9)
    step = max(12, min(180, round(_ROOM / (k - 1))))
    every = -(-(line + 1) // step)  # names stand at least a line apart
    names = [" ".join(face.clean(name).split()) for name in names]
    shown = range(0, k, every)
    lying = all(face.width(names[i], text) <= step - 6 for i in shown)
    names = {i: names[i] if lying else face.shorten(names[i], text, 130) for i in shown}
    below = line if lying else max(face.width(name, text) for name in names.values())

    marks, labels = ticks(0.0, most, max(2, height // 60))
    left = margin + max(face.width(label, text) for label in labels) + air + air
    if lying:
        left = max(left, margin + face.width(names[0], text) // 2)
    span = (k - 1) * step
    scale = max(face.width(word, text) for word in ticks(low, high, max(2, height // 60))[1])
    beside = max(3 * air, air + face.width(names[shown[-1]], text) // 2 if lying else 0)
    room = max(span + beside, 420 - left)
    width = left + room + (bar + 8 + scale if known.any() else 0) + margin
    heads = face.wrap(title, 22, width - 2 * margin, 2)
    caption = face.wrap(summary(scores, best), text, width - 2 * margin, 2)
    top = margin + len(heads) * face.line(22) + len(caption) * line + (2 * air if heads or caption else 0)
    canvas = Canvas(width, top + height + air + below + margin)
    title_of(canvas, face, margin, heads, caption)

    for value, label in zip(marks, labels):
        y = top + height - round(value / most * height)
        canvas.fill(left, y, left + span + 1, y + 1, STRIPE)
        canvas.text(left - air, y - line // 2, label, face, text, Palette.caption, "right")
    for i in range(k):
        canvas.fill(left + i * step, top, left + i * step + 1, top + height + 1, Palette.rule)
    x = left + 0.5 + np.arange(k) * step
    y = top + height + 0.5 - w.clip(0, 1) / most * height
    order = np.argsort(np.where(known, sign * scores, -np.inf), kind="stable")
    t = (scores - low) / (high - low)
    t = t if sign > 0 else 1 - t
    many = float(np.clip(12 / np.sqrt(n), 0.35, 0.9))  # lines let others shine through where they are many
    with Strokes(canvas, left - 8, top - 8, left + span + 9, top + height + 9) as strokes:
        for i in order.tolist():
            if i == best:
                continue
            points = np.stack([x, y[i]], -1)
            if known[i]:
                strokes.line(points, scaled(t[i]), 1.5, many + (0.95 - many) * float(np.clip(t[i], 0, 1)) ** 2)
            else:
                strokes.line(points, LEFT, 1.0, 0.35 * many)
        if best is not None:
            points = np.stack([x, y[best]], -1)
            strokes.line(points, Palette.ink, 5.0)
            strokes.line(points, Palette.best, 2.5)
            for place in points if step >= 20 else ():
                strokes.dot(*place, 3.5, Palette.best, edge=Palette.ink)
    for i, name in names.items():
        at = left + i * step
        if lying:
            canvas.text(at, top + height + air, name, face, text, Palette.label, "middle")
        else:
            canvas.text(at - line // 2, top + height + air, name, face, text, Palette.label, "right", True)
    if known.any():
        colour_bar(canvas, face, left + room, top, top + height, bar, low, high, sign)
    return canvas.pixels
