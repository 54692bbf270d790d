"""Seeds from pictures: every file is read, those that differ are left out, and each noise counts once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from os import PathLike
from pathlib import Path

from ..seeds import Seed, Seeds
from ..space import LARGEST_K
from .comparing import compared
from .files.bounds import shown_name
from .found import Found, Pictures
from .reader import Reader
from .report import report_of

__all__ = ["seeds_of", "seeds_of_pictures"]


def seeds_of_pictures(
    paths: Iterable[str | PathLike[str]],
    *,
    keep_differing: bool = False,
    limit: int = LARGEST_K,
    progress: Callable[[int, int], None] | None = None,
) -> Pictures:
    """The seeds whose vertices reproduce the pictures `paths`, and a report that names every file.

    Left out, with the reason: what holds no seed, what has another size or model than most (unless `keep_differing`),
    a noise that is there already, and all behind the first `limit` seeds. `progress(done, total)` is called before each
    file that is opened, and at the end; what it raises ends the search.
    """
    files = [Path(path) for path in paths]
    found: list[Found] = []

    def step() -> None:
        if progress is not None:
            progress(len(found), len(files))

    reader = Reader(step)
    for path in files:
        found.append(reader.found(path))
    step()
    return _kept(compared(found, keep_differing), limit)


def seeds_of(path: str | PathLike[str]) -> Found:
    """What the picture file `path` says of the noise that made it. Never raises for what is in the file."""
    return Reader().found(Path(path))


def _kept(found: list[Found], limit: int) -> Pictures:
    """Each noise once, and no more than `limit`."""
    seeds: dict[tuple, Seed] = {}
    sources: dict[tuple, tuple[Path, int]] = {}
    for i, one in enumerate(found):
        fresh: dict[tuple, tuple[Seed, int]] = {}
        for frame, seed in enumerate(one.seeds):
            if seed.identity not in seeds:
                fresh.setdefault(seed.identity, (seed, frame))
        if one.seeds and not fresh:
            first = shown_name(sources[one.seeds[0].identity][0])
            found[i] = replace(one, seeds=(), reason=f"the same noise as {first}: it counts once")
        elif len(seeds) + len(fresh) > limit:
            found[i] = replace(one, seeds=(), reason=f"behind the first {limit} seeds, the limit")
        else:
            for identity, (seed, frame) in fresh.items():
                seeds[identity], sources[identity] = seed, (one.path, min(frame, max(0, one.frames - 1)))
    kept = Seeds.join([Seeds(tuple(seeds.values()))])
    return Pictures(tuple(found), kept, tuple(sources.values()), report_of(found, kept))
