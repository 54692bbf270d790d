"""Clips in a real server: noise that moves over time, one batch of frames for each point, sheets that move."""

import itertools
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from dev.client import ExecutionFailed
from surrogate import Seeds, Stretch, SurrogateSpace, latents_over_time, points

from .graph import Graph, output

SPACE = SurrogateSpace(Seeds.from_text("12, 99, 1024, 7"))
WALK = points.path(SPACE, np.eye(4), 5)
VIDEO = (16, 7, 6, 10)


def over_time(g: Graph, latent, space=None, where=None, **settings):
    space = space or g.space()
    where = where or g("SurrogatePath", space=space, frames=5, closed=False)
    return g("SurrogateNoiseOverTime", space=space, points=where, latent=latent, **settings)


def small_video(g: Graph):
    """(model, conditioning) of a video model whose steps do not see each other."""
    return g("TestAnyModel", channels=16, video=True).outputs(2)


def check(comfy, g: Graph, message: str) -> None:
    with pytest.raises(ExecutionFailed, match=message):
        g.run()


# ---------------------------------------------------------------------------------------------------- noise over time


@pytest.mark.parametrize("per_batch", [0, 1, 2])
@pytest.mark.parametrize("shape", [VIDEO, (64, 50), [VIDEO, (8, 25, 16)]], ids=["video", "sound", "both"])
def test_the_noise_is_the_librarys(comfy, shape, per_batch):
    g = Graph(comfy)
    latent = g.latent(*[[1, *part] for part in shape]) if isinstance(shape, list) else g.latent(1, *shape)
    settings = {"movement": "smooth", "start": 0.2, "end": 0.8, "stretches": 3, "clips_per_batch": per_batch}
    noise = over_time(g, latent, **settings)
    kept, sizes = g.keep(noise, latent=noise[1]), g.keep(noise[1])
    g.run()
    made = latents_over_time(SPACE, Stretch(WALK.u, 0.2, 0.8).cut(3), shape)
    made = made if isinstance(made, list) else [made]
    batches = range(0, 3, per_batch or 3)
    for j, part in enumerate(made):
        together = torch.cat([kept.tensors[f"{i}.{j}"] for i in range(len(batches))])
        assert torch.equal(together, part)
    assert [sizes.tensors[f"{i}.0"].shape[0] for i in range(len(batches))] == [
        min(per_batch or 3, 3 - start) for start in batches
    ]


def test_sound_that_looks_like_an_image(comfy):
    g = Graph(comfy)
    latent = g("EmptyAceStepLatentAudio", seconds=5.0, batch_size=1)
    kept = g.keep(over_time(g, latent, movement="hold"), latent=latent)
    g.run()
    made = latents_over_time(SPACE, [Stretch(WALK.u, movement="hold")], kept.tensor.shape[1:], sound=True)
    assert kept.tensor.shape[1:3] == (8, 16) and torch.equal(kept.tensor, made)
    assert torch.equal(kept.tensor[0, ..., 0], SPACE.latents([[0.0] * 3], kept.tensor.shape[1:])[0, ..., 0])


@pytest.mark.parametrize("standing", ["one point", "start and end"])
def test_a_path_that_stands_still_is_surrogate_noise(comfy, standing):
    g = Graph(comfy)
    space, latent = g.space(), g.latent(1, *VIDEO)
    point = g("SurrogatePoint", space=space, coordinates="0.2 0.7 0.4")
    walk = g("SurrogatePath", space=space, frames=5, closed=False)
    if standing == "one point":
        moving = over_time(g, latent, space, point, stretches=2, clips_per_batch=0)
    else:
        moving = over_time(g, latent, space, walk, start=0.5, end=0.5, stretches=2, clips_per_batch=0)
        point = g("SurrogateSelectPoints", points=walk, numbers="3")
    still = g("SurrogateNoise", space=space, points=point, latent=latent)
    a, b = g.keep(moving, latent=moving[1]), g.keep(still, latent=still[1])
    g.run()
    assert torch.equal(a.tensor, b.tensor.repeat(2, 1, 1, 1, 1))


