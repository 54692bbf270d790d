"""What changes while a study runs, and must be the same for all who work on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .drafts.drafting import Drafting
from .workers import Worker

__all__ = ["Hold", "State"]


@dataclass(frozen=True)
class Hold:
    """`worker` works on a run until it is heard of again, or until the time `until`, in seconds since 1970.

    `claimed` is the generation that it is still thinking out; None once its points are stored.
    """

    worker: Worker
    until: float
    claimed: int | None = None

    def is_over(self, now: float) -> bool:
        """Whether nothing was heard of the worker for too long, at the time `now`."""
        return self.until < now

    def to_json(self) -> dict:
        held = {"worker": self.worker.to_json(), "until": self.until}
        return held if self.claimed is None else {**held, "claimed": self.claimed}

    @classmethod
    def from_json(cls, entry: Mapping) -> Hold:
        return cls(Worker.from_json(entry["worker"]), entry["until"], entry.get("claimed"))


@dataclass
class State:
    """A study's budget and population, a `note`, who holds which run, how often finished points were `retold`,
    and what was decided about `drafting`.

    `pictures` says where pictures are kept for all who work on it (see `picture_places`).
    `id` is the study's identity: a deleted study's name, and its number in the database, can come again.
    """

    id: str
    budget: int
    population: int
    note: str = ""
    runs: dict[int, Hold] = field(default_factory=dict)
    retold: int = 0
    pictures: str = ""
    drafting: Drafting | None = None

    def to_json(self) -> dict:
        runs = {str(run): hold.to_json() for run, hold in self.runs.items()}
        entry = {"id": self.id, "runs": runs, "note": self.note, "budget": self.budget, "population": self.population}
        drafting = None if self.drafting is None else self.drafting.to_json()
        later = {"retold": self.retold, "pictures": self.pictures, "drafting": drafting}
        return {**entry, **{name: value for name, value in later.items() if value}}

    @classmethod
    def from_json(cls, entry: Mapping) -> State:
        runs = {int(run): Hold.from_json(hold) for run, hold in entry["runs"].items()}
        drafting = Drafting.from_json(entry["drafting"]) if "drafting" in entry else None
        later = entry.get("retold", 0), entry.get("pictures", ""), drafting
        return cls(entry["id"], entry["budget"], entry["population"], entry["note"], runs, *later)
