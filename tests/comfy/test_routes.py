"""The way through a patched MODEL: KSampler and all samplers without a NOISE input start from the points' noise."""

import pytest
import safetensors.torch
import torch

from .graph import Graph, Log


def pair(g: Graph, name: str):
    """A model by name: (model, positive, negative, an empty latent of it, KSampler's cfg)."""
    if name == "demo":
        model, _, conditioning, latent = g.demo()
        return model, conditioning, conditioning, latent, 1.0
    if name == "unet":
        model, positive, negative = g("TestSmallUNet").outputs(3)
        return model, positive, negative, g("EmptyLatentImage", width=64, height=72), 3.0
    shape, settings = {
        "eps": ([1, 4, 9, 7], {"kind": "eps"}),
        "sound": ([1, 8, 21], {"channels": 8}),
        "video": ([1, 16, 3, 8, 6], {"channels": 16, "video": True}),
        "nested": ([[1, 4, 2, 5, 7], [1, 3, 11]], {}),
    }[name]
    model, positive = g("TestAnyModel", **settings).outputs(2)
    negative = g("TestAnyModel", **settings, prompt=1)[1]
    return model, positive, negative, g("TestLatent", shape=str(shape)), 2.0


def repeated(g: Graph, latent, name: str):
    """Four times the empty latent; the stock node does not know nested ones."""
    if name == "nested":
        return g("TestLatent", shape="[[4, 4, 2, 5, 7], [4, 3, 11]]")
    return g("RepeatLatentBatch", samples=latent, amount=4)


def equal(a, b) -> bool:
    a, b = a.tensors, b.tensors
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("name", ["demo", "unet", "eps", "sound", "video", "nested"])
def test_ksampler_at_a_vertex_is_ksampler_with_that_seed(comfy, name):
    """For a plain integer, and for the positions of a batch of 4; and the seed typed into KSampler does not matter."""
    g = Graph(comfy)
    model, positive, negative, latent, cfg = pair(g, name)
    results = []
    for seeds, batch in (("42, 7", latent), ("42:0/4, 42:1/4, 42:2/4, 42:3/4", repeated(g, latent, name))):
        space = g.space(seeds)
        points = g.vertices(space, 2, [0]) if batch is latent else g.vertices(space, 4)
        patched = g("SurrogateKSamplerNoise", model=model, space=space, points=points, latent=latent)
        ours = g.ksampler(patched, positive, patched[1], 777, negative, cfg=cfg)
        core = g.ksampler(model, positive, batch, 42, negative, cfg=cfg)
        results.append((g.keep(ours), g.keep(core)))
    g.run()
    for ours, core in results:
        assert equal(ours, core)
    assert not equal(results[0][0], results[1][0])
    for tensor in results[0][0].tensors.values():
        assert torch.isfinite(tensor).all() and tensor.std() > 0.1


@pytest.mark.parametrize("name", ["unet", "nested"])
def test_both_routes_give_the_same_picture(comfy, name):
    """At a point between the seeds, with a stochastic sampler whose own noise has the same seed."""
    g = Graph(comfy)
    model, positive, _, latent, _ = pair(g, name)
    space = g.space()
    points = g("SurrogatePoint", space=space, coordinates="0.3 0.6 0.2\n0.5 0.5 0.5")
    noise = g("SurrogateNoise", space=space, points=points, latent=latent, noise_seed=31)
    custom = g.custom(model, positive, noise, noise[1], sampler="euler_ancestral")
    patched = g("SurrogateKSamplerNoise", model=model, space=space, points=points, latent=latent)
    stock = g.ksampler(patched, positive, patched[1], 31, sampler_name="euler_ancestral")
    custom, stock = g.keep(custom), g.keep(stock)
    g.run()
    assert equal(custom, stock)


def test_the_model_given_in_is_not_changed(comfy):
    """Samplers on the original model give their own pictures, before and after it was patched and used."""
    results = []
    for attempt in ("before", "patched", "after"):
        g = Graph(comfy)
        model, positive = g("TestAnyModel", kind="eps").outputs(2)  # the same object: it stays in the server's cache
        if attempt == "patched":
            space = g.space()
            points = g.vertices(space, 4, [1])
            patched = g(
                "SurrogateKSamplerNoise", model=model, space=space, points=points, latent=g.latent(1, 4, 10, 10)
            )
            results.append(g.keep(g.ksampler(patched, positive, patched[1], 5)))
        else:
            latent = g.latent(1, 4, 10, 10)
            # Another number, or the picture would come out of the cache too.
            g.prompt[latent.number]["inputs"]["number"] = len(results)
            results.append(g.keep(g.ksampler(model, positive, latent, 5)))
        g.run()
    before, patched, after = (one.tensor for one in results)
    assert torch.equal(before, after)
    assert not torch.equal(before, patched)


