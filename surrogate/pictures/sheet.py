"""Contact sheets: many pictures on one, with what is to be known about each.

A sheet is planned before it is drawn. The plan depends on the pictures' shapes and on texts only, so the frames of an
animation have the same size, and it knows where each picture lies (for whoever clicks on one).
"""

import math
import warnings
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from PIL import Image

from .canvas import Canvas, Palette
from .lettering import MIN_SIZE, Face

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
                canvas.paste(x0, y0, _fit(_pixels(np.asarray(image)), x1 - x0, y1 - y0))
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
    scores: n numbers (NaN or None: no score), drawn on the pictures; the frame of the highest finite one is golden.
    numbers: draw 1, 2, … on the pictures.
    cell: longest side of a cell in pixels. Default: the longest side of any picture, at least 64, less where the sheet
        would pass `max_side`. A cell asked for that is too large for `max_side` is made smaller, with a warning.
    max_side: the sheet is never wider or higher than this.
    font: path of a TrueType font for texts that Pillow's own (Latin letters without accents) cannot show.

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
    numbers=False,
    title=None,
    cell=None,
    max_side=8192,
    font=None,
):
    """Plan a `ContactSheet` for n pictures of `shapes`: (h, w, …) or None for a picture that is missing.

    The other arguments, and the errors, are those of `contact_sheet`.
    """
    shapes = tuple(None if shape is None else (int(shape[0]), int(shape[1])) for shape in shapes)
    n = len(shapes)
    if n == 0:
        raise ValueError("images: expected at least one image, got none.")
    face = Face(font)
    face.width("x", MIN_SIZE)  # a font that cannot be read is reported here
    aspect = _cell_aspect(shapes)
    positions, xs, ys = _positions(n, layout, columns, row_labels, column_labels, aspect)
    values = _scores(scores, n)
    content = _Content(
        captions=_texts("captions", captions, n, "images"),
        marks=_texts("marks", marks, n, "images", missing=None),
        scores=_score_texts(values),
        best=_best(values),
        numbers=[str(i + 1) for i in range(n)] if numbers else [""] * n,
        row_labels=_texts("row_labels", row_labels, len(ys), "rows"),
        column_labels=_texts("column_labels", column_labels, len(xs), "columns"),
        row_title=_text("row_title", row_title),
        column_title=_text("column_title", column_title),
        title=_text("title", title),
    )
    max_side = _whole("max_side", max_side)
    longest = max((max(shape) for shape in shapes if shape is not None), default=128)
    wanted = max(longest, _SMALLEST) if cell is None else _whole("cell", cell)
    size = min(wanted, max_side)
    while True:
        sheet = _plan(shapes, positions, xs, ys, content, face, size)
        side = max(sheet.width, sheet.height)
        if side <= max_side:
            break
        if size == 1:
            raise ValueError(
                f"max_side: {n} images over {xs[-1] - xs[0] + 1:g} columns and {ys[-1] - ys[0] + 1:g} rows need "
                f"{sheet.width} x {sheet.height} pixels even with cells of one pixel, and max_side is {max_side}. Show "
                "fewer images, fewer texts, or raise max_side."
            )
        size = max(1, min(size - 1, int(size * max_side / side)))
    if cell is not None and size < wanted:
        warnings.warn(
            f"cell: cells of {wanted} pixels would make the sheet larger than max_side = {max_side}; they are {size}.",
            stacklevel=2,
        )
    return sheet


# ------------------------------------------------------------------------------------------------ the plan of a sheet


@dataclass(frozen=True)
class _Content:
    """What is to be shown, checked; `numbers` and `scores` as texts, "" where there is none."""

    captions: list
    marks: list  # None where there is no mark
    scores: list
    best: int | None
    numbers: list
    row_labels: list
    column_labels: list
    row_title: str
    column_title: str
    title: str


