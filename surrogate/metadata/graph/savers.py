"""The nodes that write files: which file of theirs holds which pictures of a batch."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...explore import Session
from ..errors import NotSampled, Untraceable
from ..files.embedded import Embedded
from .kinds import SAVING, shown
from .prompt import Node, Prompt
from .trace import Trace
from .values import Batch, Opaque, Row, batch_of, unknown_of

__all__ = ["TEMPORARY", "Saver", "savers_of"]

# Node -> kind of file it writes, and whether all pictures of a batch go into one file.
KNOWN = {
    "SaveImage": ("PNG", False),
    "PreviewImage": ("PNG", False),
    "SurrogateRenderPoints": ("PNG", False),
    "SurrogateExplorer": (None, False),
    "SaveAnimatedWEBP": ("WebP", True),
    "SaveAnimatedPNG": ("PNG", True),
    "SaveWEBM": ("WebM", True),
    "SaveVideo": ("MP4", True),
    "VHS_VideoCombine": (None, True),
    "SaveAudio": ("FLAC", False),
    "SaveAudioMP3": ("MP3", False),
    "SaveAudioOpus": ("Opus", False),
    "PreviewAudio": ("FLAC", False),
    "SurrogateSoundSheet": ("FLAC", False),
    "SaveImageAdvanced": (None, False),
    "SaveAudioAdvanced": (None, False),
}
# These write clips as moving pictures of their own.
OF_POINTS = ("SurrogateRenderPoints", "SurrogateExplorer")
# What these two write is chosen in their input `format`.
FORMATS = {"png": "PNG", "exr": "EXR", "flac": "FLAC", "mp3": "MP3", "opus": "Opus"}
# These write files too, but no pictures.
OTHERS = {
    *("SurrogateSaveSeeds", "SaveLatent", "SaveGLB", "SaveText", "SaveSVGNode", "Save3DAdvanced"),
    *("CheckpointSave", "ModelSave", "CLIPSave", "VAESave", "LoraSave", "SaveLoRA"),
}
# The names of files that are deleted when ComfyUI ends; they cannot be chosen.
TEMPORARY = {
    "PreviewImage": r"ComfyUI_temp_[a-z]{5}_(?P<counter>\d{5,12})_\.png",
    "PreviewAudio": r"ComfyUI_temp_[a-z]{5}_(?P<counter>\d{5,12})_\.flac",
    "SurrogateSoundSheet": r"surrogate_sounds_(?P<counter>\d{5,12})_\.flac",
}
LONGEST_PREFIX = 250
DATES = {"%year%": r"\d{4}", **{f"%{name}%": r"\d\d" for name in ("month", "day", "hour", "minute", "second")}}


@dataclass(frozen=True)
class Saver:
    """A node that writes files, and `prefix`, what their names begin with (None: not known)."""

    node: Node
    prefix: str | None

    @property
    def guessed(self) -> bool:
        """Whether nothing but its name says that it writes files."""
        return not _named(self.node)

    def fits(self, embedded: Embedded) -> bool:
        """Whether it writes files of this kind."""
        kind, moving = KNOWN.get(self.node.kind, (None, None))
        if kind is None and moving is False:
            kind = FORMATS.get(str(self.node.inputs.get("format")))
        if kind is not None and kind != embedded.kind:
            return False
        return not (moving is False and embedded.frames > 1 and self.node.kind not in OF_POINTS)

    def pattern(self, embedded: Embedded) -> re.Pattern | None:
        """What its file names look like: groups `counter` and, if the name has it, `batch`."""
        if self.node.kind in TEMPORARY:
            return re.compile(TEMPORARY[self.node.kind])
        if self.prefix is None:
            return None
        sizes = {"%width%": str(embedded.width), "%height%": str(embedded.height)}
        expression, named = "", False
        for piece in re.split(r"(%[a-z_]+%)", re.split(r"[/\\]", self.prefix.rstrip("/\\"))[-1][:LONGEST_PREFIX]):
            if piece == "%batch_num%" and not KNOWN.get(self.node.kind, (None, False))[1]:
                expression += r"(?P=batch)" if named else r"(?P<batch>\d{1,9})"
                named = True
            else:
                expression += DATES.get(piece) or re.escape(sizes.get(piece, piece))
        return re.compile(expression + r"_(?P<counter>\d{3,12})_?(-audio)?\.\w{2,5}")

    def files(self, trace: Trace, embedded: Embedded) -> list[tuple[tuple[Row, ...], int | None]]:
        """For each file that it wrote, in order: its rows, and its number in its batch. Raises Untraceable.

        A clip of which each frame is a file of its own counts as one file.
        """
        items = [self._sampled(item) for item in trace.output(self.node.id, 0)]
        moving = KNOWN.get(self.node.kind, (None, embedded.frames != 1))[1]
        if moving:
            if embedded.frames > 1 and any(
                len(item.rows) == 1 and not item.clip and item.rows[0].unsure for item in items
            ):
                raise Untraceable(f"how many pictures {self.node} is given cannot be told: {_notes(items)}")
            # A still picture beside a clip is its first frame.
            return [(item.rows[:1] if embedded.frames == 1 else item.rows, None) for item in items]
        if any(item.clip for item in items) and len({row for item in items for row in item.rows}) > 1:
            raise Untraceable(f"{self.node} writes the frames of several clips one by one")
        return [((row,), i) for item in items for i, row in enumerate(item.rows)]

    def _sampled(self, item: object) -> Batch:
        """The batch that is written, all of whose noises are known. Raises Untraceable with the reason if it is not."""
        batch, unknown = batch_of(item), unknown_of(item)
        if unknown is not None:
            raise Untraceable(unknown.reason)
        if batch is None or not batch.made:
            shown = item.node if isinstance(item, Opaque) and batch is None else str(self.node)
            reasons = {row.reason: None for row in batch.rows if row.reason} if batch is not None else {}
            raise NotSampled(": ".join((f"no sampler is found above {shown}", *list(reasons)[:1])))
        foreign = next((row.reason for row in batch.rows if row.foreign), "")
        if foreign:
            raise Untraceable(foreign)
        if not all(row.sampler is not None for row in batch.rows):
            raise Untraceable(f"{self.node} writes pictures that no sampler made, among others")
        return batch

    def size(self, trace: Trace) -> tuple[int, ...] | tuple[float] | None:
        """Width and height (and frames) that the sampler worked at, if the prompt tells."""
        sizes = {b.size for item in trace.output(self.node.id, 0) if (b := batch_of(item)) is not None}
        return sizes.pop() if len(sizes) == 1 else None


def _named(node: Node) -> bool:
    return node.kind in KNOWN or "filename_prefix" in (*node.inputs, *node.links)


def _notes(items: list[Batch]) -> str:
    return "; ".join(dict.fromkeys(note for item in items for row in item.rows for note in row.notes))[:LONGEST_PREFIX]


def savers_of(prompt: Prompt) -> list[Saver]:
    """All nodes that write files; where none is known for it, all that no other node reads from."""
    nodes = [node for node in prompt.nodes.values() if node.kind not in OTHERS and not _idle(node)]
    found = [n for n in nodes if _named(n) or (n.links and SAVING.search(shown(n.kind)))]
    if not found:
        read = {link.node for node in prompt.nodes.values() for link in node.links.values()}
        found = [node for node in nodes if node.links and node.id not in read]
    return [Saver(node, _prefix(prompt, node)) for node in found]


def _idle(node: Node) -> bool:
    """Whether it is an Explorer that shows a page and saves nothing: what it finishes it writes."""
    if node.kind != "SurrogateExplorer" or "session" in node.links:
        return False
    try:
        session = Session.parse(str(node.inputs.get("session") or ""))
    except ValueError:
        return False
    return session.pages[session.shown].act != "finish"


def _prefix(prompt: Prompt, node: Node) -> str | None:
    value = node.inputs.get("filename_prefix")
    if value is None and "filename_prefix" in node.links:
        above = prompt.nodes[node.links["filename_prefix"].node]
        texts = [v for v in above.inputs.values() if isinstance(v, str)]
        value = texts[0] if len(texts) == 1 and not above.links else None
    return value if isinstance(value, str) and value.strip() else None
