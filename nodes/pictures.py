"""Seeds from the pictures that ComfyUI saved."""

from __future__ import annotations

import hashlib
import ipaddress
import itertools
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

import folder_paths
import numpy as np
from comfy.cli_args import args
from comfy_api.latest import io

from ..surrogate.checks import choice
from ..surrogate.space import LARGEST_K
from .tools import wires
from .tools.notices import say
from .tools.progress import stepper
from .tools.sampling import on_one_size
from .tools.schema import schema

if TYPE_CHECKING:
    from ..surrogate.metadata import Listing

__all__ = ["SeedsFromPictures"]

log = logging.getLogger("ComfyUI-Surrogate")
SHOWN_LINES = 60
LISTED, NEWEST = "as listed", "newest first"
LEAVE_OUT, KEEP = "leave out", "keep"


class SeedsFromPictures(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateSeedsFromPictures",
            display_name="Surrogate Seeds from Pictures",
            search_aliases=[
                "image to seed",
                "seed of an image",
                "png info",
                "read metadata",
                "find seed",
                "similar images",
            ],
            category="surrogate/seeds",
            description="Finds the noise of pictures, clips and sounds that ComfyUI saved, and gives it as seeds. It "
            "reads the prompt inside each file (PNG, WebP, JPEG, video, FLAC, MP3, Opus) and works out which noise "
            "was used, and which image of its batch it was. Nothing in the files is executed.",
            inputs=[
                io.String.Input(
                    "pictures",
                    default="*.png [output]",
                    multiline=True,
                    tooltip="One file, folder or pattern in each line, in ComfyUI's input or output folder: "
                    "ComfyUI_00012_.png [output], favourites [input], grid/*.webp [output], **/*.png. The word in "
                    "brackets names the folder (input, output or temp). Full paths work only on a ComfyUI that no "
                    "other computer can reach.",
                ),
                io.Int.Input(
                    "limit",
                    default=0,
                    min=0,
                    max=LARGEST_K,
                    tooltip=f"Largest number of seeds. 0: as many as a space can have ({LARGEST_K}).",
                ),
                io.Combo.Input(
                    "order",
                    options=[LISTED, NEWEST],
                    default=LISTED,
                    tooltip="as listed: in the order of the lines; within folders and patterns by name. newest "
                    "first: by the time of the files.",
                ),
                io.Combo.Input(
                    "pictures_that_differ",
                    options=[LEAVE_OUT, KEEP],
                    default=LEAVE_OUT,
                    tooltip="What to do with pictures of another size or model than most. leave out: skip them, "
                    "because their noise would give other pictures in this space. keep: use their seeds nevertheless.",
                ),
                io.Int.Input(
                    "largest_side",
                    default=512,
                    min=0,
                    max=16384,
                    optional=True,
                    tooltip="Longest side, in pixels, of the pictures at the images output. 0: full size.",
                ),
            ],
            outputs=[
                wires.Seeds.Output(
                    display_name="seeds", tooltip="One seed for each picture or frame, in the order of the pictures."
                ),
                io.Image.Output(
                    display_name="images",
                    tooltip="The pictures of the seeds, in the same order. A sound is drawn as a waveform and a "
                    "spectrogram.",
                ),
                io.String.Output(
                    display_name="report",
                    tooltip="For each file its seed, or the reason why none was found. Also shown under the node.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, pictures, limit, order, pictures_that_differ, largest_side=512) -> io.NodeOutput:
        keep = choice("pictures_that_differ", pictures_that_differ, (LEAVE_OUT, KEEP)) == KEEP
        listing = _listed(pictures, choice("order", order, (LISTED, NEWEST)))
        made = _metadata().seeds_of_pictures(
            listing.paths,
            keep_differing=keep,
            limit=limit or LARGEST_K,
            progress=stepper(),
        )
        report = "\n".join([made.report, *listing.refused])
        shown = _beginning(report)
        if not len(made.seeds):
            raise ValueError(f"No seed was found.\n{shown}")
        say(cls, shown)
        return io.NodeOutput(made.seeds, _images(made.sources, largest_side), report, ui={"text": [shown]})

    @classmethod
    def fingerprint_inputs(cls, pictures=None, order=LISTED, **_):
        """Another one when a file comes, goes or changes."""
        if not isinstance(pictures, str):  # it comes from another node
            return time.time_ns()
        digest = hashlib.sha256()
        try:
            listing = _listed(pictures, order)
        except ValueError as error:
            return str(error)
        for path in listing.paths:
            digest.update(repr((str(path), *_state(path))).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def _metadata():
    """What reads files of any origin: a fifth of the pack's modules, imported when they are first needed."""
    from ..surrogate import metadata

    return metadata


def _listed(text: str, order: str) -> Listing:
    folders = {
        "input": Path(folder_paths.get_input_directory()),
        "output": Path(folder_paths.get_output_directory()),
        "temp": Path(folder_paths.get_temp_directory()),
    }
    listing = _metadata().list_pictures(text, folders, anywhere=_only_this_computer())
    if order == NEWEST:
        return _metadata().Listing(tuple(sorted(listing.paths, key=_state, reverse=True)), listing.refused)
    return listing


def _state(path: Path) -> tuple[int, int]:
    """When a file was changed, and its size."""
    try:
        state = path.stat()
    except OSError:
        return (0, 0)
    return (state.st_mtime_ns, state.st_size)


def _only_this_computer() -> bool:
    """Whether no other computer can reach this server: then its user may read what the computer's user may."""
    for address in args.listen.split(","):
        try:
            if address.strip() != "localhost" and not ipaddress.ip_address(address.strip()).is_loopback:
                return False
        except ValueError:
            return False
    return True


def _beginning(report: str) -> str:
    lines = report.splitlines()
    more = len(lines) - SHOWN_LINES
    return "\n".join([*lines[:SHOWN_LINES], f"… and {more} more lines at the report output"]) if more > 0 else report


def _images(sources, longest: int):
    """The pictures as one IMAGE."""
    step = stepper()
    frames = []
    for path, group in itertools.groupby(sources, key=lambda source: source[0]):
        numbers = [frame for _, frame in group]
        try:
            frames += _metadata().read_frames(path, numbers, longest)
        except _metadata().CannotRead as error:
            log.warning("Seeds from Pictures: %s: %s; it is shown black.", path.name, error)
            frames += [np.zeros((64, 64, 3), np.uint8)] * len(numbers)
        step(len(frames), len(sources))
    return on_one_size(frames)
