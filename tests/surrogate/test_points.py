"""Sets of points: laws that hold for all of them, and what each of them promises."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest

from surrogate import CHARTS, Seeds, SurrogateSpace, points
from surrogate.points import acts, parse_numbers, parse_selection


def space_of(k: int, chart: str = "knothe_rosenblatt") -> SurrogateSpace:
    """Its seeds are called 101, 102, …"""
    return SurrogateSpace(Seeds.from_range(101, k), chart)


def angles(w: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Angles in degrees between rows, accurate for small ones."""
    return np.degrees(2 * np.arctan2(np.linalg.norm(w - v, axis=-1), np.linalg.norm(w + v, axis=-1)))


def names(*numbers: int) -> tuple:
    return tuple(f"seed {n}" if n else None for n in numbers)


# For spaces of any k: name -> a function of the space that makes points.
ANY_SPACE = {
    "from_coordinates": lambda s: points.from_coordinates(s, np.linspace(0, 1, 5)[:, None].repeat(s.k - 1, 1)),
    "from_weights": lambda s: points.from_weights(s, np.arange(1, 2 * s.k + 1).reshape(2, -1)),
    "vertices": points.vertices,
    "grid": lambda s: points.grid(s, 4, 3),
    "path": lambda s: points.path(s, np.eye(s.k), 17),
    "closed path": lambda s: points.path(s, np.eye(s.k), 17, closed=True),
    "neighbours": lambda s: points.neighbours(s, None, 9),
    "neighbours of a vertex": lambda s: points.neighbours(s, np.zeros(s.k - 1), 9, radius=40),
    "random": lambda s: points.random(s, 9),
    "sobol": lambda s: points.sobol(s, 9),
}
THREE = {"slice": lambda s: points.slice_through(s, side=4)}
FOUR = {"corners": lambda s: points.corners(s, columns=4, rows=3)}
SETS = [
    (name, k, make)
    for least, sets in ((2, ANY_SPACE), (3, THREE), (4, FOUR))
    for name, make in sets.items()
    for k in (2, 3, 4, 9, 64)
    if k >= least
]


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("make, k", [(make, k) for _, k, make in SETS], ids=[f"{name}-{k}" for name, k, _ in SETS])
def test_laws_of_every_set(make, k, chart):
    space = space_of(k, chart)
    made = make(space)
    n = len(made)
    assert made.u.shape == (n, k - 1) and made.u.dtype == np.float64
    assert (made.u >= 0).all() and (made.u <= 1).all()
    assert len(made.labels) == len(made.marks) == n >= 2
    assert all(isinstance(label, str) and label for label in made.labels)
    # A mark names the seed wherever, and only where, the point is one.
    w = space.weights(made.u)
    np.testing.assert_allclose(np.linalg.norm(w, axis=1), 1, atol=1e-12)
    assert made.marks == tuple(f"seed {space.seeds.labels[row.argmax()]}" if (row == 1).any() else None for row in w)
    assert all(label.startswith(mark) for label, mark in zip(made.labels, made.marks) if mark)
    if made.layout is not None:
        assert made.layout.shape == (n, 2) and len(np.unique(made.layout, axis=0)) == n
    # The same again: nothing depends on chance that is not given, or on a state.
    again = make(space)
    assert np.array_equal(again.u, made.u) and again.labels == made.labels


