"""Seeds: the starting noises that stand for the examples. From integers (recipes, drawn when needed) or tensors."""

from .integer import IntegerSeed
from .seed import FixedSeed, Seed
from .several import Seeds
from .tensor import TensorSeed, check_noise, checksum, tensor_seeds

__all__ = ["FixedSeed", "IntegerSeed", "Seed", "Seeds", "TensorSeed", "check_noise", "checksum", "tensor_seeds"]
