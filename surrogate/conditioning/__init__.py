"""A space on the text embedding: noise for models whose pictures hardly change with the initial noise."""

from .embedding import Embedding, encoders, spread, spreads
from .noise import ROWS, embedding_noise, layers_noise

__all__ = ["ROWS", "Embedding", "embedding_noise", "encoders", "layers_noise", "spread", "spreads"]
