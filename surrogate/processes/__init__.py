"""Gaussian processes: what a function is believed to be, from what was seen of it. One likelihood, three kernels.

GaussianProcess  of a score over the cube; a length for each coordinate
PictureProcess   of a score over pictures
SphereProcess    of pictures, or of a score, over noises on the sphere
"""

from .gaussian_process import GaussianProcess
from .picture_process import PictureProcess
from .sphere_process import SphereProcess

__all__ = ["GaussianProcess", "PictureProcess", "SphereProcess"]
