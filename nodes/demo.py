"""The demo model: a tiny FLUX that draws landscapes, to try everything in seconds without a download; and a picture to find."""

import dataclasses
import json
from pathlib import Path

import comfy.ldm.flux.model
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.supported_models
import comfy.utils
import safetensors
import torch
from comfy_api.latest import io

from ..demo import scenes, turbo
from ..surrogate.checks import choice
from .tools.schema import schema

__all__ = ["DemoModel", "DemoPicture", "load"]

FOLDER = Path(__file__).parent.parent / "demo" / "model"
PREFIX = "model.diffusion_model."
ANY = "any"
TIMES = ("dawn", "day", "dusk", "night")
PLACES = ("mountains", "desert", "forest", "sea")
NORMAL, TURBO = "normal", "turbo"


class DemoModel(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateDemoModel",
            display_name="Surrogate Demo Model",
            search_aliases=["tiny model", "example model", "test model", "try it"],
            category="surrogate/demo",
            description="Loads a tiny model that draws landscapes, to try everything in seconds on any computer. It "
            "has 5 million parameters on ComfyUI's own FLUX class and comes with the pack. Use 8 steps, euler and "
            "the scheduler simple.",
            inputs=[
                io.Combo.Input(
                    "time",
                    options=[ANY, *TIMES],
                    default="dusk",
                    tooltip="Time of day in the landscape. any: the noise decides.",
                ),
                io.Combo.Input(
                    "place",
                    options=[ANY, *PLACES],
                    default="mountains",
                    tooltip="Kind of landscape. any: the noise decides.",
                ),
                io.Combo.Input(
                    "kind",
                    options=[NORMAL, TURBO],
                    default=NORMAL,
                    optional=True,
                    tooltip="normal: the model as it was trained; its pictures change with the noise. turbo: the same model, "
                    "changed to behave as turbo and other distilled models do: its pictures change with the prompt's "
                    "embedding and hardly with the noise. Use 4 steps with it.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The model, for BasicGuider and BasicScheduler."),
                io.Vae.Output(display_name="vae", tooltip="The VAE of the model, for VAE Decode."),
                io.Conditioning.Output(
                    display_name="conditioning", tooltip="The two words as a prompt, for BasicGuider."
                ),
                io.Latent.Output(
                    display_name="latent",
                    tooltip="An empty latent for 128 × 128 pixels, the only size that the model was trained for.",
                ),
            ],
        )

    @classmethod
    def execute(cls, time, place, kind=NORMAL) -> io.NodeOutput:
        _check_words(time, place)
        choice("kind", kind, (NORMAL, TURBO))
        return io.NodeOutput(*load(FOLDER, (time, place), kind == TURBO), {"samples": torch.zeros(1, 16, 16, 16)})


class DemoPicture(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return schema(
            node_id="SurrogateDemoPicture",
            display_name="Surrogate Demo Picture",
            search_aliases=["example picture", "target picture", "test image"],
            category="surrogate/demo",
            description="Draws a landscape like those that the demo model was trained on, as a target to search for. "
            "It is drawn by rules, not by the model.",
            inputs=[
                io.Combo.Input(
                    "time",
                    options=[ANY, *TIMES],
                    default="dusk",
                    tooltip="Time of day in the landscape. any: one at random.",
                ),
                io.Combo.Input(
                    "place",
                    options=[ANY, *PLACES],
                    default="mountains",
                    tooltip="Kind of landscape. any: one at random.",
                ),
                io.Int.Input(
                    "number",
                    default=1,
                    min=0,
                    max=0xFFFFFFFF,
                    tooltip="The landscape is drawn from this number: the same number gives the same landscape.",
                ),
                io.Int.Input(
                    "size", default=128, min=16, max=2048, tooltip="Width and height of the picture in pixels."
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="image", tooltip="The picture, for example as the target of Surrogate Match Image."
                )
            ],
        )

    @classmethod
    def execute(cls, time, place, number, size) -> io.NodeOutput:
        _check_words(time, place)
        generator = torch.Generator().manual_seed(number)
        while True:  # one in sixteen has both words
            state = generator.get_state()
            _, at, where, _ = scenes.render(1, size=16, generator=generator)
            if time in (ANY, TIMES[at]) and place in (ANY, PLACES[where]):
                generator.set_state(state)
                image, *_ = scenes.render(1, size=size, generator=generator)
                return io.NodeOutput(image.movedim(1, -1).contiguous())


def load(folder: Path, words: tuple[str, str] = (ANY, ANY), as_turbo: bool = False) -> tuple:
    """Model, VAE and conditioning of a model that ``demo/train.py`` has written to `folder`."""
    weights = comfy.utils.load_torch_file(str(folder / "demo_flux.safetensors"))
    with safetensors.safe_open(folder / "demo_flux.safetensors", framework="pt") as file:
        metadata = file.metadata()
    vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(folder / "demo_vae.safetensors")))
    table = dict(zip(json.loads(metadata["words"]), weights.pop("conditioner.embedding").float(), strict=True))
    model = _or_explain(_model, json.loads(metadata["unet_config"]), weights, as_turbo)
    return model, vae, _conditioning([table.get(word) for word in words])


def _check_words(time: str, place: str) -> None:
    for name, word, known in (("time", time, TIMES), ("place", place, PLACES)):
        if word not in (ANY, *known):
            raise ValueError(f"{name} must be one of {', '.join((ANY, *known))}, got {word!r}.")


def _or_explain(build, *args):
    """`build(*args)`, which uses the insides of core; they change, and a demo can be told so."""
    try:
        return build(*args)
    except (AttributeError, KeyError, TypeError) as error:
        raise RuntimeError(
            f"The demo model does not fit this ComfyUI's FLUX class ({error!r}). Update the pack; every other node works "
            "without the demo model."
        ) from error


def _model(unet_config: dict, weights: dict, as_turbo: bool):
    # Fields that later versions of ComfyUI's FLUX ask for, all of them lists.
    for field in dataclasses.fields(comfy.ldm.flux.model.FluxParams):
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            unet_config.setdefault(field.name, [])
    config = comfy.supported_models.FluxSchnell(unet_config)
    config.set_inference_dtype(torch.float32, None)
    config.unet_config["dtype"] = torch.float32
    if as_turbo:
        config.sampling_settings = {**config.sampling_settings, "shift": turbo.SHIFT}
    offload = comfy.model_management.unet_offload_device()
    model = config.get_model({}, "", device=offload)
    model.load_model_weights(weights, PREFIX)
    patcher = comfy.model_patcher.ModelPatcher(
        model, load_device=comfy.model_management.get_torch_device(), offload_device=offload
    )
    if as_turbo:
        patcher.set_model_unet_function_wrapper(turbo.drawn_from_the_prompt)
    return patcher


def _conditioning(words: list) -> list:
    """Two tokens, one a word; zeros for a word that is left open."""
    tokens = torch.stack([torch.zeros(64) if word is None else word for word in words])[None]
    return [[tokens, {"pooled_output": tokens.sum(1) / 2**0.5}]]
