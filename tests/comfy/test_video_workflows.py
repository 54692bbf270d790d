"""The workflows for video models, with models of core's own classes with few and random weights in place of the real ones."""

import io

import av
import numpy as np
import pytest
from PIL import Image

from surrogate import Seeds, SurrogateSpace, points
from surrogate.scores import make_score
from surrogate.search import Study

from .graph import Graph
from .test_families import FAMILIES as ALL_FAMILIES
from .test_families import loads
from .test_workflows import LONG, node_of, plan_of, twin

# Workflow -> the family that stands in, and what loads the model: loader -> the outputs that are MODEL and VAE.
FAMILIES = {
    "wan_grid": ("Wan 2.1", {"UNETLoader": (0, None), "VAELoader": (None, 0)}),
    "hunyuan_video_search": ("HunyuanVideo", {"UNETLoader": (0, None), "VAELoader": (None, 0)}),
    "ltx_path": ("LTX-Video", {"CheckpointLoaderSimple": (0, 2)}),
}
ENLARGED = {"wan_grid": 8, "hunyuan_video_search": 8, "ltx_path": 32}


def small(comfy, name: str) -> dict:
    """The workflow's prompt: stock UNETLoader with a small file, a VAE that shows the latent, embeddings made up."""
    family, loaders = FAMILIES[name]
    if not loads(comfy, ALL_FAMILIES[family]):
        pytest.skip("core's detection has large numbers written into it")
    g = Graph(comfy)
    g("TestFamilyFile", family=family)
    g.run()
    prompt = twin(name)
    instead = {}
    for kind, (model, vae) in loaders.items():
        loader = node_of(prompt, kind)
        instead |= {(loader, model): ["model", 0], (loader, vae): ["vae", 0]}
    text = [i for i, node in prompt.items() if node["class_type"] == "CLIPTextEncode"]
    instead |= {(i, 0): ["text", 1] for i in text}
    unwanted = {*(i for i, _ in instead), *(i for i, node in prompt.items() if "CLIPLoader" in node["class_type"])}
    kept = {i: node for i, node in prompt.items() if i not in unwanted}
    for node in kept.values():
        for entry, value in node["inputs"].items():
            if isinstance(value, list):
                node["inputs"][entry] = instead.get(tuple(value), value)
    file = {"unet_name": f"{family}.safetensors", "weight_dtype": "default"}
    kept["model"] = {"class_type": "UNETLoader", "inputs": file}
    kept["vae"] = {"class_type": "TestAnyVAE", "inputs": {"kind": "video", "enlarge": ENLARGED[name]}}
    kept["text"] = {"class_type": "TestFamily", "inputs": {"family": family}}
    return kept


def settings(prompt: dict, class_type: str) -> dict:
    return prompt[node_of(prompt, class_type)]["inputs"]


def savers(prompt: dict, class_type: str) -> list[str]:
    return [i for i, node in prompt.items() if node["class_type"] == class_type]


def saved(comfy, entry: dict, node: str) -> list[np.ndarray]:
    """The files that a node saved, each frames (t, h, w, 3) int16."""
    outputs = entry["outputs"][node]
    files = [file for kind in outputs.values() if isinstance(kind, list) for file in kind if isinstance(file, dict)]
    return [frames_of(comfy, file) for file in files]


def frames_of(comfy, file: dict) -> np.ndarray:
    data = comfy.client.view(file)
    if file["filename"].endswith((".webp", ".png")):
        picture = Image.open(io.BytesIO(data))
        frames = []
        for i in range(getattr(picture, "n_frames", 1)):
            picture.seek(i)
            frames.append(np.asarray(picture.convert("RGB"), np.int16))
        return np.stack(frames)
    with av.open(io.BytesIO(data)) as video:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]).astype(np.int16)


def test_a_grid_of_clips_moves_and_has_the_seeds_clips_in_its_corners(comfy):
    prompt = small(comfy, "wan_grid")
    settings(prompt, "EmptyHunyuanLatentVideo").update(width=128, height=80, length=13)
    settings(prompt, "BasicScheduler")["steps"] = 3
    settings(prompt, "SurrogateContactSheet")["cell_size"] = 0
    settings(prompt, "SaveAnimatedWEBP")["lossless"] = True
    noise = settings(prompt, "SurrogateNoise")
    latent, model = noise["latent"], settings(prompt, "CFGGuider")["model"]
    for integer in (12, 7):  # as KSampler makes it
        ksampler = {
            **{
                "model": model,
                "positive": ["text", 1],
                "negative": ["text", 1],
                "latent_image": latent,
                "seed": integer,
            },
            **{"steps": 3, "cfg": settings(prompt, "CFGGuider")["cfg"], "sampler_name": "euler"},
            **{"scheduler": "simple", "denoise": 1.0},
        }
        prompt[f"k{integer}"] = {"class_type": "KSampler", "inputs": ksampler}
        decode = {"samples": [f"k{integer}", 0], "vae": ["vae", 0]}
        prompt[f"d{integer}"] = {"class_type": "VAEDecode", "inputs": decode}
        webp = {**settings(twin("wan_grid"), "SaveAnimatedWEBP"), "images": [f"d{integer}", 0], "lossless": True}
        prompt[f"s{integer}"] = {
            "class_type": "SaveAnimatedWEBP",
            "inputs": {**webp, "filename_prefix": f"wan/{integer}"},
        }
    own = [i for i in savers(prompt, "SaveAnimatedWEBP") if not i.startswith("s")]
    entry = comfy.client.run(prompt, timeout=LONG)

    (sheet,) = saved(comfy, entry, own[0])
    grid = points.corners(SurrogateSpace(Seeds.from_text("12, 99, 1024, 7")), columns=3, rows=3)
    plan = plan_of(grid, (80, 128), numbers=False)
    assert sheet.shape == (8, plan.height + plan.height % 2, plan.width + plan.width % 2, 3)
    cells = [sheet[:, y0:y1, x0:x1] for x0, y0, x1, y1 in plan.boxes]
    for integer, cell in ((12, cells[0]), (7, cells[8])):
        (core,) = saved(comfy, entry, f"s{integer}")
        assert core.shape == cell.shape
        assert np.abs(core - cell).max() <= 1
    for cell in cells:  # they move, and no two are alike
        assert np.abs(np.diff(cell, axis=0)).mean() > 1
    assert min(np.abs(a - b).mean() for i, a in enumerate(cells) for b in cells[:i]) > 3
    clips = saved(comfy, entry, node_of(prompt, "SaveVideo"))
    assert [clip.shape for clip in clips] == [(8, 80, 128, 3)] * 9
    for clip, cell in zip(clips, cells, strict=True):
        assert np.abs(clip - cell).mean() < 25  # of noise, in a codec for videos