class _Type:
    """Sizes of texts and strokes for a cell whose sides have the geometric mean `typical`: they grow slower than it."""

    def __init__(self, face, typical):
        self.face, self.typical = face, typical
        self.text = max(MIN_SIZE, round(0.95 * typical**0.52))
        self.line = face.line(self.text)
        self.stroke = max(1, round(typical / 96 + 0.5))
        self.air = max(3, round(0.35 * self.text))  # between a picture and what belongs to it
        self.pad = max(3, round(0.4 * self.text))  # inside a badge, left and right
        self.badge = self.line + 2 * (self.pad // 3)  # height of badges and tags

    def widest(self, texts):
        return max((self.face.width(text, self.text) for text in texts if text), default=0)


def _plan(shapes, positions, xs, ys, content, face, cell):
    """Lay the sheet out for one cell size."""
    n = len(shapes)
    fitted = [None if shape is None else _fitted(shape, cell) for shape in shapes]
    box_w = max((f[0] for f in fitted if f), default=cell)
    box_h = max((f[1] for f in fitted if f), default=cell)
    fitted = [f or (box_w, box_h) for f in fitted]
    t = _Type(face, math.sqrt(box_w * box_h))
    text, line, stroke = t.text, t.line, t.stroke

    # How far the frames reach out from a picture: some air, the frame of the mark, the golden one.
    reach = [0] * n
    for i in range(n):
        frames = (content.marks[i] is not None) + (i == content.best)
        reach[i] = max(2, stroke) + (2 * frames - 1) * stroke if frames else 0
    most = max(reach)

    # Numbers and scores are drawn on the pictures where there is room, else on the first line under them.
    inset = max(2, round(t.typical / 40))
    kinds = [k for k in (content.numbers, content.scores) if any(k)]
    on_picture = (
        max((t.widest(k) for k in kinds), default=0) + 2 * t.pad + 2 * inset <= 0.45 * box_w
        and len(kinds) * (t.badge + inset) + inset <= 0.5 * box_h
    )
    heads = [" · ".join(filter(None, pair)) for pair in zip(content.numbers, content.scores, strict=True)]
    heads = [""] * n if on_picture else [face.clean(head) for head in heads]

    # A slot holds a cell and what belongs to it, and may be wider than the cell so that its text can be read.
    marks = [" ".join(face.clean(mark).split()) for mark in content.marks]
    slot_w = max(
        box_w,
        t.widest(heads),
        min(t.widest(marks) + 4 * t.pad, 9 * text) if any(marks) else 0,
        min(max((face.width(face.clean(c)[:32], text) for c in content.captions), default=0), 6 * text),
    )
    lines = max(3, min(8, int(0.5 * box_h / line)))
    captions = [face.wrap(caption, text, slot_w, lines) for caption in content.captions]
    tags = [face.shorten(mark, text, slot_w - 4 * t.pad) for mark in marks]
    captions = [([head] if head else []) + caption for head, caption in zip(heads, captions, strict=True)]
    below = [reach[i] - stroke + t.badge if tags[i] else most for i in range(n)]  # where the caption begins
    below = [b + (t.air + line * len(c) if c else 0) for b, c in zip(below, captions, strict=True)]
    band = max(below) if any(tags) or any(captions) else 0

    gap_x = gap_y = max(1, min(8, round(t.typical / 8)), round(0.075 * t.typical), 2 * most + 4 if most else 0)
    if any(captions):
        gap_x, gap_y = max(gap_x, round(1.2 * text)), max(gap_y, line)
    elif any(tags):  # the tags hang in the space between the rows, which is then as wide between the columns
        gap_x, gap_y = max(gap_x, band + most + 2), most + 2
    step_x, step_y = slot_w + gap_x, box_h + band + gap_y
    field_w = round((xs[-1] - xs[0]) * step_x) + slot_w
    field_h = round((ys[-1] - ys[0]) * step_y) + box_h + band

    # Around the field: the texts also grow with the sheet, so that they can be read when it is seen as a whole.
    extent = max(field_w, field_h)
    label = min(max(round(1.1 * text), round(extent / 110)), round(1.5 * text))
    heading = max(round(1.25 * text), min(round(extent / 80), 2 * text))
    large = max(round(1.6 * text), min(round(extent / 44), 3 * text))
    margin = max(16, round(1.4 * gap_x), round(1.2 * text))
    low = min((b - a for a, b in pairwise(ys)), default=1.0) * step_y  # the least distance of two rows
    every_y = -(-face.line(label) // max(1, math.floor(low)))
    low_lines = max(1, min(3, math.floor(low * every_y) // face.line(label)))
    row_w = max(5 * label, round(0.9 * box_w))
    row_labels = [face.wrap(words, label, row_w, low_lines) for words in content.row_labels[::every_y]]
    row_w = max((face.width(words, label) for lines in row_labels for words in lines), default=0)
    near = min((b - a for a, b in pairwise(xs)), default=1.0) * step_x  # and of two columns
    words = [word for words in content.column_labels for word in face.clean(words)[:200].split()]
    longest = min(6 * label, max((face.width(word, label) for word in words), default=0))
    every_x = -(-(longest + label // 2) // max(1, math.floor(near))) if longest > slot_w or near < step_x else 1
    column_w = max(longest, min(slot_w, round(near * every_x) - label // 2))
    column_labels = [face.wrap(words, label, column_w, 3) for words in content.column_labels[::every_x]]
    column_lines = max((len(words) for words in column_labels), default=0)

    beside = label + most  # between the row labels and the pictures
    row_title_x = margin
    left = margin
    left += face.line(heading) + round(0.6 * heading) if content.row_title else 0
    left += row_w + beside if row_w else 0
    width = left + field_w + margin
    if content.title:
        spare = max(0, min(face.width(face.clean(content.title), large), 16 * large) + 2 * margin - width)
        width, left, row_title_x = width + spare, left + spare // 2, row_title_x + spare // 2
    titles = face.wrap(content.title, large, width - 2 * margin, 3)
    top = margin + (len(titles) * face.line(large) + round(0.8 * large) if titles else 0)
    heading_y = top
    top += face.line(heading) + round(0.4 * heading) if content.column_title else 0
    label_y = top
    top += column_lines * face.line(label) + round(0.5 * label) if column_lines else 0
    top += most if content.title or content.column_title or column_lines else 0
    height = top + field_h + margin

    strokes, badges, boxes = [], [], np.empty((n, 4), np.int64)

    def write(*text):
        strokes.append(("text", *text))

    for k, words in enumerate(titles):
        write(margin, margin + k * face.line(large), words, face, large, Palette.title)
    if content.column_title:
        words = face.shorten(face.clean(content.column_title), heading, field_w)
        center, middle, half = left + field_w // 2, heading_y + face.line(heading) // 2, face.width(words, heading) // 2
        write(center, heading_y, words, face, heading, Palette.title, "middle")
        for x0, x1 in ((left, center - half - heading), (center + half + heading, left + field_w)):
            strokes.append(("fill", x0, middle, max(x0, x1), middle + 1, Palette.rule))
    if content.row_title:
        tall = field_h - band
        words = face.shorten(face.clean(content.row_title), heading, tall)
        center, middle, half = row_title_x + face.line(heading) // 2, top + tall // 2, face.width(words, heading) // 2
        write(row_title_x, middle, words, face, heading, Palette.title, "middle", True)
        for y0, y1 in ((top, middle - half - heading), (middle + half + heading, top + tall)):
            strokes.append(("fill", center, y0, center + 1, max(y0, y1), Palette.rule))
    for x, words in zip(xs[::every_x], column_labels, strict=False):
        center = left + round((x - xs[0]) * step_x) + slot_w // 2
        for k, line_of_it in enumerate(words, column_lines - len(words)):
            write(center, label_y + k * face.line(label), line_of_it, face, label, Palette.label, "middle")
    for y, words in zip(ys[::every_y], row_labels, strict=False):
        middle = top + round((y - ys[0]) * step_y) + box_h // 2 - len(words) * face.line(label) // 2
        for k, line_of_it in enumerate(words):
            write(left - beside, middle + k * face.line(label), line_of_it, face, label, Palette.label, "right")

    for i, (x, y) in enumerate(positions):
        slot_x, slot_y = left + round((x - xs[0]) * step_x), top + round((y - ys[0]) * step_y)
        center, (w, h) = slot_x + slot_w // 2, fitted[i]
        # Pictures of different heights stand on one line where something is written under them.
        x0, y0 = slot_x + (slot_w - w) // 2, slot_y + (box_h - h if band else (box_h - h) // 2)
        x1, y1 = x0 + w, y0 + h
        boxes[i] = x0, y0, x1, y1
        frames = [Palette.mark] * (content.marks[i] is not None) + [Palette.best] * (i == content.best)
        if not frames:
            strokes.append(("frame", x0, y0, x1, y1, 1, Palette.edge))
        inner = max(2, stroke)
        for colour in frames:
            strokes.append(("frame", x0 - inner, y0 - inner, x1 + inner, y1 + inner, stroke, colour))
            inner += 2 * stroke
        end = y1 + most
        if tags[i]:
            hang, end = y1 + reach[i] - stroke, y1 + reach[i] - stroke + t.badge
            half = (face.width(tags[i], text) + 1) // 2 + 2 * t.pad
            strokes.append(("fill", center - half, hang, center + half, end - t.badge // 2, Palette.mark))
            strokes.append(("plate", center - half, hang, center + half, end, t.badge * 0.3, Palette.mark))
            write(center, hang + t.pad // 3, tags[i], face, text, Palette.ink, "middle")
        for k, words in enumerate(captions[i]):
            colour = Palette.caption if k or not heads[i] else Palette.best if i == content.best else Palette.label
            write(center, end + t.air + k * line, words, face, text, colour, "middle")
        if on_picture:
            for words, corner, strong in ((content.numbers[i], 0, False), (content.scores[i], 1, i == content.best)):
                if words:
                    badges += _badge(words, corner, strong, (x0, y0, x1, y1), inset, t)
    return ContactSheet(width, height, cell, boxes, tuple(shapes), tuple(strokes), tuple(badges))


def _badge(words, corner, strong, box, inset, t):
    """A number in the upper left (corner 0) or a score in the lower right (1) of a picture."""
    words = t.face.clean(words)
    x0, y0, x1, y1 = box
    w = t.face.width(words, t.text) + 2 * t.pad
    # In a picture narrower than its badge, the badge stands in the middle.
    x = x0 + inset if corner == 0 else x1 - inset - w
    x = (x0 + x1 - w) // 2 if w + inset > x1 - x0 else x
    y = y0 + inset if corner == 0 else y1 - inset - t.badge
    ground, ink = (Palette.best, Palette.ink) if strong else (Palette.ink, Palette.title)
    return [
        ("plate", x, y, x + w, y + t.badge, t.badge * 0.3, ground, 1.0 if strong else 0.72),
        ("text", x + w // 2, y + t.pad // 3, words, t.face, t.text, ink, "middle"),
    ]


def _fitted(shape, cell):
    """Width and height of a picture (h, w) whose longest side is `cell`."""
    h, w = shape
    return max(1, round(w * cell / max(h, w))), max(1, round(h * cell / max(h, w)))


# ------------------------------------------------------------------------------------------------------------- pixels


def _pixels(image):
    """(h, w, 3) uint8 of an image as `contact_sheet` takes them."""
    h, w, channels = image.shape
    if image.dtype == np.uint8 and channels == 3:
        return image
    out = np.empty((h, w, 3), np.uint8)
    rows = max(1, 2**20 // w)  # a strip at a time: the intermediate results are larger than the image
    for y in range(0, h, rows):
        strip = image[y : y + rows]
        if strip.dtype == np.uint8:
            values = strip.astype(np.float32) / 255
        else:
            values = strip.astype(np.float32)
            if np.isnan(values).any():
                values[np.isnan(values).any(-1)] = [0.0] * min(channels, 3) + [1.0] * (channels == 4)
            values = values.clip(0, 1)
        colour = values[..., :3]
        if channels == 4:
            alpha = values[..., 3:]
            colour = colour * alpha + np.array(Palette.hollow, np.float32) / 255 * (1 - alpha)
        out[y : y + rows] = np.round(255 * colour)
    return out


def _fit(pixels, width, height):
    """Scale to exactly (height, width): averaging down, smoothly up, icons with hard pixels."""
    h, w = pixels.shape[:2]
    if (h, w) == (height, width):
        return pixels
    if width < w or height < h:
        how = Image.Resampling.LANCZOS
    else:
        how = Image.Resampling.NEAREST if max(h, w) <= 32 else Image.Resampling.BICUBIC
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize((width, height), how, reducing_gap=4.0 if how == Image.Resampling.LANCZOS else None))


# -------------------------------------------------------------------------------------------------------------- checks


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
    shape = tuple(np.shape(image))
    if len(shape) != 3 or shape[2] not in (1, 3, 4) or 0 in shape:
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


def _best(values):
    """Index of the highest finite score, the first if several are equal; None if there is nothing to choose."""
    finite = values[np.isfinite(values)]
    if len(finite) < 2 or finite.min() == finite.max():
        return None
    return int(np.nanargmax(np.where(np.isfinite(values), values, np.nan)))


def _score_texts(values):
    """All with the same number of decimals: three digits of the largest or of the differences."""
    finite = values[np.isfinite(values)]
    largest = np.abs(finite).max(initial=0.0)
    if largest >= 1e5 or 0 < largest < 1e-3:
        write = "{:.2e}".format
    else:
        if (finite == np.round(finite)).all():
            return ["" if np.isnan(v) else f"{v:.0f}" for v in (values + 0.0).tolist()]
        spread = float(np.ptp(finite)) if len(finite) else 0.0
        scale = min(largest, spread or largest) or 1.0
        write = ("{:." + str(min(4, max(0, 2 - math.floor(math.log10(scale))))) + "f}").format
    return ["" if np.isnan(v) else write(v + 0.0) for v in values.tolist()]


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
            raise ValueError("columns: the layout already says where each image lies; give one of the two.")
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
    seen = {}
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
    known = [_fitted(shape, 4096) for shape in shapes if shape is not None] or [(1, 1)]
    return max(w for w, _ in known) / max(h for _, h in known)
