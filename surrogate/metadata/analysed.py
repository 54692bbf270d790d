"""A prompt that is parsed and followed once, however many files hold it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ..seeds import Seed
from .errors import Untraceable
from .files.embedded import Embedded
from .graph.prompt import parse_prompt
from .graph.savers import Saver, savers_of
from .graph.settings import Settings, settings_of
from .graph.trace import Trace
from .graph.values import Row

__all__ = ["Analysed", "Written", "seeds_in"]


@dataclass(frozen=True)
class Written:
    """The files that a run of one save node wrote, in order: the rows in each, and its number in its batch."""

    rows: tuple[tuple[Row, ...], ...]
    numbers: tuple[int | None, ...]

    @cached_property
    def noises(self) -> tuple[tuple, ...]:
        """For each file what is equal for files of the same noise."""
        return tuple(tuple(seed.identity for seed in seeds_in(rows)) for rows in self.rows)

    @cached_property
    def all_alike(self) -> bool:
        return len(set(self.noises)) == 1

    @cached_property
    def unsure(self) -> bool:
        return any(row.unsure for rows in self.rows for row in rows)


def seeds_in(rows: tuple[Row, ...]) -> list[Seed]:
    """The seeds of rows that a sampler made."""
    return [row.seed for row in rows if row.seed is not None]


class Analysed:
    """A prompt, the nodes in it that write files, and where each picture gets its noise. Raises Untraceable."""

    def __init__(self, text: str):
        self.prompt = parse_prompt(text)
        self.savers = savers_of(self.prompt)
        self.trace = Trace(self.prompt, [saver.node.id for saver in self.savers])
        self._settings: dict[str, Settings] = {}
        self._written: dict[tuple[str, int], Written | Untraceable] = {}

    def settings(self, sampler: str) -> Settings:
        if sampler not in self._settings:
            self._settings[sampler] = settings_of(self.prompt, sampler)
        return self._settings[sampler]

    def written(self, saver: Saver, embedded: Embedded) -> Written:
        """The files of a run of `saver`, if they are such as `embedded`. Raises Untraceable."""
        key = (saver.node.id, min(embedded.frames, 2))  # stills, clips, and clips of a length that is not told
        if key not in self._written:
            try:
                files = saver.files(self.trace, embedded)
                self._written[key] = Written(tuple(rows for rows, _ in files), tuple(number for _, number in files))
            except Untraceable as error:
                self._written[key] = error
        found = self._written[key]
        if isinstance(found, Untraceable):
            raise found
        return found
