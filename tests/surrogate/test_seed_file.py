"""Seeds in files of their own."""

import json
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
import safetensors.torch
import torch

from surrogate import PointSeed, Seeds, SurrogateSpace, space_from_recipe
from surrogate.files.seed_file import KEY, FileSeed, is_seed_file, load_seeds, save_seeds
from surrogate.files.tensors import load_tensors, save_tensors

SHAPE = (4, 6, 10)


def noises(*shape, seed=0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def mixed() -> Seeds:
    """Integers, noises, and points of spaces of both."""
    stored = Seeds.from_tensors(noises(3, *SHAPE), ["Ängström 🏔", "b/../c", "b"])
    space = SurrogateSpace(Seeds.join([Seeds.from_text("7, 42:1/4"), stored]))
    point = PointSeed(space, (0.3, 0.5, 0.2, 0.9), "point 3: between")
    return Seeds((*Seeds.from_text("12, 42:3/4"), *stored, point))


def same(a: Seeds, b: Seeds) -> bool:
    return (
        a.recipe() == b.recipe()
        and [seed.identity for seed in a] == [seed.identity for seed in b]
        and all(
            torch.equal(x, y)
            for one, other in zip(a, b, strict=True)
            for x, y in zip(one.noise(a.parts or (SHAPE,)), other.noise(a.parts or (SHAPE,)), strict=True)
        )
    )


@pytest.mark.parametrize(
    "seeds",
    [
        mixed(),
        Seeds.from_text("42"),
        Seeds.from_text("1, 1, 1:0/2"),
        Seeds.from_range(0, 1024),
        Seeds.from_tensors(noises(1, *SHAPE)),
        Seeds.from_tensors(noises(2, *SHAPE).repeat(2, 1, 1, 1), ["a", "a", "b", "c"]),
        Seeds.from_tensors([noises(2, 3, 5), noises(2, 7, seed=1)]),
        Seeds.from_tensors(noises(2, *SHAPE).to(torch.bfloat16)),
    ],
    ids=["mixed", "one", "repeated", "many", "one noise", "repeated noises", "nested", "bfloat16"],
)
def test_what_comes_back_is_what_was_saved(tmp_path, seeds):
    save_seeds(seeds, tmp_path / "seeds.safetensors", note="for Friday", latent_format="SDXL", provenance={"a": [1]})
    assert list(tmp_path.iterdir()) == [tmp_path / "seeds.safetensors"]
    assert is_seed_file(tmp_path / "seeds.safetensors")
    found = load_seeds(tmp_path / "seeds.safetensors")
    assert same(found.seeds, seeds)
    assert (found.note, found.latent_format, found.provenance) == ("for Friday", "SDXL", {"a": [1]})
    assert all(found.thumbnail(i) is None for i in range(len(seeds)))
    # And once more, from the file to another one: nothing is lost on the way.
    save_seeds(found.seeds, tmp_path / "again.safetensors", note="for Friday", latent_format="SDXL", provenance={"a": [1]})  # fmt: skip
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "seeds.safetensors").read_bytes()


def test_integers_are_stored_as_integers_and_equal_noises_once(tmp_path):
    save_seeds(Seeds.from_range(0, 500), tmp_path / "a.safetensors")
    assert safetensors.torch.load_file(tmp_path / "a.safetensors") == {}
    assert (tmp_path / "a.safetensors").stat().st_size < 30_000
    save_seeds(mixed() + mixed(), tmp_path / "b.safetensors")
    assert len(safetensors.torch.load_file(tmp_path / "b.safetensors")) == 3


def test_noises_stay_in_the_file_until_they_are_needed(tmp_path):
    path = tmp_path / "seeds.safetensors"
    save_seeds(Seeds.from_tensors(noises(3, *SHAPE)), path)
    found = load_seeds(path)
    assert all(isinstance(seed, FileSeed) for seed in found.seeds)
    assert found.seeds.parts == (SHAPE,)
    space = SurrogateSpace(found.seeds, transport="sphere")
    path.unlink()
    assert space.recipe()["seeds"][0]["shape"] == list(SHAPE)
    with pytest.raises(ValueError, match=r"seeds\.safetensors is gone"):
        space.latents([[0.5, 0.5]])


