"""Pinned Sampler, and pin_noise for KSampler: with them, stochastic samplers make a map of the space again."""

import numpy as np
import pytest
import scipy.stats
import torch

from dev.client import ExecutionFailed
from surrogate import Seeds, SurrogateSpace, points

from .graph import Graph

STOCHASTIC = ["euler_ancestral", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_2m_sde", "dpmpp_3m_sde",
              "lcm", "res_multistep_ancestral", "er_sde", "seeds_2"]  # fmt: skip


def sampled(g: Graph, demo, sampler, weights: str, seeds: str = "1, 2, 3", steps: int = 4):
    """Where the samples of these points will be read."""
    model, _, conditioning, latent = demo
    space = g.space(seeds)
    made = g("SurrogateWeights", space=space, weights=weights)
    noise, latent = g("SurrogateNoise", space=space, points=made, latent=latent).outputs(2)
    out = g(
        "SamplerCustomAdvanced",
        noise=noise,
        latent_image=latent,
        guider=g("BasicGuider", model=model, conditioning=conditioning),
        sampler=sampler,
        sigmas=g("BasicScheduler", model=model, scheduler="simple", steps=steps, denoise=1.0),
    )
    return g.keep(out)


def pinned(g: Graph, name: str, noise_seed: int = 7):
    return g("SurrogatePinnedSampler", sampler=g("KSamplerSelect", sampler_name=name), noise_seed=noise_seed)


def by_ksampler(g: Graph, demo, name: str, weights: str, steps: int = 4, seed: int = 5, **settings):
    """The same by KSampler, with these inputs of Surrogate Noise for KSampler."""
    model, _, conditioning, latent = demo
    space = g.space("1, 2, 3")
    made = g("SurrogateWeights", space=space, weights=weights)
    patched = g("SurrogateKSamplerNoise", model=model, space=space, points=made, latent=latent, **settings)
    return g.keep(g.ksampler(patched, conditioning, patched[1], seed, steps=steps, sampler_name=name))


def off(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).norm() / b.norm())


def test_a_point_is_the_same_alone_and_in_a_batch(comfy):
    known = comfy.client.object_info("KSamplerSelect")["KSamplerSelect"]["input"]["required"]["sampler_name"]
    known = known[0] if isinstance(known[0], list) else known[1]["options"]
    g = Graph(comfy)
    demo = g.demo()
    kept = {}
    for name in filter(known.__contains__, STOCHASTIC):
        kept[name] = [sampled(g, demo, pinned(g, name), w) for w in ("1 0 0\n1 2 3", "1 2 3")]
    plain = g("KSamplerSelect", sampler_name="euler_ancestral")
    unpinned = [sampled(g, demo, plain, w) for w in ("1 0 0\n1 2 3", "1 2 3")]
    g.run(timeout=600)
    assert len(kept) >= 8
    for name, (batch, alone) in kept.items():
        assert off(alone.tensor[0], batch.tensor[1]) < 1e-4, name
    batch, alone = kept["euler_ancestral"]
    assert off(alone.tensor[0], batch.tensor[0]) > 0.1
    batch, alone = unpinned
    assert off(alone.tensor[0], batch.tensor[1]) > 0.1


def test_another_number_is_another_picture_and_the_same_one_the_same(comfy):
    g = Graph(comfy)
    demo = g.demo()
    first, again, other = (sampled(g, demo, pinned(g, "euler_ancestral", n), "1 2 3") for n in (1, 1, 2))
    g.run(timeout=300)
    assert torch.equal(first.tensor, again.tensor)
    assert off(first.tensor, other.tensor) > 0.1