@pytest.mark.parametrize("k", [2, 3, 4, 9, 64])
@pytest.mark.parametrize("chart", CHARTS)
def test_vertices_are_the_seeds(k, chart):
    space = space_of(k, chart)
    made = points.vertices(space)
    assert np.array_equal(space.weights(made.u), np.eye(k))
    assert made.marks == made.labels == names(*range(101, 101 + k))
    chosen = points.vertices(space, [2, 1, 2])
    assert chosen.marks == names(102, 101, 102)
    shape = (3, 5, 7)
    for z, seed in zip(space.latents(chosen.u, shape), (102, 101, 102)):
        assert torch.equal(z, torch.randn(shape, generator=torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("seeds", [[0], [4], [1, 2, 9], [-1]])
def test_vertices_that_are_none(seeds):
    with pytest.raises(ValueError, match=r"seeds must be numbers from 1 to 3, got \["):
        points.vertices(space_of(3), seeds)


# ------------------------------------------------------------------------------------------------ by coordinates


def test_points_by_coordinates():
    made = points.from_coordinates(space_of(3), [[0.25, 0.5], [0, 0.7], [1, 1]])
    assert made.u.tolist() == [[0.25, 0.5], [0, 0.7], [1, 1]]
    assert made.marks == (None, "seed 101", "seed 103")
    assert made.layout is None and made.axes is None


def test_labels_tell_the_shares_of_the_seeds():
    space = space_of(6)
    shares = [
        [0.5, 0.3, 0.2, 0, 0, 0],
        [0.1, 0.2, 0.3, 0.2, 0.1, 0.1],
        [0.9, 0, 0, 0, 0, 0.1],
        [0, 0, 0.996, 0.004, 0, 0],
    ]
    made = points.from_weights(space, np.sqrt(shares))
    assert made.labels == (
        "101 50% · 102 30% · 103 20%",
        "103 30% · 102 20% · 104 20% …",
        "101 90% · 106 10%",
        "103 100%",
    )


def test_coordinates_outside_the_cube():
    with pytest.raises(ValueError, match=r"u must lie in the cube \[0, 1\]\^2, got 1.1"):
        points.from_coordinates(space_of(3), [[0.5, 0.5], [1.1, 0]])
    with pytest.raises(ValueError, match="u has 3 coordinates a point, but a space of 3 seeds has 2"):
        points.from_coordinates(space_of(3), [0.5, 0.5, 0.5])
    with pytest.raises(ValueError, match="At most 100000 points at once, got 100001"):
        points.from_coordinates(space_of(2), np.zeros((100_001, 1)))


def test_rounding_is_put_back_into_the_cube():
    made = points.from_coordinates(space_of(2), [[-1e-12], [1 + 1e-12]])
    assert made.u.tolist() == [[0.0], [1.0]]
    assert made.marks == names(101, 102)


# ---------------------------------------------------------------------------------------------------- by weights


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 1.0, 7.0, 1e300])
def test_only_the_ratios_of_weights_count(scale):
    space = space_of(4)
    w = np.array([[3.0, 0, 4, 0], [1, 1, 1, 1], [0, 0, 0, 2]])
    made = points.from_weights(space, scale * w)
    np.testing.assert_allclose(
        space.weights(made.u), [[0.6, 0, 0.8, 0], [0.5, 0.5, 0.5, 0.5], [0, 0, 0, 1]], atol=1e-12
    )
    assert made.marks == (None, None, "seed 104")


def test_weights_that_are_none():
    space = space_of(3)
    with pytest.raises(ValueError, match="one number for each of the 3 seeds, got 2"):
        points.from_weights(space, [1, 2])
    with pytest.raises(ValueError, match="weights must be finite and not negative"):
        points.from_weights(space, [[1, 2, 3], [1, -1, 0]])
    with pytest.raises(ValueError, match="weights must be finite and not negative"):
        points.from_weights(space, [1, float("nan"), 0])
    with pytest.raises(ValueError, match="weights must not all be 0"):
        points.from_weights(space, [[1, 2, 3], [0, 0, 0]])


# --------------------------------------------------------------------------------------------------------- grids


def test_a_grid_runs_along_its_coordinates():
    """Row by row from the top; columns grow to the right, rows downwards; the rest stays at the base point."""
    made = points.grid(space_of(5), columns=3, rows=2, column=3, row=1, base=[0.9, 0.2, 0.9, 0.7], low=0.1, high=0.5)
    assert made.u.round(12).tolist() == [[y, 0.2, x, 0.7] for y in (0.1, 0.5) for x in (0.1, 0.3, 0.5)]
    assert made.layout.tolist() == [[0, 0], [1, 0], [2, 0], [0, 1], [1, 1], [2, 1]]
    assert (made.axes.column_title, made.axes.row_title) == ("u3", "u1")
    assert made.axes.column_labels == ("0.1", "0.3", "0.5") and made.axes.row_labels == ("0.1", "0.5")
    assert made.labels[1] == "u3 = 0.3, u1 = 0.1"


def test_a_grid_over_the_whole_square_reaches_three_seeds():
    """u = (0, ·) is seed 1; (1, 0) seed 2, (1, 1) seed 3 of three."""
    made = points.grid(space_of(3), columns=3, rows=3)
    assert made.marks == names(101, 0, 102, 101, 0, 0, 101, 0, 103)
    assert made.labels[0] == "seed 101, u1 = 0, u2 = 0"


