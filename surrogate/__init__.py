"""Low-dimensional Euclidean spaces by example, for the noise of generative models.

    seeds    examples: integers (drawn when needed) or tensors           seeds.py
    chart    u in the cube <-> weights w on the sphere                   charts/
    transport  a model's latents <-> an inner space to combine in        transports/
    space    all three together: u <-> w <-> z                           space.py
    points   grids, slices, paths, neighbourhoods of a space             points.py
    over time  clips and sounds whose noise moves along a path           over_time.py
    pictures contact sheets and heat maps                                pictures/
    quality  whether near points are near pictures, blends like samples  quality/

>>> from surrogate import Seeds, SurrogateSpace, points
>>> space = SurrogateSpace(Seeds.from_text("12, 99, 1024, 7"))
>>> noise = space.latents(points.corners(space, columns=3, rows=3).u, shape=(16, 128, 128))
>>> noise.shape
torch.Size([9, 16, 128, 128])

After Willis et al., "Defining latent spaces by example" (arXiv 2509.23800) and Bodin et al., "Linear combinations of
latents in generative models" (arXiv 2408.08558). Nothing here knows ComfyUI.
"""

from . import points
from .charts import CHARTS
from .recipes import seeds_from_recipe, space_from_recipe
from .seeds import IntegerSeed, Seed, Seeds, TensorSeed
from .space import Located, SurrogateSpace
from .space.clip_seed import ClipSeed
from .space.over_time import Stretch, latents_over_time
from .space.point_seed import PointSeed
from .transports import TRANSPORTS, make_transport

__all__ = [
    "CHARTS",
    "TRANSPORTS",
    "ClipSeed",
    "IntegerSeed",
    "Located",
    "PointSeed",
    "Seed",
    "Seeds",
    "Stretch",
    "SurrogateSpace",
    "TensorSeed",
    "latents_over_time",
    "make_transport",
    "points",
    "seeds_from_recipe",
    "space_from_recipe",
]
