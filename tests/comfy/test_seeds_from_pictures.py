"""Pictures that a real server saved, read back: their seeds, and the same pictures from the vertices."""

import io
import json
import os
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from dev.client import Client, ExecutionFailed
from dev.server import Server
from surrogate.metadata import read_embedded, seeds_of
from surrogate.metadata.graph.ours import OURS

from .conftest import Comfy
from .graph import Graph, output


def start(g: Graph, batch: int = 1, size=(64, 64)):
    """(model, vae, conditioning, a stock empty latent): any size, a picture a pixel for each value."""
    model, conditioning = g("TestAnyModel").outputs(2)
    latent = g("EmptyLatentImage", width=8 * size[0], height=8 * size[1], batch_size=batch)
    return model, g("TestAnyVAE"), conditioning, latent


def saved(comfy, g: Graph, images, prefix: str, save: str = "SaveImage", **settings) -> list:
    """Run the graph; the paths of the files that the save node wrote."""
    node = g(save, images=images, filename_prefix=prefix, **settings)
    outputs = g.run()["outputs"][node.number]
    files = [file for files in outputs.values() for file in files if isinstance(file, dict) and "filename" in file]
    return [output(comfy) / file["subfolder"] / file["filename"] for file in files]


def found(comfy, text: str, **settings):
    """What the node says of `text`: its report."""
    g = Graph(comfy)
    node = g("SurrogateSeedsFromPictures", pictures=text, **settings)
    return g.run()["outputs"][node.number]["text"][0]


def seeds_in(report: str) -> list[str]:
    """The seeds of a report, line by line."""
    return [line.split(": seed ")[1] for line in report.splitlines() if ": seed " in line]


def rendered(comfy, text: str, k: int, render, **settings) -> list[np.ndarray]:
    """The vertices of the space of the pictures `text`, rendered in one batch by `render(g, noise, latent)`."""
    g = Graph(comfy)
    pictures = g("SurrogateSeedsFromPictures", pictures=text, **settings)
    space = g("SurrogateSpace", seeds=pictures)
    kept = render(g, space, g.vertices(space, k))
    g.run()
    return list(as_saved(kept.tensor))


def as_saved(images: torch.Tensor) -> np.ndarray:
    """8-bit pixels as core's save nodes round them."""
    return np.clip(255.0 * images.numpy(), 0, 255).astype(np.uint8)


def pixels(path, frame: int = 0) -> np.ndarray:
    picture = Image.open(path)
    picture.seek(frame)
    return np.asarray(picture.convert("RGB"))


def by_noise(size=(64, 64)):
    """SamplerCustomAdvanced with Surrogate Noise."""

    def render(g, space, points):
        model, vae, conditioning, latent = start(g, size=size)
        noise = g("SurrogateNoise", space=space, points=points, latent=latent)
        return g.keep(g.decoded(g.custom(model, conditioning, noise, noise[1]), vae))

    return render


def by_ksampler(size=(64, 64)):
    def render(g, space, points):
        model, vae, conditioning, latent = start(g, size=size)
        patched = g("SurrogateKSamplerNoise", model=model, space=space, points=points, latent=latent)
        return g.keep(g.decoded(g.ksampler(patched, conditioning, patched[1], 0), vae))

    return render


def equal(made: list, originals: list) -> None:
    assert len(made) == len(originals) > 1
    for a, b in zip(made, originals):
        assert np.array_equal(a, b)
    assert not np.array_equal(made[0], made[1])


# ------------------------------------------------------------------------------------------------- samplers, batches


# 9×7 with 4 channels is no multiple of 16: there, every position of every batch size has noise of its own.
@pytest.mark.parametrize("size", [(64, 64), (9, 7)], ids=["even", "odd"])
def test_a_batch_of_random_noise(comfy, size):
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g, 4, size)
    samples = g.custom(model, conditioning, g("RandomNoise", noise_seed=42), latent)
    prefix = f"pictures/custom {size[0]}/x"
    paths = saved(comfy, g, g.decoded(samples, vae), prefix)
    text = f"pictures/custom {size[0]} [output]"
    assert seeds_in(found(comfy, text)) == [f"42:{i}/4" for i in range(4)]
    equal(rendered(comfy, text, 4, by_noise(size)), [pixels(path) for path in paths])


