"""Seeds from pictures without a server: graphs of all kinds, and files that nobody should trust."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import zlib
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from surrogate import PointSeed, Seeds, SurrogateSpace, points, space_from_recipe
from surrogate.files.tensors import save_tensors
from surrogate.metadata import CannotRead, list_pictures, read_embedded, read_frames, seeds_of, seeds_of_pictures
from surrogate.metadata.files.numbering import possible_positions

# ------------------------------------------------------------------------------------------------------- graphs


def node(kind: str, **inputs) -> dict:
    return {"class_type": kind, "inputs": inputs}


def graph(latent=None, sampler=None, image=None, **more) -> dict:
    """Checkpoint, sampler, decoder and Save Image; parts of it replaced, nodes added by id."""
    return {
        "model": node("CheckpointLoaderSimple", ckpt_name="base.safetensors"),
        "text": node("CLIPTextEncode", text="a hill", clip=["model", 1]),
        "latent": latent or node("EmptyLatentImage", width=512, height=512, batch_size=1),
        "sampler": sampler or ksampler(),
        "decoded": node("VAEDecode", samples=["sampler", 0], vae=["model", 2]),
        "save": node("SaveImage", images=image or ["decoded", 0], filename_prefix="x"),
        **more,
    }


def ksampler(**inputs) -> dict:
    settings = {"seed": 5, "steps": 4, "cfg": 1.0, "sampler_name": "euler", "scheduler": "simple", "denoise": 1.0}
    links = {"model": ["model", 0], "positive": ["text", 0], "negative": ["text", 0], "latent_image": ["latent", 0]}
    return node("KSampler", **(settings | links | inputs))


def write(path: Path, prompt=None, recipe=None, size=(8, 8), **texts) -> Path:
    """A picture as ComfyUI writes it."""
    info = PngInfo()
    if prompt is not None:
        info.add_text("prompt", prompt if isinstance(prompt, str) else json.dumps(prompt))
    if recipe is not None:
        info.add_text("surrogate", recipe if isinstance(recipe, str) else json.dumps(recipe))
    for name, text in texts.items():
        info.add_text(name, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path, pnginfo=info)
    return path


CODECS = {".flac": ("flac", 44100), ".mp3": ("libmp3lame", 44100), ".opus": ("libopus", 48000)}


def write_sound(path: Path, prompt=None, seconds: float = 0.5, hertz: float = 440.0) -> Path:
    """A sound as core's Save Audio writes it: stereo, the right channel silent."""
    codec, rate = CODECS[path.suffix]
    samples = np.zeros((round(seconds * rate), 2), np.float32)
    samples[:, 0] = 0.5 * np.sin(2 * np.pi * hertz * np.arange(len(samples)) / rate)
    with av.open(str(path), "w", format=path.suffix[1:]) as container:
        if prompt is not None:
            container.metadata["prompt"] = prompt if isinstance(prompt, str) else json.dumps(prompt)
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate, frame.pts = rate, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def batch(folder: Path, prompt, count: int, first: int = 1) -> list[Path]:
    return [write(folder / f"x_{i:05}_.png", prompt) for i in range(first, first + count)]


def labels(found) -> list[str]:
    return [seed.label for seed in found.seeds]


EMPTY4 = node("EmptyLatentImage", width=512, height=512, batch_size=4)
SPACE = {
    "seeds": node("SurrogateSeedsFromIntegers", seeds="12, 99, 1024, 7"),
    "space": node("SurrogateSpace", seeds=["seeds", 0], chart="knothe_rosenblatt", transport="gaussian"),
}

FOLLOWED = {
    "a reroute of another pack": (graph(sampler=ksampler(latent_image=["r", 0]), r=node("Reroute", **{"": ["latent", 0]})), "5"),
    "a seed behind two reroutes": (
        graph(sampler=ksampler(seed=["a", 0]), a=node("Reroute", any=["b", 0]), b=node("Reroute", any=["c", 0]), c=node("Seed (rgthree)", seed=8)),
        "8",
    ),
    "a number node": (graph(sampler=ksampler(seed=["p", 0]), p=node("PrimitiveInt", value=2**63)), str(2**63)),
    "numbers as text": (graph(sampler=ksampler(seed="77")), "77"),
    "a batch size from a number node": (graph(latent=node("EmptyLatentImage", width=8, height=8, batch_size=["p", 0]), p=node("PrimitiveInt", value=1)), "5"),
    "a size read from a picture": (
        graph(
            latent=node("EmptyLatentImage", width=["s", 0], height=["s", 1], batch_size=1),
            s=node("GetImageSize", image=["l", 0]), l=node("LoadImage", image="a.png"),
        ),
        "5",
    ),
    "a start picture for a video": (
        graph(
            latent=node("WanImageToVideo", positive=["text", 0], width=64, height=64, length=17, batch_size=1, start_image=["l", 0]),
            sampler=ksampler(latent_image=["latent", 2]), l=node("LoadImage", image="a.png"),
        ),
        "5",
    ),
    "pixels changed afterwards": (graph(image=["u", 0], u=node("ImageUpscaleWithModel", image=["s", 0], upscale_model=["m", 0]), s=node("SomebodysFilter", image=["decoded", 0], strength=3), m=node("UpscaleModelLoader", model_name="4x.pth")), "5"),
    "a picture and a loaded one": (graph(image=["c", 0], c=node("ImageCompositeMasked", destination=["l", 0], source=["decoded", 0], mask=["l", 1]), l=node("LoadImage", image="a.png")), "5"),
    "a second full pass": (graph(sampler=ksampler(latent_image=["first", 0], seed=6), first=ksampler(seed=5)), "6"),
    "a second pass at low denoise": (graph(sampler=ksampler(latent_image=["first", 0], seed=6, denoise=0.4), first=ksampler(seed=5)), "5"),
    "a node in a preview beside it": (graph(view=node("PreviewImage", images=["l", 0]), l=node("LoadImage", image="a.png")), "5"),
    "a chain of a thousand nodes": (
        graph(image=["n999", 0], n0=node("ImageSharpen", image=["decoded", 0]), **{f"n{i}": node("ImageSharpen", image=[f"n{i - 1}", 0]) for i in range(1, 1000)}),
        "5",
    ),
    "two save nodes of other names": (graph(other=node("SaveImage", images=["second", 0], filename_prefix="y"), second=node("VAEDecode", samples=["s2", 0], vae=["model", 2]), s2=ksampler(seed=9)), "5"),
    "a noise added by hand": (
        graph(
            sampler=node("SamplerCustomAdvanced", noise=["none", 0], guider=["g", 0], sampler=["k", 0], sigmas=["sig", 0], latent_image=["added", 0]),
            none=node("DisableNoise"), g=node("BasicGuider", model=["model", 0], conditioning=["text", 0]), k=node("KSamplerSelect", sampler_name="euler"),
            sig=node("BasicScheduler", model=["model", 0], scheduler="simple", steps=4, denoise=1.0),
            added=node("AddNoise", model=["model", 0], noise=["rn", 0], sigmas=["sig", 0], latent_image=["latent", 0]), rn=node("RandomNoise", noise_seed=3),
        ),
        "3",
    ),
    "our noise at a vertex": (graph(sampler=ksampler(model=["kn", 0], latent_image=["kn", 1]), kn=node("SurrogateKSamplerNoise", model=["lora", 0], space=["space", 0], points=["p", 0], latent=["latent", 0]), lora=node("LoraLoader", model=["model", 0], clip=["model", 1], lora_name="l.safetensors"), p=node("SurrogateWeights", space=["space", 0], weights="0 0 1 0"), **SPACE), "1024"),
    "seeds that are saved on the way": (graph(sampler=ksampler(model=["kn", 0], latent_image=["kn", 1]), kn=node("SurrogateKSamplerNoise", model=["model", 0], space=["space", 0], points=["p", 0], latent=["latent", 0]), p=node("SurrogateWeights", space=["space", 0], weights="0 0 1 0"), **{**SPACE, "space": node("SurrogateSpace", seeds=["keep", 0], chart="knothe_rosenblatt", transport="gaussian")}, keep=node("SurrogateSaveSeeds", seeds=["seeds", 0], images=["l", 0], model=["model", 0], filename_prefix="x", note="y", prompt_in_file=True), l=node("LoadImage", image="a.png")), "1024"),
    "our noise under a later patch": (graph(sampler=ksampler(model=["shift", 0], latent_image=["kn", 1]), shift=node("ModelSamplingFlux", model=["kn", 0], width=512, height=512), kn=node("SurrogateKSamplerNoise", model=["model", 0], space=["space", 0], points=["p", 0], latent=["latent", 0]), p=node("SurrogatePoint", space=["space", 0], coordinates="0"), **SPACE), "12"),
}  # fmt: skip


