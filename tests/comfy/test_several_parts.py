"""Latents of several parts (a clip with its sound), with a live preview and with masks."""

import pytest
import torch

from dev.client import Client
from dev.server import Server, comfyui_folder

from .conftest import Comfy
from .graph import TESTKIT, Graph

CLIP, SOUND = (16, 3, 6, 8), (8, 16, 11)


@pytest.fixture(scope="module")
def previewing():
    """A server that shows what it samples, as most users' do."""
    arguments = ["--cpu", "--preview-method", "latent2rgb"]
    with Server("previewing", packs=[TESTKIT], arguments=arguments) as server:
        yield Comfy(server, Client(server.url))


def parts_of(g: Graph, count: int = 1, **settings):
    return g.latent([count, *CLIP], [count, *SOUND], **settings)


def sampling(g: Graph, steps: int = 3) -> dict:
    """What a node that samples and decodes needs."""
    model, conditioning = g("TestAnyModel", channels=CLIP[0], video=True).outputs(2)
    return {
        "guider": g("BasicGuider", model=model, conditioning=conditioning),
        "sampler": g("KSamplerSelect", sampler_name="euler"),
        "sigmas": g("BasicScheduler", model=model, scheduler="simple", steps=steps, denoise=1.0),
        "vae": g("TestAnyVAE", kind="video"),
    }


def previews(comfy, g: Graph) -> int:
    events = []
    comfy.client.run(g.prompt, on_event=lambda kind, data: events.append(kind))
    return sum(kind == "preview" or kind.startswith("binary 4") for kind in events)


def test_render_points_shows_each_step_of_the_clip(previewing):
    """A preview for each step of both batches, not only for the decoded ones; the clips are those of the stock nodes."""
    g = Graph(previewing)
    inputs, latent, space = sampling(g), parts_of(g), g.space("12, 99")
    points = g("SurrogatePoint", space=space, coordinates="0.1\n0.5\n0.9")
    clips = g.keep(
        g(
            "SurrogateRenderPoints",
            **inputs,
            latent=latent,
            space=space,
            points=points,
            images_per_batch=2,
            filename_prefix="parts/preview",
        )
    )
    noise, repeated = g("SurrogateNoise", space=space, points=points, latent=latent).outputs(2)
    vae = inputs.pop("vae")
    samples = g("SamplerCustomAdvanced", **inputs, noise=noise, latent_image=repeated)
    first = g("TestPart", latent=samples, index=0)
    stock = g.keep(g.decoded(first, vae))
    assert previews(previewing, g) >= 2 * 3 + 2
    assert clips.tensor.shape == (3 * 6, 6, 8, 3)
    assert torch.equal(clips.tensor, (stock.tensor * 255).to(torch.uint8).float() / 255)


def test_search_and_quality_show_previews_too(previewing):
    g = Graph(previewing)
    inputs, latent, space = sampling(g, steps=2), parts_of(g), g.space("12, 99")
    study = g("SurrogateStudy", space=space, latent=latent, name="parts", budget=6, population=3)
    scorer = g("SurrogatePictureStatistics", statistic="brightest_x")[1]
    best = g("SurrogateSearch", **inputs, latent=latent, study=study, scorer=scorer, score_seeds=False)
    found, sample = g.keep(best[1]), g.keep(best)
    g.keep(g("SurrogateSpaceQuality", **inputs, latent=latent, space=space, count=8)[1])
    assert previews(previewing, g) > 6 * 2
    assert found.tensor.shape == (6, 6, 8, 3)
    assert [tuple(part.shape) for part in sample.tensors.values()] == [(1, *CLIP), (1, *SOUND)]


def test_each_sample_keeps_its_masks(previewing):
    """One mask for each part of each sample, through Surrogate Noise, in batches of 2 and 1."""
    g = Graph(previewing)
    latent, space = parts_of(g, 3, mask_each=True), g.space("12, 99")
    points = g("SurrogatePoint", space=space, coordinates="0.1\n0.5\n0.9")
    _, chosen = g("SurrogateNoise", space=space, points=points, latent=latent, images_per_batch=2).outputs(2)
    masks = g.keep(g("TestMaskOf", latent=chosen))
    g.run()
    columns = [part.sum(-1)[:, 0].tolist() for part in masks.tensors.values()]
    assert columns == [[1, 2], [1, 2], [3], [3]]  # the clip and the sound of the first batch, then of the second


def takes_masks_of_parts() -> bool:
    """Whether this ComfyUI's samplers do; older ones fail by themselves."""
    return "denoise_mask.is_nested" in (comfyui_folder() / "comfy" / "samplers.py").read_text("utf-8")


def masked_by_hand(g: Graph, inputs: dict, space, points, latent):
    noise, repeated = g("SurrogateNoise", space=space, points=points, latent=latent).outputs(2)
    rest = {name: value for name, value in inputs.items() if name != "vae"}
    return g("SamplerCustomAdvanced", **rest, noise=noise, latent_image=repeated)


@pytest.mark.parametrize("of", ["one for all", "one for each"])
def test_a_clip_that_is_kept_in_part(previewing, of):
    """As an image-to-video workflow of LTX-2 has it. The pictures are the stock nodes', whatever the batch size."""
    if not takes_masks_of_parts():
        pytest.skip("this ComfyUI's samplers take no masks of parts")
    g = Graph(previewing)
    each = of == "one for each"
    latent = parts_of(g, 3 if each else 1, fill="normal", number=4, masked=not each, mask_each=each)
    inputs, space = sampling(g), g.space("12, 99")
    points = g("SurrogatePoint", space=space, coordinates="0.1\n0.5\n0.9")
    made = [
        g.keep(
            g(
                "SurrogateRenderPoints",
                **inputs,
                latent=latent,
                space=space,
                points=points,
                images_per_batch=size,
                filename_prefix=f"parts/{of} {size}",
            )
        )
        for size in (3, 2, 1)
    ]
    samples = masked_by_hand(g, inputs, space, points, latent)
    stock = g.keep(g.decoded(g("TestPart", latent=samples, index=0), inputs["vae"]))
    unmasked = g.keep(
        g(
            "SurrogateRenderPoints",
            **inputs,
            latent=parts_of(g, fill="normal", number=4),
            space=space,
            points=points,
            filename_prefix="parts/unmasked",
        )
    )
    g.run()
    expected = (stock.tensor * 255).to(torch.uint8).float() / 255
    for one in made:
        assert torch.equal(one.tensor, expected)
    assert not torch.equal(unmasked.tensor, expected)
