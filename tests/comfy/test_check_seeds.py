"""Check Seeds in a real server: what it says and takes, and that its repair makes blends of inverted seeds better."""

import json

import numpy as np
import pytest
import scipy.stats
import torch

from dev.client import ExecutionFailed, PromptRejected
from surrogate import SurrogateSpace, make_transport
from surrogate.scores import make_score
from surrogate.seeds import Seeds

from .graph import Graph


def check(g: Graph, seeds, **inputs):
    """The node, and where its four texts will be: verdict, table, transport, transport_settings."""
    node = g("SurrogateCheckSeeds", seeds=seeds, **inputs)
    return node, [g("PreviewAny", source=node[i]) for i in (1, 2, 4, 5)]


def texts(entry: dict, shown) -> list[str]:
    return [entry["outputs"][node.number]["text"][0] for node in shown]


def fit(g: Graph, node) -> str:
    """Where the BOOLEAN will be read."""
    return g("PreviewAny", source=node[0])


def test_integer_seeds_are_fit(comfy):
    g = Graph(comfy)
    node, shown = check(g, g("SurrogateSeedsFromIntegers", seeds="12, 99, 1024:3/4"), latent=g.latent(1, 4, 32, 32))
    picture, verdict = g.keep(node[3]), fit(g, node)
    entry = g.run()
    words, table, transport, settings = texts(entry, shown)
    assert words == (
        "All 3 seeds are noise of the gaussian transport (4×32×32): fit to be blended.\n"
        "Keep the transport gaussian. Blends are like the seeds."
    )
    assert entry["outputs"][node.number]["text"] == [words]
    assert entry["outputs"][verdict.number]["text"] == ["True"]
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:5]] == ["12", "99", "1024:3/4"]
    assert (transport, settings) == ("gaussian", "")
    assert picture.tensor.shape[0] == 1 and 0 <= picture.tensor.min() < picture.tensor.max() <= 1


@pytest.mark.parametrize(
    "shape",
    [(2, 16, 5, 12, 20), (2, 8, 200), ([2, 8, 5, 16, 16], [2, 8, 107]), (1, 4, 32, 32)],
    ids=["video", "sound", "nested", "one seed"],
)
def test_any_latent_and_one_seed(comfy, shape):
    g = Graph(comfy)
    node, shown = check(g, g("SurrogateSeedsFromLatents", latent=g.latent(*shape, fill="normal")))
    verdict = fit(g, node)
    entry = g.run()
    words, *_ = texts(entry, shown)
    assert "fit to be blended" in words
    assert entry["outputs"][verdict.number]["text"] == ["True"]


def test_the_repair_goes_straight_into_a_space(comfy):
    """Uniform values: not noise; the space of the recommended transport has blends like them, and they are fit for it."""
    g = Graph(comfy)
    made = g.latent(4, 4, 32, 32, fill="uniform", number=3)
    seeds = g("SurrogateSeedsFromLatents", latent=made)
    node, shown = check(g, seeds)
    space = g("SurrogateSpace", seeds=seeds, transport=node[4], transport_settings=node[5])
    points = g("SurrogateWeights", space=space, weights="1 1 1 1\n1 0 0 0")
    noise = g("SurrogateNoise", space=space, points=points, latent=g.latent(1, 4, 32, 32))
    kept, values = g.keep(noise, latent=noise[1]), g.keep(made)
    after, shown_after = check(g, seeds, space=space)
    before, after = fit(g, node), fit(g, after)
    entry = g.run()
    words, _, transport, settings = texts(entry, shown)
    assert "4 not noise" in words and "latent 4: not noise" in words
    assert [entry["outputs"][n.number]["text"] for n in (before, after)] == [["False"], ["True"]]
    assert texts(entry, shown_after)[0].startswith(f"All 4 seeds are noise of the {transport} transport")
    blend, vertex = kept.tensor
    expected = SurrogateSpace(
        Seeds.from_tensors(values.tensor), transport=make_transport(transport, **json.loads(settings))
    ).combine(np.full((1, 4), 0.5))[0]
    assert torch.equal(blend, expected)
    assert torch.equal(vertex, values.tensor[0])


