"""Points on the prompt: by stock samplers through CONDITIONING, and by the pack's own nodes through a guider."""

import json

import pytest
import torch

from surrogate.metadata import seeds_of
from surrogate.seeds import IntegerSeed

from .graph import Graph, output

POINTS = "0.5 0.5 0.5 0.5\n0 0.6 0.8 0"
SETTINGS = {"strength": 0.7, "until": 0.5, "pooled": True}


class Demo(Graph):
    """The demo model and points of a space, to be put on its prompt."""

    def __init__(self, comfy):
        super().__init__(comfy)
        self.model, self.vae, self.text, self.empty = self.demo(time="dusk", place="sea")
        self.where = self.space()
        self.points = self("SurrogateWeights", space=self.where, weights=POINTS)

    def on_prompt(self, **settings) -> list:
        """[conditioning, latent, text]."""
        given = {"conditioning": self.text, "space": self.where, "points": self.points, "latent": self.empty}
        return self("SurrogateConditioning", **given | SETTINGS | settings).outputs(3)

    def carried(self, guider, **settings) -> dict:
        """What a node needs that samples, with points on the prompt of `guider`."""
        carried = self("SurrogateCarrier", guider=guider, seed=42, **SETTINGS, **settings)
        how = self.sampling(self.model, self.text, steps=4)
        return how | {"guider": carried, "latent": self.empty, "vae": self.vae}

    def rendered(self, carrier: str, guider, **settings):
        """The pictures of Render Points behind Surrogate Carrier."""
        return self(
            "SurrogateRenderPoints",
            **self.carried(guider, carrier=carrier),
            space=self.where,
            points=self.points,
            **settings,
        )


def apart(a, b) -> float:
    """The largest difference of two sets of pictures, in steps of 8 bits: Render Points cuts its pictures to them, as it saves them."""
    return float((a.tensor - b.tensor).abs().max()) * 255


def test_the_two_parts_are_cores_own_ranges(comfy):
    g = Demo(comfy)
    prompt, latent, _ = g.on_prompt()
    ours = g.keep(g.ksampler(g.model, prompt, latent, 42))
    always, same, _ = g.on_prompt(until=1.0)
    edge = 0.5 - 1e-4
    first = g("ConditioningSetTimestepRange", conditioning=always, start=0.0, end=edge)
    rest = g("ConditioningSetTimestepRange", conditioning=g.text, start=edge, end=1.0)
    both = g("ConditioningCombine", conditioning_1=first, conditioning_2=rest)
    core = g.keep(g.ksampler(g.model, both, same, 42))
    noisy, plain = g.keep(g.ksampler(g.model, always, same, 42)), g.keep(g.ksampler(g.model, g.text, same, 42))
    g.run()
    assert torch.allclose(ours.tensor, core.tensor, atol=2e-3)
    assert (ours.tensor - noisy.tensor).abs().max() > 0.05
    assert (ours.tensor - plain.tensor).abs().max() > 0.05


def test_the_first_step_sees_a_prompt_whatever_the_shift(comfy):
    """With a shift of 1.83 rounding puts the first step above sigma 1, where core sees nothing that starts at 0."""
    g = Demo(comfy)
    shifted = g("ModelSamplingAuraFlow", model=g.model, shift=1.83)
    prompt, latent, _ = g.on_prompt(strength=1e-6)
    ours, plain = (g.keep(g.ksampler(shifted, text, latent, 42)) for text in (prompt, g.text))
    g.run()
    assert torch.allclose(ours.tensor, plain.tensor, atol=1e-2)


def test_all_points_begin_with_the_noise_of_the_sampler_s_seed(comfy):
    g = Demo(comfy)
    prompt, latent, _ = g.on_prompt(strength=0.0)
    kept = [
        g.keep(g.ksampler(g.model, prompt, latent, 42)),
        g.keep(g.custom(g.model, prompt, g("RandomNoise", noise_seed=42), latent)),
    ]
    alone = g.keep(g.ksampler(g.model, g.text, g.empty, 42))
    g.run()
    for one in kept:
        assert one.tensor.shape[0] == 2
        assert torch.allclose(one.tensor, alone.tensor.expand(2, -1, -1, -1), atol=1e-4)


