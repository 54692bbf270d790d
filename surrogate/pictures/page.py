"""The page that a plot is drawn on: its margin, its sizes of text, and a title with a caption above."""

from __future__ import annotations

from dataclasses import dataclass

from .canvas import Canvas, Palette
from .lettering import Face

__all__ = ["MARGIN", "TEXT", "TITLE", "Page"]

# All in pixels: what stays empty at each edge, and the heights of text.
MARGIN, TITLE, TEXT = 28, 22, 13


@dataclass(frozen=True)
class Page:
    """A page that is `width` pixels wide, with the lines of its title and of its caption; the plot begins at `top`."""

    face: Face
    width: int
    titles: list[str]
    captions: list[str]
    top: int

    @classmethod
    def plan(cls, face: Face, width: int, title, caption, *, lines: int = 2, air: int = 12) -> Page:
        """Wraps `title` to two lines and `caption` to `lines`; `air` pixels are between them and the plot."""
        titles = face.wrap(title, TITLE, width - 2 * MARGIN, 2)
        captions = face.wrap(caption, TEXT, width - 2 * MARGIN, lines)
        written = len(titles) * face.line(TITLE) + len(captions) * face.line(TEXT)
        return cls(face, width, titles, captions, MARGIN + written + (air if titles or captions else 0))

    def canvas(self, bottom: int) -> Canvas:
        """The page with its title and caption, and nothing yet below; it ends a margin below `bottom`."""
        canvas = Canvas(self.width, bottom + MARGIN)
        y = MARGIN
        for size, colour, lines in ((TITLE, Palette.title, self.titles), (TEXT, Palette.caption, self.captions)):
            for line in lines:
                canvas.text(MARGIN, y, line, self.face, size, colour)
                y += self.face.line(size)
        return canvas
