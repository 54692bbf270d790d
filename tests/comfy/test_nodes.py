"""Every node once in a real server: what it says of itself, what it gives, and that it disturbs nobody."""

import json

import numpy as np
import pytest
import torch

from surrogate import Seeds, SurrogateSpace, points

from .graph import Graph, output

NODES = [
    "ContactSheet",
    "Corners",
    "DemoModel",
    "Grid",
    "JoinSeeds",
    "KSamplerNoise",
    "LocateLatent",
    "MatchSound",
    "Neighbours",
    "Noise",
    "Path",
    "Point",
    "RandomPoints",
    "RenderPoints",
    "ScoreInput",
    "ScoreOutput",
    "SearchStep",
    "SeedsFromIntegers",
    "SeedsFromLatents",
    "SelectPoints",
    "Slice",
    "SoundStatistics",
    "Space",
    "SpaceInfo",
    "Weights",
]


@pytest.fixture(scope="module")
def ours(comfy):
    """The descriptions of all nodes of the pack."""
    return {name: node for name, node in comfy.client.object_info().items() if name.startswith("Surrogate")}


def test_all_nodes_are_there(ours):
    assert {f"Surrogate{name}" for name in NODES} <= set(ours)


def test_every_node_explains_itself(ours):
    """The schema is the documentation: a description, a tooltip for every input, a name for every output."""
    for name, node in ours.items():
        assert node["category"].split("/")[0] == "surrogate", name
        assert node["display_name"].startswith("Surrogate "), name
        assert len(node["description"]) > 20 and node["description"].endswith("."), name
        for inputs in (node["input"].get("required", {}), node["input"].get("optional", {})):
            for field, (kind, *options) in inputs.items():
                assert options[0].get("tooltip"), f"{name}.{field}"
                if kind in ("INT", "FLOAT") and not options[0].get("forceInput"):
                    assert {"default", "min", "max"} <= options[0].keys(), f"{name}.{field}"
        assert all(label and label == label.lower() for label in node["output_name"]), name
        assert node["python_module"].endswith("ComfyUI-Surrogate"), name


def test_no_two_nodes_have_one_name(ours):
    assert len({node["display_name"] for node in ours.values()}) == len(ours)


# Node and its inputs beside the space -> the same points from the library.
SPACE = SurrogateSpace(Seeds.from_text("12, 99, 1024, 7"))
POINTS = {
    "Point": ({"coordinates": "0.2"}, points.from_coordinates(SPACE, [[0.2] * 3])),
    "Point, several": (
        {"coordinates": "0 0.5 1\n.1,.2,.3"},
        points.from_coordinates(SPACE, [[0, 0.5, 1], [0.1, 0.2, 0.3]]),
    ),
    "Weights": ({"weights": "1 2 0 4\n0 0 0 9"}, points.from_weights(SPACE, [[1, 2, 0, 4], [0, 0, 0, 9]])),
    "Grid": (
        {"columns": 3, "rows": 2, "column": 3, "row": 1, "low": 0.25, "high": 0.75},
        points.grid(SPACE, 3, 2, 3, 1, low=0.25, high=0.75),
    ),
    "Corners": ({"seeds": "4, 2, 1, 3", "columns": 3, "rows": 2}, points.corners(SPACE, [4, 2, 1, 3], 3, 2)),
    "Slice": ({"seeds": "2-4", "side": 3}, points.slice_through(SPACE, [2, 3, 4], 3)),
    "Path": (
        {"seeds": "all", "frames": 6, "closed": True},
        points.path(SPACE, np.eye(4), 6, closed=True),
    ),
    "Path, open": ({"seeds": "last, 1", "frames": 3, "closed": False}, points.path(SPACE, np.eye(4)[[3, 0]], 3)),
    "RandomPoints": ({"count": 5, "random_seed": 3}, points.sobol(SPACE, 5, 3)),
    "RandomPoints, uniform": ({"count": 5, "random_seed": 3, "method": "uniform"}, points.random(SPACE, 5, 3)),
}


def drawn(g: Graph, space, where):
    noise = g("SurrogateNoise", space=space, points=where, latent=g.latent(1, 4, 5, 7))
    return g.keep(noise, latent=noise[1])