def test_ksampler_with_its_seed_behind_other_nodes_in_a_subgraph(comfy):
    """Two prompts; seeds from a number node; flattened ids as the browser sends them for subgraphs."""
    originals = []
    for seed in (7, 2**64 - 1):
        g = Graph(comfy)
        model, vae, conditioning, latent = start(g)
        number = seed if seed > 2**53 else g("PrimitiveInt", value=seed)
        picture = g.decoded(g.ksampler(model, conditioning, latent, number), vae)
        save = g("SaveImage", images=picture, filename_prefix="pictures/ksampler/x")
        inside = {n: f"{save.number}:{n}" for n in g.prompt if n != save.number}
        g.prompt = {
            inside.get(n, n): {
                **node,
                "inputs": {
                    name: [inside.get(v[0], v[0]), v[1]] if isinstance(v, list) else v
                    for name, v in node["inputs"].items()
                },
            }
            for n, node in g.prompt.items()
        }
        (image,) = comfy.client.images(g.run())
        originals.append(pixels(output(comfy) / image["subfolder"] / image["filename"]))
    report = found(comfy, "pictures/ksampler/*.png [output]")
    assert seeds_in(report) == ["7", str(2**64 - 1)]
    assert f"for Seeds from Integers: 7, {2**64 - 1}" in report
    # Each was rendered alone, and so are the vertices: a batch has other roundings.
    for i, original in enumerate(originals):
        g = Graph(comfy)
        pictures = g("SurrogateSeedsFromPictures", pictures="pictures/ksampler/*.png [output]")
        space = g("SurrogateSpace", seeds=pictures)
        kept = by_ksampler()(g, space, g.vertices(space, 2, [i]))
        g.run()
        assert np.array_equal(as_saved(kept.tensor)[0], original)


def test_the_demo_model(comfy):
    """A real network, whose pictures differ: the grid's own pictures are corners, its contact sheet is none."""
    g = Graph(comfy)
    model, vae, conditioning, latent = g.demo(time="dusk")
    space = g.space("26, 37, 3, 6")
    grid = g("SurrogateCorners", space=space, columns=2, rows=3)
    noise = g("SurrogateNoise", space=space, points=grid, latent=latent, images_per_batch=2)
    images = g.decoded(g.custom(model, conditioning, noise, noise[1], steps=2), vae)
    g("SaveImage", images=g("SurrogateContactSheet", images=images, points=grid), filename_prefix="pictures/demo/sheet")
    saved(comfy, g, images, "pictures/demo/x")
    originals = [pixels(output(comfy) / "pictures" / "demo" / f"x_{i:05}_.png") for i in (3, 4)]
    report = found(comfy, "pictures/demo [output]")
    assert seeds_in(report) == ["26", "37", "x_00003_", "x_00004_", "3", "6"]
    assert "sheet_00001_.png: left out: SurrogateContactSheet" in report

    def render(g, space, points):
        model, vae, conditioning, latent = g.demo(time="dusk")
        noise = g("SurrogateNoise", space=space, points=points, latent=latent)
        return g.keep(g.decoded(g.custom(model, conditioning, noise, noise[1], steps=2), vae))

    equal(rendered(comfy, "pictures/demo/x_0000[34]_.png [output]", 2, render), originals)


def test_every_node_of_ours_that_gives_pictures_is_known(comfy):
    """A new one needs a rule in surrogate/metadata/ours.py, or it is taken to hand on what it is given."""
    for name, description in comfy.client.object_info().items():
        if description["category"].startswith("surrogate") and {"IMAGE", "LATENT"} & set(description["output"]):
            assert name in OURS, name


def advanced(g, model, conditioning, latent, seed, **settings):
    common = {"steps": 4, "cfg": 1.0, "sampler_name": "euler", "scheduler": "simple", **settings}
    return g(
        "KSamplerAdvanced",
        model=model, positive=conditioning, negative=conditioning, latent_image=latent, noise_seed=seed, **common,
    )  # fmt: skip


