"""A picture is enough to make it again."""

import io
import json

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from surrogate import space_from_recipe
from surrogate.files.tensors import load_tensors
from surrogate.pictures.gallery import read_recipe

from .graph import Graph, output

POINT = "0.1234567890123456 0.3333333333333333 0.987654321"


def start(g: Graph):
    """(model, vae, conditioning, an empty latent)."""
    model, conditioning = g("TestAnyModel").outputs(2)
    return model, g("TestAnyVAE"), conditioning, g.latent(1, 4, 9, 7)


def paths(comfy, entry) -> list:
    return [output(comfy) / image["subfolder"] / image["filename"] for image in comfy.client.images(entry)]


def pixels(path) -> np.ndarray:
    return np.asarray(Image.open(path))


def render(comfy, seeds, coordinates: str, prefix: str, **settings):
    """One picture a batch, so that each is the same alone: the paths of the pictures and their noises."""
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g)
    space = g("SurrogateSpace", seeds=seeds(g), **settings)
    points = g("SurrogatePoint", space=space, coordinates=coordinates)
    noise = g("SurrogateNoise", space=space, points=points, latent=latent)
    noise = g.keep(noise, latent=noise[1])
    g.render(model, conditioning, vae, latent, space, points, steps=3, images_per_batch=1, filename_prefix=prefix)
    return paths(comfy, g.run()), noise.tensor


def from_text(text: str):
    return lambda g: g("SurrogateSeedsFromIntegers", seeds=text)


SPACES = {
    "integers": ("12, 99, 1024, 7", {}),
    "positions of a batch": ("42:0/4 42:3/4 7 18446744073709551615", {}),
    "angular": ("12, 99, 1024, 7", {"chart": "angular"}),
    "affine": (
        "12, 99, 1024, 7",
        {"transport": "affine", "transport_settings": '{"mean": [0.1, 0.2, 0, -0.3], "scale": 1.1}'},
    ),
    "sphere": ("12, 99, 1024, 7", {"transport": "sphere", "transport_settings": '{"radius": 0.9}'}),
}


@pytest.mark.parametrize("text, settings", SPACES.values(), ids=SPACES.keys())
def test_a_picture_is_made_again_from_its_recipe(comfy, text, settings):
    """In Python its noise, to the last bit; in the server, from what the recipe says and nothing else, the picture."""
    (path, other), noises = render(comfy, from_text(text), f"{POINT}\n0.5 0.5 0.5", "recipe/first", **settings)
    recipe = read_recipe(path)
    space = space_from_recipe(recipe["space"])
    assert recipe["u"] == [float(number) for number in POINT.split()]
    assert torch.equal(space.latents(recipe["u"], recipe["shape"])[0], noises[:1])

    made = recipe["space"]
    assert all(isinstance(seed, str) for seed in made["seeds"])
    transport = dict(made["transport"])
    again, _ = render(
        comfy,
        from_text(" ".join(made["seeds"])),
        " ".join(repr(number) for number in recipe["u"]),
        "recipe/again",
        chart=made["chart"],
        transport=transport.pop("name"),
        transport_settings=json.dumps(transport) if transport else "",
    )
    assert np.array_equal(pixels(again[0]), pixels(path))
    assert not np.array_equal(pixels(other), pixels(path))
    assert read_recipe(again[0])["space"] == made


def test_a_picture_of_tensor_seeds_is_made_again(comfy):
    """Their noises lie beside the pictures, once for all of them."""

    def seeds(g):
        made = g.latent(3, 4, 9, 7, fill="normal", number=8)
        return g(
            "SurrogateJoinSeeds",
            seeds_1=g("SurrogateSeedsFromIntegers", seeds="12"),
            seeds_2=g("SurrogateSeedsFromLatents", latent=made, name="mine"),
        )

    (path, _), noises = render(comfy, seeds, f"{POINT}\n0.5 0.5 0.5", "recipe/tensors")
    recipe = read_recipe(path)
    assert len(list(path.parent.glob("tensors_*.safetensors"))) == 1
    tensors = load_tensors(path.parent / recipe["tensors"])
    space = space_from_recipe(recipe["space"], tensors)
    assert space.seeds.labels == ("12", "mine 1", "mine 2", "mine 3")
    assert torch.equal(space.latents(recipe["u"])[0], noises[0])

    integer, *named = recipe["space"]["seeds"]
    batch = torch.stack([tensors[seed["tensor"]][0] for seed in named])
    loadable = {"latent_tensor": batch, "latent_format_version_0": torch.tensor([])}
    safetensors.torch.save_file(loadable, comfy.server.base / "input" / "seeds.latent")

    def loaded(g):
        return g(
            "SurrogateJoinSeeds",
            seeds_1=g("SurrogateSeedsFromIntegers", seeds=integer),
            seeds_2=g("SurrogateSeedsFromLatents", latent=g("LoadLatent", latent="seeds.latent"), name="mine"),
        )

    again, _ = render(comfy, loaded, " ".join(map(repr, recipe["u"])), "recipe/tensors_again")
    assert np.array_equal(pixels(again[0]), pixels(path))
    assert read_recipe(again[0])["space"] == recipe["space"]