def test_a_grid_of_two_seeds_is_a_row():
    made = points.grid(space_of(2), columns=5, rows=4)
    assert made.u.tolist() == [[0.0], [0.25], [0.5], [0.75], [1.0]]
    assert made.layout.tolist() == [[i, 0] for i in range(5)]
    assert made.axes.row_title == "" and made.axes.row_labels == ("",)


def test_a_grid_of_one_is_in_the_middle():
    assert points.grid(space_of(4), columns=1, rows=1, low=0.2, high=0.6).u.round(12).tolist() == [[0.4, 0.4, 0.5]]


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"columns": 0}, "columns must be a whole number of at least 1, got 0"),
        ({"rows": -1}, "rows must be a whole number of at least 1, got -1"),
        ({"columns": 1000, "rows": 1000}, "At most 100000 points at once, got 1000 × 1000"),
        ({"low": 0.6, "high": 0.5}, r"0 <= low <= high <= 1, got 0\.6 and 0\.5"),
        ({"high": 1.5}, "0 <= low <= high <= 1"),
        ({"low": float("nan")}, "0 <= low <= high <= 1"),
        ({"column": 0}, "column must be one of the 3 coordinates of a space of 4 seeds, got 0"),
        ({"row": 4}, "row must be one of the 3 coordinates of a space of 4 seeds, got 4"),
        ({"column": 2, "row": 2}, "two different coordinates, got 2 for both"),
        ({"base": [0.5, 0.5]}, "u has 2 coordinates"),
        ({"base": [0.5, 0.5, 2]}, "u must lie in the cube"),
    ],
)
def test_grids_that_are_none(settings, message):
    with pytest.raises(ValueError, match=message):
        points.grid(space_of(4), **settings)


