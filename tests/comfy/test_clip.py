"""CLIP Score and Match Image with CLIP models of core's own classes: small, with random weights, but the real arithmetic."""

import json

import numpy as np
import pytest
import torch

from dev.client import ExecutionFailed

from .graph import Graph, Kept

TEXT = "a lighthouse at dusk"


def clip_score(g: Graph, clip=None, vision=None, **inputs):
    given = {} if clip is None else {"clip": clip}
    return g("SurrogateClipScore", clip_vision=vision or g("TestSmallClipVision"), **given, **inputs)


def pictures(g: Graph, *shapes):
    return g("TestImages", shapes=json.dumps(shapes))


def numbers(kept: Kept) -> np.ndarray:
    """Scores in their order."""
    items = sorted(kept.tensors.items(), key=lambda item: [int(n) for n in item[0].split(".")])
    return np.array([float(tensor) for _, tensor in items])


def scores(comfy, *shapes, kind: str = "clip_l", **inputs) -> np.ndarray:
    """CLIP Score against TEXT of random pictures of these shapes."""
    g = Graph(comfy)
    kept = g.keep(clip_score(g, g("TestSmallClip", kind=kind), text=TEXT, images=pictures(g, *shapes), **inputs))
    g.run()
    return numbers(kept)


@pytest.mark.parametrize("kind", ["clip_l", "flux"])
@pytest.mark.parametrize("projection", [1.0, -1.0])
def test_the_score_is_the_cosine_of_the_two_projected_embeddings(comfy, kind, projection):
    """CLIPLoader's CLIP-L and FLUX's give diffusion models the embedding before its projection: not the one to compare."""
    g = Graph(comfy)
    clip, vision = g("TestSmallClip", kind=kind, projection=projection), g("TestSmallClipVision")
    image = pictures(g, [1, 64, 64, 3])
    given = g.keep(clip_score(g, clip, vision, text=TEXT, images=image))
    wanted = g.keep(g("TestClipCosine", clip=clip, clip_vision=vision, text=TEXT, image=image))
    g.run()
    assert abs(numbers(wanted)[0]) > 0.01
    np.testing.assert_allclose(numbers(given), numbers(wanted), atol=1e-5)


def test_another_text_is_another_score_and_the_first_text_stays(comfy):
    g = Graph(comfy)
    clip, vision, image = g("TestSmallClip"), g("TestSmallClipVision"), pictures(g, [1, 64, 64, 3])
    kept = [g.keep(clip_score(g, clip, vision, text=text, images=image)) for text in (TEXT, "a forest", TEXT + " ")]
    g.run()
    lighthouse, forest, again = (numbers(k)[0] for k in kept)
    assert abs(lighthouse - forest) > 1e-3
    assert lighthouse == again


def test_the_text_model_is_given_back_as_it_was(comfy):
    """What CLIP Text Encode gives a diffusion model is not projected, also after CLIP Score has used the same CLIP."""
    g = Graph(comfy)
    clip = g("TestSmallClip", projection=-1.0)
    before = g.keep(g("TestPooled", conditioning=g("CLIPTextEncode", clip=clip, text=TEXT)))
    g.run()
    scores = clip_score(g, clip, text=TEXT, images=pictures(g, [1, 8, 8, 3]))
    text = g("TestText", text=TEXT + " ", after=scores)
    after = g.keep(g("TestPooled", conditioning=g("CLIPTextEncode", clip=clip, text=text)))
    g.run()
    assert before.tensor.abs().max() > 0
    assert torch.equal(after.tensor, before.tensor)


def test_a_picture_compared_with_itself_scores_1_and_with_several_their_mean(comfy):
    g = Graph(comfy)
    vision, two = g("TestSmallClipVision"), pictures(g, [2, 64, 64, 3])
    first, second = (g("ImageFromBatch", image=two, batch_index=i, length=1) for i in (0, 1))
    alone = g.keep(clip_score(g, vision=vision, target=first, images=two))
    swapped = g.keep(clip_score(g, vision=vision, target=second, images=two))
    both = g.keep(clip_score(g, vision=vision, target=two, images=two))
    g.run()
    alone, swapped, both = map(numbers, (alone, swapped, both))
    assert alone[0] == pytest.approx(1, abs=1e-7) and swapped[1] == pytest.approx(1, abs=1e-7)
    assert alone[1] == pytest.approx(swapped[0]) and alone[1] < 0.9999
    np.testing.assert_allclose(both, (alone + swapped) / 2)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (56, 56), (90, 30), (300, 301)])
