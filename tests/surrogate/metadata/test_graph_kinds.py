"""Which graphs are found, refused, or found with a note: a kind of node each, as other packs and core's templates have it."""

from __future__ import annotations

import json
import random
import re

import pytest
import torch

from surrogate import SurrogateSpace, points
from surrogate.metadata import Trace, parse_prompt, savers_of
from surrogate.seeds import Seeds

from .graphs import LOADED, advanced, found_in, graph, ksampler, node, second_pass, write

SPLIT = node("ComfySwitchNode", switch=["flag", 0], on_false=["low", 0], on_true=["high", 0])
SWITCH = {"low": node("PrimitiveInt", value=5), "high": node("PrimitiveInt", value=7), "switch": SPLIT}
ALONG = {
    "noise": node("RandomNoise", noise_seed=7),
    "guider": node("BasicGuider", model=["model", 0], conditioning=["text", 0]),
    "k": node("KSamplerSelect", sampler_name="euler"),
}


def along(sigmas: dict, latent=("latent", 0), **more) -> dict:
    custom = node(
        "SamplerCustomAdvanced", noise=["noise", 0], guider=["guider", 0], sampler=["k", 0], sigmas=["sigmas", 0],
        latent_image=list(latent),
    )  # fmt: skip
    return graph(sampler=custom, sigmas=sigmas, **ALONG, **more)


def inspire(**inputs) -> dict:
    own = {"noise_mode": "CPU", "batch_seed_mode": "comfy", "variation_seed": 0, "variation_strength": 0.0}
    return ksampler("KSampler //Inspire", **(own | inputs))


def efficient(**inputs) -> dict:
    return ksampler("KSampler (Efficient)", preview_method="auto", vae_decode="true", **inputs)


BATCH = {"latent": node("EmptyLatentImage", width=512, height=512, batch_size=4)}
THIRD = {"image": ("third", 0), "third": node("ImageFromBatch", image=["decoded", 0], batch_index=2, length=1)}
CONTEXT = {
    "seed": node("Seed (rgthree)", seed=7),
    "ctx": node("Context (rgthree)", model=["model", 0], latent=["latent", 0], seed=["seed", 0]),
}

EASY = {
    "loader": node("easy fullLoader", ckpt_name="m", batch_size=1, empty_latent_width=64, empty_latent_height=64, a1111_prompt_style=False),
    "pre": node("easy preSampling", pipe=["loader", 0], steps=20, denoise=1.0, seed=7),
    "easy": node("easy kSampler", pipe=["pre", 0], image_output="Preview"),
}  # fmt: skip
SECOND = {"decoded2": node("VAEDecode", samples=["other", 0], vae=["model", 2]), "other": ksampler(seed=9)}
STITCH = node("InpaintStitchImproved", stitcher=["crop", 0], inpainted_image=["decoded", 0])
CROPPED = {
    "sampler": ksampler(latent_image=["encoded", 0]),
    "encoded": node("VAEEncode", pixels=["crop", 1], vae=["model", 2]),
    "stitched": STITCH,
}

LOADED_LATENT = {"v": node("VAEEncode", pixels=["l", 0], vae=["model", 2]), "l": LOADED}
NUMBER = {"n": node("PrimitiveInt", value=7)}
THREE = {f"{{}}{i}": ["latent", 0] for i in range(3)}


def masked(kind: str, **inputs) -> dict:
    """KSampler of seed 7, a noise mask over what it made, and a full pass of seed 9 behind it."""
    mask = node(kind, **({"samples": ["first", 0], "pixels": ["d", 0], "vae": ["model", 2], "mask": ["l", 1]} | inputs))
    return graph(
        sampler=ksampler(seed=9, latent_image=["m", 2 if "positive" in inputs else 0]), m=mask, first=ksampler(),
        d=node("VAEDecode", samples=["first", 0], vae=["model", 2]), l=LOADED,
    )  # fmt: skip


