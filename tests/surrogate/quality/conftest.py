"""A model that is a formula: its pictures follow the noise smoothly, so what a space does with it is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surrogate import Seeds, SurrogateSpace

SHAPE = (4, 16, 16)


def pictures_of(z: torch.Tensor) -> np.ndarray:
    """(n, 16, 16, 3) uint8 of the noises z (n, *SHAPE)."""
    return np.round(255 * torch.sigmoid(1.5 * z[:, :3]).movedim(1, -1).numpy()).astype(np.uint8)


def noises(first: int, count: int) -> torch.Tensor:
    return torch.stack([seed.noise((SHAPE,))[0] for seed in Seeds.from_range(first, count)])


def alike(k: int, common: float, transport: str = "gaussian") -> SurrogateSpace:
    """A space of k seeds, any two of which have the correlation `common`."""
    made = common**0.5 * noises(900, 1) + (1 - common) ** 0.5 * noises(100, k)
    return SurrogateSpace(Seeds.from_tensors(made), transport=transport)


@pytest.fixture(scope="session")
def fresh() -> np.ndarray:
    """Pictures of 32 noises that no space here has."""
    return pictures_of(noises(5000, 32))