def test_any_size_of_picture(comfy, size):
    (score,) = scores(comfy, [1, *size, 3])
    assert -1 <= score <= 1


def test_a_picture_scores_the_same_alone_and_in_any_batch(comfy):
    """To the last bit: the random pictures of one batch of 5 are those of a batch of 2 and one of 3."""
    together, apart = scores(comfy, [5, 64, 48, 3]), scores(comfy, [2, 64, 48, 3], [3, 64, 48, 3])
    assert len(set(together)) == 5
    assert np.array_equal(together, apart)


def test_grey_is_three_equal_channels_and_transparent_is_black(comfy):
    g = Graph(comfy)
    clip, vision = g("TestSmallClip"), g("TestSmallClipVision")
    picture = pictures(g, [1, 64, 64, 3])
    half = g("SolidMask", value=0.5, width=64, height=64)
    see_through = g("JoinImageWithAlpha", image=picture, alpha=half)
    dimmed = g("ImageBlend", image1=picture, image2=g("EmptyImage", width=64, height=64, color=0), blend_factor=0.5,
               blend_mode="normal")  # fmt: skip
    grey = pictures(g, [1, 64, 64, 1])
    spread = g("MaskToImage", mask=g("ImageToMask", image=grey, channel="red"))
    kept = [
        g.keep(clip_score(g, clip, vision, text=TEXT, images=i)) for i in (see_through, dimmed, picture, grey, spread)
    ]
    g.run()
    see_through, dimmed, picture, grey, spread = (numbers(k)[0] for k in kept)
    assert see_through == pytest.approx(dimmed, abs=1e-6)
    assert abs(see_through - picture) > 1e-4
    assert grey == spread


def burnt(g: Graph):
    """A picture with a pixel that is NaN."""
    return g("VAEDecode", samples=g.latent(1, 4, 8, 8, fill="nan", number=70), vae=g("TestAnyVAE"))


def refused(comfy, message: str, build):
    g = Graph(comfy)
    node = build(g)
    g.keep(node[0])
    with pytest.raises(ExecutionFailed, match=message) as failed:
        g.run()
    assert failed.value.node_type == g.prompt[node.number]["class_type"]


