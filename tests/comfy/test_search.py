"""Searches in a real server: the Search node, Ask and Tell, and what may go wrong between them."""

import itertools
import json
import time
import urllib.parse
import urllib.request

import numpy as np
import pytest

from dev.client import ExecutionFailed
from surrogate.search import Study

from .graph import Graph, Log, output

BETWEEN = "between the seeds"
names = (f"test {i} 🌄 ../'" for i in itertools.count())


def study(g: Graph, latent, name: str, budget: int = 12, **settings):
    return g(
        "SurrogateStudy",
        space=g.space("12, 99, 1024"),
        latent=latent,
        name=name,
        **{"optimiser": BETWEEN, "budget": budget, "population": 4, "random_seed": 5, **settings},
    )


def loop(comfy, name: str, until_finished: bool = False, statistic: str = "brightest_x", **settings):
    """Ask, stock nodes, a score, Tell. Returns the graph, and what its Tell says after a run."""
    g = Graph(comfy)
    model, vae, conditioning, latent = g.demo()
    ask = g("SurrogateAsk", study=study(g, latent, name, **settings))
    noise = g("SurrogateNoise", space=ask[2], points=ask[1], latent=latent)
    images = g.decoded(g.custom(model, conditioning, noise[0], noise[1], steps=1), vae)
    scores = g("SurrogatePictureStatistics", statistic=statistic, images=images)
    tell = g("SurrogateTell", study=ask, scores=scores, images=images, until_finished=until_finished)
    g("SaveImage", images=tell[2], filename_prefix=f"search/{abs(hash(name))}")
    return g, tell


def search(comfy, name: str, score_seeds: bool = False, **settings):
    g = Graph(comfy)
    model, vae, conditioning, latent = g.demo()
    node = g(
        "SurrogateSearch",
        **g.sampling(model, conditioning),
        latent=latent,
        vae=vae,
        study=study(g, latent, name, **settings),
        scorer=g("SurrogatePictureStatistics", statistic="brightest_x")[1],
        n_best=2,
        score_seeds=score_seeds,
    )
    return g, node


def storage(comfy):
    return comfy.server.base / "user" / "surrogate_studies.db"


def history(comfy, name: str):
    return Study.load(storage(comfy), name).history()


def saved(entry: dict) -> list[str]:
    images = [i for node in entry["outputs"].values() for i in node.get("images", [])]
    return [i["filename"] for i in images if i["type"] == "output"]


def wait_finished(comfy, name: str, seconds: float = 120):
    deadline = time.monotonic() + seconds
    while not (report := Study.load(storage(comfy), name).report()).finished:
        assert time.monotonic() < deadline, str(report)
        time.sleep(0.1)
    return report


def route(comfy, name: str) -> dict:
    url = f"{comfy.server.url}/surrogate/study?name={urllib.parse.quote(name, safe='')}"
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def test_each_run_of_ask_and_tell_is_one_generation(comfy):
    name = next(names)
    for generation in (1, 2, 3):
        graph, _ = loop(comfy, name)
        entry = graph.run()
        assert len(history(comfy, name)) == 4 * generation
        assert len(saved(entry)) == 1
    rows = history(comfy, name)
    assert rows.generation.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert np.isfinite(rows.scores).all()
    told = route(comfy, name)
    assert told["finished"] and told["evaluated"] == 12
    assert told["best"]["scores"][0] == rows.scores.max()
    assert told["best"]["u"] == rows.u[rows.scores[:, 0].argmax()].tolist()


def test_a_finished_study_renders_nothing_and_still_gives_the_best(comfy):
    name = next(names)
    graph, _ = loop(comfy, name, budget=4)
    first = graph.run()
    graph, _ = loop(comfy, name, budget=4)
    again = graph.run()
    assert len(history(comfy, name)) == 4
    read = [(output(comfy) / "search" / saved(entry)[0]).read_bytes()[-5000:] for entry in (first, again)]
    assert read[0] == read[1]  # the same picture, from the disk


