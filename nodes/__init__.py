"""The nodes: each unpacks its inputs, makes one call into `surrogate`, and packs the result.

seeds       where seeds come from
seed_files  seeds as files, to keep and to share
invert      the noise of a given image
check       whether seeds are noise
space       the space, what is known about it, where a latent lies in it
points      which points to look at
noise       the points' noise for stock samplers
pinned      stochastic samplers whose noise is pinned
render      sample, decode and save many points in one node
study       searches that are remembered
scout       searches that find their own seeds
ask_tell    one generation of a search for each run of the graph
search      a whole search in one node
scores      what a good picture is
report      a search in pictures and files
utility     what each seed contributes to a search
sheet       contact sheets
demo        the demo model
"""

from .ask_tell import Ask, Tell
from .check import CheckSeeds
from .demo import DemoModel, DemoPicture
from .invert import Invert
from .noise import KSamplerNoise, Noise
from .pictures import SeedsFromPictures
from .pinned import PinnedSampler
from .points import Corners, Grid, Neighbours, Path, Point, RandomPoints, SelectPoints, Slice, Weights
from .render import RenderPoints
from .report import StudyReport
from .scores import ClipScore, CombineScores, MatchImage, PictureStatistics
from .scout import Scout
from .search import Search
from .seed_files import LoadSeeds, SaveSeeds
from .seeds import JoinSeeds, SeedsFromIntegers, SeedsFromLatents
from .sheet import ContactSheet
from .space import LocateLatent, Space, SpaceInfo
from .study import KnownScores, StudyNode
from .utility import SeedUtility

__all__ = ["NODES"]

NODES = [
    SeedsFromIntegers,
    SeedsFromLatents,
    Invert,
    SeedsFromPictures,
    JoinSeeds,
    SaveSeeds,
    LoadSeeds,
    CheckSeeds,
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
    PinnedSampler,
    RenderPoints,
    StudyNode,
    Scout,
    KnownScores,
    Ask,
    Tell,
    Search,
    StudyReport,
    SeedUtility,
    MatchImage,
    PictureStatistics,
    ClipScore,
    CombineScores,
    ContactSheet,
    DemoModel,
    DemoPicture,
]
