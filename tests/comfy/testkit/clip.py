"""CLIP as core builds it, with few and random weights: text models and a vision model that know nothing, exactly."""

import json
import tempfile
from pathlib import Path
from types import SimpleNamespace

import comfy.clip_vision
import comfy.sd
import comfy.sd1_clip
import comfy.text_encoders.flux
import comfy.text_encoders.pixart_t5
import torch
from comfy_api.latest import io

LAYERS = 2
# Core takes these for what is in the checkpoint's own configuration.
T5 = {"d_model": 32, "d_ff": 64, "d_kv": 16, "num_heads": 2, "num_layers": LAYERS}


class SmallClip(io.ComfyNode):
    """A text model of core's own classes.

    clip_l is what CLIPLoader makes of CLIP-L, flux what DualCLIPLoader makes of it together with T5, t5 what it makes of
    T5 alone. The text projection is a rotation times `projection`: -1 turns every embedding around. 0 and 100 are like
    what core leaves in memory for a file without one.
    """

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestSmallClip",
            category="test",
            inputs=[
                io.Combo.Input("kind", options=["clip_l", "flux", "t5"], default="clip_l"),
                io.Int.Input("width", default=32),
                io.Float.Input("projection", default=1.0, min=-1.0, max=100.0),
            ],
            outputs=[io.Clip.Output()],
        )

    @classmethod
    def execute(cls, kind, width, projection):
        build, tokenizer = {
            "clip_l": (comfy.sd1_clip.SD1ClipModel, comfy.sd1_clip.SD1Tokenizer),
            "flux": (comfy.text_encoders.flux.flux_clip(), comfy.text_encoders.flux.FluxTokenizer),
            "t5": (comfy.text_encoders.pixart_t5.pixart_te(), comfy.text_encoders.pixart_t5.PixArtTokenizer),
        }[kind]
        clip_l = {"hidden_size": width, "intermediate_size": 2 * width, "num_attention_heads": 2,
                  "num_hidden_layers": LAYERS}  # fmt: skip
        clip = comfy.sd.CLIP(
            SimpleNamespace(params={}, clip=build, tokenizer=tokenizer),
            model_options={"clip_l_model_config": clip_l, "t5xxl_model_config": T5},
        )
        _fill(clip.cond_stage_model, 4)
        for name, weight in clip.cond_stage_model.named_parameters():
            if name.endswith("text_projection.weight"):
                mixed = torch.randn(width, width, generator=torch.Generator().manual_seed(6))
                weight.data.copy_(projection * torch.linalg.qr(mixed)[0])
        return io.NodeOutput(clip)


class SmallClipVision(io.ComfyNode):
    """A vision model of core's own class. siglip, as core has it, does not pool its embedding to one row."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestSmallClipVision",
            category="test",
            inputs=[
                io.Combo.Input("kind", options=["clip", "siglip"], default="clip"),
                io.Int.Input("width", default=32),
            ],
            outputs=[io.ClipVision.Output()],
        )

    @classmethod
    def execute(cls, kind, width):
        config = {
            "model_type": "siglip_vision_model" if kind == "siglip" else "clip_vision_model",
            "hidden_size": 48,
            "intermediate_size": 96,
            "num_attention_heads": 2,
            "num_hidden_layers": LAYERS,
            "hidden_act": "quick_gelu",
            "num_channels": 3,
            "image_size": 56,
            "patch_size": 14,
        }
        if kind == "clip":
            config["projection_dim"] = width
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "config.json"
            path.write_text(json.dumps(config))
            vision = comfy.clip_vision.ClipVisionModel(path)
        _fill(vision.model, 5)
        return io.NodeOutput(vision)


class ClipCosine(io.ComfyNode):
    """The cosine of CLIP's projected text embedding with its image embedding, computed by hand."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestClipCosine",
            category="test",
            inputs=[
                io.Clip.Input("clip"),
                io.ClipVision.Input("clip_vision"),
                io.String.Input("text"),
                io.Image.Input("image"),
            ],
            outputs=[io.Float.Output()],
        )

    @classmethod
    def execute(cls, clip, clip_vision, text, image):
        (tokens,) = clip.tokenize(text)["l"]
        numbers = torch.tensor([[token for token, _ in tokens]])
        whole = clip.cond_stage_model.clip_l.transformer
        states = whole.text_model(input_tokens=numbers)[0]
        end = [token for token, _ in tokens].index(49407)
        wanted = states[0, end] @ whole.text_projection.weight.T.float()
        (given,) = clip_vision.encode_image(image[:1])["image_embeds"]
        return io.NodeOutput(float(torch.nn.functional.cosine_similarity(wanted, given, dim=0)))


class Pooled(io.ComfyNode):
    """The pooled embedding of a conditioning, as a LATENT that TestKeep can write."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestPooled",
            category="test",
            inputs=[io.Conditioning.Input("conditioning")],
            outputs=[io.Latent.Output()],
        )

    @classmethod
    def execute(cls, conditioning):
        return io.NodeOutput({"samples": conditioning[0][1]["pooled_output"]})


class WithWords(io.ComfyNode):
    """A conditioning with the words of its prompt as numbers, as HiDream-O1's has it."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="TestWithWords",
            category="test",
            inputs=[io.Conditioning.Input("conditioning")],
            outputs=[io.Conditioning.Output()],
        )

    @classmethod
    def execute(cls, conditioning):
        return io.NodeOutput([[tokens, {**more, "text_input_ids": torch.ones(1, 4)}] for tokens, more in conditioning])


def _fill(model: torch.nn.Module, seed: int) -> None:
    """Core leaves its weights uninitialised for a checkpoint to fill."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in sorted(model.named_parameters()):
        if "norm" in name and name.endswith("weight"):
            weight.data.fill_(1.0)
        else:
            weight.data.copy_(0.1 * torch.randn(weight.shape, generator=generator))