@pytest.mark.parametrize("sde", [False, True])
def test_what_is_drawn_is_noise_and_not_that_of_a_seed(comfy, sde):
    g = Graph(comfy)
    demo = g.demo(128)
    taps = [g("SurrogatePinnedSampler", sampler=g("TestNoiseTap", sde=sde, step=i), noise_seed=1) for i in (0, 1)]
    kept = [sampled(g, demo, tap, "1 0 0\n1 2 3") for tap in taps]
    g.run(timeout=300)
    # As the demo model's latents are scaled and shifted at the end.
    first, second = ((k.tensor - 0.1159) * 0.3611 for k in kept)
    for drawn in (first, second):
        assert torch.equal(drawn[0], drawn[1])  # for every point the same
        assert scipy.stats.kstest(drawn[0].flatten().numpy(), "norm").pvalue > 1e-3
    # Steps and the seed of the same number are independent of each other: 4096 values, chance is 0.016.
    seed = Seeds.from_text("1")[0].noise(((16, 16, 16),))[0]
    for a, b in ((first[0], second[0]), (first[0], seed), (second[0], seed)):
        assert abs(np.corrcoef(a.flatten(), b.flatten())[0, 1]) < 0.07


@pytest.mark.parametrize("route", ["SamplerCustomAdvanced", "KSampler"])
@pytest.mark.parametrize("name", ["euler_ancestral", "dpmpp_2m_sde"])
def test_near_points_are_near_pictures_again(comfy, name, route):
    """Rank correlation of the angle between two points and the distance between their samples, over all pairs of 16."""
    space = SurrogateSpace(Seeds.from_text("1, 2, 3"))
    w = space.weights(points.sobol(space, 16, 0).u)
    text = "\n".join(" ".join(f"{v:.17g}" for v in row) for row in w)
    g = Graph(comfy)
    demo = g.demo()
    if route == "KSampler":
        ours, core = (by_ksampler(g, demo, name, text, steps=8, pin_noise=pin) for pin in (True, False))
    else:
        ours = sampled(g, demo, pinned(g, name), text, steps=8)
        core = sampled(g, demo, g("KSamplerSelect", sampler_name=name), text, steps=8)
    g.run(timeout=600)
    pairs = np.triu_indices(16, 1)
    angle = np.arccos(np.clip(w @ w.T, -1, 1))[pairs]
    distance = [torch.cdist(k.tensor.flatten(1), k.tensor.flatten(1)).numpy()[pairs] for k in (ours, core)]
    with_pin, without = (scipy.stats.spearmanr(angle, d).statistic for d in distance)
    assert with_pin > 0.4
    assert with_pin > without + 0.2


def test_a_deterministic_sampler_goes_through(comfy):
    g = Graph(comfy)
    demo = g.demo()
    ours = sampled(g, demo, pinned(g, "euler"), "1 2 3\n1 0 0")
    core = sampled(g, demo, g("KSamplerSelect", sampler_name="euler"), "1 2 3\n1 0 0")
    g.run(timeout=300)
    assert torch.equal(ours.tensor, core.tensor)


def test_settings_of_the_sampler_stay(comfy):
    """eta 0 makes an ancestral sampler deterministic: the number does not matter then."""
    g = Graph(comfy)
    demo = g.demo()
    quiet = g("SamplerEulerAncestral", eta=0.0, s_noise=1.0)
    one, two = (sampled(g, demo, g("SurrogatePinnedSampler", sampler=quiet, noise_seed=n), "1 2 3") for n in (1, 2))
    g.run(timeout=300)
    assert torch.equal(one.tensor, two.tensor)


def test_a_sampler_of_another_kind_is_named(comfy):
    g = Graph(comfy)
    odd = g("TestCountedSampler", sampler=g("KSamplerSelect", sampler_name="euler"), log="pinned")
    g("PreviewAny", source=g("SurrogatePinnedSampler", sampler=odd))
    with pytest.raises(ExecutionFailed, match="sampler is a _Counted, whose noise this node cannot reach"):
        g.run()


