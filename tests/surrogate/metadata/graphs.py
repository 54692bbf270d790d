"""Graphs as ComfyUI writes them into pictures, made of parts."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from surrogate.metadata import seeds_of

__all__ = ["EMPTY", "KSAMPLER", "LOADED", "advanced", "found_in", "graph", "ksampler", "node", "second_pass", "write"]


def node(kind: str, **inputs) -> dict:
    return {"class_type": kind, "inputs": inputs}


EMPTY = node("EmptyLatentImage", width=512, height=512, batch_size=1)
LOADED = node("LoadImage", image="a.png")
KSAMPLER = {"steps": 20, "cfg": 7.0, "sampler_name": "euler", "scheduler": "simple", "denoise": 1.0}
GUIDED = {"model": ["model", 0], "positive": ["text", 0], "negative": ["text", 0]}


def ksampler(kind: str = "KSampler", **inputs) -> dict:
    return node(kind, **(KSAMPLER | GUIDED | {"seed": 7, "latent_image": ["latent", 0]} | inputs))


def advanced(kind: str = "KSamplerAdvanced", **inputs) -> dict:
    settings = {name: value for name, value in KSAMPLER.items() if name != "denoise"}
    own = {
        "add_noise": "enable",
        "noise_seed": 7,
        "start_at_step": 0,
        "end_at_step": 10000,
        "latent_image": ["latent", 0],
    }
    return node(kind, **(settings | GUIDED | own | inputs))


def graph(sampler: dict | None = None, latent: dict | None = None, image=("decoded", 0), out: int = 0, **more) -> dict:
    """Checkpoint, empty latent, KSampler of seed 7, decoder and Save Image; parts replaced, nodes added by id. `out` is
    the output of the sampler that is decoded, `image` the link that is saved."""
    return {
        "model": node("CheckpointLoaderSimple", ckpt_name="base.safetensors"),
        "text": node("CLIPTextEncode", text="a hill", clip=["model", 1]),
        "latent": latent or EMPTY,
        "sampler": sampler or ksampler(),
        "decoded": node("VAEDecode", samples=["sampler", out], vae=["model", 2]),
        "save": node("SaveImage", images=list(image), filename_prefix="x"),
        **more,
    }


def second_pass(second: dict, out: int = 0) -> dict:
    """KSampler of seed 7, then `second`, which takes its latent."""
    return graph(sampler=second, first=ksampler(), out=out)


def write(path: Path, prompt: dict) -> Path:
    info = PngInfo()
    info.add_text("prompt", json.dumps(prompt))
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return path


def found_in(folder: Path, prompt: dict, name: str = "x_00001_.png"):
    return seeds_of(write(folder / name, prompt))
