"""Bad input: a clear sentence in the server's answer, and nothing broken after it."""

import itertools
from pathlib import Path

import pytest
import torch

from dev.client import ExecutionFailed, PromptRejected

from .graph import Graph, Log, counted, output

_integers = itertools.count(1000)


def assert_still_works(comfy):
    """A good prompt with a seed that was not used before gives that seed's noise."""
    seed = next(_integers)
    g = Graph(comfy)
    noise = drawn(g, g.space(f"{seed}, 7"), "1 0")
    g.run()
    assert torch.equal(noise.tensor, torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(seed)))


def drawn(g: Graph, space, weights="1 1", **settings):
    """The noise of some points, kept: makes everything before it run."""
    latent = g.latent(1, 4, 8, 8, **settings)
    noise = g("SurrogateNoise", space=space, points=g("SurrogateWeights", space=space, weights=weights), latent=latent)
    return g.keep(noise, latent=noise[1])


def answer(g: Graph) -> str:
    """What the server says about a bad prompt."""
    with pytest.raises((ExecutionFailed, PromptRejected)) as failed:
        g.run()
    return str(failed.value)


def check(comfy, g: Graph, *expected: str):
    text = answer(g)
    for words in expected:
        assert words in text
    assert_still_works(comfy)


# Text of Seeds from Integers -> what the answer must say.
SEED_TEXTS = {
    "empty": ("", "The list of seeds is empty: write at least two whole numbers"),
    "blank": ("  \n ", "The list of seeds is empty"),
    "one": ("42", "needs at least 2 seeds, got 1"),
    "two equal ones": ("42, 42", "needs at least 2 seeds, got 1", "equal ones count once"),
    "nothing between commas": ("12,,x", "entry 2: there is nothing between", "entry 3: 'x' is not a seed"),
    "negative": ("12, -5", "entry 2: '-5' is not a seed", "from 0 to 2^64 - 1"),
    "over 64 bits": (f"12, {2**64}", f"entry 2: An integer seed must be between 0 and 2^64 - 1, got {2**64}"),
    "very long": ("12, " + "9" * 5000, "entry 2", "is not a seed"),
    "fraction": ("12, 1.5", "'1.5' is not a seed"),
    "other digits": ("12, ٤٢", "is not a seed"),
    "position outside": ("12, 42:4/4", "a batch of 4 has positions 0 to 3, got 4"),
    "batch of none": ("12, 42:0/0", "A batch holds 1 to 4096 images, got 0"),
    "equal modulo 2^32": (f"42, {42 + 2**32}", "needs at least 2 seeds, got 1"),
}


@pytest.mark.parametrize("text, expected", [(t, e) for t, *e in SEED_TEXTS.values()], ids=SEED_TEXTS.keys())
def test_seeds_that_cannot_be_read(comfy, text, expected):
    g = Graph(comfy)
    drawn(g, g.space(text))
    check(comfy, g, *expected)


def test_integers_that_are_one_noise_are_left_out_with_a_warning(comfy):
    """Core's generator takes the low 32 bits of a seed."""
    first = next(_integers)
    g = Graph(comfy)
    noise = drawn(g, g.space(f"{first}, {first + 2**32}, 7"), "0 1")
    log = Log(comfy)
    g.run()
    assert log.wait_for(
        f"Seeds {first} and {first + 2**32} give the same noise (only the low 32 bits of an integer seed count); "
        f"{first + 2**32} was left out."
    )
    assert torch.equal(noise.tensor, torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(7)))