@pytest.mark.parametrize("name", POINTS)
def test_points(comfy, name):
    """The noises of a node's points are those of the library's."""
    inputs, expected = POINTS[name]
    g = Graph(comfy)
    space = g.space()
    noise = drawn(g, space, g(f"Surrogate{name.split(',')[0]}", space=space, **inputs))
    g.run()
    assert torch.equal(noise.tensor, SPACE.latents(expected.u, (4, 5, 7)))


def test_points_from_points(comfy):
    """Neighbours of a point, a grid around one, a path through some, a selection of them."""
    g = Graph(comfy)
    space = g.space()
    base = g("SurrogatePoint", space=space, coordinates="0.2 0.4 0.6\n0.9 0.8 0.1\n0 1 0.5")
    settings = {"count": 4, "radius": 20.0, "random_seed": 2}
    kept = {
        "neighbours": g("SurrogateNeighbours", space=space, points=base, include_point=True, **settings),
        "grid": g("SurrogateGrid", space=space, columns=2, rows=2, base=base),
        "path": g("SurrogatePath", space=space, waypoints=base, frames=5, closed=False),
        "selection": g("SurrogateSelectPoints", points=base, numbers="last, 1-2, 2"),
    }
    kept = {name: drawn(g, space, where) for name, where in kept.items()}
    g.run()
    u = [[0.2, 0.4, 0.6], [0.9, 0.8, 0.1], [0, 1, 0.5]]
    where = points.from_coordinates(SPACE, u)
    expected = {
        "neighbours": points.neighbours(SPACE, u[0], 4, 20.0, 2),
        "grid": points.grid(SPACE, 2, 2, base=u[0]),
        "path": points.path(SPACE, SPACE.weights(where.u), 5),
        "selection": where.select([2, 0, 1, 1]),
    }
    for name, made in expected.items():
        assert torch.equal(kept[name].tensor, SPACE.latents(made.u, (4, 5, 7))), name


def test_seeds_by_first_and_count(comfy):
    g = Graph(comfy)
    space = g("SurrogateSpace", seeds=g("SurrogateSeedsFromIntegers", seeds="", first=2**32 - 1, count=3))
    noise = drawn(g, space, g.vertices(space, 3))
    g.run()
    for row, seed in zip(noise.tensor, (2**32 - 1, 2**32, 2**32 + 1)):
        generator = torch.Generator().manual_seed(seed)
        assert torch.equal(row, torch.randn(1, 4, 5, 7, generator=generator)[0])


def test_seeds_from_a_noise_and_from_latents_joined(comfy):
    """In order; a NOISE is drawn for the latent, batch and all."""
    g = Graph(comfy)
    made = g.latent(2, 4, 5, 7, fill="normal", number=4)
    noise = g("RandomNoise", noise_seed=42)
    joined = g(
        "SurrogateJoinSeeds",
        seeds_1=g("SurrogateSeedsFromLatents", latent=made),
        seeds_2=g("SurrogateSeedsFromIntegers", seeds="7"),
        seeds_5=g("SurrogateSeedsFromLatents", latent=g.latent(3, 4, 5, 7), noise=noise, name="drawn"),
    )
    space = g("SurrogateSpace", seeds=joined)
    ours = drawn(g, space, g.vertices(space, 6))
    latents, core = g.keep(made), g.keep(noise, latent=g.latent(3, 4, 5, 7))
    info = g("SurrogateSpaceInfo", space=space, latent=made)
    entry = g.run()
    seven = torch.randn(1, 4, 5, 7, generator=torch.Generator().manual_seed(7))
    assert torch.equal(ours.tensor, torch.cat([latents.tensor, seven, core.tensor]))
    (text,) = entry["outputs"][info.number]["text"]
    assert text.startswith("6 seeds: latent 1, latent 2, 7, drawn 1, drawn 2, drawn 3\n5 coordinates")