FOUND = {
    "a noise through a reroute": (along(node("BasicScheduler", denoise=1.0)) | {"noise": node("Reroute (any)", **{"": ["n", 0]}), "n": node("RandomNoise", noise_seed=7)}, "7"),
    "a seed that is made text and back": (graph(sampler=ksampler(seed=["i", 0]), i=node("StringToInt", text=["t", 0]), t=node("Int to String", int=["n", 0]), **NUMBER), "7"),
    "a mask that is taken away again": (masked("SetLatentNoiseMask") | {"sampler": ksampler(seed=9, latent_image=["r", 0]), "r": node("RemoveNoiseMask", samples=["m", 0])}, "9"),
    "a picture to be painted over, without a noise mask": (masked("InpaintModelConditioning", positive=["text", 0], noise_mask=False), "9"),
    "core's batch of latents": (graph(sampler=ksampler(latent_image=["b", 0]), b=node("BatchLatentsNode", **{name.format("latents.latent"): link for name, link in THREE.items()}), **THIRD), "7"),
    "core's batch of whatever comes": (
        graph(image=("third", 0), third=node("ImageFromBatch", image=["b", 0], batch_index=1, length=1), b=node("BatchImagesMasksLatentsNode", **{"inputs.input1": ["decoded", 0], "inputs.input0": ["decoded2", 0]}), **SECOND),
        "7",
    ),
    "the third of four, by KJNodes": (graph(image=("r", 0), r=node("GetImageRangeFromBatch", images=["decoded", 0], start_index=2, num_frames=1), **BATCH), "7:2/4"),
    "the last of four, by KJNodes": (graph(image=("r", 0), r=node("GetImageRangeFromBatch", images=["decoded", 0], start_index=-1, num_frames=1), **BATCH), "7:3/4"),
    "the last of four, by Essentials": (graph(image=("r", 0), r=node("ImageFromBatch+", image=["decoded", 0], start=9, length=-1), **BATCH), "7:3/4"),
    "a sound whose length is a clip's that is not known": (
        graph(latent=node("LTXVEmptyLatentAudio", frames_number=["n", 0], frame_rate=25, batch_size=1), n=node("GetImageSize", image=["s", 0]), s=node("ComfySwitchNode", switch=["f", 0], on_true=["l", 0], on_false=["v", 0]), l=LOADED, v=node("LoadVideo", file="a"), f=node("SomeTest", a=["l", 0])),
        "7",
    ),
    "noise that is added where a schedule begins": (
        graph(
            sampler=node("SamplerCustomAdvanced", noise=["none", 0], guider=["guider", 0], sampler=["k", 0], sigmas=["sigmas", 0], latent_image=["added", 0]), none=node("DisableNoise"), sigmas=node("BasicScheduler", steps=20, denoise=1.0), **ALONG,
            added=node("AddNoise", model=["model", 0], noise=["noise", 0], sigmas=["first", 0], latent_image=["latent", 0]), first=node("SplitSigmas", sigmas=["sigmas", 0], step=0),
        ),
        "7",
    ),
    "Easy Use": (graph(image=("easy", 1), **EASY), "7"),
    "pictures of two samplings in one batch": (
        graph(image=("third", 0), third=node("ImageFromBatch", image=["both", 0], batch_index=1, length=1), both=node("BatchImagesNode", **{"images.image1": ["decoded", 0], "images.image0": ["decoded2", 0]}), **SECOND),
        "7",
    ),
    "a guide of which nothing is known": (
        graph(latent=node("WanAnimateToVideo", width=64, height=64, length=17, batch_size=1, reference_image=["r", 0], positive=["text", 0]), sampler=ksampler(latent_image=["latent", 2]), r=node("ImageFromBatch", image=["v", 0], batch_index=0, length=["n", 0]), v=node("GetVideoComponents", video=["f", 0]), f=node("LoadVideo", file="a.mp4"), n=node("SomeMath", a=1, b=2)),
        "7",
    ),
    "a switch of guides of which nothing is known": (
        graph(text=node("TextEncodeEdit", clip=["model", 1], prompt="x", image=["s", 0]), s=node("ComfySwitchNode", switch=["f", 0], on_true=["a", 0], on_false=["b", 0]), a=node("LoadVideo", file="a"), b=node("LoadVideo", file="b"), f=node("SomeTest", a=["a", 0])),
        "7",
    ),
    "a picture that is painted over at full denoise": (
        graph(sampler=ksampler(positive=["i", 0], latent_image=["i", 2]), i=node("InpaintModelConditioning", positive=["text", 0], negative=["text", 0], vae=["model", 2], pixels=["v", 0], mask=["v", 1], noise_mask=True), v=node("LoadFromSomewhere", url="x")),
        "7",
    ),
    "Efficiency's sampler": (graph(sampler=efficient(), image=("sampler", 5)), "7"),
    "Efficiency's sampler with KSampler's own numbers": (
        graph(sampler=efficient(script=["s", 0]), image=("sampler", 5), s=node("Noise Control Script", rng_source="cpu", cfg_denoiser=False, add_seed_noise=False, seed=1, weight=0.2)),
        "7",
    ),
    "Inspire's sampler on the CPU": (graph(sampler=inspire()), "7"),
    "Inspire's seeds that count up": (graph(sampler=inspire(batch_seed_mode="incremental"), **BATCH, **THIRD), "9"),
    "Inspire's noise": (along(node("BasicScheduler", denoise=1.0)) | {"noise": node("RandomNoise //Inspire", noise_seed=9, noise_mode="CPU", batch_seed_mode="comfy", variation_seed=0, variation_strength=0.0)}, "9"),
    "Impact's sampler": (graph(sampler=ksampler("ImpactKSamplerBasicPipe", basic_pipe=["model", 0]), out=1), "7"),
    "an unknown sampler with KSampler's inputs": (graph(sampler=ksampler("KSampler [Somebody]")), "7"),
    "a latent that is repeated": (graph(sampler=ksampler(latent_image=["r", 0]), r=node("VHS_DuplicateLatents", latents=["latent", 0], multiply_by=4), **THIRD), "7:2/4"),
    "a switch for the seed": (graph(sampler=ksampler(seed=["switch", 0]), flag=node("PrimitiveBoolean", value=True), **SWITCH), "7"),
    "a switch for the latent": (graph(sampler=ksampler(latent_image=["s", 0]), s=node("ComfySwitchNode", switch=False, on_true=["l", 0], on_false=["latent", 0]), l=node("LoadLatent", latent="a")), "7"),
    "a switch in between, whose flag is not known": (graph(image=["s", 0], s=node("ComfySwitchNode", switch=["f", 0], on_true=["decoded", 0], on_false=["decoded", 0]), f=node("SomeTest", image=["decoded", 0])), "7"),
    "a numbered switch": (graph(sampler=ksampler(latent_image=["s", 0]), s=node("ImpactSwitch", select=2, input1=["l", 0], input2=["latent", 0]), l=node("LoadLatent", latent="a")), "7"),
    "two samplers that share the steps": (
        graph(sampler=advanced(add_noise="disable", start_at_step=["switch", 0], latent_image=["first", 0]), first=advanced(end_at_step=["switch", 0]), flag=node("PrimitiveBoolean", value=False), **SWITCH),
        "7",
    ),
    "steps that are not known": (graph(sampler=advanced(add_noise="disable", start_at_step=["n", 0], latent_image=["first", 0]), first=advanced(), n=node("SomeMath", a=1, b=2)), "7"),
    "a schedule that reads a latent": (along(node("LTXVScheduler", steps=20, latent=["latent", 0])), "7"),
    "a schedule of another pack that reads a latent": (along(node("MyScheduler", steps=20, latent=["latent", 0])), "7"),
    "a full pass over a picture without noise": (
        graph(sampler=ksampler(latent_image=["again", 0]), again=node("VAEEncode", pixels=["d", 0], vae=["model", 2]), d=node("VAEDecode", samples=["first", 0], vae=["model", 2]), first=advanced(add_noise="disable", latent_image=["v", 0]), v=node("VAEEncode", pixels=["l", 0], vae=["model", 2]), l=LOADED),
        "7",
    ),
    "a context": (graph(sampler=ksampler(seed=["ctx", 8], model=["ctx", 1], latent_image=["ctx", 6]), **CONTEXT), "7"),
    "a context of another version": (graph(sampler=ksampler(seed=["ctx", 6], model=["ctx", 1], latent_image=["ctx", 5]), **CONTEXT), "7"),
    "contexts in a row": (
        graph(sampler=ksampler(seed=["b", 8], latent_image=["b", 6]), b=node("Context Big (rgthree)", base_ctx=["ctx", 0], steps=["s", 0]), s=node("PrimitiveInt", value=20), **CONTEXT) | {"ctx": node("Context (rgthree)", latent=["latent", 0], seed=["seed", 0])},
        "7",
    ),
    "a pipe of another pack": (graph(sampler=ksampler(seed=["p", 3], latent_image=["p", 2]), p=node("somePipeOut", pipe=["in", 0]), **{"in": node("somePipeIn", model=["model", 0], latent=["latent", 0], seed=["s", 0])}, s=node("SeedNode", seed=7)), "7"),
    "core's latent without a batch size": (graph(latent=node("MiniMaxH3ImageToVideo", prompt="x", width=832, height=480, length=81, clip=["model", 1]), sampler=ksampler(latent_image=["latent", 1])), "7"),
    "a painted picture at full denoise": (graph(sampler=ksampler(latent_image=["v", 0]), v=node("VAEEncode", pixels=["i", 0], vae=["model", 2]), i=node("MaskToImage", mask=["m", 0]), m=node("SolidMask", value=0.5, width=512, height=512)), "7"),
    "an empty image at full denoise": (graph(sampler=ksampler(latent_image=["v", 0]), v=node("VAEEncode", pixels=["i", 0], vae=["model", 2]), i=node("EmptyImage", width=512, height=512, batch_size=1, color=0)), "7"),
    "a full pass over what a remote service painted": (graph(sampler=ksampler(latent_image=["v", 0]), v=node("VAEEncode", pixels=["g", 0], vae=["model", 2]), g=node("GeminiImageNode", prompt="x", seed=3)), "7"),
    "a full pass over another sampler's latent": (graph(sampler=ksampler(latent_image=["first", 0]), first=ksampler("ClownsharKSampler_Beta", eta=0.5)), "7"),
    "a prompt that a service wrote": (graph(text=node("CLIPTextEncode", text=["g", 0], clip=["model", 1]), g=node("GeminiNode", prompt="x", seed=3, images=["l", 0]), l=LOADED), "7"),
    "a saver of another pack that writes the settings": (graph(save=node("Image Saver", images=["decoded", 0], seed_value=7, seed=7, positive="a", prompt="b", modelname="m", filename="x")), "7"),
    "an image made of a sampled one that guides a full pass": (
        graph(sampler=ksampler(seed=9, positive=["cn", 0]), cn=node("ControlNetApply", conditioning=["text", 0], control_net=["model", 0], image=["d", 0]), d=node("VAEDecode", samples=["first", 0], vae=["model", 2]), first=ksampler(seed=5)),
        "9",
    ),
    "AnimateDiff with its default noise": (graph(sampler=ksampler(model=["ad", 0]), ad=node("ADE_UseEvolvedSampling", model=["model", 0], sample_settings=["st", 0]), st=node("ADE_AnimateDiffSamplingSettings", noise_type="default", seed_gen="comfy", seed_offset=0, batch_offset=0)), "7"),
}  # fmt: skip