# Node class and inputs beside the space (of four seeds) -> what the answer must say.
POINTS = {
    "u above 1": ("Point", {"coordinates": "0.5 1.2 0.5"}, "u must lie in the cube [0, 1]^3, got 1.2"),
    "u below 0": ("Point", {"coordinates": "-0.1 0 0"}, "u must lie in the cube [0, 1]^3, got -0.1"),
    "u not a number": ("Point", {"coordinates": "nan 0 0"}, "u must be finite"),
    "too few coordinates": ("Point", {"coordinates": "0.5 0.5"}, "u has 2 coordinates a point", "has 3"),
    "too many coordinates": ("Point", {"coordinates": "0.5 0.5 0.5 0.5"}, "u has 4 coordinates a point"),
    "uneven lines": ("Point", {"coordinates": "0 0 0\n1 1"}, "every line must have as many numbers, got [3, 2]"),
    "words": ("Point", {"coordinates": "middle"}, "'middle' is not a list of numbers"),
    "no coordinates": ("Point", {"coordinates": " "}, "coordinates is empty"),
    "too few weights": ("Weights", {"weights": "1 1"}, "one number for each of the 4 seeds, got 2"),
    "negative weight": ("Weights", {"weights": "1 -1 0 0"}, "weights must be finite and not negative"),
    "infinite weight": ("Weights", {"weights": "1 inf 0 0"}, "weights must be finite and not negative"),
    "no weight": ("Weights", {"weights": "0 0 0 0"}, "must not all be 0"),
    "coordinate outside": ("Grid", {"column": 4}, "column must be one of the 3 coordinates", "got 4"),
    "one coordinate twice": ("Grid", {"column": 2, "row": 2}, "two different coordinates, got 2 for both"),
    "low above high": ("Grid", {"low": 0.8, "high": 0.2}, "low <= high", "got 0.8 and 0.2"),
    "a seed twice": ("Corners", {"seeds": "1, 1, 2, 3"}, "name 4 different seeds"),
    "three corners": ("Corners", {"seeds": "1, 2, 3"}, "name 4 different seeds"),
    "seed 0": ("Slice", {"seeds": "0, 1, 2"}, "seeds: there are 4, numbered from 1; got 0"),
    "seed 5": ("Slice", {"seeds": "1, 2, 5"}, "seeds: there are 4, numbered from 1; got 5"),
    "seeds in words": ("Slice", {"seeds": "one"}, "seeds: 'one' is not a number from 1 to 4"),
    "a path of one waypoint": ("Path", {"seeds": "3"}, "The path has no length", "two different waypoints"),
    "a path that stands still": ("Path", {"seeds": "2, 2, 2"}, "The path has no length"),
    "unknown method": ("RandomPoints", {"method": "foo"}, "method", "foo"),
}


@pytest.mark.parametrize("name, inputs, expected", [(n, i, e) for n, i, *e in POINTS.values()], ids=POINTS.keys())
def test_points_that_are_none(comfy, name, inputs, expected):
    g = Graph(comfy)
    space = g.space()
    points = g(f"Surrogate{name}", space=space, **inputs)
    noise = g("SurrogateNoise", space=space, points=points, latent=g.latent(1, 4, 8, 8))
    g.keep(noise, latent=noise[1])
    check(comfy, g, *expected)


@pytest.mark.parametrize(
    "numbers, expected",
    [
        ("26", "numbers: there are 25, numbered from 1; got 26"),
        ("0", "numbers: there are 25, numbered from 1; got 0"),
        ("3-99", "numbers: there are 25, numbered from 1; got 99"),
        ("-1", "numbers: '-1' is not a number from 1 to 25"),
        ("", "numbers: '' is not a number from 1 to 25"),
        ("x", "numbers: 'x' is not a number from 1 to 25, a range such as 2-5, last, or all."),
    ],
)
def test_select_points_out_of_range(comfy, numbers, expected):
    g = Graph(comfy)
    space = g.space()
    points = g("SurrogateSelectPoints", points=g("SurrogateCorners", space=space), numbers=numbers)
    noise = g("SurrogateNoise", space=space, points=points, latent=g.latent(1, 4, 8, 8))
    g.keep(noise, latent=noise[1])
    check(comfy, g, expected)


# Settings of Surrogate Space -> what the answer must say.
SPACES = {
    "chart foo": ({"chart": "foo"}, "foo", "knothe_rosenblatt"),
    "transport foo": ({"transport": "foo"}, "foo", "gaussian"),
    "broken JSON": ({"transport": "affine", "transport_settings": "{scale: 1"}, "transport_settings is not JSON"),
    "JSON list": ({"transport": "affine", "transport_settings": "[1, 2]"}, "must be settings by name", "[1, 2]"),
    "another name": ({"transport_settings": '{"name": "sphere"}'}, "must be settings by name"),
    "unknown setting": (
        {"transport": "affine", "transport_settings": '{"colour": 1}'},
        "The transport affine does not take the settings {'colour': 1}",
    ),
    "wrong value": ({"transport": "sphere", "transport_settings": '{"radius": -1}'}, "radius must be a number above 0"),
    "composite without parts": ({"transport": "composite"}, "composite"),
    "composite for one part": (
        {"transport": "composite", "transport_settings": '{"transports": [{"name": "gaussian"}, {"name": "sphere"}]}'},
        "2 parts (gaussian, sphere), but the latent has 1: give one transport for each part",
    ),
    "rotation of a picture": ({"transport": "rotation"}, "rotation"),
}


