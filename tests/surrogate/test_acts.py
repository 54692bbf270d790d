"""Each node is told once: its act is a function of `surrogate` that the node and the reader of prompts both call."""

import inspect

import pytest

from surrogate import Seeds, SurrogateSpace
from surrogate.metadata.graph.ours import OURS
from surrogate.points import acts
from surrogate.seeds import acts as seed_acts
from surrogate.space import acts as space_acts

ACTS = {
    "SurrogateSeedsFromIntegers": seed_acts.integers,
    "SurrogateJoinSeeds": seed_acts.join,
    "SurrogateSeedsFromPoints": acts.seeds,
    "SurrogateSpace": space_acts.space,
    "SurrogatePoint": acts.point,
    "SurrogateWeights": acts.weights,
    "SurrogateGrid": acts.grid,
    "SurrogateCorners": acts.corners,
    "SurrogateSlice": acts.slice_through,
    "SurrogatePath": acts.path,
    "SurrogateNeighbours": acts.neighbours,
    "SurrogateRandomPoints": acts.random_points,
    "SurrogateSelectPoints": acts.select,
    "SurrogateNoise": acts.batches,
    "SurrogateNoiseOverTime": acts.stretches_in_batches,
}
# Nodes that take more than their act: a space, and what is sampled.
MORE = {"SurrogateNoise", "SurrogateNoiseOverTime"}
SPACE = SurrogateSpace(Seeds.from_text("12, 99, 1024, 7"))


def given(act) -> dict:
    """Parameter -> default, where there is one."""
    parameters = inspect.signature(act).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def inputs_of(schema: dict) -> dict[str, dict]:
    """Input -> its settings, where it is typed and not connected."""
    named = {**schema["input"].get("required", {}), **schema["input"].get("optional", {})}
    return {name: more[0] for name, (_, *more) in named.items() if more and "default" in more[0]}


@pytest.mark.parametrize("name", ACTS)
def test_the_reader_of_prompts_calls_the_act(name):
    function = OURS[name].function
    assert inspect.unwrap(function) is ACTS[name]
    taken = inspect.signature(function).parameters
    for parameter in inspect.signature(ACTS[name]).parameters.values():
        assert taken[parameter.name].default is parameter.default
    others = taken.keys() - inspect.signature(ACTS[name]).parameters.keys()
    assert others == ({"place", "space", "latent"} if name in MORE else {"place"})


@pytest.mark.parametrize("name", ACTS)
def test_a_node_shows_the_defaults_of_its_act(schemas, name):
    act = inspect.signature(ACTS[name]).parameters
    shown = {i: more["default"] for i, more in inputs_of(schemas[name]).items() if i in act}
    assert shown == {i: value for i, value in given(ACTS[name]).items() if value is not None}
    named = [*schemas[name]["input"].get("required", {}), *schemas[name]["input"].get("optional", {})]
    assert [i for i in named if i in act] == list(act)
    assert named == list(act) or name in MORE
    optional = schemas[name]["input"].get("optional", {})
    assert all(i in given(ACTS[name]) for i in optional), "an optional input needs a default in the act"


@pytest.mark.parametrize(
    "name",
    [name for name, act in ACTS.items() if {"space"} == set(inspect.signature(act).parameters) - set(given(act))],
)
def test_defaults_are_points_of_a_space_of_four_seeds(name):
    points = ACTS[name](SPACE)
    assert len(points) and points.w.shape[1] == 4
