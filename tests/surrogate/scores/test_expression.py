"""Combining scores: right values, and nothing but arithmetic."""

from __future__ import annotations

import time

import numpy as np
import pytest

from surrogate.scores import FUNCTIONS, Expression, combine

A, B, C = np.array([0.5, -2.0, 3.0]), np.array([1.0, 4.0, -0.5]), np.array([2.0, 0.0, 9.0])
SCORES = {"a": A, "b": B, "c": C}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", A),
        ("a + b * 2", A + B * 2),
        ("(a + b) * 2", (A + B) * 2),
        ("a - b - c", A - B - C),
        ("-a ** 2", -(A**2)),
        ("2 ** 3 ** 2 + 0 * a", np.full(3, 512.0)),
        ("+a / 4", A / 4),
        ("1e-3 * a + .5", 1e-3 * A + 0.5),
        ("min(a, b)", np.minimum(A, B)),
        ("max(a, b, 1)", np.maximum(np.maximum(A, B), 1)),
        ("mean(a, b, c)", (A + B + C) / 3),
        ("abs(a) + sqrt(c)", np.abs(A) + np.sqrt(C)),
        ("exp(a) - log(c + 1)", np.exp(A) - np.log(C + 1)),
        ("clip(a, -1, 1)", np.clip(A, -1, 1)),
        ("clip(a, b, c)", np.minimum(np.maximum(A, B), C)),
        ("  a\n + b\t", A + B),
        ("a - 0.5*abs(b-0.6)", A - 0.5 * np.abs(B - 0.6)),
    ],
)
def test_values(text, expected):
    found = combine(text, SCORES)
    assert found.shape == (3,)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_one_image_does_not_depend_on_the_others():
    text = "mean(a, b) + max(a, b, c) * min(a, 2) ** 2 + clip(a, 0, 1)"
    whole = combine(text, SCORES)
    alone = [combine(text, {k: v[i : i + 1] for k, v in SCORES.items()})[0] for i in range(3)]
    np.testing.assert_array_equal(whole, alone)


def test_numbers_for_all_images_and_a_single_one():
    np.testing.assert_array_equal(combine("a * w", {"a": A, "w": 2}), A * 2)
    np.testing.assert_array_equal(combine("a * 2", {"a": 1.5}), [3.0])


@pytest.mark.parametrize(("name", "place"), [(name, i) for name, f in FUNCTIONS.items() for i in range(f[1])])
def test_nan_goes_through_every_function(name, place):
    fewest = FUNCTIONS[name][1]
    arguments = ["b"] * fewest
    arguments[place] = "a"
    found = combine(f"{name}({', '.join(arguments)})", {"a": [np.nan, 1.0], "b": [1.0, 1.0]})
    assert np.isnan(found[0]) and np.isfinite(found[1])


@pytest.mark.parametrize("text", ["a + 1", "a * 0", "a ** 0", "1 ** a", "0 / a", "-a", "a ** b", "b ** a"])
def test_nan_goes_through_every_operator(text):
    found = combine(text, {"a": [np.nan, 2.0], "b": [0.0, 1.0]})
    assert np.isnan(found[0]) and np.isfinite(found[1])


def test_impossible_arithmetic_is_nan_or_inf_without_warnings(recwarn):
    np.testing.assert_array_equal(combine("a / a", {"a": [0.0, 1.0]}), [np.nan, 1])
    np.testing.assert_array_equal(combine("sqrt(a)", {"a": [-1.0, 4.0]}), [np.nan, 2])
    np.testing.assert_array_equal(combine("log(a)", {"a": [0.0, 1.0]}), [-np.inf, 0])
    np.testing.assert_array_equal(combine("exp(a)", {"a": [1e4, 0.0]}), [np.inf, 1])
    np.testing.assert_array_equal(combine("a ** 0.5", {"a": [-1.0, 4.0]}), [np.nan, 2])
    assert not recwarn


def test_names_in_order_of_appearance():
    expression = Expression("b + max(a, b) * x_1")
    assert expression.names == ("b", "a", "x_1")
    assert expression.text == "b + max(a, b) * x_1"


