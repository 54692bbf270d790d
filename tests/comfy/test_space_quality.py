"""Space Quality in a real server: an ordinary space, one that a sampler spoils, and one whose blends are no noise."""

import json
import re
import time

import pytest
import torch

from dev.client import ExecutionFailed, ExecutionInterrupted, PromptRejected

from .graph import Graph, counted, output

COUNT, STEPS = 16, 4


def looked_at(g: Graph, space=None, sampler="euler", demo=None, **inputs):
    """The node, and where its report and its three numbers will be."""
    model, vae, conditioning, latent = demo or g.demo()
    settings = {
        "guider": g("BasicGuider", model=model, conditioning=conditioning),
        "sampler": g("KSamplerSelect", sampler_name=sampler) if isinstance(sampler, str) else sampler,
        "sigmas": g("BasicScheduler", model=model, scheduler="simple", steps=STEPS, denoise=1.0),
        "latent": latent,
        "vae": vae,
        "space": space or g.space(),
        "count": COUNT,
        **inputs,
    }
    node = g("SurrogateSpaceQuality", **settings)
    return node, [g("PreviewAny", source=node[i]).number for i in (0, 2, 3, 4)]


def said(entry: dict, shown) -> tuple[str, float, float, float]:
    report, *numbers = (entry["outputs"][number]["text"][0] for number in shown)
    return report, *map(float, numbers)


def answers(report: str) -> list[str]:
    """Of both questions: yes, weakly or no."""
    return [re.search(f"{question}: (\\w+)", report)[1] for question in ("give near pictures", "model's own pictures")]


def test_an_ordinary_space_is_good(comfy):
    g = Graph(comfy)
    node, shown = looked_at(g)
    plot = g.keep(node[1])
    entry = g.run()
    report, rank, p, norm = said(entry, shown)
    assert answers(report) == ["yes", "yes"]
    assert rank > 0.6 and p > 0.05 and abs(norm - 1) < 0.03
    assert entry["outputs"][node.number]["text"] == ["\n".join(report.splitlines()[:2])]  # no advice, and no numbers
    assert plot.tensor.shape[0] == 1 and 0 <= plot.tensor.min() < plot.tensor.max() <= 1


def test_a_sampler_with_noise_of_its_own_is_noticed_and_pinned(comfy):
    g = Graph(comfy)
    demo = g.demo()
    stochastic = g("KSamplerSelect", sampler_name="euler_ancestral")
    pinned = g("SurrogatePinnedSampler", sampler=stochastic, noise_seed=1)
    looks = [looked_at(g, sampler=sampler, demo=demo)[1] for sampler in (stochastic, pinned)]
    entry = g.run(timeout=300)
    (loose, rank, *_), (tight, rank_pinned, *_) = (said(entry, shown) for shown in looks)
    assert answers(loose)[0] == "no" and "Pinned Sampler" in loose
    assert answers(tight)[0] in ("yes", "weakly") and "Pinned Sampler" not in tight
    assert rank < 0.45 < rank_pinned


def test_a_turbo_model_is_told_to_have_its_points_on_the_prompt(comfy):
    g = Graph(comfy)
    demo = g.demo(128, place="sea", kind="turbo")
    plain, shown = looked_at(g, demo=demo, count=8)
    basic = g("BasicGuider", model=demo[0], conditioning=demo[2])
    carried = g("SurrogateCarrier", guider=basic, carrier="conditioning", strength=0.5, until=0.2, pooled=False, seed=0)
    _, shown_on_prompt = looked_at(g, demo=demo, count=8, guider=carried)
    entry = g.run(timeout=300)
    (report, *_), (on_prompt, *_) = said(entry, shown), said(entry, shown_on_prompt)
    assert answers(report)[0] == "no" and "carrier = conditioning, strength = 0.5, until = 0.2" in report
    assert "Surrogate Carrier, connected" in entry["outputs"][plain.number]["text"][0]
    assert "noise on the prompt, median: 0." in report
    assert answers(on_prompt)[0] != "no" and "carrier" not in on_prompt


def alike(g: Graph, weight: float):
    """Three seeds that have a noise in common."""
    made = g.latent(3, 16, 16, 16, fill="normal", number=1)
    common = g("RepeatLatentBatch", samples=g.latent(1, 16, 16, 16, fill="normal", number=2), amount=3)
    blended = g("LatentAdd", samples1=scaled(g, made, (1 - weight) ** 0.5), samples2=scaled(g, common, weight**0.5))
    return g("SurrogateSeedsFromLatents", latent=blended)


def scaled(g: Graph, latent, factor: float):
    return g("LatentMultiply", samples=latent, multiplier=factor)