def test_one_point_at_a_time_is_the_same_as_a_batch(comfy):
    g = Demo(comfy)
    together, latent, text = g.on_prompt()
    batch = g.keep(g.ksampler(g.model, together, latent, 42))
    single, latents, _ = g.on_prompt(images_per_batch=1)
    alone = g.keep(g.ksampler(g.model, single, latents, 42))
    said = g("PreviewAny", source=text)
    entry = g.run()
    assert len(alone.tensors) == 2
    assert torch.allclose(torch.cat(list(alone.tensors.values())), batch.tensor, atol=1e-3)
    (words,) = entry["outputs"][said.number]["text"]
    assert "2 tokens × 64 values" in words
    assert "strength 0.7 adds noise of standard deviation" in words


def test_render_points_does_the_same_with_a_carrier(comfy):
    g = Demo(comfy)
    basic = g("BasicGuider", model=g.model, conditioning=g.text)
    carried = g.keep(g.rendered("conditioning", basic, filename_prefix="carried/one"))
    prompt, latent, _ = g.on_prompt()
    stock = g.keep(g.decoded(g.ksampler(g.model, prompt, latent, 42), g.vae))

    both = g.keep(g.rendered("conditioning and noise", basic, filename_prefix="carried/both"))
    noise, repeated = g("SurrogateNoise", space=g.where, points=g.points, latent=g.empty).outputs(2)
    stock_both = g.keep(g.decoded(g.custom(g.model, prompt, noise, repeated), g.vae))
    g.run()
    assert apart(carried, stock) < 1.1
    assert apart(both, stock_both) < 1.1
    assert apart(carried, both) > 20


def test_the_negative_prompt_stays(comfy):
    g = Demo(comfy)
    other = g("SurrogateDemoModel", time="night", place="forest")[2]
    guider = g("CFGGuider", model=g.model, positive=g.text, negative=other, cfg=2.5)
    carried = g.keep(g.rendered("conditioning", guider, filename_prefix="carried/cfg"))
    prompt, latent, _ = g.on_prompt()
    stock = g.keep(g.decoded(g.ksampler(g.model, prompt, latent, 42, negative=other, cfg=2.5), g.vae))
    g.run()
    assert apart(carried, stock) < 1.1


@pytest.mark.parametrize("recipe", ["of Render Points", "of the prompt"])
def test_a_picture_tells_its_initial_noise(comfy, recipe):
    g = Demo(comfy)
    if recipe == "of Render Points":
        basic = g("BasicGuider", model=g.model, conditioning=g.text)
        g.rendered("conditioning", basic, filename_prefix="carried/told")
    else:
        prompt, latent, _ = g.on_prompt()
        images = g.decoded(g.ksampler(g.model, prompt, latent, 42), g.vae)
        g("SaveImage", images=images, filename_prefix="carried/stock")
    entry = g.run()
    for image in comfy.client.images(entry):
        (seed,) = {seed.identity for seed in seeds_of(output(comfy) / image["subfolder"] / image["filename"]).seeds}
        assert seed == IntegerSeed(42).identity


def test_a_prompt_that_the_model_reads_as_words_is_refused(comfy):
    g = Demo(comfy)
    prompt, latent, _ = g.on_prompt(conditioning=g("TestWithWords", conditioning=g.text))
    g.keep(g.ksampler(g.model, prompt, latent, 42))
    with pytest.raises(Exception, match="reads the words of its prompt, not an embedding"):
        g.run()


def test_a_prompt_that_is_a_batch_is_refused(comfy):
    g = Demo(comfy)
    prompt, _, _ = g.on_prompt(until=1.0)
    again, latent, _ = g.on_prompt(conditioning=prompt)
    g.keep(g.ksampler(g.model, again, latent, 42))
    with pytest.raises(
        Exception,
        match=r"conditioning must hold the embedding of one prompt, of shape .1, tokens, values., got .2, 2, 64.",
    ):
        g.run()


def test_seeds_of_a_fixed_size_are_refused(comfy):
    g = Demo(comfy)
    seeds = g("SurrogateSeedsFromLatents", latent=g.latent(2, 16, 16, 16, fill="normal", number=3))
    space = g("SurrogateSpace", seeds=seeds)
    points = g("SurrogateWeights", space=space, weights="1 1")
    prompt, latent, _ = g.on_prompt(space=space, points=points)
    g.keep(g.ksampler(g.model, prompt, latent, 42))
    with pytest.raises(Exception, match="make the space of integer seeds, which fit any size"):
        g.run()