def test_two_stages_and_a_second_pass(comfy):
    """The noise is that of the sampler that began, whatever follows: a second stage, an upscaled second pass."""
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g, 2)
    first = advanced(
        g, model, conditioning, latent, 5, end_at_step=2, return_with_leftover_noise="enable", add_noise="enable"
    )
    second = advanced(g, model, conditioning, first, 6, start_at_step=2, add_noise="disable")
    staged = saved(comfy, g, g.decoded(second, vae), "pictures/stages/a")
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g, 2)
    first = g.ksampler(model, conditioning, latent, 8)
    larger = g("LatentUpscale", samples=first, upscale_method="bilinear", width=1024, height=1024, crop="disabled")
    again = g.ksampler(model, conditioning, larger, 9, denoise=0.5)
    saved(comfy, g, g("ImageScale", image=g.decoded(again, vae), width=99, height=99), "pictures/stages/b")

    report = found(comfy, "pictures/stages [output]", largest_side=64)
    assert seeds_in(report) == ["5:0/2", "5:1/2", "8:0/2", "8:1/2"]
    assert report.count("sampled again by KSampler") == 2

    def render(g, space, points):
        model, vae, conditioning, latent = start(g)
        noise = g("SurrogateNoise", space=space, points=points, latent=latent)
        return g.keep(g.decoded(g.custom(model, conditioning, noise, noise[1]), vae))

    made = rendered(comfy, "pictures/stages/a*.png [output]", 2, render)
    # Two stages leave a rounding between them.
    for a, path in zip(made, staged):
        assert np.abs(a.astype(int) - pixels(path)).max() <= 1


def test_sampler_custom(comfy):
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g, 2)
    samples = g(
        "SamplerCustom",
        model=model, positive=conditioning, negative=conditioning, latent_image=latent, noise_seed=31, cfg=1.0,
        add_noise=True, sampler=g("KSamplerSelect", sampler_name="euler"),
        sigmas=g("BasicScheduler", model=model, scheduler="simple", steps=4, denoise=1.0),
    )  # fmt: skip
    paths = saved(comfy, g, g.decoded(samples, vae), "pictures/sampler custom/x")
    assert seeds_in(found(comfy, "pictures/sampler custom [output]")) == ["31:0/2", "31:1/2"]
    equal(rendered(comfy, "pictures/sampler custom [output]", 2, by_noise()), [pixels(p) for p in paths])


def test_batches_that_are_cut_repeated_joined_and_sorted(comfy):
    """What core draws for a `batch_index`, found without running anything."""
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g, 6)
    cut = g("LatentFromBatch", samples=latent, batch_index=3, length=2)
    joined = g("LatentBatch", samples1=cut, samples2=g("LatentFromBatch", samples=latent, batch_index=0, length=1))
    samples = g.custom(model, conditioning, g("RandomNoise", noise_seed=77), joined)
    picture = g.decoded(samples, vae)
    turned = g("ImageBatch", image1=g("ImageFromBatch", image=picture, batch_index=2, length=1), image2=picture)
    paths = saved(comfy, g, turned, "pictures/cut/x")
    report = found(comfy, "pictures/cut [output]")
    assert [line.rsplit(": ", 1)[-1] for line in report.splitlines()[2:]] == [
        "seed 77", "seed 77:3/5", "seed 77:4/5", "it counts once",
    ]  # fmt: skip
    # The picture turned to the front is the third of the batch.
    equal(rendered(comfy, "pictures/cut [output]", 3, by_noise()), [pixels(paths[i]) for i in (0, 1, 2)])


def test_repeated_and_rebatched(comfy):
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g, 2)
    four = g("RepeatLatentBatch", samples=latent, amount=2)
    groups = g("RebatchLatents", latents=four, batch_size=3)
    samples = g.custom(model, conditioning, g("RandomNoise", noise_seed=5), groups)
    paths = saved(comfy, g, g.decoded(samples, vae), "pictures/rebatched/x")
    paths = sorted((output(comfy) / "pictures" / "rebatched").iterdir())
    assert seeds_in(found(comfy, "pictures/rebatched [output]")) == ["5", "5:1/3", "5:2/3", "5:3/4"]
    equal(rendered(comfy, "pictures/rebatched [output]", 4, by_noise()), [pixels(path) for path in paths])


def test_the_same_noise_for_all_counts_once(comfy):
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g, 3)
    fixed = g("LatentBatchSeedBehavior", samples=latent, seed_behavior="fixed")
    saved(comfy, g, g.decoded(g.ksampler(model, conditioning, fixed, 3), vae), "pictures/fixed/x")
    report = found(comfy, "pictures/fixed [output]")
    assert seeds_in(report) == ["3"]
    assert report.count("the same noise as x_00001_.png") == 2


# ------------------------------------------------------------------------------------------------ animations, videos


