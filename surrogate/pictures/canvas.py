"""A picture being drawn: flat shapes with crisp edges, and text."""

from functools import lru_cache

import numpy as np

__all__ = ["Canvas", "Palette"]


class Palette:
    """A dark, neutral room: nothing in it has a hue except what means something."""

    ground = (17, 17, 19)
    hollow = (25, 25, 28)  # where a picture is missing, or transparent
    hatch = (44, 44, 49)
    edge = (44, 44, 48)
    rule = (62, 62, 68)
    title = (244, 244, 246)
    label = (206, 206, 212)
    caption = (176, 176, 184)
    quiet = (132, 132, 140)
    mark = (92, 184, 255)
    best = (255, 196, 72)
    ink = (14, 14, 16)  # text on a coloured ground


@lru_cache(maxsize=512)
def _rounded(width, height, radius):
    """Antialiased coverage (height, width) of a rectangle with round corners."""
    radius = min(radius, width / 2, height / 2)
    y, x = (np.abs(np.arange(n) + 0.5 - n / 2) - (n / 2 - radius) for n in (height, width))
    x, y = x[None, :], y[:, None]
    distance = np.hypot(np.maximum(x, 0), np.maximum(y, 0)) + np.minimum(np.maximum(x, y), 0) - radius
    return np.round(255 * np.clip(0.5 - distance, 0, 1)).astype(np.uint8)


class Canvas:
    """`pixels` is (height, width, 3) uint8. Coordinates are whole pixels; what lies outside is cut off."""

    def __init__(self, width, height, colour=Palette.ground):
        self.pixels = np.empty((height, width, 3), np.uint8)
        self.pixels[:] = np.tile(np.array(colour, np.uint8), (width, 1))

    def fill(self, x0, y0, x1, y1, colour):
        self.pixels[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = colour

    def frame(self, x0, y0, x1, y1, thickness, colour):
        """A frame around the box, outside it."""
        t = thickness
        self.fill(x0 - t, y0 - t, x1 + t, y0, colour)
        self.fill(x0 - t, y1, x1 + t, y1 + t, colour)
        self.fill(x0 - t, y0, x0, y1, colour)
        self.fill(x1, y0, x1 + t, y1, colour)

    def hatch(self, x0, y0, x1, y1, spacing):
        """An empty cell."""
        self.fill(x0, y0, x1, y1, Palette.hollow)
        region = self.pixels[max(0, y0) : y1, max(0, x0) : x1]
        diagonal = np.add.outer(np.arange(region.shape[0]), np.arange(region.shape[1])) % spacing
        region[diagonal == 0] = Palette.hatch

    def paste(self, x, y, image):
        self.pixels[y : y + image.shape[0], x : x + image.shape[1]] = image

    def blend(self, x, y, coverage, colour, opacity=1.0):
        """Lay `colour` over the pixels as far as `coverage` (height, width) in 0..255 says."""
        height, width = self.pixels.shape[:2]
        left, top = max(0, -x), max(0, -y)
        coverage = coverage[top : max(top, height - y), left : max(left, width - x)].astype(np.float32)
        region = self.pixels[y + top : y + top + coverage.shape[0], x + left : x + left + coverage.shape[1]]
        alpha = coverage[..., None] * np.float32(opacity / 255)
        region[:] = np.round(region + (np.array(colour, np.float32) - region) * alpha)

    def plate(self, x0, y0, x1, y1, radius, colour, opacity=1.0):
        """A rectangle with round corners."""
        if x1 > x0 and y1 > y0:
            self.blend(x0, y0, _rounded(x1 - x0, y1 - y0, radius), colour, opacity)

    def text(self, x, y, text, face, size, colour, anchor="left", upright=False):
        """One line. It begins at `x`, or has its middle or end there, and `y` is its top; turned `upright` (a quarter
        to the left) it begins at `y` and goes up, and `x` is its left side."""
        if not text:
            return
        coverage = face.mask(text, size)
        shift = {"left": 1, "middle": coverage.shape[1] // 2, "right": coverage.shape[1] - 1}[anchor]
        if upright:
            self.blend(x, y - coverage.shape[1] + shift, np.rot90(coverage), colour)
        else:
            self.blend(x - shift, y, coverage, colour)