def test_names_of_other_languages():
    np.testing.assert_array_equal(combine("schönheit * 2", {"schönheit": [1.0]}), [2])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a < b", "a comparison is not allowed.*at character 1"),
        ("a and b", "and/or is not allowed"),
        ("a if b else c", "if/else is not allowed"),
        ("a.real", "a dot is not allowed"),
        ("a[0]", "an index is not allowed"),
        ("a // b", "this operator is not allowed"),
        ("a % b", "this operator is not allowed"),
        ("a @ b", "this operator is not allowed"),
        ("a << b", "this operator is not allowed"),
        ("~a", "this operator is not allowed"),
        ("not a", "this operator is not allowed"),
        ("a, b", "a comma here is not allowed"),
        ("[a]", "a list is not allowed"),
        ("{a: b}", "not allowed"),
        ("lambda: a", "lambda is not allowed"),
        ("'a' * 3", "this text or constant is not allowed"),
        ("f'{a}'", "not allowed"),
        ("True + a", "this text or constant is not allowed"),
        ("1j * a", "this text or constant is not allowed"),
        ("... + a", "this text or constant is not allowed"),
        ("(a := 3)", "not allowed"),
        ("[x for x in a]", "not allowed"),
        ("__import__('os').system('true')", "this call is not allowed"),
        ("eval('a')", "there is no function eval; there are min"),
        ("open(a)", "there is no function open"),
        ("a(b)", "there is no function a"),
        ("min(a)", "min takes 2 or more arguments, got 1"),
        ("clip(a, 1)", "clip takes 3 arguments, got 2"),
        ("abs(a, b)", "abs takes 1 argument, got 2"),
        ("abs()", "abs takes 1 argument, got 0"),
        ("abs(*a)", "an asterisk here is not allowed"),
        ("abs(x=a)", "not allowed"),
        ("abs(**a)", "not allowed"),
        ("a + min", r"min is a function: write min\(…\), at character 5: a \+ ➜min"),
        ("a = 3", "at character"),
        ("import os", "at character"),
        ("a +", "at character"),
        ("a b", "at character"),
        ("(a", "at character"),
        ("a) + (b", "at character"),
        ("a − b", "invalid character.*at character 3"),
        ("a; b", "at character"),
        ("a \x00", "null|source"),
        ("", "expression is empty"),
        ("   \n ", "expression is empty"),
        ("1 + 1", "names no score"),
        ("1" * 1000 + " + a", "too large"),
    ],
)
def test_what_is_no_arithmetic_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        Expression(text)


def test_places_count_characters_after_spaces_and_other_scripts():
    with pytest.raises(ValueError, match=r"at character 16: größe \+ 2 \* ➜gut\.a$"):
        Expression("   größe + 2 * gut.a")
    with pytest.raises(ValueError, match=r"at character 13: größe \+ 2\+➜$"):
        Expression("  größe + 2+  ")


@pytest.mark.parametrize("text", [None, 3, ["a"]])
def test_only_texts(text):
    with pytest.raises(ValueError, match="expression must be a text"):
        Expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9 * a",
        "a ** 9**9**9",
        "**".join(["9"] * 90) + " + a",
        "a" + "**9" * 90,
        "(" * 900 + "a" + ")" * 900,
        "-" * 1900 + "a",
        "a" + "+a" * 900,
        "max(" * 400 + "a" + ",1)" * 399,
        "[" * 1900,
        "a" * 100_000,
        "9" * 1999,
        "a + 1e999 * 9**9",
        "exp(exp(exp(exp(exp(exp(a))))))",
    ],
)
def test_hostile_texts_end_at_once(text):
    began = time.process_time()
    try:
        found = combine(text, {"a": np.array([2.0, 0.5])})
    except ValueError:
        pass
    else:
        assert found.shape == (2,)
    assert time.process_time() - began < 1


def test_large_powers_are_infinite():
    np.testing.assert_array_equal(combine("9**9**9 * a", {"a": [2.0]}), [np.inf])


def test_long_sums_that_people_write_are_fine():
    names = {f"s{i}": np.array([float(i)]) for i in range(60)}
    assert combine(" + ".join(names), names)[0] == sum(range(60))


@pytest.mark.parametrize(
    ("text", "message"),
    [("a" + " + a" * 150, "more than 100 levels"), ("max(" + "1," * 500 + "a)", "more than 400 numbers")],
)
def test_limits_are_named(text, message):
    with pytest.raises(ValueError, match=message):
        Expression(text)


def test_missing_scores_are_named():
    with pytest.raises(
        ValueError, match=r"there is no score 'clap'; the scores are: clip, x, at character 5: x - ➜clap"
    ):
        combine("x - clap", {"clip": A, "x": B})
    with pytest.raises(ValueError, match="the scores are: none"):
        combine("a", {})


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({"a": [1.0, 2], "b": [1.0]}, "got a 2, b 1"),
        ({"a": [[1.0]], "b": [1.0]}, r"score 'a' must be \(n,\) numbers.*got shape \(1, 1\)"),
        ({"a": [], "b": 1}, "score 'a' must be"),
        ({"a": ["x"], "b": 1}, "score 'a' must be"),
    ],
)
def test_bad_scores_are_named(scores, message):
    with pytest.raises(ValueError, match=message):
        combine("a + b", scores)


def test_the_scores_are_not_changed():
    before = A.copy()
    combine("a", SCORES)[:] = 9
    np.testing.assert_array_equal(A, before)