def test_seeds_that_are_alike_are_not_closed_until_the_norm_is_kept(comfy):
    g = Graph(comfy)
    demo = g.demo(128)
    seeds = alike(g, 0.9)
    looks = [
        looked_at(g, g("SurrogateSpace", seeds=seeds, transport=transport), demo=demo, count=8)[1]
        for transport in ("gaussian", "sphere")
    ]
    entry = g.run(timeout=300)
    (burnt, *_, norm), (kept, *_, norm_kept) = (said(entry, shown) for shown in looks)
    assert answers(burnt)[1] == "no"
    assert "stronger: blends look burnt" in burnt and "the sphere transport" in burnt
    assert answers(kept)[1] == "yes" and "sphere transport, which" not in kept
    assert norm > 1.15 and abs(norm_kept - 1) < 0.03


# Tiny models, whose pictures are none, but they are measured.


def tiny(g: Graph, shape=(1, 4, 8, 8), decodes="rgb", denoise=1.0, log="", **inputs):
    """The node with TestAnyModel; its batches are counted in `log`."""
    model, conditioning = g("TestAnyModel", channels=shape[1], video=len(shape) == 5).outputs(2)
    sampler = g("KSamplerSelect", sampler_name="euler")
    settings = {
        "sampler": g("TestCountedSampler", sampler=sampler, log=log) if log else sampler,
        "sigmas": g("BasicScheduler", model=model, scheduler="simple", steps=2, denoise=denoise),
        "latent": g.latent(*shape),
        **inputs,
    }
    return looked_at(g, demo=(model, g("TestAnyVAE", kind=decodes), conditioning, None), **settings)


def test_a_look_repeats_and_another_number_looks_elsewhere(comfy):
    told, plots = [], []
    for log, number in (("quality_1", 3), ("quality_2", 3), ("quality_3", 4)):
        g = Graph(comfy)
        node, shown = tiny(g, log=log, random_seed=number)
        plot = g.keep(node[1])
        told.append(said(g.run(), shown))
        plots.append(plot.tensor)
    assert told[0] == told[1] != told[2]
    assert torch.equal(plots[0], plots[1]) and not torch.equal(plots[0], plots[2])
    # Points, the second one again, and fresh noises.
    assert counted(comfy, "quality_2") == [8, 8, 1, 8, 8]


@pytest.mark.parametrize(
    ("shape", "decodes"),
    [((1, 16, 3, 6, 8), "video"), ((1, 4, 8, 8), "grey"), ((1, 4, 8, 8), "rgba")],
    ids=["video", "grey", "transparent"],
)
def test_other_pictures_and_clips(comfy, shape, decodes):
    g = Graph(comfy)
    node, shown = tiny(g, shape, decodes, count=8, images_per_batch=3)
    g.keep(node[1])
    report, rank, p, norm = said(g.run(), shown)
    assert answers(report)[0] == "yes" and rank > 0.6 and 0 <= p <= 1 and abs(norm - 1) < 0.1
    assert "8 points, 8 fresh noises" in report and "the same point twice 0.0000" in report


def test_a_model_that_hardly_hears_the_noise(comfy):
    """An image to start from, and nearly no denoise."""
    g = Graph(comfy)
    _, shown = tiny(g, latent=g.latent(1, 4, 8, 8, fill="uniform", number=3), denoise=0.02)
    report, *_ = said(g.run(), shown)
    assert answers(report)[0] == "no" and "The model hardly reacts to noise" in report


def test_inputs_and_the_global_generator_are_left_alone(comfy):
    g = Graph(comfy)
    latent = g("TestWatch", value=g.latent(1, 4, 8, 8), name="quality_before")
    node, _ = tiny(g, latent=latent)
    g("TestWatch", value=latent, name="quality_after", after_0=node)
    g.run()
    before, after = (json.loads((output(comfy) / f"quality_{when}.json").read_text()) for when in ("before", "after"))
    assert before == after


def test_cancel_stops_it_between_batches(comfy):
    g = Graph(comfy)
    (output(comfy) / "quality_slow.seconds").write_text("0.1")
    tiny(g, log="quality_slow", count=512, images_per_batch=1)
    prompt = comfy.client.queue(g.prompt)
    deadline = time.monotonic() + 60
    while len(counted(comfy, "quality_slow")) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    comfy.client.interrupt()
    with pytest.raises(ExecutionInterrupted):
        comfy.client.wait(prompt, 60)
    assert len(counted(comfy, "quality_slow")) < 200


FAULTS = {
    "a batch": (
        lambda g: {"latent": g.latent(2, 16, 16, 16)},
        "latent holds a batch of 2: connect one with a batch of 1",
    ),
    "sound": (lambda g: {"vae": g("TestAnyVAE", kind="sound")}, "which is not pictures"),
    "too few": (lambda g: {"count": 7}, "count"),
    "seeds of another size": (
        lambda g: {
            "space": g(
                "SurrogateSpace", seeds=g("SurrogateSeedsFromLatents", latent=g.latent(2, 4, 8, 8, fill="normal"))
            )
        },
        "Seed latent 1 is a noise of shape 4×8×8, but the latent to be sampled has shape 16×8×8",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_named(comfy, name):
    inputs, expected = FAULTS[name]
    g = Graph(comfy)
    looked_at(g, **inputs(g))
    with pytest.raises((ExecutionFailed, PromptRejected), match=expected):
        g.run()
