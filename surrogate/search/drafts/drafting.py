"""Which drafts a study makes now, and when they are checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

__all__ = ["CHECK", "FIRST", "RESERVE", "Drafting"]

# Finished pictures before the first decision, drafts between two checks, and how many of the best drafts are finished
# with the end of the budget; after how many failed checks in a row drafts are given up.
FIRST, CHECK, RESERVE, PATIENCE = 16, 16, 2, 2


@dataclass(frozen=True)
class Drafting:
    """What a study has decided about drafts of pictures of `of` steps.

    `step`: after how many steps candidates are judged; 0: all are finished; None: that is not decided yet. `refuted`: the
    largest number of steps whose drafts failed a check. `since`: drafts since the last check; `failed`: how many checks in a
    row have failed.
    """

    of: int
    step: int | None = None
    refuted: int = 0
    since: int = 0
    failed: int = 0

    @property
    def due(self) -> bool:
        """Whether it is time for a check."""
        return bool(self.step) and self.since >= CHECK

    def decided(self, step: int | None) -> Drafting:
        return replace(self, step=step, since=0, failed=0)

    def after(self, drafts: int) -> Drafting:
        """When so many more drafts were made."""
        return replace(self, since=self.since + drafts)

    def checked(self, held: bool, steadfast: bool = False) -> Drafting:
        """After a check. If what drafts promised did not hold `PATIENCE` times in a row, others have to be found, or none;
        not if somebody else has decided: `steadfast`."""
        failed = 0 if held else self.failed + 1
        if failed >= PATIENCE and not steadfast:
            return Drafting(self.of, refuted=self.step or 0)
        return replace(self, since=0, failed=failed)

    def to_json(self) -> dict:
        return asdict(self)

    @classmethod
    def from_json(cls, entry: Mapping) -> Drafting:
        return cls(**{name: entry[name] for name in ("of", "step", "refuted", "since", "failed")})
