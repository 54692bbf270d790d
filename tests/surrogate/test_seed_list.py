"""The seed files of a folder."""

import os
import time

import pytest
import safetensors.torch
import torch

from surrogate import Seeds
from surrogate.files.folder import seed_files
from surrogate.files.seed_file import save_seeds


def put(path, seeds="1, 2"):
    path.parent.mkdir(parents=True, exist_ok=True)
    save_seeds(Seeds.from_text(seeds), path)
    return path


def age(*paths) -> None:
    """As if nothing had happened there for a while."""
    for path in paths:
        os.utime(path, (time.time() - 100, time.time() - 100))


def test_seed_files_of_all_folders_and_nothing_else(tmp_path):
    ours = {put(tmp_path / name) for name in ("a.safetensors", "deep/er/ü 🏔.safetensors", "deep/LOUD.SAFETENSORS")}
    for name in (".hidden.safetensors", ".hidden/b.safetensors", "c.png"):
        put(tmp_path / name)
    safetensors.torch.save_file({"lora": torch.zeros(3)}, tmp_path / "lora.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"12")
    (tmp_path / "folder.safetensors").mkdir()
    assert set(seed_files(tmp_path)) == ours
    assert seed_files(tmp_path / "nowhere") == []


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links(tmp_path):
    folder = tmp_path / "folder"
    put(folder / "a.safetensors")
    (folder / "circle").symlink_to(folder)
    (folder / "gone.safetensors").symlink_to(folder / "nowhere")
    assert seed_files(folder) == [folder / "a.safetensors"]


def test_there_is_an_end_to_it(tmp_path, monkeypatch):
    near = put(tmp_path / "seeds.safetensors")
    put(tmp_path / "a" / "b" / "far.safetensors")
    for i in range(10):
        (tmp_path / f"{i}.png").touch()
    monkeypatch.setattr("surrogate.files.folder.MOST_ENTRIES", 5)
    assert seed_files(tmp_path) == [near]


def test_folders_that_have_not_changed_are_not_read_again(tmp_path, monkeypatch):
    read = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: read.append(path) or scandir(path))
    a = put(tmp_path / "one" / "a.safetensors")
    put(tmp_path / "two" / "b.safetensors")
    folders = [str(tmp_path), str(tmp_path / "one"), str(tmp_path / "two")]
    for _ in range(2):  # what has changed just now may be changing still
        assert len(seed_files(tmp_path)) == 2
    assert read == folders * 2
    age(*folders)
    read.clear()
    for _ in range(3):
        assert len(seed_files(tmp_path)) == 2
    assert read == folders

    read.clear()
    (tmp_path / "two" / "b.safetensors").unlink()
    assert seed_files(tmp_path) == [a]
    assert read == folders[2:]
    new = put(tmp_path / "one" / "new.safetensors")
    assert set(seed_files(tmp_path)) == {a, new}


def test_files_are_looked_at_each_time(tmp_path):
    """Written in place, a file becomes one of ours, or ceases to be, without a change of its folder."""
    path = put(tmp_path / "a.safetensors")
    whole = path.read_bytes()
    age(tmp_path)
    for content, listed in ((whole, [path]), (b"a model", []), (whole, [path])):
        path.write_bytes(content)
        assert seed_files(tmp_path) == listed
