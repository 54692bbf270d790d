"""Sums of weighted noises: right, in bounded memory, and the same bits for a point whatever stands beside it."""

from __future__ import annotations

import pytest
import torch

from surrogate.space.combine import add_weighted, combine_rows


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some(n: int, k: int, dimensions: int) -> tuple[torch.Tensor, list[torch.Tensor]]:
    weights = torch.rand(n, k, generator=generator(1))
    weights /= weights.norm(dim=1, keepdim=True)
    return weights, list(torch.randn(k, dimensions, generator=generator(2)))


@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 9, 17])
@pytest.mark.parametrize(("k", "dimensions"), [(2, 16), (3, 1037), (8, 65536), (8, 70001), (64, 9000), (500, 4100)])
def test_it_is_the_matrix_product(n, k, dimensions):
    weights, rows = some(n, k, dimensions)
    z = combine_rows(weights, rows)
    assert z.shape == (n, dimensions) and z.dtype == torch.float32
    exact = weights.double() @ torch.stack(rows).double()
    torch.testing.assert_close(z.double(), exact, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("k", "dimensions"), [(2, 1037), (8, 65536), (8, 70001), (64, 9000), (500, 4100)])
def test_a_point_has_the_same_bits_in_any_batch(k, dimensions):
    weights, rows = some(21, k, dimensions)
    z = combine_rows(weights, rows)
    for i in range(21):
        assert torch.equal(combine_rows(weights[i : i + 1], rows)[0], z[i])
    for n in (2, 3, 5, 8, 13, 16, 20):
        assert torch.equal(combine_rows(weights[:n], rows), z[:n])
    order = torch.randperm(21, generator=generator())
    assert torch.equal(combine_rows(weights[order], rows), z[order])


@pytest.mark.parametrize(("k", "dimensions"), [(8, 65536), (8, 70001), (64, 9001)])
def test_where_the_rows_lie_does_not_matter(k, dimensions):
    weights, apart = some(9, k, dimensions)
    apart = [row.clone() for row in apart]
    together = torch.stack(apart)
    z = combine_rows(weights, apart)
    assert torch.equal(combine_rows(weights, list(together)), z)
    # Rows of one tensor in another order, twice the same, or with a gap are not one block of memory.
    for order in (list(range(k))[::-1], [0, 0, *range(2, k)], [*range(1, k), 0]):
        rows = [together[i] for i in order]
        assert torch.equal(combine_rows(weights, rows), combine_rows(weights, [row.clone() for row in rows]))
    wide = torch.zeros(k, dimensions + 3)
    wide[:, :dimensions] = together
    assert torch.equal(combine_rows(weights, [row[:dimensions] for row in wide]), z)
    # Half of a tensor's memory that begins with other rows.
    longer = torch.cat([torch.ones(2, dimensions), together])
    assert torch.equal(combine_rows(weights, list(longer[2:])), z)


def test_the_inputs_are_left_alone():
    weights, rows = some(5, 8, 5000)
    before = weights.clone(), [row.clone() for row in rows]
    combine_rows(weights, rows)
    assert torch.equal(weights, before[0])
    assert all(torch.equal(a, b) for a, b in zip(rows, before[1], strict=True))


def test_a_row_is_added_where_its_weight_is():
    out = torch.zeros(3, 4, 5)
    xi = torch.randn(4, 5, generator=generator())
    add_weighted(out, torch.tensor([0.5, 0.0, 2.0], dtype=torch.float64), xi)
    assert torch.equal(out[0], 0.5 * xi) and torch.equal(out[2], 2 * xi)
    assert not out[1].any()
    add_weighted(out, torch.tensor([0.25, 1.0, 0.0], dtype=torch.float64), xi)
    torch.testing.assert_close(out, torch.stack([0.75 * xi, xi, 2 * xi]))


def test_adding_does_not_depend_on_the_other_rows():
    weights = torch.rand(11, 6, dtype=torch.float64, generator=generator())
    rows = torch.randn(6, 7, 1001, generator=generator())
    out = torch.zeros(11, 7, 1001)
    for j in range(6):
        add_weighted(out, weights[:, j], rows[j])
    for i in range(11):
        alone = torch.zeros(1, 7, 1001)
        for j in range(6):
            add_weighted(alone, weights[i : i + 1, j], rows[j])
        assert torch.equal(alone[0], out[i])
