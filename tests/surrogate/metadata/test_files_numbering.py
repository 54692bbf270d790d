"""Which picture of a batch a file is: large batches, names with sizes and dates in them, and Cancel."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from surrogate.metadata import seeds_of, seeds_of_pictures
from surrogate.metadata.files.numbering import Numbered, Row

from .kit import graph, node, picture, png, text


def batch(folder: Path, prompt, numbers, name="x_{:05}_.png") -> list[Path]:
    data = picture(prompt)
    paths = [folder / name.format(i) for i in numbers]
    for path in paths:
        path.write_bytes(data)
    return paths


def labels(path: Path) -> list[str]:
    return [seed.label for seed in seeds_of(path).seeds]


def reference(kinds: dict[int, str], number: int, count: int, sure: bool) -> list[int]:
    """What `Row.positions` promises, from its docstring: all starts are tried."""
    if count == 1 and sure:
        return [0]
    first = last = number
    while kinds.get(first - 1) == "S":
        first -= 1
    while kinds.get(last + 1) == "S":
        last += 1
    length = last - first + 1
    if not sure:
        return [number - first] if length == count else []
    if length > count and length % count == 0:
        return [(number - first) % count]
    starts = [
        s
        for s in range(max(1, number - count + 1), number + 1)
        if all(kinds.get(n, "S") == "S" for n in range(s, s + count))
    ]
    near = [n for n in range(max(1, number - count + 1), number + count) if kinds.get(n) == "S"]
    whole = [s for s in starts if all(s <= n < s + count for n in near)] if length <= count else []
    return sorted(number - s for s in whole or starts)


def test_all_small_folders():
    chance = random.Random(7)
    for _ in range(400):
        mixture = chance.choice(("S", "SO", "S.", "SO.", "SSSSO", "SSSSSSS."))
        kinds = {n: kind for n in range(1, chance.randrange(2, 65)) if (kind := chance.choice(mixture)) != "."}
        row = Row(Numbered({n: [Path(kind)] for n, kind in kinds.items()}), lambda path: path.name == "S")
        count, sure = chance.randrange(1, 12), chance.random() < 0.8
        for number in [n for n, kind in kinds.items() if kind == "S"]:
            assert row.positions(number, count, sure) == reference(kinds, number, count, sure), (kinds, number, count)


def test_a_large_batch_takes_no_longer_a_picture():
    """Each file is asked once, and 20 000 positions in rows of 4000 are told within the patience of any machine."""
    asked = []

    def same(path: Path) -> bool:
        asked.append(path)
        return path.name == "S"

    files = {n: [Path("S" if n % 4001 else "O")] for n in range(1, 20_006) if n % 977}
    row = Row(Numbered(files), same)
    start = time.process_time()
    told = {n: row.positions(n, 4000) for n, (path,) in files.items() if path.name == "S"}
    assert time.process_time() - start < 60
    assert len(asked) <= len(files)
    assert told[4000] == [3999] and told[1] == [0] and told[4002] == [0]


def test_few_neighbours_are_read(tmp_path):
    """One picture of a batch of 4 in a folder of many runs: not the whole folder."""
    paths = batch(tmp_path, graph(4), range(1, 1201))
    opened = []
    made = seeds_of_pictures([paths[600]], progress=lambda done, total: opened.append(done))
    assert "one of 4 noises made it" in made.report  # more runs than are told apart
    assert len(opened) < 700


def test_reading_neighbours_can_be_cancelled(tmp_path):
    class Cancelled(Exception):
        pass

    calls = []

    def progress(done: int, total: int) -> None:
        calls.append((done, total))
        if len(calls) == 50:
            raise Cancelled

    paths = batch(tmp_path, graph(300), range(1, 301))
    with pytest.raises(Cancelled):
        seeds_of_pictures(paths[:2], progress=progress)
    assert set(calls) == {(0, 2)}


def test_progress_ends_with_the_number_of_files(tmp_path):
    calls = []
    seeds_of_pictures(batch(tmp_path, graph(2), (1, 2)), progress=lambda *done: calls.append(done))
    assert calls[0] == (0, 2) and calls[-1] == (2, 2) and calls == sorted(calls)


@pytest.mark.parametrize(
    "prefix, names",
    [
        ("x_%width%x%height%", "x_8x8_{:05}_.png"),
        ("deep/%year%-%month%-%day%/x", "x_{:05}_.png"),
        ("%year%%month%%day%_%hour%%minute%%second%", "20261130_164500_{:05}_.png"),
        ("x_%width%_%second%", "x_8_59_{:05}_.png"),
        ("ü 🏔 [x] (1)", "ü 🏔 [x] (1)_{:05}_.png"),
        ("x_00007", "x_00007_{:05}_.png"),
        ("%", "%_{:05}_.png"),
        ("%nothing%", "%nothing%_{:05}_.png"),
    ],
)
def test_names_with_sizes_and_dates(tmp_path, prefix, names):
    paths = batch(tmp_path, graph(3, prefix=prefix), (11, 12, 13), names)
    batch(tmp_path, graph(1, prefix="other"), (10, 14), "other_{:05}_.png")
    assert [labels(path) for path in paths] == [["5:0/3"], ["5:1/3"], ["5:2/3"]]


def test_the_number_in_a_batch_in_the_name(tmp_path):
    """%batch_num% tells the place even of a single file, and twice in a name it must be the same number."""
    prompt = graph(3, prefix="x_%width%_%batch_num%")
    paths = [tmp_path / f"x_8_{i}_{i + 4:05}_.png" for i in range(3)]
    for path in paths:
        path.write_bytes(picture(prompt))
    assert [labels(path) for path in paths] == [["5:0/3"], ["5:1/3"], ["5:2/3"]]
    paths[0].unlink(), paths[1].unlink()
    assert labels(paths[2]) == ["5:2/3"]
    twice = tmp_path / "1_x_2_00001_.png"
    twice.write_bytes(picture(graph(3, prefix="%batch_num%_x_%batch_num%")))
    assert "its name is not the one that it was saved under" in seeds_of(twice).reason


def test_sizes_are_those_of_the_file(tmp_path):
    """A name made for another size is not this one's."""
    path = tmp_path / "x_16x8_00001_.png"
    path.write_bytes(picture(graph(2, prefix="x_%width%x%height%")))
    assert "its name is not the one that it was saved under" in seeds_of(path).reason
    path.write_bytes(png(text("prompt", graph(1, prefix="x_%width%x%height%")), size=(16, 8)))
    assert labels(path) == ["5"]