@pytest.mark.parametrize("transport", ["gaussian", "sphere"])
def test_a_space_of_them_has_the_same_bits(tmp_path, transport):
    seeds = Seeds.from_tensors(noises(5, *SHAPE))
    save_seeds(seeds, tmp_path / "seeds.safetensors")
    there, here = (SurrogateSpace(s, transport=transport) for s in (load_seeds(tmp_path / "seeds.safetensors").seeds, seeds))  # fmt: skip
    u = np.random.default_rng(0).random((7, 4))
    assert torch.equal(there.latents(u), here.latents(u))
    assert there.recipe() == here.recipe()
    # What stands beside pictures made with them is the same too.
    assert save_tensors(there.seeds, tmp_path / "beside.safetensors")
    again = space_from_recipe(there.recipe(), load_tensors(tmp_path / "beside.safetensors"))
    assert torch.equal(again.latents(u), here.latents(u))


def test_too_many_for_memory_are_streamed(tmp_path, monkeypatch):
    seeds = Seeds.from_tensors(noises(5, *SHAPE))
    save_seeds(seeds, tmp_path / "seeds.safetensors")
    space = SurrogateSpace(load_seeds(tmp_path / "seeds.safetensors").seeds)
    u = np.random.default_rng(0).random((3, 4))
    together = space.latents(u)
    monkeypatch.setattr("surrogate.space.blend.BLOCK_BYTES", 1000)
    monkeypatch.setattr("surrogate.space.blend._product", None)
    assert torch.allclose(space.latents(u), together, atol=1e-5)


def test_thumbnails(tmp_path):
    pictures = [np.random.default_rng(i).integers(0, 255, (40 + i, 64, 3), np.uint8) for i in range(2)]
    save_seeds(Seeds.from_text("1, 2, 3"), tmp_path / "a.safetensors", thumbnails=[pictures[0], None, pictures[1]])
    found = load_seeds(tmp_path / "a.safetensors")
    assert np.array_equal(found.thumbnail(0), pictures[0])
    assert found.thumbnail(1) is None
    assert np.array_equal(found.thumbnail(2), pictures[1])
    for wrong in ([pictures[0]], [None, None, np.zeros((8, 8, 3))], [None, None, np.zeros((257, 8, 3), np.uint8)]):
        with pytest.raises(ValueError, match=r"[Tt]humbnail"):
            save_seeds(Seeds.from_text("1, 2, 3"), tmp_path / "b.safetensors", thumbnails=wrong)
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_what_cannot_be_saved(tmp_path):
    with pytest.raises(ValueError, match="no seeds"):
        save_seeds(Seeds(()), tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="at most 1024 seeds"):
        save_seeds(Seeds.from_range(0, 1025), tmp_path / "a.safetensors")
    two_sizes = Seeds.from_tensors(noises(1, *SHAPE)) + Seeds.from_tensors(noises(1, 4, 8, 8), ["other"])
    with pytest.raises(ValueError, match=r"different shapes.*latent 1 has 4×6×10, other has 4×8×8"):
        save_seeds(two_sizes, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="provenance"):
        save_seeds(Seeds.from_text("1"), tmp_path / "a.safetensors", provenance={"a": object()})
    with pytest.raises(OSError, match="No such file"):
        save_seeds(Seeds.from_text("1"), tmp_path / "nowhere" / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_every_flipped_bit_is_noticed(tmp_path):
    """Wherever one byte differs: loading or reading says so, or, in the padding alone, nothing has changed."""
    path = tmp_path / "seeds.safetensors"
    seeds = Seeds.from_tensors(noises(2, 2, 3)) + Seeds.from_text("42")
    picture = np.full((3, 4, 3), 9, np.uint8)
    save_seeds(seeds, path, thumbnails=[picture, None, None], note="mine")
    whole = path.read_bytes()
    unnoticed = []
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x01]) + whole[place + 1 :])
        try:
            found = load_seeds(path)
            intact = same(found.seeds, seeds) and np.array_equal(found.thumbnail(0), picture)
        except ValueError as error:
            assert "seeds.safetensors" in str(error)
        else:
            assert intact and (found.note, found.latent_format) == ("mine", "")
            unnoticed.append(place)
    length = struct.unpack("<Q", whole[:8])[0]
    assert all(whole[place : place + 1] == b" " and place < 8 + length for place in unnoticed)


def test_a_truncated_file(tmp_path):
    path = tmp_path / "seeds.safetensors"
    save_seeds(mixed(), path)
    whole = path.read_bytes()
    for length in (0, 1, 7, 8, 9, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"seeds\.safetensors cannot be read"):
            load_seeds(path)


