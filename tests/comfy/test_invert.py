"""Invert in a real server: the demo model, eps and video models, guidance, groups, bad input, Cancel."""

import math
import time

import pytest
import torch

from demo.scenes import PLACES, TIMES
from demo.scenes import render as draw
from dev.client import ExecutionFailed, ExecutionInterrupted

from .graph import Graph, output


class Inverted:
    """A graph with an Invert node whose outputs are kept."""

    def __init__(self, g: Graph, guider, sigmas, latent, **settings):
        self.node = g("SurrogateInvert", guider=guider, sigmas=sigmas, latent=latent, **settings)
        self.noise, self.resampled, self.error, self.norm = (g.keep(self.node[i]) for i in range(1, 5))

    @staticmethod
    def numbers(kept) -> list[float]:
        return [value.item() for value in kept.tensors.values()]


def parts(g: Graph, steps: int, model=None, conditioning=None, cfg: float = 0.0, negative=None):
    """(guider, sigmas)"""
    if cfg:
        guider = g("CFGGuider", model=model, positive=conditioning, negative=negative, cfg=cfg)
    else:
        guider = g("BasicGuider", model=model, conditioning=conditioning)
    return guider, g("BasicScheduler", model=model, scheduler="simple", steps=steps, denoise=1.0)


def sampled(g: Graph, guider, sigmas, noise, latent):
    return g(
        "SamplerCustomAdvanced",
        noise=noise,
        guider=guider,
        sampler=g("KSamplerSelect", sampler_name="euler"),
        sigmas=sigmas,
        latent_image=latent,
    )


def relative(got, wanted) -> torch.Tensor:
    return (got - wanted).flatten(1).norm(dim=1) / wanted.flatten(1).norm(dim=1)


def batch(g: Graph, latent, count: int):
    return g("RepeatLatentBatch", samples=latent, amount=count)


def test_the_models_own_samples_come_back_with_their_noise(comfy):
    """50 steps: the noise to a thousandth; and what the node says of itself is what the stock sampler gives."""
    g = Graph(comfy)
    model, _, conditioning, latent = g.demo(128)
    guider, sigmas = parts(g, 50, model, conditioning)
    two = batch(g, latent, 2)
    noise = g("RandomNoise", noise_seed=1)
    truth, made = g.keep(noise, latent=two), sampled(g, guider, sigmas, noise, two)
    image = g.keep(made)
    inverted = Inverted(g, guider, sigmas, made, name="mine")
    # The seeds in a space, at its vertices, through the stock sampler.
    space = g("SurrogateSpace", seeds=inverted.node)
    vertices = g("SurrogateNoise", space=space, points=g.vertices(space, 2), latent=latent)
    again = g.keep(sampled(g, guider, sigmas, vertices, vertices[1]))
    text = g("PreviewAny", source=inverted.node[5])
    entry = g.run(timeout=300)

    assert relative(inverted.noise.tensor, truth.tensor).max() < 2e-3
    errors = relative(again.tensor, image.tensor)
    assert errors.max() < 1e-3
    assert torch.equal(again.tensor, inverted.resampled.tensor)
    assert inverted.numbers(inverted.error) == pytest.approx(errors.tolist(), rel=1e-3)
    norms = inverted.noise.tensor.square().flatten(1).mean(1)
    assert inverted.numbers(inverted.norm) == pytest.approx(norms.tolist(), rel=1e-4)
    (said,) = entry["outputs"][text.number]["text"]
    assert "mine 1: comes back to" in said and "mine 2" in said and "fit to be a seed" in said
    assert "NOT" not in said and "50 steps" in said


@pytest.mark.parametrize("steps", [8, 20])
def test_coarse_schedules_give_the_image_and_a_noise_that_is_noise(comfy, steps):
    g = Graph(comfy)
    model, _, conditioning, latent = g.demo()
    guider, sigmas = parts(g, steps, model, conditioning)
    made = sampled(g, guider, sigmas, g("RandomNoise", noise_seed=2), batch(g, latent, 2))
    inverted = Inverted(g, guider, sigmas, made)
    g.run(timeout=300)
    assert max(inverted.numbers(inverted.error)) < (1.2e-2 if steps == 8 else 3e-3)
    assert all(0.8 <= norm <= 1.25 for norm in inverted.numbers(inverted.norm))


