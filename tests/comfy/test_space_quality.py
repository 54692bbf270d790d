"""Space Quality in a real server: an ordinary space, one that a sampler spoils, and one whose blends are no noise."""

import re

import numpy as np
import pytest
import torch

from demo.client import ExecutionFailed, PromptRejected

from .graph import Graph, counted

COUNT, STEPS = 16, 4


def looked_at(g: Graph, space=None, sampler="euler", demo=None, **inputs):
    """The node, and where its report and its three numbers will be."""
    model, vae, conditioning, latent = demo or g("SurrogateDemoModel").outputs(4)
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


def test_an_ordinary_space_is_good_and_a_look_at_it_repeats(comfy):
    told, plots = [], []
    for repeat in range(2):
        g = Graph(comfy)
        sampler = g("TestCountedSampler", sampler=g("KSamplerSelect", sampler_name="euler"), log=f"quality_{repeat}")
        node, shown = looked_at(g, sampler=sampler)
        plot = g.keep(node[1])
        entry = g.run()
        told.append(said(entry, shown))
        plots.append(plot.tensor)
    report, rank, p, norm = told[0]
    assert answers(report) == ["yes", "yes"]
    assert rank > 0.6 and p > 0.05 and abs(norm - 1) < 0.03
    assert entry["outputs"][node.number]["text"] == ["\n".join(report.splitlines()[:2])]  # no advice, and no numbers
    assert plots[0].shape[0] == 1 and 0 <= plots[0].min() < plots[0].max() <= 1
    assert told[0] == told[1] and torch.equal(*plots)
    # Points, the second one again, and fresh noises.
    assert counted(comfy, "quality_1") == [8, 8, 1, 8, 8]


def test_a_sampler_with_noise_of_its_own_is_noticed_and_pinned(comfy):
    g = Graph(comfy)
    demo = g("SurrogateDemoModel").outputs(4)
    stochastic = g("KSamplerSelect", sampler_name="euler_ancestral")
    pinned = g("SurrogatePinnedSampler", sampler=stochastic, noise_seed=1)
    looks = [looked_at(g, sampler=sampler, demo=demo)[1] for sampler in (stochastic, pinned)]
    entry = g.run(timeout=300)
    (loose, rank, *_), (tight, rank_pinned, *_) = (said(entry, shown) for shown in looks)
    assert answers(loose)[0] == "no" and "Pinned Sampler" in loose
    assert answers(tight)[0] in ("yes", "weakly") and "Pinned Sampler" not in tight
    assert rank < 0.45 < rank_pinned


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
    demo = g("SurrogateDemoModel").outputs(4)
    seeds = alike(g, 0.9)
    looks = [
        looked_at(g, g("SurrogateSpace", seeds=seeds, transport=transport), demo=demo)[1]
        for transport in ("gaussian", "sphere")
    ]
    entry = g.run(timeout=300)
    (burnt, *_, norm), (kept, *_, norm_kept) = (said(entry, shown) for shown in looks)
    assert answers(burnt)[1] == "no"
    assert "stronger: blends look burnt" in burnt and "the sphere transport" in burnt
    assert answers(kept)[1] == "yes" and "sphere transport, which" not in kept
    assert norm > 1.15 and abs(norm_kept - 1) < 0.03


FAULTS = {
    "a batch": (lambda g: {"latent": g.latent(2, 16, 16, 16)}, "latent holds a batch of 2: connect one with a batch of 1"),
    "too few": (lambda g: {"count": 7}, "count"),
    "seeds of another size": (
        lambda g: {
            "space": g(
                "SurrogateSpace", seeds=g("SurrogateSeedsFromLatents", latent=g.latent(2, 4, 8, 8, fill="normal"))
            )
        },
        "Seed latent 1 is a noise of shape 4×8×8, but the latent to be sampled has shape 16×16×16",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_named(comfy, name):
    inputs, expected = FAULTS[name]
    g = Graph(comfy)
    looked_at(g, **inputs(g))
    with pytest.raises((ExecutionFailed, PromptRejected), match=expected):
        g.run()