def test_a_clip_begins_as_its_first_seed_and_ends_as_its_last(comfy):
    g = Graph(comfy)
    model, conditioning = small_video(g)
    latent = g("EmptyHunyuanLatentVideo", width=80, height=48, length=25, batch_size=1)
    noise = over_time(g, latent)
    clip = g.keep(g.custom(model, conditioning, noise, noise[1]))
    ends = [g.keep(g.custom(model, conditioning, g("RandomNoise", noise_seed=seed), latent)) for seed in (12, 7)]
    g.run()
    assert clip.tensor.shape == (1, 16, 7, 6, 10)
    assert torch.equal(clip.tensor[:, :, 0], ends[0].tensor[:, :, 0])
    assert torch.equal(clip.tensor[:, :, -1], ends[1].tensor[:, :, -1])
    steps = clip.tensor[0].movedim(1, 0)
    assert all(not torch.equal(a, b) for a, b in itertools.pairwise(steps))


WEBP = {"fps": 8.0, "lossless": True, "quality": 80, "method": "default"}
SAVED = {
    "in stretches": 2,
    "frame by frame": 1,
    "through a sheet": 2,
}


@pytest.mark.parametrize("way", SAVED)
def test_the_noise_of_a_saved_clip_is_found_in_it(comfy, way):
    """The stretches are seeds of a space whose noises are those that made the clips, bit for bit."""
    g = Graph(comfy)
    model, conditioning = small_video(g)
    latent = g("EmptyHunyuanLatentVideo", width=80, height=48, length=25, batch_size=1)
    together = 0 if way == "through a sheet" else 1
    noise = over_time(g, latent, stretches=SAVED[way], end=0.9, clips_per_batch=together)
    frames = g.decoded(g.custom(model, conditioning, noise, noise[1], steps=1), g("TestAnyVAE", kind="video"))
    prefix = f"over time {way}/x"
    if way == "frame by frame":
        g("SaveImage", images=frames, filename_prefix=prefix)
    else:
        if way == "through a sheet":
            where = g("SurrogatePath", space=g.space(), frames=2, closed=False)
            frames = g("SurrogateContactSheet", images=frames, points=where)[1]
        g("SaveAnimatedWEBP", images=frames, filename_prefix=prefix, **WEBP)
    g.run()
    assert len(list((output(comfy) / prefix).parent.iterdir())) == (14 if way == "frame by frame" else 2)
    stretches = Stretch(WALK.u, 0.0, 0.9).cut(SAVED[way])
    found_again(comfy, f"over time {way}", latents_over_time(SPACE, stretches, VIDEO))


def found_again(comfy, folder: str, noises: torch.Tensor) -> None:
    """Seeds from Pictures finds these noises in the files of a folder, in their order."""
    g = Graph(comfy)
    node = g("SurrogateSeedsFromPictures", pictures=f"{folder} [output]")
    seeds = g("SurrogateJoinSeeds", seeds_1=node, seeds_2=g("SurrogateSeedsFromIntegers", seeds="5"))
    space = g("SurrogateSpace", seeds=seeds)
    where = g.vertices(space, len(noises) + 1, range(len(noises)))
    again = g("SurrogateNoise", space=space, points=where, latent=g.latent(1, *VIDEO))
    kept = g.keep(again, latent=again[1])
    g.run()
    assert torch.equal(kept.tensor, noises)


