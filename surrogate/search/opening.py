"""Opening a study: found under its name and still of the same, or new."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..checks import choice, whole
from .definition import Definition
from .optimisers import Optimiser
from .state import State
from .store import Store
from .values import OtherStudy, StudyError

__all__ = ["Found", "Wanted", "find_or_create", "read_definition"]

FORMAT = 1
LARGEST_BUDGET, LARGEST_POPULATION = 1_000_000, 10_000
ON_MISMATCH = ("refuse", "new")


@dataclass(frozen=True)
class Wanted:
    """What may change when a study is opened again. `note` and `pictures` are None to leave them as they are."""

    budget: int
    population: int
    note: str | None
    pictures: str | None = None

    @classmethod
    def of(cls, optimiser: Optimiser, budget, population, note, pictures=None) -> Wanted:
        """Checked; `population` None is the optimiser's own. Raises ValueError for numbers out of their range."""
        size = optimiser.population if population is None else population
        return cls(
            whole("budget", budget, 1, LARGEST_BUDGET),
            whole("population", size, optimiser.smallest_population, LARGEST_POPULATION),
            None if note is None else str(note),
            None if pictures is None else str(pictures).strip(),
        )

    def applied(self, state: State) -> State:
        """`state` as it is wanted."""
        note = state.note if self.note is None else self.note
        pictures = state.pictures if self.pictures is None else self.pictures
        return dataclasses.replace(state, budget=self.budget, population=self.population, note=note, pictures=pictures)


@dataclass(frozen=True)
class Found:
    """A study in its store: the `name` under which it was found, its number and identity, what to tell the user, and
    where its `pictures` are kept.
    """

    name: str
    study_id: int
    identity: str
    remarks: tuple[str, ...]
    pictures: str


def find_or_create(store: Store, name: str, definition: Definition, wanted: Wanted, on_mismatch: str) -> Found:
    """The study of `definition` under `name`, or "name (2)" and so on with on_mismatch "new"; made if there is none.

    Raises OtherStudy, a ValueError, if the name belongs to a study of something else, StudyError if the storage cannot be used.
    """
    choice("on_mismatch", on_mismatch, ON_MISMATCH)
    for attempt in range(3):
        try:
            return _find_or_create(store, name, definition, wanted, on_mismatch)
        except StudyError as error:
            # In a database server two processes can create the same name at once; then the other one's is there.
            if attempt == 2 or "IntegrityError" not in type(error.__cause__).__name__:
                raise
    raise AssertionError("unreachable")


def read_definition(entry: Mapping | None, name: str) -> Definition:
    """The definition that is stored of the study `name`; raises StudyError if it is not ours, or of a newer version."""
    if entry is None:
        raise StudyError(f"The study {name!r} was made by another program than this pack: choose another name.")
    if entry.get("format") != FORMAT:
        raise StudyError(
            f"The study {name!r} was made by a newer version of this pack (format {entry.get('format')}, this one "
            f"reads {FORMAT}): update the pack, or choose another name."
        )
    return Definition.from_json(entry)


def _find_or_create(store: Store, name: str, definition: Definition, wanted: Wanted, on_mismatch: str) -> Found:
    with store.writing() as connection:
        number, candidate = 1, name
        while (found := store.find(connection, candidate)) is not None:
            differences = _compare(found.definition, candidate, definition)
            if not differences:
                break
            if on_mismatch == "refuse":
                raise OtherStudy(
                    f"The study {candidate!r} in {store.label} searches something else: {'; '.join(differences)}. "
                    'Choose another name, undo the change, or let a new study "name (2)" be started: on_mismatch="new".'
                )
            number += 1
            candidate = f"{name} ({number})"
        remarks = [f"Another space or setting than before: this is the study {candidate!r}."] if number > 1 else []
        if found is None or found.state is None:
            state = wanted.applied(State(uuid.uuid4().hex, 0, 0))
            entry = {"format": FORMAT, "id": state.id, **definition.to_json()}
            study_id = store.create(connection, candidate, definition.directions, entry, state)
            return Found(candidate, study_id, state.id, tuple(remarks), state.pictures)
        state = wanted.applied(found.state)
        if state != found.state:
            store.set_state(connection, found.study_id, state)
        remarks += _changes(found.state, state)
        return Found(candidate, found.study_id, state.id, tuple(remarks), state.pictures)


def _changes(before: State, now: State) -> list[str]:
    """Sentences on what is wanted otherwise than `before`."""
    changes: Sequence[str] = ("budget", "population")
    remarks = [
        f"The {name} was {getattr(before, name)} and is {getattr(now, name)} now."
        for name in changes
        if getattr(before, name) != getattr(now, name)
    ]
    if before.note != now.note:
        remarks.append(
            f"The note was {before.note!r} and is {now.note!r} now: if the images are made otherwise than before, their "
            "scores cannot be compared with the earlier ones."
        )
    return remarks


def _compare(entry: Mapping | None, name: str, definition: Definition) -> list[str]:
    try:
        return read_definition(entry, name).differences(definition)
    except StudyError as error:
        return [str(error)]
