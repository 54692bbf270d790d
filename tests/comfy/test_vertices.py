"""A vertex is core's own seed, to the last bit: its noise, and the picture that it makes."""

import math

import pytest
import torch

from .graph import Graph

SEEDS = [12, 99, 1024, 7]
POSITIONS = "42:0/4, 42:1/4, 42:2/4, 42:3/4"
# Largest difference of two pictures of one noise, in the range 0 to 1: measured 1.3e-6.
PICTURE_TOLERANCE = 5e-5


def demo(g: Graph):
    return g.demo(time="dusk", place="mountains")


@pytest.mark.parametrize("chart, seeds", [("knothe_rosenblatt", SEEDS), ("angular", SEEDS[:2])])
def test_the_picture_at_a_vertex_is_that_of_random_noise(comfy, chart, seeds):
    g = Graph(comfy)
    model, vae, conditioning, latent = demo(g)
    space = g.space(", ".join(map(str, seeds)), chart=chart)
    ours, core = [], []
    for i, seed in enumerate(seeds):
        noise = g("SurrogateNoise", space=space, points=g.vertices(space, len(seeds), [i]), latent=latent)
        ours.append(g.keep(g.decoded(g.custom(model, conditioning, noise, noise[1], steps=2), vae)))
        core.append(
            g.keep(g.decoded(g.custom(model, conditioning, g("RandomNoise", noise_seed=seed), latent, steps=2), vae))
        )
    g.run()
    for a, b in zip(ours, core):
        assert a.tensor.shape == (1, 64, 64, 3)
        assert torch.equal(a.tensor, b.tensor)
    assert not torch.equal(ours[0].tensor, ours[1].tensor)


def test_every_position_of_a_batch_is_a_vertex(comfy):
    g = Graph(comfy)
    model, vae, conditioning, latent = demo(g)
    space = g.space(POSITIONS)
    noise = g("SurrogateNoise", space=space, points=g.vertices(space, 4), latent=latent)
    ours = g.keep(g.decoded(g.custom(model, conditioning, noise, noise[1], steps=2), vae))
    four = g("RepeatLatentBatch", samples=latent, amount=4)
    core = g.keep(g.decoded(g.custom(model, conditioning, g("RandomNoise", noise_seed=42), four, steps=2), vae))
    g.run()
    assert ours.tensor.shape == (4, 64, 64, 3)
    assert torch.equal(ours.tensor, core.tensor)
    assert not torch.equal(ours.tensor[0], ours.tensor[3])


# One latent as (batch, *shape); where a sample's element count is not a multiple of 16, core draws other bits for
# each batch size.
LATENTS = {
    "image": [4, 4, 32, 32],
    "1000 pixels": [4, 4, 125, 125],
    "16 channels": [2, 16, 16, 16],
    "fewer than 16 elements": [3, 1, 3, 5],
    "sound": [2, 64, 215],
    "sound, odd": [3, 9, 215],
    "video": [2, 16, 5, 12, 10],
    "video, odd": [2, 12, 3, 11, 7],
    "nested": [[2, 16, 3, 8, 8], [2, 8, 16, 27]],
    "nested, odd": [[3, 4, 3, 5, 7], [3, 5, 11]],
}


def identity(k: int) -> str:
    return "\n".join(" ".join("1" if i == j else "0" for i in range(k)) for j in range(k))


@pytest.mark.parametrize("dtype", ("float32", "float16", "bfloat16"))
@pytest.mark.parametrize("shape", LATENTS.values(), ids=LATENTS.keys())
def test_the_noise_of_every_position_of_a_batch(comfy, shape, dtype):
    shapes = shape if isinstance(shape[0], list) else [shape]
    count = shapes[0][0]
    g = Graph(comfy)
    single, wanted = (g("TestLatent", shape=str(shape), dtype=d) for d in ("float32", dtype))
    core = g("RandomNoise", noise_seed=42)
    in_single, in_wanted = g.keep(core, latent=single), g.keep(core, latent=wanted)
    space = g.space(", ".join(f"42:{i}/{count}" for i in range(count)))
    noise = g(
        "SurrogateNoise", space=space, points=g("SurrogateWeights", space=space, weights=identity(count)), latent=wanted
    )
    ours = g.keep(noise, latent=noise[1])
    g.run()

    for name, part in in_single.tensors.items():
        assert part.shape == tuple(shapes[int(name[-1])])
        assert part.std() > 0.3
        assert torch.equal(ours.tensors[name], part.to(getattr(torch, dtype)))
    if all(math.prod(one) % 16 == 0 for one in shapes):
        # Otherwise core of 2025 draws the last 16 half-precision values of a batch anew; later core rounds as we do.
        assert all(torch.equal(ours.tensors[name], part) for name, part in in_wanted.tensors.items())


