"""Nodes that loops run as copies: what they say is shown where a person sees the node, and each copy has a graph of its own."""

import itertools
import time

import pytest
import torch

from surrogate.search import Picks

from .graph import Graph, output
from .test_explorer import as_saved
from .test_native_loop import POPULATION, small_model, study
from .test_pick import answered

names = (f"copies {i}" for i in itertools.count())
TEXT = "binary 3"  # a sentence under a node: its id's length in four bytes, its id, the sentence


def loop(g: Graph, iterations: int, carried=None):
    return g(
        "StartLoop",
        **{"mode": "simple", "mode.num_iterations": iterations},
        **({} if carried is None else {"initial_iteration_value": carried}),
    )


def spoken(comfy, g: Graph, events: list) -> list[tuple[str, str]]:
    """(node, sentence) of all sentences under nodes in a run; all other messages are put into `events`."""
    sentences = []

    def hear(kind, data):
        if kind == TEXT:
            length = int.from_bytes(data[:4], "big")
            sentences.append((data[4 : 4 + length].decode(), data[4 + length :].decode()))
        else:
            events.append((kind, data))

    comfy.client.run(g.prompt, on_event=hear, timeout=120)
    return sentences


def test_an_explorer_in_a_loop_shows_the_pictures_of_each_iteration_in_the_node(comfy):
    def graph(prompt):
        model, conditioning = g("TestAnyModel", channels=4, video=False, prompt=prompt).outputs(2)
        sampling = g.sampling(model, conditioning)
        return g(
            "SurrogateExplorer", latent=g.latent(1, 4, 8, 8), vae=g("TestAnyVAE"), pictures=2, seed=900, **sampling
        )

    g = Graph(comfy)
    start = loop(g, 2)
    explorer = graph(start[0])
    end = g("EndLoop", output_value=explorer[1], accumulate=True)
    kept = g.keep(end)
    events: list = []
    spoken(comfy, g, events)
    told = [data for kind, data in events if kind == "surrogate.explorer.picture"]
    assert [(one["node"], one["cell"]) for one in told] == [(explorer.number, 0), (explorer.number, 1)] * 2
    pages = [page for _, page in sorted(kept.tensors.items())]
    for prompt, page in enumerate(pages):
        g = Graph(comfy)
        model, conditioning = g("TestAnyModel", channels=4, video=False, prompt=prompt).outputs(2)
        plain = [g.ksampler(model, conditioning, g.latent(1, 4, 8, 8), seed, steps=1) for seed in (900, 901)]
        alone = [g.keep(g.decoded(latent, g("TestAnyVAE"))) for latent in plain]
        g.run()
        assert torch.equal(page, as_saved(torch.cat([one.tensor for one in alone])))


def picking(g: Graph, study_wire, when: str):
    model, conditioning, vae, latent = small_model(g)
    ask = g("SurrogateAsk", study=study_wire)
    noise = g("SurrogateNoise", space=ask[2], points=ask[1], latent=latent)
    images = g.decoded(g.custom(model, conditioning, noise, noise[1], steps=1), vae)
    return ask, g("SurrogatePick", study=ask, images=images, when=when)


def test_a_pick_in_a_loop_waits_where_a_person_sees_it(comfy):
    g = Graph(comfy)
    start = loop(g, 2, study(g, g.latent(1, 4, 16, 16), next(names)))
    _, pick = picking(g, start[4], "wait here")
    end = g("EndLoop", output_value=pick[3], next_iteration_value=pick[0])
    g.keep(end)
    prompt = comfy.client.queue(g.prompt)
    seen = []
    for cells in ((0, 2), (1,)):
        page = next(page for page in waiting(comfy) if page["generation"] not in seen)
        seen.append(page["generation"])
        assert (page["node"], page["prompt"], page["number"]) == (pick.number, prompt, len(seen))
        reply = {"node": page["node"], "prompt": prompt, "of": page["generation"], "cells": list(cells)}
        status, said = answered(comfy, reply)
        assert (status, Picks.parse(said["picks"]).cells) == (200, cells)
    comfy.client.wait(prompt, 120)