def test_a_search_goes_beyond_its_seeds_on_the_prompt(comfy):
    g = Demo(comfy)
    study = g("SurrogateStudy", space=g.where, latent=g.empty, name="on the prompt", population=4, budget=12)
    g(
        "SurrogateSearch",
        **g.carried(g("BasicGuider", model=g.model, conditioning=g.text)),
        study=study,
        scorer=g("SurrogatePictureStatistics", statistic="brightness")[1],
    )
    g.run()
    assert comfy.client.get("/surrogate/study", name="on the prompt")["evaluated"] == 12


def test_the_pooled_embedding_gets_noise_where_it_is_asked_for(comfy):
    g = Demo(comfy)
    kept = []
    for pooled in (True, False):
        prompt, latent, _ = g.on_prompt(pooled=pooled)
        kept.append(g.keep(g.ksampler(g.model, prompt, latent, 42)))
    g.run()
    with_noise, without = kept
    assert (with_noise.tensor - without.tensor).abs().max() > 0.05


def families(comfy) -> list[str]:
    """Those that this ComfyUI knows and whose prompt is an embedding."""
    required = comfy.client.get("/object_info/TestFamilyPrompt")["TestFamilyPrompt"]["input"]["required"]
    options = required["family"]
    known = options[1]["options"] if isinstance(options[0], str) else options[0]
    return [name for name in known if name != "HiDream-O1"]


# What of a family's conditioning gets noise beside the tokens -> the share of its values that is not padding.
SECOND = {"HiDream": {"conditioning_llama3": 1.0}, "HunyuanDiT": {"conditioning_mt5xl": 0.5}}
# Of the tokens, where there is padding.
KEPT = {"Mochi": 4 / 6}


def test_of_every_family_the_text_embeddings_get_noise_and_nothing_else(comfy):
    """Masks, pooled embeddings, lyrics, what is written in the picture, guidance, sizes: the very same things."""
    g = Demo(comfy)
    said = {}
    for family in families(comfy):
        before = g("TestFamilyPrompt", family=family)
        after, _, _ = g.on_prompt(conditioning=before, until=1.0, pooled=False)
        said[family] = g("PreviewAny", source=g("TestChanged", before=before, after=after))
    outputs = g.run()["outputs"]
    assert {"HunyuanDiT", "HunyuanImage", "HunyuanVideo 1.5", "ACE-Step"} <= set(said)
    for family, node in said.items():
        changed = json.loads(outputs[node.number]["text"][0])
        assert changed == pytest.approx({"tokens": KEPT.get(family, 1.0), **SECOND.get(family, {})}), family


@pytest.mark.parametrize("family", SECOND)
def test_a_second_embedding_gets_noise_too(comfy, family):
    """Core's zeroing leaves it: noise can change nothing else."""
    g = Demo(comfy)
    model, text = g("TestFamily", family=family).outputs(2)
    zeros, latent = g("ConditioningZeroOut", conditioning=text), g.latent(1, 4 if family == "HunyuanDiT" else 16, 8, 8)
    noisy, two, _ = g.on_prompt(conditioning=zeros, latent=latent, until=1.0)
    ours, plain = (g.keep(g.ksampler(model, prompt, two, 42, steps=2)) for prompt in (noisy, zeros))
    g.run()
    first, second = (ours.tensor - plain.tensor).flatten(1).norm(dim=1) / plain.tensor[0].norm()
    assert first > 1e-3 and second > 1e-3
    assert not torch.allclose(ours.tensor[0], ours.tensor[1], atol=1e-3)


def test_what_is_written_in_the_picture_gets_no_noise(comfy):
    """HunyuanImage: with its tokens zeroed only the embedding of letters is left, which must not change."""
    g = Demo(comfy)
    model, text = g("TestFamily", family="HunyuanImage").outputs(2)
    zeros, latent = g("ConditioningZeroOut", conditioning=text), g.latent(1, 64, 8, 8)
    noisy, two, _ = g.on_prompt(conditioning=zeros, latent=latent, until=1.0)
    ours, plain, other = (g.keep(g.ksampler(model, prompt, two, 42, steps=2)) for prompt in (noisy, zeros, text))
    g.run()
    assert torch.equal(ours.tensor, plain.tensor)
    assert (other.tensor - plain.tensor).abs().max() > 1e-3