@pytest.mark.parametrize("prompt, label", FOUND.values(), ids=FOUND.keys())
def test_found(tmp_path, prompt, label):
    found = found_in(tmp_path, prompt)
    assert ([seed.label for seed in found.seeds], found.reason) == ([label], "")


REFUSED = {
    "a noise behind a node that is not known": (along(node("BasicScheduler", denoise=1.0)) | {"noise": node("InvertNoise", noise=["n", 0]), "n": node("RandomNoise", noise_seed=7)}, "noise of .* cannot be told: it is InvertNoise"),
    "a seed that is counted up": (graph(sampler=ksampler(seed=["i", 0]), i=node("NextInt", value=["n", 0]), **NUMBER), "seed of .* cannot be told: it is NextInt"),
    "a seed that a seed draws": (graph(sampler=ksampler(seed=["i", 0]), i=node("RandomInteger", seed=7)), "seed of .* cannot be told: it is RandomInteger"),
    "a seed of a node that was muted": (graph(sampler=ksampler(seed=["gone", 0])), "comes from node gone, which is not in its prompt"),
    "an unknown switch between latents": (graph(sampler=ksampler(denoise=0.5, latent_image=["s", 0]), s=node("MyLatentSwitch", select=1, latent1=["v", 0], latent2=["first", 0]), first=ksampler(), **LOADED_LATENT), "which input MyLatentSwitch"),
    "an unknown switch between pictures": (graph(image=("s", 0), s=node("ImageChooser", which=1, image1=["l", 0], image2=["decoded", 0]), l=LOADED), "which input ImageChooser"),
    "a partial pass over an unknown sampler without a seed": (graph(sampler=ksampler(denoise=0.5, latent_image=["first", 0]), first=node("SimpleSampler", model=["model", 0], positive=["text", 0], latent_image=["latent", 0], steps=20)), "SimpleSampler .* is not a sampler whose noise"),
    "a partial pass over a sampler that makes its own latent": (
        along(node("ManualSigmas", sigmas="0.9, 0.5, 0"), latent=("b", 0), b=node("LTXVBaseSampler", model=["model", 0], vae=["model", 2], width=768, height=512, num_frames=97, guider=["guider", 0], sampler=["k", 0], sigmas=["sigmas", 0], noise=["noise", 0])),
        "LTXVBaseSampler .* is not a sampler whose noise",
    ),
    "a picture that is told in words what to become": (graph(image=("a", 0), a=node("AcmeEdit", positive="make it blue", image=["decoded", 0], seed=3)), "paints by a prompt of its own"),
    "tiles that are painted anew": (graph(image=("f", 0), f=node("UltimateSDUpscale", image=["decoded", 0], seed=9, denoise=1.0, model=["model", 0])), "parts of a picture"),
    "a sampler in a sampler that starts anew": (second_pass(node("TwoSamplersForMask", latent_image=["first", 0], base_sampler=["p", 0], mask=["model", 3])) | {"p": node("KSamplerProvider", seed=9, denoise=1.0)}, "is not a sampler whose noise is known"),
    "AnimateDiff that draws again and again": (graph(sampler=ksampler(model=["ad", 0]), ad=node("ADE_UseEvolvedSampling", model=["model", 0], sample_settings=["st", 0]), st=node("ADE_AnimateDiffSamplingSettings", noise_type="default", seed_gen="comfy", iteration_opts=["model", 0])), "in another way than KSampler"),
    "Easy Use on the GPU": (graph(image=("easy", 1), **EASY) | {"loader": node("easy a1111Loader", ckpt_name="m", batch_size=1, a1111_prompt_style=True)}, "on the GPU"),
    "Easy Use's advanced settings on the GPU": (graph(image=("easy", 1), **EASY) | {"pre": node("easy preSamplingAdvanced", pipe=["loader", 0], add_noise="enable (GPU=A1111)", seed=7)}, "on the GPU"),
    "a part that is pasted into a loaded picture": (graph(image=("stitched", 0), crop=node("InpaintCropImproved", image=["l", 0], mask=["l", 1]), l=LOADED, **CROPPED), "its noise is a part's"),
    "a full pass whose conditioning keeps the latent": (graph(sampler=ksampler(seed=9, positive=["g", 0], latent_image=["g", 2]), g=node("TextureStage", positive=["text", 0], negative=["text", 0], shape_latent=["first", 0]), first=ksampler()), "two noises"),
    "a sampler by the name of a service": (graph(sampler=ksampler("BizyAir_KSampler")), "a remote service"),
    "a part of a schedule that has no steps": (along(node("SplitSigmas", sigmas=["all", 0], step=20)) | {"all": node("BasicScheduler", steps=20, denoise=1.0), "sigmas2": node("X")} | {"sampler": node("SamplerCustomAdvanced", noise=["noise", 0], guider=["guider", 0], sampler=["k", 0], sigmas=["sigmas", 1], latent_image=["latent", 0])}, "have no steps"),
    "a remote service": (graph(image=("g", 0), g=node("LumaImageModifyNode", prompt="a", seed=7, image=["l", 0]), l=LOADED), "a remote service"),
    "a remote service that takes a size": (graph(image=("g", 0), g=node("FluxProUltraImageNode", prompt="a", seed=7, width=64, height=64, batch_size=1)), "a remote service"),
    "a picture that a remote service repainted": (graph(image=("g", 0), g=node("GeminiImageNode", prompt="a", seed=5, images=["decoded", 0])), "a remote service"),
    "a service of another pack": (graph(image=("g", 0), g=node("SomebodysEditor", prompt="a", seed=5, image=["decoded", 0])), "paints by a prompt of its own"),
    "a remote service without a seed": (graph(image=("g", 0), g=node("RecraftCreativeUpscaleNode", image=["decoded", 0])), "a remote service"),
    "a partial pass over what a remote service painted": (graph(sampler=ksampler(denoise=0.5, latent_image=["v", 0]), v=node("VAEEncode", pixels=["g", 0], vae=["model", 2]), g=node("GeminiImageNode", prompt="x", seed=3)), "a remote service"),
    "RES4LYF": (graph(sampler=ksampler("ClownsharKSampler_Beta", eta=0.5, bongmath=True)), "float64"),
    "RES4LYF with KSampler's inputs alone": (graph(sampler=ksampler("SharkSampler_Beta")), "float64"),
    "RES4LYF and a second pass": (graph(sampler=ksampler(seed=9, denoise=0.4, latent_image=["first", 0]), first=ksampler("ClownsharKSampler")), "float64"),
    "RES4LYF over a whole picture": (second_pass(ksampler("ClownsharKSampler_Beta", seed=9, latent_image=["first", 0])), "float64"),
    "Inspire on the GPU": (graph(sampler=inspire(noise_mode="GPU(=A1111)")), "on the GPU"),
    "Inspire's noise on the GPU": (along(node("BasicScheduler", denoise=1.0)) | {"noise": node("RandomNoise //Inspire", noise_seed=9, noise_mode="GPU(=A1111)")}, "on the GPU"),
    "Inspire's variation along an angle": (graph(sampler=inspire(variation_seed=9, variation_strength=0.5, variation_method="slerp")), "slerp"),
    "Inspire with a noise of its own": (graph(sampler=advanced("KSamplerAdvanced //Inspire", add_noise=True, noise_mode="CPU", noise_opt=["n", 0]), n=node("SeedExplorer //Inspire", latent=["latent", 0], seed_prompt="1,2:0.1")), "a noise of its own"),
    "Efficiency on the GPU": (graph(sampler=efficient(script=["s", 0]), image=("sampler", 5), s=node("Noise Control Script", rng_source="gpu", add_seed_noise=False)), "on gpu"),
    "Efficiency's mixed seeds": (graph(sampler=efficient(script=["s", 0]), image=("sampler", 5), s=node("Noise Control Script", rng_source="cpu", add_seed_noise=True, seed=1, weight=0.2)), "noise of another seed"),
    "Efficiency's plot behind another script": (graph(sampler=efficient(script=["h", 0]), image=("sampler", 5), h=node("HighRes-Fix Script", script=["s", 0]), s=node("XY Plot", X=["model", 0])), "a grid of several pictures"),
    "a script that is not known": (graph(sampler=efficient(script=["s", 0]), image=("sampler", 5), s=node("My Script", a=1)), "script of KSampler .* is not known"),
    "an unknown sampler with more inputs than KSampler": (graph(sampler=ksampler("KSampler [Somebody]", rng="cpu")), "is not a sampler whose noise is known"),
    "noise that is added to a latent": (graph(sampler=ksampler(denoise=0.9, latent_image=["n", 0]), n=node("AddMoreNoise", latent=["latent", 0], seed=3)), "is not a sampler whose noise is known"),
    "a latent of noise": (graph(latent=node("NoisyLatent", width=64, height=64, batch_size=1, seed=3), sampler=advanced(add_noise="disable")), "is not a sampler whose noise is known"),
    "Stable Cascade from a picture": (
        graph(
            sampler=ksampler(positive=["b", 0], latent_image=["c", 1]), c=node("StableCascade_StageC_VAEEncode", image=["l", 0], vae=["model", 2]), l=LOADED,
            first=ksampler(seed=3, denoise=0.6, latent_image=["c", 0]), b=node("StableCascade_StageB_Conditioning", conditioning=["text", 0], stage_c=["first", 0]),
        ),
        "two noises",
    ),
    "a sampler that a sampled latent guides": (graph(sampler=ksampler(seed=9, positive=["b", 0]), b=node("RefineConditioning", conditioning=["text", 0], samples=["first", 0]), first=ksampler()), "two noises"),
    "a sampler whose guider a sampled latent guides": (
        along(node("BasicScheduler", denoise=1.0), first=ksampler(seed=5), b=node("RefineConditioning", conditioning=["text", 0], samples=["first", 0])) | {"guider": node("BasicGuider", model=["model", 0], conditioning=["b", 0])},
        "two noises",
    ),
    "super resolution in two stages": (graph(sampler=ksampler(seed=9, positive=["b", 0], latent_image=["b", 2]), b=node("HunyuanVideo15SuperResolution", positive=["text", 0], negative=["text", 0], latent=["first", 0]), first=ksampler()), "two noises"),
    "a face that is painted anew": (graph(image=("f", 0), f=node("FaceDetailer", image=["l", 0], seed=7, denoise=0.4, model=["model", 0]), l=LOADED), "parts of a picture"),
    "tiles of a loaded picture": (graph(image=("f", 0), f=node("UltimateSDUpscaleNoUpscale", upscaled_image=["l", 0], seed=7, denoise=0.4, model=["model", 0]), l=LOADED), "parts of a picture"),
    "an image sampler that is not known": (graph(image=("f", 0), f=node("MagicEnhancer", image=["decoded", 0], seed=7, model=["model", 0])), "is not a sampler whose noise is known"),
    "denoise 0": (graph(sampler=ksampler(denoise=0.0)), "samples nothing: its denoise is 0"),
    "a start behind the last step": (graph(sampler=advanced(start_at_step=20)), "samples nothing: it starts at step 20 of 20"),
    "a start at the end": (graph(sampler=advanced(start_at_step=5, end_at_step=5)), "samples nothing"),
    "a schedule of no steps": (along(node("BasicScheduler", steps=20, denoise=0.0)), "samples nothing: its sigmas have no steps"),
    "a switch between two latents, whose flag is not known": (graph(sampler=ksampler(latent_image=["s", 0]), s=node("ComfySwitchNode", switch=["f", 0], on_true=["latent", 0], on_false=["v", 0]), v=node("VAEEncode", pixels=["l", 0], vae=["model", 2]), l=LOADED, f=node("SomeTest", image=["l", 0])), "which input ComfySwitchNode .* hands on"),
    "a seed that is calculated in a node with a model": (graph(sampler=ksampler(seed=["m", 0]), m=node("SeedPlus", model=["model", 0], seed=["s", 0], offset=3), s=node("PrimitiveInt", value=7)), "seed of KSampler .* cannot be told"),
    "AnimateDiff's repeated noise": (graph(sampler=ksampler(model=["ad", 0]), ad=node("ADE_UseEvolvedSampling", model=["model", 0], sample_settings=["st", 0]), st=node("ADE_AnimateDiffSamplingSettings", noise_type="FreeNoise", seed_gen="comfy")), "in another way than KSampler"),
    "a sampler under noise of a neighbour": (graph(sampler=ksampler(latent_image=["h", 0]), h=node("Hijack", latent=["latent", 0], variation_seed=3, variation_weight=0.1)), "mixes another noise"),
}  # fmt: skip


