"""Render Points: all points as pictures, saved one by one, continued after an interruption."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import folder_paths
import torch
from comfy_api.latest import io

from ..surrogate.pictures.gallery import Gallery
from ..surrogate.points.batches import in_groups
from ..surrogate.search.optimisers.adaptive import trimmed
from .tools import wires
from .tools.carrier import alike
from .tools.finished import Finished
from .tools.latents import fix_empty, repeat_to, select, tensors_of
from .tools.memory import room
from .tools.notices import say
from .tools.parts import part_for
from .tools.provenance import drawn, run_hash, texts, with_tensors
from .tools.sampling import Progress, as_images, render
from .tools.sampling_inputs import BATCH, guider_input, noise_seed_input, sampler_input, sigmas_input, vae_input
from .tools.schema import schema

__all__ = ["RenderPoints"]

log = logging.getLogger("ComfyUI-Surrogate")
CONTINUE, AGAIN = "continue", "render again"
# Inputs that do not change the pictures: the run continues where it was when they change.
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
            "is saved as soon as it is finished, with the recipe that rebuilds it. After Cancel or a crash, the next "
            "run makes only the missing pictures. Pictures with NaN pixels count as failed: they are named, not "
            "saved, and made again.",
            inputs=[
                guider_input(),
                sampler_input(),
                sigmas_input(),
                io.Latent.Input(
                    "latent",
                    tooltip="An empty latent of the size you want, or encoded pictures to start from. A batch size "
                    "of 1 is repeated for all points.",
                ),
                vae_input(),
                wires.Space.Input("space", tooltip="The space of the points."),
                wires.Points.Input("points", tooltip="The points to render."),
                noise_seed_input(),
                io.Int.Input(
                    "images_per_batch",
                    default=4,
                    **BATCH,
                ),
                io.String.Input(
                    "filename_prefix",
                    default="surrogate/grid",
                    tooltip="Where to save in ComfyUI's output folder: folder/name. A code for the settings and the "
                    "number of the point are added. %width%, %height%, %batch_num% (0 for the first point), %year% "
                    "and the like are replaced as in Save Image.",
                ),
                io.Combo.Input(
                    "finished_pictures",
                    options=[CONTINUE, AGAIN],
                    default=CONTINUE,
                    tooltip="continue: pictures with the same settings that were saved before are kept, and only the "
                    "others are made. render again: all are made again, for example after a model file has changed.",
                ),
                io.Int.Input(
                    "largest_side",
                    default=0,
                    min=0,
                    max=16384,
                    optional=True,
                    tooltip="Longest side, in pixels, of the pictures at the IMAGE output; smaller pictures are not "
                    "enlarged, and the files are always full size. 0: full size, reduced only if they do not fit "
                    "into memory.",
                ),
                io.Float.Input(
                    "frames_per_second",
                    default=24.0,
                    min=1.0,
                    max=100.0,
                    optional=True,
                    tooltip="For video models: frames per second of the saved clips (1: slow, 100: fast). Still "
                    "pictures do not use it.",
                ),
                io.Vae.Input(
                    "audio_vae",
                    optional=True,
                    tooltip="For models that make clips with sound (LTX-2): the VAE that decodes the sound. Each clip is then "
                    "saved as an MP4 with its sound, too, and the sound by itself as a WAV file.",
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
                    tooltip="The same pictures as a list with one batch for each point: its picture, or the frames "
                    "of its clip.",
                ),
                io.Audio.Output(
                    display_name="sounds",
                    is_output_list=True,
                    tooltip="With audio_vae: the sound of each clip, for Create Video or Sound Sheet. Otherwise silence.",
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
        audio_vae=None,
    ) -> io.NodeOutput:
        if finished_pictures not in (CONTINUE, AGAIN):
            raise ValueError(f"finished_pictures must be {CONTINUE!r} or {AGAIN!r}, got {finished_pictures!r}.")
        latent = repeat_to(latent, len(points), "points")
        needed, rebuilt = trimmed(space, points)
        recipe = {"space": needed.recipe(), **drawn(guider, latent), "noise_seed": noise_seed}
        run = run_hash(cls.hidden, [recipe, *_places(points)], {"SurrogateRenderPoints": COSMETIC}, latent, sigmas)
        size = _width_and_height(filename_prefix, guider, latent, vae)
        gallery, subfolder = _gallery(filename_prefix, size, run, frames_per_second)
        own = with_tensors(recipe, space, gallery)
        made = Finished(gallery, rebuilt, own, texts(cls.hidden), audio_vae is not None, frames_per_second)
        if finished_pictures == CONTINUE:
            made.load()

        groups = [[made.missing[i] for i in group] for group in in_groups(len(made.missing), images_per_batch)]
        progress = Progress(guider, len(made.missing), sigmas, cls)
        sampling = guider, sampler, sigmas, latent, vae, space, points.w, noise_seed, groups, progress
        for one in render(*sampling, audio_vae=audio_vae):
            made.add(one)
            say(cls, f"{made.done} of {len(points)} pictures")
        summary = made.summary()
        if made.faults:
            log.warning("Render Points: %s", summary)
        pictures = made.in_order()
        notes = alike(guider, [pictures[i] for i in made.good], points.w[made.good])
        for note in notes:
            log.warning("Render Points: %s", note)
        say(cls, "\n".join([summary, *sorted(progress.noticed), *notes]))

        saved = [{"filename": name, "subfolder": subfolder, "type": "output"} for name in made.shown()]
        images = as_images(pictures, _side_that_fits(pictures, largest_side))
        return io.NodeOutput(
            images,
            list(images.split(len(pictures[0]))),
            made.sounds(),
            ui={"images": saved, "animated": [len(pictures[0]) > 1]},
        )

    @classmethod
    def fingerprint_inputs(cls, finished_pictures=CONTINUE, **_):
        # "render again" means each time that Run is pressed, also when nothing else has changed. Core writes the value
        # into the prompt that pictures carry: no NaN, which browsers cannot read.
        return time.time_ns() if finished_pictures == AGAIN else finished_pictures


def _gallery(prefix: str, size: tuple[int, int], run: str, frames_per_second: float) -> tuple[Gallery, str]:
    """Where the pictures are saved, and the subfolder of the output folder."""
    output = folder_paths.get_output_directory()
    folder, stem, _, subfolder, _ = folder_paths.get_save_image_path(prefix, output, *size)
    gallery = Gallery(Path(folder), stem, run, max(1, round(1000 / frames_per_second)))
    gallery.prepare()
    return gallery, subfolder


def _width_and_height(prefix: str, guider, latent: dict, vae) -> tuple[int, int]:
    """The size of the pictures in pixels, if the file name asks for it (0, 0 otherwise): that of a decoded empty latent."""
    if "%width%" not in prefix and "%height%" not in prefix:
        return 0, 0
    parts = tensors_of(fix_empty(guider.model_patcher, select(latent, [0]))["samples"])
    height, width = vae.decode(torch.zeros_like(parts[part_for(vae, parts, 0)])).shape[-3:-1]
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
