"""Every family of models: core's own model classes with a few random weights, in stock samplers.

One prompt for each family; the checks look at what it kept. What is not here is in `testkit/left_out.py`, with the reason.
ACE-Step's encoder of lyrics is a smaller one of the same class.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from .graph import Graph

# Largest relative difference of a point alone and in a batch: measured 1e-6, by the arithmetic of the network.
ROUNDING = 1e-4
ROUTES = ("SamplerCustomAdvanced", "KSampler")


@dataclass(frozen=True)
class Family:
    """What differs between the families.

    shapes : of the parts of one sample, of odd sizes if the family takes them
    empty : the stock nodes whose empty latents it takes, with their inputs
    loader : whether core's UNETLoader takes a file of so few weights; or the first version tried of which it does
    cfg : of the samplers
    mask : whether it takes a noise mask
    batches : whether it takes several samples at once
    alike : whether core gives a sample in a batch the result that it has alone
    """

    shapes: list[tuple[int, ...]]
    empty: tuple[tuple[str, dict], ...]
    loader: bool | str = False
    cfg: float = 1.0
    mask: bool = True
    batches: bool = True
    alike: bool = True


def size(width: int, height: int, **more) -> dict:
    return {"width": width, "height": height, **more}


IMAGE = (("EmptyLatentImage", size(72, 40)), ("EmptySD3LatentImage", size(80, 48)))
EVEN = (("EmptyLatentImage", size(80, 48)), ("EmptySD3LatentImage", size(80, 48)))
CLIP = ("EmptyHunyuanLatentVideo", size(80, 48, length=9))

CLIP_WITH_SOUND = {
    "video_latent": ("EmptyLTXVLatentVideo", size(160, 96, length=17)),
    "audio_latent": ("TestLatent", {"shape": "[1, 8, 11, 16]"}),
}
NESTED = "nested"
WORDS = {"HiDream-O1"}  # their prompt is numbers of words, on which there can be no noise
FAMILIES = {
    "SD 1.5": Family([(4, 7, 9)], IMAGE),
    "SD 2 (v)": Family([(4, 7, 9)], IMAGE),
    "SDXL": Family([(4, 7, 9)], IMAGE),
    "Stable Cascade": Family([(16, 7, 9)], (*IMAGE, ("StableCascade_EmptyLatentImage", size(256, 256)))),
    "Stable Cascade, second stage": Family([(4, 8, 12)], EVEN),
    "SD3": Family([(16, 7, 9)], IMAGE, loader=True),
    "FLUX": Family([(16, 7, 9)], IMAGE),
    "FLUX inpaint": Family([(16, 6, 10)], EVEN),
    "FLUX schnell": Family([(16, 7, 9)], IMAGE),
    "FLUX.2": Family([(128, 5, 7)], (*IMAGE, ("EmptyFlux2LatentImage", size(112, 80)))),
    "Chroma": Family([(16, 7, 9)], IMAGE),
    "Chroma Radiance": Family(
        [(3, 32, 48)], (("EmptyLatentImage", size(384, 256)), ("EmptyChromaRadianceLatentImage", size(48, 32)))
    ),
    "Qwen-Image": Family([(16, 1, 7, 9)], IMAGE),
    "Lumina 2": Family([(16, 7, 9)], IMAGE),
    "Z-Image": Family([(16, 7, 9)], IMAGE),
    "PixArt": Family([(4, 34, 38)], (("EmptyLatentImage", size(272, 304)),)),
    "AuraFlow": Family([(4, 7, 9)], IMAGE),
    "HunyuanDiT": Family([(4, 7, 9)], IMAGE),
    "HiDream": Family([(16, 6, 10)], EVEN),
    "OmniGen2": Family([(16, 7, 9)], IMAGE),
    "HunyuanImage": Family([(64, 5, 7)], (*IMAGE, ("EmptyHunyuanImageLatent", size(224, 160))), loader=True),
    "HunyuanVideo": Family([(16, 3, 6, 10)], (*EVEN, CLIP), loader="0.3.75"),
    "HunyuanVideo image to video": Family([(16, 3, 6, 10)], (*EVEN, CLIP), loader="0.3.75"),
    "HunyuanVideo 1.5": Family(
        [(32, 3, 5, 7)],
        (*IMAGE, ("EmptyHunyuanVideo15Latent", size(112, 80, length=9))),
        loader=True,
        mask=False,  # core reads it as one of image-to-video, and has too many channels then
    ),
    "Wan 2.1": Family([(16, 3, 7, 9)], (*IMAGE, CLIP), loader=True),
    "Wan 2.1 image to video": Family([(16, 3, 7, 9)], (*IMAGE, CLIP), loader=True),
    "Wan 2.1 VACE": Family([(16, 3, 6, 10)], (*EVEN, CLIP), loader=True),
    "Wan 2.2 5B": Family(
        [(48, 3, 5, 7)], (*IMAGE, ("Wan22ImageToVideoLatent", size(128, 96, length=9, vae="TestAnyVAE"))), loader=True
    ),
    "LTX-Video": Family([(128, 3, 3, 5)], (*IMAGE, ("EmptyLTXVLatentVideo", size(160, 96, length=17))), loader=True),
    "Mochi": Family([(12, 3, 6, 10)], (*EVEN, ("EmptyMochiLatentVideo", size(80, 48, length=13)))),
    "Cosmos": Family([(16, 3, 6, 10)], (*EVEN, ("EmptyCosmosLatentVideo", size(80, 48, length=17)))),
    "Cosmos Predict2": Family([(16, 3, 6, 10)], (*EVEN, ("EmptyCosmosLatentVideo", size(80, 48, length=17)))),
    "Stable Audio": Family([(64, 21)], (("EmptyLatentAudio", {"seconds": 1.0}),)),
    "ACE-Step": Family(
        [(8, 16, 11)], (("EmptyLatentImage", size(88, 128)), ("EmptyAceStepLatentAudio", {"seconds": 2.0}))
    ),
    "Hunyuan3D 2": Family([(64, 9)], (("EmptyLatentHunyuan3Dv2", {"resolution": 9}),), loader=True),
    # Takes its two prompts in one batch only, as CFG gives them.
    "Hunyuan3D 2.1": Family([(64, 9)], (("EmptyLatentHunyuan3Dv2", {"resolution": 9}),), loader=True, cfg=2.0),
    # Since 0.3.75.
    "LTX-2": Family([(128, 3, 3, 5), (8, 11, 16)], (("LTXVConcatAVLatent", CLIP_WITH_SOUND),), loader=True),
    "MiniMax H3": Family(
        [(24, 2, 4, 6), (32, 2, 8)],
        (("EmptyMiniMaxH3LatentAV", size(96, 64, length=5)), ("EmptyHunyuanLatentVideo", size(96, 64, length=5))),
        batches=False,
    ),
    "TripoSplat": Family([(9, 16), (1, 5)], (("TestLatent", {"shape": "[[1, 9, 16], [1, 1, 5]]"}),)),
    "ACE-Step 1.5": Family([(64, 22)], (("EmptyAceStep1.5LatentAudio", {"seconds": 1.0}),), alike=False),
    "CogVideoX": Family([(16, 3, 6, 10)], (*EVEN, CLIP)),
    # Under a mask, core gives its network more channels than it takes.
    "Kandinsky 5": Family([(16, 3, 6, 10)], (*EVEN, CLIP), mask=False),
    "Kandinsky 5 image": Family([(16, 1, 6, 10)], EVEN),
    "Ernie": Family([(128, 5, 7)], (("EmptyFlux2LatentImage", size(112, 80)), *IMAGE)),
    "HiDream-O1": Family([(3, 64, 96)], (("EmptyHiDreamO1LatentImage", size(96, 64)),)),
    "LongCat": Family([(16, 7, 9)], IMAGE),
    "Anima": Family([(16, 1, 7, 9)], IMAGE),
    "Krea 2": Family([(16, 1, 7, 9)], IMAGE, loader=True),
    "Lens": Family([(128, 5, 7)], (("EmptyFlux2LatentImage", size(112, 80)), *IMAGE)),
    "Boogu": Family([(16, 7, 9)], IMAGE),
    "Ideogram 4": Family([(128, 5, 7)], (("EmptyFlux2LatentImage", size(112, 80)), *IMAGE)),
    "Mage-Flow": Family([(128, 5, 7)], (("EmptyFlux2LatentImage", size(112, 80)), *IMAGE)),
    "JoyImage": Family([(16, 1, 7, 9)], IMAGE),
    "Z-Image, pixels": Family([(3, 32, 48)], (("EmptyChromaRadianceLatentImage", size(48, 32)),)),
    "PixelDiT": Family([(3, 32, 48)], (("EmptyChromaRadianceLatentImage", size(48, 32)),)),
    "PiD": Family([(3, 32, 48)], (("EmptyChromaRadianceLatentImage", size(48, 32)),)),
    "Stable Audio 3": Family([(256, 21)], (("TestLatent", {"shape": "[1, 256, 21]"}),)),
    # A network of the tests' own, for versions that have no model with nested latents.
    NESTED: Family(
        [(16, 3, 5, 7), (8, 16, 11)], (("TestLatent", {"shape": "[[1, 16, 3, 5, 7], [1, 8, 16, 11]]"}),), mask=False
    ),
}


class Sampled:
    """One family through the samplers: everything that the checks need, in one prompt."""

    def __init__(self, comfy, name: str):
        self.family = family = FAMILIES[name]
        self.g = g = Graph(comfy)
        built, self.conditioning = (g("TestAnyModel") if name == NESTED else g("TestFamily", family=name)).outputs(2)
        self.model, self.loaded = built, loads(comfy, family)
        if self.loaded:
            first = Graph(comfy)
            first("TestFamilyFile", family=name)
            first.run()
            self.model = g("UNETLoader", unet_name=f"{name}.safetensors")

        space = g.space("42, 7, 1234")
        vertex = g.vertices(space, 3, [0])
        zeros, picture = self.latent(1), self.latent(1, fill="normal", number=5)
        self.pairs = {
            "empty": {
                f"{node}, {route}": self.pair(route, space, vertex, self.empty(node, inputs))
                for node, inputs in family.empty
                for route in ROUTES
            },
            "picture": {route: self.pair(route, space, vertex, picture, denoise=0.6) for route in ROUTES},
        }
        if family.mask:
            masked = self.masked(picture)
            self.pairs["mask"] = {route: self.pair(route, space, vertex, masked, denoise=0.6) for route in ROUTES}
        if self.loaded:
            self.pairs["loader"] = {
                "UNETLoader": tuple(self.sampled(m, "KSampler", seed=42, latent=zeros) for m in (self.model, built))
            }
        point = "0.48 0.6 0.64"
        alone = g("SurrogateWeights", space=space, weights=point)
        self.alone = {route: self.ours(route, space, alone, zeros) for route in ROUTES}
        if family.batches:
            places, two = g.space("42:0/2, 42:1/2"), self.latent(2)
            self.pairs["batch"] = {
                route: self.pair(route, places, g.vertices(places, 2), zeros, two) for route in ROUTES
            }
            among = g("SurrogateWeights", space=space, weights=f"1 0 0\n{point}")
            self.among = {route: self.ours(route, space, among, zeros) for route in ROUTES}
        routes = ROUTES if name not in {NESTED, *WORDS} else ()
        self.on_prompt = {route: self.prompts(route, space, zeros) for route in routes}
        g.run()

    def prompts(self, route: str, space, latent):
        """Core's own sample, then with a point on the prompt: with strength 0, with noise in all steps, in the first of two."""
        points = self.g("SurrogateWeights", space=space, weights="0.48 0.6 0.64")
        made = [self.sampled(self.model, route, 42, latent)]
        for strength, until in ((0.0, 1.0), (1.0, 1.0), (1.0, 0.3)):
            settings = {"strength": strength, "until": until, "pooled": True}
            prompt, one, _ = self.g(
                "SurrogateConditioning",
                conditioning=self.conditioning,
                space=space,
                points=points,
                latent=latent,
                **settings,
            ).outputs(3)
            made.append(self.sampled(self.model, route, 42, one, text=prompt))
        return made

    def pair(self, route: str, space, points, latent, of_core=None, **settings):
        """Where our samples and core's with seed 42 will be read."""
        core = self.sampled(self.model, route, 42, of_core or latent, **settings)
        return self.ours(route, space, points, latent, **settings), core

    def ours(self, route: str, space, points, latent, **settings):
        g = self.g
        if route == "KSampler":
            model, latent = g(
                "SurrogateKSamplerNoise", model=self.model, space=space, points=points, latent=latent
            ).outputs(2)
            return self.sampled(model, route, 99, latent, **settings)
        noise, latent = g("SurrogateNoise", space=space, points=points, latent=latent).outputs(2)
        return self.sampled(self.model, route, noise, latent, **settings)

    def sampled(self, model, route: str, seed, latent, denoise: float = 1.0, text=None):
        """The samples of a stock sampler; `seed` is a number, or a NOISE."""
        g, text, cfg = self.g, text or self.conditioning, self.family.cfg
        if route == "KSampler":
            return g.keep(g.ksampler(model, text, latent, seed, steps=2, cfg=cfg, denoise=denoise))
        return g.keep(
            g(
                "SamplerCustomAdvanced",
                noise=g("RandomNoise", noise_seed=seed) if isinstance(seed, int) else seed,
                guider=g("CFGGuider", model=model, positive=text, negative=text, cfg=cfg),
                sampler=g("KSamplerSelect", sampler_name="euler"),
                sigmas=g("BasicScheduler", model=model, scheduler="simple", steps=2, denoise=denoise),
                latent_image=latent,
            )
        )

    def latent(self, batch: int, **settings):
        shapes = [[batch, *shape] for shape in self.family.shapes]
        return self.g("TestLatent", shape=str(shapes if len(shapes) > 1 else shapes[0]), **settings)

    def empty(self, node: str, inputs: dict):
        made = {name: self.g(value) if value == "TestAnyVAE" else value for name, value in inputs.items()}
        made = {name: self.empty(*value) if isinstance(value, tuple) else value for name, value in made.items()}
        return self.g(node, **made)

    def masked(self, latent):
        """With the left third kept, by the stock node; its masks are of pictures, so sound has one made to order."""
        g = self.g
        if len(self.family.shapes) > 1 or len(self.family.shapes[0]) < 3:
            return self.latent(1, fill="normal", number=5, masked=True)
        whole, part = g("SolidMask", value=1.0, width=24, height=16), g("SolidMask", value=0.0, width=8, height=16)
        mask = g("MaskComposite", destination=whole, source=part, x=0, y=0, operation="multiply")
        return g("SetLatentNoiseMask", samples=latent, mask=mask)


