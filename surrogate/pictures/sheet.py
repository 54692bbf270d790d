"""Contact sheets: many pictures on one, with what is to be known about each.

A sheet is planned before it is drawn. The plan depends on the pictures' shapes and on texts only, so the frames of an
animation have the same size, and it knows where each picture lies (for whoever clicks on one).
"""

import math
import warnings
from dataclasses import dataclass, field

import numpy as np

from ..resizing import resampled
from .canvas import Canvas
from .fitting import fitted, pixels
from .layout import Content, Layout
from .lettering import MIN_SIZE, Face
from .plotting import better

__all__ = ["ContactSheet", "contact_sheet", "plan_sheet"]

_SMALLEST = 64  # default cells are not smaller: a 1-pixel picture should be seen


@dataclass(frozen=True)
class ContactSheet:
    """A planned sheet. `boxes` (n, 4) int: x0, y0, x1, y1 of each picture; the pixels of picture i fill exactly
    `sheet[y0:y1, x0:x1]`. `cell` is the longest side of a cell in pixels."""

    width: int
    height: int
    cell: int
    boxes: np.ndarray
    shapes: tuple
    _under: tuple = field(repr=False)
    _over: tuple = field(repr=False)

    def draw(self, images):
        """Draw the sheet: (height, width, 3) uint8.

        `images` are those the sheet was planned for, or others of the same shapes (the next frame); None where a
        picture is not there (yet). Raises ValueError for another number of images, another shape, or another dtype
        than uint8, bool and float.
        """
        images = list(images)
        if len(images) != len(self.boxes):
            raise ValueError(f"images: the sheet was planned for {len(self.boxes)} images, got {len(images)}.")
        for i, (image, shape) in enumerate(zip(images, self.shapes, strict=True)):
            if image is None:
                continue
            got = _shape(image, i)
            if shape is not None and got[:2] != shape[:2]:
                raise ValueError(f"images[{i}]: the sheet was planned for height and width {shape[:2]}, got {got[:2]}.")
            dtype = np.asarray(image).dtype
            if dtype != np.uint8 and dtype.kind not in "fb":
                raise ValueError(f"images[{i}]: expected uint8 (0..255) or float (0..1), got {dtype}.")
        canvas = Canvas(self.width, self.height)
        for stroke, *arguments in self._under:
            getattr(canvas, stroke)(*arguments)
        for image, (x0, y0, x1, y1) in zip(images, self.boxes.tolist(), strict=True):
            if image is None:
                canvas.hatch(x0, y0, x1, y1, max(6, self.cell // 16))
            else:
                canvas.paste(x0, y0, resampled(pixels(np.asarray(image)), x1 - x0, y1 - y0))
        for stroke, *arguments in self._over:
            getattr(canvas, stroke)(*arguments)
        return canvas.pixels


def contact_sheet(
    images,
    *,
    captions=None,
    layout=None,
    columns=None,
    row_labels=None,
    column_labels=None,
    row_title=None,
    column_title=None,
    marks=None,
    scores=None,
    direction="maximize",
    numbers=False,
    title=None,
    cell=None,
    max_side=8192,
    font=None,
):
    """Draw n pictures on one sheet. Returns (height, width, 3) uint8.

    images: n arrays (h, w, 1 | 3 | 4), uint8 or float in [0, 1], of any sizes, or one array (n, h, w, c). Each is
        scaled into its cell with its aspect ratio kept; a picture of the cell's size is copied bit for bit. Values
        outside [0, 1] are clipped, NaN is black, transparent is dark grey, None is an empty hatched cell.
    captions: n texts (or None), under the pictures, wrapped, and shortened where they are very long.
    layout: (n, 2) positions (x, y) in cells, y downwards, fractions allowed; only differences count. Without it the
        pictures fill rows from the left, `columns` to a row (default: as many as `column_labels`, or what makes a
        pleasant sheet).
    row_labels, column_labels: one text for each row (distinct y, from the top) and column (distinct x, from the left).
    row_title, column_title: names of the axes, such as "u2" and "u1".
    marks: n texts or None; where there is one, the picture gets a coloured frame and the text as a tag ("" for a frame
        alone).
    scores: n numbers (NaN or None: no score), drawn on the pictures; the frame of the best finite one is golden.
    direction: whether the best score is the highest, "maximize", or the lowest, "minimize".
    numbers: draw 1, 2, … on the pictures.
    cell: longest side of a cell in pixels. Default: the longest side of any picture, at least 64, less where the sheet
        would pass `max_side`. A cell asked for that is too large for `max_side` is made smaller, with a warning.
    max_side: the sheet is never wider or higher than this.
    font: path of a TrueType font for texts that our own (Latin, Greek and Cyrillic letters) cannot show.

    The inputs are not changed; equal inputs give equal bits. Memory: the sheet and one picture.

    Raises ValueError, naming the argument, for no images, wrong ranks or dtypes, lengths that do not match, positions
    that are not finite or lay one picture on another, and a sheet that does not fit into `max_side` at any cell size.
    """
    images = _listed(images)
    sheet = plan_sheet(
        [None if image is None else _shape(image, i) for i, image in enumerate(images)],
        captions=captions,
        layout=layout,
        columns=columns,
        row_labels=row_labels,
        column_labels=column_labels,
        row_title=row_title,
        column_title=column_title,
        marks=marks,
        scores=scores,
        direction=direction,
        numbers=numbers,
        title=title,
        cell=cell,
        max_side=max_side,
        font=font,
    )
    return sheet.draw(images)


def plan_sheet(
    shapes,
    *,
    captions=None,
    layout=None,
    columns=None,
    row_labels=None,
    column_labels=None,
    row_title=None,
    column_title=None,
    marks=None,
    scores=None,
    direction="maximize",
    numbers=False,
    title=None,
    cell=None,
    max_side=8192,
    max_pixels=None,
    font=None,
):
    """Plan a `ContactSheet` for n pictures of `shapes`: (h, w, channels), or None for a picture that is missing.

    The other arguments, and the errors, are those of `contact_sheet`. With `max_pixels` the sheet has no more pixels
    than that: all frames of an animation are in memory together.
    """
    shapes = tuple(None if shape is None else _checked(shape, i)[:2] for i, shape in enumerate(shapes))
    n = len(shapes)
    if n == 0:
        raise ValueError("images: expected at least one image, got none.")
    face = Face(font)
    face.width("x", MIN_SIZE)  # a font that cannot be read is reported here
    aspect = _cell_aspect(shapes)
    positions, xs, ys = _positions(n, layout, columns, row_labels, column_labels, aspect)
    values = _scores(scores, n)
    content = Content(
        captions=_texts("captions", captions, n, "images"),
        marks=_texts("marks", marks, n, "images", missing=None),
        scores=_score_texts(values),
        best=_best(values, better(direction)),
        numbers=[str(i + 1) for i in range(n)] if numbers else [""] * n,
        row_labels=_texts("row_labels", row_labels, len(ys), "rows"),
        column_labels=_texts("column_labels", column_labels, len(xs), "columns"),
        row_title=_text("row_title", row_title),
        column_title=_text("column_title", column_title),
        title=_text("title", title),
    )
    max_side = _whole("max_side", max_side)
    max_pixels = None if max_pixels is None else _whole("max_pixels", max_pixels)
    longest = max((max(shape) for shape in shapes if shape is not None), default=128)
    wanted = max(longest, _SMALLEST) if cell is None else _whole("cell", cell)

    def plan_with(size):
        return Layout(shapes, positions, xs, ys, content, face, size)

    plan, size = _largest(plan_with, min(wanted, max_side), max_side, max_pixels)
    if cell is not None and size < wanted:
        warnings.warn(
            f"cell: cells of {wanted} pixels would make the sheet larger than max_side = {max_side}"
            f"{_also(max_pixels)}; they are {size}.",
            stacklevel=2,
        )
    under, over = plan.strokes()
    return ContactSheet(plan.width, plan.height, size, plan.boxes, shapes, tuple(under), tuple(over))


def _largest(plan_with, size, max_side, max_pixels):
    """The layout with the largest cells, at most `size`, that passes neither limit, and the size of its cells."""
    while True:
        plan = plan_with(size)
        share = min(1.0, max_side / max(plan.width, plan.height))
        if max_pixels is not None:
            share = min(share, math.sqrt(max_pixels / (plan.width * plan.height)))
        if share == 1:
            return plan, size
        if size == 1:
            xs, ys = plan.xs, plan.ys
            raise ValueError(
                f"max_side: {len(plan.positions)} images over {xs[-1] - xs[0] + 1:g} columns and {ys[-1] - ys[0] + 1:g} "
                f"rows need {plan.width} x {plan.height} pixels even with cells of one pixel, and max_side is {max_side}"
                f"{_also(max_pixels)}. Show fewer images, fewer texts, or raise max_side."
            )
        size = max(1, min(size - 1, int(size * share)))


def _also(max_pixels):
    return "" if max_pixels is None else f" (max_pixels is {max_pixels})"


def _listed(images):
    if isinstance(images, str) or not hasattr(images, "__iter__"):
        raise ValueError(f"images: expected a sequence of (h, w, channels) arrays, got {type(images).__name__}.")
    shape = getattr(images, "shape", None)
    if shape is not None and len(shape) != 4:
        raise ValueError(
            f"images: expected a sequence of (h, w, channels) arrays or one array (n, h, w, channels), got one of shape "
            f"{tuple(shape)}."
        )
    return list(images)


def _shape(image, i):
    return _checked(np.shape(image), i)


def _checked(shape, i):
    shape = tuple(int(n) for n in shape)
    if len(shape) != 3 or shape[2] not in (1, 3, 4) or min(shape) < 1:
        raise ValueError(f"images[{i}]: expected shape (height, width, 1, 3 or 4 channels), got {shape}.")
    return shape


def _whole(name, value):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name}: expected a whole number of at least 1, got {value!r}.")
    return int(value)


def _text(name, value):
    if value is None or isinstance(value, str):
        return value or ""
    raise ValueError(f"{name}: expected a text, got {type(value).__name__}.")


def _texts(name, values, count, of, missing=""):
    """A list of `count` texts; [] for labels that were not given."""
    if values is None:
        return [missing] * count
    if isinstance(values, str) or not hasattr(values, "__len__"):
        raise ValueError(f"{name}: expected a sequence of {count} texts, got {values!r}.")
    if len(values) != count:
        raise ValueError(f"{name}: expected {count} texts, one for each of the {of}, got {len(values)}.")
    return [missing if value is None else str(value) for value in values]


def _scores(scores, n):
    """(n,) float64, NaN where there is no score."""
    if scores is None:
        return np.full(n, np.nan)
    try:
        values = np.array([np.nan if s is None else float(s) for s in scores], np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"scores: expected {n} numbers (NaN or None for no score), got {scores!r:.200}.") from None
    if len(values) != n:
        raise ValueError(f"scores: expected {n} numbers, one for each of the images, got {len(values)}.")
    return values


def _best(values, sign):
    """Index of the best finite score, the first if several are equal; None if there is nothing to choose."""
    finite = values[np.isfinite(values)]
    if len(finite) < 2 or finite.min() == finite.max():
        return None
    return int(np.nanargmax(np.where(np.isfinite(values), sign * values, np.nan)))


def _score_texts(values):
    """All with the same number of decimals: three digits of the largest or of the differences."""
    finite = values[np.isfinite(values)]
    largest = np.abs(finite).max(initial=0.0)
    if largest >= 1e5 or 0 < largest < 1e-3:
        return ["" if np.isnan(v) else f"{v:.2e}" for v in values.tolist()]
    if (finite == np.round(finite)).all():
        decimals = 0
    else:
        spread = float(np.ptp(finite))
        decimals = min(4, max(0, 2 - math.floor(math.log10(min(largest, spread or largest)))))
    # Rounded before it is written, and + 0.0, for there not to be a -0.
    return ["" if np.isnan(v) else f"{round(v, decimals) + 0.0:.{decimals}f}" for v in values.tolist()]


def _positions(n, layout, columns, row_labels, column_labels, aspect):
    """Positions (n, 2) in cells, and the sorted distinct x and y among them."""
    if layout is None:
        if columns is not None:
            columns = min(n, _whole("columns", columns))
        elif column_labels is not None:
            columns = max(1, len(column_labels))
        elif row_labels is not None:
            columns = -(-n // max(1, len(row_labels)))
        else:
            columns = _columns(n, aspect)
        positions = [(float(i % columns), float(i // columns)) for i in range(n)]
    else:
        try:
            layout = np.asarray(layout, np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"layout: expected ({n}, 2) numbers, got {layout!r:.200}.") from None
        if columns is not None:
            raise ValueError("columns: the layout already gives the place of each image; give one of the two.")
        if layout.shape != (n, 2):
            raise ValueError(f"layout: expected shape ({n}, 2), x and y for each of the images, got {layout.shape}.")
        if not np.isfinite(layout).all():
            raise ValueError(f"layout: expected finite numbers, got {layout[~np.isfinite(layout).all(1)][0]}.")
        # 1e-6 cells are nothing; without this 0.1 + 0.2 and 0.3 would be two columns.
        positions = [tuple(row) for row in np.round(layout, 6).tolist()]
        _check_apart(positions)
    return positions, sorted({x for x, _ in positions}), sorted({y for _, y in positions})


def _check_apart(positions):
    """Two cells overlap if they are less than one apart both ways."""
    seen: dict[tuple[int, int], list[int]] = {}
    for i, (x, y) in enumerate(positions):
        column, row = math.floor(x), math.floor(y)
        for key in ((column + a, row + b) for a in (-1, 0, 1) for b in (-1, 0, 1)):
            for j in seen.get(key, ()):
                if max(abs(x - positions[j][0]), abs(y - positions[j][1])) < 1 - 1e-5:
                    raise ValueError(
                        f"layout: images {j} and {i} at {positions[j]} and {(x, y)} would cover each other; expected "
                        "positions at least one cell apart in x or in y."
                    )
        seen.setdefault((column, row), []).append(i)


def _columns(n, aspect):
    """A sheet a little wider than high, with few empty places at the end. `aspect`: width / height of a cell."""

    def ugliness(columns):
        rows = -(-n // columns)
        return abs(math.log(aspect * columns / rows / 1.25)) + 3 * (columns * rows - n) / n

    return min(range(1, n + 1), key=ugliness)


def _cell_aspect(shapes):
    known = [fitted(shape, 4096) for shape in shapes if shape is not None] or [(1, 1)]
    return max(w for w, _ in known) / max(h for _, h in known)
