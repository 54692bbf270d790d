"""Seeds from pictures: what is found in each file, what the pictures have in common, and what is left out and why."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from ..files.tensors import load_tensors
from ..pictures.gallery import RECIPE
from ..recipes import space_from_recipe
from ..seeds import IntegerSeed, Seed, Seeds
from ..shapes import describe
from ..space import LARGEST_K
from ..space.clip_seed import ClipSeed
from ..space.point_seed import PointSeed, seed_at
from .errors import CannotRead, NotSampled, Untraceable
from .files.bounds import shown_name
from .files.embedded import Embedded, open_regular, read_embedded
from .files.numbering import Folder, possible_positions
from .graph.prompt import Prompt, parse_prompt
from .graph.savers import TEMPORARY, Saver, savers_of
from .graph.settings import Settings, settings_of
from .graph.trace import Trace
from .graph.values import Row

__all__ = ["Found", "Pictures", "seeds_of", "seeds_of_pictures"]

LARGEST_TENSORS = 1 << 31
LARGEST_SIDE = 1 << 20
LONGEST_REASON = 300
SHOWN_CANDIDATES = 6
SHOWN_SETTINGS = 6
NUMBERED = re.compile(r"_\d{3,12}_?\.\w{2,5}$")
NO_SETTINGS = Settings((), {})


@dataclass(frozen=True)
class Found:
    """What one picture file says. `seeds` made it, one or one for each frame; none if `reason` tells why not.

    `size` is what the noise was made for (width, height, frames), `pixels` the file's own width and height; of a sound
    both are its length in seconds.
    """

    path: Path
    seeds: tuple[Seed, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()
    pixels: tuple[int, int] | tuple[float] | None = None
    frames: int = 1
    size: tuple[int, ...] | tuple[float] | None = None
    settings: Settings = NO_SETTINGS


@dataclass(frozen=True)
class Pictures:
    """All files, in order: `found`, `seeds` of those that were kept, and for each seed its file and frame."""

    found: tuple[Found, ...]
    seeds: Seeds
    sources: tuple[tuple[Path, int], ...]
    report: str


def seeds_of_pictures(
    paths: Iterable,
    *,
    keep_differing: bool = False,
    limit: int = LARGEST_K,
    progress: Callable[[int, int], None] | None = None,
) -> Pictures:
    """The seeds whose vertices reproduce the pictures `paths`, and a report that names every file.

    Left out, with the reason: what holds no seed, what has another size or model than most (unless `keep_differing`),
    a noise that is there already, and all behind the first `limit` seeds.
    """
    paths = [Path(path) for path in paths]
    reader = _Reader()
    found = []
    for number, path in enumerate(paths, 1):
        found.append(reader.found(path))
        if progress is not None:
            progress(number, len(paths))
    found = _compared(found, keep_differing)

    seeds: dict[tuple, Seed] = {}
    sources: dict[tuple, tuple[Path, int]] = {}
    for i, one in enumerate(found):
        fresh = {}
        for frame, seed in enumerate(one.seeds):
            fresh.setdefault(seed.identity, (seed, frame))
        fresh = {identity: pair for identity, pair in fresh.items() if identity not in seeds}
        if one.seeds and not fresh:
            first = shown_name(sources[one.seeds[0].identity][0])
            found[i] = replace(one, seeds=(), reason=f"the same noise as {first}: it counts once")
        elif len(seeds) + len(fresh) > limit:
            found[i] = replace(one, seeds=(), reason=f"behind the first {limit} seeds, the limit")
        else:
            for identity, (seed, frame) in fresh.items():
                seeds[identity], sources[identity] = seed, (one.path, min(frame, max(0, one.frames - 1)))
    kept = Seeds.join([Seeds(tuple(seeds.values()))])
    return Pictures(tuple(found), kept, tuple(sources.values()), _report(found, kept))


def seeds_of(path) -> Found:
    """What the picture file `path` says of the noise that made it. Never raises for what is in the file."""
    return _Reader().found(Path(path))


class _Reader:
    """Files and folders that are read once, however many pictures share them."""

    def __init__(self):
        self.folders: dict[Path, Folder] = {}
        # What neighbours hold is compared, not kept: texts can be large.
        self.digest = lru_cache(maxsize=1 << 16)(_digest)
        self.analysed = lru_cache(maxsize=16)(_Analysed)

    def found(self, path: Path) -> Found:
        try:
            embedded = read_embedded(path)
            sides = () if embedded.seconds is not None else (embedded.width, embedded.height)
            if not all(1 <= side <= LARGEST_SIDE for side in sides):
                raise CannotRead(f"it is broken: a picture of {embedded.width}×{embedded.height}")
            prompt = self._prompt(embedded)
            if RECIPE in embedded.texts:
                return self._of_recipe(path, embedded, prompt)
            if prompt is None:
                raise Untraceable(_why_no_prompt(embedded))
            return self._of_prompt(path, embedded, prompt)
        except (CannotRead, Untraceable) as error:
            return Found(path, reason=str(error))

    def _prompt(self, embedded: Embedded) -> _Analysed | None:
        return self.analysed(embedded.texts["prompt"]) if "prompt" in embedded.texts else None

    def _of_recipe(self, path: Path, embedded: Embedded, prompt: _Analysed | None) -> Found:
        """A picture of Render Points carries the space and the point itself."""
        seed = _recipe_seed(embedded.texts[RECIPE], path)
        found = Found(path, (seed,), pixels=embedded.size)
        if prompt is None or prompt.error:
            return found
        renderers = [n.id for n in prompt.prompt.nodes.values() if n.kind == "SurrogateRenderPoints"]
        if len(renderers) != 1:
            return found
        return replace(found, settings=prompt.settings(renderers[0]))

    def _of_prompt(self, path: Path, embedded: Embedded, analysed: _Analysed) -> Found:
        if analysed.error:
            raise Untraceable(analysed.error)
        rows, saver = self._rows(path, embedded, analysed)
        samplers = {row.sampler for row in rows}
        notes = tuple(dict.fromkeys(note for row in rows for note in row.notes))
        return Found(
            path,
            tuple(_named(row.seed, path, i if len(rows) > 1 else None) for i, row in enumerate(rows)),
            notes=notes,
            pixels=embedded.size,
            frames=embedded.frames or len(rows),
            size=saver.size(analysed.trace) if len(samplers) == 1 else None,
            settings=analysed.settings(min(samplers)),
        )

    def _rows(self, path: Path, embedded: Embedded, analysed: _Analysed) -> tuple[tuple[Row, ...], Saver]:
        """The rows that the file holds, and the node that wrote it."""
        savers = [saver for saver in analysed.savers if saver.fits(embedded)] or analysed.savers
        matching = [(s, m) for s in savers if (p := s.pattern(embedded)) and (m := p.fullmatch(path.name))]
        chosen = matching or [(saver, None) for saver in _possible(savers, embedded, path.name)]
        if not chosen:
            raise Untraceable("its prompt has no node that saves pictures")
        candidates: dict[tuple, tuple[tuple[Row, ...], Saver]] = {}
        reasons, others = [], []
        for saver, match in chosen:
            try:
                files = saver.files(analysed.trace, embedded)
            except Untraceable as error:
                # A preview of something that no sampler made is not it; any other picture may be.
                aside = isinstance(error, NotSampled) and match is None and saver.node.kind in TEMPORARY
                (others if aside else reasons).append(str(error))
                continue
            # Two nodes that write under one name: their files are mixed in an order that is not known.
            places = (
                range(len(files)) if match is None or len(matching) > 1 else self._places(path, saver, match, files)
            )
            for place in places:
                rows = files[place][0]
                candidates.setdefault(tuple(row.seed.identity for row in rows), (rows, saver))
        if reasons or (others and not candidates):
            raise Untraceable((reasons or others)[0])
        if len(candidates) != 1:
            raise Untraceable(_ambiguous(candidates, named=bool(matching)))
        ((rows, saver),) = candidates.values()
        return rows, saver

    def _places(self, path: Path, saver: Saver, match, files: list) -> list[int]:
        """Which of the `files` that a run of `saver` wrote this one may be."""
        unsure = any(row.unsure for rows, _ in files for row in rows)
        if len({tuple(row.seed.identity for row in rows) for rows, _ in files}) == 1 and not (
            unsure and len(files) == 1
        ):
            return [0]
        own = self.digest(path)

        def same(other: Path) -> bool:
            return self.digest(other) == own

        folder = self.folders.setdefault(path.parent, Folder(path.parent))
        numbered = folder.numbered(match.re, path.suffix)
        places = possible_positions(int(match["counter"]), len(files), numbered, same, sure=not unsure)
        if "batch" in match.re.groupindex and not unsure:
            places = [place for place in places if files[place][1] == int(match["batch"])]
        return places


def _possible(savers: list[Saver], embedded: Embedded, name: str) -> list[Saver]:
    """The nodes that may have written a file whose name fits none of theirs: it was renamed, or its name is not known.

    A file with a number is not a preview's, if there is a node whose names are not known.
    """
    lasting = [saver for saver in savers if saver.node.kind not in TEMPORARY]
    unnamed = any(saver.pattern(embedded) is None for saver in lasting)
    return lasting if unnamed and NUMBERED.search(name) else savers


class _Analysed:
    """A prompt that is parsed and followed once, however many pictures hold it."""

    def __init__(self, text: str):
        self.error = ""
        self._settings: dict[str, Settings] = {}
        try:
            self.prompt: Prompt = parse_prompt(text)
        except Untraceable as error:
            self.error = str(error)
            return
        self.savers = savers_of(self.prompt)
        self.trace = Trace(self.prompt, [saver.node.id for saver in self.savers])

    def settings(self, sampler: str) -> Settings:
        if sampler not in self._settings:
            self._settings[sampler] = settings_of(self.prompt, sampler)
        return self._settings[sampler]


def _digest(path: Path) -> bytes | None:
    """Of the prompt in a file; None if it has none."""
    try:
        text = read_embedded(path).texts.get("prompt")
    except CannotRead:
        return None
    return None if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _named(seed: Seed, path: Path, frame: int | None) -> Seed:
    """A point, or a path, called after its picture; integers are what they are."""
    if isinstance(seed, (PointSeed, ClipSeed)):
        return replace(seed, label=shown_name(path.with_suffix("")) + ("" if frame is None else f" frame {frame + 1}"))
    return seed


def _why_no_prompt(embedded: Embedded) -> str:
    if "workflow" in embedded.texts:
        return "it holds a workflow but not the prompt that was run: open it in ComfyUI and save the picture once more"
    if "parameters" in embedded.texts:
        return "it was made by another program (it has `parameters`), whose noise is not ComfyUI's"
    return f"this {embedded.kind} holds no ComfyUI prompt (made elsewhere, edited, or saved without metadata)"


def _ambiguous(candidates: dict, named: bool) -> str:
    labels = ["+".join(row.seed.label for row in rows[:3]) for rows, _ in candidates.values()]
    shown = ", ".join(labels[:SHOWN_CANDIDATES]) + (", …" if len(labels) > SHOWN_CANDIDATES else "")
    if not candidates:
        return (
            "its number does not fit its prompt and its neighbours: some are missing or renamed, or a node of another "
            "pack changed how many pictures there are"
        )
    why = (
        "the other pictures of its batch are not beside it"
        if named
        else "its name is not the one that it was saved under"
    )
    return (
        f"one of {len(labels)} noises made it ({shown}), and which one cannot be told: {why}. "
        "Keep a batch together under its names, or type the right one into Seeds from Integers"
    )


# ------------------------------------------------------------------------------------------------------- recipes


def _recipe_seed(text: str, path: Path) -> Seed:
    """The seed at the point of a recipe. Raises Untraceable."""
    try:
        recipe = json.loads(text)
        if not isinstance(recipe, dict) or "space" not in recipe or "u" not in recipe:
            raise ValueError("space or u is missing")
        tensors = _tensors(recipe.get("tensors"), path)
        space = space_from_recipe(recipe["space"], tensors)
        return _named(seed_at(space, [float(number) for number in recipe["u"]], "", recipe.get("weights")), path, None)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise Untraceable(f"its recipe cannot be used: {str(error)[:LONGEST_REASON]}") from None


def _tensors(name, path: Path) -> Mapping | None:
    """The noises beside the picture `path`, in a file that the recipe names: in the same folder, and nowhere else."""
    if name is None:
        return None
    if not isinstance(name, str) or not name.endswith(".safetensors") or os.path.basename(name) != name or "\\" in name:
        raise ValueError(f"the name of its noises' file is not one: {str(name)[:80]!r}")
    file = path.parent / name
    if file.is_symlink():
        raise ValueError(f"{name} is a link")
    try:
        with open_regular(file) as opened:
            if os.fstat(opened.fileno()).st_size > LARGEST_TENSORS:
                raise ValueError(f"{name} is larger than {LARGEST_TENSORS >> 30} GiB")
        return load_tensors(file)
    except (CannotRead, OSError) as error:
        raise ValueError(f"{name}, which belongs beside the picture, is missing: {error}") from None


# ---------------------------------------------------------------------------------------------------- comparisons


def _compared(found: list[Found], keep: bool) -> list[Found]:
    """Those that differ from most in size or model left out (or noted), and other settings noted."""
    made = [one for one in found if one.seeds]
    if not made:
        return found
    # Upscaled pictures are compared by what was sampled, if that is known of all of them.
    by_size = all(one.size is not None for one in made)
    sizes = {id(one): one.size if by_size else one.pixels for one in made}
    models = Counter(one.settings.model for one in made if one.settings.model)
    shapes = Counter(sizes.values())
    fixed = Counter(one.seeds[0].parts for one in made if one.seeds[0].parts is not None)
    model = max(models, key=models.get) if models else ()
    size = max(shapes, key=shapes.get)
    parts = max(fixed, key=fixed.get) if fixed else None

    def differs(one: Found) -> list[str]:
        reasons = []
        if sizes[id(one)] != size:
            reasons.append(f"its size is {_times(sizes[id(one)])}, that of most is {_times(size)}")
        if one.seeds[0].parts not in (None, parts):
            reasons.append(f"its noise has shape {describe(one.seeds[0].parts)}, that of most has {describe(parts)}")
        if one.settings.model and one.settings.model != model:
            reasons.append(f"its model is {', '.join(one.settings.model)}, that of most is {', '.join(model)}")
        return reasons

    reference = next((one for one in made if not differs(one)), made[0])
    compared = []
    for one in found:
        if one.seeds:
            reasons = differs(one)
            if reasons and (not keep or one.seeds[0].parts not in (None, parts)):
                one = replace(one, seeds=(), reason="; ".join(reasons))
            else:
                one = replace(one, notes=(*one.notes, *reasons, *_remarks(one.settings, reference.settings)))
        compared.append(one)
    return compared


def _remarks(settings: Settings, reference: Settings) -> list[str]:
    remarks = []
    names = settings.differing(reference) if settings.values and reference.values else []
    if names:
        more = f" and {len(names) - SHOWN_SETTINGS} more" if len(names) > SHOWN_SETTINGS else ""
        remarks.append(
            f"rendered with other settings than the first one ({', '.join(n[:40] for n in names[:SHOWN_SETTINGS])}{more}): "
            "under one graph its corner is another picture"
        )
    if settings.stochastic:
        remarks.append(f"{settings.stochastic} adds noise on the way: the corner is alike, not the same")
    return remarks


def _times(size: tuple) -> str:
    if len(size) == 1:
        return f"{size[0]:g} s"
    return "×".join(map(str, size))


# ----------------------------------------------------------------------------------------------------------- report


def _report(found: list[Found], seeds: Seeds) -> str:
    kept = sum(bool(one.seeds) for one in found)
    lines = [f"{_count(len(seeds), 'seed')} from {kept} of {_count(len(found), 'picture')}"]
    if len(seeds) and all(isinstance(seed, IntegerSeed) for seed in seeds):
        lines.append(f"for Seeds from Integers: {', '.join(seeds.labels)}")
    for one in found:
        said = ", ".join(seed.label for seed in one.seeds[:8]) + (", …" if len(one.seeds) > 8 else "")
        lines.append(f"{shown_name(one.path)}: {f'seed {said}' if one.seeds else f'left out: {one.reason}'}")
        lines += [f"    {note}" for note in one.notes if one.seeds]
    return "\n".join(lines)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
