"""What this pack's nodes do: the same functions of `surrogate`, called with what was typed into the nodes."""

from __future__ import annotations

import functools
import inspect
import itertools
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...checks import choice
from ...conditioning.acts import CARRIERS
from ...explore import Course, Session
from ...points import Points, acts, parse_selection
from ...seeds import Seeds
from ...seeds import acts as seed_acts
from ...space import LARGEST_K, SurrogateSpace
from ...space import acts as space_acts
from ...space.clip_seed import ClipSeed
from ...space.over_time import Stretch
from ...space.point_seed import recipe_size, seed_at
from ..errors import Untraceable
from .rules import Place, Rule
from .stock import sampled
from .values import MOST_ROWS, Batch, Noise, Opaque, Row, random_noise

__all__ = ["OURS"]

LONGEST = 1 << 20
# Coordinates of all points together: larger sets were never rendered and sampled from one prompt.
MOST_NUMBERS = 1 << 20
# Seeds in the recipe of a space, those of spaces within it counted wherever they occur.
MOST_NESTED = 1 << 17


def _typed(act: Callable) -> Callable[[Callable], Callable]:
    """Makes function(place, …, **typed) a rule that also takes what `act` takes, with the defaults of `act`."""

    def decorate(function: Callable) -> Callable:
        own = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
        theirs = inspect.signature(act).parameters
        # What both have is the act's; the rest of the act's follows.
        both = [theirs.get(p.name, p).replace(kind=p.KEYWORD_ONLY) for p in own[1:]]
        names = {p.name for p in own}
        rest = [p.replace(kind=p.KEYWORD_ONLY) for name, p in theirs.items() if name not in names]
        signature = inspect.Signature([own[0], *both, *rest])

        @functools.wraps(act)
        def rule(place: Place, **inputs):
            given = signature.bind(place, **inputs)
            given.apply_defaults()
            return function(*given.args, **given.kwargs)

        rule.__signature__ = signature  # type: ignore[attr-defined]
        rule.__annotations__ = typing.get_type_hints(function) | typing.get_type_hints(act)
        return rule

    return decorate


# -------------------------------------------------------------------------------------------------- seeds and space


def _few_integers(place: Place, seeds: str, first: int, count: int) -> None:
    if count > LARGEST_K or len(seeds) > LONGEST:
        raise Untraceable(f"{place} has more than {LARGEST_K} seeds")


def _seeds_from_latents(place: Place, latent: Batch, noise: Noise | None = None):
    if noise is None or noise.draw is None:
        raise Untraceable(f"the noises of {place} are not in the file; pictures of Render Points carry them")
    seeds = Seeds(tuple(noise.draw(latent)))
    _shallow(place, seeds)
    return seeds


def _shallow(place: Place, seeds: Seeds) -> None:
    if recipe_size(seeds) > MOST_NESTED:
        raise Untraceable(f"{place} has spaces within spaces that are too many to rebuild")


def _few_seeds(place: Place, **sets: Seeds | None) -> None:
    if sum(len(one) for one in sets.values() if one is not None) > LARGEST_K:
        raise Untraceable(f"{place} has more than {LARGEST_K} seeds")


def _save_seeds(place: Place, seeds: Seeds):
    return seeds


# ------------------------------------------------------------------------------------------------------------ points


def _enough(space: SurrogateSpace, count: int) -> None:
    if not 1 <= count <= MOST_NUMBERS // space.k:
        raise Untraceable(f"{count} points of a space of {space.k} seeds are too many to rebuild")


def _few_rows(place: Place, space: SurrogateSpace, **typed: str) -> None:
    for name, text in typed.items():
        if len(text) > LONGEST:
            raise Untraceable(f"{name} is longer than {LONGEST >> 20} MiB")
        _enough(space, max(1, sum(bool(line.strip()) for line in text.splitlines())))


def _few_given(place: Place, space: SurrogateSpace, points: Points) -> None:
    if len(points) * recipe_size(space.seeds) > MOST_NESTED:
        raise Untraceable(f"{place} has spaces within spaces that are too many to rebuild")


def _short(text: str, count: int, name: str) -> None:
    spans = text.count("all") + text.count("-")
    if len(text) > 1 << 16 or spans * count > MOST_NUMBERS:
        raise Untraceable(f"{name} is longer than a list of numbers can be")


