"""Which points of a space to look at."""

from comfy_api.latest import io

from ..surrogate import points as make
from .tools import wires

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


def _space(tooltip="The space to take points from."):
    return wires.Space.Input("space", tooltip=tooltip)


def _outputs():
    return [wires.Points.Output(display_name="points")]


def _base(text):
    return wires.Points.Input("base", optional=True, tooltip=text)


def _whole(text: str, space, name: str) -> list[int]:
    """Numbers of seeds, from 1."""
    return [i + 1 for i in make.parse_selection(text, space.k, name)]


class Point(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogatePoint",
            display_name="Surrogate Point",
            category="surrogate/points",
            description="Points by their coordinates.",
            inputs=[
                _space(),
                io.String.Input(
                    "coordinates",
                    default="0.5",
                    multiline=True,
                    tooltip="k-1 numbers from 0 to 1 for a space of k seeds, one point a line. A single number stands "
                    "for all coordinates: 0 is the first seed, 1 the last, 0.5 a blend of all.",
                ),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, space, coordinates) -> io.NodeOutput:
        rows = make.parse_numbers(coordinates, "coordinates")
        if len(rows[0]) == 1:
            rows = [row * (space.k - 1) for row in rows]
        return io.NodeOutput(make.from_coordinates(space, rows))


class Weights(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateWeights",
            display_name="Surrogate Weights",
            category="surrogate/points",
            description="Points by how much each seed counts.",
            inputs=[
                _space(),
                io.String.Input(
                    "weights",
                    default="1, 1, 1, 1",
                    multiline=True,
                    tooltip="One number of 0 or more for each seed, one point a line. Only their ratios count: they "
                    "are scaled to unit norm. 1, 0, 0, 0 is the first seed.",
                ),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, space, weights) -> io.NodeOutput:
        return io.NodeOutput(make.from_weights(space, make.parse_numbers(weights, "weights")))


class Grid(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateGrid",
            display_name="Surrogate Grid",
            category="surrogate/points",
            description="A grid over two coordinates of the space; the others stay where the base point has them. "
            "For a grid with a seed in each corner use Four Corners.",
            inputs=[
                _space(),
                io.Int.Input("columns", default=5, min=1, max=MOST_SIDE, tooltip="Pictures in a row."),
                io.Int.Input("rows", default=5, min=1, max=MOST_SIDE, tooltip="Rows. With two seeds there is one."),
                io.Int.Input("column", default=1, min=1, max=1023, tooltip="The coordinate that grows to the right."),
                io.Int.Input("row", default=2, min=1, max=1023, tooltip="The coordinate that grows downwards."),
                io.Float.Input("low", default=0.0, min=0.0, max=1.0, step=0.05, tooltip="Where both axes begin."),
                io.Float.Input("high", default=1.0, min=0.0, max=1.0, step=0.05, tooltip="Where both axes end."),
                _base("Where the other coordinates stay (the first point is used). Not connected: 0.5."),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, space, columns, rows, column, row, low, high, base=None) -> io.NodeOutput:
        return io.NodeOutput(make.grid(space, columns, rows, column, row, base, low, high))


class Corners(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateCorners",
            display_name="Four Corners",
            category="surrogate/points",
            description="A grid with a seed in each corner, and everything in between.",
            inputs=[
                _space("A space of at least four seeds."),
                io.String.Input(
                    "seeds",
                    default="1, 2, 3, 4",
                    tooltip="Which seeds of the space, by number from 1: top left, top right, bottom left, "
                    "bottom right.",
                ),
                io.Int.Input("columns", default=5, min=2, max=MOST_SIDE, tooltip="Pictures in a row."),
                io.Int.Input("rows", default=5, min=2, max=MOST_SIDE, tooltip="Rows."),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, space, seeds, columns, rows) -> io.NodeOutput:
        return io.NodeOutput(make.corners(space, _whole(seeds, space, "seeds"), columns, rows))


class Slice(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateSlice",
            display_name="Surrogate Slice",
            category="surrogate/points",
            description="A flat slice through three seeds: a triangle with the seeds at its corners.",
            inputs=[
                _space("A space of at least three seeds."),
                io.String.Input(
                    "seeds",
                    default="1, 2, 3",
                    tooltip="Which seeds of the space, by number from 1: top, bottom left, bottom right.",
                ),
                io.Int.Input(
                    "side",
                    default=5,
                    min=2,
                    max=140,
                    tooltip="Pictures along each edge; side × (side + 1) / 2 in all.",
                ),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, space, seeds, side) -> io.NodeOutput:
        return io.NodeOutput(make.slice_through(space, _whole(seeds, space, "seeds"), side))


class Path(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogatePath",
            display_name="Surrogate Path",
            category="surrogate/points",
            description="A walk through seeds or points at even speed, for animations.",
            inputs=[
                _space(),
                io.String.Input(
                    "seeds",
                    default="all",
                    tooltip="The seeds to visit, by number from 1, in this order: 1, 3, 2, or all. Not used when "
                    "waypoints are connected.",
                ),
                io.Int.Input("frames", default=24, min=2, max=MOST_POINTS, tooltip="Number of points on the walk."),
                io.Boolean.Input(
                    "closed", default=True, tooltip="Walk back to the start, so that the animation loops."
                ),
                wires.Points.Input("waypoints", optional=True, tooltip="Visit these points instead of seeds."),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, space, seeds, frames, closed, waypoints=None) -> io.NodeOutput:
        if waypoints is None:
            stops = make.vertices(space, _whole(seeds, space, "seeds"))
        else:
            stops = waypoints
        return io.NodeOutput(make.path(space, stops.w, frames, closed))


class Neighbours(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateNeighbours",
            display_name="Surrogate Neighbours",
            category="surrogate/points",
            description="Variations of a point: random points around it.",
            inputs=[
                _space(),
                wires.Points.Input("points", tooltip="The point to vary; of several, the first."),
                io.Int.Input("count", default=8, min=1, max=MOST_POINTS, tooltip="Number of variations."),
                io.Float.Input(
                    "radius",
                    default=15.0,
                    min=0.1,
                    max=90.0,
                    step=1.0,
                    tooltip="Largest angle in degrees. 90 is as far as another seed; 5 to 20 keep the composition.",
                ),
                io.Int.Input(
                    "random_seed", default=0, min=0, max=0xFFFFFFFF, tooltip="Another number, other variations."
                ),
                io.Boolean.Input("include_point", default=True, tooltip="Put the point itself first."),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, space, points, count, radius, random_seed, include_point) -> io.NodeOutput:
        return io.NodeOutput(make.neighbours(space, points, count, radius, random_seed, include_point))


class RandomPoints(io.ComfyNode):
    METHODS = {"sobol": make.sobol, "uniform": make.random}

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateRandomPoints",
            display_name="Random Points",
            category="surrogate/points",
            description="Points all over the space.",
            inputs=[
                _space(),
                io.Int.Input("count", default=8, min=1, max=MOST_POINTS, tooltip="Number of points."),
                io.Combo.Input(
                    "method",
                    options=list(cls.METHODS),
                    default="sobol",
                    tooltip="sobol fills the space evenly; uniform is plain chance.",
                ),
                io.Int.Input("random_seed", default=0, min=0, max=0xFFFFFFFF, tooltip="Another number, other points."),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, space, count, method, random_seed) -> io.NodeOutput:
        if method not in cls.METHODS:
            raise ValueError(f"method must be one of {', '.join(cls.METHODS)}, got {method!r}.")
        return io.NodeOutput(cls.METHODS[method](space, count, random_seed))


class SelectPoints(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateSelectPoints",
            display_name="Select Points",
            category="surrogate/points",
            description="Some of the points, by the numbers that the contact sheet shows.",
            inputs=[
                wires.Points.Input("points", tooltip="The points to choose from."),
                io.String.Input(
                    "numbers", default="1", tooltip="Numbers from 1, such as 3, 5-7, last. Order and repeats count."
                ),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, points, numbers) -> io.NodeOutput:
        return io.NodeOutput(points.select(make.parse_selection(numbers, len(points), "numbers")))