@pytest.mark.parametrize("prompt, label", FOLLOWED.values(), ids=FOLLOWED.keys())
def test_a_noise_is_followed_through_the_graph(tmp_path, prompt, label):
    found = seeds_of(write(tmp_path / "x_00001_.png", prompt))
    assert (labels(found), found.reason) == ([label], "")


REFUSED = {
    "a seed that is computed": (graph(sampler=ksampler(seed=["m", 0]), m=node("SimpleMath", a=["p", 0], value="a*2"), p=node("PrimitiveInt", value=4)), r"seed of KSampler \(node sampler\) cannot be told: it is SimpleMath \(node m\)"),
    "a random number": (graph(sampler=ksampler(seed=["m", 0]), m=node("Random", minimum=0, maximum=9, seed=4)), "cannot be told: it is Random"),
    "a seed of -1": (graph(sampler=ksampler(seed=-1)), "-1 is no seed"),
    "a seed that is no number": (graph(sampler=ksampler(seed=[1, 2, 3])), "the seed of KSampler .* it is a list"),
    "a seed of NaN": (json.dumps(graph()).replace('"seed": 5', '"seed": NaN'), "it is nan"),
    "a boolean for a seed": (graph(sampler=ksampler(seed=True)), "it is True"),
    "a seed beyond everything": (json.dumps(graph()).replace('"seed": 5', f'"seed": {10**400}'), "too large"),
    "no seed": (graph(sampler=node("KSampler", latent_image=["latent", 0], model=["model", 0])), "has no seed"),
    "a latent from a file": (graph(latent=node("LoadLatent", latent="a.latent")), "latent_image .* it is LoadLatent"),
    "a noise of another pack": (graph(sampler=node("SamplerCustomAdvanced", noise=["n", 0], guider=["model", 0], sampler=["model", 0], sigmas=["model", 0], latent_image=["latent", 0]), n=node("FractalNoise", noise_seed=4)), "the noise of SamplerCustomAdvanced .* it is FractalNoise"),
    "two samplings blended": (graph(image=["b", 0], b=node("ImageBlend", image1=["decoded", 0], image2=["d2", 0]), d2=node("VAEDecode", samples=["s2", 0], vae=["model", 2]), s2=ksampler(seed=9)), "joins pictures of several samplings"),
    "a sampler that adds no noise": (graph(sampler=node("KSamplerAdvanced", add_noise="disable", noise_seed=1, start_at_step=0, model=["model", 0], latent_image=["latent", 0])), "adds no noise"),
    "no sampler": (graph(image=["l", 0], l=node("LoadImage", image="a.png")), "no sampler is found"),
    "a circle": (graph(latent=node("LatentUpscale", samples=["sampler", 0])), "circle"),
    "a node that is its own input": (graph(sampler=ksampler(latent_image=["sampler", 0])), "circle"),
    "a batch without end": (graph(latent=node("EmptyLatentImage", width=8, height=8, batch_size=10**12)), "batch_size"),
    "a batch of nothing": (graph(latent=node("EmptyLatentImage", width=8, height=8, batch_size=0)), "batch_size"),
    "repeats without end": (graph(sampler=ksampler(latent_image=["r", 0]), r=node("RepeatLatentBatch", samples=["latent", 0], amount=10**9)), "a batch of 1000000000"),
    "Stable Cascade": (graph(latent=node("StableCascade_EmptyLatentImage", width=8, height=8, compression=42, batch_size=1), sampler=ksampler(latent_image=["latent", 1])), "two noises"),
    "Stable Video Diffusion": (graph(latent=node("SVD_img2vid_Conditioning", width=8, height=8, video_frames=14), sampler=ksampler(latent_image=["latent", 2])), "noise for each frame"),
    "points of a study": (graph(sampler=ksampler(model=["kn", 0], latent_image=["kn", 1]), kn=node("SurrogateKSamplerNoise", model=["model", 0], space=["ask", 2], points=["ask", 1], latent=["latent", 0]), ask=node("SurrogateAsk", study=["st", 0]), st=node("SurrogateStudy")), "a study's points are not in the file"),
    "seeds of a file": (graph(sampler=ksampler(model=["kn", 0], latent_image=["kn", 1]), kn=node("SurrogateKSamplerNoise", model=["model", 0], space=["space", 0], points=["p", 0], latent=["latent", 0]), p=node("SurrogateWeights", space=["space", 0], weights="0 0 1 0"), **{**SPACE, "seeds": node("SurrogateLoadSeeds", file="a.safetensors")}), "its seeds are not in the file"),
    "a grid without end": (graph(sampler=ksampler(model=["kn", 0], latent_image=["kn", 1]), kn=node("SurrogateKSamplerNoise", model=["model", 0], space=["space", 0], points=["g", 0], latent=["latent", 0]), g=node("SurrogateGrid", space=["space", 0], columns=10**9, rows=10**9), **SPACE), "too many"),
    "a selection without end": (graph(sampler=ksampler(model=["kn", 0], latent_image=["kn", 1]), kn=node("SurrogateKSamplerNoise", model=["model", 0], space=["space", 0], points=["sel", 0], latent=["latent", 0]), g=node("SurrogateGrid", space=["space", 0], columns=250, rows=250), sel=node("SurrogateSelectPoints", points=["g", 0], numbers="all " * 16000), **SPACE), "longer than a list"),
    "seeds that are none": (graph(sampler=ksampler(model=["kn", 0], latent_image=["kn", 1]), kn=node("SurrogateKSamplerNoise", model=["model", 0], space=["space", 0], points=["p", 0], latent=["latent", 0]), p=node("SurrogatePoint", space=["space", 0], coordinates="0"), **{**SPACE, "seeds": node("SurrogateSeedsFromIntegers", seeds="12, cat")}), "'cat' is not a seed"),
}  # fmt: skip


