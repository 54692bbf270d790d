"""Models at the edge: they ignore the noise, want more of it, or take no batches."""

import pytest
import torch

from dev.client import ExecutionFailed

from .graph import Graph, Log, counted

IGNORES = r"The model \(_AnyModel\) ignores the initial noise.*all points of a space give the same picture"


def parts(g: Graph, model, conditioning, steps: int = 1) -> dict:
    return {
        "guider": g("BasicGuider", model=model, conditioning=conditioning),
        "sampler": g("KSamplerSelect", sampler_name="euler"),
        "sigmas": g("BasicScheduler", model=model, scheduler="simple", steps=steps, denoise=1.0),
    }


def used(g: Graph, node: str, model, conditioning, latent):
    """`node` with all that it needs, its work small."""
    space = g.space("12, 99")
    points = g.vertices(space, 2)
    if node == "SurrogateKSamplerNoise":
        model, latent = g(node, model=model, space=space, points=points, latent=latent).outputs(2)
        return g.keep(g.ksampler(model, conditioning, latent, 1))
    sampling = parts(g, model, conditioning)
    if node == "SurrogateInvert":
        del sampling["sampler"]
        return g.keep(g(node, **sampling, latent=latent)[1])
    sampling |= {"latent": latent, "vae": g("TestAnyVAE")}
    if node == "SurrogateSearch":
        study = g(
            "SurrogateStudy",
            space=space,
            latent=latent,
            name=f"odd {node}",
            optimiser="between the seeds",
            budget=6,
            population=3,
        )
        scorer = g("SurrogatePictureStatistics", statistic="brightest_x")[1]
        return g.keep(g(node, **sampling, study=study, scorer=scorer, score_seeds=False)[1])
    if node == "SurrogateSpaceQuality":
        return g.keep(g(node, **sampling, space=space, count=8)[1])
    return g.keep(g(node, **sampling, space=space, points=points, filename_prefix=f"odd/{node}"))


NODES = [
    "SurrogateRenderPoints",
    "SurrogateSearch",
    "SurrogateSpaceQuality",
    "SurrogateInvert",
    "SurrogateKSamplerNoise",
]


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("kind", ["flow", "eps"])
def test_a_model_that_ignores_its_noise_is_named(comfy, node, kind):
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", kind=kind).outputs(2)
    used(g, node, g("TestOddNoise", model=model, kind="ignored"), conditioning, g.latent(1, 4, 8, 8, fill="normal"))
    with pytest.raises(ExecutionFailed, match=IGNORES) as caught:
        g.run()
    assert caught.value.node_type == node


@pytest.mark.parametrize("kind", ["flow", "eps"])
@pytest.mark.parametrize("scale", ["usual", "scaled"])
def test_invert_knows_how_large_the_model_makes_its_noise(comfy, kind, scale):
    """HiDream-O1 starts from 8 times the noise: with few steps the last one forgets as much as for any model."""
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", kind=kind).outputs(2)
    if scale == "scaled":
        model = g("TestOddNoise", model=model, kind="scaled")
    latent = g.latent(2, 4, 8, 8)
    sampling = parts(g, model, conditioning, steps=20)
    made = g("SamplerCustomAdvanced", noise=g("RandomNoise", noise_seed=3), latent_image=latent, **sampling)
    inverted = g("SurrogateInvert", guider=sampling["guider"], sigmas=sampling["sigmas"], latent=made)
    truth, found = g.keep(g("RandomNoise", noise_seed=3), latent=latent), g.keep(inverted[1])
    norms, errors = g.keep(inverted[4]), g.keep(inverted[3])
    g.run()
    assert all(error < 0.01 for error in errors.tensors.values())
    assert all(0.8 < norm < 1.25 for norm in norms.tensors.values())
    assert torch.corrcoef(torch.stack([truth.tensor.flatten(), found.tensor.flatten()]))[0, 1] > 0.99


MESSAGES = [
    "MiniMax H3 supports batch size 1",
    "batch_size must be 1, got 4",
    "Expected batch_size == 1",
    "Only batch size of 1 is supported",
    "Batch size > 1 is not supported",
    "This model does not support batching.",
]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_model_that_takes_no_batches_gets_one_image_at_a_time(comfy, message):
    """After one try; it is said once, and the pictures are those of batches of 1."""
    name = f"single {MESSAGES.index(message)}"
    kept = []
    for at_once in (4, 1):
        g = Graph(comfy)
        model, conditioning = g("TestAnyModel").outputs(2)
        space = g.space("12, 99")
        node = g.render(
            g("TestOneAtATime", model=model, message=message),
            conditioning,
            g("TestAnyVAE"),
            g.latent(1, 4, 8, 8),
            space,
            g("SurrogatePoint", space=space, coordinates="0.1\n0.3\n0.5\n0.7\n0.9"),
            log=f"{name} {at_once}",
            images_per_batch=at_once,
            filename_prefix=f"{name}/{at_once}",
        )
        kept.append(g.keep(node))
        log = Log(comfy)
        events = []
        comfy.client.run(g.prompt, on_event=lambda kind, data, events=events: events.append((kind, data)))
        said = b" ".join(data for kind, data in events if kind == "binary 3").decode()
        assert (message in said and "images_per_batch is taken as 1" in said) == (at_once == 4)
        assert log.text().count("samples one image at a time") == (at_once == 4)
        assert counted(comfy, f"{name} {at_once}") == [1] * 5
    assert torch.equal(kept[0].tensor, kept[1].tensor)


def test_a_search_falls_back_too(comfy):
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel").outputs(2)
    model = g("TestOneAtATime", model=model, message=MESSAGES[0])
    found = used(g, "SurrogateSearch", model, conditioning, g.latent(1, 4, 8, 8))
    g.run()
    assert found.tensor.shape == (1, 8, 8, 3)


def test_other_errors_are_raised_as_they_are(comfy):
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel").outputs(2)
    model = g("TestOneAtATime", model=model, message="expected a batch of 10 prompts")
    used(g, "SurrogateRenderPoints", model, conditioning, g.latent(1, 4, 8, 8))
    with pytest.raises(ExecutionFailed, match="expected a batch of 10 prompts"):
        g.run()
