"""The noises of tensor seeds on disk."""

import os

import pytest
import safetensors.torch
import torch

from surrogate import Seeds, SurrogateSpace, space_from_recipe
from surrogate.files.tensors import load_tensors, save_tensors


def noises(*shape, seed=0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def mixed() -> Seeds:
    return Seeds.join([Seeds.from_text("12"), Seeds.from_tensors(noises(3, 4, 5, 7)), Seeds.from_text("42:1/4")])


def test_tensors_come_back_by_their_checksums(tmp_path):
    seeds = mixed()
    assert save_tensors(seeds, tmp_path / "seeds.safetensors") is True
    loaded = load_tensors(tmp_path / "seeds.safetensors")
    assert set(loaded) == {seed.checksum for seed in list(seeds)[1:4]}
    for seed in list(seeds)[1:4]:
        (part,) = loaded[seed.checksum]
        assert part.dtype == torch.float32
        assert torch.equal(part, seed.noise(seed.parts)[0])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_any_precision_is_kept_as_it_was_used(tmp_path, dtype):
    seeds = Seeds.from_tensors(noises(2, 4, 6).to(dtype))
    save_tensors(seeds, tmp_path / "seeds.safetensors")
    loaded = load_tensors(tmp_path / "seeds.safetensors")
    for seed in seeds:
        assert torch.equal(loaded[seed.checksum][0], seed.noise(seed.parts)[0])


def test_the_parts_of_nested_seeds_keep_their_order(tmp_path):
    """More than ten of them: 10 comes after 9, not after 1."""
    parts = [noises(2, i + 1, 3, seed=i) for i in range(12)]
    seeds = Seeds.from_tensors(parts)
    save_tensors(seeds, tmp_path / "seeds.safetensors")
    loaded = load_tensors(tmp_path / "seeds.safetensors")
    for row, seed in enumerate(seeds):
        assert len(loaded[seed.checksum]) == 12
        assert all(torch.equal(a, b[row]) for a, b in zip(loaded[seed.checksum], parts))


def test_integers_need_no_file(tmp_path):
    assert save_tensors(Seeds.from_text("12, 99"), tmp_path / "seeds.safetensors") is False
    assert list(tmp_path.iterdir()) == []


def test_a_file_and_a_recipe_make_the_space_again(tmp_path):
    space = SurrogateSpace(mixed(), "angular", "sphere")
    save_tensors(space.seeds, tmp_path / "seeds.safetensors")
    again = space_from_recipe(space.recipe(), load_tensors(tmp_path / "seeds.safetensors"))
    u = [[0.3, 0.1, 0.7, 0.5], [0, 0, 0, 0], [1, 1, 0, 0.2]]
    assert torch.equal(space.latents(u), again.latents(u))
    assert again.recipe() == space.recipe()


def test_rows_of_one_batch_are_saved_alone(tmp_path):
    """A seed of a large batch does not drag the batch along; two names for one noise are one tensor."""
    batch = Seeds.from_tensors(noises(100, 1000))
    one = Seeds((batch[3], batch[3]))
    save_tensors(one, tmp_path / "seeds.safetensors")
    assert (tmp_path / "seeds.safetensors").stat().st_size < 2 * 4 * 1000
    assert len(load_tensors(tmp_path / "seeds.safetensors")) == 1


def test_the_file_appears_when_it_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "seeds.safetensors"
    save_tensors(mixed(), path)
    before = path.read_bytes()

    def fails_halfway(tensors, part, *_):
        with open(part, "wb") as file:
            file.write(b"half")
        assert path.read_bytes() == before
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", fails_halfway)
    with pytest.raises(OSError, match="No space left"):
        save_tensors(Seeds.from_tensors(noises(2, 8)), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_what_a_killed_process_left_does_not_disturb(tmp_path):
    path = tmp_path / "seeds.safetensors"
    path.with_suffix(".part").write_bytes(b"half a file")
    save_tensors(mixed(), path)
    assert len(load_tensors(path)) == 3
    assert os.listdir(tmp_path) == [path.name]


def test_saving_twice_is_saving_once(tmp_path):
    path = tmp_path / "seeds.safetensors"
    save_tensors(mixed(), path)
    before = path.read_bytes()
    save_tensors(mixed(), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("length", [0, 4, 60, -10])
def test_a_broken_file(tmp_path, length):
    path = tmp_path / "seeds.safetensors"
    save_tensors(mixed(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:length])
    with pytest.raises(ValueError, match=r"seeds\.safetensors is not a file of surrogate seeds"):
        load_tensors(path)


@pytest.mark.parametrize("name", ["weight", "layer.weight", "layer.1.bias", ""])
def test_a_file_of_something_else(tmp_path, name):
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file({name: noises(3)}, path)
    with pytest.raises(ValueError, match=r"model\.safetensors is not a file of surrogate seeds"):
        load_tensors(path)


def test_a_file_with_a_part_missing(tmp_path):
    """Part 1 without part 0 cannot be put in order."""
    path = tmp_path / "seeds.safetensors"
    safetensors.torch.save_file({"ab" * 32 + ".1": noises(3)}, path)
    with pytest.raises(ValueError, match="is not a file of surrogate seeds"):
        load_tensors(path)


def test_a_changed_tensor_is_noticed(tmp_path):
    """The recipe knows the checksum of what it was made with."""
    space = SurrogateSpace(Seeds.from_tensors(noises(2, 4, 5)))
    path = tmp_path / "seeds.safetensors"
    save_tensors(space.seeds, path)
    whole = bytearray(path.read_bytes())
    whole[-1] ^= 1
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="has another checksum than the recipe"):
        space_from_recipe(space.recipe(), load_tensors(path))


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_tensors(tmp_path / "none.safetensors")
