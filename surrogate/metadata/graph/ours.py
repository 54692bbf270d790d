"""What this pack's nodes do: the same functions of `surrogate`, called with what was typed into the nodes."""

from __future__ import annotations

import json
from dataclasses import replace

from ... import points as make
from ...points import Points
from ...seeds import Seeds
from ...space import LARGEST_K, SurrogateSpace
from ...space.clip_seed import ClipSeed
from ...space.over_time import Stretch
from ...space.point_seed import seed_at
from ...transports import make_transport
from ..errors import Untraceable
from .rules import Place, Rule
from .stock import sampled
from .values import MOST_ROWS, Batch, Noise, Opaque, Row

__all__ = ["OURS"]

LONGEST = 1 << 20
# Coordinates of all points together: larger sets were never rendered and sampled from one prompt.
MOST_NUMBERS = 1 << 20


# -------------------------------------------------------------------------------------------------- seeds and space


def _seeds_from_integers(place: Place, seeds: str = "", first: int = 0, count: int = 0):
    if count > LARGEST_K or len(seeds) > LONGEST:
        raise Untraceable(f"{place} has more than {LARGEST_K} seeds")
    return Seeds.from_range(first, count) if count and not seeds.strip() else Seeds.from_text(seeds)


def _seeds_from_latents(place: Place, latent: Batch, noise: Noise | None = None):
    if noise is None or noise.draw is None:
        raise Untraceable(f"the noises of {place} are not in the file; pictures of Render Points carry them")
    return Seeds(tuple(noise.draw(latent)))


def _join_seeds(
    place: Place,
    seeds_1: Seeds,
    seeds_2: Seeds,
    seeds_3: Seeds | None = None,
    seeds_4: Seeds | None = None,
    seeds_5: Seeds | None = None,
    seeds_6: Seeds | None = None,
    seeds_7: Seeds | None = None,
    seeds_8: Seeds | None = None,
):
    sets = [s for s in (seeds_1, seeds_2, seeds_3, seeds_4, seeds_5, seeds_6, seeds_7, seeds_8) if s is not None]
    if sum(len(s) for s in sets) > LARGEST_K:
        raise Untraceable(f"{place} has more than {LARGEST_K} seeds")
    return Seeds.join(sets)


def _save_seeds(place: Place, seeds: Seeds):
    return seeds


def _space(place: Place, seeds: Seeds, chart: str, transport: str, transport_settings: str = ""):
    settings = json.loads(transport_settings) if transport_settings.strip() else {}
    if not isinstance(settings, dict) or "name" in settings:
        raise Untraceable(f"{place} has transport_settings that are none")
    return SurrogateSpace(seeds.deduplicated()[0], chart, make_transport(transport, **settings))


# ------------------------------------------------------------------------------------------------------------ points


def _enough(space: SurrogateSpace, count: int) -> None:
    if not 1 <= count <= MOST_NUMBERS // space.k:
        raise Untraceable(f"{count} points of a space of {space.k} seeds are too many to rebuild")


def _rows(text: str, name: str) -> list[list[float]]:
    if len(text) > LONGEST:
        raise Untraceable(f"{name} is longer than {LONGEST >> 20} MiB")
    return make.parse_numbers(text, name)


def _whole(text: str, count: int, name: str) -> list[int]:
    spans = text.count("all") + text.count("-")
    if len(text) > 1 << 16 or spans * count > MOST_NUMBERS:
        raise Untraceable(f"{name} is longer than a list of numbers can be")
    return make.parse_selection(text, count, name)


def _point(place: Place, space: SurrogateSpace, coordinates: str):
    rows = _rows(coordinates, "coordinates")
    if len(rows[0]) == 1:
        _enough(space, len(rows))
        rows = [row * (space.k - 1) for row in rows]
    return make.from_coordinates(space, rows)


def _weights(place: Place, space: SurrogateSpace, weights: str):
    return make.from_weights(space, _rows(weights, "weights"))


def _grid(
    place: Place,
    space: SurrogateSpace,
    columns: int = 5,
    rows: int = 5,
    column: int = 1,
    row: int = 2,
    low: float = 0.0,
    high: float = 1.0,
    base: Points | None = None,
):
    _enough(space, columns * rows)
    return make.grid(space, columns, rows, column, row, base, low, high)


def _corners(place: Place, space: SurrogateSpace, seeds: str = "1, 2, 3, 4", columns: int = 5, rows: int = 5):
    _enough(space, columns * rows)
    return make.corners(space, [i + 1 for i in _whole(seeds, space.k, "seeds")], columns, rows)