def test_many_names_in_one_folder(tmp_path):
    """Each picture of a prefix of its own, as names with a seed in them: the folder is not searched for each."""
    for i in range(300):
        batch(tmp_path, graph(2, prefix=f"seed {i}"), (1, 2), f"seed {i}" + "_{:05}_.png")
    made = seeds_of_pictures(sorted(tmp_path.iterdir()))
    assert all(one.seeds or "counts once" in one.reason for one in made.found)
    assert made.seeds.labels == ("5:0/2", "5:1/2")


@pytest.mark.parametrize("kind", ["SaveImageAdvanced", "SaveAudioAdvanced"])
def test_what_the_advanced_nodes_write(tmp_path, kind):
    """Names without an underscore at the end; the format is an input. The third of four is deleted."""
    saver = node(kind, images=["decoded", 0], filename_prefix="x", format="png", **{"format.bit_depth": "8-bit"})
    paths = batch(tmp_path, graph(4, save=saver), (1, 2, 4), "x_{:05}.png")
    assert [labels(path) for path in paths] == [["5:0/4"], ["5:1/4"], ["5:3/4"]]
    assert not seeds_of(paths[0]).notes
    saver["inputs"]["format"] = "exr"  # the PNG is another node's
    other = node("SaveImage", images=["second", 0], filename_prefix="x")
    second = {"second": node("VAEDecode", samples=["s2", 0], vae=["model", 2]), "s2": graph()["sampler"] | {}}
    second["s2"] = {**second["s2"], "inputs": {**second["s2"]["inputs"], "seed": 9}}
    (path,) = batch(tmp_path / "..", graph(1, save=saver, other=other, **second), (1,), "x_{:05}_.png")
    assert labels(path) == ["9"]
