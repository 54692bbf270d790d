"""Arithmetic over named scores, such as `clip - 0.5 * abs(brightness - 0.6)`. It is read, never run as code."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["FUNCTIONS", "Expression", "combine"]

# What is longer, deeper or larger is no score that a person wrote. They bound the work to a few hundred array operations.
MAX_LENGTH, MAX_DEPTH, MAX_SIZE = 2000, 100, 400


def _mean(*values):
    return sum(values[1:], values[0]) / len(values)


def _least(*values):
    return np.minimum.reduce(np.broadcast_arrays(*values))


def _most(*values):
    return np.maximum.reduce(np.broadcast_arrays(*values))


def _clip(x, low, high):
    return np.minimum(np.maximum(x, low), high)


def _power(base, exponent):
    # numpy's own rule, 1**nan = nan**0 = 1, would give a failed image a score.
    return np.where(np.isnan(base) | np.isnan(exponent), np.nan, np.power(base, exponent))


# Name: function, fewest and most arguments.
FUNCTIONS: dict[str, tuple[Callable, int, int]] = {
    "min": (_least, 2, MAX_LENGTH),
    "max": (_most, 2, MAX_LENGTH),
    "mean": (_mean, 2, MAX_LENGTH),
    "abs": (np.abs, 1, 1),
    "sqrt": (np.sqrt, 1, 1),
    "exp": (np.exp, 1, 1),
    "log": (np.log, 1, 1),
    "clip": (_clip, 3, 3),
}
_BINARY: dict[type, Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: _power,
}
_UNARY: dict[type, Callable[..., Any]] = {ast.UAdd: np.positive, ast.USub: np.negative}


class Expression:
    """An arithmetic expression over scores, image by image.

    Numbers, names of scores, `+ - * / **`, parentheses, and the functions min, max, mean (two or more arguments), abs,
    sqrt, exp, log and clip(x, low, high). All is float64, so that large powers are inf, quickly, and NaN of a score
    goes through to the result; 0/0, sqrt(-1) and the like are NaN.

    `text` as given, `names` of the scores it uses in order of appearance.

    Raises ValueError with the place for anything else, for a text beyond `MAX_LENGTH` characters, `MAX_DEPTH` levels
    or `MAX_SIZE` parts, and for one that names no score.
    """

    def __init__(self, text: str):
        if not isinstance(text, str):
            raise ValueError(f"expression must be a text, got {type(text).__name__}.")
        if len(text) > MAX_LENGTH:
            raise ValueError(f"expression has {len(text)} characters; at most {MAX_LENGTH} are read.")
        self.text = text
        self._line = "".join(" " if c.isspace() else c for c in text)
        self._start = len(self._line) - len(self._line.lstrip())
        self._names: dict[str, int] = {}
        self._size = 0
        self._tree = self._read(self._parse(), 0)
        if not self._names:
            raise ValueError(
                f"expression {self._excerpt()} names no score, so that all images would be equal. Use one."
            )
        self.names = tuple(self._names)

    def __call__(self, scores: Mapping[str, object]) -> np.ndarray:
        """The value for each image, (n,) float64, of `scores`: name to (n,) numbers, or to one number for all images.

        Raises ValueError for a name that is missing, and for lengths that differ.
        """
        values = {}
        for name, place in self._names.items():
            if name not in scores:
                known = ", ".join(scores) or "none"
                raise self._error(f"there is no score {name!r}; the scores are: {known}", place)
            values[name] = _score(name, scores[name])
        lengths = {name: len(v) for name, v in values.items() if v.ndim}
        if len(set(lengths.values())) > 1:
            counted = ", ".join(f"{name} {n}" for name, n in lengths.items())
            raise ValueError(f"scores must be as many of each name, one for each image, got {counted}.")
        with np.errstate(all="ignore"):
            result = self._tree(values)
        return np.array(np.broadcast_to(result, (max(lengths.values(), default=1),)), np.float64)

    def __repr__(self):
        return f"Expression({self.text!r})"

    def _parse(self) -> ast.expr:
        text = self._line[self._start :].rstrip()
        if not text:
            raise ValueError("expression is empty: write one such as a - 0.5 * b.")
        try:
            return ast.parse(text, mode="eval").body
        except SyntaxError as error:
            # No offset: something is missing at the end.
            raise self._error(error.msg, self._start + (error.offset - 1 if error.offset else len(text))) from None
        except (ValueError, RecursionError, MemoryError) as error:
            raise ValueError(
                f"expression {self._excerpt()} cannot be read: {str(error) or 'it is nested too deep'}."
            ) from None

    def _read(self, node: ast.expr, depth: int) -> Callable[[Mapping], Any]:
        """The node as a function of the named values."""
        place, self._size = self._place(node), self._size + 1
        if depth > MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} levels are nested", place)
        if self._size > MAX_SIZE:
            raise self._error(f"there are more than {MAX_SIZE} numbers, names and operations", place)
        match node:
            case ast.Constant(value=int() | float() as constant) if not isinstance(constant, bool):
                try:
                    number = np.float64(constant)
                except OverflowError:
                    raise self._error("this number is too large", place) from None
                return lambda values: number
            case ast.Name(id=name) if name in FUNCTIONS:
                raise self._error(f"{name} is a function: write {name}(…)", place)
            case ast.Name(id=name):
                self._names.setdefault(name, place)
                return lambda values: values[name]
            case ast.UnaryOp(op=op, operand=inner) if type(op) in _UNARY:
                unary, of = _UNARY[type(op)], self._read(inner, depth + 1)
                return lambda values: unary(of(values))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                binary, a, b = _BINARY[type(op)], self._read(left, depth + 1), self._read(right, depth + 1)
                return lambda values: binary(a(values), b(values))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
                function, fewest, most = FUNCTIONS[name]
                if not fewest <= len(arguments) <= most:
                    wants = f"{fewest}" if fewest == most else f"{fewest} or more"
                    raise self._error(
                        f"{name} takes {wants} argument{'s' * (wants != '1')}, got {len(arguments)}", place
                    )
                parts = [self._read(argument, depth + 1) for argument in arguments]
                return lambda values: function(*(part(values) for part in parts))
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                raise self._error(f"there is no function {name}; there are {', '.join(FUNCTIONS)}", place)
        what = _KINDS.get(type(node), "this")
        raise self._error(f"{what} is not allowed, only numbers, names, + - * / ** and {', '.join(FUNCTIONS)}", place)

    def _place(self, node: ast.expr) -> int:
        """Characters before the node; ast counts bytes."""
        before = self._line[self._start :].encode()[: node.col_offset]
        return self._start + len(before.decode(errors="ignore"))

    def _error(self, message: str, place: int) -> ValueError:
        return ValueError(f"expression: {message}, at character {place + 1}: {self._excerpt(place)}")

    def _excerpt(self, place: int | None = None) -> str:
        """The text, with an arrow before `place`, shortened."""
        line = self._line.strip() if place is None else f"{self._line[:place]}➜{self._line[place:]}"
        start = max(0, (place or 0) - 40)
        return f"{'…' * (start > 0)}{line[start : start + 80].strip()}{'…' * (len(line) > start + 80)}"


_KINDS = {
    ast.Compare: "a comparison",
    ast.BoolOp: "and/or",
    ast.IfExp: "if/else",
    ast.Attribute: "a dot",
    ast.Subscript: "an index",
    ast.Call: "this call",
    ast.Constant: "this text or constant",
    ast.Lambda: "lambda",
    ast.BinOp: "this operator",
    ast.UnaryOp: "this operator",
    ast.Tuple: "a comma here",
    ast.List: "a list",
    ast.Starred: "an asterisk here",
}


def combine(text: str, scores: Mapping[str, object]) -> np.ndarray:
    """`Expression(text)(scores)`: (n,) float64 of name to (n,) numbers."""
    return Expression(text)(scores)


def _score(name, values):
    try:
        values = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"score {name!r} must be (n,) numbers, got {values!r:.100}.") from None
    if values.ndim > 1 or values.size == 0:
        raise ValueError(f"score {name!r} must be (n,) numbers, one for each image, got shape {values.shape}.")
    return values
