"""Where everything on a contact sheet lies, for one size of its cells.

From the inside out: a picture, its frames and badges; the slot it stands in, with what is written under it; the field
of all slots; the axes and the title around the field.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .canvas import Palette
from .fitting import fitted
from .lettering import MIN_SIZE

__all__ = ["Content", "Layout"]


@dataclass(frozen=True)
class Content:
    """What a sheet says, one entry for each picture, row or column; "" where there is nothing to say."""

    captions: list
    marks: list  # None where there is no mark
    scores: list  # as texts
    best: int | None  # the picture with the best score
    numbers: list  # as texts
    row_labels: list
    column_labels: list
    row_title: str
    column_title: str
    title: str


class Layout:
    """Measures of a sheet: `width`, `height` and `boxes` (n, 4), x0, y0, x1, y1 of each picture.

    `positions` are n pairs (x, y) in cells; `xs` and `ys` the sorted distinct values. All lengths are pixels.
    """

    def __init__(self, shapes, positions, xs, ys, content, face, cell):
        self.content, self.face, self.positions, self.xs, self.ys = content, face, positions, xs, ys
        sizes = [None if shape is None else fitted(shape, cell) for shape in shapes]
        self.box_w = max((size[0] for size in sizes if size), default=cell)
        self.box_h = max((size[1] for size in sizes if size), default=cell)
        self.sizes = [size or (self.box_w, self.box_h) for size in sizes]
        self._measure_type()
        self._measure_pictures()
        self._measure_slots()
        self._measure_field()
        self._measure_axes()
        self._measure_sheet()
        self._place_boxes()

    def strokes(self):
        """What is drawn under and over the pictures: two lists of (name of a method of `Canvas`, its arguments …)."""
        under, over = list(self._headings()), []
        for i in range(len(self.positions)):
            under += self._frames(i)
            under += self._writing(i)
            over += self._badges(i)
        return under, over

    # ------------------------------------------------------------------------------------------------------ measures

    def _measure_type(self):
        """Texts and strokes grow slower than the cells."""
        typical = math.sqrt(self.box_w * self.box_h)
        self.text = max(MIN_SIZE, round(0.95 * typical**0.52))
        self.line = self.face.line(self.text)
        self.stroke = max(1, round(typical / 96 + 0.5))
        self.air = max(3, round(0.35 * self.text))  # between a picture and what is written under it
        self.pad = max(3, round(0.4 * self.text))  # inside a badge, left and right
        self.badge = self.line + 2 * (self.pad // 3)  # height of badges and tags
        self.inset = max(2, round(typical / 40))  # from the edge of a picture to a badge
        self.narrowest = max(1, min(8, round(typical / 8)), round(0.075 * typical))  # space between pictures

    def _measure_pictures(self):
        """Frames around the pictures, badges on them."""
        c = self.content
        self.reach = []  # how far the frames reach out: some air, the frame of the mark, the golden one
        for i, mark in enumerate(c.marks):
            frames = (mark is not None) + (i == c.best)
            self.reach.append(max(2, self.stroke) + (2 * frames - 1) * self.stroke if frames else 0)
        self.farthest = max(self.reach)
        # Numbers and scores stand on the pictures if these are large enough, else on the first line under them.
        kinds = [kind for kind in (c.numbers, c.scores) if any(kind)]
        wide = max((self._widest(kind, self.text) for kind in kinds), default=0) + 2 * (self.pad + self.inset)
        high = len(kinds) * (self.badge + self.inset) + self.inset
        self.badges_fit = wide <= 0.45 * self.box_w and high <= 0.5 * self.box_h

    def _measure_slots(self):
        """A slot holds a cell and what is written under it; it may be wider than the cell, for text to be read."""
        c, face, text = self.content, self.face, self.text
        heads = [face.clean(" · ".join(filter(None, pair))) for pair in zip(c.numbers, c.scores, strict=True)]
        self.heads = [""] * len(heads) if self.badges_fit else heads
        marks = [" ".join(face.clean(mark).split()) for mark in c.marks]
        self.slot_w = max(
            self.box_w,
            self._widest(self.heads, text),
            min(self._widest(marks, text) + 4 * self.pad, 9 * text) if any(marks) else 0,
            min(self._widest((face.clean(caption[:32]) for caption in c.captions), text), 6 * text),
        )
        self.tags = [face.shorten(mark, text, self.slot_w - 4 * self.pad) for mark in marks]
        lines = max(3, min(8, int(0.5 * self.box_h / self.line)))
        self.captions = [
            ([head] if head else []) + face.wrap(caption, text, self.slot_w, lines)
            for head, caption in zip(self.heads, c.captions, strict=True)
        ]
        ends = [
            self._hang(i) + (self.air + self.line * len(words) if words else 0) for i, words in enumerate(self.captions)
        ]
        self.band = max(ends) if any(self.tags) or any(self.captions) else 0  # height of all that is under a cell

    def _hang(self, i):
        """Distance from a picture to where its caption may begin: behind the tag, or where all frames have ended."""
        return self.reach[i] - self.stroke + self.badge if self.tags[i] else self.farthest

    def _measure_field(self):
        apart_x = apart_y = max(self.narrowest, 2 * self.farthest + 4 if self.farthest else 0)
        if any(self.captions):
            apart_x, apart_y = max(apart_x, round(1.2 * self.text)), max(apart_y, self.line)
        elif any(self.tags):  # the tags hang in the space between the rows; between the columns it is as wide
            apart_x, apart_y = max(apart_x, self.band + self.farthest + 2), self.farthest + 2
        self.apart_x = apart_x
        self.step_x, self.step_y = self.slot_w + apart_x, self.box_h + self.band + apart_y
        self.field_w = round((self.xs[-1] - self.xs[0]) * self.step_x) + self.slot_w
        self.field_h = round((self.ys[-1] - self.ys[0]) * self.step_y) + self.box_h + self.band

    def _measure_axes(self):
        """Labels and titles also grow with the sheet, so that they can be read when it is seen as a whole."""
        c, face, text = self.content, self.face, self.text
        extent = max(self.field_w, self.field_h)
        self.label = label = min(max(round(1.1 * text), round(extent / 90)), round(1.6 * text))
        self.heading = max(round(1.25 * text), min(round(extent / 70), 2 * text))
        self.large = max(round(1.6 * text), min(round(extent / 44), 3 * text))
        line = face.line(label)

        # Where rows or columns are closer than their labels need, every second, third, … has one.
        near = min((b - a for a, b in pairwise(self.ys)), default=1.0) * self.step_y
        self.every_y = -(-line // max(1, math.floor(near)))
        lines = max(1, min(3, math.floor(near * self.every_y) // line))
        wide = max(5 * label, round(0.9 * self.box_w))
        self.row_labels = [face.wrap(words, label, wide, lines) for words in c.row_labels[:: self.every_y]]
        self.row_labels_w = max((self._widest(words, label) for words in self.row_labels), default=0)

        near = min((b - a for a, b in pairwise(self.xs)), default=1.0) * self.step_x
        words = (word for words in c.column_labels for word in face.clean(words[:200]).split())
        longest = min(6 * label, self._widest(words, label))
        crowded = longest > self.slot_w or near < self.step_x
        self.every_x = -(-(longest + label // 2) // max(1, math.floor(near))) if crowded else 1
        wide = max(longest, min(self.slot_w, round(near * self.every_x) - label // 2))
        self.column_labels = [face.wrap(words, label, wide, 3) for words in c.column_labels[:: self.every_x]]
        self.column_lines = max((len(words) for words in self.column_labels), default=0)
        self.overhang = max(0, (wide - self.slot_w + 1) // 2) if any(self.column_labels) else 0

    def _measure_sheet(self):
        c, face, heading, large = self.content, self.face, self.heading, self.large
        self.margin = margin = max(16, round(1.4 * self.apart_x), round(1.2 * self.text), self.overhang + 4)
        self.beside = self.label + self.farthest  # between the row labels and the pictures
        self.row_title_x = self.left = margin
        if c.row_title:
            self.left += face.line(heading) + round(0.6 * heading)
        if self.row_labels_w:
            self.left += self.row_labels_w + self.beside
        self.width = self.left + self.field_w + margin
        if c.title:  # a small field stands in the middle under its title
            title_w = min(face.width(face.clean(c.title[:200]), large), 16 * large)
            spare = max(0, title_w + 2 * margin - self.width)
            self.width += spare
            self.left += spare // 2
            self.row_title_x += spare // 2
        self.titles = face.wrap(c.title, large, self.width - 2 * margin, 3)

        self.top = margin
        if self.titles:
            self.top += len(self.titles) * face.line(large) + round(0.8 * large)
        self.column_title_y = self.top
        if c.column_title:
            self.top += face.line(heading) + round(0.4 * heading)
        self.column_labels_y = self.top
        if self.column_lines:
            self.top += self.column_lines * face.line(self.label) + round(0.5 * self.label)
        if self.top > margin:
            self.top += self.farthest
        self.height = self.top + self.field_h + margin

    def _place_boxes(self):
        self.boxes = np.empty((len(self.positions), 4), np.int64)
        for i, ((x, y), (w, h)) in enumerate(zip(self.positions, self.sizes, strict=True)):
            # Pictures of different heights stand on one line if something is written under them.
            down = self.box_h - h if self.band else (self.box_h - h) // 2
            x0, y0 = self._slot_x(x) + (self.slot_w - w) // 2, self._slot_y(y) + down
            self.boxes[i] = x0, y0, x0 + w, y0 + h

    def _slot_x(self, x):
        return self.left + round((x - self.xs[0]) * self.step_x)

    def _slot_y(self, y):
        return self.top + round((y - self.ys[0]) * self.step_y)

    def _widest(self, texts, size):
        return max((self.face.width(text, size) for text in texts), default=0)

    # ------------------------------------------------------------------------------------------------------- strokes

    def _headings(self):
        face, heading, label, large = self.face, self.heading, self.label, self.large
        for k, words in enumerate(self.titles):
            yield "text", self.margin, self.margin + k * face.line(large), words, face, large, Palette.title
        for x, lines in zip(self.xs[:: self.every_x], self.column_labels, strict=False):
            center = self._slot_x(x) + self.slot_w // 2
            for k, words in enumerate(lines, self.column_lines - len(lines)):
                y = self.column_labels_y + k * face.line(label)
                yield "text", center, y, words, face, label, Palette.label, "middle"
        for y, lines in zip(self.ys[:: self.every_y], self.row_labels, strict=False):
            first = self._slot_y(y) + self.box_h // 2 - len(lines) * face.line(label) // 2
            for k, words in enumerate(lines):
                y = first + k * face.line(label)
                yield "text", self.left - self.beside, y, words, face, label, Palette.label, "right"

        # The titles of the axes stand in the middle of a hairline as long as the field.
        half_line = face.line(heading) // 2
        if self.content.column_title:
            start, end, y = self.left, self.left + self.field_w, self.column_title_y
            words = face.shorten(face.clean(self.content.column_title), heading, end - start)
            middle, half = (start + end) // 2, face.width(words, heading) // 2 + heading
            yield "text", middle, y, words, face, heading, Palette.title, "middle"
            for x0, x1 in ((start, middle - half), (middle + half, end)):
                yield "fill", x0, y + half_line, max(x0, x1), y + half_line + 1, Palette.rule
        if self.content.row_title:
            start, end, x = self.top, self.top + self.field_h - self.band, self.row_title_x
            words = face.shorten(face.clean(self.content.row_title), heading, end - start)
            middle, half = (start + end) // 2, face.width(words, heading) // 2 + heading
            yield "text", x, middle, words, face, heading, Palette.title, "middle", True
            for y0, y1 in ((start, middle - half), (middle + half, end)):
                yield "fill", x + half_line, y0, x + half_line + 1, max(y0, y1), Palette.rule

    def _frames(self, i):
        x0, y0, x1, y1 = self.boxes[i].tolist()
        colours = [Palette.mark] * (self.content.marks[i] is not None) + [Palette.best] * (i == self.content.best)
        if not colours:
            yield "frame", x0, y0, x1, y1, 1, Palette.edge
        out = max(2, self.stroke)
        for colour in colours:
            yield "frame", x0 - out, y0 - out, x1 + out, y1 + out, self.stroke, colour
            out += 2 * self.stroke

    def _writing(self, i):
        """The tag that hangs at the frame, and the caption."""
        face, text = self.face, self.text
        center, bottom = self._slot_x(self.positions[i][0]) + self.slot_w // 2, int(self.boxes[i, 3])
        end = bottom + self._hang(i)
        if self.tags[i]:
            start, half = end - self.badge, (face.width(self.tags[i], text) + 1) // 2 + 2 * self.pad
            yield "fill", center - half, start, center + half, start + self.badge // 2, Palette.mark
            yield "plate", center - half, start, center + half, end, 0.3 * self.badge, Palette.mark
            yield "text", center, start + self.pad // 3, self.tags[i], face, text, Palette.ink, "middle"
        colours = [Palette.caption] * len(self.captions[i])
        if self.heads[i]:
            colours[0] = Palette.best if i == self.content.best else Palette.label
        for k, (words, colour) in enumerate(zip(self.captions[i], colours, strict=True)):
            yield "text", center, end + self.air + k * self.line, words, face, text, colour, "middle"

    def _badges(self, i):
        """The number in the upper left of the picture, the score in the lower right."""
        if not self.badges_fit:
            return
        x0, y0, x1, y1 = self.boxes[i].tolist()
        best = i == self.content.best
        for words, lower in ((self.content.numbers[i], False), (self.content.scores[i], True)):
            if not words:
                continue
            words = self.face.clean(words)
            w = self.face.width(words, self.text) + 2 * self.pad
            x = x1 - self.inset - w if lower else x0 + self.inset
            if w + 2 * self.inset > x1 - x0:  # in a narrow picture in the middle
                x = (x0 + x1 - w) // 2
            y = y1 - self.inset - self.badge if lower else y0 + self.inset
            ground, ink, opacity = (
                (Palette.best, Palette.ink, 1.0) if lower and best else (Palette.ink, Palette.title, 0.72)
            )
            yield "plate", x, y, x + w, y + self.badge, 0.3 * self.badge, ground, opacity
            yield "text", x + w // 2, y + self.pad // 3, words, self.face, self.text, ink, "middle"