def test_until_finished_is_a_whole_search_from_one_prompt(comfy):
    name = next(names)
    graph, _ = loop(comfy, name, until_finished=True)
    assert saved(graph.run()) == []  # what follows Tell waits for the end
    assert wait_finished(comfy, name).evaluated == 12
    time.sleep(1)
    files = list((output(comfy) / "search").glob(f"{abs(hash(name))}_*"))
    assert len(files) == 1


def test_the_search_node_finds_what_ask_and_tell_find(comfy):
    """The same study definition asks for the same points, whichever way it is run."""
    one, other = next(names), next(names)
    graph, node = search(comfy, one)
    scores = graph.keep(node[4])
    graph.run()
    for _ in range(3):
        loop(comfy, other)[0].run()
    a, b = history(comfy, one), history(comfy, other)
    assert np.array_equal(a.u, b.u)
    np.testing.assert_allclose(a.scores, b.scores, atol=2e-3)
    assert len(scores.tensors) == 2 and float(max(t.max() for t in scores.tensors.values())) == a.scores.max()


def test_a_search_goes_on_where_it_was(comfy):
    name = next(names)
    search(comfy, name, budget=4)[0].run()
    loop(comfy, name, budget=8)[0].run()
    search(comfy, name, budget=12)[0].run()
    whole = next(names)
    search(comfy, whole, budget=12)[0].run()
    assert np.array_equal(history(comfy, name).u, history(comfy, whole).u)


def test_cancel_in_a_search_loses_nothing(comfy):
    name = next(names)
    graph, _ = search(comfy, name, budget=400)
    queued = comfy.client.queue(graph.prompt)
    deadline = time.monotonic() + 60
    while not storage(comfy).exists() or not _evaluated(comfy, name):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    comfy.client.interrupt()
    with pytest.raises(Exception):  # noqa: B017, the client's word for it
        comfy.client.wait(queued, 60)
    done = _evaluated(comfy, name)
    assert 0 < done < 400
    search(comfy, name, budget=done + 4)[0].run()
    after = history(comfy, name)
    assert (after.state == "complete").sum() >= done + 4 - 3
    assert len({(r, g, i) for r, g, i in zip(after.run, after.generation, after.index)}) == len(after)


def _evaluated(comfy, name: str) -> int:
    try:
        return Study.load(storage(comfy), name).report().evaluated
    except RuntimeError:
        return 0


def test_a_search_leaves_its_seeds_unless_it_is_told_to_stay_between_them(comfy):
    offered = comfy.client.object_info("SurrogateStudy")["SurrogateStudy"]["input"]["required"]["optimiser"]
    for where, optimiser in ((offered[1]["default"], "adaptive"), (BETWEEN, "cma-es")):
        name = next(names)
        for chosen in (where, optimiser):  # a workflow from before, which names the optimiser, continues the same study
            loop(comfy, name, optimiser=chosen)[0].run()
        assert Study.load(storage(comfy), name).definition.optimiser == optimiser
        assert len(history(comfy, name)) == 8


def test_another_space_under_the_same_name_is_refused_or_numbered(comfy):
    name = next(names)
    loop(comfy, name)[0].run()
    with pytest.raises(ExecutionFailed, match=r"seed: 5 in the study, 6 now"):
        loop(comfy, name, random_seed=6)[0].run()
    loop(comfy, name, random_seed=6, if_it_differs="start a new study")[0].run()
    assert len(history(comfy, f"{name} (2)")) == 4
    assert len(history(comfy, name)) == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "  "}, "needs a name"),
        ({"name": "x" * 301}, "at most 300"),
        ({"settings": "{"}, "settings is not JSON"),
        ({"settings": '{"nonsense": 1}'}, "no setting 'nonsense'"),
        ({"more_directions": "minimize"}, "several|one score|nsga-ii"),
        ({"optimiser": "nsga-ii"}, "several|two|scores"),
    ],
)
def test_a_study_that_cannot_be_says_why(comfy, settings, message):
    name = settings.pop("name", None) or next(names)
    with pytest.raises(ExecutionFailed, match=message):
        loop(comfy, name, **settings)[0].run()


