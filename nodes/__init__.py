"""The nodes: each unpacks its inputs, makes one call into `surrogate`, and packs the result.

seeds       where seeds come from
seed_files  seeds as files, to keep and to share
invert      the noise of a given image
check       whether seeds are noise
space       the space, what is known about it, which of its points is nearest to a latent
quality     whether near points are near pictures, and blends like the model's own
points      which points to look at
noise       the points' noise for stock samplers
conditioning  points on the prompt instead of the initial noise
over_time   noise that moves along a path from the beginning of a clip to its end
pinned      stochastic samplers whose noise is pinned
render      sample, decode and save many points in one node
study       searches that are remembered
known_scores  scores that are known before a search
scout       searches that find their own seeds
explorer    pages of pictures to choose from
ask_tell    one generation of a search for each run of the graph
drafts      between the two: a generation is judged by drafts, and the best of them are finished
pick        one generation for each run, by choosing among its pictures
search      a whole search in one node
scores      what a good picture is
sound_scores  what a good sound is
scoring_nodes  nodes of other packs that say what a good picture is
report      a search in pictures and files
utility     what each seed contributes to a search
sheet       contact sheets
sounds      sheets of sounds, with players
demo        the demo model

Each is imported by itself (`loading`): where a ComfyUI lacks something that one of them needs, the others are there.
"""

__all__ = ["NODES"]

# File -> its nodes.
NODES = {
    "seeds": ("SeedsFromIntegers", "SeedsFromLatents", "SeedsFromPoints", "JoinSeeds"),
    "invert": ("Invert",),
    "pictures": ("SeedsFromPictures",),
    "seed_files": ("SaveSeeds", "LoadSeeds"),
    "check": ("CheckSeeds",),
    "space": ("Space", "SpaceInfo", "LocateLatent"),
    "quality": ("SpaceQuality",),
    "points": ("Point", "Weights", "Grid", "Corners", "Slice", "Path", "Neighbours", "RandomPoints", "SelectPoints"),
    "noise": ("Noise", "KSamplerNoise"),
    "conditioning": ("Conditioning", "Carrier"),
    "over_time": ("NoiseOverTime",),
    "pinned": ("PinnedSampler",),
    "render": ("RenderPoints",),
    "study": ("StudyNode",),
    "known_scores": ("KnownScores",),
    "scout": ("Scout",),
    "ask_tell": ("Ask", "Tell"),
    "drafts": ("TellDrafts",),
    "pick": ("Pick",),
    "search": ("Search",),
    "explorer": ("Explorer",),
    "report": ("StudyReport",),
    "utility": ("SeedUtility",),
    "scoring_nodes": ("ScoreInput", "ScoreOutput", "SearchStep"),
    "scores": ("MatchImage", "PictureStatistics", "ClipScore", "CombineScores"),
    "sound_scores": ("MatchSound", "SoundStatistics"),
    "sheet": ("ContactSheet",),
    "sounds": ("SoundSheet",),
    "demo": ("DemoModel", "DemoPicture"),
}