def test_the_points_of_clips_from_render_points_are_found_in_what_other_nodes_save(comfy):
    g = Graph(comfy)
    model, conditioning = small_video(g)
    space = g.space()
    where = g("SurrogatePath", space=space, frames=5, closed=False)
    latent = g("EmptyHunyuanLatentVideo", width=80, height=48, length=25, batch_size=1)
    vae = g("TestAnyVAE", kind="video")
    node = g.render(model, conditioning, vae, latent, space, where, filename_prefix="render to webp/x")
    g("SaveAnimatedWEBP", images=node[1], filename_prefix="webp of render/x", **WEBP)
    g.run()
    found_again(comfy, "webp of render", SPACE.latents(WALK.u, VIDEO))


def test_what_has_no_time_is_refused(comfy):
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", channels=4).outputs(2)
    noise = over_time(g, g.latent(1, 4, 8, 8))
    g.keep(g.custom(model, conditioning, noise, noise[1]))
    check(comfy, g, "4×8×8, which is an image's: nothing in it is time.*Surrogate Noise with one point for each frame")


def test_a_mesh_has_no_time(comfy):
    g = Graph(comfy)
    noise = over_time(g, g("EmptyLatentHunyuan3Dv2", resolution=64, batch_size=1))
    g.keep(noise, latent=noise[1])
    check(comfy, g, r"of the kind 'hunyuan3dv2' \(a mesh, perhaps\) with shape 64×64: nothing in it is time")


def test_an_image_for_a_video_model_is_a_clip_of_one_step(comfy):
    """Core gives it the axis of time that it lacks."""
    g = Graph(comfy)
    model, conditioning = small_video(g)
    noise = over_time(g, g("EmptyLatentImage", width=80, height=48, batch_size=1))
    clip = g.keep(g.custom(model, conditioning, noise, noise[1]))
    alone = g.keep(g.custom(model, conditioning, g("RandomNoise", noise_seed=12), g.latent(1, 16, 1, 6, 10)))
    g.run()
    assert torch.equal(clip.tensor, alone.tensor)