WRONG = {
    "widths": (
        r"clip gives 48 numbers and clip_vision 32.*two halves of one CLIP",
        lambda g: clip_score(g, g("TestSmallClip", width=48), text=TEXT, images=pictures(g, [1, 8, 8, 3])),
    ),
    "T5 alone": (
        r"clip gives one embedding for each token.*T5",
        lambda g: clip_score(g, g("TestSmallClip", kind="t5"), text=TEXT, images=pictures(g, [1, 8, 8, 3])),
    ),
    "no text projection": (
        r"clip has no text projection",
        lambda g: clip_score(g, g("TestSmallClip", projection=0.0), text=TEXT, images=pictures(g, [1, 8, 8, 3])),
    ),
    "what was in memory instead of one": (
        r"clip has no text projection",
        lambda g: clip_score(g, g("TestSmallClip", projection=100.0), text=TEXT, images=pictures(g, [1, 8, 8, 3])),
    ),
    "SigLIP": (
        r"clip_vision .*SigLIP",
        lambda g: clip_score(g, vision=g("TestSmallClipVision", kind="siglip"), target=pictures(g, [1, 8, 8, 3])),
    ),
    "neither": ("with a text or with a target", lambda g: clip_score(g, g("TestSmallClip"), text="  ")),
    "both": (
        "with a text or with a target",
        lambda g: clip_score(g, g("TestSmallClip"), text=TEXT, target=pictures(g, [1, 8, 8, 3])),
    ),
    "no text model": ("clip is needed", lambda g: clip_score(g, text=TEXT)),
    "burnt target": (
        "target has pixels that are NaN",
        lambda g: clip_score(g, target=burnt(g)),
    ),
    "two channels": (
        r"images.* 2 channels|channels.*2",
        lambda g: clip_score(g, g("TestSmallClip"), text=TEXT, images=pictures(g, [1, 8, 8, 2])),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_compared_says_why_and_names_the_input(comfy, case):
    message, build = WRONG[case]
    refused(comfy, message, build)


def test_what_cannot_be_compared_fails_before_anything_is_rendered(comfy):
    """Without images, as for the Search node: the scorer is not given out."""
    message, _ = WRONG["widths"]
    g = Graph(comfy)
    node = clip_score(g, g("TestSmallClip", width=48), text=TEXT)
    g("TestWatch", value=node[1], name="never")
    with pytest.raises(ExecutionFailed, match=message):
        g.run()


def test_a_burnt_picture_costs_the_others_nothing(comfy):
    g = Graph(comfy)
    clip, images = g("TestSmallClip"), g("ImageBatch", image1=burnt(g), image2=pictures(g, [1, 8, 8, 3]))
    kept = [g.keep(clip_score(g, clip, text=TEXT, images=some)) for some in (images, burnt(g))]
    g.run()
    assert np.isnan(numbers(kept[0])).tolist() == [True, False]
    assert np.isnan(numbers(kept[1])).tolist() == [True]


def test_as_a_scorer_in_search_and_in_combine_scores(comfy):
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", kind="flow").outputs(2)
    vae, latent = g("TestAnyVAE"), g.latent(1, 4, 16, 16)
    clip, vision = g("TestSmallClip"), g("TestSmallClipVision")
    asked = clip_score(g, clip, vision, text=TEXT)
    bright = g("SurrogatePictureStatistics", statistic="brightness")
    search = g(
        "SurrogateSearch",
        **g.sampling(model, conditioning),
        latent=latent,
        vae=vae,
        study=g(
            "SurrogateStudy",
            space=g.space("12, 99, 1024"),
            latent=latent,
            name="clip",
            budget=8,
            population=4,
            optimiser="between the seeds",
        ),
        scorer=g("SurrogateCombineScores", expression="a + b / 2", scorer_a=asked[1], scorer_b=bright[1])[1],
        n_best=3,
    )
    found = g.keep(search[4])
    images = search[2]
    again = g(
        "SurrogateCombineScores",
        expression="a + b / 2",
        a=clip_score(g, clip, vision, text=TEXT, images=images),
        b=g("SurrogatePictureStatistics", statistic="brightness", images=images),
    )
    numbers_again = g.keep(again)
    g.run()
    assert len(numbers(found)) == 3
    assert (np.diff(numbers(found)) <= 0).all()
    np.testing.assert_allclose(numbers(numbers_again), numbers(found), atol=1e-6)


def test_match_image_mixes_pixels_and_clip_vision(comfy):
    g = Graph(comfy)
    vision, two = g("TestSmallClipVision"), pictures(g, [2, 64, 64, 3])
    target = g("ImageFromBatch", image=two, batch_index=0, length=1)

    def match(**inputs):
        return g.keep(g("SurrogateMatchImage", target=target, images=two, method="match_image", side=32, **inputs))

    pixels, cosine = match(), g.keep(clip_score(g, vision=vision, target=target, images=two))
    shares = {share: match(clip_vision=vision, clip_share=share) for share in (0.0, 0.25, 1.0)}
    g.run()
    features = (numbers(cosine) - 1) / 2
    assert numbers(pixels)[0] == 0 and numbers(pixels)[1] < 0
    for share, kept in shares.items():
        np.testing.assert_allclose(numbers(kept), (1 - share) * numbers(pixels) + share * features, atol=1e-7)
    assert numbers(shares[0.25])[0] == pytest.approx(0, abs=1e-7)
