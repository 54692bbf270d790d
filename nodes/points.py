"""Which points of a space to look at."""

from comfy_api.latest import io

from ..surrogate.points import acts
from .tools import wires
from .tools.schema import defaults, schema

__all__ = [
    "Corners",
    "Grid",
    "Neighbours",
    "Path",
    "Point",
    "RandomPoints",
    "SelectPoints",
    "Slice",
    "Weights",
]

MOST_SIDE = 256
MOST_POINTS = 10_000
# A pad shows no more seeds than that.
MOST_NAMES = 64


def _space(tooltip="The space to take points from."):
    return wires.Space.Input("space", tooltip=tooltip)


def _outputs(text: str) -> list:
    return [wires.Points.Output(display_name="points", tooltip=text)]


def _pad(space) -> dict:
    """For a node's `ui`: what the pad in the browser has to know of the space."""
    labels = list(space.seeds.labels[:MOST_NAMES])
    return {"surrogate_pad": [{"k": space.k, "labels": labels, "chart": space.chart.name}]}


def _base(text):
    return wires.Points.Input("base", optional=True, tooltip=text)


class Point(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        typed = defaults(acts.point)
        return schema(
            node_id="SurrogatePoint",
            display_name="Surrogate Point",
            search_aliases=["coordinates", "seed blend", "single point"],
            category="surrogate/points",
            description="Points given by their coordinates. 0 is the first seed, 1 the last, 0.5 a blend of all.",
            inputs=[
                _space("The space that the coordinates belong to. A space of k seeds has k-1 coordinates."),
                io.String.Input(
                    "coordinates",
                    default=typed["coordinates"],
                    multiline=True,
                    tooltip="k-1 numbers from 0 to 1 for a space of k seeds, one point in each line: 0.2, 0.7, 0.5. "
                    "A single number is used for all coordinates.",
                ),
            ],
            outputs=_outputs("One point for each line."),
        )

    @classmethod
    def execute(cls, **typed) -> io.NodeOutput:
        return io.NodeOutput(acts.point(**typed), ui=_pad(typed["space"]))


class Weights(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        typed = defaults(acts.weights)
        return schema(
            node_id="SurrogateWeights",
            display_name="Surrogate Weights",
            search_aliases=["slerp", "noise mix", "seed blend", "mix seeds", "blend weights", "weighted seeds"],
            category="surrogate/points",
            description="Points given by how much of each seed they contain.",
            inputs=[
                _space("The space whose seeds are blended."),
                io.String.Input(
                    "weights",
                    default=typed["weights"],
                    multiline=True,
                    tooltip="One number of 0 or more for each seed, one point in each line. 1, 0, 0, 0 is the first "
                    "of four seeds; 1, 1, 0, 0 is half way between the first two. Only the ratios count, because the "
                    "weights are scaled to a norm of 1.",
                ),
            ],
            outputs=_outputs("One point for each line."),
        )

    @classmethod
    def execute(cls, **typed) -> io.NodeOutput:
        return io.NodeOutput(acts.weights(**typed), ui=_pad(typed["space"]))


class Grid(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        typed = defaults(acts.grid)
        return schema(
            node_id="SurrogateGrid",
            display_name="Surrogate Grid",
            search_aliases=["x/y plot", "xy plot", "xyz plot", "seed explorer", "parameter grid"],
            category="surrogate/points",
            description="A grid over two coordinates of the space; all other coordinates keep one value. For a grid "
            "with a seed in each corner use Surrogate Four Corners.",
            inputs=[
                _space(),
                io.Int.Input(
                    "columns", default=typed["columns"], min=1, max=MOST_SIDE, tooltip="Number of pictures in each row."
                ),
                io.Int.Input(
                    "rows",
                    default=typed["rows"],
                    min=1,
                    max=MOST_SIDE,
                    tooltip="Number of rows. A space of two seeds has one coordinate, and its grid one row.",
                ),
                io.Int.Input(
                    "column",
                    default=typed["column"],
                    min=1,
                    max=1023,
                    tooltip="Number of the coordinate that grows from left to right, counted from 1.",
                ),
                io.Int.Input(
                    "row",
                    default=typed["row"],
                    min=1,
                    max=1023,
                    tooltip="Number of the coordinate that grows from top to bottom, counted from 1. It must differ "
                    "from column.",
                ),
                io.Float.Input(
                    "low",
                    default=typed["low"],
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="Value of both coordinates at the left and upper edges. 0 and 1 cover the whole range; "
                    "0.4 and 0.6 its middle.",
                ),
                io.Float.Input(
                    "high",
                    default=typed["high"],
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="Value of both coordinates at the right and lower edges. It must not be below low.",
                ),
                _base(
                    "A point that gives all other coordinates their value; of several points the first is used. Not connected: 0.5."
                ),
            ],
            outputs=_outputs("All points (columns × rows), row by row, with axes for Surrogate Contact Sheet."),
        )

    @classmethod
    def execute(cls, **typed) -> io.NodeOutput:
        return io.NodeOutput(acts.grid(**typed))


class Corners(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        typed = defaults(acts.corners)
        return schema(
            node_id="SurrogateCorners",
            display_name="Surrogate Four Corners",
            search_aliases=["grid", "x/y plot", "xy plot", "seed explorer", "seed grid", "seed blend", "interpolation"],
            category="surrogate/points",
            description="A grid with one seed in each corner and all their blends between them. It is the best first "
            "look at a space.",
            inputs=[
                _space("A space of at least four seeds."),
                io.String.Input(
                    "seeds",
                    default=typed["seeds"],
                    tooltip="Numbers of four seeds in the space, counted from 1: top left, top right, bottom left, "
                    "bottom right. These are places in the list of seeds, not integer seeds.",
                ),
                io.Int.Input(
                    "columns",
                    default=typed["columns"],
                    min=2,
                    max=MOST_SIDE,
                    tooltip="Number of pictures in each row. An odd number has a picture in the middle.",
                ),
                io.Int.Input(
                    "rows",
                    default=typed["rows"],
                    min=2,
                    max=MOST_SIDE,
                    tooltip="Number of rows. An odd number has a row in the middle.",
                ),
            ],
            outputs=_outputs("All points (columns × rows), row by row, with axes for Surrogate Contact Sheet."),
        )

    @classmethod
    def execute(cls, **typed) -> io.NodeOutput:
        return io.NodeOutput(acts.corners(**typed))


class Slice(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        typed = defaults(acts.slice_through)
        return schema(
            node_id="SurrogateSlice",
            display_name="Surrogate Slice",
            search_aliases=["triangle", "blend three seeds", "barycentric", "seed blend"],
            category="surrogate/points",
            description="A triangle of points between three seeds, with the seeds at its corners. A straight line in "
            "the triangle is the shortest way between its ends.",
            inputs=[
                _space("A space of at least three seeds."),
                io.String.Input(
                    "seeds",
                    default=typed["seeds"],
                    tooltip="Numbers of three seeds in the space, counted from 1: top, bottom left, bottom right. "
                    "These are places in the list of seeds, not integer seeds.",
                ),
                io.Int.Input(
                    "side",
                    default=typed["side"],
                    min=2,
                    max=140,
                    tooltip="Number of pictures along each edge. There are side × (side + 1) / 2 pictures in all: 2 "
                    "gives 3, 5 gives 15, 10 gives 55.",
                ),
            ],
            outputs=_outputs(
                "All points, row by row from the top, laid out as a triangle for Surrogate Contact Sheet."
            ),
        )

    @classmethod
    def execute(cls, **typed) -> io.NodeOutput:
        return io.NodeOutput(acts.slice_through(**typed))


class Path(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        typed = defaults(acts.path)
        return schema(
            node_id="SurrogatePath",
            display_name="Surrogate Path",
            search_aliases=["seed travel", "interpolation", "slerp", "latent walk", "animation", "morph", "loop"],
            category="surrogate/points",
            description="A walk through seeds or points at constant speed, with one point for each frame of an "
            "animation.",
            inputs=[
                _space("The space to walk through."),
                io.String.Input(
                    "seeds",
                    default=typed["seeds"],
                    tooltip="Numbers of the seeds to visit, counted from 1, in this order: 1, 3, 2. Or all. Not used "
                    "if waypoints are connected.",
                ),
                io.Int.Input(
                    "frames",
                    default=typed["frames"],
                    min=2,
                    max=MOST_POINTS,
                    tooltip="Number of points on the whole walk, one for each frame of the animation.",
                ),
                io.Boolean.Input(
                    "closed",
                    default=typed["closed"],
                    tooltip="On: the walk returns to its start, so that the animation loops. Off: it ends at the "
                    "last seed.",
                ),
                wires.Points.Input(
                    "waypoints",
                    optional=True,
                    tooltip="Points to visit instead of seeds, such as those of Surrogate Select Points.",
                ),
            ],
            outputs=_outputs("One point for each frame."),
        )

    @classmethod
    def execute(cls, **typed) -> io.NodeOutput:
        return io.NodeOutput(acts.path(**typed))


class Neighbours(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        typed = defaults(acts.neighbours)
        return schema(
            node_id="SurrogateNeighbours",
            display_name="Surrogate Neighbours",
            search_aliases=["variation", "variations", "variation seed", "subseed", "similar images", "neighbors"],
            category="surrogate/points",
            description="Variations of a picture that you like: random points near its point.",
            inputs=[
                _space("The space of the point."),
                wires.Points.Input("points", tooltip="The point to vary. Of several points the first is used."),
                io.Int.Input("count", default=typed["count"], min=1, max=MOST_POINTS, tooltip="Number of variations."),
                io.Float.Input(
                    "radius",
                    default=typed["radius"],
                    min=0.1,
                    max=90.0,
                    step=1.0,
                    tooltip="Largest distance from the point, as an angle in degrees. 5 to 20 keep the composition "
                    "of the picture; 90 is the distance between two seeds.",
                ),
                io.Int.Input(
                    "random_seed",
                    default=typed["random_seed"],
                    min=0,
                    max=0xFFFFFFFF,
                    tooltip="The random choice starts from this number: the same number gives the same variations. "
                    "It has nothing to do with the seeds of the space.",
                ),
                io.Boolean.Input(
                    "include_point",
                    default=typed["include_point"],
                    tooltip="On: the point itself comes first, to compare the variations with it.",
                ),
            ],
            outputs=_outputs("The variations; before them the point itself, if include_point is on."),
        )

    @classmethod
    def execute(cls, **typed) -> io.NodeOutput:
        return io.NodeOutput(acts.neighbours(**typed))


class RandomPoints(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        typed = defaults(acts.random_points)
        return schema(
            node_id="SurrogateRandomPoints",
            display_name="Surrogate Random Points",
            search_aliases=["seed explorer", "seed hunt", "random blends", "sobol", "sample the space"],
            category="surrogate/points",
            description="Points spread over the whole space, to see what it contains.",
            inputs=[
                _space(),
                io.Int.Input(
                    "count",
                    default=typed["count"],
                    min=1,
                    max=MOST_POINTS,
                    tooltip="Number of points. With sobol, powers of two (8, 16, 32, …) cover the space best.",
                ),
                io.Combo.Input(
                    "method",
                    options=list(acts.METHODS),
                    default=typed["method"],
                    tooltip="sobol: spreads the points evenly (a Sobol sequence). uniform: independent random "
                    "points, with gaps and clusters.",
                ),
                io.Int.Input(
                    "random_seed",
                    default=typed["random_seed"],
                    min=0,
                    max=0xFFFFFFFF,
                    tooltip="The random choice starts from this number: the same number gives the same points. It "
                    "has nothing to do with the seeds of the space.",
                ),
            ],
            outputs=_outputs("The chosen points, each labelled with its blend."),
        )

    @classmethod
    def execute(cls, **typed) -> io.NodeOutput:
        return io.NodeOutput(acts.random_points(**typed))


class SelectPoints(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        typed = defaults(acts.select)
        return schema(
            node_id="SurrogateSelectPoints",
            display_name="Surrogate Select Points",
            search_aliases=["pick", "choose images", "select images", "favourites", "batch index"],
            category="surrogate/points",
            description="Selects points by the numbers that Surrogate Contact Sheet shows.",
            inputs=[
                wires.Points.Input(
                    "points", tooltip="The points to select from: the same points that the contact sheet shows."
                ),
                io.String.Input(
                    "numbers",
                    default=typed["numbers"],
                    tooltip="Numbers counted from 1, such as 3, 5-7, last. Or all. The points are taken in this "
                    "order; a number may be repeated.",
                ),
            ],
            outputs=_outputs("The selected points, in the order written."),
        )

    @classmethod
    def execute(cls, **typed) -> io.NodeOutput:
        return io.NodeOutput(acts.select(**typed))
