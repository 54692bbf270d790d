"""The map of a space of two coordinates: what the score probably is everywhere, and where it was asked."""

import numpy as np
from PIL import Image

from ..processes.gaussian_process import GaussianProcess
from ..resizing import resampled
from .canvas import Canvas, Palette
from .fitting import fitted, pixels
from .lettering import Face
from .plotting import (
    FAILED,
    LEFT,
    Strokes,
    best_of,
    better,
    colour_bar,
    finite,
    numbers,
    scale_of,
    scaled,
    stepped,
    summary,
    ticks,
    title_of,
    whole,
)

__all__ = ["space_map"]

_FEWEST = 4  # finite scores; a surface through fewer would show its assumptions, not the score
_NODES = 96  # each way, where a function is asked for the surface


def space_map(
    u,
    scores,
    *,
    field=None,
    seeds=(),
    best=None,
    thumbnails=None,
    names=("u1", "u2"),
    title=None,
    direction="maximize",
    size=640,
    font=None,
):
    """Draw the square [0, 1]² of two coordinates with all evaluations. Returns (height, width, 3) uint8.

    u1 goes to the right and u2 downwards, as on the sheets of a grid.

    u: (n, 2) numbers in [0, 1], in the order of evaluation.
    scores: n numbers; NaN, None and infinite ones failed and stand as red crosses.
    field: the surface, drawn as filled contours: a function of points (m, 2) that returns (m,) numbers, or an array
        (rows, columns) of its values at the middles of equal cells, u2 down the rows. Default: the mean of a Gaussian
        process through the scores, those far worse than the rest lifted to the edge of the scale; with fewer than 4
        finite scores, none. False: none.
    seeds: pairs of a name and its place, (2,), or several places (p, 2) joined by a line: in a chart the first seed of
        three is a whole edge.
    best: index of the evaluation to be framed in gold. Default: that of the best score.
    thumbnails: n images (h, w, 1 | 3 | 4), None where there is none; as many of the best as have room are drawn.
    names: what is written at the two axes.
    direction: "maximize" or "minimize"; the best is always the lightest.
    size: side of the square in pixels, at least 200.
    font: path of a TrueType font, as in `contact_sheet`.

    Raises ValueError, naming the argument, for other shapes, no evaluations, u outside the square, and a field that is
    not finite.
    """
    sign = better(direction)
    u = numbers("u", u, ("n", 2), finite=True)
    if u.min() < -1e-9 or u.max() > 1 + 1e-9:
        raise ValueError(f"u: expected coordinates in [0, 1], got {u.min():g} to {u.max():g}.")
    n = len(u)
    scores = finite("scores", scores, n)
    seeds = _places(seeds)
    images = _images(thumbnails, n)
    best = best_of(best, scores, sign)
    size = whole("size", size, 200)
    if isinstance(names, str) or len(names) != 2:
        raise ValueError(f"names: expected two texts, one for each coordinate, got {names!r}.")
    surface = _surface(field, u, scores, sign)
    low, high = scale_of(scores, sign, () if surface is None else surface)
    bands, _ = ticks(low, high, 15)

    face = Face(font)
    text, margin, air, bar = 13, 28, 8, 14
    line = face.line(text)
    known = np.isfinite(scores)
    scale = max((face.width(word, text) for word in ticks(low, high, max(2, size // 60))[1]), default=0)
    left = margin + line + air + face.width("0.0", text) + air
    width = left + size + 2 * air + (bar + 8 + scale if known.any() or surface is not None else 0) + margin
    heads = face.wrap(title, 22, width - 2 * margin, 2)
    caption = face.wrap(summary(scores, best), text, width - 2 * margin, 2)
    top = margin + len(heads) * face.line(22) + len(caption) * line + (air + 4 if heads or caption else 0)
    canvas = Canvas(width, top + size + air + 2 * line + margin)
    title_of(canvas, face, margin, heads, caption)

    def goodness(values):
        t = (values - low) / (high - low)
        return t if sign > 0 else 1 - t

    canvas.fill(left, top, left + size, top + size, Palette.hollow)
    if surface is not None:
        canvas.paste(left, top, _contours(surface, bands, low, high, sign, size))
    canvas.frame(left, top, left + size, top + size, 1, Palette.edge)
    for value, word in zip(*ticks(0.0, 1.0, 6)):
        x = round(value * size)
        canvas.fill(left + x, top + size + 1, left + x + 1, top + size + 5, Palette.rule)
        canvas.fill(left - 5, top + x, left - 1, top + x + 1, Palette.rule)
        canvas.text(left + x, top + size + air, word, face, text, Palette.caption, "middle")
        canvas.text(left - air, top + x - line // 2, word, face, text, Palette.caption, "right")
    across, down = (face.shorten(face.clean(name), text, size) for name in names)
    canvas.text(left + size // 2, top + size + air + line, across, face, text, Palette.label, "middle")
    canvas.text(margin, top + size // 2, down, face, text, Palette.label, "middle", True)
    if known.any() or surface is not None:
        x = left + size + 2 * air
        colour_bar(canvas, face, x, top, top + size, bar, low, high, sign, None if surface is None else bands)

    places = np.array([left, top]) + u.clip(0, 1) * size
    radius = float(np.clip(40 / np.sqrt(n), 2.5, 4.5))
    with Strokes(canvas, left - 8, top - 8, left + size + 8, top + size + 8) as strokes:
        for _, at in seeds:
            if len(at) > 1:
                strokes.line(np.array([left, top]) + at * size, Palette.mark, 3.0)
        for (x, y), failed in zip(places, ~known):
            if failed:
                strokes.cross(x, y, 4.5, Palette.ink, 4.0)
                strokes.cross(x, y, 4, FAILED, 2.0)
        order = np.argsort(np.where(known, sign * scores, -np.inf), kind="stable")  # the best on top
        for i in order[(~known).sum() :]:
            t = goodness(scores[i])
            strokes.dot(*places[i], radius, scaled(t), edge=Palette.ink if t > 0.3 else LEFT)
        for _, at in seeds:
            for x, y in np.array([left, top]) + at[[0, -1]] * size:
                strokes.dot(x, y, 5, Palette.mark, edge=Palette.ink)
        if best is not None:
            strokes.ring(*places[best], radius + 8, Palette.ink, 6.0)
            strokes.ring(*places[best], radius + 6.5, Palette.best, 3.0)
    taken = [_box(places[best], radius + 8)] if best is not None else []
    taken += _tags(canvas, face, seeds, left, top, size)
    if images is not None:
        order = [i for i in order[::-1].tolist() if images[i] is not None]
        _thumbnails(
            canvas, images, places, order, best, taken, (left, top, left + size, top + size), max(48, size // 8)
        )
    return canvas.pixels


# ------------------------------------------------------------------------------------------------------------- surface


def _surface(field, u, scores, sign):
    """The field (rows, columns) at the middles of equal cells, or None."""
    if field is None:
        known = np.isfinite(scores)
        if known.sum() < _FEWEST:
            return None
        low, high = scale_of(scores, sign)
        process = GaussianProcess.fit(u, (scores.clip(low, high) - low) / (high - low))

        def field(points):
            return low + (high - low) * process.mean(points)

    if field is False:
        return None
    if callable(field):
        middles = (np.arange(_NODES) + 0.5) / _NODES
        x, y = np.meshgrid(middles, middles)
        values = field(np.stack([x.ravel(), y.ravel()], -1))
        return numbers("field", values, (_NODES**2,), finite=True).reshape(_NODES, _NODES)
    return numbers("field", field, ("rows", "columns"), finite=True)


def _contours(surface, bands, low, high, sign, size):
    """(size, size, 3) uint8: bands of one colour each, with lines between them."""
    # Values are at the middles of cells, as are Pillow's. Twice too large, then averaged: soft borders.
    fine = Image.fromarray(((surface - low) / (high - low)).astype(np.float32))
    t = np.asarray(fine.resize((2 * size, 2 * size), Image.Resampling.BICUBIC), np.float64).clip(0, 1)
    borders = (np.asarray(bands) - low) / (high - low)
    level = np.searchsorted(borders, t)
    if sign < 0:
        t, borders = 1 - t, 1 - borders
    colours = scaled(stepped(t, borders)).astype(np.float32)
    edge = np.zeros(t.shape, bool)
    edge[:, 1:] |= level[:, 1:] != level[:, :-1]
    edge[1:] |= level[1:] != level[:-1]
    colours[edge] *= 0.72
    return colours.reshape(size, 2, size, 2, 3).mean((1, 3)).round().astype(np.uint8)


# --------------------------------------------------------------------------------------------------------------- marks


def _tags(canvas, face, seeds, left, top, size):
    """Write the seeds' names beside their places; returns the boxes that they cover."""
    text, pad = 13, 6
    taken = []
    for name, at in seeds:
        name = face.shorten(" ".join(face.clean(name).split()), text, size // 2)
        if not name:
            continue
        w, h = face.width(name, text) + 2 * pad, face.line(text) + 4
        x, y = (np.array([left, top]) + at.mean(0) * size).round().astype(int).tolist()
        # To the inside of the square, and further down while another name is there.
        x = x + 10 if x < left + size // 2 else x - 10 - w
        y = min(max(y - h // 2, top + 4), top + size - h - 4)
        x = min(max(x, left + 4), left + size - w - 4)
        while any(_meet((x, y, x + w, y + h), box) for box in taken) and y + h + 4 < top + size:
            y += h + 2
        canvas.plate(x, y, x + w, y + h, 5, Palette.mark)
        canvas.text(x + w // 2, y + 2, name, face, text, Palette.ink, "middle")
        taken.append((x, y, x + w, y + h))
    return taken


def _thumbnails(canvas, images, places, order, best, taken, inside, side):
    """Draw images, the first of `order` first, near their places and tied to them, while there is room."""
    x0, y0, x1, y1 = inside
    most = max(1, round((x1 - x0) * (y1 - y0) / side**2 / 6))  # a sixth of the map: the rest is to be seen
    drawn = []
    for i in order:
        w, h = fitted(images[i].shape[:2], side)
        px, py = places[i]
        gap = 18
        # Right, left, below, above of the place.
        for x, y in (
            (px + gap, py - h / 2),
            (px - gap - w, py - h / 2),
            (px - w / 2, py + gap),
            (px - w / 2, py - gap - h),
        ):
            x, y = int(min(max(x, x0 + 3), x1 - w - 3)), int(min(max(y, y0 + 3), y1 - h - 3))
            box = (x - 4, y - 4, x + w + 4, y + h + 4)
            if not any(_meet(box, other) for other in taken) and not _meet(box, _box((px, py), 6)):
                drawn.append((i, x, y, w, h))
                taken = [*taken, box, _box((px, py), 6)]
                break
        if len(drawn) == most:
            break
    with Strokes(canvas, *inside) as strokes:
        for i, x, y, w, h in drawn:
            colour = Palette.best if i == best else Palette.title
            place = np.array(places[i])
            way = np.clip(place, (x, y), (x + w, y + h)) - place
            start = place + way / max(1e-9, np.linalg.norm(way)) * (14 if i == best else 5)
            strokes.line([start, place + way], Palette.ink, 4.0)
            strokes.line([start, place + way], colour, 2.0)
    for i, x, y, w, h in drawn:
        canvas.frame(x, y, x + w, y + h, 3, Palette.ink)
        canvas.frame(x, y, x + w, y + h, 2, Palette.best if i == best else Palette.title)
        canvas.paste(x, y, resampled(pixels(images[i]), w, h))


def _box(place, reach):
    x, y = place
    return x - reach, y - reach, x + reach, y + reach


def _meet(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


# -------------------------------------------------------------------------------------------------------------- checks


def _places(seeds):
    out = []
    for i, seed in enumerate(seeds):
        try:
            name, at = seed
        except (TypeError, ValueError):
            raise ValueError(f"seeds[{i}]: expected a name and its place, got {seed!r:.100}.") from None
        at = np.asarray(at, np.float64)
        at = numbers(f"seeds[{i}]", at[None] if at.ndim == 1 else at, ("p", 2), finite=True)
        if at.min() < -1e-9 or at.max() > 1 + 1e-9:
            raise ValueError(f"seeds[{i}]: expected places in [0, 1], got {at.min():g} to {at.max():g}.")
        out.append((str(name), at.clip(0, 1)))
    return out


def _images(thumbnails, n):
    if thumbnails is None:
        return None
    images = [None if image is None else np.asarray(image) for image in thumbnails]
    if len(images) != n:
        raise ValueError(f"thumbnails: expected {n} images or None, one for each evaluation, got {len(images)}.")
    for i, image in enumerate(images):
        if image is not None and (image.ndim != 3 or image.shape[2] not in (1, 3, 4) or 0 in image.shape):
            raise ValueError(f"thumbnails[{i}]: expected shape (h, w, 1, 3 or 4 channels), got {image.shape}.")
        if image is not None and image.dtype != np.uint8 and image.dtype.kind != "f":
            raise ValueError(f"thumbnails[{i}]: expected uint8 (0..255) or float (0..1), got {image.dtype}.")
    return images
