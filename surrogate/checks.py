"""Checks of what a caller passes. Each returns the value in its plain type, or raises a ValueError that teaches.

>>> from surrogate.checks import array, choice, number, share, whole
>>> budget = whole("budget", budget, 1, 1_000_000)   # int; "budget must be a whole number from 1 to 1000000, got 0."
>>> count = whole("count", count, 1)                 # int; "count must be a whole number of at least 1, got 2.5."
>>> angle = number("angle", angle, 0, 90)            # float; "angle must be a number from 0 to 90, got nan."
>>> part = share("random_share", part)               # float from 0 to 1
>>> u = array("u", u, ("n", 3))                      # float64; "u must have shape (n, 3), got (5, 2)."
>>> name = choice("chart", name, CHARTS)             # "chart must be one of angular, …, got 'cube'."

`True` and `False` are not numbers here, and numbers of numpy and one-element tensors are. What follows from several
arguments together (`low <= high`, two different seeds) is checked where these arguments are used.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Collection, Sequence

import numpy as np

__all__ = ["array", "choice", "number", "share", "whole"]

SHOWN = 80


def whole(name: str, value, low: int | None = None, high: int | None = None, unit: str = "") -> int:
    """`value` as an int if it is a whole number from `low` to `high`; raises ValueError otherwise.

    `unit` follows "a whole number" in the message, such as "of pixels". 2.0 is not taken: it is a result of rounding.
    """
    try:
        found = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except (TypeError, ValueError, RuntimeError):
        found = None
    if found is None or (low is not None and found < low) or (high is not None and found > high):
        kind = f"a whole number {unit}".rstrip()
        raise ValueError(f"{name} must be {kind}{_bounds(low, high)}, got {_shown(value)}.")
    return found


def number(name: str, value, low: float = -math.inf, high: float = math.inf, above: float | None = None) -> float:
    """`value` as a float if it is a finite number from `low` to `high`, and greater than `above`; raises ValueError otherwise."""
    try:
        plain = value.item() if hasattr(value, "item") else value
        real = isinstance(plain, numbers.Real) and not isinstance(plain, bool)
        found = float(plain) if real else math.nan
    except (TypeError, ValueError, RuntimeError, OverflowError):
        found = math.nan
    if not math.isfinite(found) or not low <= found <= high or (above is not None and found <= above):
        least, most = (None if math.isinf(bound) else bound for bound in (low, high))
        bounds = _bounds(least, most)
        if above is not None:
            bounds = f" above {above:g}" + (f" and up to {most:g}" if most is not None else "")
        raise ValueError(f"{name} must be a{' finite' * (not bounds)} number{bounds}, got {_shown(value)}.")
    return found


def share(name: str, value) -> float:
    """`value` as a float if it is a number from 0 to 1; raises ValueError otherwise."""
    return number(name, value, 0.0, 1.0)


def array(name: str, value, shape: Sequence[int | str]) -> np.ndarray:
    """`value` as a float64 array of `shape`, in which a text such as "n" is any length; raises ValueError otherwise.

    The values may be infinite or NaN.
    """
    try:
        found = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers of shape {_tuple(shape)}, got {_shown(value)}.") from None
    fits = found.ndim == len(shape) and all(
        isinstance(wanted, str) or wanted == length for wanted, length in zip(shape, found.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name} must have shape {_tuple(shape)}, got {_tuple(found.shape)}.")
    return found


def choice(name: str, value, options: Collection[str]) -> str:
    """`value` if it is one of the texts `options`; raises ValueError, which names them, otherwise."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} must be one of {', '.join(options)}, got {_shown(value)}.")
    return value


def _bounds(low: float | None, high: float | None) -> str:
    least, most = (bound if bound is None or isinstance(bound, int) else f"{bound:g}" for bound in (low, high))
    if low is not None and high is not None:
        return f" from {least} to {most}"
    if low is not None:
        return f" of at least {least}"
    return f" of at most {most}" if high is not None else ""


def _shown(value) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _tuple(shape: Sequence[int | str]) -> str:
    return f"({', '.join(str(length) for length in shape)}{',' * (len(shape) == 1)})"