@pytest.mark.parametrize("save", ["SaveAnimatedWEBP", "SaveAnimatedPNG"])
def test_each_frame_of_an_animation_is_a_seed(comfy, save):
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g, 3)
    samples = g.custom(model, conditioning, g("RandomNoise", noise_seed=42), latent)
    (path,) = saved(comfy, g, g.decoded(samples, vae), f"pictures/{save}/x", save)
    text = f"pictures/{save} [output]"
    assert seeds_in(found(comfy, text)) == ["42:0/3, 42:1/3, 42:2/3"]
    equal(rendered(comfy, text, 3, by_noise()), [pixels(path, i) for i in range(3)])


@pytest.mark.parametrize("save", ["SaveVideo", "SaveWEBM"])
def test_videos(comfy, save):
    """Of a batch of pictures: lossy, so the frames are alike. The pictures at the output are the frames."""
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g, 3)
    vae = g("TestAnyVAE", enlarge=4)
    images = g.decoded(g.custom(model, conditioning, g("RandomNoise", noise_seed=42), latent), vae)
    if save == "SaveVideo":
        node = g(save, video=g("CreateVideo", images=images, fps=8.0), filename_prefix=f"pictures/{save}/x")
    else:
        node = g(save, images=images, filename_prefix=f"pictures/{save}/x", crf=10.0)
    (file,) = (f for files in g.run()["outputs"][node.number].values() for f in files if isinstance(f, dict))
    path = output(comfy) / file["subfolder"] / file["filename"]
    assert [seed.label for seed in seeds_of(path).seeds] == ["42:0/3", "42:1/3", "42:2/3"]
    assert (read_embedded(path).width, read_embedded(path).height) == (256, 256)

    g = Graph(comfy)
    pictures = g("SurrogateSeedsFromPictures", pictures=f"pictures/{save} [output]")
    shown = g.keep(pictures[1])
    space = g("SurrogateSpace", seeds=pictures)
    model, _, conditioning, latent = start(g)
    noise = g("SurrogateNoise", space=space, points=g.vertices(space, 3), latent=latent)
    samples = g.custom(model, conditioning, noise, noise[1])
    made = g.keep(g.decoded(samples, g("TestAnyVAE", enlarge=4)))
    g.run()
    assert shown.tensor.shape == made.tensor.shape == (3, 256, 256, 3)
    difference = [[(a - b).abs().mean().item() for a in shown.tensor] for b in made.tensor]
    assert np.argmin(difference, axis=1).tolist() == [0, 1, 2]


def test_a_clip_of_a_video_model_is_one_seed(comfy):
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", channels=16, video=True).outputs(2)
    latent = g("EmptyHunyuanLatentVideo", width=64, height=64, length=9, batch_size=1)
    samples = g.custom(model, conditioning, g("RandomNoise", noise_seed=11), latent)
    images = g("VAEDecode", samples=samples, vae=g("TestAnyVAE", kind="video"))
    paths = saved(comfy, g, images, "pictures/clip/x")
    report = found(comfy, "pictures/clip [output]")
    assert len(paths) > 1 and seeds_in(report) == ["11"]


# -------------------------------------------------------------------------------------------------------- our own


@pytest.mark.parametrize("route", ["noise", "ksampler"])
def test_a_grid_becomes_the_corners_of_the_next_space(comfy, route):
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g)
    space = g.space("12, 99, 1024, 7:1/2", transport="sphere")
    grid = g("SurrogateCorners", space=space, seeds="1, 2, 3, 4", columns=3, rows=2)
    chosen = g("SurrogateSelectPoints", points=grid, numbers="2, 5, 1")
    near = g("SurrogateNeighbours", space=space, points=chosen, count=2, radius=20.0, random_seed=3)
    render = {"noise": by_noise, "ksampler": by_ksampler}[route]()
    if route == "noise":
        noise = g("SurrogateNoise", space=space, points=near, latent=latent)
        samples = g.custom(model, conditioning, noise, noise[1])
    else:
        patched = g("SurrogateKSamplerNoise", model=model, space=space, points=near, latent=latent)
        samples = g.ksampler(patched, conditioning, patched[1], 0)
    paths = saved(comfy, g, g.decoded(samples, vae), f"pictures/grid {route}/x")
    text = f"pictures/grid {route} [output]"
    report = found(comfy, text)
    assert len(seeds_in(report)) == 3 and all(s == f"x_{i:05}_" for i, s in enumerate(seeds_in(report), 1))
    equal(rendered(comfy, text, 3, render), [pixels(path) for path in paths])