def test_a_space_tells_of_seeds_that_are_alike(comfy):
    g = Graph(comfy)
    one = g.latent(1, 4, 16, 16, fill="normal", number=1)
    # Nearly the same noise twice: a fifth of another one on top.
    other = g("LatentInterpolate", samples1=one, samples2=g.latent(1, 4, 16, 16, fill="normal", number=2), ratio=0.8)
    joined = g(
        "SurrogateJoinSeeds",
        seeds_1=g("SurrogateSeedsFromLatents", latent=one, name="one"),
        seeds_2=g("SurrogateSeedsFromLatents", latent=other, name="other"),
    )
    texts = {}
    for transport in ("gaussian", "sphere"):
        space = g("SurrogateSpace", seeds=joined, transport=transport)
        info = g("SurrogateSpaceInfo", space=space, latent=one)
        texts[transport] = (info.number, g.keep(info[1]))
    entry = g.run()
    for transport, (number, picture) in texts.items():
        (text,) = entry["outputs"][number]["text"]
        assert "one 1 and other 1 are not independent (correlation +0.9" in text
        assert ("Use the sphere transport" in text) == (transport == "gaussian")
        assert picture.tensor.ndim == 4 and picture.tensor.shape[-1] == 3
        assert 0 <= picture.tensor.min() < picture.tensor.max() <= 1


def test_a_latent_is_found_where_it_was_made(comfy):
    """Locate Latent gives the point that a noise came from; and nothing of a noise that is not of the space."""
    g = Graph(comfy)
    space = g.space()
    where = g("SurrogatePoint", space=space, coordinates="0.2 0.4 0.6\n0 0 0\n1 1 1")
    latent = g.latent(1, 4, 32, 32)
    noise = g("SurrogateNoise", space=space, points=where, latent=latent)
    located = g("SurrogateLocateLatent", space=space, latent=noise[1], noise=noise)
    again = g("SurrogateNoise", space=space, points=located, latent=latent)
    first, second = g.keep(noise, latent=noise[1]), g.keep(again, latent=again[1])
    strange = g("SurrogateLocateLatent", space=space, latent=latent, noise=g("RandomNoise", noise_seed=5))
    fit, nothing = g.keep(located[1]), g.keep(strange[1])
    g.run()
    torch.testing.assert_close(second.tensor[0], first.tensor[0], rtol=0, atol=1e-5)
    assert torch.equal(second.tensor[1:], first.tensor[1:])
    assert len(fit.tensors) == 3
    assert all(0.999999 < value <= 1 for value in fit.tensors.values())
    assert nothing.tensor.abs() < 0.1


def test_nothing_outside_is_disturbed(comfy):
    """Global generators stand where they stood and inputs hold what they held, after every node has run."""
    g = Graph(comfy)
    text = g("TestWatch", value=g("TestText", text="12, 99, 1024, 7"), name="before")
    given = {
        "seeds": g.latent(2, 4, 8, 8, fill="normal", number=1),
        "start": g.latent(1, 4, 8, 8, fill="normal", number=2, masked=True),
        "images": g("EmptyImage", width=12, height=12, batch_size=4, color=0x336699),
    }
    held = {name: g("TestWatch", value=value, name=f"{name}_before", after_0=text) for name, value in given.items()}
    day = g("TestWatch", value=g("TestText", text="day"), name="day", after_0=text)

    integers = g("SurrogateSeedsFromIntegers", seeds=text)
    joined = g(
        "SurrogateJoinSeeds",
        seeds_1=integers,
        seeds_2=g("SurrogateSeedsFromLatents", latent=held["seeds"]),
    )
    space = g("SurrogateSpace", seeds=joined)
    made = [
        g("SurrogatePoint", space=space, coordinates="0.3"),
        g("SurrogateWeights", space=space, weights="1 2 3 4 5 6"),
        g("SurrogateGrid", space=space),
        g("SurrogateCorners", space=space, columns=2, rows=2),
        g("SurrogateSlice", space=space),
        g("SurrogatePath", space=space),
        g("SurrogateRandomPoints", space=space),
        g("SurrogateRandomPoints", space=space, method="uniform"),
    ]
    made.append(g("SurrogateNeighbours", space=space, points=made[0]))
    made.append(g("SurrogateSelectPoints", points=made[2], numbers="1-3"))
    noise = g("SurrogateNoise", space=space, points=made[0], latent=held["start"])
    kept = g.keep(noise, latent=noise[1])
    made.append([str(len(g.prompt)), 0])
    made.append(g("SurrogateLocateLatent", space=space, latent=held["start"], noise=noise))
    made.append(g("SurrogateSpaceInfo", space=space, latent=held["start"]))
    model, conditioning = g("TestAnyModel").outputs(2)
    made.append(g("SurrogateKSamplerNoise", model=model, space=space, points=made[0], latent=held["start"]))
    pictures = g.render(
        model, conditioning, g("TestAnyVAE"), held["start"], space, made[3], steps=2, filename_prefix="disturb/x"
    )
    made.append(pictures)
    made.append(g("SurrogateContactSheet", images=held["images"], points=made[3]))
    demo = g("SurrogateDemoModel", place="desert")
    g.prompt[demo.number]["inputs"]["time"] = day[0]
    made.append(demo)
    waits = {f"after_{i}": one for i, one in enumerate(made)}
    for name in given:
        g("TestWatch", value=held[name], name=f"{name}_after", **waits)
    g.run()

    def seen(name):
        return json.loads((output(comfy) / f"{name}.json").read_text())

    assert kept.tensor.shape == (1, 4, 8, 8)
    for name in given:
        before, after = seen(f"{name}_before"), seen(f"{name}_after")
        assert before["value"] == after["value"], name
        assert {key: after[key] for key in ("torch", "torch seed", "numpy", "python")} == {
            key: seen("before")[key] for key in ("torch", "torch seed", "numpy", "python")
        }