# ------------------------------------------------------------------------------------------------------- corners


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("columns, rows", [(2, 2), (5, 5), (4, 7)])
def test_a_grid_with_a_seed_in_each_corner(chart, columns, rows):
    space = space_of(6, chart)
    made = points.corners(space, [5, 2, 1, 6], columns, rows)
    w = space.weights(made.u).reshape(rows, columns, 6)
    assert np.array_equal(w[[0, 0, -1, -1], [0, -1, 0, -1]], np.eye(6)[[4, 1, 0, 5]])
    marks = np.array(made.marks).reshape(rows, columns)
    assert marks[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == list(names(105, 102, 101, 106))
    assert sum(mark is not None for mark in made.marks) == 4
    # Even steps along each edge, which is a quarter circle.
    for edge, steps in ((w[0], columns), (w[-1], columns), (w[:, 0], rows), (w[:, -1], rows)):
        np.testing.assert_allclose(angles(edge[:-1], edge[1:]), 90 / (steps - 1), atol=1e-6)
    # Every row inside: even steps too.
    for line in (*w, *w.swapaxes(0, 1)):
        steps = angles(line[:-1], line[1:])
        np.testing.assert_allclose(steps, steps[0], atol=1e-5)
    if columns % 2 and rows % 2:
        np.testing.assert_allclose(w[rows // 2, columns // 2][[0, 1, 4, 5]], 0.5, atol=1e-9)
    assert made.layout.tolist() == [[x, y] for y in range(rows) for x in range(columns)]
    assert made.axes.column_title == "105 to 102 (top), 101 to 106 (bottom)"


def test_corners_of_a_symmetric_grid_are_symmetric():
    """Turning the seeds around turns the grid around."""
    space = space_of(4)
    there = space.weights(points.corners(space, [1, 2, 3, 4], 5, 4).u).reshape(4, 5, 4)
    back = space.weights(points.corners(space, [4, 3, 2, 1], 5, 4).u).reshape(4, 5, 4)
    np.testing.assert_allclose(there, back[::-1, ::-1], atol=1e-12)


@pytest.mark.parametrize("seeds", [[1, 2, 3], [1, 1, 2, 3], [1, 2, 3, 9], [0, 1, 2, 3], [1, 2, 3, 4, 5]])
def test_corners_that_are_none(seeds):
    with pytest.raises(ValueError, match="seeds must name 4 different seeds of this space by number, 1 to 5, got"):
        points.corners(space_of(5), seeds)


def test_corners_of_too_small_a_space():
    with pytest.raises(ValueError, match="this space has only 3"):
        points.corners(space_of(3))


# --------------------------------------------------------------------------------------------------------- slice


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("side", [2, 3, 8])
def test_a_slice_is_a_triangle_with_seeds_at_its_corners(chart, side):
    space = space_of(5, chart)
    made = points.slice_through(space, [4, 1, 3], side)
    assert len(made) == side * (side + 1) // 2
    top, left, right = 0, len(made) - side, len(made) - 1
    assert {i: mark for i, mark in enumerate(made.marks) if mark} == {
        top: "seed 104",
        left: "seed 101",
        right: "seed 103",
    }
    w = space.weights(made.u)
    assert np.array_equal(w[[top, left, right]], np.eye(5)[[3, 0, 2]])
    assert (w[:, [1, 4]] == 0).all()
    # On the sheet: an upright triangle, rows centred.
    assert made.layout[[top, left, right]].tolist() == [[(side - 1) / 2, 0], [0, side - 1], [side - 1, side - 1]]
    for row in range(side):
        xs = made.layout[made.layout[:, 1] == row, 0]
        assert len(xs) == row + 1
        np.testing.assert_allclose(xs + xs[::-1], side - 1)
        np.testing.assert_allclose(np.diff(xs), 1)
    # Where a point lies on the sheet is its barycentric place: weights are those, made unit.
    x, y = made.layout.T / (side - 1)
    places = np.stack([1 - y, y - (x - (1 - y) / 2), x - (1 - y) / 2], -1)
    np.testing.assert_allclose(w[:, [3, 0, 2]], places / np.linalg.norm(places, axis=1, keepdims=True), atol=1e-9)


def test_straight_lines_of_a_slice_are_great_circles():
    """Three points of a line on the sheet span a plane through the centre of the sphere."""
    space = space_of(3)
    made = points.slice_through(space, side=7)
    w = space.weights(made.u)
    place = {tuple(xy): row for xy, row in zip(made.layout.tolist(), w)}
    for a, b, c in (
        ((3, 0), (3, 2), (3, 4)),
        ((2, 2), (3, 2), (4, 2)),
        ((3, 0), (2.5, 1), (2, 2)),
        ((0, 6), (1.5, 5), (3, 4)),
    ):
        volume = np.linalg.det(np.stack([place[tuple(map(float, xy))] for xy in (a, b, c)]))
        assert abs(volume) < 1e-12


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"side": 1}, "side must be a whole number of at least 2, got 1"),
        ({"side": 100_001}, "At most 100000 points"),
        ({"seeds": [1, 2]}, "seeds must name 3 different seeds"),
        ({"seeds": [1, 2, 2]}, "seeds must name 3 different seeds"),
    ],
)
def test_slices_that_are_none(settings, message):
    with pytest.raises(ValueError, match=message):
        points.slice_through(space_of(4), **settings)


# ---------------------------------------------------------------------------------------------------------- path


