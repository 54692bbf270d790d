"""Explorer: pages of pictures, clips or sounds; what a person likes on one decides what the next one shows."""

from __future__ import annotations

from comfy_api.latest import io
from comfy_execution.graph import ExecutionBlocker

from ..surrogate import explore
from ..surrogate.explore.session import FEWEST, MOST
from ..surrogate.seeds import Seeds
from .tools import wires
from .tools.advanced import advanced
from .tools.board import put_all
from .tools.explored import remembered
from .tools.latents import PointsNoise, repeat_to
from .tools.pages import Renderer
from .tools.sampling import as_images
from .tools.sampling_inputs import BATCH, guider_input, noise_seed_input, sampler_input, sigmas_input, vae_input
from .tools.schema import schema

__all__ = ["Explorer"]


class Explorer(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateExplorer",
            display_name="Surrogate Explorer",
            search_aliases=[
                "explore",
                "seed explorer",
                "pick images",
                "image picker",
                "choose images",
                "like",
                "variations",
                "variation seed",
                "evolve",
                "interactive",
                "more like this",
                "audio picker",
                "sound explorer",
            ],
            category="surrogate/search",
            description="A page of pictures, clips or sounds: click those you like, press Run, and the next page shows more "
            "like them. Begins with fresh noises, or with your seeds. Finish renders what you liked with all steps and saves "
            "it.",
            inputs=[
                guider_input(),
                sampler_input(),
                sigmas_input(),
                io.Latent.Input("latent", tooltip="An empty latent of the size you want, with a batch of 1."),
                vae_input(),
                io.Int.Input(
                    "pictures",
                    default=9,
                    min=FEWEST,
                    max=MOST,
                    tooltip="How many pictures a new page has.",
                ),
                io.Int.Input(
                    "draft_steps",
                    default=0,
                    min=0,
                    max=1000,
                    tooltip="0: pages show finished pictures. Otherwise they show drafts: what the model predicts after "
                    "this many steps, which is quicker. Finish always uses all steps.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=False,
                    tooltip="Decides which fresh noises the pages show. Another number begins with other pictures.",
                ),
                noise_seed_input(),
                advanced(
                    io.Int,
                    "images_per_batch",
                    default=4,
                    **BATCH,
                ),
                advanced(
                    io.String,
                    "filename_prefix",
                    default="surrogate/explorer",
                    tooltip="Where Finish saves pictures in ComfyUI's output folder, and how their names begin.",
                ),
                wires.Session.Input(
                    "session",
                    optional=True,
                    tooltip="What was liked on which page, as JSON. The page in the node writes it; a program may, too.",
                ),
                wires.Seeds.Input(
                    "seeds", optional=True, tooltip="Seeds to begin with: they are the first pictures of page 1."
                ),
                wires.Space.Input(
                    "space",
                    optional=True,
                    tooltip="A space to begin with, instead of seeds: page 1 shows its seeds, and its transport is used.",
                ),
                io.Vae.Input(
                    "audio_vae",
                    optional=True,
                    tooltip="For models that make clips with sound (LTX-2): the VAE that decodes the sound. The page plays it, "
                    "and Finish saves each clip as an MP4 with its sound, too.",
                ),
                advanced(
                    io.String,
                    "study",
                    default="",
                    tooltip="A name under which pages and likes are remembered as a study, for Surrogate Study Report. The "
                    "session decides what is shown; the study is a record of it. Empty: no study.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="finished", tooltip="What Finish rendered; nothing is sent before Finish is pressed."
                ),
                io.Image.Output(
                    display_name="page", tooltip="The pictures of the page, in order; of sounds, their waveforms."
                ),
                io.Noise.Output(
                    display_name="noise",
                    tooltip="The noise of everything that you liked up to this page, for SamplerCustomAdvanced. Like the "
                    "outputs below, it sends nothing while nothing is liked.",
                ),
                io.Latent.Output(
                    display_name="latent", tooltip="The latent with the batch size that belongs to noise."
                ),
                wires.Points.Output(display_name="points", tooltip="Where the liked pictures are in the space."),
                wires.Space.Output(display_name="space", tooltip="The space of these points."),
                wires.Seeds.Output(
                    display_name="seeds",
                    tooltip="The liked pictures as seeds, for Surrogate Space or Surrogate Save Seeds.",
                ),
                io.Audio.Output(
                    display_name="finished_sounds",
                    is_output_list=True,
                    tooltip="Of a model of sound, or with audio_vae: what Finish rendered, one by one; nothing is sent before Finish is pressed.",
                ),
                io.Audio.Output(
                    display_name="page_sounds",
                    is_output_list=True,
                    tooltip="Of a model of sound, or with audio_vae: the sounds of the page one by one, in order.",
                ),
                wires.Study.Output(
                    display_name="study",
                    tooltip="The study that study names, for Surrogate Study Report; nothing is sent before something is liked.",
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
        pictures,
        draft_steps,
        seed,
        noise_seed,
        images_per_batch=4,
        filename_prefix="surrogate/explorer",
        session="",
        seeds=None,
        space=None,
        audio_vae=None,
        study="",
    ) -> io.NodeOutput:
        if seeds is not None and space is not None:
            raise ValueError("seeds and space are both connected: connect one of them, or neither.")
        given, transport = (seeds or Seeds(()), "gaussian") if space is None else (space.seeds, space.transport)
        course = explore.Course(explore.Session.parse(session or "", pictures), seed, given, transport)
        renderer = Renderer(cls, (guider, sampler, sigmas), latent, vae, noise_seed, images_per_batch, audio_vae)
        finishing = course.act == "finish"
        drafts = None if finishing or not 0 < draft_steps < len(sigmas) - 1 else draft_steps
        made = renderer.page(course, drafts)
        saved = renderer.save(course, made, filename_prefix) if finishing else []
        page = as_images([picture.frames for picture in made])
        put_all(cls, "Explorer", renderer.liked(course, made, drafts))
        nothing = ExecutionBlocker(None)
        outputs = _liked(course, latent, noise_seed) or [nothing] * 5
        opened = remembered(cls, study, course, made, latent)
        sounds = [picture.heard() for picture in made] if renderer.with_sound else nothing
        return io.NodeOutput(
            page if finishing else nothing,
            page,
            *outputs,
            sounds if finishing else nothing,
            sounds,
            nothing if opened is None or opened.study.best is None else opened,
            ui={"surrogate_explorer": [{**renderer.shown(course, made, drafts), "saved": saved}]},
        )


def _liked(course: explore.Course, latent: dict, noise_seed: int) -> list | None:
    """Noise, latent, points, space and seeds of what was liked; None if nothing was."""
    found = course.liked()
    if found is None:
        return None
    space, liked = found
    repeated = repeat_to(latent, len(liked), "liked pictures")
    return [PointsNoise(space, liked.w, noise_seed), repeated, liked, space, course.liked_seeds()]
