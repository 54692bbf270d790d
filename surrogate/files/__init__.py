"""Seeds on disk: seed files, the folder that holds them, a board of liked ones, and the tensors that a picture's recipe
names."""

from .board import Board, BoardFull, Card
from .folder import seed_files
from .seed_file import is_seed_file, load_seeds, save_seeds
from .tensors import fixed_seeds, load_tensors, save_tensors, write_tensors

__all__ = [
    "Board",
    "BoardFull",
    "Card",
    "fixed_seeds",
    "is_seed_file",
    "load_seeds",
    "load_tensors",
    "save_seeds",
    "save_tensors",
    "seed_files",
    "write_tensors",
]