@pytest.mark.parametrize("prompt, reason", REFUSED.values(), ids=REFUSED.keys())
def test_refused(tmp_path, prompt, reason):
    found = found_in(tmp_path, prompt)
    assert found.seeds == () and re.search(reason, found.reason), found


UPSCALE = {"u": node("LatentUpscaleBy", samples=["first", 0], scale_by=1.5)}
NOTED = {
    "a noise mask over what was sampled": (masked("SetLatentNoiseMask"), "sampled again by KSampler .* with seed 9"),
    "a noise mask of the encoder": (masked("VAEEncodeForInpaint", grow_mask_by=6), "sampled again by KSampler .* with seed 9"),
    "a noise mask of the conditioning": (masked("InpaintModelConditioning", positive=["text", 0], noise_mask=True), "sampled again by KSampler .* with seed 9"),
    "a noise mask and another pack's sampler": (masked("SetLatentNoiseMask") | {"sampler": ksampler("ClownsharKSampler_Beta", seed=9, latent_image=["m", 0])}, "sampled again by ClownsharK"),
    "a noise mask over a loaded picture": (graph(sampler=ksampler(latent_image=["m", 0]), m=node("VAEEncodeForInpaint", pixels=["l", 0], vae=["model", 2], mask=["l", 1]), l=LOADED), "starts from a picture"),
    "a schedule of another pack's over what was sampled": (along(node("SigmasTail", sigmas=["b", 0]), latent=("first", 0), b=node("BasicScheduler", denoise=1.0), first=ksampler()) | {"noise": node("RandomNoise", noise_seed=9)}, "whose denoise cannot be told"),
    "an unknown second sampler without a seed": (graph(image=("d5", 0), d5=node("VAEDecode", samples=["f", 0], vae=["model", 2]), f=node("SimpleRefiner", model=["model", 0], positive=["text", 0], latent=["sampler", 0], steps=4)), "sampled again by SimpleRefiner"),
    "a latent that is put into another": (graph(sampler=ksampler(seed=9, denoise=0.6, latent_image=["c", 0]), c=node("LatentCompositeMasked", destination=["v", 0], source=["first", 0], x=0, y=0), first=ksampler(), **LOADED_LATENT), "mixes what was sampled with another latent"),
    "a sampler in a sampler": (second_pass(node("TwoSamplersForMask", latent_image=["first", 0], base_sampler=["p", 0], mask=["model", 3])) | {"p": node("KSamplerProvider", seed=9, denoise=0.5)}, "sampled again by TwoSamplersForMask"),
    "an unknown second sampler that says nothing of denoise": (second_pass(node("KSampler [Somebody]", seed=9, steps=4, model=["model", 0], latent_image=["first", 0])), "whose denoise cannot be told"),
    "a face that is painted anew": (graph(image=("f", 0), f=node("FaceDetailer", image=["decoded", 0], seed=9, denoise=1.0, model=["model", 0])), "sampled again by FaceDetailer"),
    "a part of the picture that was sampled again": (
        graph(image=("stitched", 0), crop=node("InpaintCropImproved", image=["d1", 0], mask=["model", 3]), d1=node("VAEDecode", samples=["first", 0], vae=["model", 2]), first=ksampler(), **CROPPED) | {"sampler": ksampler(seed=9, denoise=0.5, latent_image=["encoded", 0])},
        "sampled again by KSampler .* with seed 9",
    ),
    "a second pass of RES4LYF over part of a schedule": (
        second_pass(node("SharkSampler_Beta", noise_seed=9, model=["model", 0], latent_image=["first", 0], sigmas=["low", 1])) | {"low": node("SplitSigmas", sigmas=["all", 0], step=10), "all": node("BasicScheduler", steps=20, denoise=1.0)},
        "sampled again by SharkSampler_Beta",
    ),
    "a second pass of RES4LYF": (second_pass(ksampler("ClownsharKSampler_Beta", seed=9, denoise=0.5, latent_image=["first", 0])), "sampled again by ClownsharKSampler_Beta .* with seed 9"),
    "a second pass of Inspire on the GPU": (second_pass(inspire(seed=9, denoise=0.5, noise_mode="GPU(=A1111)", latent_image=["first", 0])), "sampled again by KSampler //Inspire"),
    "a second pass of an unknown sampler": (second_pass(ksampler("Foo", seed=9, denoise=0.5, eta=1, latent_image=["first", 0])), "sampled again by Foo"),
    "a second pass whose denoise is not known": (second_pass(ksampler(seed=9, denoise=["x", 0], latent_image=["first", 0])) | {"x": node("SomeMath", a=1, b=2)}, "whose denoise cannot be told"),
    "a chain of RES4LYF": (second_pass(ksampler("ClownsharkChainsampler_Beta", seed=9, latent_image=["first", 0])), "sampled on by"),
    "Efficiency's second pass": (graph(sampler=efficient(script=["h", 0]), image=("sampler", 5), h=node("HighRes-Fix Script", upscale_by=2)), "sampled again by HighRes-Fix"),
    "a face that is painted again": (graph(image=("f", 0), f=node("FaceDetailer", image=["decoded", 0], seed=9, denoise=0.4, model=["model", 0])), "sampled again by FaceDetailer .* with seed 9"),
    "a picture that is upscaled step by step": (graph(image=("f", 0), f=node("IterativeImageUpscale", pixels=["decoded", 0], upscaler=["u", 0]), u=node("PixelKSampleUpscalerProvider", seed=3, denoise=0.4)), "sampled again by Iterative"),
    "a picture that a language model draws on": (graph(image=("f", 0), f=node("Florence2Run", image=["decoded", 0], florence2_model=["model", 0], text_input="x", seed=9)), "which has a seed of its own"),
    "a filter with a seed": (graph(image=("f", 0), f=node("FilmGrain", image=["decoded", 0], seed=9)), "which has a seed of its own"),
    "an unknown sampler": (graph(sampler=ksampler("KSampler [Somebody]")), "taken for a sampler that draws noise as KSampler does"),
    "an unknown node before the sampler": (graph(sampler=ksampler(latent_image=["r", 0]), r=node("MyLatents", latent=["latent", 0])), "passed through MyLatents"),
    "pictures of an unknown number": (graph(sampler=ksampler(latent_image=["v", 0]), v=node("VAEEncode", pixels=["l", 0], vae=["model", 2]), l=node("LoadFolder", folder="x")), "how many pictures LoadFolder"),
    "a picture of another sampling that guides": (FOUND["an image made of a sampled one that guides a full pass"][0] | {"sampler": ksampler(positive=["cn", 0])}, "guided by a picture that node first"),
}  # fmt: skip