def known(comfy) -> set[str]:
    """The families that this ComfyUI has, by the tests' own models."""
    kind = comfy.client.object_info("TestFamily")["TestFamily"]["input"]["required"]["family"]
    return set(kind[0] if isinstance(kind[0], list) else kind[1]["options"])


def loads(comfy, family: Family) -> bool:
    """Whether this ComfyUI's loader takes the family's file."""
    if isinstance(family.loader, bool):
        return family.loader
    version = comfy.client.get("/system_stats")["system"]["comfyui_version"]
    return numbers(version) >= numbers(family.loader)


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


@pytest.fixture(scope="module", params=FAMILIES)
def sampled(comfy, request):
    if request.param not in known(comfy) | {NESTED}:
        pytest.skip("this ComfyUI has no such model")
    return Sampled(comfy, request.param)


def flat(kept) -> torch.Tensor:
    """A row for each sample."""
    return torch.cat([part.flatten(1) for part in kept.tensors.values()], 1)


def off(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).norm() / b.norm())


def equal_to_core(pairs: dict) -> None:
    for name, (ours, core) in pairs.items():
        assert flat(core).isfinite().all() and flat(core).std() > 0.01, name
        for part, tensor in core.tensors.items():
            assert ours.tensors[part].shape == tensor.shape, name
            assert torch.equal(ours.tensors[part], tensor), f"{name}: {off(ours.tensors[part], tensor):.1e} off"


