"""Another pack replaces ComfyUI's noise for the whole server: it is named once, and seeds go on to mean core's noise."""

import json
from pathlib import Path

import pytest
import torch

from dev.client import Client
from dev.server import Server, comfyui_folder

from .conftest import Comfy
from .graph import TESTKIT, Graph, Log, output

WORDS = "Another node pack has replaced ComfyUI's noise"


@pytest.fixture(scope="module")
def replaced():
    """A server of its own: what is replaced there stays replaced for all prompts."""
    with Server("replaced", packs=[TESTKIT], arguments=["--cpu"]) as server:
        yield Comfy(server, Client(server.url))


def sampled(replaced, kind: str, route: str = "noise") -> tuple[torch.Tensor, torch.Tensor, str]:
    """The sample at the vertex of seed 42, core's sample of 42, and what the log says of it."""
    log = Log(replaced)
    g = Graph(replaced)
    latent = g("TestReplacedNoise", value=g.latent(1, 4, 3, 6, 8, number=len(kind + route)), kind=kind)
    model, conditioning = g("TestAnyModel", video=True).outputs(2)
    space = g.space("42, 7")
    vertex = g.vertices(space, 2, [0])
    if route == "model":
        ours, repeated = g("SurrogateKSamplerNoise", model=model, space=space, points=vertex, latent=latent).outputs(2)
        mine = g.ksampler(ours, conditioning, repeated, 5)
    else:
        node = {"noise": "SurrogateNoise", "over time": "SurrogateNoiseOverTime"}[route]
        noise, repeated = g(node, space=space, points=vertex, latent=latent).outputs(2)
        mine = g.custom(model, conditioning, noise, repeated)
    # Of a replacement that fails, core's sample would be its error.
    seed = noise if kind == "fails" else g("RandomNoise", noise_seed=42)
    kept = g.keep(mine), g.keep(g.custom(model, conditioning, seed, latent))
    g.run()
    return kept[0].tensor, kept[1].tensor, log.text()


@pytest.mark.parametrize(
    "kind, name",
    [
        ("other", "replacing.another_noise"),
        ("wrapped", "replacing.decorated"),
        ("object", "replacing.Called"),
        ("inner", "replacing.inner"),
        ("fails", "replacing.failing"),
    ],
)
def test_it_is_named_once_and_the_seed_is_still_core_s(replaced, kind, name):
    if kind == "inner" and "def prepare_noise_inner" not in (comfyui_folder() / "comfy" / "sample.py").read_text(
        "utf-8"
    ):
        pytest.skip("this ComfyUI draws its noise in one function")
    own, core, log = sampled(replaced, "off")
    assert torch.equal(own, core) and WORDS not in log
    ours, theirs, _ = sampled(replaced, kind)
    assert torch.equal(ours, own) and torch.equal(theirs, own) == (kind == "fails")
    for route in ("model", "over time") if kind != "fails" else ():
        ours, *_ = sampled(replaced, kind, route)
        assert torch.isfinite(ours).all()
    whole = replaced.server.log.read_text("utf-8", "replace")
    (line,) = [line for line in whole.splitlines() if WORDS in line and name in line]
    assert "replacing.py" in line or kind == "object"
    sampled(replaced, "off")


def test_one_that_draws_core_s_noise_is_no_reason_to_warn(replaced):
    ours, theirs, log = sampled(replaced, "same")
    assert torch.equal(ours, theirs) and WORDS not in log
    sampled(replaced, "off")


def test_trying_it_leaves_the_generators_alone(replaced):
    g = Graph(replaced)
    latent = g("TestReplacedNoise", value=g.latent(1, 4, 8, 8, number=77), kind="other")
    before = g("TestWatch", value=latent, name="before")
    space = g.space("42, 7")
    noise, repeated = g("SurrogateNoise", space=space, points=g.vertices(space, 2), latent=before).outputs(2)
    kept = g("TestKeep", value=noise, latent=repeated, name="tried")
    g("TestWatch", value=latent, name="after", after_0=kept)
    g.run()
    seen = [json.loads((Path(output(replaced)) / f"{name}.json").read_text()) for name in ("before", "after")]
    assert seen[0] == seen[1]
    sampled(replaced, "off")


def test_render_points_says_it_under_the_node(replaced):
    g = Graph(replaced)
    latent = g("TestReplacedNoise", value=g.latent(1, 4, 8, 8, number=78), kind="other")
    model, conditioning = g("TestAnyModel").outputs(2)
    space = g.space("42, 7")
    g.render(model, conditioning, g("TestAnyVAE"), latent, space, g.vertices(space, 2), filename_prefix="replaced/x")
    events = []
    replaced.client.run(g.prompt, on_event=lambda kind, data: events.append((kind, data)))
    said = b" ".join(data for kind, data in events if kind == "binary 3").decode()
    assert WORDS in said and "2 pictures: 2 new" in said
    sampled(replaced, "off")