@pytest.mark.parametrize("prompt, note", NOTED.values(), ids=NOTED.keys())
def test_noted(tmp_path, prompt, note):
    found = found_in(tmp_path, prompt)
    assert [seed.label for seed in found.seeds] == ["7"], found.reason
    assert any(re.search(note, one) for one in found.notes), found.notes


def test_a_variation_is_the_point_between_two_integers(tmp_path):
    """Inspire's (1 - s) a + s b at unit variance, drawn as Inspire draws it."""
    found = found_in(tmp_path, graph(sampler=inspire(variation_seed=9, variation_strength=0.3)))
    a, b = (torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(n)) for n in (7, 9))
    expected = (0.7 * a + 0.3 * b) / (0.7**2 + 0.3**2) ** 0.5
    assert torch.allclose(found.seeds[0].noise(((4, 8, 8),))[0], expected, atol=1e-6)
    space = SurrogateSpace(Seeds.from_text("7, 9"))
    (u,) = points.from_weights(space, [[0.7, 0.3]]).u
    assert torch.equal(found.seeds[0].noise(((4, 8, 8),))[0], space.latents([u], (4, 8, 8))[0])


def test_a_variation_at_its_ends_is_an_integer(tmp_path):
    for strength, label in ((0.0, "7"), (1.0, "9")):
        found = found_in(tmp_path, graph(sampler=inspire(variation_seed=9, variation_strength=strength)))
        assert [seed.label for seed in found.seeds] == [label]