@pytest.mark.parametrize("settings, expected", [(s, e) for s, *e in SPACES.values()], ids=SPACES.keys())
def test_spaces_that_are_none(comfy, settings, expected):
    g = Graph(comfy)
    drawn(g, g.space("12, 99", **settings))
    check(comfy, g, *expected)


def from_latents(g: Graph, *shape: int, name="latent", **settings):
    return g("SurrogateSeedsFromLatents", latent=g.latent(*shape, **settings), name=name)


def test_seeds_of_different_shapes(comfy):
    g = Graph(comfy)
    seeds = g(
        "SurrogateJoinSeeds",
        seeds_1=from_latents(g, 2, 4, 8, 8, fill="normal", name="small"),
        seeds_2=from_latents(g, 2, 4, 8, 16, fill="normal", name="wide"),
    )
    drawn(g, g("SurrogateSpace", seeds=seeds), "1 1 1 1")
    check(comfy, g, "Seeds of different shapes cannot be mixed: small 1 has 4×8×8, wide 1 has 4×8×16", "at one size")


@pytest.mark.parametrize("route", ["SurrogateNoise", "SurrogateKSamplerNoise"])
def test_seeds_of_another_shape_than_the_latent(comfy, route):
    g = Graph(comfy)
    space = g("SurrogateSpace", seeds=from_latents(g, 2, 4, 8, 8, fill="normal"))
    points = g("SurrogateWeights", space=space, weights="1 1")
    model = g("TestAnyModel")
    patch = {"model": model} if "KSampler" in route else {}
    node = g(route, space=space, points=points, latent=g.latent(1, 4, 8, 16), **patch)
    if patch:
        g.keep(g.ksampler(node, model[1], node[1], 1))
    else:
        g.keep(node, latent=node[1])
    check(comfy, g, "Seed latent 1 is a noise of shape 4×8×8", "has shape 4×8×16")


@pytest.mark.parametrize("route", ["SurrogateNoise", "SurrogateKSamplerNoise"])
def test_a_batch_that_does_not_match_the_points(comfy, route):
    g = Graph(comfy)
    space = g.space("12, 99")
    points = g("SurrogatePoint", space=space, coordinates="0\n0.5\n1")
    model = g("TestAnyModel")
    patch = {"model": model} if "KSampler" in route else {}
    node = g(route, space=space, points=points, latent=g.latent(2, 4, 8, 8), **patch)
    if patch:
        g.keep(g.ksampler(node, model[1], node[1], 1))
    else:
        g.keep(node, latent=node[1])
    check(comfy, g, "latent holds a batch of 2, but there are 3 points", "a batch of 1, which is repeated")


def test_the_latent_from_beside_the_noise_is_forgotten(comfy):
    g = Graph(comfy)
    model = g("TestAnyModel")
    space = g.space("12, 99")
    points = g("SurrogatePoint", space=space, coordinates="0\n0.5\n1")
    latent = g.latent(1, 4, 8, 8)
    noise = g("SurrogateNoise", space=space, points=points, latent=latent)
    g.keep(g.custom(model, model[1], noise, latent))
    check(
        comfy, g, "This noise is for 3 points, but the sampler's latent has a batch of 1", "Connect the LATENT output"
    )


SEED_LATENTS = {
    "nan": ({"fill": "nan", "number": 70}, "Seed latent 1 holds NaN or infinite values"),
    "empty": ({}, "Seed latent 1 is all zeros: this is an empty latent, not a noise"),
}


@pytest.mark.parametrize("settings, expected", SEED_LATENTS.values(), ids=SEED_LATENTS.keys())
def test_latents_that_are_no_seeds(comfy, settings, expected):
    g = Graph(comfy)
    drawn(g, g("SurrogateSpace", seeds=from_latents(g, 2, 4, 8, 8, **settings)))
    check(comfy, g, expected)


