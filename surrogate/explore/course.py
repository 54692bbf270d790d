"""A session, and the noises that its pictures are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..points import Points, from_weights
from ..seeds import Seeds
from ..space import LARGEST_K, SurrogateSpace
from ..space.point_seed import seed_at
from ..transports import Composite, Gaussian, Transport
from .breeding import all_weights, fresh_seeds, liked_weights, page_weights, space_of, used
from .session import Session

__all__ = ["Course"]


@dataclass(frozen=True)
class Course:
    """What the pictures of a `session` are made of.

    session : the pages, and what was liked
    seed : from 0 to 2^64 - 1: the fresh noises are those of the integers from it on, and it decides the blends
    given : seeds to begin with, which may be empty
    transport : of the spaces, as `SurrogateSpace` takes it
    """

    session: Session
    seed: int = 0
    given: Seeds = field(default_factory=lambda: Seeds(()))
    transport: Transport | Composite | str = field(default_factory=Gaussian)

    @property
    def act(self) -> str:
        """How the page that is shown was made: one of `ACTS`."""
        return self.session.pages[self.session.shown].act

    def page(self, number: int | None = None) -> tuple[SurrogateSpace, Points]:
        """The pictures of page `number` (default: the one that is shown) as points of the smallest space that has them."""
        number = self.session.shown if number is None else number
        return self._points(page_weights(self.session, number, len(self.given), self.seed))

    def liked(self) -> tuple[SurrogateSpace, Points] | None:
        """All that was liked on the way to the page that is shown, the latest last; None if nothing was.

        After very many pages the latest that one space can hold.
        """
        w = liked_weights(self.session, len(self.given), self.seed)
        while len(used(w)) > LARGEST_K:
            w = w[1:]
        return self._points(w) if len(w) else None

    def liked_seeds(self) -> Seeds:
        """What was liked as seeds: a fresh noise as its integer, a blend as a point of its space. Empty if nothing was."""
        found = self.liked()
        if found is None:
            return Seeds(())
        space, liked = found
        names = [mark or f"liked {number}" for number, mark in enumerate(liked.marks, 1)]
        points = zip(liked.u, names, liked.w, strict=True)
        return Seeds.join([Seeds((seed_at(space, u, name, w),)) for u, name, w in points])

    def alone(self, number: int | None = None) -> list[tuple[SurrogateSpace, Points]]:
        """Each picture of a page in a space of its own, the smallest there is: what its file says of it."""
        number = self.session.shown if number is None else number
        rows = page_weights(self.session, number, len(self.given), self.seed)
        return [self._points(row[None]) for row in rows]

    def whole(self) -> tuple[SurrogateSpace, dict[int, np.ndarray]]:
        """The space of all noises that the course can show, as many as a space holds, and each page's weights in it.

        Pages of which a picture has later noises, after more than a hundred, are left out.
        """
        seeds = self.given + self.given.others_from(self.seed, LARGEST_K - len(self.given))
        found = {}
        for number, w in all_weights(self.session, len(self.given), self.seed).items():
            if not w[:, len(seeds) :].any():
                found[number] = np.zeros((len(w), len(seeds)))
                found[number][:, : w.shape[1]] = w[:, : len(seeds)]
        return SurrogateSpace(seeds, "whole_sphere", self.transport), found

    @cached_property
    def seeds(self) -> Seeds:
        """The given seeds and the fresh ones of all pages."""
        return fresh_seeds(self.session, self.given, self.seed)

    def _points(self, w: np.ndarray) -> tuple[SurrogateSpace, Points]:
        space, w = space_of(self.seeds, w, self.transport)
        return space, from_weights(space, w)