def _few_cells(place: Place, space: SurrogateSpace, columns: int, rows: int, seeds: str = "", **_) -> None:
    _enough(space, columns * rows)
    _short(seeds, space.k, "seeds")


def _small_side(place: Place, space: SurrogateSpace, seeds: str, side: int) -> None:
    _few_cells(place, space, side, side, seeds)


def _few_frames(place: Place, space: SurrogateSpace, seeds: str, frames: int, waypoints: Points | None, **_) -> None:
    _enough(space, frames)
    if waypoints is None:
        _short(seeds, space.k, "seeds")


def _few_points(place: Place, space: SurrogateSpace, count: int, **_) -> None:
    _enough(space, count)


def _few_numbers(place: Place, points: Points, numbers: str) -> None:
    _short(numbers, len(points), "numbers")
    if len(parse_selection(numbers, len(points), "numbers")) * points.w.shape[1] > MOST_NUMBERS:
        raise Untraceable(f"{place} selects too many points to rebuild")


# -------------------------------------------------------------------------------------------------- noise and pictures


def _points_noise(space: SurrogateSpace, points: Points, which: Sequence[int]) -> Noise:
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


@_typed(acts.batches)
def _noise(place: Place, space: SurrogateSpace, points: Points, latent: Batch, **typed):
    latent = _repeat_to(latent, len(points))
    groups = acts.batches(points, **typed)
    return [_points_noise(space, points, group) for group in groups], [_rows(latent, group) for group in groups]


def _rows(latent: Batch, which: Sequence[int]) -> Batch:
    return Batch(tuple(latent.rows[i] for i in which), None, latent.size, latent.clip)


def _stretches_noise(space: SurrogateSpace, stretches: list[Stretch]) -> Noise:
    def draw(latent: Batch):
        if len(latent.rows) != len(stretches):
            raise Untraceable(f"a noise for {len(stretches)} stretches meets a batch of {len(latent.rows)}")
        # What looks like an image is a sound: an image has no time, so it would not have been sampled.
        return [ClipSeed(space, stretch, True, "path") for stretch in stretches]

    return Noise(draw, "of a path through a surrogate space")


@_typed(acts.stretches_in_batches)
def _noise_over_time(place: Place, space: SurrogateSpace, points: Points, latent: Batch, stretches: int, **typed):
    if stretches * points.w.size > MOST_NUMBERS:
        raise Untraceable(f"{place} has too many stretches to rebuild")
    latent = _repeat_to(latent, stretches)
    groups = acts.stretches_in_batches(points, stretches=stretches, **typed)
    firsts = itertools.accumulate((len(group) for group in groups), initial=0)
    return (
        [_stretches_noise(space, group) for group in groups],
        [_rows(latent, range(first, first + len(group))) for first, group in zip(firsts, groups, strict=False)],
    )


def _ksampler_noise(place: Place, space: SurrogateSpace, points: Points, latent: Batch):
    return _points_noise(space, points, range(len(points))), _repeat_to(latent, len(points))


@dataclass(frozen=True)
class _OnPrompt:
    """A guider whose points are on the prompt, and whose initial noise is that of `seed`."""

    seed: int


def _carrier(place: Place, guider: object, carrier: str = next(iter(CARRIERS)), seed: int = 0):
    return guider if CARRIERS[choice("carrier", carrier, CARRIERS)] else _OnPrompt(seed)


def _rendered(place: Place, guider: object, space: SurrogateSpace, points: Points, latent: Batch) -> Batch:
    """The points, sampled by a node of this pack from `latent`, a batch of one or of as many."""
    latent, noise = _repeat_to(latent, len(points)), _points_noise(space, points, range(len(points)))
    if isinstance(guider, _OnPrompt):
        noise, latent = random_noise(guider.seed), replace(latent, index=(0,) * len(points))
    return sampled(place, latent, noise, None)


@_typed(acts.batches)
def _conditioning(place: Place, points: Points, latent: Batch, **typed):
    latent = _repeat_to(latent, len(points))
    groups = acts.batches(points, **typed)
    prompts = [Opaque(str(place)) for _ in groups]
    return prompts, [replace(_rows(latent, group), index=(0,) * len(group)) for group in groups], [Opaque(str(place))]