def walk(space, made) -> np.ndarray:
    """The angles between successive points, in degrees."""
    w = space.weights(made.u)
    return angles(w[:-1], w[1:])


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("frames", [2, 3, 7, 31])
def test_an_open_path_walks_at_even_speed(chart, frames):
    """Through three seeds: two quarter circles, 180 degrees. A step over a waypoint is shorter as the crow flies."""
    space = space_of(4, chart)
    made = points.path(space, np.eye(4)[[2, 0, 3]], frames)
    assert len(made) == frames
    assert made.marks[0] == "seed 103" and made.marks[-1] == "seed 104"
    steps = walk(space, made)
    along = 180 / (frames - 1)
    corner = (frames - 1) % 2  # an odd number of steps steps over the middle waypoint
    straight = np.abs(steps - along) < 1e-6
    assert straight.sum() == frames - 1 - corner
    if corner:
        assert (steps[~straight] < along).all()
    else:
        assert made.marks[(frames - 1) // 2] == "seed 101"


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("k, frames", [(2, 8), (3, 9), (4, 24), (4, 5), (5, 100)])
def test_a_closed_path_loops_without_a_repeat(chart, k, frames):
    space = space_of(k, chart)
    made = points.path(space, np.eye(k), frames, closed=True)
    assert len(made) == frames
    assert made.marks[0] == "seed 101"
    w = space.weights(made.u)
    assert not np.array_equal(w[-1], w[0])
    along = k * 90 / frames
    # From the last frame on to the first: the same step.
    steps = angles(w, np.roll(w, -1, axis=0))
    assert (steps < along + 1e-6).all()
    assert (np.abs(steps - along) < 1e-6).sum() >= frames - k
    if frames % k == 0:
        assert [mark for mark in made.marks if mark] == list(names(*range(101, 101 + k)))
        np.testing.assert_allclose(steps, along, atol=1e-6)


def test_frames_close_to_a_waypoint_are_not_that_waypoint():
    made = points.path(space_of(2), np.eye(2), 5000)
    assert len(np.unique(made.w, axis=0)) == 5000


def test_a_path_stays_on_the_great_circles():
    space = space_of(3)
    made = points.path(space, np.eye(3)[[0, 1]], 5)
    t = np.radians([0, 22.5, 45, 67.5, 90])
    np.testing.assert_allclose(space.weights(made.u), np.stack([np.cos(t), np.sin(t), 0 * t], -1), atol=1e-9)


def test_a_waypoint_that_is_met_is_met_exactly():
    """Any waypoint, not only a seed."""
    space = space_of(4)
    stops = space.weights(points.random(space, 3, seed=5).u)
    # Frames at 0, a, a + b only if the two ways are of equal length: there and back.
    made = points.path(space, stops[[0, 1, 0]], 5)
    w = space.weights(made.u)
    np.testing.assert_allclose(w[[0, 2, 4]], stops[[0, 1, 0]], atol=1e-12)
    np.testing.assert_allclose(w[1], w[3], atol=1e-9)


def test_waypoints_that_are_equal_take_no_time():
    space = space_of(3)
    e = np.eye(3)
    once = points.path(space, e[[0, 1, 2]], 9)
    twice = points.path(space, e[[0, 0, 1, 1, 1, 2, 2]], 9)
    assert np.array_equal(once.u, twice.u)
    closed = points.path(space, e[[0, 1, 0]], 8, closed=True)
    assert np.array_equal(closed.u, points.path(space, e[[0, 1]], 8, closed=True).u)


@pytest.mark.parametrize(
    "waypoints, settings, message",
    [
        (np.eye(3)[[1]], {}, "The path has no length: name at least two different waypoints"),
        (np.eye(3)[[1]], {"closed": True}, "The path has no length"),
        (np.eye(3)[[1, 1, 1]], {}, "The path has no length"),
        (np.eye(3), {"frames": 1}, "frames must be a whole number of at least 2, got 1"),
        (np.eye(3), {"frames": 100_001}, "At most 100000 points"),
        (np.eye(4), {}, "w has 4 weights a point, but the space has 3 seeds"),
        (2 * np.eye(3), {}, "w must have norm 1, got norm 2"),
        (np.eye(3) - 0.5, {}, "w must not be negative"),
    ],
)
def test_paths_that_are_none(waypoints, settings, message):
    with pytest.raises(ValueError, match=message):
        points.path(space_of(3), waypoints, **settings)


# ---------------------------------------------------------------------------------------------------- neighbours


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("radius", [0.1, 5, 15, 60, 90])
@pytest.mark.parametrize("where", ["middle", "vertex", "last vertex", "face", "near a face"])
@pytest.mark.parametrize("k", [2, 3, 8, 64])
def test_neighbours_lie_within_the_radius(k, where, radius, chart):
    """Also where the point is a seed, or has nothing of a seed, and mirroring brings neighbours back."""
    space = space_of(k, chart)
    w = np.ones(k)
    if where == "vertex":
        w = np.eye(k)[0]
    elif where == "last vertex":
        w = np.eye(k)[-1]
    elif where == "face":
        w[::2] = 0
    elif where == "near a face":
        w[::2] = 1e-9
    base = points.from_weights(space, w).u[0]
    made = points.neighbours(space, base, 50, radius, seed=3)
    assert len(made) == 51
    assert np.array_equal(made.u[0], base)
    away = angles(space.weights(made.u[1:]), space.weights(base))
    assert (away <= radius * (1 + 1e-6) + 1e-5).all()
    assert away.max() > 0.5 * radius if where == "middle" and k > 2 and radius <= 15 else away.max() > 0
    assert (space.weights(made.u) >= 0).all()


def test_neighbours_of_a_seed_have_something_of_every_seed():
    """They are mirrored at the faces, not left on them; of every other seed as much, on average."""
    space = space_of(5)
    made = points.neighbours(space, np.zeros(4), 2000, 30, seed=2, include_base=False)
    w = space.weights(made.u)
    assert (w > 0).all()
    np.testing.assert_allclose((w**2).mean(0)[1:], (1 - (w[:, 0] ** 2).mean()) / 4, rtol=0.1)


def test_neighbours_fill_the_disc_evenly():
    """Inside the orthant, where nothing is mirrored: of the angles' k-1 dimensional volume, an even share."""
    k, radius = 5, 8.0
    space = space_of(k)
    base = points.from_weights(space, np.ones(k)).u[0]
    made = points.neighbours(space, base, 4000, radius, seed=1, include_base=False)
    assert len(made) == 4000
    w, centre = space.weights(made.u), space.weights(base)
    assert kstest((angles(w, centre) / radius) ** (k - 1), "uniform").pvalue > 0.01
    # Directions have no preference: their mean and their squares.
    directions = w - (w @ centre)[:, None] * centre
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    assert np.abs(directions.mean(0)).max() < 4 / np.sqrt(4000 * (k - 1))
    square = directions.T @ directions / 4000
    np.testing.assert_allclose(square, (np.eye(k) - np.outer(centre, centre)) / (k - 1), atol=0.02)


@pytest.mark.parametrize("make", [points.random, points.sobol], ids=["random", "sobol"])
@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_more_points_begin_with_the_fewer(make, seed):
    space = space_of(6)
    many = make(space, 33, seed).u
    for count in (1, 2, 3, 8, 9, 32):
        assert np.array_equal(make(space, count, seed).u, many[:count])
    assert len(np.unique(many, axis=0)) == 33


def test_more_neighbours_begin_with_the_fewer():
    space = space_of(6)
    base = [0.2, 0.4, 0.6, 0.8, 0.5]
    many = points.neighbours(space, base, 33, seed=7).u
    for count in (1, 2, 8, 32):
        assert np.array_equal(points.neighbours(space, base, count, seed=7).u, many[: count + 1])
    without = points.neighbours(space, base, 8, seed=7, include_base=False).u
    assert np.array_equal(without, many[1:9])


@pytest.mark.parametrize(
    "make",
    [
        points.random,
        points.sobol,
        lambda s, count, seed: points.neighbours(s, None, count, seed=seed, include_base=False),
    ],
    ids=["random", "sobol", "neighbours"],
)
def test_another_seed_gives_other_points(make):
    space = space_of(4)
    one, other = make(space, 20, 1).u, make(space, 20, 2).u
    assert not (one == other).any()
    assert np.array_equal(one, make(space, 20, 1).u)


@pytest.mark.parametrize(
    "make", [points.random, points.sobol, lambda s, count, seed: points.neighbours(s, None, count, seed=seed)]
)
def test_chance_is_private(make):
    """Global generators stand where they stood."""
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    make(space_of(4), 10, 3)
    assert np.array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


def test_random_points_are_uniform():
    u = points.random(space_of(4), 3000, seed=2).u
    for column in u.T:
        assert kstest(column, "uniform").pvalue > 0.01


def test_sobol_points_fill_every_cell():
    """64 points, one in each cell of 4×4×4: the property of the sequence that chance does not have."""

    def cells(made):
        return len(np.unique((made.u * 4).astype(int), axis=0))

    space = space_of(4)
    assert cells(points.sobol(space, 64, seed=5)) == 64
    assert cells(points.random(space, 64, seed=5)) < 50


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"count": 0}, "count must be a whole number of at least 1, got 0"),
        ({"count": 100_001}, "At most 100000 points"),
        ({"seed": -1}, "seed must be a whole number from 0 to 18446744073709551615, got -1"),
        ({"seed": 2**64}, "seed must be a whole number from 0 to 18446744073709551615"),
    ],
)
@pytest.mark.parametrize(
    "make", [points.random, points.sobol, lambda s, **settings: points.neighbours(s, None, **settings)]
)
def test_random_points_that_are_none(make, settings, message):
    with pytest.raises(ValueError, match=message):
        make(space_of(3), **settings)