@pytest.mark.parametrize("shape", [[1, 4, 125, 125], [1, 1, 3, 5], [1, 9, 215], [[1, 4, 3, 5, 7], [1, 5, 11]]])
def test_the_noise_of_a_plain_integer(comfy, shape):
    """The same in every batch of ours: core's for a batch of one."""
    g = Graph(comfy)
    one = g("TestLatent", shape=str(shape))
    core = g.keep(g("RandomNoise", noise_seed=42), latent=one)
    space = g.space("7, 42, 99")
    alone = g("SurrogateNoise", space=space, points=g.vertices(space, 3, [1]), latent=one)
    among = g("SurrogateNoise", space=space, points=g.vertices(space, 3), latent=one)
    alone, among = g.keep(alone, latent=alone[1]), g.keep(among, latent=among[1])
    g.run()
    for name, noise in core.tensors.items():
        assert torch.equal(alone.tensors[name], noise)
        assert torch.equal(among.tensors[name][1:2], noise)


def test_between_vertices_the_noise_is_the_weighted_sum(comfy):
    seeds, weights = [5, 6, 7], [0.36, 0.48, 0.8]
    g = Graph(comfy)
    space = g.space(" ".join(map(str, seeds)))
    point = g("SurrogateWeights", space=space, weights=" ".join(map(str, weights)))
    kept = {}
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        latent = g.latent(1, 4, 33, 31, dtype=str(dtype).removeprefix("torch."))
        noise = g("SurrogateNoise", space=space, points=point, latent=latent)
        kept[dtype] = g.keep(noise, latent=noise[1])
    g.run()
    expected = sum(
        w * torch.randn(1, 4, 33, 31, generator=torch.Generator().manual_seed(s)).double()
        for w, s in zip(weights, seeds)
    )
    for dtype, noise in kept.items():
        # One rounding to the dtype, and those of a float32 sum.
        torch.testing.assert_close(noise.tensor.double(), expected, rtol=torch.finfo(dtype).eps, atol=1e-6)
        assert noise.tensor.dtype == dtype


def test_core_adds_our_noise_as_its_own(comfy):
    """AddNoise is the other stock node that takes a NOISE."""
    g = Graph(comfy)
    model, _ = g("TestAnyModel", kind="eps").outputs(2)
    sigmas = g("BasicScheduler", model=model, scheduler="karras", steps=5, denoise=0.5)
    start = g.latent(1, 4, 125, 125, fill="normal", number=3)
    space = g.space("42, 43")
    noise = g("SurrogateNoise", space=space, points=g.vertices(space, 2, [0]), latent=start)
    ours = g.keep(g("AddNoise", model=model, noise=noise, sigmas=sigmas, latent_image=noise[1]))
    core = g.keep(g("AddNoise", model=model, noise=g("RandomNoise", noise_seed=42), sigmas=sigmas, latent_image=start))
    g.run()
    assert torch.equal(ours.tensor, core.tensor)


def test_one_picture_of_a_batch_is_the_point_alone(comfy):
    """Noises to the last bit; pictures to the rounding of the network, which depends on the batch size."""
    g = Graph(comfy)
    model, vae, conditioning, latent = demo(g)
    space = g.space()
    grid = g("SurrogateCorners", space=space, seeds="1, 2, 3, 4", columns=3, rows=3)
    whole = g("SurrogateNoise", space=space, points=grid, latent=latent)
    batches = g("SurrogateNoise", space=space, points=grid, latent=latent, images_per_batch=4)
    noises = [g.keep(n, latent=n[1]) for n in (whole, batches)]
    pictures = [g.keep(g.decoded(g.custom(model, conditioning, n, n[1], steps=2), vae)) for n in (whole, batches)]
    alone = []
    for number in (2, 5):
        chosen = g("SurrogateSelectPoints", points=grid, numbers=str(number))
        noise = g("SurrogateNoise", space=space, points=chosen, latent=latent)
        picture = g.keep(g.decoded(g.custom(model, conditioning, noise, noise[1], steps=2), vae))
        alone.append((number - 1, g.keep(noise, latent=noise[1]), picture))
    g.run()

    assert {name: len(t) for name, t in noises[1].tensors.items()} == {"0.0": 4, "1.0": 4, "2.0": 1}
    assert torch.equal(torch.cat(list(noises[1].tensors.values())), noises[0].tensor)
    in_batches = torch.cat(list(pictures[1].tensors.values()))
    torch.testing.assert_close(in_batches, pictures[0].tensor, rtol=0, atol=PICTURE_TOLERANCE)
    for index, noise, picture in alone:
        assert torch.equal(noise.tensor[0], noises[0].tensor[index])
        torch.testing.assert_close(picture.tensor[0], pictures[0].tensor[index], rtol=0, atol=PICTURE_TOLERANCE)
    assert (pictures[0].tensor[1] - pictures[0].tensor[4]).abs().max() > 100 * PICTURE_TOLERANCE