def test_locating_what_has_no_place(comfy):
    for settings, expected in (*SEED_LATENTS.values(), ({"fill": "normal"}, "has shape 4×8×9")):
        g = Graph(comfy)
        space = g("SurrogateSpace", seeds=from_latents(g, 2, 4, 8, 8, fill="normal"))
        shape = (1, 4, 8, 9) if settings == {"fill": "normal"} else (1, 4, 8, 8)
        located = g("SurrogateLocateLatent", space=space, latent=g.latent(*shape, **settings))
        noise = g("SurrogateNoise", space=space, points=located, latent=g.latent(1, 4, 8, 8))
        g.keep(noise, latent=noise[1])
        check(comfy, g, expected.replace("Seed latent", "latent") if "Seed" in expected else expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_seeds_are_welcome(comfy, dtype):
    """Kept as they are at a vertex; blended in float32."""
    g = Graph(comfy)
    batch = g.latent(2, 4, 8, 8, fill="normal", number=9, dtype=dtype)
    space = g("SurrogateSpace", seeds=g("SurrogateSeedsFromLatents", latent=batch))
    ours = drawn(g, space, "1 0\n1 1", dtype="float32")
    given = g.keep(batch)
    g.run()
    a, b = given.tensor.float()
    assert torch.equal(ours.tensor[0], a)
    torch.testing.assert_close(ours.tensor[1], (a + b) / 2**0.5)


def sheet(g: Graph, shapes, **inputs):
    g("PreviewImage", images=g("SurrogateContactSheet", images=g("TestImages", shapes=str(shapes)), **inputs))


def test_contact_sheet_of_the_wrong_number_of_pictures(comfy):
    g = Graph(comfy)
    sheet(g, [[5, 16, 16, 3]], points=g("SurrogateCorners", space=g.space(), columns=2, rows=2))
    check(comfy, g, "images holds 5 pictures, but there are 4 points")


@pytest.mark.parametrize("numbers, count", [("[1.0, 2.0, 3.0]", 3), ("[1.0]", 1)])
def test_contact_sheet_with_scores_of_the_wrong_length(comfy, numbers, count):
    g = Graph(comfy)
    sheet(g, [[4, 16, 16, 3]], scores=g("TestNumbers", numbers=numbers))
    check(comfy, g, f"scores holds {count} numbers, but there are 4 pictures: connect one for each")


def test_contact_sheet_of_many_sizes(comfy):
    """Not an error: all find their place."""
    g = Graph(comfy)
    kept = g.keep(
        g("SurrogateContactSheet", images=g("TestImages", shapes="[[2, 16, 24, 3], [1, 40, 8, 3], [1, 9, 9, 1]]"))
    )
    g.run()
    picture = kept.tensor
    assert picture.shape[0] == 1 and picture.shape[-1] == 3
    assert picture.shape[1] > 40 and picture.shape[2] > 2 * 24
    assert_still_works(comfy)


# Prefix of Render Points -> what the answer must say; None: works, inside the output folder.
PREFIXES = {
    "outside": ("../../evil", "outside the output folder"),
    "absolute": ("/evil/picture", "outside the output folder"),
    "outside in the middle": ("a/../../../evil", "outside the output folder"),
    "300 characters": ("bad/" + "x" * 300, "File name too long. Choose another file name."),
    "emoji": ("bad/🏔️ ñ", None),
    "date": ("bad/%date%", None),
    "year": ("bad/%year%-x", None),
    "dots inside": ("bad/./a/../b", None),
    "empty": ("", None),
    "backslash": ("bad/a\\b", None),
}


def rendered(g: Graph, prefix: str, vae: str = "rgb", shape=(1, 4, 8, 8), **settings):
    model, conditioning = g("TestAnyModel", channels=shape[1]).outputs(2)
    space = g.space("12, 99")
    points = g("SurrogatePoint", space=space, coordinates="0.5")
    latent = g.latent(*shape)
    g.render(model, conditioning, g("TestAnyVAE", kind=vae), latent, space, points, filename_prefix=prefix, **settings)


@pytest.mark.parametrize("prefix, expected", PREFIXES.values(), ids=PREFIXES.keys())
def test_hostile_file_names(comfy, prefix, expected):
    g = Graph(comfy)
    rendered(g, prefix)
    if expected is None:
        (image,) = comfy.client.images(g.run())
        path = (output(comfy) / image["subfolder"] / image["filename"]).resolve()
        assert path.is_file()
        assert path.is_relative_to(output(comfy).resolve())
        assert comfy.client.view(image) == path.read_bytes()
        assert_still_works(comfy)
    else:
        check(comfy, g, expected)
        base = comfy.server.base
        assert not [*base.glob("evil*"), *base.parent.glob("evil*"), *Path("/").glob("evil*")]


def test_a_name_is_refused_before_anything_is_sampled(comfy):
    g = Graph(comfy)
    rendered(g, "bad/" + "x" * 300, log="refused")
    answer(g)
    assert counted(comfy, "refused") == []


def test_nothing_to_sample(comfy):
    """denoise 0 is an empty schedule: the pictures are those that went in, as with the stock sampler."""
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel").outputs(2)
    vae = g("TestAnyVAE")
    space = g.space("12, 99")
    points = g("SurrogatePoint", space=space, coordinates="0.5")
    start = g.latent(1, 4, 8, 8, fill="normal", number=6)
    ours = g.render(model, conditioning, vae, start, space, points, filename_prefix="bad/nothing")
    g.prompt[g.prompt[ours.number]["inputs"]["sigmas"][0]]["inputs"]["denoise"] = 0.0
    ours, given = g.keep(ours), g.keep(g.decoded(start, vae))
    g.run()
    assert torch.equal(ours.tensor, (given.tensor * 255).to(torch.uint8).float() / 255)
    assert_still_works(comfy)


def test_a_sound_model_has_no_pictures_to_save(comfy):
    g = Graph(comfy)
    rendered(g, "bad/sound", "sound", (1, 8, 21))
    check(comfy, g, "vae decodes to shape (1, 21, 8), which is not pictures", "use Surrogate Noise")


def test_unknown_choices(comfy):
    """Core of 2025 lets a prompt name a choice that the browser does not offer."""
    g = Graph(comfy)
    g.keep(g("SurrogateDemoModel", time="noon")[3])
    check(comfy, g, "time", "noon")
    g = Graph(comfy)
    g.keep(g("SurrogateDemoModel", place="moon")[3])
    check(comfy, g, "place", "moon")
    g = Graph(comfy)
    rendered(g, "bad/choice", finished_pictures="keep")
    check(comfy, g, "finished_pictures", "keep")


@pytest.mark.parametrize(
    "node, inputs",
    [
        ("SurrogateGrid", {"columns": 0}),
        ("SurrogateGrid", {"rows": 257}),
        ("SurrogateGrid", {"high": 1.5}),
        ("SurrogatePath", {"frames": 1}),
        ("SurrogateSlice", {"side": 1}),
        ("SurrogateRandomPoints", {"count": 0}),
        ("SurrogateRandomPoints", {"random_seed": -1}),
        ("SurrogateRandomPoints", {"random_seed": 2**32}),
    ],
)
def test_numbers_out_of_range_never_run(comfy, node, inputs):
    """The server's own validation knows the limits."""
    g = Graph(comfy)
    space = g.space()
    noise = g("SurrogateNoise", space=space, points=g(node, space=space, **inputs), latent=g.latent(1, 4, 8, 8))
    g.keep(noise, latent=noise[1])
    with pytest.raises(PromptRejected, match=next(iter(inputs))):
        g.run()
    assert_still_works(comfy)


def test_a_wire_of_another_kind_never_runs(comfy):
    g = Graph(comfy)
    drawn(g, g("SurrogateSeedsFromIntegers"))
    with pytest.raises(PromptRejected, match="SURROGATE_SPACE"):
        g.run()
    assert_still_works(comfy)


def test_points_of_another_space(comfy):
    """Four seeds' points do not fit two seeds."""
    g = Graph(comfy)
    points = g("SurrogatePoint", space=g.space(), coordinates="0.5")
    space = g.space("12, 99")
    noise = g("SurrogateNoise", space=space, points=points, latent=g.latent(1, 4, 8, 8))
    g.keep(noise, latent=noise[1])
    check(comfy, g, "w has 4 weights a point, but the space has 2 seeds")
