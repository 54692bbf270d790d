"""Seeds: the starting noises that stand for the examples."""

from .several import FixedSeed, IntegerSeed, Seed, Seeds, TensorSeed, check_noise, checksum

__all__ = ["FixedSeed", "IntegerSeed", "Seed", "Seeds", "TensorSeed", "check_noise", "checksum"]
