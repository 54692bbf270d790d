"""A study in its store, read and written by one at a time, and what this process remembers of it."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..recent import Recent
from .definition import Definition
from .ledger import Ledger
from .picture_places import forget_pictures
from .results import NOT_JUDGED, Result
from .state import State
from .store import Store
from .values import COMPLETE, FAILED, SKIPPED, Draft, StudyError

__all__ = ["Access", "Memory", "Told", "Writing", "memories"]

# Studies of which this process keeps points and optimisers at hand.
KEPT = 8


@dataclass
class Memory:
    """What a process keeps of a study, to be forgotten at any time: it can all be read and replayed again."""

    ledger: Ledger
    optimiser: dict = field(default_factory=dict)
    lock: Any = field(default_factory=threading.RLock)
    # Held while an optimiser thinks, so that `lock` is free: who only looks does not wait. Locks are taken in this
    # order: thinking, the database, lock.
    thinking: Any = field(default_factory=threading.Lock)
    # How many corrections of finished points (`Study.retell`) the ledger has.
    retold: int = 0
    # How many results this process has recorded.
    told_here: int = 0


memories: Recent[tuple[str, str], Memory] = Recent(KEPT)


class Told(NamedTuple):
    """What came back for the point in `row`."""

    row: int
    result: Result
    glimpse: np.ndarray | None = None
    draft: Draft | None = None


@dataclass
class Writing:
    """The database while it is ours: the study's `state`, and what the ledger takes up once it is stored.

    `time` is the one of the database's clock, in seconds since 1970.
    """

    connection: Any
    state: State
    time: float
    added: list[tuple] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Access:
    """The study `name` in `store`, where it has the number `study_id`."""

    name: str
    definition: Definition
    identity: str
    study_id: int
    store: Store

    @property
    def memory(self) -> Memory:
        """What this process knows of the study; several objects of one study share it."""
        return memories.get_or_make(self._key, lambda: Memory(self._empty()))

    @contextmanager
    def reading(self, memory: Memory) -> Iterator[State]:
        """The study's state; `memory` is up to date, and nobody else's."""
        with ExitStack() as held:
            with self.store.reading() as connection:
                held.enter_context(memory.lock)
                state = self._read(connection, memory)
            yield state

    @contextmanager
    def writing(self, memory: Memory) -> Iterator[Writing]:
        """The database is ours, and so is `memory`, which is up to date; it learns what was written when that is stored.

        Who only looks does not wait until another program lets go of the database.
        """
        with ExitStack() as held:
            with self.store.writing(self.study_id) as connection:
                held.enter_context(memory.lock)
                now = Writing(connection, self._read(connection, memory), self.store.time(connection))
                yield now
            if now.added:
                ids, numbers, u, notes, attributes = zip(*now.added, strict=True)
                memory.ledger.extend(ids, numbers, np.array(u), notes, attributes)
            if now.told:
                _finish(memory.ledger, now.told)
            memory.told_here += len(now.told)

    def save(self, now: Writing) -> None:
        """Store the state as it is now."""
        self.store.set_state(now.connection, self.study_id, now.state)

    def exists(self) -> bool:
        """Whether the study is still in its storage: not deleted, and no other one under its name."""
        try:
            with self.store.reading() as connection:
                state = self.store.state(connection, self.study_id)
        except StudyError:
            return False
        return state is not None and state.id == self.identity

    def delete(self) -> None:
        """Remove the study, all its points, and the pictures that the storage has of it."""
        with self.writing(self.memory) as now:
            self.store.delete(now.connection, self.study_id)
            forget_pictures(now.connection, self.identity)
        memories.forget(self._key)

    @property
    def _key(self) -> tuple[str, str]:
        return self.store.key, self.identity

    def _read(self, connection, memory: Memory) -> State:
        state = self.store.state(connection, self.study_id)
        if state is None or state.id != self.identity:
            raise StudyError(
                f"The study {self.name!r} was deleted from {self.store.label} while it was in use. "
                "Start a new one under another name, or open it again from the beginning."
            )
        # What is finished is read once; where it was corrected since, everything is read again.
        if memory.retold != state.retold:
            self._forget(memory)
            memory.retold = state.retold
        try:
            self.store.read(connection, self.study_id, memory.ledger)
        except BaseException:
            self._forget(memory)
            raise
        return state

    def _forget(self, memory: Memory) -> None:
        memory.ledger, memory.optimiser = self._empty(), {}

    def _empty(self) -> Ledger:
        return Ledger(self.definition.k - 1, self.definition.directions)


def _finish(ledger: Ledger, told: list[Told]) -> None:
    none = (math.nan,) * len(ledger.directions)
    states, scores, reasons = [], [], []
    for _, result, *_ in told:
        reason = result if isinstance(result, str) else ""
        states.append(FAILED if reason else SKIPPED if result == NOT_JUDGED else COMPLETE)
        scores.append(result if states[-1] == COMPLETE else none)
        reasons.append(reason)
    rows, _, glimpses, drafts = zip(*told, strict=True)
    ledger.finish(rows, states, np.array(scores, dtype=np.float64), reasons, glimpses, drafts)