def test_a_variation_of_a_seed_by_itself(tmp_path):
    """Seeds that count up may reach the variation's own: at full strength all are that one, below it no point is."""
    counted = {"batch_seed_mode": "incremental", "variation_seed": 9}
    found = found_in(tmp_path, graph(sampler=inspire(variation_strength=1.0, **counted), **BATCH, **THIRD))
    assert [seed.label for seed in found.seeds] == ["9"]
    refused = found_in(tmp_path, graph(sampler=inspire(variation_strength=0.5, **counted), **BATCH, **THIRD))
    assert "mixes seed 9 with itself" in refused.reason


def test_variations_that_grow_over_a_batch(tmp_path):
    """Each picture has the first noise of the seed, and the more of the other one the later it comes."""
    grown = inspire(batch_seed_mode="variation str inc:0.05", variation_seed=9, variation_strength=0.0)
    found = found_in(tmp_path, graph(sampler=grown, **BATCH, **THIRD))
    a, b = (torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(n)) for n in (7, 9))
    expected = (0.9 * a + 0.1 * b) / (0.9**2 + 0.1**2) ** 0.5
    assert torch.allclose(found.seeds[0].noise(((4, 8, 8),))[0], expected, atol=1e-6)


def test_files_in_a_row_contradict_a_single_latent(tmp_path):
    """An unknown node that repeats a latent is not known to: neighbours of one prompt tell."""
    prompt = graph(sampler=ksampler(latent_image=["r", 0]), r=node("RepeatSomehow", latent=["latent", 0], times=4))
    paths = [write(tmp_path / f"x_{i:05}_.png", prompt) for i in range(1, 5)]
    from surrogate.metadata import seeds_of

    assert [seeds_of(path).seeds for path in paths] == [()] * 4
    assert "changed how many pictures there are" in seeds_of(paths[0]).reason
    for path in paths[1:]:
        path.unlink()
    assert [seed.label for seed in seeds_of(paths[0]).seeds] == ["7"]


