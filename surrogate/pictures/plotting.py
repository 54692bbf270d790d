"""What plots share: a scale of colours, round numbers for axes, strokes with soft edges, and checks."""

import math

import numpy as np
from PIL import Image, ImageDraw

from .canvas import Palette

__all__ = [
    "FAILED",
    "LEFT",
    "STRIPE",
    "Strokes",
    "best_of",
    "better",
    "colour_bar",
    "finite",
    "numbers",
    "scale_of",
    "scaled",
    "stepped",
    "summary",
    "summary_of_points",
    "ticks",
    "whole",
]

FAILED = (232, 98, 84)
LEFT = (148, 150, 158)  # scores beyond the axis
STRIPE = (30, 30, 34)  # a little lighter than the ground

# From the worst to the best: lighter all the way, so that it reads without hues too.
_STOPS = np.array(
    [(34, 36, 58), (40, 62, 112), (60, 98, 140), (104, 126, 140), (160, 148, 118), (214, 176, 92), (255, 222, 128)],
    np.float64,
)
_FINER = 4  # strokes are drawn so many times too large, then averaged


# ------------------------------------------------------------------------------------------------------------- numbers


def numbers(name, values, shape, *, finite=False):
    """`values` as float64 of `shape`, where a text stands for any length; raises ValueError if they have another.

    None among one-dimensional values is NaN. With `finite`, NaN and infinity raise too.
    """
    try:
        values = np.array([math.nan if v is None else v for v in values] if len(shape) == 1 else values, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: expected numbers of shape {_shape(shape)}, got {values!r:.120}.") from None
    fits = len(shape) == values.ndim and all(not isinstance(s, int) or s == v for s, v in zip(shape, values.shape))
    if not fits or 0 in values.shape:
        raise ValueError(f"{name}: expected numbers of shape {_shape(shape)}, got {values.shape}.")
    if finite and not np.isfinite(values).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise ValueError(f"{name}: expected finite numbers, got {values[where]:g} at index {where}.")
    return values


def finite(name, scores, count="n"):
    """`scores` (count,) as float64 with NaN for what is not finite; raises ValueError for another number of them."""
    scores = numbers(name, scores, (count,))
    return np.where(np.isfinite(scores), scores.clip(-1e300, 1e300), np.nan)  # no differences that overflow


def best_of(best, scores, sign):
    """Index of the best of `scores`, the first of several, None if all failed; or `best` if it is an index."""
    if best is None:
        return int(np.nanargmax(sign * scores)) if np.isfinite(scores).any() else None
    if isinstance(best, bool) or not isinstance(best, (int, np.integer)) or not 0 <= best < len(scores):
        raise ValueError(f"best: expected the index of one of the {len(scores)} scores, got {best!r}.")
    return int(best)


def whole(name, value, low):
    """`value` if it is a whole number of at least `low`; raises ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low:
        raise ValueError(f"{name}: expected a whole number of at least {low}, got {value!r}.")
    return int(value)


def _shape(shape):
    return f"({', '.join(str(s) for s in shape)}{',' * (len(shape) == 1)})"


def better(direction):
    """1 where larger scores are better, -1 where smaller ones are. Raises ValueError for an unknown direction."""
    if direction not in ("maximize", "minimize"):
        raise ValueError(f'direction: expected "maximize" or "minimize", got {direction!r}.')
    return 1 if direction == "maximize" else -1


def scale_of(scores, sign, also=()):
    """(low, high) of an axis that shows the finite `scores`, without those far worse than the rest; of `also`, all.

    Far worse is three times the middle half's width beyond it. Something is always left between low and high.
    """
    known = scores[np.isfinite(scores)]
    shown = np.asarray(also, np.float64).ravel()
    if len(known):
        near, far = np.quantile(sign * known, [0.75, 0.25])
        limit = far - 3 * (near - far) if near > far else -math.inf
        shown = np.concatenate([shown, known[sign * known >= limit]])
    low, high = (float(shown.min()), float(shown.max())) if len(shown) else (0.0, 1.0)
    if high - low <= max(1e-9 * max(abs(low), abs(high)), 1e-300):
        around = 0.5 * max(abs(low), abs(high)) or 0.5
        low, high = low - around, high + around
    return low, high


def ticks(low, high, most):
    """Round numbers from `low` to `high`, about `most` of them and at least two, and their texts."""
    for count in range(max(2, most), max(2, most) + 8):
        span = (high - low) / (count - 1)
        power = 10.0 ** math.floor(math.log10(span))
        step = next(f * power for f in (1, 2, 2.5, 5, 10, 20) if f * power >= span * (1 - 1e-9))
        first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
        if last > first:
            break
    values = (np.arange(first, last + 1) * step).tolist()
    return values, [_words(v, step) for v in values]


def _words(value, step):
    """`value` with the decimals that tell steps of `step` apart."""
    if max(abs(value), step) >= 1e6 or step < 1e-6:
        return f"{value:.{max(3, 2 + math.floor(math.log10(abs(value) / step)))}g}" if value else "0"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if abs(step * 10**decimals - round(step * 10**decimals)) > 1e-6:  # steps of 2.5
        decimals += 1
    return f"{round(value, decimals) + 0.0:.{decimals}f}"


def scaled(values):
    """Colours (…, 3) uint8 of values in [0, 1], from the worst to the best."""
    where = np.clip(values, 0, 1) * (len(_STOPS) - 1)
    return np.stack([np.interp(where, range(len(_STOPS)), c) for c in _STOPS.T], -1).round().astype(np.uint8)


# ------------------------------------------------------------------------------------------------------------- strokes


class Strokes:
    """Lines and marks with soft edges, over the box x0, y0, x1, y1 of a canvas and cut off there.

    Coordinates are those of the canvas in pixels, fractions allowed; whole numbers are corners of pixels. Drawn when
    the `with` block ends; pixels that no stroke touches keep their bits.
    """

    def __init__(self, canvas, x0, y0, x1, y1):
        self._region = canvas.pixels[y0:y1, x0:x1]
        self._origin = np.array([x0, y0], np.float64)
        enlarged = self._region.repeat(_FINER, 0).repeat(_FINER, 1)
        self._image = Image.fromarray(enlarged)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self._region[:] = np.asarray(self._image.reduce(_FINER))

    def _points(self, points):
        return [tuple(p) for p in ((np.asarray(points, np.float64) - self._origin) * _FINER).tolist()]

    def line(self, points, colour, width=1.5, opacity=1.0):
        """Through the points (n, 2)."""
        ink = (*map(int, colour), round(255 * opacity))
        self._draw.line(self._points(points), fill=ink, width=max(1, round(width * _FINER)), joint="curve")

    def dot(self, x, y, radius, colour, opacity=1.0, edge=None):
        """A disc, with a ring of colour `edge` and a pixel's width around it."""
        ((x, y),) = self._points([(x, y)])
        if edge is not None:
            self._disc(x, y, radius + 1, (*map(int, edge), round(255 * opacity)))
        self._disc(x, y, radius, (*map(int, colour), round(255 * opacity)))

    def _disc(self, x, y, radius, ink):
        r = radius * _FINER
        self._draw.ellipse((x - r, y - r, x + r - 1, y + r - 1), fill=ink)

    def ring(self, x, y, radius, colour, width=2.0):
        """A circle around the place, `width` to the inside of `radius`."""
        ((x, y),) = self._points([(x, y)])
        r = radius * _FINER
        self._draw.ellipse(
            (x - r, y - r, x + r - 1, y + r - 1), outline=(*map(int, colour), 255), width=round(width * _FINER)
        )

    def cross(self, x, y, radius, colour, width=1.5, opacity=1.0):
        for way in (1, -1):
            self.line([(x - radius, y - way * radius), (x + radius, y + way * radius)], colour, width, opacity)

    def wedge(self, x, y, radius, colour, up):
        """A small triangle that points up or down."""
        tip = y - radius if up else y + radius
        base = y + 0.6 * radius if up else y - 0.6 * radius
        self._draw.polygon(
            self._points([(x, tip), (x - radius, base), (x + radius, base)]), fill=tuple(map(int, colour))
        )


# --------------------------------------------------------------------------------------------------------------- parts


def summary(scores, best, budget=None, generations=None):
    """One line: the `best` (an index or None) of the scores, how many there are, and how many failed."""
    n = len(scores)
    images = f"{n} of {budget} images" if (budget or n) != n else _counted(n, "image")
    generations = None if generations is None else _counted(generations, "generation")
    return _listed(_best(scores, best, f" at image {(best or 0) + 1}"), images, generations, _failed(scores))


def summary_of_points(scores, best):
    """As `summary`, of points whose order says nothing: no number of an image."""
    return _listed(_best(scores, best, ""), _counted(len(scores), "point"), _failed(scores))


def _best(scores, best, where):
    return f"best {scores[best]:.4g}{where}" if best is not None and np.isfinite(scores[best]) else None


def _failed(scores):
    failed = int(np.isnan(scores).sum())
    return f"{failed} failed" if failed else None


def _counted(n, what):
    return f"{n} {what}{'s' * (n != 1)}"


def _listed(*parts):
    return " · ".join(part for part in parts if part)


def colour_bar(canvas, face, x, y0, y1, width, low, high, sign, bands=None):
    """The scale of scores from `low` to `high`, the best at the top; in steps at the borders `bands` if given."""
    height = y1 - y0
    t = 1 - (np.arange(height) + 0.5) / height  # 1 is the best
    if bands is not None:
        t = stepped(
            t, (np.asarray(bands) - low) / (high - low) if sign > 0 else 1 - (np.asarray(bands) - low) / (high - low)
        )
    canvas.paste(x, y0, scaled(t)[:, None].repeat(width, 1))
    canvas.frame(x, y0, x + width, y1, 1, Palette.edge)
    for value, text in zip(*ticks(low, high, max(2, height // 60))):
        t = (value - low) / (high - low)
        y = y1 - round((t if sign > 0 else 1 - t) * height)
        canvas.fill(x + width, y, x + width + 4, y + 1, Palette.rule)
        canvas.text(x + width + 8, y - face.line(13) // 2, text, face, 13, Palette.caption)


def stepped(t, borders):
    """Each of `t` in [0, 1] moved to the middle of its step between `borders`."""
    edges = np.unique(np.clip(np.concatenate([[0.0, 1.0], borders]), 0, 1))
    step = np.clip(np.searchsorted(edges, t, side="right") - 1, 0, len(edges) - 2)
    return ((edges[1:] + edges[:-1]) / 2)[step]