def scenes(count: int) -> torch.Tensor:
    """Landscapes that the model has not made, of the demo prompt's kind: (count, 128, 128, 3)."""
    found, generator = [], torch.Generator().manual_seed(5)
    while len(found) < count:
        images, times, places, *_ = draw(64, generator=generator)
        found += images[(times == TIMES.index("dusk")) & (places == PLACES.index("mountains"))]
    return torch.stack(found[:count]).movedim(1, -1)


def test_pictures_from_outside_come_back_as_well_as_the_autoencoder_allows(comfy, tmp_path):
    """PNG files of drawn scenes through Load Image and VAE Encode."""
    from PIL import Image

    folder = comfy.server.base / "input"
    folder.mkdir(exist_ok=True)
    pictures = (scenes(2).clamp(0, 1) * 255).round().to(torch.uint8)
    for i, picture in enumerate(pictures):
        Image.fromarray(picture.numpy()).save(folder / f"scene {i}.png")
    g = Graph(comfy)
    model, vae, conditioning, _ = g.demo()
    loaded = [g("LoadImage", image=f"scene {i}.png") for i in range(2)]
    encoded = g("VAEEncode", pixels=g("ImageBatch", image1=loaded[0], image2=loaded[1]), vae=vae)
    plain = g.keep(g.decoded(encoded, vae))
    results = {}
    for steps in (8, 50):
        inverted = Inverted(g, *parts(g, steps, model, conditioning), encoded)
        results[steps] = (inverted, g.keep(g.decoded(inverted.node[2], vae)))
    g.run(timeout=600)

    def rmse(kept):
        return (kept.tensor - pictures.float() / 255).square().mean((1, 2, 3)).sqrt()

    floor = rmse(plain)
    assert floor.max() < 0.03
    for steps, (inverted, picture) in results.items():
        assert all(0.8 <= norm <= 1.3 for norm in inverted.numbers(inverted.norm)), steps
        assert (rmse(picture) < 1.1 * floor).all(), steps


@pytest.mark.parametrize("kind", ["unet", "guided", "eps", "flow", "video", "odd", "sound"])
def test_other_models_and_shapes(comfy, kind):
    """The noise of a tiny model's own sample, whatever the family, guidance or rank."""
    g = Graph(comfy)
    shape = {"video": [2, 16, 3, 6, 10], "odd": [3, 4, 7, 13], "sound": [2, 5, 33]}.get(kind, [2, 4, 8, 8])
    if kind in ("unet", "guided"):
        model, positive, negative = g("TestSmallUNet").outputs(3)
        guider, sigmas = parts(g, 8, model, positive, 3.0 if kind == "guided" else 0, negative)
    else:
        model, positive = g(
            "TestAnyModel", kind="eps" if kind == "eps" else "flow", channels=shape[1], video=kind == "video"
        ).outputs(2)
        guider, sigmas = parts(g, 8, model, positive)
    empty = g.latent(*shape)
    noise = g("RandomNoise", noise_seed=3)
    truth = g.keep(noise, latent=empty)
    inverted = Inverted(g, guider, sigmas, sampled(g, guider, sigmas, noise, empty))
    g.run(timeout=300)
    assert inverted.noise.tensor.shape == truth.tensor.shape == torch.Size(shape)
    assert max(inverted.numbers(inverted.error)) < 1e-3
    assert relative(inverted.noise.tensor, truth.tensor).max() < 2e-2


def test_groups_change_nothing(comfy):
    g = Graph(comfy)
    model, _, conditioning, latent = g.demo()
    guider, sigmas = parts(g, 8, model, conditioning)
    made = sampled(g, guider, sigmas, g("RandomNoise", noise_seed=4), batch(g, latent, 3))
    whole = Inverted(g, guider, sigmas, made, tolerance=1e-2)
    apart = Inverted(g, guider, sigmas, made, tolerance=1e-2, images_per_batch=2)
    other = Inverted(g, guider, sigmas, made, tolerance=1e-2, noise_seed=77)
    g.run(timeout=300)
    # The network rounds differently in another batch size, and the coarse map magnifies it.
    assert relative(apart.noise.tensor, whole.noise.tensor).max() < 0.05
    assert relative(other.noise.tensor, whole.noise.tensor).min() > 0.2  # fresh noise from another integer
    assert list(apart.error.tensors) == ["0.0", "1.0", "2.0"]