@pytest.mark.parametrize("radius", [0, -1, 90.1, float("nan"), float("inf")])
def test_a_radius_that_is_none(radius):
    with pytest.raises(ValueError, match="radius must be an angle above 0 and up to 90 degrees"):
        points.neighbours(space_of(3), None, radius=radius)


# ----------------------------------------------------------------------------------------------------- selection


def test_a_selection_keeps_labels_and_leaves_the_sheet():
    made = points.corners(space_of(4), columns=3, rows=3)
    chosen = made.select([8, 0, 0])
    assert np.array_equal(chosen.u, made.u[[8, 0, 0]])
    assert chosen.labels == tuple(made.labels[i] for i in (8, 0, 0))
    assert chosen.marks == names(104, 101, 101)
    assert chosen.layout is None and chosen.axes is None
    with pytest.raises(ValueError, match="No point is selected: name at least one"):
        made.select([])


@pytest.mark.parametrize(
    "text, expected",
    [
        ("1", [0]),
        ("3, 5-7, last", [2, 4, 5, 6, 9]),
        ("all", list(range(10))),
        ("7-5", [6, 5, 4]),
        ("last-8", [9, 8, 7]),
        ("8-last", [7, 8, 9]),
        ("2 2;2,2", [1, 1, 1, 1]),
        (" 4 - 6 ", [3, 4, 5]),
        ("1\n2\n\n3", [0, 1, 2]),
        ("007", [6]),
        ("1, 2,\n", [0, 1]),
        ("1,,2", [0, 1]),
    ],
)
def test_selections_that_people_write(text, expected):
    assert parse_selection(text, 10, "numbers") == expected


