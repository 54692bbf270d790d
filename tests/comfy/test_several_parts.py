"""Latents of several parts (a clip with its sound), with a live preview and with masks."""

import pytest
import torch

from dev.client import Client, ExecutionFailed
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


def test_render_points_shows_each_step_of_the_clip(previewing, comfy):
    """A preview for each step of both batches, not only for the decoded ones; the clips are those without previews."""
    kept, shown = [], []
    for server in (previewing, comfy):
        g = Graph(server)
        space = g.space("12, 99")
        node = g(
            "SurrogateRenderPoints",
            **sampling(g),
            latent=parts_of(g),
            space=space,
            points=g("SurrogatePoint", space=space, coordinates="0.1\n0.5\n0.9"),
            images_per_batch=2,
            filename_prefix="parts/preview",
        )
        kept.append(g.keep(node))
        shown.append(previews(server, g))
    assert shown[0] >= 2 * 3 + 2 > shown[1] == 2
    assert kept[0].tensor.shape == (3 * 6, 6, 8, 3)
    assert torch.equal(kept[0].tensor, kept[1].tensor)


def test_search_and_quality_show_previews_too(previewing):
    g = Graph(previewing)
    inputs, latent, space = sampling(g, steps=2), parts_of(g), g.space("12, 99")
    study = g(
        "SurrogateStudy",
        space=space,
        latent=latent,
        name="parts",
        optimiser="between the seeds",
        budget=6,
        population=3,
    )
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
    columns = [part.sum(-1).flatten(1)[:, 0].tolist() for part in masks.tensors.values()]
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


@pytest.mark.parametrize("kind", ["flow", "eps"])
def test_a_clip_and_its_sound_are_inverted_together(comfy, kind):
    """Their noise comes back, whatever the batch size; so does the clip with its sound, from a space of such seeds."""
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", kind=kind, channels=CLIP[0], video=True).outputs(2)
    guider = g("BasicGuider", model=model, conditioning=conditioning)
    sigmas = g("BasicScheduler", model=model, scheduler="simple", steps=20, denoise=1.0)
    latent, drawn = parts_of(g, 3), g("RandomNoise", noise_seed=7)
    rest = {"guider": guider, "sampler": g("KSamplerSelect", sampler_name="euler"), "sigmas": sigmas}
    made = g("SamplerCustomAdvanced", **rest, noise=drawn, latent_image=latent)
    inverted = [
        g("SurrogateInvert", guider=guider, sigmas=sigmas, latent=made, images_per_batch=size) for size in (2, 3)
    ]
    truth, sample = g.keep(drawn, latent=latent), g.keep(made)
    noises, resampled = [g.keep(one[1]) for one in inverted], g.keep(inverted[0][2])
    space = g("SurrogateSpace", seeds=inverted[0])
    noise, repeated = g("SurrogateNoise", space=space, points=g.vertices(space, 3), latent=parts_of(g)).outputs(2)
    again = g.keep(g("SamplerCustomAdvanced", **rest, noise=noise, latent_image=repeated))
    g.run()
    for name, part in truth.tensors.items():
        for found in noises:
            assert found.tensors[name].shape == part.shape
            assert (found.tensors[name] - part).norm() < 0.02 * part.norm()
        for one in (resampled, again):
            assert (one.tensors[name] - sample.tensors[name]).norm() < 0.005 * sample.tensors[name].norm()


def test_a_clip_without_its_sound_gets_one(comfy):
    """One that fits: both come back from their noise. Another `noise_seed` gives the same clip another sound."""
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", channels=CLIP[0], video=True).outputs(2)
    guider = g("BasicGuider", model=model, conditioning=conditioning)
    sigmas = g("BasicScheduler", model=model, scheduler="simple", steps=20, denoise=1.0)
    rest = {"guider": guider, "sampler": g("KSamplerSelect", sampler_name="euler"), "sigmas": sigmas}
    made = g("SamplerCustomAdvanced", **rest, noise=g("RandomNoise", noise_seed=7), latent_image=parts_of(g, 3))
    clip = g("TestPart", latent=made, index=0)
    silent = g("TestJoin", first=clip, second=g.latent(3, *SOUND))
    kept = g.keep(clip)
    found = {
        (size, seed): g.keep(
            g(
                "SurrogateInvert",
                guider=guider,
                sigmas=sigmas,
                latent=silent,
                images_per_batch=size,
                noise_seed=seed,
            )[2]
        )
        for size, seed in ((2, 0), (3, 0), (2, 5))
    }
    if not takes_masks_of_parts():
        with pytest.raises(
            ExecutionFailed, match=r"latent 1 of 3 is empty \(all zeros\) in part 2 of 2.*Update ComfyUI"
        ):
            g.run()
        return
    g.run()
    clips, sounds = zip(*(found[case].tensors.values() for case in ((2, 0), (3, 0), (2, 5))))
    for one in clips:
        assert (one - kept.tensor).norm() < 0.005 * kept.tensor.norm()
    assert (sounds[0] - sounds[1]).norm() < 0.005 * sounds[0].norm()
    assert (sounds[0] - sounds[2]).norm() > 0.1 * sounds[0].norm()
    assert (sounds[0][0] - sounds[0][1]).norm() > 0.1 * sounds[0][0].norm()
