"""From a session to noises: which combination of fresh noises each picture of a page is."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..seeds import Seeds
from ..space import LARGEST_K, SurrogateSpace
from ..transports import Composite, Transport
from .evolution import MOST_TURN, Evolution, blends, turned
from .session import Page, Session

__all__ = ["all_weights", "fresh_seeds", "liked_weights", "page_weights", "space_of", "used"]

EVOLUTION = Evolution()
# `turn` 0 and 100 divide and multiply the angle by this.
CLOSER = 3.0
SURPRISE = 1.2


def page_weights(session: Session, number: int, given: int, seed: int) -> np.ndarray:
    """Weights w (n, given + fresh) of the pictures of page `number`: each row has unit norm.

    given : how many seeds the session began with; these are the first columns, the fresh noises of all pages follow
    seed : the course's number: another one, other blends

    The result depends on the pages that led to this one, and on nothing that came after it.
    """
    return _weights(session, session.chain(number), given, seed)[number]


def all_weights(session: Session, given: int, seed: int) -> dict[int, np.ndarray]:
    """The weights of every page, by its number, as `page_weights` gives them."""
    return _weights(session, range(len(session.pages)), given, seed)


def _weights(session: Session, numbers: Iterable[int], given: int, seed: int) -> dict[int, np.ndarray]:
    """The weights of the pages `numbers`, each of which follows all that led to it."""
    columns = given + _before(session, len(session.pages))
    made: dict[int, np.ndarray] = {}
    for i in numbers:
        page = session.pages[i]
        fresh = np.zeros((page.count, columns))
        if page.act != "finish":
            start = given + _before(session, i)
            fresh[np.arange(page.count), start + np.arange(page.count)] = 1.0
        liked = [made[j][cell] for j, cell in session.led_to(i)]
        chance = np.random.default_rng([seed, i])
        made[i] = _made(page, made.get(page.of), liked, fresh, given, _depth(session, i), chance)
    return made


def liked_weights(session: Session, given: int, seed: int) -> np.ndarray:
    """Weights (n, columns) of all that was liked on the way to the page that is shown, the latest last, each once."""
    made = _weights(session, session.chain(session.shown), given, seed)
    rows = [made[i][cell] for i, cell in session.liked()]
    return np.array(rows).reshape(len(rows), next(iter(made.values())).shape[1])


def fresh_seeds(session: Session, given: Seeds, seed: int) -> Seeds:
    """The `given` seeds and the fresh ones of all pages: the integers from `seed` on, less those that are given."""
    return given + given.others_from(seed, _before(session, len(session.pages)))


def space_of(seeds: Seeds, w: np.ndarray, transport: Transport | Composite | str) -> tuple[SurrogateSpace, np.ndarray]:
    """The smallest space that holds the combinations w (n, len(seeds)), and their weights in it.

    Raises ValueError if they are made of more seeds than a space can have.
    """
    columns = used(w)
    if len(columns) > LARGEST_K:
        raise ValueError(
            f"This session has blended {len(columns)} noises; a space holds at most {LARGEST_K}. Begin a new session with "
            "what you like as seeds: nothing of it is lost."
        )
    for column in range(w.shape[1]):  # a space has two seeds at least
        if len(columns) < 2 and column not in columns:
            columns = np.sort(np.append(columns, column))
    return SurrogateSpace(Seeds(tuple(seeds[int(i)] for i in columns)), "whole_sphere", transport), w[:, columns]


def used(w: np.ndarray) -> np.ndarray:
    """The columns of w (n, k) that are not zero everywhere."""
    return np.flatnonzero(w.any(axis=0))


def _made(page: Page, before, liked: list, fresh: np.ndarray, given: int, depth: int, chance) -> np.ndarray:
    """The weights of `page`; `before` are those of the page that it was made of, `liked` what was liked on the way."""
    if page.act == "finish":
        return np.array(liked)
    if page.act == "near":
        return _around(before[page.at], fresh, page, depth)
    if page.act == "new" or not liked:
        return _begin(fresh, given) if page.of < 0 else fresh
    if page.act == "mix":
        return _mixed(liked, fresh, chance)
    if page.act == "surprise":
        return turned(blends(liked, len(fresh), chance), fresh, np.full(len(fresh), SURPRISE))
    return _bred(page, liked, fresh, depth, chance)


def _begin(fresh: np.ndarray, given: int) -> np.ndarray:
    """The first page: the given seeds themselves, then fresh noises."""
    first = fresh.copy()
    for i in range(min(given, len(first))):
        first[i] = np.eye(fresh.shape[1])[i]
    return first


def _bred(page: Page, liked: list, fresh: np.ndarray, depth: int, chance) -> np.ndarray:
    """What was liked last, as it is, and blends of the last few, each turned towards a noise of its own."""
    angles = EVOLUTION.angles(depth, len(fresh), _factor(page.turn), chance)
    if page.act == "none":
        angles = np.minimum(1.5 * angles, MOST_TURN)
    w = EVOLUTION.children(liked, fresh, angles, chance)
    if page.act == "more" and len(w) > 1:
        w[0] = liked[-1]
    return w


def _around(centre: np.ndarray, fresh: np.ndarray, page: Page, depth: int) -> np.ndarray:
    """A picture and its neighbours, all at the same small angle."""
    angle = min(EVOLUTION.narrowest, EVOLUTION.angle(depth)) * _factor(page.turn)
    w = turned(np.repeat(centre[None], len(fresh), axis=0), fresh, np.full(len(fresh), min(angle, MOST_TURN)))
    w[0] = centre
    return w


def _mixed(liked: list, fresh: np.ndarray, chance) -> np.ndarray:
    """Blends of everything that was liked; of a single picture, its neighbours."""
    if len(liked) == 1:
        return turned(blends(liked, len(fresh), chance), fresh, np.full(len(fresh), EVOLUTION.narrowest))
    return blends(liked, len(fresh), chance)


def _factor(turn: int) -> float:
    return CLOSER ** (turn / 50 - 1)


def _depth(session: Session, number: int) -> int:
    """How many pages on the way to page `number`, with it, were bred from what was liked."""
    return sum(session.pages[i].act in ("more", "none", "mix", "near") for i in session.chain(number))


def _before(session: Session, number: int) -> int:
    """How many fresh noises the pages before `number` have."""
    return sum(page.count for page in session.pages[:number] if page.act != "finish")