def test_a_renamed_picture_may_be_the_preview(tmp_path):
    other = {
        "view": node("PreviewImage", images=["d2", 0]),
        "d2": node("VAEDecode", samples=["s2", 0], vae=["model", 2]),
    }
    prompt = graph(s2=ksampler(seed=9), **other)
    assert "one of 2 noises made it (7, 9)" in found_in(tmp_path, prompt, "cat.png").reason
    assert [seed.label for seed in found_in(tmp_path, prompt).seeds] == ["7"]
    same = graph(view=node("PreviewImage", images=["decoded", 0]))
    assert [seed.label for seed in found_in(tmp_path, same, "cat.png").seeds] == ["7"]


def test_a_saver_that_only_its_name_tells(tmp_path):
    """It may have written a file whose name is no other's, also where nodes that are known write files."""
    other = {"d2": node("VAEDecode", samples=["s2", 0], vae=["model", 2]), "s2": ksampler(seed=9)}
    saver = node("Image Saver", images=["decoded", 0], filename="%time")
    previewed = graph(save=saver, view=node("PreviewImage", images=["d2", 0]), **other)
    assert [seed.label for seed in found_in(tmp_path, previewed).seeds] == ["7"]
    saved = graph(save=saver, more=node("SaveImage", images=["d2", 0], filename_prefix="y"), **other)
    assert "one of 2 noises made it" in found_in(tmp_path, saved).reason
    assert [seed.label for seed in found_in(tmp_path, saved, "y_00001_.png").seeds] == ["9"]
    words = graph(note=node("SaveWords", text=["t", 0]), t=node("Words", text="a"))
    assert [seed.label for seed in found_in(tmp_path, words, "cat.png").seeds] == ["7"]


