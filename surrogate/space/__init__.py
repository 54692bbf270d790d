"""The surrogate space, and the seeds that are made of one: a point of it, a walk through it."""

from .space import LARGEST_K, Located, SurrogateSpace

__all__ = ["LARGEST_K", "Located", "SurrogateSpace"]