def test_nested_tensor_seeds_are_found_again(comfy):
    """Several parts to a seed, in one file."""
    shape = [[2, 4, 2, 5, 7], [2, 3, 11]]
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel").outputs(2)
    seeds = g("SurrogateSeedsFromLatents", latent=g("TestLatent", shape=json.dumps(shape), fill="normal"))
    space = g("SurrogateSpace", seeds=seeds)
    points = g("SurrogatePoint", space=space, coordinates="0.3")
    latent = g("TestLatent", shape=json.dumps([[1, *part[1:]] for part in shape]))
    noise = g("SurrogateNoise", space=space, points=points, latent=latent)
    noise = g.keep(noise, latent=noise[1])
    g.render(model, conditioning, g("TestAnyVAE"), latent, space, points, filename_prefix="recipe/nested")
    (path,) = paths(comfy, g.run())
    recipe = read_recipe(path)
    again = space_from_recipe(recipe["space"], load_tensors(path.parent / recipe["tensors"]))
    for part, (_, made) in zip(again.latents(recipe["u"], recipe["shape"]), sorted(noise.tensors.items())):
        assert torch.equal(part, made)


def picture_of_a_route(comfy, route: str):
    """A picture at a point, saved by a stock or by our node: its path."""
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g)
    space = g.space()
    points = g("SurrogatePoint", space=space, coordinates=POINT)
    if route == "Render Points":
        g.render(model, conditioning, vae, latent, space, points, steps=3, filename_prefix="embedded/x")
    else:
        if route == "KSampler":
            patched = g("SurrogateKSamplerNoise", model=model, space=space, points=points, latent=latent)
            samples = g.ksampler(patched, conditioning, patched[1], 5)
        else:
            noise = g("SurrogateNoise", space=space, points=points, latent=latent)
            samples = g.custom(model, conditioning, noise, noise[1])
        g("SaveImage", images=g.decoded(samples, vae), filename_prefix="embedded/x")
    (path,) = paths(comfy, g.run())
    return path


@pytest.mark.parametrize("route", ["SamplerCustomAdvanced", "KSampler", "Render Points"])
def test_the_prompt_inside_a_picture_makes_it_again(comfy, route):
    """As when the picture is dragged into the browser and run; with nothing left in the server's cache."""
    original = picture_of_a_route(comfy, route).read_bytes()
    prompt = json.loads(Image.open(io.BytesIO(original)).text["prompt"])
    comfy.client.post("/free", {"unload_models": True, "free_memory": True})
    for node in prompt.values():
        if "filename_prefix" in node["inputs"]:
            node["inputs"]["filename_prefix"] = f"embedded/again {route}"
    (again,) = paths(comfy, comfy.client.wait(comfy.client.queue(prompt)))
    assert np.array_equal(pixels(again), pixels(io.BytesIO(original)))


def test_the_workflow_is_saved_too(comfy):
    """For the browser: what it sends along comes back, whatever it holds."""
    workflow = {"nodes": [], "extra": {"note": 'ü 🏔️ \\ " \n'}}
    g = Graph(comfy)
    model, vae, conditioning, latent = start(g)
    space = g.space()
    points = g("SurrogatePoint", space=space, coordinates="0.25")
    g.render(model, conditioning, vae, latent, space, points, filename_prefix="embedded/workflow")
    (path,) = paths(comfy, comfy.client.wait(comfy.client.queue(g.prompt, workflow)))
    texts = Image.open(path).text
    assert json.loads(texts["workflow"]) == workflow
    prompt = json.loads(texts["prompt"])
    for node in prompt.values():
        node.pop("is_changed", None)  # core's
    assert prompt == g.prompt


def test_what_is_saved_is_json_for_everybody(comfy):
    """Python writes NaN, which browsers cannot read."""

    def strict(constant):
        raise AssertionError(f"{constant} is not JSON")

    g = Graph(comfy)
    model, vae, conditioning, latent = start(g)
    space = g.space()
    points = g("SurrogatePoint", space=space, coordinates="0.25")
    anew = {"finished_pictures": "render again", "filename_prefix": "embedded/json"}
    g.render(model, conditioning, vae, latent, space, points, **anew)
    for _ in range(2):
        (path,) = paths(comfy, g.run())
        for text in Image.open(path).text.values():
            json.loads(text, parse_constant=strict)