def test_ksampler_with_pinned_noise_is_the_pinned_sampler(comfy):
    """To the last bit, alone and in a batch, and KSampler's own seed does not matter."""
    g = Graph(comfy)
    demo = g.demo()
    kept = {}
    for name in ("euler_ancestral", "dpmpp_2m_sde", "lcm", "euler"):
        settings = {"pin_noise": True, "noise_seed": 7}
        kept[name] = [
            sampled(g, demo, pinned(g, name), "1 0 0\n1 2 3"),
            *(by_ksampler(g, demo, name, "1 0 0\n1 2 3", seed=seed, **settings) for seed in (5, 6)),
            by_ksampler(g, demo, name, "1 2 3", **settings),
        ]
    other = by_ksampler(g, demo, "euler_ancestral", "1 2 3", pin_noise=True, noise_seed=8)
    g.run(timeout=600)
    for name, (custom, batch, seeded, alone) in kept.items():
        assert torch.equal(custom.tensor, batch.tensor), name
        assert torch.equal(batch.tensor, seeded.tensor), name
        assert off(alone.tensor[0], batch.tensor[1]) < 1e-4, name
    assert off(kept["euler_ancestral"][-1].tensor, other.tensor) > 0.1


@pytest.mark.parametrize("settings", [{}, {"pin_noise": False, "noise_seed": 7}], ids=["older workflow", "off"])
def test_ksampler_with_a_seed_is_still_that_of_core(comfy, settings):
    g = Graph(comfy)
    demo = g.demo()
    model, _, conditioning, latent = demo
    core = g.keep(g.ksampler(model, conditioning, latent, 2, sampler_name="euler_ancestral"))
    ours = by_ksampler(g, demo, "euler_ancestral", "0 1 0", seed=2, **settings)
    g.run(timeout=300)
    assert torch.equal(ours.tensor, core.tensor)


def test_a_nested_latent_has_pinned_noise_too(comfy):
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel").outputs(2)
    demo = model, None, conditioning, g("TestLatent", shape="[[1, 4, 3, 5, 7], [1, 3, 11]]")
    batch, alone = (by_ksampler(g, demo, "euler_ancestral", w, pin_noise=True) for w in ("1 0 0\n1 2 3", "1 2 3"))
    g.run()
    assert len(batch.tensors) == 2
    for name, part in alone.tensors.items():
        assert off(part[0], batch.tensors[name][1]) < 1e-4
        assert off(part[0], batch.tensors[name][0]) > 0.1


def test_a_second_pass_at_another_size_is_not_pinned(comfy):
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", kind="eps").outputs(2)
    space = g.space("1, 2, 3")
    patched = g("SurrogateKSamplerNoise", model=model, space=space, points=g.vertices(space, 3, [0]),
                latent=g.latent(1, 4, 8, 8), pin_noise=True)  # fmt: skip
    larger = g.latent(1, 4, 12, 12, fill="normal", number=3)
    ours, core = (
        g.keep(g.ksampler(m, conditioning, larger, 6, sampler_name="euler_ancestral")) for m in (patched, model)
    )
    g.run()
    assert torch.equal(ours.tensor, core.tensor)


def test_ksamplers_kin_with_a_sampler_of_another_kind(comfy):
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel").outputs(2)
    space = g.space("1, 2, 3")
    patched = g("SurrogateKSamplerNoise", model=model, space=space, points=g.vertices(space, 3, [0]),
                latent=g.latent(1, 4, 8, 8), pin_noise=True)  # fmt: skip
    g.keep(g("SamplerCustom", model=patched, positive=conditioning, negative=conditioning, latent_image=patched[1],
             sampler=g("TestCountedSampler", sampler=g("KSamplerSelect", sampler_name="euler"), log="pinned_kin"),
             sigmas=g("BasicScheduler", model=model, scheduler="simple", steps=2, denoise=1.0)))  # fmt: skip
    with pytest.raises(ExecutionFailed, match="sampler is a _Counted, whose noise this node cannot reach"):
        g.run()