def test_a_vertex_from_an_empty_latent_is_the_seed(sampled):
    """Also from one of another family: core gives it the model's channels, and a time axis."""
    equal_to_core(sampled.pairs["empty"])


def test_the_positions_of_a_batch(sampled):
    if not sampled.family.batches:
        pytest.skip("core itself samples one at a time there")
    equal_to_core(sampled.pairs["batch"])
    first, second = flat(sampled.pairs["batch"]["KSampler"][0])
    assert off(first, second) > 0.1


def test_a_vertex_from_a_picture_is_the_seed(sampled):
    equal_to_core(sampled.pairs["picture"])


def test_a_vertex_under_a_mask_is_the_seed(sampled):
    if "mask" not in sampled.pairs:
        pytest.skip("core itself takes no mask there")
    equal_to_core(sampled.pairs["mask"])
    masked, whole = (flat(sampled.pairs[check]["KSampler"][0]) for check in ("mask", "picture"))
    assert not torch.equal(masked, whole)


def test_a_point_between_is_a_sample_of_its_own(sampled):
    vertex = sampled.pairs["empty"]
    for route in ROUTES:
        (alone,) = flat(sampled.alone[route])
        assert alone.isfinite().all(), route
        if not sampled.family.batches:
            (at_vertex,) = flat(next(pair for name, (pair, _) in vertex.items() if route in name))
        else:
            at_vertex, among = flat(sampled.among[route])
            assert (off(alone, among) < ROUNDING) == sampled.family.alike, f"{route}: {off(alone, among):.1e} off"
        assert at_vertex.shape != alone.shape or off(alone, at_vertex) > 0.1, route


