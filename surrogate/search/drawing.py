"""A search in pictures: its course, where it looked, the best it found, and all of that on one page.

Pictures of the points come from an `Album`; where it has none, cells stay empty. All functions return uint8 arrays
(height, width, 3), or None where there is nothing to show yet.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..pictures import contact_sheet, parallel_coordinates, score_curve, space_map
from ..pictures.album import Album
from ..pictures.compose import above, beside
from ..space import SurrogateSpace
from .values import History

__all__ = ["best_sheet", "card", "course", "course_sheet", "landscape", "page"]

# Generations on a sheet; of more, some are left out at even distances.
MOST_GENERATIONS = 48
# Best points whose pictures may be drawn on the map: more than have room there.
MOST_ON_MAP = 256
# Axes of parallel coordinates; of more seeds, those that weigh most in any point.
MOST_SEEDS = 64
# Columns of a sheet, and the side of its cells in pixels: as wide as the plots on the page.
BEST, COURSE, LATEST = (4, 228), (6, 148), (8, 104)


def course(history: History, budget: int, *, title: str | None = None, size=(960, 420)) -> np.ndarray | None:
    """Every score and the best so far, against images; with several scores, one plot below the other.

    Of a search with drafts, which spends a part of its budget on them, the axis ends at the last finished image.
    """
    rows = np.flatnonzero(~history.known & history.judged)
    if not len(rows):
        return None
    place = np.stack([history.run[rows], history.generation[rows]], axis=1)
    _, stripe = np.unique(place, axis=0, return_inverse=True)
    best, m = history.best_so_far, len(history.directions)
    plots = []
    for j, direction in enumerate(history.directions):
        name = title if m == 1 else f"{title or 'score'} {j + 1}"
        plots.append(
            score_curve(
                history.scores[rows, j],
                best[rows, j],
                generation=stripe.ravel(),
                budget=None if history.drafted.any() else budget,
                title=name,
                direction=direction,
                size=size,
            )
        )
    return above(plots)


def landscape(history: History, space: SurrogateSpace, album: Album | None = None) -> np.ndarray | None:
    """Where the points lie and how they scored: a map of two coordinates, else the weights of the seeds; of an adaptive
    search, whose seeds are as many as its images, the two directions in which its noises differ most.

    With an `album` the best points show their pictures on the map. Of several scores the first is shown.
    """
    rows = np.flatnonzero(history.judged)
    if not len(rows):
        return None
    scores, direction = history.scores[rows, 0], history.directions[0]
    ranked = history.ranked(1)
    best = int(np.flatnonzero(rows == ranked[0])[0]) if len(ranked) else None
    shown = set(history.ranked(MOST_ON_MAP).tolist())
    small = None if album is None else [album.small(row) if row in shown else None for row in rows.tolist()]
    if space.chart.signed:
        return space_map(
            _principal(space.weights(history.u[rows])),
            scores,
            field=False,
            best=best,
            thumbnails=small,
            names=("most of how the noises differ", "most of the rest"),
            direction=direction,
        )
    if space.k == 3:
        return space_map(
            history.u[rows], scores, seeds=_places(space), best=best, thumbnails=small, direction=direction
        )
    w = space.weights(history.u[rows])
    heaviest = np.sort(np.argsort(-w.max(axis=0), kind="stable")[:MOST_SEEDS])
    names = [space.seeds.labels[i] for i in heaviest]
    return parallel_coordinates(w[:, heaviest], scores, names, best=best, direction=direction)


def best_sheet(
    history: History, album: Album, count: int = 8, *, title: str | None = None, best: Sequence[int] | None = None
) -> np.ndarray | None:
    """The pictures of the `count` best points, best first; or of the points number `best`, which somebody chose of them."""
    rows = history.ranked(count) if best is None else np.array(best, dtype=int)
    return _sheet(history, album, rows, title, [history.labels[i] for i in rows], BEST)


def course_sheet(history: History, album: Album, *, title: str | None = None) -> np.ndarray | None:
    """The best picture of each generation, in their order."""
    ranks = np.full(len(history), len(history))
    ranked = history.ranked()
    ranks[ranked] = np.arange(len(ranked))
    leaders: dict[tuple[int, int], int] = {}
    for row in np.flatnonzero(~history.known & (ranks < len(history))).tolist():
        place = (int(history.run[row]), int(history.generation[row]))
        if place not in leaders or ranks[row] < ranks[leaders[place]]:
            leaders[place] = row
    rows = [leaders[place] for place in sorted(leaders)]
    if len(rows) > MOST_GENERATIONS:
        rows = [rows[i] for i in np.linspace(0, len(rows) - 1, MOST_GENERATIONS).round().astype(int)]
    names = [f"generation {_lane(history, row)}{history.generation[row] + 1}" for row in rows]
    return _sheet(history, album, np.array(rows, dtype=int), title, names, COURSE)


def card(history: History, album: Album, budget: int, latest: Sequence[int] = (), *, title: str = "") -> np.ndarray:
    """What to look at while it runs: the best picture, the course so far and the points `latest`, small."""
    ranked = history.ranked(1)
    parts = [_labelled(album.small(int(ranked[0])) if len(ranked) else None, "best so far", 256)]
    curve = course(history, budget, title=title, size=(720, max(300, parts[0].shape[0])))
    top = beside([*parts, *([] if curve is None else [curve])])
    rows = np.array(list(latest)[:16], dtype=int)
    strip = _sheet(history, album, rows, None, [""] * len(rows), LATEST)
    return top if strip is None else above([top, strip])


def page(
    history: History,
    space: SurrogateSpace,
    album: Album,
    budget: int,
    *,
    count: int = 8,
    title: str = "",
    target: np.ndarray | None = None,
    map_pictures: bool = False,
    best: Sequence[int] | None = None,
) -> np.ndarray:
    """The whole search on one page: what was wanted (`target`), what the best seed gave, what was found, and how.

    `count` and `best`: which are shown as the best, as in `best_sheet`.
    """
    ranked = history.ranked()
    seeds = [row for row in ranked.tolist() if history.known[row]]
    shown: list[tuple[str, np.ndarray | None]] = [] if target is None else [("target", target)]
    if seeds:
        shown.append((f"best known before, {history.labels[seeds[0]]}", album.small(seeds[0])))
    if len(ranked):
        shown.append(("found" if seeds or target is not None else "best", album.small(int(ranked[0]))))
    shown = [(name, picture) for name, picture in shown if picture is not None]
    rows = []
    if shown:
        pictures = contact_sheet(
            [picture for _, picture in shown],
            captions=[name for name, _ in shown],
            columns=len(shown),
            title=title or None,
            cell=256,
        )
        rows.append(pictures)
    curve = course(history, budget, title=None if shown else title or None)
    where = landscape(history, space, album if map_pictures else None)
    rows += [plot for plot in (curve, where) if plot is not None]
    rows += [
        sheet
        for sheet in (
            best_sheet(history, album, count, title="The best", best=best),
            course_sheet(history, album, title="The best of each generation"),
        )
        if sheet is not None
    ]
    return above(rows) if rows else contact_sheet([None], captions=["no image has a score yet"], title=title or None)


def _principal(w: np.ndarray) -> np.ndarray:
    """The first two principal components (n, 2) of w (n, k), one scale for both, within [0, 1]."""
    w = w - w.mean(axis=0)
    vectors, values, _ = np.linalg.svd(w, full_matrices=False)
    # The sign of a component is chance of the arithmetic: the last point, where the search has come to, right and up.
    flat = np.zeros((len(w), 2))
    flat[:, : min(2, len(values))] = (vectors * values)[:, :2]
    flat *= np.where(flat[-1] * [1, -1] < 0, -1.0, 1.0)
    middle, reach = (flat.max(axis=0) + flat.min(axis=0)) / 2, np.ptp(flat, axis=0).max()
    return 0.5 + 0.94 * (flat - middle) / (reach or 1.0)


def _places(space: SurrogateSpace) -> list[tuple[str, np.ndarray]]:
    """The seeds of a space of three on its map: where the first has all the weight, the other coordinate is free."""
    corners = [(label, space.chart.coordinates(w)) for label, w in zip(space.seeds.labels, np.eye(space.k))]
    first = space.chart.coordinates(np.eye(space.k)[0])
    return [(corners[0][0], np.array([[first[0], 0.0], [first[0], 1.0]])), *corners[1:]]


def _pictures(album: Album, rows) -> list[np.ndarray | None]:
    return [album.small(int(row)) for row in rows]


def _labelled(picture: np.ndarray | None, text: str, cell: int) -> np.ndarray:
    return contact_sheet([picture], captions=[text], cell=cell)


def _lane(history: History, row: int) -> str:
    return f"{history.run[row] + 1}/" if history.run.max() > 0 else ""


def _sheet(history: History, album: Album, rows, title, names, layout: tuple[int, int]) -> np.ndarray | None:
    """The pictures of `rows` with their scores, in a layout of (columns, cell); None if not one of them is there."""
    pictures = _pictures(album, rows)
    if all(picture is None for picture in pictures):
        return None
    columns, cell = layout
    one = len(history.directions) == 1
    captions = list(names)
    if not one:
        scores = [" / ".join(f"{s:.4g}" for s in history.scores[row]) for row in rows]
        captions = [f"{name} {score}".strip() for name, score in zip(names, scores)]
    return contact_sheet(
        pictures,
        captions=captions if any(captions) else None,
        scores=history.scores[rows, 0] if one else None,
        direction=history.directions[0],
        title=title,
        columns=min(columns, len(rows)),
        cell=cell,
    )
