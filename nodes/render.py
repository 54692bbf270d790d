"""Render Points: all points as pictures, saved one by one, continued after an interruption."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import folder_paths
import numpy as np
import torch
from comfy.cli_args import args
from comfy_api.latest import io

from ..surrogate.files.tensors import save_tensors
from ..surrogate.pictures.gallery import Gallery
from ..surrogate.search.optimisers.adaptive import trimmed
from .noise import in_groups, noise_seed_input
from .tools import wires
from .tools.latents import fix_empty, repeat_to, sample_parts, select, tensors_of
from .tools.memory import room
from .tools.notices import say, warn
from .tools.provenance import run_hash, texts
from .tools.sampling import Progress, as_images, render
from .tools.schema import schema

__all__ = ["RenderPoints"]

log = logging.getLogger("ComfyUI-Surrogate")
CONTINUE, AGAIN = "continue", "render again"
# Failed pictures that are named one by one.
MOST_NAMED = 8
# Inputs that do not change the pictures: the run goes on where it was when they change.
COSMETIC = ("images_per_batch", "filename_prefix", "finished_pictures", "largest_side", "frames_per_second")


class RenderPoints(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateRenderPoints",
            display_name="Surrogate Render Points",
            search_aliases=["x/y plot", "render grid", "batch render", "render all", "resume rendering"],
            category="surrogate/pictures",
            description="Renders any number of points: samples, decodes and saves them batch by batch. Each picture "
            "is saved as soon as it is finished, with the recipe that rebuilds it. After Cancel or a "
            "crash, the next run makes only the missing pictures. Pictures with NaN pixels count as "
            "failed: they are named, not saved, and made again.",
            inputs=[
                io.Guider.Input(
                    "guider",
                    tooltip="The model with its prompt, from BasicGuider (models without a "
                    "negative prompt) or CFGGuider.",
                ),
                io.Sampler.Input(
                    "sampler",
                    tooltip="The sampler, from KSamplerSelect. With a deterministic one, such as euler, near points "
                    "give similar pictures. Ancestral and SDE samplers add noise at each step (see "
                    "noise_seed).",
                ),
                io.Sigmas.Input(
                    "sigmas", tooltip="The noise schedule (scheduler and steps), from BasicScheduler or another node."
                ),
                io.Latent.Input(
                    "latent",
                    tooltip="An empty latent of the size you want, or encoded pictures to start from. A batch size of "
                    "1 is repeated for all points.",
                ),
                io.Vae.Input("vae", tooltip="Decodes the latents to pictures."),
                wires.Space.Input("space", tooltip="The space of the points."),
                wires.Points.Input("points", tooltip="The points to render."),
                noise_seed_input(),
                io.Int.Input(
                    "images_per_batch",
                    default=4,
                    min=1,
                    max=4096,
                    tooltip="Batch size: how many images are sampled together. 1 uses the least memory; larger "
                    "batches are faster, until the memory is full. A model that takes only batches of 1 gets them.",
                ),
                io.String.Input(
                    "filename_prefix",
                    default="surrogate/grid",
                    tooltip="Where to save in ComfyUI's output folder: folder/name. A code for the settings and the number "
                    "of the point are added. %width%, %height%, %batch_num% (0 for the first point), %year% and the like "
                    "are replaced as in Save Image.",
                ),
                io.Combo.Input(
                    "finished_pictures",
                    options=[CONTINUE, AGAIN],
                    default=CONTINUE,
                    tooltip="continue: pictures with the same settings that were saved before are kept, and only the others "
                    "are made. render again: all are made again, for example after a model file has changed.",
                ),
                io.Int.Input(
                    "largest_side",
                    default=0,
                    min=0,
                    max=16384,
                    optional=True,
                    tooltip="Longest side, in pixels, of the pictures at the IMAGE output; smaller pictures are not enlarged, "
                    "and the files are always full size. 0: full size, reduced only if they do not fit into memory.",
                ),
                io.Float.Input(
                    "frames_per_second",
                    default=24.0,
                    min=1.0,
                    max=100.0,
                    optional=True,
                    tooltip="For video models: frames per second of the saved clips (1: slow, 100: fast). Still pictures do "
                    "not use it.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="images",
                    tooltip="All pictures in the order of the points. For clips: all frames, clip after clip.",
                ),
                io.Image.Output(
                    display_name="clips",
                    is_output_list=True,
                    tooltip="The same pictures as a list with one batch for each point: its picture, or the frames of "
                    "its clip.",
                ),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            is_output_node=True,
        )

    @classmethod
    def execute(
        cls,
        guider,
        sampler,
        sigmas,
        latent,
        vae,
        space,
        points,
        noise_seed,
        images_per_batch,
        filename_prefix,
        finished_pictures,
        largest_side=0,
        frames_per_second=24.0,
    ) -> io.NodeOutput:
        if finished_pictures not in (CONTINUE, AGAIN):
            raise ValueError(f"finished_pictures must be {CONTINUE!r} or {AGAIN!r}, got {finished_pictures!r}.")
        count = len(points)
        latent = repeat_to(latent, count, "points")
        # Of the noise that will be drawn: core fits an empty latent to the model.
        shape = [list(part) for part in sample_parts(fix_empty(guider.model_patcher, latent))]
        needed, rebuilt = trimmed(space, points)
        recipe = {"space": needed.recipe(), "shape": shape, "noise_seed": noise_seed}
        ignored = {"SurrogateRenderPoints": COSMETIC}
        run = run_hash(cls.hidden, [recipe, *_places(points)], ignored, latent, sigmas)
        folder, stem, _, subfolder, _ = folder_paths.get_save_image_path(
            filename_prefix,
            folder_paths.get_output_directory(),
            *_width_and_height(filename_prefix, guider, latent, vae),
        )
        gallery = Gallery(Path(folder), stem, run, max(1, round(1000 / frames_per_second)))
        gallery.prepare()
        tensors = f"{stem.replace('%batch_num%', 'all')}_{run[:8]}_seeds.safetensors"
        if args.disable_metadata:
            recipe = None
        elif save_tensors(space.seeds, gallery.folder / tensors):
            recipe["tensors"] = tensors

        pictures = [None if finished_pictures == AGAIN else gallery.load(i + 1) for i in range(count)]
        missing = [i for i, picture in enumerate(pictures) if picture is None]
        groups = [[missing[j] for j in group] for group in in_groups(len(missing), images_per_batch)]
        written = texts(cls.hidden)
        progress = Progress(guider, len(missing), sigmas, cls)
        faults: dict[int, str] = {}
        rendered = render(guider, sampler, sigmas, latent, vae, space, points.w, noise_seed, groups, progress)
        for done, picture in enumerate(rendered, count - len(missing) + 1):
            i = picture.index
            if picture.fault:
                faults[i], pictures[i] = picture.fault, np.zeros_like(picture.frames)
            else:
                own = recipe and {**recipe, **rebuilt.recipe(i), "label": points.labels[i]}
                gallery.save(i + 1, picture.frames, own or {}, written)
                pictures[i] = picture.frames
            say(cls, f"{done} of {count} pictures")
        if len(faults) == count:
            raise ValueError(f"No picture was saved. {_failed(faults, points.labels)}")
        made = f"{count} pictures: {len(missing) - len(faults)} new, {count - len(missing)} from before"
        if faults:
            warn(cls, [f"{made}, {len(faults)} failed. {_failed(faults, points.labels)}"])
        else:
            notices = sorted(progress.noticed)
            say(cls, "\n".join([made, *notices]))

        good = [i for i in range(count) if i not in faults]
        saved = [{"filename": gallery.name(i + 1), "subfolder": subfolder, "type": "output"} for i in good]
        images = as_images(pictures, _side_that_fits(pictures, largest_side))
        return io.NodeOutput(
            images,
            list(images.split(len(pictures[0]))),
            ui={"images": saved, "animated": [len(pictures[0]) > 1]},
        )

    @classmethod
    def fingerprint_inputs(cls, finished_pictures=CONTINUE, **_):
        # "render again" means each time that Run is pressed, also when nothing else has changed. Core writes the value
        # into the prompt that pictures carry: no NaN, which browsers cannot read.
        return time.time_ns() if finished_pictures == AGAIN else finished_pictures


def _failed(faults: dict[int, str], labels) -> str:
    """Which pictures failed and why, and what to do."""
    names = [f"{i + 1} ({labels[i]}): {why}" for i, why in list(faults.items())[:MOST_NAMED]]
    more = f"; and {len(faults) - MOST_NAMED} more" if len(faults) > MOST_NAMED else ""
    return (
        f"Failed pictures: {'; '.join(names)}{more}. They are not saved, black at the outputs, and made again the next time "
        "that the node runs. Often the model or the VAE overflows in half precision: restart ComfyUI with --fp32-vae or "
        "--force-fp32. Or the guider divides by zero: check its conditioning and cfg."
    )


def _width_and_height(prefix: str, guider, latent: dict, vae) -> tuple[int, int]:
    """The size of the pictures in pixels, if the file name asks for it (0, 0 otherwise): that of a decoded empty latent."""
    if "%width%" not in prefix and "%height%" not in prefix:
        return 0, 0
    first = tensors_of(fix_empty(guider.model_patcher, select(latent, [0]))["samples"])[0]
    height, width = vae.decode(torch.zeros_like(first)).shape[-3:-1]
    return width, height


def _places(points) -> list:
    """Which points a run is for: coordinates, as in the runs before weights counted, whose pictures are so found again."""
    lost = points.lost()
    return [points.u.tolist(), *([points.w[lost].tolist()] if lost.any() else [])]


def _side_that_fits(pictures: list, wanted: int) -> int:
    """`wanted`, or the largest side at which all pictures fit into half of the free memory."""
    frames, height, width, channels = pictures[0].shape
    side = wanted or max(height, width)
    scale = min(1.0, side / max(height, width))
    need = 4 * len(pictures) * frames * height * width * channels * scale**2
    free = room()
    if need <= free:
        return wanted
    fitting = max(1, int(side * scale * (free / need) ** 0.5))
    log.warning(
        "Render Points: %d pictures of %d×%d do not fit into memory; the IMAGE output has %d pixels on the longest side. "
        "The files are full size.", len(pictures), width, height, fitting,
    )  # fmt: skip
    return fitting