def test_a_name_that_a_node_composes_is_not_a_previews(tmp_path):
    """A numbered file of a node whose names cannot be told is that node's, whatever is previewed."""
    other = {
        "view": node("PreviewImage", images=["d2", 0]),
        "d2": node("VAEDecode", samples=["s2", 0], vae=["model", 2]),
    }
    composed = node("SaveImage", images=["decoded", 0], filename_prefix=["join", 0])
    prompt = graph(save=composed, join=node("Join", a=["text", 0], b="x"), s2=ksampler(seed=9), **other)
    assert [seed.label for seed in found_in(tmp_path, prompt, "day_00007_.png").seeds] == ["7"]
    assert "one of 2 noises" in found_in(tmp_path, prompt, "cat.png").reason


def test_long_names_take_no_time(tmp_path):
    """What is looked for in a name is looked for in its beginning alone."""
    for name in ("decode" * 100_000, "trellis" * 100_000, "Iterative" * 100_000, "_seed" * 100_000):
        prompt = graph(image=("f", 0), f=node(name, **{"image": ["decoded", 0], name: 3}))
        found = found_in(tmp_path, prompt)
        assert bool(found.seeds) != bool(found.reason)


WRONG = (
    None,
    True,
    -1,
    0,
    1e308,
    10**30,
    "",
    "x",
    [],
    {},
    [[]],
    ["sampler", 0],
    ["model", 99],
    ["decoded", 0],
    ["text", 0],
)


def test_any_of_these_prompts_gets_an_answer():
    """Values and links of every wrong kind in every place, and kinds exchanged: a seed or a reason, never an error."""
    chance = random.Random(6)
    cases = [json.dumps(prompt) for prompt, _ in (FOUND | REFUSED | NOTED).values()]
    kinds = sorted({node["class_type"] for case in cases for node in json.loads(case).values()})
    for _ in range(600):
        prompt = json.loads(chance.choice(cases))
        for _ in range(chance.randrange(1, 5)):
            one = prompt[chance.choice(list(prompt))]
            if one["inputs"] and chance.random() < 0.7:
                one["inputs"][chance.choice(list(one["inputs"]))] = chance.choice(WRONG)
            else:
                one["class_type"] = chance.choice(kinds)
        parsed = parse_prompt(json.dumps(prompt))
        savers = savers_of(parsed)
        trace = Trace(parsed, [saver.node.id for saver in savers])
        for saver in savers:
            assert trace.output(saver.node.id, 0)