def test_a_second_pass_at_another_size_has_its_own_noise(comfy):
    """The patched model in a second sampler: passed through, with a warning that names both sizes."""
    g = Graph(comfy)
    model, positive = g("TestAnyModel", kind="eps").outputs(2)
    space = g.space()
    patched = g(
        "SurrogateKSamplerNoise",
        model=model,
        space=space,
        points=g.vertices(space, 4, [1, 2]),
        latent=g.latent(1, 4, 8, 8),
    )
    first = g.ksampler(patched, positive, patched[1], 1)
    larger = g("LatentUpscaleBy", samples=first, upscale_method="nearest-exact", scale_by=1.5)
    ours = g.keep(g.ksampler(patched, positive, larger, 6, denoise=0.5))
    core = g.keep(g.ksampler(model, positive, larger, 6, denoise=0.5))
    log = Log(comfy)
    g.run()
    assert ours.tensor.shape == (2, 4, 12, 12)
    assert torch.equal(ours.tensor, core.tensor)
    assert log.wait_for("the sampler works on 4×12×12 in a batch of 2")
    assert "the points were made for 4×8×8 in a batch of 2: its own noise is used." in log.text()


def test_a_sampler_that_adds_no_noise_is_left_alone(comfy):
    g = Graph(comfy)
    model, positive = g("TestAnyModel", kind="eps").outputs(2)
    start = g.latent(1, 4, 8, 8, fill="normal", number=3)
    space = g.space()
    points = g.vertices(space, 4, [1])
    patched = g("SurrogateKSamplerNoise", model=model, space=space, points=points, latent=start)

    def sampled(source, latent, **settings):
        return g.keep(
            g(
                "KSamplerAdvanced",
                model=source,
                positive=positive,
                negative=positive,
                latent_image=latent,
                noise_seed=99,
                steps=6,
                cfg=1.0,
                sampler_name="euler",
                scheduler="simple",
                **settings,
            )
        )

    disabled = {"add_noise": "disable", "start_at_step": 2}
    ours, core = sampled(patched, patched[1], **disabled), sampled(model, start, **disabled)
    noised, core_noised = sampled(patched, patched[1], start_at_step=3), sampled(model, start, start_at_step=3)
    log = Log(comfy)
    g.run()
    assert torch.equal(ours.tensor, core.tensor)
    assert log.wait_for("this sampler adds no noise; none is replaced")
    # Where it does add noise, also in the middle of a schedule, that is the points' noise: here seed 99.
    assert torch.equal(noised.tensor, core_noised.tensor)
    assert not torch.equal(noised.tensor, ours.tensor)


@pytest.mark.parametrize("masked", [False, True], ids=["whole", "masked"])
@pytest.mark.parametrize("name", ["eps", "flow", "unet"])
def test_image_to_image_is_the_stock_samplers(comfy, name, masked):
    """denoise below 1, with and without a mask, for each of three starting pictures; through both routes."""
    g = Graph(comfy)
    if name == "unet":
        model, positive = g("TestSmallUNet").outputs(2)
    else:
        model, positive = g("TestAnyModel", kind=name).outputs(2)
    start = g.latent(3, 4, 8, 6, fill="normal", number=5, masked=masked)
    space = g.space("42:0/3, 42:1/3, 42:2/3")
    points = g.vertices(space, 3)
    noise = g("SurrogateNoise", space=space, points=points, latent=start)
    patched = g("SurrogateKSamplerNoise", model=model, space=space, points=points, latent=start)
    kept = [
        g.keep(g.ksampler(model, positive, start, 42, steps=6, denoise=0.6)),
        g.keep(g.ksampler(patched, positive, patched[1], 1, steps=6, denoise=0.6)),
        g.keep(g.custom(model, positive, noise, noise[1], steps=6, denoise=0.6)),
    ]
    before = g.keep(start)
    g.run()
    core, wrapped, custom = (one.tensor for one in kept)
    assert torch.equal(core, wrapped)
    assert torch.equal(core, custom)
    assert not torch.equal(core[0], core[1])
    assert (core - before.tensor).abs().max() > 0.1
    if masked:
        torch.testing.assert_close(core[..., 3:], before.tensor[..., 3:], rtol=1e-4, atol=1e-5)


def test_one_picture_is_varied_by_many_points(comfy):
    """A single starting picture is repeated for the points, with its mask."""
    g = Graph(comfy)
    model, positive = g("TestAnyModel", kind="flow").outputs(2)
    start = g.latent(1, 4, 8, 6, fill="normal", number=5, masked=True)
    three = g("RepeatLatentBatch", samples=start, amount=3)
    space = g.space("42:0/3, 42:1/3, 42:2/3")
    points = g.vertices(space, 3)
    noise = g("SurrogateNoise", space=space, points=points, latent=start)
    patched = g("SurrogateKSamplerNoise", model=model, space=space, points=points, latent=start)
    core = g.keep(g.ksampler(model, positive, three, 42, denoise=0.5))
    wrapped = g.keep(g.ksampler(patched, positive, patched[1], 1, denoise=0.5))
    custom = g.keep(g.custom(model, positive, noise, noise[1], denoise=0.5))
    g.run()
    assert torch.equal(core.tensor, wrapped.tensor)
    assert torch.equal(core.tensor, custom.tensor)