def test_a_point_on_the_prompt(sampled):
    """With strength 0 core's own sample; with noise in all steps, or in the first, samples of their own."""
    if not sampled.on_prompt:
        pytest.skip("its prompt is no embedding")
    for route, made in sampled.on_prompt.items():
        core, plain, noisy, first = (flat(kept) for kept in made)
        assert torch.equal(plain, core), route
        assert noisy.isfinite().all() and first.isfinite().all(), route
        assert not torch.equal(noisy, plain), route
        assert not torch.equal(first, plain) and not torch.equal(first, noisy), route


def test_the_stock_loader_gives_the_same_model(sampled):
    if "loader" not in sampled.pairs:
        pytest.skip("core's detection has large numbers written into it")
    equal_to_core(sampled.pairs["loader"])


# One for each way of core's to add noise that the tests of Invert have not. Of all families, 8 steps are too few for
# Chroma and Stable Audio, whose random networks are steep; more steps, or smaller weights, bring them back too. Not so
# HiDream-O1, whose random network says nothing of most of its pixels; its larger noise is tested with the odd models.
@pytest.mark.parametrize("name", ["SD 2 (v)", "Stable Cascade", "Cosmos", "Cosmos Predict2", "ACE-Step", "CogVideoX"])
def test_invert_finds_the_noise_of_a_sample(comfy, name):
    if name not in known(comfy):
        pytest.skip("this ComfyUI has no such model")
    g = Graph(comfy)
    model, text = g("TestFamily", family=name).outputs(2)
    latent, noise = g.latent(1, *FAMILIES[name].shapes[0]), g("RandomNoise", noise_seed=42)
    sample = g.custom(model, text, noise, latent, steps=8)
    inverted = g(
        "SurrogateInvert",
        guider=g("BasicGuider", model=model, conditioning=text),
        sigmas=g("BasicScheduler", model=model, scheduler="simple", steps=8, denoise=1.0),
        latent=sample,
    )
    drawn, found = g.keep(noise, latent=latent), g.keep(inverted[1])
    sample, again = g.keep(sample), g.keep(inverted[2])
    g.run()
    assert found.tensor.shape == drawn.tensor.shape
    # Measured: 5e-6 and 3e-5.
    assert off(again.tensor, sample.tensor) < 1e-4
    assert off(found.tensor, drawn.tensor) < 1e-3


def test_no_family_is_left_out(comfy):
    assert known(comfy) <= set(FAMILIES) - {NESTED}
    assert comfy.client.object_info("TestFamily")["TestFamily"]["description"] == ""
