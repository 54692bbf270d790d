"""Gaussian processes: what a function is believed to be, from what was seen of it."""

from .gaussian_process import GaussianProcess
from .picture_process import PictureProcess
from .sphere_process import SphereProcess

__all__ = ["GaussianProcess", "PictureProcess", "SphereProcess"]