@pytest.mark.parametrize("prompt, reason", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_followed_is_said(tmp_path, prompt, reason):
    found = seeds_of(write(tmp_path / "x_00001_.png", prompt))
    assert found.seeds == ()
    with pytest.raises(ValueError, match=reason):
        raise ValueError(found.reason)
    assert len(found.reason) < 500


def test_a_sampler_of_another_pack_is_taken_for_one_and_said(tmp_path):
    efficient = node("KSampler (Efficient)", seed=8, model=["model", 0], latent_image=["latent", 0], vae=["model", 2])
    found = seeds_of(write(tmp_path / "x_00001_.png", graph(sampler=efficient)))
    assert labels(found) == ["8"]
    assert "is not a node of ComfyUI: taken for a sampler" in found.notes[0]


def test_a_point_is_the_very_noise(tmp_path):
    """With groups, sphere transport and a path: the library's own noise for the same numbers."""
    prompt = graph(
        sampler=node(
            "SamplerCustomAdvanced", noise=["n", 0], guider=["model", 0], sampler=["model", 0], sigmas=["model", 0],
            latent_image=["n", 1],
        ),
        n=node("SurrogateNoise", space=["space", 0], points=["p", 0], latent=["latent", 0], images_per_batch=2),
        p=node("SurrogatePath", space=["space", 0], seeds="1, 3", frames=5, closed=False),
        **{**SPACE, "space": {**SPACE["space"], "inputs": {**SPACE["space"]["inputs"], "transport": "sphere"}}},
    )  # fmt: skip
    space = SurrogateSpace(Seeds.from_text("12, 99, 1024, 7"), transport="sphere")
    walk = points.path(space, space.weights(points.vertices(space, [1, 3]).u), 5)
    expected = space.latents(walk.u, (4, 9, 7))
    found = seeds_of_pictures(batch(tmp_path, prompt, 5))
    assert found.seeds.labels == ("12", "x_00002_", "x_00003_", "x_00004_", "1024")
    for seed, noise in zip(found.seeds, expected):
        assert torch.equal(seed.noise(((4, 9, 7),))[0], noise)


# ------------------------------------------------------------------------------------------------------ batches


def test_a_renamed_picture(tmp_path):
    """Where the prompt makes one picture, its name does not matter; a preview of something else is not it."""
    beside = {"view": node("PreviewImage", images=["l", 0]), "l": node("LoadImage", image="a.png")}
    assert labels(seeds_of(write(tmp_path / "best.png", graph(**beside)))) == ["5"]
    found = seeds_of(write(tmp_path / "good.png", graph(latent=EMPTY4)))
    assert "one of 4 noises made it (5:0/4, 5:1/4, 5:2/4, 5:3/4)" in found.reason
    assert "its name is not the one that it was saved under" in found.reason


def test_positions_of_a_batch(tmp_path):
    """Found whatever lies around it: other prompts under the same name, a batch that was rendered twice."""
    a, b = graph(latent=EMPTY4), graph(latent=EMPTY4, sampler=ksampler(seed=6))
    batch(tmp_path, a, 4, 1)
    batch(tmp_path, b, 4, 5)
    batch(tmp_path, a, 4, 9)
    batch(tmp_path, a, 4, 13)
    found = seeds_of_pictures(sorted(tmp_path.iterdir()))
    assert found.seeds.labels == tuple(f"{s}:{i}/4" for s in (5, 6) for i in range(4))
    assert found.report.count("the same noise as") == 8


def test_nodes_of_other_packs_may_change_a_batch(tmp_path):
    """As many files as rows: taken, and said. More or fewer: refused."""
    other = {"image": ["v", 0], "v": node("RIFE VFI", frames=["decoded", 0], multiplier=2)}
    prompt = graph(latent=EMPTY4, **other)
    changed = "a node of another pack changed how many"
    for count, seeds, reason in ((4, 4, ""), (8, 0, changed), (3, 0, changed)):
        found = seeds_of_pictures(batch(tmp_path / str(count), prompt, count))
        assert len(found.seeds) == seeds and reason in found.found[1].reason
        assert not seeds or "passed through RIFE VFI (node v), which is not known" in found.report
    known = seeds_of_pictures(batch(tmp_path / "known", graph(latent=EMPTY4), 8))
    assert len(known.seeds) == 4 and "not known" not in known.report


def test_a_still_beside_a_clip_is_its_first_frame(tmp_path):
    prompt = graph(
        latent=EMPTY4, save=node("VHS_VideoCombine", images=["decoded", 0], filename_prefix="x", frame_rate=8)
    )
    assert labels(seeds_of(write(tmp_path / "x_00001.png", prompt))) == ["5:0/4"]


def test_a_latent_is_not_what_its_size_or_its_start_picture_is(tmp_path):
    """Neither a size that is read from a loaded picture nor a picture that guides a video decides the batch."""
    loaded = {"l": node("LoadImage", image="a.png"), "s": node("GetImageSize", image=["l", 0])}
    of_size = node("EmptyLatentImage", width=["s", 0], height=["s", 1], batch_size=2)
    assert seeds_of_pictures(batch(tmp_path / "size", graph(latent=of_size, **loaded), 2)).seeds.labels == (
        "5:0/2", "5:1/2",
    )  # fmt: skip
    video = node("WanImageToVideo", width=64, height=32, length=17, batch_size=1, start_image=["l", 0])
    prompt = graph(latent=video, sampler=ksampler(latent_image=["latent", 2], denoise=0.9), **loaded)
    found = seeds_of_pictures(batch(tmp_path / "video", prompt, 17))
    assert found.seeds.labels == ("5",) and found.found[0].size == (64, 32, 17) and found.found[0].notes == ()


# What stands beside number 10 of 4: S same prompt, O another one, . nothing.
NEIGHBOURS = {
    "...S...": [0, 1, 2, 3],
    "..OS...": [0],
    "...SO..": [3],
    "S..S...": [3],
    ".S.S...": [2, 3],
    "...S..S": [0],
    "O..S..S": [0],
    "SSSSOOO": [3],
    "OSSSSOO": [2],
    ".OOSSSS": [0],
    "O..S..O": [1, 2],
    "SSSSSSS": [0, 1, 2, 3],
    "...SSSSS": [0, 1, 2, 3],
    "OSSSSSSSSO": [2],
}


@pytest.mark.parametrize("row, positions", NEIGHBOURS.items())
def test_neighbours_tell_the_position(row, positions):
    numbered = {10 + i - 3: [Path(kind)] for i, kind in enumerate(row) if kind != "."}
    assert possible_positions(10, 4, numbered, lambda path: path.name == "S") == positions


def test_numbers_begin_with_one():
    assert possible_positions(1, 4, {1: [Path("S")]}, lambda path: True) == [0]
    assert possible_positions(2, 4, {2: [Path("S")]}, lambda path: True) == [0, 1]


# -------------------------------------------------------------------------------------------------- hostile files


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def png(*chunks: bytes, size=(8, 8)) -> bytes:
    header = size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big") + b"\x08\x02\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


def text(name: bytes, value: bytes) -> bytes:
    return chunk(b"tEXt", name + b"\0" + value)


HOSTILE = {
    "empty": (b"", "not a PNG"),
    "text": (b"hello", "not a PNG"),
    "a playlist called video": (b"#EXTM3U\n#EXTINF:1\nfile:///etc/passwd\n", "not a PNG"),
    "only the signature": (b"\x89PNG\r\n\x1a\n", "cut off"),
    "no header": (b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", b"x") + chunk(b"IEND", b""), "without a header"),
    "a chunk longer than the file": (png()[:33] + b"\x7f\xff\xff\xffIDAT", "cut off"),
    "a text longer than the file": (png()[:33] + b"\x00\x0f\xff\xfftEXt", "cut off"),
    "a text that claims 2 GiB": (png()[:33] + b"\x7f\xff\xff\xfftEXt", "more than 16 MiB"),
    "a chunk beyond 2 GiB": (png()[:33] + b"\xff\xff\xff\xffIDAT", "more than 2 GiB"),
    "a giant text": (png(text(b"prompt", b"x" * (17 << 20))), "more than 16 MiB"),
    "a thousand texts": (png(*[text(b"a", b"b")] * 1001), "1000 pieces"),
    "a bomb of a text": (png(chunk(b"zTXt", b"prompt\0\0" + zlib.compress(b" " * (64 << 20)))), "more than 8 MiB"),
    "another bomb": (png(chunk(b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(b" " * (64 << 20)))), "more than 8 MiB"),
    "a broken compressed text": (png(chunk(b"zTXt", b"prompt\0\0nonsense")), "a compressed text"),
    "a picture without pixels": (png(text(b"prompt", b"{}"), size=(0, 8)), "a picture of 0×8"),
    "an endless width": (png(text(b"prompt", b"{}"), size=(2**31 - 1, 8)), "a picture of 2147483647×8"),
    "a prompt that is no JSON": (png(text(b"prompt", b"{")), "cannot be read"),
    "a prompt that is a number": (png(text(b"prompt", b"5")), "not a graph"),
    "an empty prompt": (png(text(b"prompt", b"{}")), "not a graph"),
    "a prompt of lists": (png(text(b"prompt", b'{"1": [1]}')), "entry '1' has no class_type"),
    "a prompt nested without end": (png(text(b"prompt", b"[" * 1_000_000)), "nested too deeply"),
    "an input nested deeply": (png(text(b"prompt", b'{"1":{"class_type":"a","inputs":{"x":' + b"[" * 900 + b"]" * 900 + b"}}}")), "no node that saves|no sampler"),
    "a long prompt": (png(text(b"prompt", b'"' + b"x" * (5 << 20) + b'"')), "more than 4"),
    "many nodes": (png(text(b"prompt", json.dumps({str(i): node("a") for i in range(5001)}).encode())), "more than 5000"),
    "a workflow alone": (png(text(b"workflow", b"{}")), "holds a workflow but not the prompt"),
    "another program's": (png(text(b"parameters", b"a cat\nSeed: 5")), "another program"),
    "a recipe that is none": (png(text(b"surrogate", b"[]")), "its recipe cannot be used"),
    "a recipe of nothing": (png(text(b"surrogate", b'{"space": null, "u": []}')), "its recipe cannot be used"),
    "a WebP of nothing": (b"RIFF\x04\0\0\0WEBP", "a WebP without a picture"),
    "a WebP with a giant chunk": (b"RIFF\xff\xff\xff\xffWEBPEXIF\xff\xff\xff\xff", "more than 16 MiB"),
    "a WebP that is cut off": (b"RIFF\x16\0\0\0WEBPVP8L\xff\0\0\0\x2f\0\0\0\0\0\0\0\0\0", "cut off"),
    "a JPEG that is cut off": (b"\xff\xd8\xff\xc0\0\x0b\x08\0\x08\0\x08\1\0\0\0\xff\xda\0", "cut off"),
    "a JPEG of nothing": (b"\xff\xd8\xff\xd9", "without a picture"),
    "a JPEG of noise": (b"\xff\xd8\xff\xe0\0\4ab123", "no JPEG segment"),
    "an MP4 of nothing": (b"\0\0\0\x18ftypisom" + b"\0" * 12, "it is broken, or not what|no pictures"),
    "a WebM of nothing": (b"\x1a\x45\xdf\xa3" + b"\0" * 20, "it is broken, or not what|no pictures"),
}  # fmt: skip


@pytest.mark.parametrize("data, reason", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_files_are_refused_with_the_reason(tmp_path, data, reason):
    path = tmp_path / "x_00001_.png"
    path.write_bytes(data)
    found = seeds_of(path)
    assert found.seeds == ()
    with pytest.raises(ValueError, match=reason):
        raise ValueError(found.reason)
    assert len(found.reason) < 500


@pytest.mark.skipif(os.name == "nt", reason="pipes and devices are files of Unix")
def test_pipes_devices_and_folders_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "circle.png").symlink_to(tmp_path / "circle.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for name, reason in {
        "pipe.png": "a pipe or a device",
        "zero.png": "a pipe or a device",
        "folder.png": "it is a folder",
        "circle.png": "cannot be opened",
        "none.png": "cannot be opened",
        "x" * 300: "cannot be opened",
        "a\0b": "cannot be opened",
    }.items():
        assert reason in seeds_of(tmp_path / name).reason


def test_a_bomb_of_pixels_is_not_decoded(tmp_path):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(chunk(b"IDAT", zlib.compress(b"")), size=(100_000, 100_000)))
    with pytest.raises(CannotRead, match="100000×100000 pixels are more than"):
        read_frames(path)
    path.write_bytes(png(chunk(b"IDAT", b"nonsense")))
    with pytest.raises(CannotRead, match="pixels cannot be read"):
        read_frames(path)


def samples(folder: Path) -> list[Path]:
    """A file of each kind, with a prompt whose seed is found."""
    prompt = json.dumps(graph())
    exif = Image.Exif()
    exif[0x0110], exif[0x010F] = f"prompt:{prompt}", 'workflow:{"nodes": []}'
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    picture = Image.fromarray(pixels)
    write(folder / "x_00001_.png", prompt)
    for name, settings in {
        "x_00001_.webp": {"lossless": True},
        "moving.webp": {"save_all": True, "append_images": [picture.rotate(90)]},
        "x_00001_.jpg": {},
    }.items():
        picture.save(folder / name, exif=exif, **settings)
    for name, codec in {"x.mp4": "h264", "x.mov": "h264", "x.webm": "libvpx-vp9", "x.mkv": "h264"}.items():
        options = {"movflags": "use_metadata_tags"} if name[2] == "m" else {}
        with av.open(str(folder / name), "w", options=options) as container:
            container.metadata["prompt"] = prompt
            stream = container.add_stream(codec, rate=8)
            stream.width = stream.height = 64
            stream.pix_fmt = "yuv420p"
            for frame in (picture, picture.rotate(90)):
                container.mux(stream.encode(av.VideoFrame.from_image(frame)))
            container.mux(stream.encode())
    for name in ("x_00001_.flac", "x_00001_.mp3", "x_00001_.opus"):
        write_sound(folder / name, prompt)
    return sorted(folder.iterdir())


def test_files_of_every_kind_and_broken_anywhere(tmp_path):
    """Whole, each gives its seed and its size; cut or changed anywhere, nothing but an answer comes back."""
    chance = random.Random(4)
    paths = samples(tmp_path)
    assert len(paths) == 11
    for path in paths:
        assert labels(seeds_of(path)) == ["5"], path.name
        height = 3 if path.suffix in CODECS else 6
        assert [frame.shape for frame in read_frames(path, (0, 1, 5), longest=6)] == [(height, 6, 3)] * 3
        whole = path.read_bytes()
        for _ in range(20 if path.suffix in CODECS else 60):
            data = bytearray(whole)
            if chance.random() < 0.4:
                del data[chance.randrange(len(data)) :]
            for _ in range(chance.randrange(1, 6)):
                if data:
                    data[chance.randrange(len(data))] = chance.choice((0, 1, 127, 255, chance.randrange(256)))
            path.write_bytes(data)
            found = seeds_of(path)
            assert bool(found.seeds) != bool(found.reason)
            try:
                assert read_frames(path, (0, 1))[0].ndim == 3
            except CannotRead as error:
                assert str(error)


def test_any_prompt_gets_an_answer():
    """Values of every wrong kind in every place of prompts of every kind: a seed or a reason, never an error."""
    from surrogate.metadata.analysed import Analysed

    chance = random.Random(5)
    wrong = [
        None,
        True,
        -1,
        0,
        1e308,
        10**30,
        "",
        "x",
        [],
        {},
        [[]],
        ["sampler", 0],
        ["model", 99],
        ["save", -1],
        "%batch_num%",
    ]
    slow = ("a selection without end", "a chain of a thousand nodes")
    cases = [prompt for name, (prompt, _) in (FOLLOWED | REFUSED).items() if name not in slow]
    prompts = [json.dumps(prompt) if isinstance(prompt, dict) else prompt for prompt in cases]
    for _ in range(200):
        prompt = json.loads(chance.choice(prompts))
        for _ in range(chance.randrange(1, 5)):
            one = prompt[chance.choice(list(prompt))]
            if one["inputs"] and chance.random() < 0.8:
                one["inputs"][chance.choice(list(one["inputs"]))] = chance.choice(wrong)
            else:
                one["class_type"] = chance.choice([o["class_type"] for o in prompt.values()])
        analysed = Analysed(json.dumps(prompt))
        for saver in analysed.savers:
            analysed.trace.output(saver.node.id, 0)
            analysed.settings(saver.node.id)


def test_names_cannot_draw_in_the_report(tmp_path):
    bad = write(tmp_path / ("a\nx: seed 5\x1b[31m" + "b" * 150 + ".png"))
    report = seeds_of_pictures([bad]).report
    assert len(report.splitlines()) == 2 and "\x1b" not in report and len(report) < 400


# --------------------------------------------------------------------------------------------------- other places


@pytest.mark.parametrize("form", ["UserComment", "ImageDescription", "comment"])
def test_where_other_savers_put_the_prompt(tmp_path, form):
    prompt, exif, path = graph(), Image.Exif(), tmp_path / "x_00001_.jpg"
    extra = {}
    if form == "UserComment":
        exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + json.dumps({"prompt": prompt}).encode()
    elif form == "ImageDescription":
        exif[0x010E] = f"Prompt: {json.dumps(prompt)}"
    else:
        extra = {"comment": json.dumps({"prompt": json.dumps(prompt)}).encode()}
    Image.new("RGB", (8, 8)).save(path, exif=exif, **extra)
    assert labels(seeds_of(path)) == ["5"]


def test_videos_without_pyav():
    """As a library user may have it: still pictures work, and a video says what is missing."""
    program = """
import sys, tempfile, pathlib
sys.path.append(sys.argv[1])
import surrogate.metadata
assert "av" not in sys.modules
sys.modules["av"] = None
path = pathlib.Path(tempfile.mkdtemp(), "x.mp4")
path.write_bytes(b"\\0\\0\\0\\x18ftypisom")
print(surrogate.metadata.seeds_of(path).reason)
"""
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", program, root], capture_output=True, text=True)
    assert "films and sounds need the package av (PyAV)" in done.stdout, done.stderr


# ------------------------------------------------------------------------------------------------------- sounds


def sound_graph(saver="SaveAudio", sound=("decoded", 0), latent=None, sampler=None, **more) -> dict:
    """Stable Audio as in ComfyUI's own template."""
    return {
        "model": node("CheckpointLoaderSimple", ckpt_name="stable-audio-open-1.0.safetensors"),
        "text": node("CLIPTextEncode", text="rain", clip=["model", 1]),
        "latent": latent or node("EmptyLatentAudio", seconds=2.0, batch_size=1),
        "sampler": sampler or ksampler(),
        "decoded": node("VAEDecodeAudio", samples=["sampler", 0], vae=["model", 2]),
        "save": node(saver, audio=list(sound), **({} if saver == "PreviewAudio" else {"filename_prefix": "x"})),
        **more,
    }


THREE = node("EmptyLatentAudio", seconds=2.0, batch_size=3)


def test_a_batch_of_sounds_by_its_names(tmp_path):
    prompt = sound_graph(latent=THREE)
    paths = [write_sound(tmp_path / f"x_{i:05}_.flac", prompt) for i in (4, 5, 6)]
    assert [labels(seeds_of(path)) for path in paths] == [["5:0/3"], ["5:1/3"], ["5:2/3"]]
    paths[0].unlink()
    assert "one of 2 noises made it (5:0/3, 5:1/3)" in seeds_of(paths[1]).reason


@pytest.mark.parametrize("stem", ["ComfyUI_temp_abcde", "surrogate_sounds"])
def test_sounds_that_were_only_listened_to(tmp_path, stem):
    sheet = node("SurrogateSoundSheet", sounds=["decoded", 0])
    prompt = sound_graph(
        "PreviewAudio", ["sheet", 0], sheet=sheet, latent=node("EmptyLatentAudio", seconds=2.0, batch_size=2)
    )
    paths = [write_sound(tmp_path / f"{stem}_{i:05}_.flac", prompt) for i in (1, 2)]
    assert [labels(seeds_of(path)) for path in paths] == [["5:0/2"], ["5:1/2"]]


def test_one_name_in_two_formats(tmp_path):
    """Each file is its own node's, by its kind."""
    second = {"decoded2": node("VAEDecodeAudio", samples=["second", 0], vae=["model", 2]), "second": ksampler(seed=6)}
    prompt = sound_graph(**second, mp3=node("SaveAudioMP3", audio=["decoded2", 0], filename_prefix="x"))
    paths = [write_sound(tmp_path / f"x_00001_{suffix}", prompt) for suffix in (".flac", ".mp3")]
    assert [labels(seeds_of(path)) for path in paths] == [["5"], ["6"]]


def test_sounds_one_by_one_keep_their_places(tmp_path):
    """Sound Sheet hands a batch on one by one; Save Audio numbers them all the same."""
    points = node("SurrogateWeights", space=["space", 0], weights="1 0 0 0\n0 0 1 0")
    noise = node("SurrogateNoise", space=["space", 0], points=["points", 0], latent=["latent", 0], images_per_batch=0)
    sampler = node("SamplerCustomAdvanced", noise=["noise", 0], sigmas=["sigmas", 0], latent_image=["noise", 1])
    prompt = sound_graph(
        sound=["sheet", 0], sampler=sampler, noise=noise, points=points, **SPACE,
        sigmas=node("BasicScheduler", model=["model", 0], steps=4, denoise=1.0),
        sheet=node("SurrogateSoundSheet", sounds=["decoded", 0], points=["points", 0]),
        picture=node("SaveImage", images=["sheet", 1], filename_prefix="sheet"),
    )  # fmt: skip
    paths = [write_sound(tmp_path / f"x_{i:05}_.flac", prompt) for i in (1, 2)]
    assert [labels(seeds_of(path)) for path in paths] == [["12"], ["1024"]]
    assert "draws a picture of its own" in seeds_of(write(tmp_path / "sheet_00001_.png", prompt)).reason


def test_sounds_of_another_length_are_left_out(tmp_path):
    other = node("EmptyLatentAudio", seconds=3.5, batch_size=1)
    paths = [write_sound(tmp_path / f"{i}.mp3", sound_graph("SaveAudioMP3", sampler=ksampler(seed=i))) for i in (1, 2)]
    paths.append(write_sound(tmp_path / "3.mp3", sound_graph("SaveAudioMP3", latent=other)))
    made = seeds_of_pictures(paths)
    assert list(made.seeds.labels) == ["1", "2"]
    assert "its size is 3.5 s, that of most is 2 s" in made.report


def test_a_sound_has_a_length_and_is_drawn(tmp_path):
    for suffix in CODECS:
        path = write_sound(tmp_path / f"x{suffix}", sound_graph(), seconds=2.0, hertz=1000)
        embedded = read_embedded(path)
        assert (embedded.width, embedded.height, embedded.frames) == (0, 0, 1)
        assert abs(embedded.seconds - 2.0) < 0.1
        (picture,) = read_frames(path)
        assert picture.shape == (288, 512, 3)
        notes = picture[130:, 100:400].astype(int).sum(-1)  # the tone of 1000 Hz, about in the middle of the octaves
        assert np.ptp(notes.argmax(0)) <= 2 and notes.max() > 500


HOSTILE_SOUNDS = {
    "a FLAC of nothing": b"fLaC" + b"\0" * 20,
    "a FLAC that ends": b"fLaC",
    "an MP3 of tags alone": b"ID3\4\0\0\0\0\0\0",
    "an MP3 with a giant tag": b"ID3\4\0\0\x7f\x7f\x7f\x7fTXXX\x7f\x7f\x7f\x7f\0\0",
    "an Ogg of nothing": b"OggS" + b"\0" * 30,
    "an Ogg of noise": b"OggS" + random.Random(0).randbytes(5000),
}


@pytest.mark.parametrize("name", HOSTILE_SOUNDS)
def test_hostile_sounds_are_refused_with_the_reason(tmp_path, name):
    path = tmp_path / "x_00001_.flac"
    path.write_bytes(HOSTILE_SOUNDS[name])
    found = seeds_of(path)
    assert not found.seeds and found.reason
    with pytest.raises(CannotRead):
        read_frames(path)


def test_a_long_sound_is_drawn_from_its_beginning(tmp_path, monkeypatch):
    from surrogate.metadata.files import pixels

    path = write_sound(tmp_path / "x.flac", seconds=5.0)
    monkeypatch.setattr(pixels, "MOST_SAMPLES", 44100)
    assert read_frames(path)[0].shape == (288, 512, 3)


# ----------------------------------------------------------------------------------------------------- recipes


def tensor_space() -> SurrogateSpace:
    noises = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    return SurrogateSpace(Seeds.from_text("12, 99") + Seeds.from_tensors(noises, ["mine 1", "mine 2"]))


def test_recipes_and_the_noises_beside_them(tmp_path):
    space = tensor_space()
    save_tensors(space.seeds, tmp_path / "mine.safetensors")
    recipe = {"space": space.recipe(), "u": [0.2, 0.7, 0.4], "tensors": "mine.safetensors"}
    (seed,) = seeds_of(write(tmp_path / "x.png", recipe=recipe)).seeds
    assert isinstance(seed, PointSeed) and seed.label == "x"
    assert torch.equal(seed.noise(seed.parts)[0], space.latents([recipe["u"]])[0])

    other = write(tmp_path / "other" / "x.png", recipe=recipe)
    assert "belongs in the folder of the picture, is missing" in seeds_of(other).reason
    for name in ("../mine.safetensors", str(tmp_path / "mine.safetensors"), "..\\mine.safetensors", "mine.png", 5, ""):
        found = seeds_of(write(other, recipe={**recipe, "tensors": name}))
        assert "the name of its noises' file is not one" in found.reason
    (other.parent / "mine.safetensors").symlink_to(tmp_path / "mine.safetensors")
    assert "is a link" in seeds_of(write(other, recipe=recipe)).reason
    os.unlink(other.parent / "mine.safetensors")
    (other.parent / "mine.safetensors").write_bytes(b"\xff" * 100)
    assert "is not a file of surrogate seeds" in seeds_of(write(other, recipe=recipe)).reason


def nested(depth: int) -> dict:
    space = {"seeds": ["1", "2"], "chart": "angular", "transport": {"name": "gaussian"}}
    for _ in range(depth):
        point = {"point": [0.5], "space": space, "label": "p"}
        space = {**space, "seeds": [point, "3"]}
    return space


@pytest.mark.parametrize(
    "change",
    [
        {"u": [0.5, 0.5, 2.0]}, {"u": [float("nan")] * 3}, {"u": 5}, {"u": [[1]]}, {"u": ["x"]}, {"u": []},
        {"space": []}, {"space": {"seeds": "12"}}, {"space": {"seeds": ["1"] * 2000, "chart": "angular", "transport": {"name": "gaussian"}}},
        {"space": {"seeds": ["1", {"point": [0.5]}], "chart": "angular", "transport": {"name": "gaussian"}}},
        {"space": {"seeds": ["1", {"tensor": "ab"}], "chart": "angular", "transport": {"name": "gaussian"}}},
        {"space": {"seeds": ["1", "2"], "chart": "mine", "transport": {"name": "gaussian"}}},
        {"space": {"seeds": ["1", "2"], "chart": "angular", "transport": {"name": "affine", "scale": "x"}}},
        {"space": nested(3000), "u": [0.5]},
    ],
)  # fmt: skip
def test_recipes_that_are_wrong(tmp_path, change):
    sys.setrecursionlimit(50_000)
    try:
        good = {"space": SurrogateSpace(Seeds.from_text("1 2 3 4")).recipe(), "u": [0.2, 0.3, 0.4]}
        path = write(tmp_path / "x.png", recipe=json.dumps({**good, **change}))
    finally:
        sys.setrecursionlimit(1000)
    found = seeds_of(path)
    assert found.seeds == () and "its recipe cannot be used" in found.reason and len(found.reason) < 500


# ------------------------------------------------------------------------------------------------- point seeds


def test_a_point_is_a_seed_of_another_space():
    space = tensor_space()
    u = (0.2, 0.7, 0.4)
    point = PointSeed(space, u, "hill")
    outer = SurrogateSpace(Seeds((point,)) + Seeds.from_text("5"))
    assert outer.seeds.parts == ((4, 8, 8),)
    assert torch.equal(outer.latents([[0.0]])[0], space.latents([u])[0])
    assert point.identity == PointSeed(space, u, "other name").identity
    assert point.identity != PointSeed(space, (0.2, 0.7, 0.5), "hill").identity
    assert Seeds.join([Seeds((point, point))]).labels == ("hill", "hill (2)")


def test_a_nested_recipe_rebuilds_the_noise(tmp_path):
    """Through JSON and the file of tensors, two spaces deep; and at any size where all seeds are integers."""
    inner = SurrogateSpace(Seeds((PointSeed(tensor_space(), (0.2, 0.7, 0.4), "a"),)) + Seeds.from_text("5, 6"))
    outer = SurrogateSpace(Seeds((PointSeed(inner, (0.3, 0.6), "b"),)) + Seeds.from_text("7"), transport="sphere")
    save_tensors(outer.seeds, tmp_path / "t.safetensors")
    from surrogate.files.tensors import load_tensors

    recipe = json.loads(json.dumps(outer.recipe()))
    again = space_from_recipe(recipe, load_tensors(tmp_path / "t.safetensors"))
    assert again.recipe() == recipe
    assert torch.equal(again.latents([[0.4]]), outer.latents([[0.4]]))
    with pytest.raises(ValueError, match="needs the tensor of seed"):
        space_from_recipe(recipe)
    with pytest.raises(ValueError, match=r"^This recipe is nested too deeply"):
        space_from_recipe(nested(3000))
    with pytest.raises(ValueError, match="its coordinates must be numbers"):
        space_from_recipe({**nested(0), "seeds": ["1", {"point": ["x"], "space": nested(0)}]})
    free = space_from_recipe(nested(4))
    for shape in ((4, 9, 7), (16, 2, 3, 4), [(3, 5), (2, 2)]):
        made = free.latents([[0.25]], shape)
        assert all(torch.isfinite(part).all() for part in (made if isinstance(made, list) else [made]))


# --------------------------------------------------------------------------------------------- what may be read


@pytest.fixture
def folders(tmp_path):
    made = {name: tmp_path / name for name in ("input", "output", "outside")}
    for i in (1, 2, 10):
        write(made["output"] / "grid" / f"x_{i}_.png")
    write(made["output"] / "top.png")
    write(made["input"] / "in [1].png")
    write(made["outside"] / "secret.png")
    (made["output"] / "grid" / "notes.txt").write_text("hello")
    (made["output"] / "link.png").symlink_to(made["outside"] / "secret.png")
    (made["output"] / "link").symlink_to(made["outside"])
    (made["output"] / "grid" / "round").symlink_to(made["output"])
    return made


def listed(folders, text, anywhere=False):
    allowed = {name: folders[name] for name in ("input", "output")}
    listing = list_pictures(text, allowed, anywhere)
    return [path.name for path in listing.paths], listing.refused


@pytest.mark.parametrize(
    "text, names",
    [
        ("top.png [output]", ["top.png"]),
        ("top.png", ["top.png"]),
        ("in [1].png", ["in [1].png"]),
        ("in [1].png [input]", ["in [1].png"]),
        ("grid [output]", ["x_1_.png", "x_2_.png", "x_10_.png"]),
        ("grid/x_*.png", ["x_1_.png", "x_2_.png", "x_10_.png"]),
        ("gr?d/x_[12]_.png", ["x_1_.png", "x_2_.png"]),
        ("**/x_1_.png [output]", ["x_1_.png"]),
        ("grid/x_2_.png\n\n  grid/x_1_.png\ngrid/x_2_.png", ["x_2_.png", "x_1_.png"]),
    ],
)
def test_files_folders_and_patterns(folders, text, names):
    assert listed(folders, text) == (names, ())


@pytest.mark.parametrize(
    "text, reason",
    [
        ("../outside/secret.png [output]", "without .."),
        ("grid/../../outside/secret.png", "without .."),
        ("link.png [output]", "a link that leads out"),
        ("link/secret.png [output]", "a link that leads out"),
        ("link/*.png [output]", "a link that leads out"),
        ("{outside}/secret.png", "outside ComfyUI's input"),
        ("{outside}/*.png", "outside ComfyUI's input"),
        ("/**/*.png", "outside ComfyUI's input"),
        ("//server/share/x.png", "other computers"),
        ("\\\\server\\share\\x.png", "other computers"),
        ("none.png", "nothing is found"),
        ("*.png [temp]", "nothing is found"),
        ("x" * 5000, "not a path"),
        ("a\0b.png", "not a path"),
    ],
)
def test_nothing_else_is_read(folders, text, reason):
    names, (refused,) = listed(folders, text.format(**folders))
    assert names == [] and reason in refused and len(refused) < 300


def test_full_paths_where_they_may_be_used(folders):
    inside, outside = folders["output"] / "grid" / "x_*.png", folders["outside"] / "secret.png"
    assert listed(folders, str(inside)) == (["x_1_.png", "x_2_.png", "x_10_.png"], ())
    assert listed(folders, str(outside), anywhere=True) == (["secret.png"], ())
    assert listed(folders, f"{folders['output']}/link.png", anywhere=True)[0] == ["link.png"]
    # A relative path stays in its folder also then.
    assert listed(folders, "link.png [output]", anywhere=True)[0] == []


@pytest.mark.parametrize("text", ["", " \n ", "x.png\n" * 10_001])
def test_lists_that_are_none(folders, text):
    with pytest.raises(ValueError, match=r"pictures (is empty|has 10001 lines)"):
        listed(folders, text)


def test_kinds_are_told_by_the_content(tmp_path):
    picture = io.BytesIO()
    Image.new("RGB", (8, 6)).save(picture, "WEBP")
    (tmp_path / "x.png").write_bytes(picture.getvalue())
    embedded = read_embedded(tmp_path / "x.png")
    assert (embedded.kind, embedded.width, embedded.height, embedded.frames) == ("WebP", 8, 6, 1)