def foreign(path, kind):
    if kind == "model":
        safetensors.torch.save_file({"lora_up.weight": torch.zeros(4, 4)}, path, {"format": "pt"})
    elif kind == "beside":
        save_tensors(Seeds.from_tensors(noises(2, 4)), path)
    elif kind == "pickle":
        path.write_bytes(pickle.dumps({"seeds": [1, 2]}))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", b"x" * 100)
    elif kind == "endless":
        path.write_bytes(struct.pack("<Q", 2**62) + b"{}")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":  # whoever opens it waits for ever
        os.mkfifo(path)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("model", "of another kind"),
        ("beside", "of another kind"),
        ("pickle", "cannot be read"),
        ("zip", "cannot be read"),
        ("endless", "cannot be read"),
        ("folder", "no file"),
        ("nothing", "no file"),
        pytest.param("pipe", "no file", marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")),
    ],
)
def test_a_file_of_another_kind(tmp_path, kind, says):
    path = tmp_path / "other.safetensors"
    foreign(path, kind)
    assert not is_seed_file(path)
    with pytest.raises(ValueError, match=says) as raised:
        load_seeds(path)
    assert "other.safetensors" in str(raised.value)


def rewritten(path, change) -> None:
    """The file with another description, and a checksum that fits it: what somebody wants us to believe."""
    from surrogate.files.seed_file import _checksum_of

    with safetensors.safe_open(path, framework="pt") as file:
        entry = json.loads(file.metadata()[KEY])
    change(entry)
    if "content" in entry:
        entry["checksum"] = _checksum_of(entry["content"])
    safetensors.torch.save_file(safetensors.torch.load_file(path), path, {KEY: json.dumps(entry)})


def test_a_newer_version_says_so(tmp_path):
    path = tmp_path / "seeds.safetensors"
    save_seeds(mixed(), path)
    rewritten(path, lambda entry: (entry.update(version=2), entry.pop("content")))
    with pytest.raises(ValueError, match=r"seeds\.safetensors was saved by a newer version .* update"):
        load_seeds(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry.pop("version"),
        lambda entry: entry.update(version="2"),
        lambda entry: entry.update(version=0),
        lambda entry: entry["content"]["seeds"][2].update(shape=[6, 4, 10]),
        lambda entry: entry.update(content=[]),
        lambda entry: entry["content"].pop("thumbnails"),
        lambda entry: entry["content"].update(seeds=[]),
        lambda entry: entry["content"].update(seeds=["-1"] * 6),
        lambda entry: entry["content"].update(seeds={"a": 1}),
        lambda entry: entry["content"].update(seeds=["1"] * 2000, thumbnails=[None] * 2000),
        lambda entry: entry["content"].update(seeds=[{"tensor": "0" * 64, "label": "x"}] * 6),
        lambda entry: entry["content"].update(seeds=[{"tensor": ["x"]}] * 6),
        lambda entry: entry["content"].update(seeds=[{"point": [0.5], "space": {}}] * 6),
        lambda entry: entry["content"].update(thumbnails=["thumbnail.0"] * 6),
        lambda entry: entry["content"].update(thumbnails=[["x"]] * 6),
        lambda entry: entry["content"].update(provenance=3),
    ],
)
def test_a_description_that_is_none(tmp_path, change):
    path = tmp_path / "seeds.safetensors"
    save_seeds(mixed(), path)
    rewritten(path, change)
    with pytest.raises(ValueError, match=r"seeds\.safetensors cannot be read"):
        load_seeds(path)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 0.0], ids=["NaN", "infinite", "empty"])
def test_a_noise_that_is_none(tmp_path, bad):
    from surrogate.seeds import checksum

    path = tmp_path / "seeds.safetensors"
    save_seeds(Seeds.from_tensors(noises(1, *SHAPE)), path)
    noise = torch.full(SHAPE, bad)
    digest = checksum([noise])
    with safetensors.safe_open(path, framework="pt") as file:
        entry = json.loads(file.metadata()[KEY])
    entry["content"]["seeds"][0]["tensor"] = digest
    safetensors.torch.save_file({f"{digest}.0": noise}, path, {KEY: json.dumps(entry)})
    rewritten(path, lambda entry: None)
    with pytest.raises(ValueError, match="latent 1"):
        load_seeds(path).seeds[0].noise((SHAPE,))