def _slice(place: Place, space: SurrogateSpace, seeds: str = "1, 2, 3", side: int = 5):
    _enough(space, side * side)
    return make.slice_through(space, [i + 1 for i in _whole(seeds, space.k, "seeds")], side)


def _path(
    place: Place,
    space: SurrogateSpace,
    seeds: str = "all",
    frames: int = 24,
    closed: bool = True,
    waypoints: Points | None = None,
):
    _enough(space, frames)
    if waypoints is None:
        waypoints = make.vertices(space, [i + 1 for i in _whole(seeds, space.k, "seeds")])
    return make.path(space, waypoints.w, frames, closed)


def _neighbours(
    place: Place,
    space: SurrogateSpace,
    points: Points,
    count: int = 8,
    radius: float = 15.0,
    random_seed: int = 0,
    include_point: bool = True,
):
    _enough(space, count)
    return make.neighbours(space, points, count, radius, random_seed, include_point)


def _random_points(place: Place, space: SurrogateSpace, count: int = 8, method: str = "sobol", random_seed: int = 0):
    _enough(space, count)
    return {"sobol": make.sobol, "uniform": make.random}[method](space, count, random_seed)


def _select(place: Place, points: Points, numbers: str = "1"):
    indices = _whole(numbers, len(points), "numbers")
    if len(indices) * points.w.shape[1] > MOST_NUMBERS:
        raise Untraceable(f"{place} selects too many points to rebuild")
    return points.select(indices)


# -------------------------------------------------------------------------------------------------- noise and pictures


def _points_noise(space: SurrogateSpace, points: Points, which: range) -> Noise:
    def draw(latent: Batch):
        if len(latent.rows) != len(which):
            raise Untraceable(f"a noise for {len(which)} points meets a batch of {len(latent.rows)}")
        return [seed_at(space, points.u[i], f"point {i + 1}: {points.labels[i]}", points.w[i]) for i in which]

    return Noise(draw, "of a surrogate space")


def _repeat_to(latent: Batch, count: int) -> Batch:
    if len(latent.rows) not in (1, count) or count > MOST_ROWS:
        raise Untraceable(f"a latent with a batch of {len(latent.rows)} meets {count} points")
    rows = latent.rows if len(latent.rows) == count else latent.rows * count
    return Batch(rows, None, latent.size, latent.clip)


def _noise(place: Place, space: SurrogateSpace, points: Points, latent: Batch, images_per_batch: int = 0):
    latent = _repeat_to(latent, len(points))
    size = images_per_batch if images_per_batch > 0 else len(points)
    groups = [range(i, min(i + size, len(points))) for i in range(0, len(points), size)]
    return (
        [_points_noise(space, points, group) for group in groups],
        [Batch(tuple(latent.rows[i] for i in group), None, latent.size, latent.clip) for group in groups],
    )


def _stretches_noise(space: SurrogateSpace, stretches: list[Stretch]) -> Noise:
    def draw(latent: Batch):
        if len(latent.rows) != len(stretches):
            raise Untraceable(f"a noise for {len(stretches)} stretches meets a batch of {len(latent.rows)}")
        # What looks like an image is a sound: an image has no time, so it would not have been sampled.
        return [ClipSeed(space, stretch, True, "path") for stretch in stretches]

    return Noise(draw, "of a path through a surrogate space")


def _noise_over_time(
    place: Place,
    space: SurrogateSpace,
    points: Points,
    latent: Batch,
    movement: str = "smooth",
    start: float = 0.0,
    end: float = 1.0,
    stretches: int = 1,
    clips_per_batch: int = 1,
):
    if stretches * points.w.size > MOST_NUMBERS:
        raise Untraceable(f"{place} has too many stretches to rebuild")
    latent = _repeat_to(latent, stretches)
    cut = Stretch(points.u, start, end, movement, points.w).cut(stretches)
    size = clips_per_batch if clips_per_batch > 0 else stretches
    groups = [range(i, min(i + size, stretches)) for i in range(0, stretches, size)]
    return (
        [_stretches_noise(space, [cut[i] for i in group]) for group in groups],
        [Batch(tuple(latent.rows[i] for i in group), None, latent.size, latent.clip) for group in groups],
    )


def _ksampler_noise(place: Place, space: SurrogateSpace, points: Points, latent: Batch):
    return _points_noise(space, points, range(len(points))), _repeat_to(latent, len(points))


