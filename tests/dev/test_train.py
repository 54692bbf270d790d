"""The script that trains small models, for a second each: too short to draw anything, long enough to go wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors
import torch

from demo import creatures, scenes
from dev.server import comfyui_folder

ROOT = Path(__file__).absolute().parents[2]


@pytest.mark.parametrize("pictures", [scenes, creatures], ids=["landscapes", "creatures"])
def test_pictures_are_drawn_from_a_generator_and_have_their_words(pictures):
    first = pictures.render(64, 32, generator=torch.Generator().manual_seed(3))
    images, one, other, factors = first
    assert images.shape == (64, 3, 32, 32) and 0 <= images.min() and images.max() <= 1 and images.isfinite().all()
    assert [sorted(set(index.tolist())) for index in (one, other)] == [
        list(range(len(words))) for words in pictures.WORDS
    ]
    assert all(values.shape == (64,) for values in factors.values())
    state = torch.get_rng_state()
    again = pictures.render(64, 32, generator=torch.Generator().manual_seed(3))[0]
    assert torch.equal(images, again) and torch.equal(state, torch.get_rng_state())


def test_a_second_model_is_trained_and_is_one_that_the_benchmarks_load(tmp_path):
    out = tmp_path / "creatures"
    command = [sys.executable, str(ROOT / "demo" / "train.py"), str(out), "--pictures", "creatures", "--images", "2",
               "--ae-seconds", "1", "--flow-seconds", "1", "--batch-ae", "2", "--batch-flow", "4", "--sheet-steps", "1"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(comfyui_folder())}
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stderr
    for name in ("demo_flux", "demo_vae"):
        with (
            safetensors.safe_open(out / f"{name}.safetensors", framework="pt") as made,
            safetensors.safe_open(ROOT / "demo" / "model" / f"{name}.safetensors", framework="pt") as ours,
        ):
            shapes = [{key: tuple(file.get_slice(key).get_shape()) for key in file.keys()} for file in (made, ours)]
            assert shapes[0] == shapes[1]
            assert all(made.get_tensor(key).isfinite().all() for key in shapes[0])
            words = json.loads(made.metadata()["words"])
    assert words == [*creatures.BODIES, *creatures.COATS]
    assert (out / "samples.png").stat().st_size > 1000

    code = (
        "import sys, torch, subject\n"
        "model, vae, conditioning = subject.load(sys.argv[1])\n"
        "drawn = subject.render(2, 16, torch.Generator().manual_seed(0))[0]\n"
        "print(subject.runs('search').parent.name, tuple(drawn.shape), tuple(conditioning[0][0].shape))\n"
    )
    loader = tmp_path / "load.py"
    loader.write_text(code, "utf-8")
    environment = {**os.environ, "SURROGATE_BENCHMARK_MODEL": str(out), "PYTHONPATH": str(ROOT / "benchmarks")}
    done = subprocess.run(
        [sys.executable, str(loader), str(comfyui_folder())],
        env=environment, capture_output=True, encoding="utf-8", timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "creatures (2, 3, 16, 16) (1, 2, 64)"
