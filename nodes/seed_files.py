"""Seeds as files, to keep and to share."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import folder_paths
import numpy as np
from comfy.cli_args import args
from comfy_api.latest import io

from ..surrogate.files.folder import seed_files
from ..surrogate.files.seed_file import load_seeds, save_seeds
from ..surrogate.pictures.thumbnails import THUMBNAIL, thumbnail
from .tools import wires
from .tools.advanced import advanced
from .tools.notices import say
from .tools.outputs import new_files
from .tools.sampling import clips_of, on_one_size
from .tools.schema import schema

__all__ = ["LoadSeeds", "SaveSeeds"]

SHOWN_LINES = 40


class SaveSeeds(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateSaveSeeds",
            display_name="Surrogate Save Seeds",
            search_aliases=["export seeds", "seed file", "share seeds"],
            category="surrogate/seeds",
            description="Saves seeds in one file, to keep, to share, and to load in another workflow. Integer seeds "
            "stay integers; inverted and other noises are stored exactly, with their names and small pictures.",
            inputs=[
                wires.Seeds.Input("seeds", tooltip="The seeds to save, of any kind."),
                io.String.Input(
                    "filename_prefix",
                    default="surrogate/seeds",
                    tooltip="Folder and beginning of the file name in ComfyUI's output folder. A number is added; an "
                    "existing file is never replaced.",
                ),
                io.Image.Input(
                    "images",
                    optional=True,
                    tooltip="One picture for each seed, in the order of the seeds; a copy of at most 128 pixels a "
                    "side is kept in the file. For clips, the middle frame.",
                ),
                io.String.Input(
                    "note",
                    default="",
                    multiline=True,
                    optional=True,
                    tooltip="A text for whoever loads the file, such as the prompt, steps and sampler that belong to "
                    "it.",
                ),
                io.Model.Input(
                    "model",
                    optional=True,
                    tooltip="The model that the seeds were chosen with. The kind of its latents is written into the "
                    "file.",
                ),
                advanced(
                    io.Boolean,
                    "prompt_in_file",
                    default=True,
                    tooltip="On: the workflow that made the seeds is kept in the file, as Save Image does. Switch it "
                    "off for files that you give away. The server option --disable-metadata switches it off too.",
                ),
            ],
            outputs=[
                wires.Seeds.Output(display_name="seeds", tooltip="The same seeds, unchanged."),
                io.String.Output(
                    display_name="file",
                    tooltip="The name of the file, as it appears in the list of Surrogate Load Seeds.",
                ),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, seeds, filename_prefix, images=None, note="", model=None, prompt_in_file=True) -> io.NodeOutput:
        clips = None if images is None else clips_of([images], len(seeds), "seeds")
        if not filename_prefix.strip():
            raise ValueError("filename_prefix is empty: write the beginning of a name, such as surrogate/seeds.")
        (path,) = new_files(filename_prefix, "safetensors")
        prompt = cls.hidden.prompt if prompt_in_file and not args.disable_metadata else None
        save_seeds(
            seeds,
            path,
            thumbnails=clips and [thumbnail(clip[len(clip) // 2]) for clip in clips],
            note=note.strip(),
            latent_format="" if model is None else _latent_format(model),
            provenance={"prompt": _written(prompt)} if prompt else None,
        )
        name = f"{Path(os.path.relpath(path, folder_paths.get_output_directory())).as_posix()} [output]"
        said = f"{len(seeds)} seed{'s' * (len(seeds) != 1)} saved as {name}"
        say(cls, said)
        return io.NodeOutput(seeds, name, ui={"text": [said]})


class LoadSeeds(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateLoadSeeds",
            display_name="Surrogate Load Seeds",
            search_aliases=["import seeds", "seed file", "open seeds"],
            category="surrogate/seeds",
            description="Loads seeds from a file that Surrogate Save Seeds wrote, in ComfyUI's input or output "
            "folder. Noises stay in the file until they are needed.",
            inputs=[
                io.Combo.Input(
                    "file",
                    options=_files(),
                    tooltip="A file of seeds, the newest first. The button below copies a file from your computer "
                    "into ComfyUI's input folder. Press R if a new file is not in the list.",
                ),
            ],
            outputs=[
                wires.Seeds.Output(
                    display_name="seeds", tooltip="The seeds as they were saved: same order, same names, same values."
                ),
                io.Image.Output(
                    display_name="images",
                    tooltip="The small pictures of the seeds, in the order of the seeds. Black where none was saved.",
                ),
                io.String.Output(
                    display_name="info",
                    tooltip="What the file contains: its note, its model and the names of its seeds. Also shown "
                    "under the node.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def validate_inputs(cls, file=None):
        """True, or why not; in place of ComfyUI's own check, which knows the list of files only."""
        if file is None:  # it comes from another node
            return True
        try:
            load_seeds(_path(file))
        except ValueError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, file=None):
        """Another one when the file changes."""
        if file is None:  # it comes from another node
            return time.time_ns()
        try:
            state = _path(file).stat()
        except (OSError, ValueError) as error:
            return str(error)
        return f"{state.st_mtime_ns} {state.st_size}"

    @classmethod
    def execute(cls, file) -> io.NodeOutput:
        found = load_seeds(_path(file))
        pictures = [found.thumbnail(i) for i in range(len(found.seeds))]
        black = np.zeros((THUMBNAIL // 2, THUMBNAIL // 2, 3), np.uint8)
        images = on_one_size([black if picture is None else picture for picture in pictures])
        info = found.describe()
        lines = info.splitlines()
        say(cls, "\n".join(lines[:SHOWN_LINES] + ["…"] * (len(lines) > SHOWN_LINES)))
        return io.NodeOutput(found.seeds, images, info)


def _files() -> list[str]:
    """The seed files in the input and output folders as ComfyUI names them, the newest first."""
    found = []
    for base, suffix in ((folder_paths.get_input_directory(), ""), (folder_paths.get_output_directory(), " [output]")):
        for path in seed_files(base):
            name = f"{path.relative_to(base).as_posix()}{suffix}"
            with contextlib.suppress(OSError, ValueError):  # deleted meanwhile, or a link out of the folder
                found.append((-_path(name).stat().st_mtime_ns, name))
    return [name for _, name in sorted(found)]


def _path(name: str) -> Path:
    """The file that ComfyUI calls `name`. Raises ValueError if it is not in ComfyUI's folders."""
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise ValueError("file is empty: save seeds with Surrogate Save Seeds, or upload a file.")
    plain, base = folder_paths.annotated_filepath(name)
    base = Path(os.path.realpath(base or folder_paths.get_input_directory()))
    path = Path(os.path.realpath(base / plain))
    if os.path.splitdrive(plain)[0] or os.path.isabs(plain) or not path.is_relative_to(base):
        raise ValueError(
            f"file {name!r} is not in ComfyUI's input or output folder, which this node does not leave: copy it there."
        )
    return path


def _written(prompt: dict) -> dict:
    """The prompt as its author wrote it: ComfyUI notes in it when each node has changed, in values of any kind."""
    return {number: {k: v for k, v in node.items() if k != "is_changed"} for number, node in prompt.items()}


def _latent_format(model) -> str:
    """The kind of latents of a MODEL in words: Flux (16 channels)."""
    kind = getattr(getattr(model, "model", None), "latent_format", None)
    if kind is None:
        return ""
    channels = getattr(kind, "latent_channels", None)
    return type(kind).__name__ + (f" ({channels} channels)" if channels else "")