def test_sampler_custom(comfy):
    g = Graph(comfy)
    model, positive = g("TestAnyModel", kind="eps").outputs(2)
    latent = g.latent(1, 4, 8, 8)
    space = g.space("42, 7")
    patched = g("SurrogateKSamplerNoise", model=model, space=space, points=g.vertices(space, 2, [0]), latent=latent)
    results = []
    for source, start, seed in ((patched, patched[1], 777), (model, latent, 42)):
        results.append(
            g.keep(
                g(
                    "SamplerCustom",
                    model=source,
                    add_noise=True,
                    noise_seed=seed,
                    cfg=1.0,
                    positive=positive,
                    negative=positive,
                    sampler=g("KSamplerSelect", sampler_name="dpmpp_2m"),
                    sigmas=g("BasicScheduler", model=model, scheduler="karras", steps=5, denoise=1.0),
                    latent_image=start,
                )
            )
        )
    g.run()
    assert torch.equal(results[0].tensor, results[1].tensor)


def test_an_empty_latent_of_fewer_channels_is_what_the_sampler_makes_of_it(comfy):
    """EmptyLatentImage has 4 channels; a 16-channel video model makes 16 channels and a frame axis of it."""
    g = Graph(comfy)
    model, positive = g("TestAnyModel", channels=16, video=True).outputs(2)
    latent = g("EmptyLatentImage", width=64, height=48)
    space = g.space("42, 7")
    points = g.vertices(space, 2, [0])
    noise = g("SurrogateNoise", space=space, points=points, latent=latent)
    patched = g("SurrogateKSamplerNoise", model=model, space=space, points=points, latent=latent)
    core = g.keep(g.ksampler(model, positive, latent, 42))
    wrapped = g.keep(g.ksampler(patched, positive, patched[1], 1))
    custom = g.keep(g.custom(model, positive, noise, noise[1]))
    g.run()
    assert core.tensor.shape == (1, 16, 1, 6, 8)
    assert torch.equal(core.tensor, wrapped.tensor)
    assert torch.equal(core.tensor, custom.tensor)


def test_one_step_with_two_patches_starts_from_the_last(comfy):
    """A model that is patched twice, as in a graph with two spaces: the later node counts."""
    g = Graph(comfy)
    model, positive = g("TestAnyModel", kind="eps").outputs(2)
    latent = g.latent(1, 4, 8, 8)
    first, second = g.space("42, 7"), g.space("43, 8")
    once = g("SurrogateKSamplerNoise", model=model, space=first, points=g.vertices(first, 2, [0]), latent=latent)
    twice = g("SurrogateKSamplerNoise", model=once, space=second, points=g.vertices(second, 2, [0]), latent=latent)
    ours = g.keep(g.ksampler(twice, positive, twice[1], 1))
    core = g.keep(g.ksampler(model, positive, latent, 43))
    g.run()
    assert torch.equal(ours.tensor, core.tensor)


def test_an_image_taken_out_of_a_batch_is_repeated_like_any_other(comfy):
    """Latent From Batch leaves a note for core's own noise, which would be wrong for the points'."""
    g = Graph(comfy)
    model, positive = g("TestAnyModel", kind="eps").outputs(2)
    batch = g.latent(4, 4, 8, 8, fill="normal", number=5)
    one = g("LatentFromBatch", samples=batch, batch_index=2, length=1)
    space = g.space("42:0/3, 42:1/3, 42:2/3")
    points = g.vertices(space, 3)
    noise = g("SurrogateNoise", space=space, points=points, latent=one)
    patched = g("SurrogateKSamplerNoise", model=model, space=space, points=points, latent=one)
    wrapped = g.ksampler(patched, positive, patched[1], 1, denoise=0.7)
    custom = g.custom(model, positive, noise, noise[1], denoise=0.7)
    # A second pass draws its own noise.
    second = [g.keep(g.ksampler(model, positive, samples, 9, denoise=0.5)) for samples in (wrapped, custom)]
    wrapped, custom = g.keep(wrapped), g.keep(custom)
    rows = g.keep(batch)
    g.run()
    assert torch.equal(wrapped.tensor, custom.tensor)

    # What it must be: the same picture three times, without the note.
    start = rows.tensor[2:3].repeat(3, 1, 1, 1)
    path = comfy.server.base / "input" / "one.latent"
    safetensors.torch.save_file({"latent_tensor": start, "latent_format_version_0": torch.tensor([])}, path)
    h = Graph(comfy)
    model, positive = h("TestAnyModel", kind="eps").outputs(2)
    core = h.ksampler(model, positive, h("LoadLatent", latent="one.latent"), 42, denoise=0.7)
    core, core_second = h.keep(core), h.keep(h.ksampler(model, positive, core, 9, denoise=0.5))
    h.run()
    assert torch.equal(core.tensor, wrapped.tensor)
    assert all(torch.equal(core_second.tensor, one.tensor) for one in second)
