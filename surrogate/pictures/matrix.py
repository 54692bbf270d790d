"""A Gram matrix as a heat map: how alike the seeds are."""

import numpy as np

from .canvas import Canvas, Palette
from .lettering import Face

__all__ = ["gram_picture"]

# From -limit over 0, which is as dark as the ground, to +limit.
_STOPS = np.array([(170, 220, 255), (46, 112, 200), (27, 27, 30), (196, 92, 36), (255, 210, 140)], np.float64)
_NUMBERED = 16  # up to this k the values are written into the cells
_LARGEST = 8192


def gram_picture(gram, names, *, title="Gram matrix", font=None):
    """Draw a k x k Gram or correlation matrix. Returns (height, width, 3) uint8.

    gram: (k, k) real numbers. Blue is negative, dark zero, orange positive; the scale reaches from -1 to 1, or as far
        as the largest value if that is above 1.2. Values that are not finite are hatched.
    names: k texts, written at the left and the top, shortened where they are long, every so-many-th where they are
        many. Up to k = 16 the values are written too. Under the title stand the two
        seeds with the largest value beside the diagonal.
    font: path of a TrueType font, as in `contact_sheet`.

    Raises ValueError for another shape, complex or non-numeric values, and another number of names.
    """
    try:
        gram = np.array(gram)
        if gram.dtype.kind not in "fiub":
            raise TypeError
        gram = gram.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"gram: expected a (k, k) array of real numbers, got {gram!r:.200}.") from None
    k = len(gram) if gram.ndim else 0
    if gram.shape != (k, k) or not 1 <= k <= _LARGEST:
        raise ValueError(f"gram: expected shape (k, k) with k from 1 to {_LARGEST}, got {gram.shape}.")
    if isinstance(names, str) or len(names) != k:
        got = f"the text {names!r}" if isinstance(names, str) else len(names)
        raise ValueError(f"names: expected {k} texts, one for each row of gram, got {got}.")
    face = Face(font)
    names = [" ".join(face.clean(name).split()) for name in names]

    cell = min(112, max(46, round(720 / k))) if k <= _NUMBERED else max(1, round(768 / k))
    text, head = 13, 22
    line = face.line(text)
    side = k * cell
    every = -(-(line + 1) // cell)  # names stand at least a line apart
    shown = range(0, k, every)
    beside = [face.shorten(names[i], text, 170) for i in shown]
    lying = all(face.width(names[i], text) <= cell - 6 for i in shown)  # else the names above stand upright
    above = [names[i] if lying else face.shorten(names[i], text, 130) for i in shown]

    largest = float(np.abs(gram[np.isfinite(gram)]).max(initial=0.0))
    limit = largest if largest > 1.2 else 1.0  # the squared length of a random seed is 1 only about
    ticks = [f"{v:.3g}" for v in (limit, 0.0, -limit)]
    margin, air, bar = 28, 10, 14
    left = margin + max(face.width(name, text) for name in beside) + air
    width = left + side + 2 * air + bar + air // 2 + max(face.width(tick, text) for tick in ticks) + margin
    pair = _least_independent(gram, names, face)
    room = max(side, 420)
    width = max(width, margin + room + margin)
    titles = face.wrap(title, head, width - 2 * margin, 2)
    pair = face.wrap(pair, text, width - 2 * margin, 2)
    top = margin + len(titles) * face.line(head) + len(pair) * line + (air if titles or pair else 0)
    top += line if lying else max(face.width(name, text) for name in above)
    top += air + air // 2
    canvas = Canvas(width, top + side + margin)

    y = margin
    for words in titles:
        canvas.text(margin, y, words, face, head, Palette.title)
        y += face.line(head)
    for words in pair:
        canvas.text(margin, y, words, face, text, Palette.caption)
        y += line
    heat = _colours(np.where(np.isfinite(gram), gram, 0.0) / limit)
    canvas.paste(left, top, heat.repeat(cell, 0).repeat(cell, 1))
    for i, j in np.argwhere(~np.isfinite(gram)):
        x, y = left + j * cell, top + i * cell
        canvas.hatch(x, y, x + cell, y + cell, max(2, min(8, cell // 2)))
    if cell >= 16:  # a hairline between the cells
        for i in range(1, k):
            canvas.fill(left, top + i * cell, left + side, top + i * cell + 1, Palette.ground)
            canvas.fill(left + i * cell, top, left + i * cell + 1, top + side, Palette.ground)
    canvas.frame(left, top, left + side, top + side, 1, Palette.edge)
    if k <= _NUMBERED:
        _write_values(canvas, gram, heat, left, top, cell, face)

    for i, name in zip(shown, beside, strict=True):
        canvas.text(left - air, top + i * cell + (cell - line) // 2, name, face, text, Palette.label, "right")
    for i, name in zip(shown, above, strict=True):
        if lying:
            canvas.text(left + i * cell + cell // 2, top - air - line, name, face, text, Palette.label, "middle")
        else:
            canvas.text(left + i * cell + (cell - line) // 2, top - air, name, face, text, Palette.label, "left", True)

    x = left + side + 2 * air
    scale = _colours(np.linspace(1, -1, side)[:, None])
    canvas.paste(x, top, scale.repeat(bar, 1))
    canvas.frame(x, top, x + bar, top + side, 1, Palette.edge)
    for tick, y in zip(ticks, (top, top + (side - line) // 2, top + side - line), strict=True):
        canvas.text(x + bar + air // 2, y, tick, face, text, Palette.caption)
    return canvas.pixels


def _colours(values):
    """(…, 3) uint8 for values in [-1, 1]."""
    where = (np.clip(values, -1, 1) + 1) * (len(_STOPS) - 1) / 2
    return np.stack([np.interp(where, range(len(_STOPS)), c) for c in _STOPS.T], -1).round().astype(np.uint8)


def _off_diagonal(gram):
    """Sizes of the finite values beside the diagonal, -1 elsewhere."""
    sizes = np.where(np.isfinite(gram), np.abs(gram), -1.0)
    np.fill_diagonal(sizes, -1.0)
    return sizes


def _least_independent(gram, names, face):
    sizes = _off_diagonal(gram)
    i, j = sorted(np.unravel_index(int(sizes.argmax()), sizes.shape))
    if sizes[i, j] < 0:
        return ""
    a, b = (face.shorten(names[n], 13, 150) or str(n + 1) for n in (i, j))
    return f"Least independent: {a} and {b}, {_number(gram[i, j], 4)}"


def _number(value, decimals):
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def _write_values(canvas, gram, heat, left, top, cell, face):
    # Seeds drawn at random differ in the third decimal.
    decimals = 3 if _off_diagonal(gram).max() < 0.1 and np.abs(gram[np.isfinite(gram)]).max(initial=0) < 10 else 2
    size = 15 if cell >= 70 else 12
    for i, j in np.ndindex(gram.shape):
        if np.isfinite(gram[i, j]):
            words = _number(gram[i, j], decimals)
            words = words if face.width(words, size) <= cell - 4 else f"{gram[i, j]:.1e}"
            bright = heat[i, j] @ (0.299, 0.587, 0.114) > 128
            colour = Palette.ink if bright else Palette.title if i == j or abs(gram[i, j]) >= 0.1 else Palette.caption
        else:
            words, colour = str(gram[i, j]), Palette.quiet
        x, y = left + j * cell + cell // 2, top + i * cell + (cell - face.line(size)) // 2
        canvas.text(x, y, face.shorten(words, size, cell - 2), face, size, colour, "middle")
