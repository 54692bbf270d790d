"""Seeds measured one after the other, and against each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..seeds import Seed, Seeds
from ..shapes import Parts, describe, shape_parts, size
from ..transports import Composite, Gaussian, Transport
from .measure import Measures, measure
from .standard import is_rotations, standard

__all__ = ["Checked", "Measured", "measure_seeds", "shape_of"]

# Memory for seeds that stand side by side to be compared: as many as fit, at least one.
BLOCK_BYTES = 64 << 20
# Values of each that are multiplied at a time, in float64.
COLUMNS = 1 << 16

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Checked:
    """One seed. `inner`: its parts as the transport sees them; `raw`: as they are; `rotations`: which are such."""

    label: str
    inner: tuple[Measures, ...]
    raw: tuple[Measures, ...]
    rotations: tuple[bool, ...]


@dataclass(frozen=True)
class Measured:
    """All that was measured of k seeds, in numbers.

    correlation: (k, k) cosines of the seeds as the transport sees them, all parts in one row; 1 on the diagonal
    raw_correlation: the same of the seeds as they are
    """

    seeds: tuple[Checked, ...]
    parts: Parts
    transport: Transport | Composite
    correlation: np.ndarray
    raw_correlation: np.ndarray

    @property
    def size(self) -> int:
        """D, number of values of a seed."""
        return size(self.parts)


def measure_seeds(
    seeds: Seeds,
    shape: Sequence | None = None,
    transport: Transport | Composite | None = None,
    progress: Progress | None = None,
) -> Measured:
    """Measure each of `seeds`, at least one.

    `shape`: one latent's shape, or the list of its parts' shapes; may be left out if a seed is a tensor.
    `transport`: how noise is said to be distributed; standard normal by default.
    Each seed is drawn once to be measured, and again to be compared, block by block: memory is a few copies of one
    seed and 64 MiB, whatever k. `progress(done, total)` is called after each draw.

    Raises ValueError for no seeds, a shape that they do not have, and a seed that the transport does not take (named).
    """
    if not len(seeds):
        raise ValueError("There are no seeds to check: give at least one.")
    parts = shape_of(seeds, shape)
    transport = transport or Gaussian()
    transports = transport.split(len(parts))
    for one, part in zip(transports, parts, strict=True):
        one.inner_shape(part)
    plain = all(isinstance(one, Gaussian) for one in transports)
    blocks = _blocks(len(seeds), size(parts))
    rounds = 1 if plain else 2
    draws = len(seeds) + rounds * sum(len(seeds) - block.start for block in blocks)
    done = itertools.count(1)

    def step() -> None:
        if progress is not None:
            progress(next(done), draws)

    checked = []
    for seed in seeds:
        checked.append(_check(seed, parts, transports, plain))
        step()

    def compared(transports) -> np.ndarray:
        return _cosines(lambda seed: [values for values, _ in _standard(seed, parts, transports)], seeds, blocks, step)

    raw = compared((Gaussian(),) * len(parts))
    return Measured(tuple(checked), parts, transport, raw if plain else compared(transports), raw)


def shape_of(seeds: Seeds, shape) -> Parts:
    """The parts at which `seeds` are measured, `shape` or their own. Raises ValueError if there is none, or another."""
    fixed = seeds.parts
    if shape is None:
        if fixed is None:
            raise ValueError(
                "Integer seeds have no size of their own: give the shape that will be sampled, such as (16, 128, 128)."
            )
        return fixed
    parts = shape_parts(shape)
    if fixed is not None and fixed != parts:
        tensor = next(seed for seed in seeds if seed.parts is not None)
        raise ValueError(
            f"Seed {tensor.label} is a noise of shape {describe(fixed)}, but shape is {describe(parts)}. "
            "Give the seeds' own shape, or none."
        )
    return parts


def _check(seed: Seed, parts: Parts, transports, plain: bool) -> Checked:
    try:
        noise = seed.noise(parts)
        raw = tuple(measure(part) for part in noise)
        rotations = tuple(part.shape[-2:] == (3, 3) and is_rotations(part) for part in noise)
        if plain:
            return Checked(seed.label, raw, raw, rotations)
        inner = tuple(measure(*pair) for pair in _standard(seed, parts, transports))
    except ValueError as error:
        raise ValueError(f"Seed {seed.label} cannot be checked: {error}") from None
    return Checked(seed.label, inner, raw, rotations)


def _standard(seed: Seed, parts: Parts, transports) -> Iterator[tuple[torch.Tensor, torch.Tensor | None]]:
    return (standard(one, part) for one, part in zip(transports, seed.noise(parts), strict=True))


def _blocks(k: int, dimensions: int) -> list[range]:
    """Numbers of the seeds that are held together."""
    count = max(1, BLOCK_BYTES // (4 * dimensions))
    return [range(start, min(k, start + count)) for start in range(0, k, count)]


def _cosines(values_of, seeds: Seeds, blocks: list[range], step) -> np.ndarray:
    """(k, k) cosines of `values_of(seed)`, the parts in one row."""
    k = len(seeds)
    gram = np.zeros((k, k))
    for block in blocks:
        held = []
        for i in block:
            held.append(values_of(seeds[i]))
            step()
        gram[block.start : block.stop, block.start : block.stop] = _products(held, held)
        for j in range(block.stop, k):
            gram[block.start : block.stop, j] = _products(held, [values_of(seeds[j])])[:, 0]
            gram[j, block.start : block.stop] = gram[block.start : block.stop, j]
            step()
    norms = np.sqrt(np.diag(gram))
    norms[norms == 0] = 1.0  # nothing but the mean of an affine transport: alike to none
    cosines = np.clip(gram / np.outer(norms, norms), -1.0, 1.0)
    np.fill_diagonal(cosines, 1.0)
    return cosines


def _products(left: list[list[torch.Tensor]], right: list[list[torch.Tensor]]) -> np.ndarray:
    """Inner products (len(left), len(right)) in float64, of rows that are held in pieces."""
    total = torch.zeros(len(left), len(right), dtype=torch.float64)
    columns = max(1024, COLUMNS // max(1, len(left) // 16))
    for part in range(len(left[0])):
        a, b = ([row[part].reshape(-1) for row in rows] for rows in (left, right))
        for start in range(0, len(a[0]), columns):
            x = torch.stack([row[start : start + columns] for row in a]).double()
            y = x if right is left else torch.stack([row[start : start + columns] for row in b]).double()
            total += x @ y.T
    return total.numpy()
