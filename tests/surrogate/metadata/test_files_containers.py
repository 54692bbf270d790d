"""The same prompt in every container, under every name that savers use; prompts that differ in one file are refused."""

from __future__ import annotations

import json

import av
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from surrogate.metadata import seeds_of

from .graphs import EMPTY, graph, ksampler, node

MAKE, MODEL = 0x010F, 0x0110
SOUND = {
    "latent": node("EmptyLatentAudio", seconds=1.0, batch_size=1),
    "save": node("SaveAudio", audio=["decoded", 0], filename_prefix="x"),
}


def prompt(seed: int, **more) -> str:
    return json.dumps(graph(sampler=ksampler(seed=seed), **({"latent": EMPTY} | more)))


def wrapped(text: str) -> str:
    """As Video Helper Suite writes it."""
    return json.dumps({"prompt": text, "workflow": {}})


def picture(path, exif: dict[int, str] | None = None, texts=(), **more):
    block, info = Image.Exif(), PngInfo()
    for tag, text in (exif or {}).items():
        block[tag] = text
    for name, text in texts:
        info.add_text(name, text)
    settings = {"pnginfo": info} if path.suffix == ".png" else {}
    Image.new("RGB", (16, 16)).save(path, exif=block, **settings, **more)
    return path


def film(path, tags: dict[str, str]):
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"} if path.suffix == ".mp4" else {}) as file:
        file.metadata.update(tags)
        stream = file.add_stream("mpeg4", rate=8)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        file.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))))
        file.mux(stream.encode(None))
    return path


def sound(path, tags: dict[str, str]):
    codec = {".flac": "flac", ".opus": "libopus", ".mp3": "mp3"}[path.suffix]
    form, kind = ("s16", np.int16) if codec == "flac" else ("flt", np.float32)
    with av.open(str(path), "w") as file:
        file.metadata.update(tags)
        stream = file.add_stream(codec, rate=48000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 9600), kind), format=form, layout="stereo")
        frame.sample_rate = 48000
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


ONE = {
    "a PNG's EXIF": lambda to: picture(to / "x_00001_.png", {MODEL: f"prompt:{prompt(7)}"}),
    "a JPEG's comment and its EXIF": lambda to: picture(to / "x_00001_.jpg", {MODEL: f"prompt:{prompt(7)}"}, comment=wrapped(prompt(7))),
    "an MP4's comment": lambda to: film(to / "x_00001_.mp4", {"comment": wrapped(prompt(7))}),
    "an MP4's tag and its comment, written in another way": lambda to: film(
        to / "x_00001_.mp4", {"prompt": json.dumps(json.loads(prompt(7)), indent=1), "comment": wrapped(prompt(7))}
    ),
    "an MKV": lambda to: film(to / "x_00001_.mkv", {"PROMPT": prompt(7)}),
    **{
        f"a comment in {kind}": lambda to, kind=kind: sound(to / f"x_00001_.{kind}", {"comment": wrapped(prompt(7, **SOUND))})
        for kind in ("flac", "opus", "mp3")
    },
}  # fmt: skip


@pytest.mark.parametrize("make", ONE.values(), ids=ONE)
def test_found_in(tmp_path, make):
    found = seeds_of(make(tmp_path))
    assert ([seed.label for seed in found.seeds], found.reason) == (["7"], "")


TWO = {
    "a PNG": lambda to: picture(to / "x_00001_.png", texts=[("prompt", prompt(7)), ("Prompt", prompt(9))]),
    "a PNG, one of them in its EXIF": lambda to: picture(to / "x_00001_.png", {MODEL: f"prompt:{prompt(9)}"}, [("prompt", prompt(7))]),
    "a WebP": lambda to: picture(to / "x_00001_.webp", {MAKE: f"prompt:{prompt(7)}", MODEL: f"prompt:{prompt(9)}"}),
    "a JPEG": lambda to: picture(to / "x_00001_.jpg", {MODEL: f"prompt:{prompt(7)}"}, comment=wrapped(prompt(9))),
    "an MP4": lambda to: film(to / "x_00001_.mp4", {"prompt": prompt(7), "comment": wrapped(prompt(9))}),
    "a FLAC": lambda to: sound(to / "x_00001_.flac", {"prompt": prompt(7, **SOUND), "comment": wrapped(prompt(9, **SOUND))}),
}  # fmt: skip


@pytest.mark.parametrize("make", TWO.values(), ids=TWO)
def test_prompts_that_differ_are_refused(tmp_path, make):
    found = seeds_of(make(tmp_path))
    assert found.seeds == () and "several prompts that differ" in found.reason
