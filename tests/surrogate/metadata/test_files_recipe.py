"""The noises in a file of their own, which many pictures of Render Points share."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from surrogate import Seeds, SurrogateSpace
from surrogate.files.tensors import load_tensors, save_tensors
from surrogate.metadata import recipe, seeds_of, seeds_of_pictures

from .kit import answers, png, text


def rendered(folder: Path, count: int, side: int = 8) -> list[Path]:
    noises = torch.randn(2, 4, side, side, generator=torch.Generator().manual_seed(3))
    space = SurrogateSpace(Seeds.from_tensors(noises, ["mine 1", "mine 2"]) + Seeds.from_text("12"))
    save_tensors(space.seeds, folder / "mine.safetensors")
    paths = []
    for i in range(count):
        said = {"space": space.recipe(), "u": [0.2, (i + 1) / (count + 2)], "tensors": "mine.safetensors"}
        paths.append(folder / f"x_{i:05}.png")
        paths[-1].write_bytes(png(text("surrogate", json.dumps(said))))
    return paths


def test_noises_are_read_once_for_all_pictures(tmp_path, monkeypatch):
    loaded = []

    def counted(path):
        loaded.append(path)
        return load_tensors(path)

    monkeypatch.setattr(recipe, "load_tensors", counted)
    paths = rendered(tmp_path, 20)
    made = seeds_of_pictures(paths)
    assert len(made.seeds) == 20 and len(loaded) == 1
    (alone,) = seeds_of(paths[7]).seeds
    assert torch.equal(made.seeds[7].noise(made.seeds[7].parts)[0], alone.noise(alone.parts)[0])


def test_noises_that_change_meanwhile_are_noticed(tmp_path):
    paths = rendered(tmp_path, 3)
    other = torch.randn(2, 4, 9, 8)

    def progress(done: int, total: int) -> None:
        if done == 1:
            save_tensors(Seeds.from_tensors(other), tmp_path / "mine.safetensors")

    made = seeds_of_pictures(paths, progress=progress)
    assert [bool(one.seeds) for one in made.found] == [True, False, False]
    assert "its recipe cannot be used" in made.found[1].reason


def test_files_of_noises_as_weapons(tmp_path):
    """Headers that lie about their length, hold thousands of tensors, or tensors without end."""
    headers = {
        "a long header": (2**63).to_bytes(8, "little") + b"{}",
        "a deep header": (200_000).to_bytes(8, "little") + b"[" * 200_000,
        "many tensors": json.dumps({f"{i:064x}.0": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(100_000)}).encode(),
        "a tensor without end": json.dumps({"ab" * 32 + ".0": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 2**62]}}).encode(),
        "an endless part": json.dumps({"ab" * 32 + "." + "9" * 5000: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}).encode(),
    }  # fmt: skip
    paths = []
    for number, (name, data) in enumerate(headers.items()):
        (tmp_path / str(number)).mkdir()
        (path,) = rendered(tmp_path / str(number), 1)
        head = b"" if name.startswith(("a long", "a deep")) else len(data).to_bytes(8, "little")
        (path.parent / "mine.safetensors").write_bytes(head + data)
        paths.append(path.rename(path.parent / f"{number}.png"))
    said = answers(paths)
    for one in said.values():
        assert not one["labels"] and "its recipe cannot be used" in one["reason"] and one["memory"] < 300
        assert len(one["reason"]) < 500
