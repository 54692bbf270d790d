"""Surrogate Search whose scorer is nodes of the graph, between Score Input and Score Output."""

import itertools
import json
import time

import numpy as np
import pytest

from dev.client import ExecutionFailed, ExecutionInterrupted

from .graph import Graph, output
from .test_search import history, search

names = (f"scored by nodes {i}" for i in itertools.count())


def scored(comfy, name: str, orders: str = "", statistic="brightest_x", images_per_batch=3, **settings):
    """A search by the number that a node gives for an image; with `orders`, TestFaulty passes it on."""
    graph, node = search(comfy, name, **settings)
    given = graph.prompt[node.number]["inputs"]
    number = graph("SurrogatePictureStatistics", statistic=statistic, images=graph("SurrogateScoreInput"))
    if orders:
        number = graph("TestFaulty", values=number, name=orders)
    given["scorer"] = graph("SurrogateScoreOutput", score=number)[0]
    given["images_per_batch"] = images_per_batch
    return graph, node


@pytest.fixture
def orders(comfy):
    """A name, and what gives the node of that name its orders."""
    name = next(names).replace(" ", "_")
    file = output(comfy) / f"{name}.json"
    yield name, lambda **now: file.write_text(json.dumps(now))
    file.unlink(missing_ok=True)


@pytest.mark.parametrize("images_per_batch", [1, 3, 16])
def test_it_finds_what_a_scorer_of_this_pack_finds(comfy, images_per_batch):
    one, other = next(names), next(names)
    graph, node = scored(comfy, one, images_per_batch=images_per_batch, score_seeds=True)
    kept = [graph.keep(node[i]) for i in (0, 2, 4)]
    said = graph("PreviewAny", source=node[5])
    entry = graph.run()
    twin, its = search(comfy, other, score_seeds=True)
    twin.prompt[its.number]["inputs"]["images_per_batch"] = images_per_batch
    theirs = [twin.keep(its[i]) for i in (0, 2, 4)]
    twin.run()
    a, b = history(comfy, one), history(comfy, other)
    assert np.array_equal(a.u, b.u) and np.array_equal(a.scores, b.scores)
    assert (a.state == "complete").all() and a.known.sum() == 3
    for mine, wanted in zip(kept, theirs, strict=True):
        assert {n: t.tolist() for n, t in mine.tensors.items()} == {n: t.tolist() for n, t in wanted.tensors.items()}
    assert "12" in entry["outputs"][said.number]["text"][0]
    cards = [shown for shown in entry["outputs"].values() if shown.get("images")]
    assert len(cards) == 1  # that of the search, when it has ended


def test_what_scoring_nodes_need_besides_the_image_is_made_once(comfy):
    """And a scorer of this pack may judge with them."""
    name = next(names)
    graph, node = search(comfy, name, optimiser="nsga-ii", more_directions="minimize")
    given = graph.prompt[node.number]["inputs"]
    model, vae, conditioning, latent = graph.demo()
    sampled = graph.custom(model, conditioning, graph("RandomNoise", noise_seed=3), latent, steps=1)
    log = name.replace(" ", "_")
    settings = graph.prompt[sampled.number]["inputs"]
    settings["sampler"] = graph("TestCountedSampler", sampler=settings["sampler"], log=log)[0]
    target = graph.decoded(sampled, vae)
    score = graph("SurrogateMatchImage", target=target, images=graph("SurrogateScoreInput"))
    given["scorer_2"] = graph("SurrogateScoreOutput", score=score)[0]
    given["images_per_batch"] = 4
    graph.run()
    rows = history(comfy, name)
    assert rows.scores.shape == (12, 2) and np.isfinite(rows.scores).all()
    assert (rows.scores[:, 0] >= 0).all() and (rows.scores[:, 1] < 0).all()
    assert (output(comfy) / f"{log}.jsonl").read_text().splitlines() == ["1"]


def test_cancel_while_a_node_scores_loses_nothing(comfy, orders):
    name, (file, order) = next(names), orders
    scored(comfy, name, file, budget=3)[0].run()
    order(wait=True)
    queued = comfy.client.queue(scored(comfy, name, file, budget=12)[0].prompt)
    deadline = time.monotonic() + 60
    while not (output(comfy) / f"{file}.waiting").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    comfy.client.interrupt()
    with pytest.raises(ExecutionInterrupted):
        comfy.client.wait(queued, 60)
    assert (history(comfy, name).state == "complete").sum() == 3
    order()
    scored(comfy, name, file, budget=12)[0].run()
    assert (history(comfy, name).state == "complete").sum() >= 12


def test_a_node_that_fails_is_named_and_the_scores_before_are_kept(comfy, orders):
    name, (file, order) = next(names), orders
    scored(comfy, name, file, budget=3)[0].run()
    order(error="the scoring model is broken")
    with pytest.raises(ExecutionFailed, match="the scoring model is broken"):
        scored(comfy, name, file)[0].run()
    assert (history(comfy, name).state == "complete").sum() == 3


def test_a_text_without_a_number_is_a_failed_image(comfy, orders):
    name, (file, order) = next(names), orders
    order(values=["Score: 7/10", "I see no face.", True])
    scored(comfy, name, file, budget=3)[0].run()
    rows = history(comfy, name)
    assert rows.scores[[0, 2], 0].tolist() == [7.0, 1.0] and rows.state.tolist()[1] == "failed"


def test_a_loop_among_the_scoring_nodes_is_refused(comfy):
    graph, node = search(comfy, next(names))
    start = graph(
        "StartLoop",
        **{"mode": "simple", "mode.num_iterations": 2},
        initial_iteration_value=graph("SurrogateScoreInput"),
    )
    number = graph("SurrogatePictureStatistics", statistic="brightness", images=start[4])
    end = graph("EndLoop", output_value=number)
    graph.prompt[node.number]["inputs"]["scorer"] = graph("SurrogateScoreOutput", score=end)[0]
    with pytest.raises(ExecutionFailed, match=r"A loop .* is between Surrogate Score Input and Surrogate Score Output"):
        graph.run()


def test_one_number_for_a_batch_is_refused(comfy, orders):
    name, (file, order) = next(names), orders
    order(values=[0.5])
    with pytest.raises(ExecutionFailed, match="scorer is one number for 3 images"):
        scored(comfy, name, file, budget=3)[0].run()


def test_a_score_that_cannot_depend_on_the_image_is_refused(comfy):
    graph, node = search(comfy, next(names))
    number = graph("PrimitiveFloat", value=0.5)
    graph.prompt[node.number]["inputs"]["scorer"] = graph("SurrogateScoreOutput", score=number)[0]
    with pytest.raises(ExecutionFailed, match=r"No Surrogate Score Input leads to Surrogate Score Output \d+"):
        graph.run()


def test_combine_scores_says_where_it_belongs(comfy):
    graph, node = scored(comfy, next(names))
    given = graph.prompt[node.number]["inputs"]
    given["scorer"] = graph("SurrogateCombineScores", expression="a", scorer_a=given["scorer"])[1]
    with pytest.raises(ExecutionFailed, match="works only in Surrogate Search"):
        graph.run()


def test_the_scoring_nodes_can_be_tried_without_a_search(comfy):
    g = Graph(comfy)
    images = g("SurrogateDemoPicture")
    number = g("SurrogatePictureStatistics", statistic="brightness", images=g("SurrogateScoreInput", images=images))
    kept, direct = g.keep(number), g.keep(g("SurrogatePictureStatistics", statistic="brightness", images=images))
    g.run()
    assert [float(t) for t in kept.tensors.values()] == [float(t) for t in direct.tensors.values()]