def test_a_picture_of_something_else_is_called_unfit(comfy):
    """Two calls a step on white noise as an image: it cannot come back, and the report says what to do."""
    g = Graph(comfy)
    model, _, conditioning, _ = g.demo()
    wrong = g.latent(1, 16, 16, 16, fill="normal", number=5)
    inverted = Inverted(g, *parts(g, 8, model, conditioning), wrong, iterations=2)
    text = g("PreviewAny", source=inverted.node[5])
    entry = g.run(timeout=300)
    (said,) = entry["outputs"][text.number]["text"]
    assert "NOT fit to be a seed" in said and "more steps" in said
    assert inverted.numbers(inverted.error)[0] > 0.05


BAD = {
    "empty": ({}, {}, "latent 1 of 1 is empty"),
    "NaN": ({"fill": "nan"}, {}, "holds NaN"),
    "flipped": ({"fill": "normal"}, {"flip": True}, "without Flip Sigmas"),
    "no schedule": ({"fill": "normal"}, {"steps": 0}, "sigmas must"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(comfy, name):
    settings, schedule, message = BAD[name]
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel").outputs(2)
    guider, sigmas = parts(g, 4, model, conditioning)
    if schedule.get("flip"):
        sigmas = g("FlipSigmas", sigmas=sigmas)
    if schedule.get("steps") == 0:
        sigmas = g("SplitSigmas", sigmas=sigmas, step=4)[1]
    latent = g("TestLatent", **{"shape": "[1, 4, 8, 8]", **settings})
    Inverted(g, guider, sigmas, latent)
    with pytest.raises(ExecutionFailed, match=message):
        g.run()


def test_a_mask_is_said_not_to_be_used(comfy):
    from .graph import Log

    log, g = Log(comfy), Graph(comfy)
    model, conditioning = g("TestAnyModel").outputs(2)
    latent = g.latent(1, 4, 8, 8, fill="uniform", number=6, masked=True)
    Inverted(g, *parts(g, 4, model, conditioning), latent)
    g.run()
    assert log.wait_for("the latent's mask is not used")


def test_cancel_stops_within_a_step(comfy):
    g = Graph(comfy)
    model, _, conditioning, _ = g.demo(time="night")
    latent = g.latent(8, 16, 16, 16, fill="normal", number=7)
    Inverted(g, *parts(g, 200, model, conditioning), latent, iterations=1000, tolerance=1e-7, images_per_batch=8)
    prompt = comfy.client.queue(g.prompt)
    time.sleep(3)
    start = time.monotonic()
    comfy.client.interrupt()
    with pytest.raises(ExecutionInterrupted):
        comfy.client.wait(prompt, 60)
    assert time.monotonic() - start < 20


def test_inputs_and_the_global_generator_are_left_alone(comfy):
    import json

    g = Graph(comfy)
    model, conditioning = g("TestAnyModel").outputs(2)
    latent = g("TestWatch", value=g.latent(2, 4, 8, 8, fill="uniform", number=8), name="invert_before")
    inverted = Inverted(g, *parts(g, 4, model, conditioning), latent)
    g("TestWatch", value=latent, name="invert_after", after_0=inverted.node)
    g.run()
    before, after = (json.loads((output(comfy) / f"invert_{when}.json").read_text()) for when in ("before", "after"))
    assert before == after


def test_the_last_word_is_finite(comfy):
    """Stock Flip Sigmas divides by zero at sigma 1 for flow models; this does not."""
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", kind="flow").outputs(2)
    inverted = Inverted(g, *parts(g, 4, model, conditioning), g.latent(1, 4, 8, 8, fill="uniform", number=9))
    g.run()
    assert all(math.isfinite(number) for number in inverted.numbers(inverted.error) + inverted.numbers(inverted.norm))
    assert torch.isfinite(inverted.noise.tensor).all()