def waiting(comfy):
    """Pages that wait for picks, as they come."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        yield from comfy.client.get("/surrogate/pick")["pages"]
        time.sleep(0.05)
    pytest.fail("no page waits")


def test_what_ask_and_tell_say_in_a_loop_is_under_their_nodes(comfy):
    g = Graph(comfy)
    start = loop(g, 2, study(g, g.latent(1, 4, 16, 16), next(names)))
    model, conditioning, vae, latent = small_model(g)
    ask = g("SurrogateAsk", study=start[4])
    noise = g("SurrogateNoise", space=ask[2], points=ask[1], latent=latent, images_per_batch=POPULATION)
    images = g.decoded(g.custom(model, conditioning, noise, noise[1], steps=1), vae)
    scores = g("SurrogatePictureStatistics", statistic="brightest_x", images=images)
    tell = g("SurrogateTell", study=ask, scores=scores, images=images)
    g.keep(g("EndLoop", output_value=tell[2], next_iteration_value=tell[0]))
    sentences = spoken(comfy, g, [])
    assert {node for node, _ in sentences} <= g.prompt.keys()
    assert sum(node == tell.number for node, _ in sentences) == 2  # one for each iteration


def test_a_search_in_a_loop_says_how_it_goes_under_its_node(comfy):
    g = Graph(comfy)
    start = loop(g, 2)
    model, conditioning, vae, latent = small_model(g)
    search = g(
        "SurrogateSearch",
        latent=latent,
        vae=vae,
        study=study(g, latent, next(names), budget=2 * POPULATION),
        scorer=g("SurrogatePictureStatistics", statistic="brightest_x")[1],
        noise_seed=start[0],
        score_seeds=False,
        **g.sampling(model, conditioning),
    )
    g.keep(g("EndLoop", output_value=search))
    events: list = []
    sentences = spoken(comfy, g, events)
    assert search.number in {node for node, _ in sentences} <= g.prompt.keys()
    assert {data.get("display_node") for kind, data in events if kind == "executed"} <= g.prompt.keys()


def test_render_points_in_a_loop_finishes_no_picture_of_another_iteration(comfy):
    """Interrupted runs are continued by files that are there; another iteration's are others."""
    g = Graph(comfy)
    start = loop(g, 2)
    model, conditioning = g("TestAnyModel", channels=4, video=False, prompt=start[0]).outputs(2)
    space = g.space("12, 99, 1024")
    name = next(names).replace(" ", "_")
    points, latent = g.vertices(space, 3), g.latent(1, 4, 8, 8)
    images = g.render(model, conditioning, g("TestAnyVAE"), latent, space, points, filename_prefix=f"{name}/x")
    kept = g.keep(g("EndLoop", output_value=images, accumulate=True))
    g.run()
    first, second = (page for _, page in sorted(kept.tensors.items()))
    assert not torch.equal(first, second)
    assert len(list((output(comfy) / name).glob("*.png"))) == 6


def test_a_point_of_a_long_loop_has_a_graph_as_deep_as_the_loop_is_long(comfy):
    g = Graph(comfy)
    start = loop(g, 60, g.latent(1, 4, 8, 8))
    # Each iteration's latent hangs on the one before by ten nodes.
    latent = start[4]
    for _ in range(10):
        latent = g("LatentMultiply", samples=latent, multiplier=1.0)
    model, conditioning = g("TestAnyModel", channels=4, video=False, prompt=0).outputs(2)
    sampling = g.sampling(model, conditioning)
    explorer = g("SurrogateExplorer", latent=latent, vae=g("TestAnyVAE"), pictures=2, seed=910, **sampling)
    kept = g.keep(g("EndLoop", output_value=explorer[1], next_iteration_value=latent))
    g.run()
    assert kept.tensor.shape == (2, 8, 8, 3)
