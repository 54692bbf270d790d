"""Render Points: grids of any size, saved picture by picture, continued after an interruption."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from pathlib import Path

import folder_paths
import torch
from comfy.cli_args import args
from comfy_api.latest import io

from ..surrogate.files.tensors import save_tensors
from ..surrogate.pictures.gallery import Gallery
from .noise import in_groups, noise_seed_input
from .tools import wires
from .tools.graph_hash import graph_hash
from .tools.latents import fix_empty, repeat_to, sample_parts, tensors_of
from .tools.memory import room
from .tools.notices import say
from .tools.sampling import as_images, render

__all__ = ["RenderPoints"]

log = logging.getLogger("ComfyUI-Surrogate")
CONTINUE, AGAIN = "continue", "render again"
# Inputs that do not change the pictures: the run goes on where it was when they change.
COSMETIC = ("images_per_batch", "filename_prefix", "finished_pictures", "largest_side", "frames_per_second")


class RenderPoints(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="SurrogateRenderPoints",
            display_name="Render Points",
            category="surrogate",
            description="Samples and decodes all points, batch by batch, and saves each picture as soon as it is "
            "finished, with what rebuilds it. Press Cancel when you like: the next run goes on where it stopped.",
            inputs=[
                io.Guider.Input("guider", tooltip="The model with its prompt, as for SamplerCustomAdvanced."),
                io.Sampler.Input("sampler", tooltip="The sampler. Deterministic ones such as euler are best."),
                io.Sigmas.Input("sigmas", tooltip="The schedule."),
                io.Latent.Input(
                    "latent",
                    tooltip="An empty latent of the size you want, or an image to start from. A batch of 1 "
                    "is repeated for all points.",
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
                    tooltip="How many to sample together: as many as your memory holds.",
                ),
                io.String.Input(
                    "filename_prefix",
                    default="surrogate/grid",
                    tooltip="Where to save in ComfyUI's output folder. A code for the settings and the number of the "
                    "point are added.",
                ),
                io.Combo.Input(
                    "finished_pictures",
                    options=[CONTINUE, AGAIN],
                    default=CONTINUE,
                    tooltip="continue: pictures of the same settings that are already there are kept. render again: "
                    "make all of them anew (after you changed a model file, say).",
                ),
                io.Int.Input(
                    "largest_side",
                    default=0,
                    min=0,
                    max=16384,
                    optional=True,
                    tooltip="Size of the pictures at the IMAGE output; the files are always full size. 0: as rendered, "
                    "less if they would not fit into memory.",
                ),
                io.Float.Input(
                    "frames_per_second",
                    default=24.0,
                    min=1.0,
                    max=100.0,
                    optional=True,
                    tooltip="For video models: the speed of the saved clips.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="images", tooltip="All pictures in the points' order."),
                io.Image.Output(
                    display_name="clips",
                    is_output_list=True,
                    tooltip="The same, one batch for each point: its picture, or the frames of its clip.",
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
        needed, u = space.trimmed(points.u)
        recipe = {"space": needed.recipe(), "shape": shape, "noise_seed": noise_seed}
        run = _run(cls.hidden, recipe, points, latent, sigmas)
        folder, stem, _, subfolder, _ = folder_paths.get_save_image_path(
            filename_prefix, folder_paths.get_output_directory()
        )
        gallery = Gallery(Path(folder), stem, run, max(1, round(1000 / frames_per_second)))
        gallery.prepare()
        if args.disable_metadata:
            recipe = None
        elif save_tensors(space.seeds, gallery.folder / f"{stem}_{run[:8]}_seeds.safetensors"):
            recipe["tensors"] = f"{stem}_{run[:8]}_seeds.safetensors"

        pictures = [None if finished_pictures == AGAIN else gallery.load(i + 1) for i in range(count)]
        missing = [i for i, picture in enumerate(pictures) if picture is None]
        groups = [[missing[j] for j in group] for group in in_groups(len(missing), images_per_batch)]
        texts = _texts(cls.hidden)
        rendered = render(guider, sampler, sigmas, latent, vae, space, points.u, noise_seed, groups)
        for done, (i, frames, _) in enumerate(rendered, count - len(missing) + 1):
            own = recipe and {**recipe, "u": u[i].tolist(), "label": points.labels[i]}
            gallery.save(i + 1, frames, own or {}, texts)
            pictures[i] = frames
            say(cls, f"{done} of {count} pictures")
        say(cls, f"{count} pictures: {len(missing)} new, {count - len(missing)} from before")

        saved = [{"filename": gallery.name(i + 1), "subfolder": subfolder, "type": "output"} for i in range(count)]
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


def _texts(hidden) -> dict[str, str]:
    """What Save Image writes into a PNG."""
    if args.disable_metadata:
        return {}
    texts = {} if hidden.prompt is None else {"prompt": json.dumps(hidden.prompt)}
    return texts | {name: json.dumps(value) for name, value in (hidden.extra_pnginfo or {}).items()}


def _run(hidden, recipe: dict, points, latent: dict, sigmas: torch.Tensor) -> str:
    """A hash of everything that decides the pictures, as far as a node can see it: the graph above it and its inputs."""
    digest = hashlib.sha256()
    digest.update(json.dumps([recipe, points.u.tolist()], sort_keys=True).encode())
    digest.update(graph_hash(hidden.prompt, hidden.unique_id, {"SurrogateRenderPoints": COSMETIC}).encode())
    mask = latent.get("noise_mask")
    for tensor in (*tensors_of(latent["samples"]), sigmas, *([] if mask is None else [mask])):
        digest.update(str(tuple(tensor.shape)).encode())
        digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()


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
