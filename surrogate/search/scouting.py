"""Scouting: a search that finds its own seeds. A part of the budget goes to noises of integer seeds, and the best of
them span the space that the rest of the budget searches.

>>> from surrogate import space_from_recipe
>>> from surrogate.search import Scouting
>>> def score(space, u):
...     return -((space.latents(u, shape=(8,)).numpy() - 0.5) ** 2).mean(axis=1)
>>> scouting = Scouting.open(None, "bowl", budget=96, k=4)
>>> while len(generation := scouting.study.ask()):
...     report = scouting.study.tell(generation, score(scouting.space, generation.u))
>>> study = scouting.search()
>>> space = space_from_recipe(study.definition.space)
>>> while len(generation := study.ask()):
...     report = study.tell(generation, score(space, generation.u))
>>> space.seeds.labels, report.evaluated, report.best.score > scouting.study.best.score
(('29', '18', '9', '25'), 64, True)

Both phases are studies of the same storage, so each goes on where it stopped, and no noise is scored twice.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .. import checks
from ..points import vertices
from ..recipes import space_from_recipe
from ..scores.distances import picture_distances
from ..seeds import Seeds
from ..space import SurrogateSpace
from .definition import Definition, check_name
from .optimisers import Scout
from .study import Study, study_names
from .values import History, StudyError

__all__ = ["MOST_NOISES", "Scouting", "diverse", "scouting_name"]

# A point of n noises has n - 1 coordinates: 512 take 40 MB in the storage. More than that would not say much more.
MOST_NOISES = 512

Pictures = Callable[[int], np.ndarray | None]


@dataclass(frozen=True, eq=False)
class Scouting:
    """The first phase of a search that finds its own seeds: made by `Scouting.open`, the same in every process.

    `study` scores the noises of n integers, each once; they are the seeds of `space`, so ask and tell it as any study.
    When it is finished, `search` opens the second phase, the study of the space of the `k` best.
    `remarks` are sentences for the user about how the scouting was opened.
    """

    study: Study
    space: SurrogateSpace
    k: int
    diversity: float
    remarks: tuple[str, ...]
    _definition: Definition = field(repr=False)
    _opening: Mapping = field(repr=False)

    @classmethod
    def open(
        cls,
        storage: str | os.PathLike | None,
        name: str,
        *,
        budget: int,
        first: int = 0,
        k: int = 16,
        share: float = 1 / 3,
        diversity: float = 0.3,
        chart: str = "knothe_rosenblatt",
        **search,
    ) -> Scouting:
        """The scouting of the search `name` in `storage`, continued if it exists.

        `budget`: images of both phases. `share`: the part of it that is scouted, but at least `k` noises and at most
        512: those of the integers from `first` on. Their number stays what it was when the scouting began; images that
        are added to the budget later are for the search. `diversity`: see `search`. `chart`: of the search's space.
        All other arguments are those of `Study.open`; optimiser, seed and settings are the search's alone.

        Raises ValueError for values that cannot be, also of the search, and if a name belongs to a study of something
        else. With on_mismatch="new" a numbered one is taken instead; a scouting that still fits is used again.
        Raises StudyError if the storage cannot be used.
        """
        check_name(name)
        k, first = checks.whole("k", k, 2, MOST_NOISES), checks.whole("first", first, 0, 2**64 - MOST_NOISES)
        share, diversity = checks.share("share", share), checks.share("diversity", diversity)
        # In memory: what the search cannot be is said now, not when the noises are spent.
        draft = Study.open(None, name, SurrogateSpace(Seeds.from_range(first, k), chart), budget=budget, **search)
        new = search.get("on_mismatch") == "new"
        if draft.optimiser.widens:
            raise ValueError(
                f"The optimiser {draft.optimiser.name} scouts by itself: give it a study of its own, of a space of any seeds "
                "(Study.open), or choose another optimiser for what follows the scouting."
            )

        def noises(count: int) -> SurrogateSpace:
            return SurrogateSpace(Seeds.from_range(first, count))

        def scouted(space: Mapping) -> Definition:
            recipe = noises(len(space["seeds"])).recipe()
            return replace(draft.definition, space=recipe, optimiser=Scout.name, settings={}, seed=0)

        planned = min(max(k, round(share * budget)), MOST_NOISES)
        begun = _earlier(storage, scouting_name(name), scouted, new)
        n = begun.k if begun else planned
        if n < k:
            raise ValueError(
                f"{k} seeds cannot be chosen from {n} noises, which are scouted already: choose at most {n}."
            )
        if n >= budget:
            remedy = "" if begun else ", or lower the number of seeds or the share"
            raise ValueError(
                f"A budget of {budget} images leaves none to search with when {n} noises are scouted: raise it to "
                f"{n + 1} at least, better to {3 * n}{remedy}."
            )
        remarks = []
        if n != planned:
            remarks.append(f"{n} noises were scouted when this search began. They stay: {budget - n} images search.")
        elif round(share * budget) > n > k:
            remarks.append(f"{n} noises are scouted, the most there can be; {budget - n} images search.")
        shared = ("shape", "directions", "population", "on_mismatch", "worker", "lease", "pictures")
        study = Study.open(
            storage,
            scouting_name(name),
            noises(n),
            budget=n,
            optimiser=Scout.name,
            **{key: search[key] for key in shared if key in search},
        )
        if not new and name in study_names(storage) and not study.finished:
            raise ValueError(
                f"There is a study {name!r} already, but its scouting {study.name!r} has not come to its end: choose "
                "another name for this search, or delete that study."
            )
        origin = {"first": first, "noises": n, "seeds": k, "diversity": diversity}
        definition = replace(draft.definition, space={**draft.definition.space, "scouted": origin})
        opening = {"storage": storage, "name": name, "budget": budget - n, **search}
        return cls(study, noises(n), k, diversity, (*study.remarks, *remarks), definition, opening)

    def search(self, pictures: Pictures | None = None) -> Study:
        """The second phase, opened or continued: the study of the space of the k best noises, whose scores it knows.

        `pictures(number)` gives the small picture (h, w, 3) uint8 of the scouting's point `number`, or None. With them
        the seeds are chosen one by one, the best score first, then whatever is best by
        (1 - diversity) · rank + diversity · distance: rank 1 is the best score and 0 the worst (of several scores as in
        `History.ranked`), distance how far the picture is from the nearest one chosen, 1 if as far as two pictures
        are on average, or farther. Without all pictures by score alone, and a remark says so. Who was chosen once stays.

        In memory (storage None) each call opens a study of its own. Raises ValueError if the scouting is not finished,
        or if fewer than k noises have a score.
        """
        report = self.study.report()
        if not report.finished:
            raise ValueError(f"The scouting {report.name!r} is not finished ({report}): ask and tell its study first.")
        opening = dict(self._opening)
        storage, name, new = opening.pop("storage"), opening.pop("name"), opening.get("on_mismatch") == "new"
        history, rows = self._scouted()
        begun = _earlier(storage, name, lambda space: self._search(space["seeds"]), new)
        remarks: list[str] = []
        if begun is None:
            seeds = {row: label for label, row in rows.items()}
            begun = self._search([seeds[row] for row in self._choose(history, rows, pictures, remarks)])
        study = Study.open(storage, name, begun.space, **opening)
        corners = vertices(space_from_recipe(begun.space))
        study.add_known(corners.u, history.scores[[rows[label] for label in begun.space["seeds"]]], corners.labels)
        return replace(study, remarks=(*study.remarks, *remarks))

    @property
    def lacks_pictures(self) -> bool:
        """Whether fewer than k noises have a score, and some failed because of their pictures: see `Study.retell`."""
        history = self.study.history()
        return len(history.ranked()) < self.k and bool(len(history.unusable))

    def places(self, study: Study) -> list[tuple[int, int]]:
        """For each seed of the search `study` its number in the scouting, and its number there as a known point."""
        space = study.definition.space
        known = study.history().known_rows(vertices(space_from_recipe(space)).u).tolist()
        _, rows = self._scouted()
        return [(rows[label], row) for label, row in zip(space["seeds"], known, strict=True)]

    def _scouted(self) -> tuple[History, dict[str, int]]:
        """The scouting's points, and the row of each noise by its label."""
        history = self.study.history()
        rows = np.flatnonzero(~history.known)
        noises = self.space.weights(history.u[rows]).argmax(axis=1)
        return history, {self.space.seeds[i].label: row for i, row in zip(noises.tolist(), rows.tolist(), strict=True)}

    def _search(self, seeds: Sequence[str]) -> Definition:
        """What is searched if `seeds` are chosen."""
        return replace(self._definition, space={**self._definition.space, "seeds": list(seeds)})

    def _choose(self, history: History, rows, pictures: Pictures | None, remarks: list[str]) -> list[int]:
        """The rows of the k noises to keep; what there is to say about it is added to `remarks`."""
        scouted = set(rows.values())
        ranked = [row for row in history.ranked().tolist() if row in scouted]
        if len(ranked) < self.k:
            failed = sorted({history.reasons[row] for row in scouted.difference(ranked)})
            raise ValueError(
                f"{len(ranked)} of the {len(scouted)} scouted noises have a score, but {self.k} seeds are to be chosen: "
                f"choose fewer, or scout under another name with a score that fails less ({failed[0][:200]})."
            )
        if not self.diversity:
            return ranked[: self.k]
        shown = [None if pictures is None else pictures(row) for row in ranked]
        seen = [picture for picture in shown if picture is not None]
        if len(seen) < len(shown):
            missing = len(shown) - len(seen)
            what = f"{missing} of {len(shown)} pictures are missing" if seen else "There are no pictures"
            remarks.append(f"{what} of the scouted noises: the seeds were chosen by their scores alone.")
            return ranked[: self.k]
        return [ranked[i] for i in diverse(picture_distances(seen), self.k, self.diversity)]


