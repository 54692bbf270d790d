"""Cosine similarity of embeddings."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrogate.scores import cosine


def test_known_angles():
    rows = torch.tensor([[1.0, 0], [0, 2], [3, 3], [-5, 0]])
    np.testing.assert_allclose(cosine(rows, torch.tensor([0.5, 0])), [1, 0, np.sqrt(0.5), -1], atol=1e-12)


def test_several_references():
    rows = np.array([[1.0, 0, 0], [1, 1, 0]])
    references = np.array([[2.0, 0, 0], [0, 3, 0]])
    np.testing.assert_allclose(cosine(rows, references), [0.5, np.sqrt(0.5)])
    np.testing.assert_allclose(cosine(rows, references, together="max"), [1, np.sqrt(0.5)])
    np.testing.assert_allclose(cosine(rows, references, together="min"), [0, np.sqrt(0.5)])


def test_rows_do_not_depend_on_each_other():
    rng = np.random.default_rng(0)
    rows, references = rng.standard_normal((9, 768)), rng.standard_normal((3, 768))
    together = cosine(rows, references)
    assert together.dtype == np.float64
    np.testing.assert_array_equal(together, np.concatenate([cosine(row[None], references) for row in rows]))


@pytest.mark.parametrize("scale", [1e-200, 1e200, 1e-30])
def test_length_does_not_matter(scale):
    rng = np.random.default_rng(1)
    rows, reference = rng.standard_normal((4, 16)), rng.standard_normal(16)
    np.testing.assert_allclose(cosine(rows * scale, reference / scale), cosine(rows, reference), atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_half_precision_is_fine(dtype):
    rng = torch.Generator().manual_seed(2)
    rows, reference = torch.randn(5, 64, generator=rng).to(dtype), torch.randn(64, generator=rng)
    expected = torch.nn.functional.cosine_similarity(rows.double(), reference.double()[None])
    np.testing.assert_allclose(cosine(rows, reference), expected, atol=1e-12)


@pytest.mark.parametrize("bad", [0.0, float("nan"), float("inf")])
def test_an_embedding_without_direction_is_nan_alone(bad):
    rows = np.array([[1.0, 2], [bad, bad], [2, 1]])
    found = cosine(rows, [1.0, 2])
    np.testing.assert_allclose(found[[0, 2]], [1, 0.8])
    assert np.isnan(found[1])
    with pytest.raises(ValueError, match="references: row 1 is all 0, NaN or infinite"):
        cosine(rows[:1], rows)


@pytest.mark.parametrize(
    ("embeddings", "references", "message"),
    [
        (np.ones((2, 3)), np.ones((1, 4)), "embeddings have 3 dimensions and references 4"),
        (np.ones((2, 3, 4)), np.ones((1, 4)), r"embeddings must have shape \(n, d\), got \(2, 3, 4\). Pool"),
        (np.ones(3), np.ones(3), r"embeddings must have shape \(n, d\), got \(3,\)"),
        (np.ones((0, 3)), np.ones(3), r"embeddings must have shape \(n, d\), got \(0, 3\)"),
        (np.ones((1, 3)), np.ones((0, 3)), r"references must have shape \(n, d\)"),
        (np.array([["a"]]), np.ones(1), "embeddings must be real numbers"),
        (torch.ones(1, 2, dtype=torch.complex64), np.ones(2), "embeddings must be real numbers"),
    ],
)
def test_bad_embeddings_are_named(embeddings, references, message):
    with pytest.raises(ValueError, match=message):
        cosine(embeddings, references)


def test_unknown_ways_together_are_named():
    with pytest.raises(ValueError, match="together must be one of mean, max, min, got 'sum'"):
        cosine(np.ones((1, 2)), np.ones(2), together="sum")
