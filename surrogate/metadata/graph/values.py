"""What travels on a prompt's wires, as far as the noise is concerned: where each picture of a batch comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...seeds import IntegerSeed, Seed
from ..errors import Untraceable

__all__ = [
    "MOST_ROWS",
    "Batch",
    "Noise",
    "Opaque",
    "Row",
    "Sigmas",
    "Unknown",
    "batch_of",
    "random_noise",
    "unknown_of",
]

# ComfyUI's empty latents hold at most this many.
MOST_ROWS = 4096
# A picture behind more unknown nodes than this is told so once: notes are kept for each row and each node.
MOST_NOTES = 8


@dataclass(frozen=True)
class Row:
    """One picture of a batch: the `seed` of its noise, and `sampler`, the node that sampled it first.

    Before sampling both are None; `given` then tells a picture from an empty latent, and `reason` says, if it is known,
    why no noise is found for it. `foreign`: something made it whose noise is not KSampler's, and only a sampler that
    begins where noise is all there is replaces that. `unsure`: nodes of other packs may have changed how many rows
    there are, or their order.
    """

    seed: Seed | None = None
    sampler: str | None = None
    given: bool = False
    unsure: bool = False
    notes: tuple[str, ...] = ()
    foreign: bool = False
    reason: str = ""

    @property
    def made(self) -> bool:
        """Whether some noise decides it, known or not."""
        return self.sampler is not None or self.foreign

    @property
    def origin(self) -> tuple:
        """Equal for pictures of one noise."""
        return (self.seed, self.sampler, self.foreign and self.reason)

    def noted(self, note: str) -> Row:
        if note in self.notes or len(self.notes) > MOST_NOTES:
            return self
        if len(self.notes) == MOST_NOTES:
            note = "more of its nodes are not known, or sample it again"
        return replace(self, notes=(*self.notes, note))


@dataclass(frozen=True)
class Batch:
    """A LATENT or an IMAGE: its rows. `index` is a latent's `batch_index`; `size` are width, height (and frames) in
    pixels that a sampler works at, where the prompt tells; a row of a `clip` is many pictures; `decoded`: these are
    pixels, not latents; `masked`: a noise mask keeps a sampler to a part of each."""

    rows: tuple[Row, ...]
    index: tuple[int, ...] | None = None
    size: tuple[int, ...] | tuple[float] | None = None
    clip: bool = False
    decoded: bool = False
    masked: bool = False

    def __post_init__(self):
        if not 1 <= len(self.rows) <= MOST_ROWS:
            raise Untraceable(f"a batch of {len(self.rows)} is not between 1 and {MOST_ROWS}")

    @property
    def sampled(self) -> bool:
        return any(row.sampler is not None for row in self.rows)

    @property
    def made(self) -> bool:
        return any(row.made for row in self.rows)

    def each(self, change: Callable[[Row], Row]) -> Batch:
        """The batch with every row changed."""
        return replace(self, rows=tuple(map(change, self.rows)))

    def noted(self, note: str) -> Batch:
        return self.each(lambda row: row.noted(note))


@dataclass(frozen=True)
class Noise:
    """A NOISE: `draw(latent)` gives the seed of each of its rows. None for a noise of zeros."""

    draw: Callable[[Batch], list[Seed]] | None
    name: str


@dataclass(frozen=True)
class Sigmas:
    """A schedule: whether it begins where noise is all there is, and how many steps it has. None: not known."""

    whole: bool | None
    steps: int | None = None


@dataclass(frozen=True, eq=False)  # compared by what they hold, chains of them could take for ever
class Opaque:
    """What a node gives that this package knows nothing of.

    `numbers`, `flags` and `texts` were typed into it (the numbers with their names), `links` is what was handed to it,
    by name, and `batch` is what its pictures or latents are, if it has any. `instead` is what it may be where pictures
    are asked for: versions of a node differ in their outputs.
    """

    node: str
    numbers: tuple[tuple[str, int | float], ...] = ()
    texts: tuple[str, ...] = ()
    flags: tuple[bool, ...] = ()
    links: tuple[tuple[str, object], ...] = ()
    batch: Batch | Unknown | None = None
    instead: Batch | None = None


@dataclass(frozen=True)
class Unknown:
    """What cannot be known, and why."""

    reason: str


def batch_of(value: object) -> Batch | None:
    """The pictures or latents that a value is, or that an unknown node hands on."""
    if isinstance(value, Opaque):
        return value.batch if isinstance(value.batch, Batch) else value.instead
    return value if isinstance(value, Batch) else None


def unknown_of(value: object) -> Unknown | None:
    """Why the pictures or latents that a value stands for cannot be known, if they cannot."""
    found = value.batch if isinstance(value, Opaque) else value
    return found if isinstance(found, Unknown) else None


def random_noise(seed: int) -> Noise:
    """Core's own noise of an integer seed."""

    def draw(latent: Batch) -> list[Seed]:
        if latent.index is None:
            return [IntegerSeed(seed, i, len(latent.rows)) for i in range(len(latent.rows))]
        # Drawn one by one: what a batch of as many would have, wherever core's stream keeps to blocks of 16.
        count = max(latent.index) + 1
        if min(latent.index) < 0 or count > MOST_ROWS:
            raise Untraceable(f"its batch_index {min(latent.index)} to {count - 1} is not one")
        return [IntegerSeed(seed, i, count if i else 1) for i in latent.index]

    try:
        IntegerSeed(seed)
    except ValueError:
        raise Untraceable(f"{seed} is no seed: it must be between 0 and 2^64 - 1") from None
    return Noise(draw, str(seed))