def test_seeds_of_two_sizes(tmp_path):
    """Save Seeds refuses them; somebody else may write them."""
    path = tmp_path / "seeds.safetensors"
    save_seeds(mixed(), path)
    with safetensors.safe_open(path, framework="pt") as file:
        entry = json.loads(file.metadata()[KEY])
    entry["content"]["seeds"][3].pop("shape")
    other = f"{entry['content']['seeds'][3]['tensor']}.0"
    tensors = safetensors.torch.load_file(path)
    safetensors.torch.save_file(tensors | {other: tensors[other].flatten()}, path, {KEY: json.dumps(entry)})
    rewritten(path, lambda entry: entry["content"]["seeds"].pop() and entry["content"]["thumbnails"].pop())
    with pytest.raises(ValueError, match=r"seeds\.safetensors cannot be read: Seeds of different shapes"):
        load_seeds(path)


def test_a_name_that_is_too_long(tmp_path):
    with pytest.raises(ValueError, match="There is no file"):
        load_seeds(tmp_path / f"{'x' * 5000}.safetensors")


def test_a_file_that_changes_meanwhile(tmp_path):
    path = tmp_path / "seeds.safetensors"
    save_seeds(Seeds.from_tensors(noises(2, *SHAPE)), path)
    found = load_seeds(path)
    save_seeds(Seeds.from_tensors(noises(2, *SHAPE, seed=1)), path)
    with pytest.raises(ValueError, match=r"seeds\.safetensors"):
        found.seeds[0].noise((SHAPE,))


def test_shapes_that_lie(tmp_path):
    """The checksum of a noise is of its values alone: its shape is checked too."""
    path = tmp_path / "seeds.safetensors"
    save_seeds(Seeds.from_tensors(noises(1, *SHAPE)), path)
    true, false = b'"shape":[4,6,10]', b'"shape":[6,4,10]'
    assert path.read_bytes().count(true) == 1
    path.write_bytes(path.read_bytes().replace(true, false))
    with pytest.raises(ValueError, match=r"seeds\.safetensors cannot be read.*shape \[6, 4, 10\]"):
        load_seeds(path)


def test_what_was_read_does_not_change_with_the_file(tmp_path):
    path = tmp_path / "seeds.safetensors"
    seeds = Seeds.from_tensors(noises(1, *SHAPE))
    save_seeds(seeds, path)
    (read,) = load_seeds(path).seeds[0].noise((SHAPE,))
    with open(path, "r+b") as file:  # in place: a mapped file would show it
        file.write(bytes(path.stat().st_size))
    assert torch.equal(read, seeds[0].noise((SHAPE,))[0])


def test_provenance(tmp_path):
    path = tmp_path / "seeds.safetensors"
    prompt = {"1": {"class_type": "B", "is": float("nan")}, "2": {"class_type": "A"}, "3": {"class_type": "B"}, "4": 0}
    save_seeds(Seeds.from_text("5"), path, provenance={"prompt": prompt})
    assert load_seeds(path).provenance["prompt"]["2"] == {"class_type": "A"}
    assert "the graph that made it is kept in it: A, B\n" in load_seeds(path).describe()
    for other in ({"prompt": [1]}, {"prompt": None}, {"x": 1}):
        save_seeds(Seeds.from_text("5"), path, provenance=other)
        assert load_seeds(path).provenance == other
        assert "graph" not in load_seeds(path).describe()
    with pytest.raises(ValueError, match="has 57 MiB, a file takes 47"):
        save_seeds(Seeds.from_text("5"), path, provenance={"x": "x" * 60_000_000})
    assert load_seeds(path).provenance == {"x": 1}


def test_what_a_person_reads(tmp_path):
    path = tmp_path / "seeds.safetensors"
    save_seeds(mixed(), path, note="the good ones", latent_format="Flux, 16 channels")
    assert load_seeds(path).describe().splitlines() == [
        "seeds.safetensors: 6 seeds, latents of 4×6×10, 3 stored noises",
        "made for Flux, 16 channels",
        "the good ones",
        "1. 12",
        "2. 42:3/4",
        "3. Ängström 🏔",
        "4. b/../c",
        "5. b",
        "6. point 3: between",
    ]
    save_seeds(Seeds.from_text("5"), path)
    assert load_seeds(path).describe() == "seeds.safetensors: 1 seed, any size, all of them integers\n1. 5"