def test_the_watch_sees_a_disturbance(comfy):
    """The test above can fail: core's KSampler seeds torch's global generator."""
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel").outputs(2)
    latent = g("TestWatch", value=g.latent(1, 4, 8, 8), name="calm")
    g("TestWatch", value=latent, name="stirred", after_0=g.ksampler(model, conditioning, latent, 987654321))
    g.run()
    calm, stirred = (json.loads((output(comfy) / f"{name}.json").read_text()) for name in ("calm", "stirred"))
    assert calm["torch"] != stirred["torch"]
    assert stirred["torch seed"] == 987654321
    assert calm["value"] == stirred["value"]


def test_the_demo_model_knows_its_words(comfy):
    """A word more or less is another picture of the same noise; night is darker than day."""
    g = Graph(comfy)
    kept = {}
    for words in (("day", "desert"), ("night", "desert"), ("any", "desert"), ("any", "any")):
        model, vae, conditioning, latent = g.demo(128, time=words[0], place=words[1])
        samples = g.custom(model, conditioning, g("RandomNoise", noise_seed=3), latent)
        kept[words] = g.keep(g.decoded(samples, vae))
    g.run()
    images = [image.tensor for image in kept.values()]
    assert all(image.shape == (1, 128, 128, 3) for image in images)
    assert all((a - b).abs().mean() > 0.01 for i, a in enumerate(images) for b in images[:i])
    assert images[0].mean() > images[1].mean() + 0.1


def test_a_sheet_shows_what_it_is_given(comfy):
    """Four pictures of one colour each lie in the grid's order; one sheet for each frame of clips."""
    g = Graph(comfy)
    space = g.space()
    where = g("SurrogateCorners", space=space, columns=2, rows=2)
    colours = [0xFF0000, 0x00FF00, 0x0000FF, 0xFFFF00]
    batch = g("EmptyImage", width=32, height=32, batch_size=1, color=colours[0])
    for colour in colours[1:]:
        batch = g("ImageBatch", image1=batch, image2=g("EmptyImage", width=32, height=32, batch_size=1, color=colour))
    sheet = g.keep(g("SurrogateContactSheet", images=batch, points=where, numbers=False))
    clips = g.keep(g("SurrogateContactSheet", images=g("RepeatImageBatch", image=batch, amount=3), points=where))
    g.run()
    (picture,) = sheet.tensor
    centres = {}
    for colour in colours:
        rgb = torch.tensor([colour >> 16, colour >> 8 & 255, colour & 255]) / 255
        places = (picture == rgb).all(-1).nonzero().float()
        assert len(places) > 28 * 28
        centres[colour] = places.mean(0)
    red, green, blue, yellow = centres.values()
    assert red[0] == green[0] < blue[0] == yellow[0]
    assert red[1] == blue[1] < green[1] == yellow[1]
    assert clips.tensor.shape[0] == 3
