"""Small files that stand for gigabytes or hours: each gets its answer at once, in little memory."""

from __future__ import annotations

import functools
import json
import zlib

import pytest

from .kit import MOST_MEMORY, answers_of, chunk, graph, ksampler, node, picture, png, text


def compressed(name: bytes, data: bytes, kind: bytes = b"zTXt") -> bytes:
    return chunk(kind, name + (b"\0\0" if kind == b"zTXt" else b"\0\1\0\0\0") + deflated(data))


@functools.cache
def deflated(data: bytes) -> bytes:
    return zlib.compress(data)


def chain(kind: str, count: int, **inputs) -> dict:
    """`count` nodes one after the other behind the decoder."""
    return {f"n{i}": node(kind, image=[f"n{i - 1}" if i else "decoded", 0], **inputs) for i in range(count)}


def behind(nodes: dict, count: int) -> bytes:
    return picture(graph(count, image=(list(nodes)[-1], 0), **nodes))


def fork(name: str) -> dict:
    """Nodes that are each given the one before twice: two to the sixty ways to the first."""
    return {
        f"{LONG}{name}{i}": node("Some", **{x: [f"{LONG}{name}{i - 1}", 0] if i else 1 for x in "xy"})
        for i in range(61)
    }


def contexts(name: str) -> dict:
    """Contexts that each hold the one before three times."""
    held = {f"{name}{i}": {x: [f"{name}{i - 1}", 0] for x in ("latent", "seed", "model")} for i in range(1, 41)}
    return {i: node("Context (rgthree)", **inputs) for i, inputs in ({f"{name}0": {"seed": 7}} | held).items()}


LONG = "0" * 40  # a node's id is shown as far as this
EIGHT = b" " * ((8 << 20) - 1)
TOGETHER, WORK = "MiB together", "too much work"
WIDE = "🏔".encode() + b" " * ((4 << 20) - 8)
SPACE = {
    "seeds": node("SurrogateSeedsFromIntegers", seeds="", first=0, count=1024),
    "space": node("SurrogateSpace", seeds=["seeds", 0], chart="angular", transport="gaussian"),
}