def test_render_points_over_three_generations(comfy):
    """Tensor seeds beside the pictures; then a space of these pictures, whose pictures carry a nested recipe."""

    def pictures(g, seeds, weights, prefix):
        model, vae, conditioning, latent = start(g)
        space = g("SurrogateSpace", seeds=seeds)
        points = g("SurrogateWeights", space=space, weights=weights)
        settings = {"steps": 4, "images_per_batch": 2, "filename_prefix": prefix}
        g.render(model, conditioning, vae, latent, space, points, **settings)
        return sorted(output(comfy) / i["subfolder"] / i["filename"] for i in comfy.client.images(g.run()))

    g = Graph(comfy)
    mine = g("SurrogateSeedsFromLatents", latent=g.latent(2, 4, 64, 64, fill="normal", number=8), name="mine")
    joined = g("SurrogateJoinSeeds", seeds_1=g("SurrogateSeedsFromIntegers", seeds="12"), seeds_2=mine)
    first = pictures(g, joined, "1 2 3\n3 1 0", "pictures/first/x")
    g = Graph(comfy)
    again = g("SurrogateSeedsFromPictures", pictures="pictures/first/*.png [output]")
    second = pictures(g, again, "1 0\n0 1\n1 1\n2 1", "pictures/second/x")
    for a, b in zip(first, second):
        assert np.array_equal(pixels(a), pixels(b))
    g = Graph(comfy)
    again = g("SurrogateSeedsFromPictures", pictures="pictures/second/*.png [output]")
    third = pictures(g, again, "0 0 1 0\n0 0 0 1", "pictures/third/x")
    for a, b in zip(second[2:], third):
        assert np.array_equal(pixels(a), pixels(b))

    moved = output(comfy) / "pictures" / "moved"
    moved.mkdir()
    shutil.copy(first[0], moved)
    with pytest.raises(ExecutionFailed, match="belongs in the folder of the picture, is missing"):
        found(comfy, "pictures/moved [output]")


# ------------------------------------------------------------------------------------- what is left out, and why


def test_another_size_or_model_is_named_and_left_out(comfy):
    def picture(seed, name, size=(16, 16), kind="flow", steps=4, sampler="euler"):
        g = Graph(comfy)
        model, conditioning = g("TestAnyModel", kind=kind).outputs(2)
        if kind == "eps":
            model, conditioning, _ = g("TestSmallUNet").outputs(3)
        latent = g("EmptyLatentImage", width=8 * size[0], height=8 * size[1], batch_size=1)
        samples = g.ksampler(model, conditioning, latent, seed, steps=steps, sampler_name=sampler)
        saved(comfy, g, g.decoded(samples, g("TestAnyVAE")), f"pictures/differ/{name}")

    picture(1, "a")
    picture(2, "b")
    picture(3, "c", size=(8, 16))
    picture(4, "d", kind="eps")
    picture(5, "e", steps=3)
    picture(6, "f", sampler="euler_ancestral")
    report = found(comfy, "pictures/differ [output]")
    lines = {line[0]: line for line in report.splitlines() if line[1:2] == "_"}
    assert seeds_in(report) == ["1", "2", "5", "6"]
    assert "its size is 64×128, that of most is 128×128" in lines["c"]
    assert "its model is TestSmallUNet, that of most is TestAnyModel" in lines["d"]
    assert "other settings than the first one (steps)" in report
    assert "euler_ancestral adds noise at each step" in report
    kept = found(comfy, "pictures/differ [output]", pictures_that_differ="keep")
    assert seeds_in(kept) == ["1", "2", "3", "4", "5", "6"]
    assert seeds_in(found(comfy, "pictures/differ [output]", limit=2)) == ["1", "2"]


def test_where_a_batch_has_lost_its_neighbours(comfy):
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g, 4)
    paths = saved(comfy, g, g.decoded(g.ksampler(model, conditioning, latent, 42), vae), "pictures/lost/x")
    text = "pictures/lost [output]"
    paths[1].unlink()  # the first and the last still tell
    assert seeds_in(found(comfy, text)) == ["42:0/4", "42:2/4", "42:3/4"]
    paths[0].unlink()
    with pytest.raises(ExecutionFailed, match=r"one of 3 noises made it \(42:0/4, 42:1/4, 42:2/4\).*be told") as failed:
        found(comfy, text)
    assert "one of 3 noises made it (42:1/4, 42:2/4, 42:3/4)" in failed.value.exception_message
    shutil.copy(paths[2], paths[2].with_name("the best one.png"))
    with pytest.raises(ExecutionFailed, match="its name is not the one that it was saved under"):
        found(comfy, f"pictures/lost/{paths[2].with_name('the best one.png').name} [output]")


