"""The nodes: each unpacks its inputs, makes one call into `surrogate`, and packs the result.

seeds       where seeds come from
space       the space, what is known about it, where a latent lies in it
points      which points to look at
noise       the points' noise for stock samplers
render      sample, decode and save many points in one node
sheet       contact sheets
demo        the demo model
"""

from .demo import DemoModel
from .noise import KSamplerNoise, Noise
from .points import Corners, Grid, Neighbours, Path, Point, RandomPoints, SelectPoints, Slice, Weights
from .render import RenderPoints
from .scores import ClipScore, CombineScores, MatchImage, PictureStatistics
from .search import Search
from .seeds import JoinSeeds, SeedsFromIntegers, SeedsFromLatents
from .sheet import ContactSheet
from .space import LocateLatent, Space, SpaceInfo
from .study import Ask, StudyNode, Tell

__all__ = ["NODES"]

NODES = [
    SeedsFromIntegers,
    SeedsFromLatents,
    JoinSeeds,
    Space,
    SpaceInfo,
    Point,
    Weights,
    Grid,
    Corners,
    Slice,
    Path,
    Neighbours,
    RandomPoints,
    SelectPoints,
    LocateLatent,
    Noise,
    KSamplerNoise,
    RenderPoints,
    StudyNode,
    Ask,
    Tell,
    Search,
    MatchImage,
    PictureStatistics,
    ClipScore,
    CombineScores,
    ContactSheet,
    DemoModel,
]