def scouting_name(name: str) -> str:
    """The name of the scouting that belongs to the search `name`."""
    return f"{name} · scouting"


def diverse(distances: np.ndarray, k: int, diversity: float) -> list[int]:
    """Which k of n things, sorted best first, are good and unlike each other: maximal marginal relevance, greedily.

    `distances` (n, n) float64. The first is taken, then k - 1 times what has the largest
    (1 - diversity) · (1 - place / (n - 1)) + diversity · min(1, distance to the nearest taken / usual distance),
    of equals the better; the usual distance is the mean of all pairs. Carbonell and Goldstein 1998, on ranks.
    """
    n = len(distances)
    if not 1 <= k <= n or distances.shape != (n, n):
        raise ValueError(f"k must be from 1 to the number of things and distances (n, n), got {k}, {distances.shape}.")
    rank = np.linspace(1, 0, n)
    usual = distances[np.triu_indices(n, 1)].mean() if n > 1 else 0.0
    taken, nearest = [0], distances[0]
    while len(taken) < k:
        apart = np.minimum(1, nearest / usual) if usual > 0 else np.zeros(n)
        worth = (1 - diversity) * rank + diversity * apart
        worth[taken] = -np.inf
        taken.append(int(worth.argmax()))
        nearest = np.minimum(nearest, distances[taken[-1]])
    return taken


def _earlier(storage, name: str, like: Callable[[Mapping], Definition], new: bool) -> Definition | None:
    """What the study `name` searches, if that is `like` its own space; with `new` also of "name (2)" and so on."""
    names = set(study_names(storage))
    for number in itertools.count(1):
        candidate = name if number == 1 else f"{name} ({number})"
        if candidate not in names:
            return None
        try:
            found = Study.load(storage, candidate).definition
            if not found.differences(like(found.space)):
                return found
        except (StudyError, ValueError):
            pass  # Of a newer version: opening it says so.
        if not new:
            return None
    return None  # not reached: the numbers do not end