FAULTS = {
    "no size": (lambda g: {"seeds": g("SurrogateSeedsFromIntegers", seeds="1 2")}, "Connect a latent of the size"),
    "other size": (
        lambda g: {
            "seeds": g("SurrogateSeedsFromLatents", latent=g.latent(2, 4, 8, 8, fill="normal")),
            "latent": g.latent(1, 4, 16, 16),
        },
        "Seed latent 1 is a noise of shape 4×8×8, but shape is 4×16×16",
    ),
    "not a number": (
        lambda g: {"seeds": g("SurrogateSeedsFromLatents", latent=g.latent(1, 4, 8, 8, fill="nan", number=100))},
        "Seed latent 1 holds NaN or infinite values",
    ),
    "empty latent": (
        lambda g: {"seeds": g("SurrogateSeedsFromLatents", latent=g.latent(2, 4, 8, 8))},
        "Seed latent 1 is all zeros",
    ),
    "no rotations": (
        lambda g: {
            "seeds": g("SurrogateSeedsFromLatents", latent=g.latent(2, 4, 3, 3, fill="normal")),
            "space": g.space(transport="rotation"),
        },
        "Seed latent 1 cannot be checked: The rotation transport needs rotation matrices",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_named(comfy, name):
    inputs, expected = FAULTS[name]
    g = Graph(comfy)
    g("SurrogateCheckSeeds", **inputs(g))
    with pytest.raises((ExecutionFailed, PromptRejected), match=expected):
        g.run()


# The demo model.

PICTURES, BLENDS, OWN, STEPS = 8, 24, 48, 8


def features(pictures: torch.Tensor) -> np.ndarray:
    """(n, 10): brightness, contrast, saturation, sharpness, and the power in six octaves of the spectrum."""
    pictures = pictures.clamp(0, 1)
    grey = pictures.double().mean(-1)
    power = torch.fft.fft2(grey - grey.mean((1, 2), keepdim=True)).abs().square().numpy()
    frequency = np.fft.fftfreq(grey.shape[-1]) * grey.shape[-1]
    radius = np.hypot(frequency[:, None], frequency[None])
    octaves = [np.log10(power[:, (radius >= r) & (radius < 2 * r)].mean(1)) for r in (1, 2, 4, 8, 16, 32)]
    tones = [make_score(name)(pictures.numpy()) for name in ("brightness", "contrast", "saturation", "sharpness")]
    return np.stack([*tones, *octaves], 1)


def distance(pictures: torch.Tensor, own: np.ndarray) -> float:
    """Mean over the features: Wasserstein distance to the model's own pictures in their standard deviations."""
    these, spread = features(pictures), own.std(0)
    return float(
        np.mean(
            [scipy.stats.wasserstein_distance(a / s, b / s) for a, b, s in zip(these.T, own.T, spread, strict=True)]
        )
    )


@pytest.mark.parametrize("inverted", ["roughly", "well"])
def test_the_repair_makes_blends_of_inverted_pictures_more_like_the_models_own(comfy, inverted):
    """Landscapes drawn by rules, inverted, four blended at a time, with the transport that the node recommends.

    Rough inversions are weak, share a mean and get affine; good ones share a little of everything and get sphere.
    """
    g = Graph(comfy)
    model, vae, conditioning, empty = g.demo(128)
    guider = g("BasicGuider", model=model, conditioning=conditioning)
    sigmas = g("BasicScheduler", model=model, scheduler="simple", steps=STEPS, denoise=1.0)
    batch = g("SurrogateDemoPicture", number=0)
    for number in range(1, PICTURES):
        batch = g("ImageBatch", image1=batch, image2=g("SurrogateDemoPicture", number=number))
    latent = g("VAEEncode", pixels=batch, vae=vae)
    inputs = {"guider": guider, "sigmas": sigmas, "latent": latent}
    if inverted == "roughly":
        seeds = g("SurrogateSeedsFromLatents", latent=g("TestRoughInversion", **inputs))
    else:
        seeds = g("SurrogateInvert", tolerance=1e-3, images_per_batch=PICTURES, **inputs)
    node, shown = check(g, seeds)
    fours = np.zeros((BLENDS, PICTURES), int)
    for row, generator in zip(fours, np.random.default_rng(0).spawn(BLENDS)):
        row[generator.choice(PICTURES, 4, replace=False)] = 1
    weights = "\n".join(" ".join(map(str, row)) for row in fours)

    def sampled(noise, latent):
        sampler = g("KSamplerSelect", sampler_name="euler")
        inputs = {"guider": guider, "sampler": sampler, "sigmas": sigmas, "noise": noise, "latent_image": latent}
        return g.keep(g.decoded(g("SamplerCustomAdvanced", **inputs), vae))

    kept = {}
    for name, settings in {"none": {}, "repaired": {"transport": node[4], "transport_settings": node[5]}}.items():
        space = g("SurrogateSpace", seeds=seeds, **settings)
        points = g("SurrogateWeights", space=space, weights=weights)
        noise = g("SurrogateNoise", space=space, points=points, latent=empty)
        kept[name] = sampled(noise, noise[1])
    own = g("RepeatLatentBatch", samples=empty, amount=OWN)
    kept["own"] = sampled(g("RandomNoise", noise_seed=5), own)
    entry = g.run(timeout=580)
    words, _, transport, _ = texts(entry, shown)
    own = features(kept.pop("own").tensor)
    found = {name: distance(pictures.tensor, own) for name, pictures in kept.items()}
    print(found)
    assert transport == {"roughly": "affine", "well": "sphere"}[inverted], words
    assert found["repaired"] < 0.96 * found["none"], found