def test_a_search_scores_clips_and_shows_the_best_as_they_move(comfy):
    prompt = small(comfy, "hunyuan_video_search")
    settings(prompt, "EmptyHunyuanLatentVideo").update(width=64, height=48, length=9)
    settings(prompt, "BasicScheduler")["steps"] = 2
    settings(prompt, "SurrogateStudy")["budget"] = 16
    settings(prompt, "SurrogatePictureStatistics")["statistic"] = "saturation"
    settings(prompt, "SurrogateContactSheet")["cell_size"] = 0
    for i in savers(prompt, "SaveAnimatedWEBP"):
        prompt[i]["inputs"]["lossless"] = True
    entry = comfy.client.run(prompt, timeout=LONG)
    found = {prompt[i]["inputs"]["filename_prefix"]: saved(comfy, entry, i) for i in savers(prompt, "SaveAnimatedWEBP")}
    (best,) = found["surrogate/hunyuan_video_search_best"]
    (four,) = found["surrogate/hunyuan_video_search_best_four"]
    assert best.shape == (6, 48, 64, 3)
    assert len(four) == 6 and four.shape[1] > 96 and four.shape[2] > 128
    assert np.abs(np.diff(four, axis=0)).max() > 20
    study = Study.load(comfy.server.base / "user" / "surrogate_studies.db", "hunyuan video search")
    rows = study.history()
    assert (rows.known.sum(), (~rows.known).sum()) == (6, 16)
    # The best clip's score is the mean over its frames.
    score = make_score("saturation")(best.astype(np.float32) / 255).mean()
    assert score == pytest.approx(rows.scores.max(), abs=0.01)
    assert rows.scores[~rows.known].max() > np.median(rows.scores[rows.known])
    (page,) = saved(comfy, entry, savers(prompt, "SaveImage")[0])
    assert page.shape[1] > 500


def test_one_clip_walks_through_the_seeds(comfy):
    prompt = small(comfy, "ltx_path")
    settings(prompt, "EmptyLTXVLatentVideo").update(width=128, height=96, length=33)
    settings(prompt, "LTXVScheduler")["steps"] = 3
    settings(prompt, "SurrogatePath")["frames"] = 5
    # Beside it the clip of the first seed, by core's noise and by a path that stands still.
    over = node_of(prompt, "SurrogateNoiseOverTime")
    sampler, decode = node_of(prompt, "SamplerCustomAdvanced"), node_of(prompt, "VAEDecode")
    prompt["first"] = {"class_type": "RandomNoise", "inputs": {"noise_seed": 12}}
    prompt["still"] = {"class_type": "SurrogateNoiseOverTime", "inputs": {**prompt[over]["inputs"], "end": 0.0}}
    for name, noise in (("moving", over), ("core", "first"), ("standing", "still")):
        sampled = {**prompt[sampler]["inputs"], "noise": [noise, 0]}
        prompt[f"{name} sampler"] = {"class_type": "SamplerCustomAdvanced", "inputs": sampled}
        decoded = {**prompt[decode]["inputs"], "samples": [f"{name} sampler", 0]}
        prompt[f"{name} frames"] = {"class_type": "VAEDecode", "inputs": decoded}
        webp = {"filename_prefix": f"ltx/{name}", "fps": 8.0, "lossless": True, "quality": 80, "method": "default"}
        prompt[name] = {"class_type": "SaveAnimatedWEBP", "inputs": {**webp, "images": [f"{name} frames", 0]}}
    entry = comfy.client.run(prompt, timeout=LONG)
    (video,) = saved(comfy, entry, node_of(prompt, "SaveVideo"))
    assert video.shape == (10, 96, 128, 3)
    moving, core, standing = (saved(comfy, entry, name)[0] for name in ("moving", "core", "standing"))
    assert np.array_equal(core, standing)
    assert moving.shape == core.shape
    apart = np.abs(moving - core).mean((1, 2, 3))
    assert apart[0] < apart[-1] / 2  # it begins as the first seed's clip does