def _render_points(place: Place, space: SurrogateSpace, points: Points, latent: Batch):
    latent = _repeat_to(latent, len(points))
    made = sampled(place, latent, _points_noise(space, points, range(len(points))), None)
    return [made], _one_by_one([made], len(points))


def _contact_sheet(place: Place, images: list[Batch], points: Points | None = None):
    drawn = _own_drawing(place)
    if points is None and any(batch.clip for batch in images):
        return [drawn], [Untraceable(f"{place} has no points, so the frames of its clips are pictures of their own")]
    return [drawn], _one_by_one(images, sum(len(batch.rows) for batch in images) if points is None else len(points))


def _one_by_one(images: list[Batch], count: int) -> list[Batch]:
    """A batch for each of `count` points: its picture, its clip, or where the pictures of a batch are frames, all of them."""
    rows = [(batch, row) for batch in images for row in batch.rows]
    if len(rows) % count:
        raise Untraceable(f"{len(rows)} pictures meet {count} points")
    size = len(rows) // count
    return [
        replace(rows[i][0], rows=tuple(row for _, row in rows[i : i + size]), index=None)
        for i in range(0, len(rows), size)
    ]


def _demo_model(place: Place):
    other = Opaque(str(place))
    return other, other, other, Batch((Row(),), size=(128, 128))


def _demo_picture(place: Place):
    return Batch((Row(given=True),))


def _own_drawing(place: Place, shown: str = "pictures") -> Untraceable:
    return Untraceable(f"{place} draws a picture of its own, which no noise made: take the {shown} that it shows")


def _drawing(place: Place):
    raise _own_drawing(place)


def _sound_sheet(place: Place, sounds: list[Batch]):
    single = [replace(batch, rows=(row,), index=None) for batch in sounds for row in batch.rows]
    drawn = Untraceable(f"{place} draws a picture of its own, which no noise made: take the sounds that it shows")
    return single, [drawn], [drawn]


def _not_in_the_file(what: str):
    def rule(place: Place):
        raise Untraceable(f"{place}: {what} not in the file; pictures of Render Points carry what rebuilds them")

    return rule


OURS = {
    "SurrogateSeedsFromIntegers": Rule(_seeds_from_integers),
    "SurrogateSeedsFromLatents": Rule(_seeds_from_latents),
    "SurrogateSeedsFromPictures": Rule(_not_in_the_file("its pictures are")),
    "SurrogateInvert": Rule(_not_in_the_file("its noises are")),
    "SurrogateLoadSeeds": Rule(_not_in_the_file("its seeds are")),
    "SurrogateSaveSeeds": Rule(_save_seeds),
    "SurrogateJoinSeeds": Rule(_join_seeds),
    "SurrogateSpace": Rule(_space),
    "SurrogatePoint": Rule(_point),
    "SurrogateWeights": Rule(_weights),
    "SurrogateGrid": Rule(_grid),
    "SurrogateCorners": Rule(_corners),
    "SurrogateSlice": Rule(_slice),
    "SurrogatePath": Rule(_path),
    "SurrogateNeighbours": Rule(_neighbours),
    "SurrogateRandomPoints": Rule(_random_points),
    "SurrogateSelectPoints": Rule(_select),
    "SurrogateLocateLatent": Rule(_not_in_the_file("the latent it located is")),
    "SurrogateNoise": Rule(_noise, lists="out"),
    "SurrogateNoiseOverTime": Rule(_noise_over_time, lists="out"),
    "SurrogateKSamplerNoise": Rule(_ksampler_noise),
    "SurrogateRenderPoints": Rule(_render_points, lists="out"),
    "SurrogateContactSheet": Rule(_contact_sheet, lists="in out"),
    "SurrogateSoundSheet": Rule(_sound_sheet, lists="in out"),
    "SurrogateSpaceInfo": Rule(_drawing),
    "SurrogateCheckSeeds": Rule(_drawing),
    "SurrogateSpaceQuality": Rule(_drawing),
    "SurrogateDemoModel": Rule(_demo_model),
    "SurrogateDemoPicture": Rule(_demo_picture),
    "SurrogateStudyReport": Rule(_not_in_the_file("a study's points are")),
    "SurrogateSeedUtility": Rule(_not_in_the_file("a study's scores are")),
    "SurrogateStudy": Rule(_not_in_the_file("a study's points are")),
    "SurrogateScout": Rule(_not_in_the_file("a study's points are")),
    "SurrogateAsk": Rule(_not_in_the_file("a study's points are")),
    "SurrogateTell": Rule(_not_in_the_file("a study's points are")),
    "SurrogateSearch": Rule(_not_in_the_file("a search's points are")),
}
