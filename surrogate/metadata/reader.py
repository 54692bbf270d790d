"""One file after the other: its texts, its prompt, and which picture of its batch it is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from ..pictures.gallery import RECIPE
from ..seeds import Seed
from ..space.clip_seed import ClipSeed
from ..space.point_seed import PointSeed
from .analysed import Analysed, Written, seeds_in
from .errors import CannotRead, NotSampled, Untraceable
from .files.bounds import printable, shown_name
from .files.embedded import Embedded, read_embedded
from .files.numbering import Folder, Row
from .found import Found
from .graph import values
from .graph.savers import OF_POINTS, TEMPORARY, Saver
from .origin import has_prompt, why_no_prompt
from .recipe import Recipes

__all__ = ["Reader"]

LARGEST_SIDE = 1 << 20
SHOWN_CANDIDATES = 6
NUMBERED = re.compile(r"_\d{3,12}_?\.\w{2,5}$")

Rows = tuple[values.Row, ...]


class Reader:
    """Reads files; prompts and folders only once, however many files share them.

    `before_each` is called before each file that is opened, neighbours included; what it raises ends the reading.
    """

    def __init__(self, before_each: Callable[[], None] = lambda: None):
        self.before_each = before_each
        self.folder = lru_cache(maxsize=256)(Folder)
        # What neighbours hold is compared, not kept: texts can be large.
        self.digest = lru_cache(maxsize=1 << 18)(self._digest)
        self.analysed = lru_cache(maxsize=16)(_analysed)
        self.rows: dict[tuple, Row] = {}
        self.recipes = Recipes()

    def found(self, path: Path) -> Found:
        """What the file `path` says of the noise that made it. Never raises for what is in the file."""
        self.before_each()
        try:
            embedded = read_embedded(path)
            sides = () if embedded.seconds is not None else (embedded.width, embedded.height)
            if not all(1 <= side <= LARGEST_SIDE for side in sides):
                raise CannotRead(f"it is broken: a picture of {embedded.width}×{embedded.height}")
            if RECIPE in embedded.texts:
                return self._of_recipe(path, embedded)
            if not has_prompt(embedded):
                raise Untraceable(why_no_prompt(embedded))
            return self._of_prompt(path, embedded, self._prompt(embedded))
        except (CannotRead, Untraceable) as error:
            return Found(path, reason=printable(str(error)))

    def _prompt(self, embedded: Embedded) -> Analysed:
        found = self.analysed(embedded.texts["prompt"])
        if isinstance(found, Untraceable):
            raise found
        return found

    def _of_recipe(self, path: Path, embedded: Embedded) -> Found:
        """A picture of Render Points or the Explorer carries the space and the point itself; its prompt tells the settings."""
        seed = _named(self.recipes.seed(embedded.texts[RECIPE], path), path)
        found = Found(path, (seed,), pixels=embedded.size)
        try:
            analysed = self._prompt(embedded)
        except (KeyError, Untraceable):
            return found
        renderers = [n.id for n in analysed.prompt.nodes.values() if n.kind in OF_POINTS]
        return replace(found, settings=analysed.settings(renderers[0])) if len(renderers) == 1 else found

    def _of_prompt(self, path: Path, embedded: Embedded, analysed: Analysed) -> Found:
        rows, saver = self._rows(path, embedded, analysed)
        seeds = seeds_in(rows)
        samplers = {row.sampler for row in rows if row.sampler is not None}
        return Found(
            path,
            tuple(_named(seed, path, f" frame {i}" * (len(rows) > 1)) for i, seed in enumerate(seeds, 1)),
            notes=tuple(dict.fromkeys(printable(note) for row in rows for note in row.notes)),
            pixels=embedded.size,
            frames=embedded.frames or len(rows),
            size=saver.size(analysed.trace) if len(samplers) == 1 else None,
            settings=analysed.settings(min(samplers)),
        )

    def _rows(self, path: Path, embedded: Embedded, analysed: Analysed) -> tuple[Rows, Saver]:
        """The rows that the file holds, and the node that wrote it."""
        savers = [saver for saver in analysed.savers if saver.fits(embedded)] or analysed.savers
        matching = [(s, m) for s in savers if (p := s.pattern(embedded)) and (m := p.fullmatch(path.name))]
        chosen: list[tuple[Saver, re.Match[str] | None]] = [*matching]
        chosen = chosen or [(saver, None) for saver in _possible(savers, embedded, path.name)]
        if not chosen:
            raise Untraceable("its prompt has no node that saves pictures")
        candidates: dict[tuple, tuple[Rows, Saver]] = {}
        reasons: list[str] = []
        others: list[str] = []
        for saver, match in chosen:
            try:
                files = analysed.written(saver, embedded)
            except Untraceable as error:
                # A preview of something that no sampler made is not it, nor is a node that may write no pictures.
                other = saver.node.kind in TEMPORARY or saver.guessed
                aside = isinstance(error, NotSampled) and match is None and other
                (others if aside else reasons).append(str(error))
                continue
            # Two nodes that write under one name: their files are mixed in an order that is not known.
            alone = match is not None and len(matching) == 1
            for place in self._places(path, match, files) if match and alone else range(len(files.rows)):
                candidates.setdefault(files.noises[place], (files.rows[place], saver))
        if reasons or (others and not candidates):
            raise Untraceable((reasons or others)[0])
        if len(candidates) != 1:
            raise Untraceable(_ambiguous([rows for rows, _ in candidates.values()], named=bool(matching)))
        return next(iter(candidates.values()))

    def _places(self, path: Path, match: re.Match[str], files: Written) -> Sequence[int]:
        """Which of the `files` of a run this one may be."""
        if files.all_alike and not (files.unsure and len(files.rows) == 1):
            return [0]
        row = self._row(path, match)
        places = row.positions(int(match["counter"]), len(files.rows), sure=not files.unsure)
        if "batch" in match.re.groupindex and not files.unsure:
            return [place for place in places if files.numbers[place] == int(match["batch"])]
        return places

    def _row(self, path: Path, match: re.Match[str]) -> Row:
        """The files beside `path` that have a name like it, and which of them hold its prompt."""
        own = self.digest(path)
        key = (path.parent, match.re.pattern, path.suffix, own)
        if key not in self.rows:
            numbered = self.folder(path.parent).numbered(match, path.suffix)
            self.rows[key] = Row(numbered, lambda other: self.digest(other) == own)
        return self.rows[key]

    def _digest(self, path: Path) -> bytes | None:
        """Of the prompt in a file; None if it has none."""
        self.before_each()
        try:
            text = read_embedded(path).texts.get("prompt")
        except CannotRead:
            return None
        return None if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _analysed(text: str) -> Analysed | Untraceable:
    try:
        return Analysed(text)
    except Untraceable as error:
        return error


def _possible(savers: list[Saver], embedded: Embedded, name: str) -> list[Saver]:
    """The nodes that may have written a file whose name fits none of theirs: it was renamed, or its name is not known.

    A file with a number is not a preview's, if there is a node whose names are not known.
    """
    lasting = [saver for saver in savers if saver.node.kind not in TEMPORARY]
    unnamed = any(saver.pattern(embedded) is None for saver in lasting)
    return lasting if unnamed and NUMBERED.search(name) else savers


def _named(seed: Seed, path: Path, addition: str = "") -> Seed:
    """A point, or a path, called after its picture; integers are what they are."""
    if isinstance(seed, (PointSeed, ClipSeed)):
        return replace(seed, label=shown_name(path.with_suffix("")) + addition)
    return seed


def _ambiguous(candidates: Sequence[Rows], named: bool) -> str:
    """Why one of the `candidates`, the rows that the file may hold, cannot be chosen."""
    if not candidates:
        return (
            "its number does not fit its prompt and its neighbours: some are missing or renamed, or a node of another "
            "pack changed how many pictures there are"
        )
    shown = ["+".join(seed.label for seed in seeds_in(rows[:3])) for rows in candidates[:SHOWN_CANDIDATES]]
    more = ", …" if len(candidates) > SHOWN_CANDIDATES else ""
    why = (
        "the other pictures of its batch are not in the same folder"
        if named
        else "its name is not the one that it was saved under"
    )
    return (
        f"one of {len(candidates)} noises made it ({', '.join(shown)}{more}), and which one cannot be told: {why}. "
        "Keep a batch together under its names, or type the right one into Seeds from Integers"
    )
