"""The FLUX workflows that begin with pictures, with the demo model in place of FLUX: the pictures come back."""

import numpy as np
import torch
from PIL import Image

from demo.scenes import render
from surrogate import Seeds, SurrogateSpace, points

from .graph import Graph, output
from .test_workflows import LONG, assert_a_picture, files_of, node_of, opened, pixels, plan_of, twin

# What loads FLUX -> the output of the demo model that stands in for it.
DEMO = {"UNETLoader": 0, "VAELoader": 1, "FluxGuidance": 2, "EmptySD3LatentImage": 3}


def with_the_demo_model(name: str) -> dict:
    prompt = twin(name)
    instead = {node_of(prompt, kind): ["demo", slot] for kind, slot in DEMO.items()}
    unwanted = {*instead, node_of(prompt, "DualCLIPLoader"), node_of(prompt, "CLIPTextEncode")}
    kept = {i: node for i, node in prompt.items() if i not in unwanted}
    for node in kept.values():
        for entry, value in node["inputs"].items():
            if isinstance(value, list):
                node["inputs"][entry] = instead.get(value[0], value)
    kept["demo"] = {"class_type": "SurrogateDemoModel", "inputs": {"time": "any", "place": "any"}}
    return kept


def settings(prompt: dict, class_type: str) -> dict:
    return prompt[node_of(prompt, class_type)]["inputs"]


def taker(prompt: dict, link: list) -> str:
    """The one node that this output goes to."""
    (found,) = [i for i, node in prompt.items() if link in node["inputs"].values()]
    return found


def cells(sheet: np.ndarray, layout: points.Points, **plan) -> list[np.ndarray]:
    """The pictures of 128 × 128 on a contact sheet."""
    plan = plan_of(layout, **plan)
    assert sheet.shape == (plan.height, plan.width, 3)
    return [sheet[y0:y1, x0:x1] for x0, y0, x1, y1 in plan.boxes]


def test_saved_pictures_are_the_corners(comfy):
    prompt = with_the_demo_model("flux_from_pictures")
    g = Graph(comfy)
    model, vae, conditioning, latent = g.demo(128, time="any", place="any")
    for integer in (26, 37, 3, 6):
        noise = g("RandomNoise", noise_seed=integer)
        made = g.custom(model, conditioning, noise, latent, steps=settings(prompt, "BasicScheduler")["steps"])
        g("SaveImage", images=g.decoded(made, vae), filename_prefix=f"to name/{integer}")
    g.run(LONG)
    mine = sorted((output(comfy) / "to name").glob("*.png"))
    listed = settings(prompt, "SurrogateSeedsFromPictures")
    assert len(listed["pictures"].splitlines()) == len(mine) == 4
    listed["pictures"] = "\n".join(f"to name/{path.name} [output]" for path in mine)

    entry = comfy.client.run(prompt, timeout=LONG)
    (said,) = entry["outputs"][node_of(prompt, "SurrogateSeedsFromPictures")]["text"]
    for path in mine:
        assert f"{path.name}: seed {int(path.name.split('_')[0])}" in said
    (file,) = files_of(entry, node_of(prompt, "SaveImage"))
    grid = points.corners(SurrogateSpace(Seeds.from_text("26, 3, 37, 6")), columns=3, rows=3)
    found = cells(pixels(opened(comfy, file)), grid, numbers=False)
    for cell in found:
        assert_a_picture(cell)
    for path, corner in zip(mine, (found[0], found[2], found[6], found[8]), strict=True):
        assert np.abs(pixels(Image.open(path)) - corner).max() <= 1, path.name


def test_pictures_from_anywhere_are_the_ends_of_the_walk(comfy):
    """Two drawn scenes; the second is a wide picture of another size, of which the middle is taken."""
    prompt = with_the_demo_model("flux_invert_blend")
    drawn = [render(1, size=size, generator=torch.Generator().manual_seed(size))[0] for size in (128, 256)]
    drawn[1] = torch.nn.functional.pad(drawn[1], (64, 64, 0, 0))
    loaded = [node["inputs"]["image"] for node in prompt.values() if node["class_type"] == "LoadImage"]
    for name, picture in zip(loaded, drawn, strict=True):
        array = (picture[0].movedim(0, -1).clamp(0, 1) * 255).byte().numpy()
        Image.fromarray(array).save(comfy.server.base / "input" / name)
    settings(prompt, "ImageScale").update(width=128, height=128)
    settings(prompt, "SurrogateContactSheet").update(cell_size=0, numbers=False)
    assert settings(prompt, "SurrogateInvert")["sigmas"] == settings(prompt, "SamplerCustomAdvanced")["sigmas"]
    latent = [node_of(prompt, "VAEEncode"), 0]
    prompt["coded"] = {"class_type": "VAEDecode", "inputs": {"samples": latent, "vae": ["demo", 1]}}
    prompt["keep"] = {"class_type": "PreviewImage", "inputs": {"images": ["coded", 0]}}
    resampled = taker(prompt, [node_of(prompt, "SurrogateInvert"), 2])
    shown = taker(prompt, [resampled, 0])

    entry = comfy.client.run(prompt, timeout=LONG)
    for name in loaded:
        (comfy.server.base / "input" / name).unlink()
    coded, back = ([pixels(opened(comfy, file)) for file in files_of(entry, i)] for i in ("keep", shown))
    (file,) = files_of(entry, node_of(prompt, "SaveImage"))
    noises = torch.randn(2, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    space = SurrogateSpace(Seeds.from_tensors(noises, ["picture 1", "picture 2"]))
    walk = points.path(space, space.weights(points.vertices(space).u), 7)
    captions = [None if mark else label for mark, label in zip(walk.marks, walk.labels, strict=True)]
    found = cells(pixels(opened(comfy, file)), walk, captions=captions, columns=3, numbers=False)
    for cell in found:
        assert_a_picture(cell)
    for one, other, end in zip(coded, back, (found[0], found[-1]), strict=True):
        print(np.abs(one - other).mean(), np.abs(other - end).max())
        assert np.abs(one - other).mean() < 2  # as well as the autoencoder allows
        assert np.abs(other - end).max() <= 2