def test_batch_num_in_the_name_tells_the_position(comfy):
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g, 4)
    prefix = "pictures/numbered/%year%-%batch_num%-%width%x"
    paths = saved(comfy, g, g.decoded(g.ksampler(model, conditioning, latent, 42), vae), prefix)
    alone = output(comfy) / "pictures" / "numbered alone"
    alone.mkdir()
    shutil.copy(paths[2], alone)
    assert seeds_in(found(comfy, "pictures/numbered alone [output]")) == ["42:2/4"]


def test_pictures_without_a_prompt_are_named(comfy):
    folder = comfy.server.base / "input" / "strangers"
    folder.mkdir()
    Image.new("RGB", (8, 8)).save(folder / "photo.jpg")
    Image.new("RGB", (8, 8)).save(folder / "blank.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    (folder / "out.png").symlink_to("/etc/hostname")
    with pytest.raises(ExecutionFailed) as failed:
        found(comfy, "strangers")
    said = failed.value.exception_message
    for name, reason in {
        "photo.jpg": "this JPEG holds no ComfyUI prompt",
        "blank.png": "this PNG holds no ComfyUI prompt",
        "broken.png": "it is broken",
        "folder.png": "it is a folder",
        "pipe.png": "it is not a file but a pipe or a device",
        "out.png": "refused: it is a link that leads out",
    }.items():
        assert any(line.startswith(f"{name}: ") and reason in line for line in said.splitlines()), (name, said)


def test_it_is_read_again_when_a_file_comes(comfy):
    def picture(seed):
        g = Graph(comfy)
        model, vae, conditioning, latent = start(g)
        saved(comfy, g, g.decoded(g.ksampler(model, conditioning, latent, seed), vae), "pictures/coming/x")

    picture(1)
    g = Graph(comfy)
    node = g("SurrogateSeedsFromPictures", pictures="pictures/coming [output]")
    assert seeds_in(g.run()["outputs"][node.number]["text"][0]) == ["1"]
    picture(2)
    assert seeds_in(g.run()["outputs"][node.number]["text"][0]) == ["1", "2"]


# ------------------------------------------------------------------------------------------------- which paths


def test_full_paths_are_for_this_computer_alone(comfy, tmp_path):
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g)
    (path,) = saved(comfy, g, g.decoded(g.ksampler(model, conditioning, latent, 9), vae), "pictures/paths/x")
    outside = shutil.copy(path, tmp_path)
    assert seeds_in(found(comfy, str(path))) == ["9"]
    assert seeds_in(found(comfy, str(outside))) == ["9"]
    with pytest.raises(ExecutionFailed, match="a relative path stays within its folder"):
        found(comfy, f"../{path.parent.name}/x.png [output]")

    with Server("open ü", arguments=["--cpu", "--listen", "0.0.0.0"]) as server:
        other = Comfy(server, Client(server.url))
        inside = output(other) / "x.png"
        inside.parent.mkdir(exist_ok=True)
        shutil.copy(path, inside)
        assert seeds_in(found(other, str(inside))) == ["9"]
        with pytest.raises(ExecutionFailed, match="outside ComfyUI's input, output and temp folders"):
            found(other, str(outside))


def test_the_prompt_that_a_picture_carries_is_what_is_read(comfy):
    """Not its file name, its pixels or its workflow: a WebP and a PNG written anew with the same texts give the same."""
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g)
    (path,) = saved(comfy, g, g.decoded(g.ksampler(model, conditioning, latent, 9), vae), "pictures/carried/x")
    prompt = json.loads(Image.open(path).text["prompt"])
    picture, exif = Image.new("RGB", (64, 64)), Image.Exif()
    exif[0x0110] = f"prompt:{json.dumps(prompt)}"
    made = io.BytesIO()
    picture.save(made, "WEBP", exif=exif)
    other = path.with_name("renamed.webp")
    other.write_bytes(made.getvalue())
    assert [seed.label for seed in seeds_of(other).seeds] == ["9"]
