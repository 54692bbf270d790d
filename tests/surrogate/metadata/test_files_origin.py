"""Files of other programs: refused, with the program's name and what to do; never with a seed."""

from __future__ import annotations

import json

import pytest

from surrogate.metadata import seeds_of

from .kit import chunk, graph, png, text
from .test_files_exif import UNDEFINED, jpeg, tiff, webp

A1111 = (
    "a cat, 4k\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x512, "
    "Model hash: abc, Model: v1-5, Version: v1.10.1"
)
SWARM = json.dumps({"sui_image_params": {"prompt": "a cat", "seed": 5, "steps": 20}})
NOVEL = json.dumps({"prompt": "1girl, cat", "steps": 28, "seed": 5, "sampler": "k_euler"})
FOOOCUS = json.dumps({"prompt": "a cat", "seed": "5", "version": "Fooocus v2.5.5", "steps": 30})
PICTURES = {
    "A1111": (png(text("parameters", A1111)), "AUTOMATIC1111"),
    "A1111, compressed": (png(chunk(b"iTXt", b"parameters\0\0\0\0\0" + A1111.encode())), "AUTOMATIC1111"),
    "SwarmUI": (png(text("parameters", SWARM)), "SwarmUI"),
    "Fooocus": (png(text("parameters", FOOOCUS), text("fooocus_scheme", "fooocus")), "Fooocus"),
    "Fooocus in A1111's words": (png(text("parameters", A1111), text("fooocus_scheme", "a1111")), "Fooocus"),
    "InvokeAI": (
        png(text("invokeai_metadata", '{"seed": 5, "positive_prompt": "a cat"}'), text("invokeai_workflow", "{}")),
        "InvokeAI",
    ),
    "InvokeAI 2": (png(text("sd-metadata", '{"image": {"seed": 5}}'), text("Dream", '"a cat" -s 5')), "InvokeAI"),
    "NovelAI": (
        png(text("Title", "NovelAI generated image"), text("Software", "NovelAI"), text("Comment", NOVEL)),
        "NovelAI",
    ),
    "Easy Diffusion": (
        png(text("prompt", "a cat"), text("seed", "5"), text("use_stable_diffusion_model", "sd-v1-4")),
        "Easy Diffusion",
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_pngs_of_other_programs(tmp_path, name):
    data, program = PICTURES[name]
    path = tmp_path / "ComfyUI_00001_.png"
    path.write_bytes(data)
    found = seeds_of(path)
    assert not found.seeds
    assert f"made by another program ({program}" in found.reason and "make the picture again in ComfyUI" in found.reason


@pytest.mark.parametrize("said, program", [(A1111, "AUTOMATIC1111"), (SWARM, "SwarmUI"), (NOVEL, None)])
@pytest.mark.parametrize("wrap", [webp, jpeg])
def test_comments_of_other_programs(tmp_path, said, program, wrap):
    path = tmp_path / "x_00001_.png"
    path.write_bytes(wrap(tiff([], deeper=[(0x9286, UNDEFINED, b"UNICODE\0" + said.encode("utf-16-be"))])))
    found = seeds_of(path)
    assert not found.seeds
    expected = f"made by another program ({program}" if program else "holds no ComfyUI prompt"
    assert expected in found.reason


def test_a_prompt_counts_more_than_what_is_written_beside_it(tmp_path):
    """Image savers write A1111's words for sites that read them, and the prompt of ComfyUI."""
    path = tmp_path / "x_00001_.png"
    path.write_bytes(png(text("parameters", A1111), text("prompt", graph())))
    assert [seed.label for seed in seeds_of(path).seeds] == ["5"]


def test_several_prompts(tmp_path):
    """Which of two made it cannot be told: programs differ in which one they take. The same one twice is one."""
    path = tmp_path / "x_00001_.png"
    path.write_bytes(png(text("prompt", graph()), text("prompt", graph(2))))
    assert "several prompts that differ" in seeds_of(path).reason
    path.write_bytes(png(text("prompt", graph()), text("prompt", graph())))
    assert [seed.label for seed in seeds_of(path).seeds] == ["5"]


@pytest.mark.parametrize("brand", [b"avif", b"heic", b"mif1"])
def test_avif_is_not_a_film(tmp_path, brand):
    path = tmp_path / "x.png"
    path.write_bytes(b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1" + b"\0" * 40)
    assert "AVIF or HEIF" in seeds_of(path).reason


@pytest.mark.parametrize("data", [b"GIF89a" + b"\0" * 30, b"BM" + b"\0" * 30, b"%PDF-1.7", b"v/1\x01" + b"\0" * 30])
def test_kinds_that_are_not_read(tmp_path, data):
    path = tmp_path / "x.png"
    path.write_bytes(data)
    assert "it is not a PNG" in seeds_of(path).reason


def test_nothing_in_a_prompt_draws_in_the_report(tmp_path):
    from surrogate.metadata import seeds_of_pictures

    path = tmp_path / "x_00001_.png"
    drawn = {"class_type": "KSampler\nx_00002_.png: seed 7\x1b[31m", "inputs": {"latent_image": ["latent", 0]}}
    path.write_bytes(
        png(
            text(
                "prompt",
                graph(save={"class_type": "Save\n\n", "inputs": {"images": ["k", 0], "filename_prefix": "x"}}, k=drawn),
            )
        )
    )
    report = seeds_of_pictures([path]).report
    assert len(report.splitlines()) == 2 and "\x1b" not in report