REFUSED = {
    "sphere": ({"transport": "sphere"}, {}, (1, *VIDEO), "The sphere transport works on a whole latent"),
    "batch": ({}, {"stretches": 2}, (3, *VIDEO), "a batch of 3, but there are 2 stretches"),
    "empty": ({}, {}, (1, 16, 0, 6, 10), "shape must be the shape of one latent"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_does_not_take(comfy, name):
    space, settings, shape, message = REFUSED[name]
    g = Graph(comfy)
    noise = over_time(g, g.latent(*shape), g.space(**space), **settings)
    g.keep(noise, latent=noise[1])
    check(comfy, g, message)


def test_a_latent_from_elsewhere_is_named(comfy):
    g = Graph(comfy)
    noise = over_time(g, g.latent(1, *VIDEO), stretches=2, clips_per_batch=0)
    g.keep(noise, latent=g.latent(1, *VIDEO))
    check(
        comfy, g, "This noise is for 2 stretches, but the sampler's latent has a batch of 1 .*Connect the LATENT output"
    )


def test_seeds_of_another_length_are_refused_before_sampling(comfy):
    g = Graph(comfy)
    seeds = g("SurrogateSeedsFromLatents", latent=g.latent(4, 16, 5, 6, 10, fill="normal"))
    noise = over_time(g, g.latent(1, *VIDEO), g("SurrogateSpace", seeds=seeds))
    g.keep(noise, latent=noise[1])
    check(comfy, g, "noise of shape 16×5×6×10, but the latent to be sampled has shape 16×7×6×10")


# --------------------------------------------------------------------------------------------------------- sheets


def sheet(g: Graph, shapes: str, count: int, **settings):
    space = g.space()
    where = g("SurrogatePath", space=space, frames=count, closed=False) if count > 1 else None
    where = where or g("SurrogatePoint", space=space, coordinates="0.5")
    made = g("TestImages", shapes=shapes)
    return made, g("SurrogateContactSheet", images=made, points=where, numbers=False, **settings)


@pytest.mark.parametrize(
    ("shapes", "count"),
    [
        ("[[12, 20, 30, 3]]", 4),
        ("[[3, 20, 30, 3], [3, 20, 30, 3]]", 2),
        ("[[6, 20, 30, 3], [3, 20, 30, 3]]", 3),
        ("[[4, 20, 30, 3], [5, 20, 30, 3]]", 3),
        ("[[3, 20, 30, 3]]", 1),
        ("[[1, 20, 30, 3]]", 1),
        ("[[4, 21, 31, 1]]", 2),
        ("[[3, 20, 30, 3], [3, 33, 17, 4]]", 2),
    ],
)
def test_a_clip_for_each_point(comfy, shapes, count):
    g = Graph(comfy)
    made, node = sheet(g, shapes, count)
    given, moving, clips = g.keep(made), g.keep(node), g.keep(node[1])
    g.run()
    pictures = [picture for i in range(len(given.tensors)) for picture in given.tensors[f"{i}.0"]]
    frames = len(pictures) // count
    assert len(clips.tensors) == count
    for i in range(count):
        assert torch.equal(clips.tensors[f"{i}.0"], torch.stack(pictures[i * frames : (i + 1) * frames]))
    assert moving.tensor.shape[0] == frames
    if frames > 1:
        assert not moving.tensor.shape[1] % 2 and not moving.tensor.shape[2] % 2
        assert not torch.equal(moving.tensor[0], moving.tensor[1])


def test_clips_without_points_are_pictures(comfy):
    g = Graph(comfy)
    node = g("SurrogateContactSheet", images=g("TestImages", shapes="[[2, 20, 30, 3], [1, 40, 20, 3]]"))
    clips = g.keep(node[1])
    g.run()
    assert [tuple(clip.shape) for clip in clips.tensors.values()] == [(1, 20, 30, 3)] * 2 + [(1, 40, 20, 3)]


def test_a_shorter_clip_stays_at_its_last_frame(comfy):
    g = Graph(comfy)
    made, node = sheet(g, "[[2, 64, 64, 3], [5, 64, 64, 3], [1, 64, 64, 3]]", 3, columns=3)
    given, moving, clips = g.keep(made), g.keep(node), g.keep(node[1])
    g.run()
    lengths = (2, 5, 1)
    assert [len(clips.tensors[f"{i}.0"]) for i in range(3)] == list(lengths)
    assert moving.tensor.shape[0] == 5
    bytes_of = (moving.tensor * 255).round().byte()
    places = [place_of(bytes_of[0], given.tensors[f"{i}.0"][0]) for i in range(3)]
    for t in range(5):
        for i, (x, y) in enumerate(places):
            shown = given.tensors[f"{i}.0"][min(t, lengths[i] - 1)]
            # Frames, marks and numbers lie at the picture's edges.
            middle = bytes_of[t, y + 20 : y + 40, x + 20 : x + 40]
            assert torch.equal(middle, (255 * shown[20:40, 20:40]).byte())


def place_of(sheet: torch.Tensor, picture: torch.Tensor) -> tuple[int, int]:
    """Where the middle of `picture` lies on the sheet."""
    wanted = (255 * picture[20:40, 20:40]).byte()
    found = [
        (x, y)
        for y, x in (sheet == wanted[0, 0]).all(-1).nonzero().tolist()
        if torch.equal(sheet[y : y + 20, x : x + 20], wanted)
    ]
    ((x, y),) = found
    return x - 20, y - 20


@pytest.mark.parametrize(
    ("shapes", "count", "message"),
    [
        ("[[5, 8, 8, 3]]", 4, "images holds 5 pictures, but there are 4 points: .* for clips one batch for each"),
        (
            "[[2, 8, 8, 3], [1, 9, 8, 3], [3, 8, 8, 3]]",
            2,
            r"pictures of different sizes \(8×8, 8×9\) as frames of one clip",
        ),
    ],
)
def test_what_is_no_set_of_clips(comfy, shapes, count, message):
    g = Graph(comfy)
    _, node = sheet(g, shapes, count)
    g.keep(node)
    check(comfy, g, message)


def frames_of(path: Path) -> int:
    if path.suffix == ".webp":
        with Image.open(path) as picture:
            return picture.n_frames
    with av.open(str(path)) as video:
        return sum(1 for _ in video.decode(video=0))


@pytest.mark.parametrize("shape", [(21, 31), (20, 30)], ids=["odd", "even"])
def test_stock_nodes_save_moving_sheets_and_clips(comfy, shape):
    """Pictures of an odd size make a sheet that a video can hold."""
    g = Graph(comfy)
    _, node = sheet(g, f"[[6, {shape[0]}, {shape[1]}, 3], [6, {shape[0]}, {shape[1]}, 3]]", 2)
    folder = f"moving {shape[0]}"
    webp = {"fps": 8.0, "lossless": False, "quality": 80, "method": "default"}
    g("SaveAnimatedWEBP", images=node, filename_prefix=f"{folder}/sheet", **webp)
    g("SaveVideo", video=g("CreateVideo", images=node, fps=8.0), filename_prefix=f"{folder}/video")
    g("SaveAnimatedWEBP", images=node[1], filename_prefix=f"{folder}/clip", **webp)
    g.run()
    saved = {path.name: frames_of(path) for path in sorted((output(comfy) / folder).iterdir())}
    assert len(saved) == 4 and set(saved.values()) == {6}, saved
    assert sum(name.startswith("clip") for name in saved) == 2


# --------------------------------------------------------------------------------------------------- Render Points


@pytest.mark.parametrize("length", [1, 9], ids=["image", "clip"])
def test_render_points_gives_a_batch_for_each_point(comfy, length):
    g = Graph(comfy)
    model, conditioning = small_video(g)
    space = g.space()
    where = g("SurrogatePath", space=space, frames=3, closed=False)
    latent = g("EmptyHunyuanLatentVideo", width=80, height=48, length=length, batch_size=1)
    settings = {"filename_prefix": f"clips {length}/x", "images_per_batch": 2}
    node = g.render(model, conditioning, g("TestAnyVAE"), latent, space, where, **settings)
    small = g.render(model, conditioning, g("TestAnyVAE"), latent, space, where, largest_side=5, **settings)
    images, clips, reduced = g.keep(node), g.keep(node[1]), g.keep(small[1])
    sheet = g.keep(g("SurrogateContactSheet", images=node[1], points=where))
    g.run()
    steps = (length - 1) // 4 + 1
    assert [tuple(clip.shape) for clip in clips.tensors.values()] == [(steps, 6, 10, 3)] * 3
    assert torch.equal(torch.cat([clips.tensors[f"{i}.0"] for i in range(3)]), images.tensor)
    assert sheet.tensor.shape[0] == steps
    # Videos want even sides.
    assert {tuple(clip.shape) for clip in reduced.tensors.values()} == {(steps, *((4, 4) if steps > 1 else (3, 5)), 3)}


def test_a_single_clip_goes_on_to_a_video(comfy):
    g = Graph(comfy)
    model, conditioning = small_video(g)
    space = g.space()
    latent = g("EmptyHunyuanLatentVideo", width=80, height=48, length=9, batch_size=1)
    where = g("SurrogatePath", space=space, frames=2, closed=False)
    vae = g("TestAnyVAE", kind="video", enlarge=8)
    node = g.render(model, conditioning, vae, latent, space, where, filename_prefix="to video/x")
    entry = g("SaveVideo", video=g("CreateVideo", images=node[1], fps=24.0), filename_prefix="to video/clip")
    made = g.run()["outputs"][entry.number]
    names = [
        file["filename"] for kind in made.values() if isinstance(kind, list) for file in kind if isinstance(file, dict)
    ]
    assert len(names) == 2
    for name in names:
        assert frames_of(output(comfy) / "to video" / name) == 6