CASES = {
    "many compressed texts": (lambda: png(*[compressed(b"k%d" % i, EIGHT) for i in range(40)]), TOGETHER),
    "many compressed texts of one name": (lambda: png(*[compressed(b"prompt", EIGHT)] * 40), TOGETHER),
    "texts with one wide letter": (lambda: png(*[compressed(b"k%d" % i, WIDE, b"iTXt") for i in range(40)]), TOGETHER),
    "many unknown nodes": (lambda: behind(chain("Some", 800, a=1), 4096), WORK),
    "unknown nodes of many kinds": (
        lambda: behind({k: n | {"class_type": f"Some{k}"} for k, n in chain("Some", 800).items()}, 4096),
        WORK,
    ),
    "many known nodes": (lambda: behind(chain("ImageSharpen", 300, sharpen_radius=1), 4096), WORK),
    "many samplers": (
        lambda: behind({f"n{i}": ksampler(seed=i, latent_image=[f"n{i - 1}" if i else "latent", 0]) for i in range(200)}, 4096),
        WORK,
    ),
    "a batch cut into pieces": (
        lambda: behind({"cut": node("RebatchImages", images=["decoded", 0], batch_size=1)} | {f"n{i}": node("ImageSharpen", image=[f"n{i - 1}" if i else "cut", 0], radius=1) for i in range(500)}, 4096),
        WORK,
    ),
    "many large sets of points": (
        lambda: picture(graph(image=("render", 0), **SPACE, render=node("SurrogateRenderPoints", space=["space", 0], points=["p499", 0], latent=["latent", 0]), **{f"p{i}": node("SurrogateSelectPoints", points=[f"p{i - 1}" if i else "first", 0], numbers="1-200") for i in range(500)}, first=node("SurrogateRandomPoints", space=["space", 0], count=200, method="uniform"))),
        WORK,
    ),
    "spaces within spaces": (
        lambda: picture(graph(image=("render", 0), **SPACE, **{k: n for i in range(40) for k, n in (
            (f"w{i}", node("SurrogateWeights", space=[f"o{i - 1}" if i else "first", 0], weights="1 1\n1 2")),
            (f"s{i}", node("SurrogateSeedsFromPoints", space=[f"o{i - 1}" if i else "first", 0], points=[f"w{i}", 0])),
            (f"o{i}", node("SurrogateSpace", seeds=[f"s{i}", 0], chart="angular", transport="gaussian")),
        )}, first=node("SurrogateSpace", seeds=["two", 0], chart="angular", transport="gaussian"), two=node("SurrogateSeedsFromIntegers", seeds="1 2"),
        render=node("SurrogateRenderPoints", space=["o39", 0], points=["last", 0], latent=["latent", 0]), last=node("SurrogateWeights", space=["o39", 0], weights="1 1"))),
        "spaces within spaces",
    ),
    "one long text read by many nodes": (
        lambda: picture(graph(**{f"s{i}": node("SurrogateSeedsFromIntegers", seeds=["t", 0]) for i in range(500)}, t=node("Text", text="1, " * 100_000), **{f"save{i}": node("SaveImage", images=[f"s{i}", 0], filename_prefix="x") for i in range(500)})),
        "no sampler",
    ),
    "many save nodes": (lambda: picture(graph(4096, **{f"save{i}": node("SaveImage", images=["decoded", 0], filename_prefix="x") for i in range(500)})), WORK),
    "two forks that look alike": (
        lambda: picture(graph(image=("switch", 0), switch=node("ComfySwitchNode", switch=["f", 0], on_true=[f"{LONG}a60", 0], on_false=[f"{LONG}b60", 0]), f=node("Flag", a=1, b=2), **fork("a"), **fork("b"))),
        "cannot be told|no sampler",
    ),
    "two rows of contexts that look alike": (
        lambda: picture(graph(image=("switch", 0), switch=node("ComfySwitchNode", switch=["f", 0], on_true=["a40", 0], on_false=["b40", 0]), f=node("Flag", a=1, b=2), **contexts("a"), **contexts("b"))),
        "cannot be told",
    ),
    "a circle": (lambda: picture(graph(image=("n1", 0), n0=node("ImageSharpen", image=["n1", 0]), n1=node("ImageSharpen", image=["n0", 0]))), "circle"),
    "a node that reads itself": (lambda: picture(graph(sampler=ksampler(latent_image=["sampler", 0]))), "circle"),
    "links to nodes that are not there": (lambda: picture(graph(sampler=ksampler(latent_image=["gone", 0]))), "comes from node gone, which is not in its prompt"),
    "half of a letter in names": (lambda: picture(graph(**{"\ud800": node("\ud800", a=1)}, sampler=ksampler("\ud800", seed=["\ud800", 0]))), "cannot be told|not a sampler whose"),
    "zeros in names": (lambda: picture(graph(sampler=ksampler("KSampler\0", seed=5, a="\0"))), "not a sampler whose noise"),
    "a name twice, the second time for a list": (lambda: picture('{"1": {"class_type": "SaveImage", "inputs": {"images": [[1], 0]}, "inputs": []}}'), "not a graph of nodes"),
    "many nodes": (lambda: picture({str(i): node("a") for i in range(20_000)}), "more than 5000"),
    "a name of a megabyte": (lambda: picture({"1" * (1 << 20): node("a" * (1 << 20), b=["1" * (1 << 20), 0])}), "no node that saves|circle|no sampler"),
    "an integer of a million digits": (lambda: picture('{"1": {"class_type": "a", "inputs": {"seed": ' + "1" * 1_000_000 + "}}}"), "cannot be read"),
    "many integers of 4000 digits": (lambda: picture('{"1": {"class_type": "a", "inputs": {"seed": [' + ",".join(["1" * 4000] * 1000) + "]}}}"), "no node that saves|no sampler"),
    "a seed that is not a number": (lambda: picture(json.dumps(graph(sampler=ksampler(seed=float("nan"))))), "cannot be told"),
    "an endless seed": (lambda: picture(json.dumps(graph(sampler=ksampler(seed=float("inf"))))), "cannot be told"),
    "a batch without end": (lambda: picture(graph(10**30)), "batch_size"),
    "a list of lists": (lambda: picture("[" + "[],[]," * 100_000 + "[]]"), "not a graph"),
    "a recipe of lists": (lambda: png(text("surrogate", '{"space": [' + "[[],[]]," * 100_000 + '[]], "u": [0]}')), "recipe"),
    "a deep recipe": (lambda: png(text("surrogate", '{"space": ' + '{"a":' * 200_000 + "1" + "}" * 200_000 + ', "u": [0]}')), "recipe"),
    "a recipe of many numbers": (lambda: png(text("surrogate", '{"space": {}, "u": [' + "0.5," * 200_000 + "1]}")), "recipe"),
}  # fmt: skip


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    return answers_of(tmp_path_factory.mktemp("hostile"), {name: make() for name, (make, _) in CASES.items()})


@pytest.mark.parametrize("name", CASES)
def test_small_files_cannot_take_much(said, name):
    assert not said[name]["labels"]
    with pytest.raises(ValueError, match=CASES[name][1]):
        raise ValueError(said[name]["reason"])
    assert said[name]["memory"] < MOST_MEMORY and len(said[name]["reason"]) < 500
    assert said[name]["reason"].isprintable()  # names of nodes come from strangers, and reasons go to terminals


def test_what_is_large_but_plausible_is_followed(tmp_path):
    """A batch of 4096 behind what a workflow has of nodes; a picture behind many nodes that are not known."""
    files = {
        "a large batch": behind(chain("ImageSharpen", 20, sharpen_radius=1), 4096),
        "a long row": picture(graph(**chain("Some", 900, a=1), save=node("SaveImage", images=["n899", 0], filename_prefix="x"))),
        "a batch behind unknown nodes": behind(chain("Some", 30, a=1), 64),
    }  # fmt: skip
    said = answers_of(tmp_path, files)
    assert "one of 4096 noises made it" in said["a large batch"]["reason"]
    assert said["a long row"]["labels"] == ["5"]
    assert "one of 64 noises made it" in said["a batch behind unknown nodes"]["reason"]