def test_one_number_for_many_images_is_an_error_and_nothing_is_recorded(comfy):
    name = next(names)
    g = Graph(comfy)
    latent = g.demo()[3]
    ask = g("SurrogateAsk", study=study(g, latent, name))
    number = g("PrimitiveFloat", value=0.5)
    g("SurrogateTell", study=ask, scores=number)
    with pytest.raises(ExecutionFailed, match="one number for 4 images"):
        g.run()
    assert _evaluated(comfy, name) == 0
    loop(comfy, name)[0].run()  # the same points again, and all is well
    assert _evaluated(comfy, name) == 4


def test_scores_that_are_not_numbers_fail_alone(comfy):
    """1/0 for one image, NaN for another: the generation is recorded, the failures are named in the log."""
    name = next(names)
    g = Graph(comfy)
    model, vae, conditioning, latent = g.demo()
    ask = g("SurrogateAsk", study=study(g, latent, name))
    noise = g("SurrogateNoise", space=ask[2], points=ask[1], latent=latent)
    images = g.decoded(g.custom(model, conditioning, noise[0], noise[1], steps=1), vae)
    x = g("SurrogatePictureStatistics", statistic="brightest_x", images=images)
    g("SurrogateTell", study=ask, scores=g("SurrogateCombineScores", expression="log(a - 0.5)", a=x))
    log = Log(comfy)
    g.run()
    rows = history(comfy, name)
    failed = rows.state == "failed"
    assert np.isfinite(rows.scores[~failed]).all()
    assert not failed.any() or log.wait_for("not finite")


def test_tell_without_ask_says_what_to_do(comfy):
    g = Graph(comfy)
    latent = g.demo()[3]
    g("SurrogateTell", study=study(g, latent, next(names)), scores=g("PrimitiveFloat", value=1.0))
    with pytest.raises(ExecutionFailed, match="put Surrogate Ask between"):
        g.run()


def test_combined_scorers_and_a_target(comfy):
    """Match Image finds the picture of a seed at that seed."""
    g = Graph(comfy)
    model, vae, conditioning, latent = g.demo()
    space = g.space("12, 99, 1024")
    noise = g("SurrogateNoise", space=space, points=g.vertices(space, 3), latent=latent)
    images = g.decoded(g.custom(model, conditioning, noise[0], noise[1], steps=4), vae)
    target = g("ImageFromBatch", image=images, batch_index=1, length=1)
    match = g("SurrogateMatchImage", target=target, images=images)
    scores = g.keep(match[0])
    doubled = g.keep(g("SurrogateCombineScores", expression="2 * a", a=match[0])[0])
    g.run()
    values = np.array([float(t) for _, t in sorted(scores.tensors.items())])
    assert values.argmax() == 1 and values[1] == 0
    assert np.allclose([float(t) for _, t in sorted(doubled.tensors.items())], 2 * values)


def test_an_unknown_study_is_404(comfy):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        route(comfy, "there is no such study")


@pytest.mark.parametrize(
    ("node", "value", "score"),
    [
        ("PrimitiveFloat", 0.5, 0.5),
        ("PrimitiveInt", 7, 7.0),
        ("PrimitiveBoolean", True, 1.0),
        ("TestText", "Score: 7/10", 7.0),
        ("TestText", "no face found", None),
    ],
)
def test_scores_of_any_kind_of_node(comfy, node, value, score):
    name = next(names)
    g = Graph(comfy)
    latent = g.demo()[3]
    opened = study(g, latent, name, budget=1, population=1, optimiser="random")
    scores = g(node, **{"text" if node == "TestText" else "value": value})
    known = g(
        "SurrogateKnownScores",
        study=opened,
        points=g("SurrogateWeights", space=g.space("12, 99, 1024"), weights="1 0 0"),
        scores=scores,
    )
    g("SurrogateTell", study=g("SurrogateAsk", study=known), scores=scores)
    g.run()
    rows = history(comfy, name)
    assert rows.state.tolist() == ["failed" if score is None else "complete"] * 2
    assert score is None or rows.scores.tolist() == [[score]] * 2