def test_points_that_are_written_are_read_again():
    """A seed to the last bit; others within rounding, because weights are scaled when they are read."""
    space = space_of(5)
    made = points.neighbours(space, points.vertices(space), 40, radius=60.0)
    text = "\n".join(points.write_weights(w) for w in made.w)
    assert text.startswith("1, 0, 0, 0, 0\n")
    again = acts.weights(space, text)
    assert np.abs(again.w - made.w).max() < 3e-16
    assert (again.w[0] == made.w[0]).all()


def test_points_become_seeds():
    """The seed of a point is that point's noise, and a vertex is the seed itself; they are the corners of a new space."""
    space = space_of(3)
    made = points.from_weights(space, [[1, 2, 3], [0, 1, 0], [1, 1, 1]])
    seeds = acts.seeds(space, made)
    assert seeds.labels == ("point 1", "102", "point 3")
    assert torch.equal(seeds[0].noise(((4, 8, 8),))[0], space.combine(made.w[0], (4, 8, 8))[0])
    assert points.vertices(SurrogateSpace(seeds)).marks == ("seed point 1", "seed 102", "seed point 3")
    with pytest.raises(ValueError, match="points belong to a space of 3 seeds, but space has 4"):
        acts.seeds(space_of(4), made)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "numbers: '' is not a number from 1 to 10, a range such as 2-5, last, or all"),
        ("  ", "numbers: '' is not a number"),
        ("0", "numbers: there are 10, numbered from 1; got 0"),
        ("11", "numbers: there are 10, numbered from 1; got 11"),
        ("9-12", "numbers: there are 10, numbered from 1; got 12"),
        ("first", "numbers: 'first' is not a number"),
        (",", "numbers: '' is not a number"),
        ("-3", "numbers: '-3' is not a number"),
        ("1.5", "numbers: '1.5' is not a number"),
        ("1-2-3", "numbers: '1-2-3' is not a number"),
        ("1" * 5000, "is not a number"),
        ("٣", "is not a number"),
    ],
)
def test_selections_that_are_none(text, message):
    with pytest.raises(ValueError, match=message):
        parse_selection(text, 10, "numbers")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("0.5", [[0.5]]),
        ("1 2,3;4\t5", [[1, 2, 3, 4, 5]]),
        ("1, 2\n3, 4\n", [[1, 2], [3, 4]]),
        ("\n  1e-3, .5,\r\n\n-2, +7;  ", [[1e-3, 0.5], [-2, 7]]),
        ("1,  2", [[1, 2]]),
    ],
)
def test_numbers_that_people_write(text, expected):
    assert parse_numbers(text, "weights") == expected


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "weights is empty: write numbers, one point a line"),
        (" \n\n ", "weights is empty"),
        ("1, x", r"weights: '1, x' is not a list of numbers such as 0\.5, 0\.25"),
        ("0,5 0,,5\nhalf", "weights: 'half' is not a list of numbers"),
        (",", "weights: ',' is not a list of numbers"),
        ("1 2\n3", r"weights: every line must have as many numbers, got \[2, 1\]"),
    ],
)
def test_numbers_that_are_none(text, message):
    with pytest.raises(ValueError, match=message):
        parse_numbers(text, "weights")
