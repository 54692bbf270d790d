"""Oklab, a colour space in which distances are about as large as they look (Ottosson 2020, bottosson.github.io)."""

from __future__ import annotations

import re

import numpy as np

__all__ = ["from_hex", "oklab"]

_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Oklab (..., 3) of sRGB values (..., 3) in [0, 1]: lightness from 0 (black) to 1 (white); green to red and blue to
    yellow, about -0.3 to 0.3 and 0 for greys. A just noticeable difference is about 0.02."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return _product(np.cbrt(_product(linear, _LMS)), _LAB)


def _product(values, matrix):
    # Written out: matrix products differ in the last bits with the size of the batch.
    return np.stack([values[..., 0] * a + values[..., 1] * b + values[..., 2] * c for a, b, c in matrix], axis=-1)


def from_hex(colour: str, name: str = "colour") -> np.ndarray:
    """sRGB values (3,) in [0, 1] of a colour such as "#ff8000" or "f80". Raises ValueError for anything else."""
    digits = colour.strip().removeprefix("#") if isinstance(colour, str) else ""
    if not re.fullmatch(r"[0-9a-fA-F]{3}|[0-9a-fA-F]{6}", digits):
        raise ValueError(f"{name} must be written #rrggbb or #rgb in hexadecimal, such as #ff8000, got {colour!r}.")
    digits = digits if len(digits) == 6 else "".join(2 * d for d in digits)
    return np.array([int(digits[i : i + 2], 16) for i in (0, 2, 4)]) / 255