def _render_points(place: Place, space: SurrogateSpace, points: Points, latent: Batch, guider: object = None):
    made = _rendered(place, guider, space, points, latent)
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


def _explorer(
    place: Place,
    latent: Batch,
    seed: int,
    pictures: int = 9,
    draft_steps: int | None = 0,
    session: str = "",
    seeds: Seeds | None = None,
    space: SurrogateSpace | None = None,
    guider: object = None,
):
    given, transport = (seeds or Seeds(()), "gaussian") if space is None else (space.seeds, space.transport)
    course = Course(_session(place, session, pictures, len(given)), seed, given, transport)
    shown, points = course.page()
    page = _rendered(place, guider, shown, points, latent)
    if course.act == "finish":
        finished: Batch | Untraceable = page
    else:
        finished = Untraceable(f"{place} had not finished anything yet")
        page = page.noted(f"{place} showed it as a draft") if draft_steps != 0 else page
    found, study = course.liked(), Untraceable(f"the study of {place} is not in the file")
    if found is None:
        return finished, page, *[Untraceable(f"nothing was liked in {place}")] * 5, finished, page, study
    space, liked = found
    noise = _points_noise(space, liked, range(len(liked)))
    wanted = noise, _repeat_to(latent, len(liked)), liked, space, course.liked_seeds()
    return finished, page, *wanted, finished, page, study  # before the study, the same as sounds


def _session(place: Place, text: str, pictures: int, given: int) -> Session:
    """The session of a text that a stranger may have written: no larger than can be rebuilt in a moment."""
    session = Session.parse(text, pictures)
    noises = given + sum(page.count for page in session.pages)
    if noises**2 > 8 * MOST_NUMBERS:
        raise Untraceable(f"the session of {place} has too many pictures to rebuild")
    return session


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


def _act(act: Callable, bound: Callable[..., None] | None = None) -> Rule:
    """The rule of a node that calls `act` with what is typed into it, refused where `bound(place, **typed)` raises."""

    @_typed(act)
    def rule(place: Place, **typed):
        if bound:
            bound(place, **typed)
        return act(**typed)

    return Rule(rule)


OURS = {
    "SurrogateSeedsFromIntegers": _act(seed_acts.integers, _few_integers),
    "SurrogateSeedsFromLatents": Rule(_seeds_from_latents),
    "SurrogateSeedsFromPictures": Rule(_not_in_the_file("its pictures are")),
    "SurrogateInvert": Rule(_not_in_the_file("its noises are")),
    "SurrogateLoadSeeds": Rule(_not_in_the_file("its seeds are")),
    "SurrogateSaveSeeds": Rule(_save_seeds),
    "SurrogateSeedsFromPoints": _act(acts.seeds, _few_given),
    "SurrogateJoinSeeds": _act(seed_acts.join, _few_seeds),
    "SurrogateSpace": _act(space_acts.space),
    "SurrogatePoint": _act(acts.point, _few_rows),
    "SurrogateWeights": _act(acts.weights, _few_rows),
    "SurrogateGrid": _act(acts.grid, _few_cells),
    "SurrogateCorners": _act(acts.corners, _few_cells),
    "SurrogateSlice": _act(acts.slice_through, _small_side),
    "SurrogatePath": _act(acts.path, _few_frames),
    "SurrogateNeighbours": _act(acts.neighbours, _few_points),
    "SurrogateRandomPoints": _act(acts.random_points, _few_points),
    "SurrogateSelectPoints": _act(acts.select, _few_numbers),
    "SurrogateLocateLatent": Rule(_not_in_the_file("the latent it located is")),
    "SurrogateNoise": Rule(_noise, lists="out"),
    "SurrogateConditioning": Rule(_conditioning, lists="out"),
    "SurrogateCarrier": Rule(_carrier),
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
    "SurrogatePick": Rule(_not_in_the_file("a study's points are")),
    "SurrogateScoreInput": Rule(_not_in_the_file("a search's points are")),
    "SurrogateSearchStep": Rule(_not_in_the_file("a search's points are")),
    "SurrogateSearch": Rule(_not_in_the_file("a search's points are")),
    "SurrogateExplorer": Rule(_explorer),
}
