"""Workflows for large models, with a small one of core's own class in place of each: they run, and the seeds come back."""

import numpy as np
import pytest
import torch

from surrogate import Seeds, SurrogateSpace, points
from surrogate.metadata import seeds_of

from .graph import output
from .test_workflows import LONG, files_of, node_of, opened, pixels, plan_of, twin

# Family, decoder, and the outputs of the loaders whose place they take.
SMALL = {
    "qwen_grid": ("Qwen-Image", {"class_type": "TestAnyVAE", "inputs": {"kind": "rgb", "enlarge": 8}}),
    "stable_audio_blend": ("Stable Audio", {"class_type": "TestSoundVAE", "inputs": {}}),
}
LOADERS = {"UNETLoader": {0: "model"}, "VAELoader": {0: "vae"}, "CheckpointLoaderSimple": {0: "model", 2: "vae"}}
TEXTS = ("CLIPLoader", "CLIPTextEncode")


def with_a_small_model(name: str) -> dict:
    prompt = twin(name)
    family, vae = SMALL[name]
    kept = {"family": {"class_type": "TestFamily", "inputs": {"family": family}}, "decoder": vae}
    kept |= {i: node for i, node in prompt.items() if node["class_type"] not in (*LOADERS, *TEXTS)}
    stands_for = {"model": ["family", 0], "vae": ["decoder", 0]}
    for node in kept.values():
        for entry, value in node["inputs"].items():
            if isinstance(value, list):
                source = prompt[value[0]]["class_type"]
                if source in TEXTS:
                    node["inputs"][entry] = ["family", 1]
                elif source in LOADERS:
                    node["inputs"][entry] = stands_for[LOADERS[source][value[1]]]
    kept[node_of(kept, "BasicScheduler")]["inputs"]["steps"] = 4
    return kept


def alone(prompt: dict, integer: int, decoder: str, saver: str) -> dict:
    """The same graph with core's RandomNoise: what one integer seed gives."""
    noise, sampler = node_of(prompt, "SurrogateNoise"), node_of(prompt, "SamplerCustomAdvanced")
    latent = prompt[noise]["inputs"]["latent"]
    changed = {i: {**node, "inputs": dict(node["inputs"])} for i, node in prompt.items()}
    changed[noise] = {"class_type": "RandomNoise", "inputs": {"noise_seed": integer}}
    changed[sampler]["inputs"]["latent_image"] = latent
    kinds = ("SaveImage", "SaveAudio", "SurrogateContactSheet", "SurrogateSoundSheet")
    kept = {i: node for i, node in changed.items() if node["class_type"] not in kinds}
    entry = "audio" if saver == "SaveAudio" else "images"
    kept["keep"] = {"class_type": saver, "inputs": {entry: [node_of(prompt, decoder), 0], "filename_prefix": "alone/x"}}
    return kept


def test_qwen_pictures_are_the_corners(comfy):
    prompt = with_a_small_model("qwen_grid")
    prompt[node_of(prompt, "EmptySD3LatentImage")]["inputs"].update(width=128, height=128)
    prompt[node_of(prompt, "SurrogateContactSheet")]["inputs"]["cell_size"] = 0
    entry = comfy.client.run(prompt, timeout=LONG)
    (file,) = files_of(entry, node_of(prompt, "SaveImage"))
    grid = points.corners(SurrogateSpace(Seeds.from_text("12, 99, 1024, 7")), columns=3, rows=3)
    plan = plan_of(grid)
    sheet = pixels(opened(comfy, file))
    assert sheet.shape == (plan.height, plan.width, 3)
    cells = [sheet[y0:y1, x0:x1] for x0, y0, x1, y1 in plan.boxes]
    for integer, cell in zip((12, 99, 1024, 7), (cells[0], cells[2], cells[6], cells[8]), strict=True):
        core = comfy.client.run(alone(prompt, integer, "VAEDecode", "SaveImage"), timeout=LONG)
        assert np.array_equal(pixels(opened(comfy, files_of(core, "keep")[0])), cell)
    assert min(np.abs(a - b).mean() for i, a in enumerate(cells) for b in cells[:i]) > 1


@pytest.mark.usefixtures("nodes_for_sound")
@pytest.mark.parametrize("name", ["stable_audio_blend"])
def test_sounds_are_on_the_way(comfy, name):
    prompt = with_a_small_model(name)
    prompt[node_of(prompt, "EmptyLatentAudio")]["inputs"]["seconds"] = 2.0
    entry = comfy.client.run(prompt, timeout=LONG)
    (sheet,) = files_of(entry, node_of(prompt, "SaveImage"))
    assert pixels(opened(comfy, sheet)).std() > 20
    saved = entry["outputs"][node_of(prompt, "SaveAudio")]["audio"]
    heard = entry["outputs"][node_of(prompt, "SurrogateSoundSheet")]
    assert len(saved) == len(heard["audio"]) == len(heard["names"]) == 7
    found = [seeds_of(output(comfy) / file["subfolder"] / file["filename"]) for file in saved]
    assert [[seed.label for seed in one.seeds] for one in found[::2]] == [["12"], ["99"], ["1024"], ["7"]]
    # Half way between two seeds both count the same.
    space = SurrogateSpace(Seeds.from_text("12, 99, 1024, 7"))
    halves = space.combine(np.eye(4)[:3] * 0.5**0.5 + np.eye(4)[1:] * 0.5**0.5, (64, 44))
    for one, half in zip(found[1::2], halves, strict=True):
        assert torch.allclose(one.seeds[0].noise(((64, 44),))[0], half, atol=1e-5)
    sounds = [comfy.client.view(file) for file in saved]
    for integer, sound in zip((12, 99, 1024, 7), sounds[::2], strict=True):
        core = comfy.client.run(alone(prompt, integer, "VAEDecodeAudio", "SaveAudio"), timeout=LONG)
        (file,) = core["outputs"]["keep"]["audio"]
        assert samples(comfy.client.view(file)) == samples(sound)
    assert len({samples(sound) for sound in sounds}) == 7


def samples(data: bytes) -> bytes:
    """The checksum of its samples that a FLAC file carries."""
    assert data[:4] == b"fLaC"
    return data[26:42]
