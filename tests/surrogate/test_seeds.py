"""Seeds: how they are written, the bits they stand for, and what is refused."""

from __future__ import annotations

import hashlib

import pytest
import torch

from surrogate.seeds import IntegerSeed, Seeds, TensorSeed
from surrogate.seeds.integer import LARGEST_BATCH, LARGEST_INTEGER

EVEN = (16, 8, 8)  # The number of elements is a multiple of 16 …
ODD = (4, 125, 125)  # … and here it is not: 1000×1000 pixels, 4 channels.


def core_draws(value: int, batch: int, *shapes: tuple[int, ...]) -> list[torch.Tensor]:
    """What ComfyUI's `prepare_noise` draws for a batch: one generator, the members of a nested latent in turn."""
    generator = torch.Generator("cpu").manual_seed(value)
    return [torch.randn([batch, *shape], generator=generator) for shape in shapes]


def noises(k: int, *shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(k, *shape, generator=torch.Generator().manual_seed(seed))


# Writing.


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("42", ("42",)),
        ("12, 99, 1024, 7", ("12", "99", "1024", "7")),
        ("12 99\n1024;7", ("12", "99", "1024", "7")),
        ("  12 ,\n 99 ;\t7  ", ("12", "99", "7")),
        ("12, 99,", ("12", "99")),
        ("12; 99;\n", ("12", "99")),
        ("42:3/4", ("42:3/4",)),
        ("42:0/1, 007", ("42", "7")),
        ("0, 18446744073709551615", ("0", "18446744073709551615")),
        (f"1:4095/{LARGEST_BATCH}", ("1:4095/4096",)),
    ],
)
def test_text(text, labels):
    seeds = Seeds.from_text(text)
    assert seeds.labels == labels
    assert len(seeds) == len(labels)
    assert seeds.parts is None
    assert Seeds.from_text(", ".join(seeds.recipe())) == seeds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty: write at least two whole numbers"),
        (" \n\t", "empty"),
        (",", "entry 1: there is nothing between two separators"),
        ("12,,x", "entry 2: there is nothing between two separators.*entry 3: 'x' is not a seed"),
        ("12,;7", "entry 2: there is nothing"),
        (",12", "entry 1: there is nothing"),
        ("-5, 12", "entry 1: '-5' is not a seed: write a whole number from 0 to 2\\^64 - 1"),
        (
            "12, 18446744073709551616",
            "entry 2: An integer seed must be between 0 and 2\\^64 - 1, got 18446744073709551616",
        ),
        ("12, 99999999999999999999999", "entry 2: '99999999999999999999999' is not a seed"),
        ("1.5", "'1.5' is not a seed"),
        ("1e5", "'1e5' is not a seed"),
        ("0x1f", "'0x1f' is not a seed"),
        ("+3", "'\\+3' is not a seed"),
        ("1_000", "'1_000' is not a seed"),
        ("४२", "'४२' is not a seed"),
        ("４２", "'４２' is not a seed"),
        ("4²", "'4²' is not a seed"),
        ("42:4/4", "42:4/4: a batch of 4 has positions 0 to 3, got 4"),
        ("42:0/0", "A batch holds 1 to 4096 images, got 0"),
        ("42:0/4097", "A batch holds 1 to 4096 images, got 4097"),
        ("42:0/999999999", "A batch holds 1 to 4096 images"),
        ("42:0/99999999999999", "is not a seed"),
        ("42:3", "'42:3' is not a seed"),
        ("42/4", "'42/4' is not a seed"),
        ("42:-1/4", "'42:-1/4' is not a seed"),
        ("42: 3/4", "entry 1: '42:' is not a seed.*entry 2: '3/4' is not a seed"),
        ("12 nan 7", "entry 2: 'nan' is not a seed"),
    ],
)
def test_malformed_text_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        Seeds.from_text(text)


def test_range():
    assert Seeds.from_range(7, 3).labels == ("7", "8", "9")
    with pytest.raises(ValueError, match="count must be a whole number of at least 1, got 0"):
        Seeds.from_range(7, 0)
    with pytest.raises(ValueError, match="between 0 and 2\\^64 - 1, got -1"):
        Seeds.from_range(-1, 3)
    with pytest.raises(ValueError, match="between 0 and 2\\^64 - 1, got 18446744073709551616"):
        Seeds.from_range(LARGEST_INTEGER, 2)


# The bits.


@pytest.mark.parametrize("value", [0, 42, 2**32 - 1, 2**53 + 1, LARGEST_INTEGER])
@pytest.mark.parametrize("shape", [EVEN, ODD, (16,), (3,), (5, 7), (2, 3, 5, 7), (128, 1, 1)])
def test_a_plain_integer_is_cores_noise(value, shape):
    (noise,) = IntegerSeed(value).noise((shape,))
    assert noise.dtype == torch.float32 and noise.shape == shape
    assert torch.equal(noise, core_draws(value, 1, shape)[0][0])


@pytest.mark.parametrize("shape", [EVEN, ODD, (3,), (5, 7), (12, 61, 107)])
@pytest.mark.parametrize("batch", [1, 2, 4, 5])
def test_a_position_is_that_image_of_cores_batch(shape, batch):
    (whole,) = core_draws(42, batch, shape)
    for position in range(batch):
        (noise,) = IntegerSeed.parse(f"42:{position}/{batch}").noise((shape,))
        assert torch.equal(noise, whole[position])


@pytest.mark.parametrize(
    "shapes",
    [
        (EVEN, (8, 16, 107)),
        (EVEN, ODD),
        (ODD, EVEN),
        (ODD, (4, 125, 125), EVEN),
        (EVEN, (16, 8, 8)),
        ((3,), (5,), EVEN),
    ],
)
@pytest.mark.parametrize("batch", [1, 3])
def test_the_parts_of_a_nested_latent_come_from_one_stream(shapes, batch):
    whole = core_draws(7, batch, *shapes)
    for position in range(batch):
        parts = IntegerSeed(7, position, batch).noise(shapes)
        assert len(parts) == len(shapes)
        for part, drawn in zip(parts, whole, strict=True):
            assert torch.equal(part, drawn[position])


def test_equal_parts_are_told_apart():
    shape = (16, 4, 4)
    first, second = core_draws(7, 4, shape, shape)
    parts = IntegerSeed(7, 1, 4).noise((shape, shape))
    assert torch.equal(parts[0], first[1]) and torch.equal(parts[1], second[1])


def test_global_random_state_is_left_alone():
    torch.manual_seed(123)
    before = torch.get_rng_state()
    for shape in (EVEN, ODD):
        IntegerSeed(42, 2, 4).noise((shape, shape))
    Seeds.from_tensors(noises(2, 4)).deduplicated()
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    noise = IntegerSeed(42).noise((EVEN,))[0]
    torch.manual_seed(321)
    assert torch.equal(IntegerSeed(42).noise((EVEN,))[0], noise)


def test_a_drawn_noise_holds_one_sample():
    # A slice of the batch would keep the whole of it in memory.
    for shape in (EVEN, ODD):
        (noise,) = IntegerSeed(42, 3, 8).noise((shape,))
        assert noise.untyped_storage().nbytes() == 4 * noise.numel()


# Equal seeds.


def test_repeats_are_left_out_and_named():
    seeds, notes = Seeds.from_text("12, 99, 12, 7:1/4, 7:1/4").deduplicated()
    assert seeds.labels == ("12", "99", "7:1/4")
    assert notes == (
        "Seed 12 is listed twice; the second one was left out.",
        "Seed 7:1/4 is listed twice; the second one was left out.",
    )


def test_integers_equal_modulo_32_bits_are_one_seed():
    text = f"42, 7, {42 + 2**32}, {42 + 2**63}"
    seeds = Seeds.from_text(text)
    for other in (2, 3):
        assert torch.equal(seeds[0].noise((EVEN,))[0], seeds[other].noise((EVEN,))[0])
    kept, notes = seeds.deduplicated()
    assert kept.labels == ("42", "7")
    assert len(notes) == 2
    assert "Seeds 42 and 4294967338 give the same noise (only the low 32 bits" in notes[0]
    assert "9223372036854775850 was left out" in notes[1]


def test_the_same_image_of_batches_of_different_size_is_one_seed():
    kept, notes = Seeds.from_text("42, 42:0/4, 42:1/4, 42:1/8").deduplicated()
    assert kept.labels == ("42", "42:1/4")
    assert "Seeds 42 and 42:0/4 give the same noise" in notes[0]
    assert "Seeds 42:1/4 and 42:1/8 give the same noise" in notes[1]


def test_different_seeds_all_stay():
    seeds = Seeds.from_text("42, 43, 42:1/4, 42:2/4, 43:1/4") + Seeds.from_tensors(noises(2, 16))
    kept, notes = seeds.deduplicated()
    assert kept.items == seeds.items and notes == ()


def test_equal_tensors_are_one_seed():
    batch = noises(3, 4, 4)
    batch[2] = batch[0]
    kept, notes = Seeds.from_tensors(batch).deduplicated()
    assert kept.labels == ("latent 1", "latent 2")
    assert notes == ("Seeds latent 1 and latent 3 give the same noise; latent 3 was left out.",)
    kept, _ = Seeds.join([Seeds.from_tensors(batch[:1]), Seeds.from_tensors(batch[:1].double())]).deduplicated()
    assert len(kept) == 1


# Tensors.


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_any_floating_dtype_is_kept_as_float32(dtype):
    batch = noises(3, 4, 8, 8).to(dtype)
    seeds = Seeds.from_tensors(batch)
    assert seeds.labels == ("latent 1", "latent 2", "latent 3")
    assert seeds.parts == ((4, 8, 8),)
    for i, seed in enumerate(seeds):
        (noise,) = seed.noise(((4, 8, 8),))
        assert noise.dtype == torch.float32 and noise.is_contiguous()
        assert torch.equal(noise, batch[i].float())


def test_small_and_large_numbers_are_noise():
    batch = torch.tensor([[1e-45, 0.0], [3e38, -3e38], [0.0, -1e-30]])
    assert torch.equal(torch.stack([seed.noise(((2,),))[0] for seed in Seeds.from_tensors(batch)]), batch)


def test_one_bad_number_among_many_is_found():
    for bad in (float("nan"), float("inf"), float("-inf")):
        for place in (0, 77777, 99999):
            batch = noises(2, 100000)
            batch[1, place] = bad
            with pytest.raises(ValueError, match="latent 2 holds NaN or infinite"):
                Seeds.from_tensors(batch)


def test_memory_layout_does_not_matter():
    batch = noises(3, 4, 8, 8)
    turned = batch.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)
    assert not turned.is_contiguous()
    assert [s.checksum for s in Seeds.from_tensors(turned)] == [s.checksum for s in Seeds.from_tensors(batch)]
    last = batch.to(memory_format=torch.channels_last)
    assert [s.checksum for s in Seeds.from_tensors(last)] == [s.checksum for s in Seeds.from_tensors(batch)]


def test_writing_into_the_source_changes_nothing():
    for dtype in (torch.float32, torch.float16):
        batch = noises(2, 4, 4).to(dtype)
        seeds = Seeds.from_tensors(batch)
        before, checksum = seeds[0].noise(((4, 4),))[0].clone(), seeds[0].checksum
        batch.zero_()
        assert torch.equal(seeds[0].noise(((4, 4),))[0], before)
        assert seeds[0].checksum == checksum
    joined = Seeds.join([seeds, seeds])
    batch.fill_(1)
    assert torch.equal(joined[2].noise(((4, 4),))[0], before)


def test_a_source_that_asks_for_gradients_is_no_trouble():
    batch = noises(2, 4, 4).requires_grad_()
    assert not Seeds.from_tensors(batch)[0].noise(((4, 4),))[0].requires_grad


def test_checksum_is_of_the_float32_values():
    batch = [noises(2, 4, 4), noises(2, 3, seed=1)]
    seed = Seeds.from_tensors(batch)[1]
    assert seed.checksum == hashlib.sha256(batch[0][1].numpy().tobytes() + batch[1][1].numpy().tobytes()).hexdigest()
    assert seed.recipe() == {"tensor": seed.checksum, "shape": [[4, 4], [3]], "label": "latent 2"}
    assert Seeds.from_tensors(batch[0])[0].recipe()["shape"] == [4, 4]


def test_nested_tensors():
    batch = [noises(3, *EVEN), noises(3, 8, 5, seed=1)]
    seeds = Seeds.from_tensors(batch, labels=["a", "b", "c"])
    assert seeds.labels == ("a", "b", "c")
    assert seeds.parts == (EVEN, (8, 5))
    parts = seeds[2].noise((EVEN, (8, 5)))
    assert torch.equal(parts[0], batch[0][2]) and torch.equal(parts[1], batch[1][2])


@pytest.mark.parametrize(
    ("batch", "labels", "message"),
    [
        (torch.zeros(2, 4), None, "latent 1 is all zeros: this is an empty latent"),
        (torch.tensor([[1.0, 2], [float("nan"), 1]]), None, "latent 2 holds NaN or infinite"),
        (torch.tensor([[1.0, 2], [float("inf"), 1]]), ["a", "b"], "Seed b holds NaN or infinite"),
        (torch.tensor([[1.0, 1e300]], dtype=torch.float64), None, "NaN or infinite"),
        (torch.ones(2, 4, dtype=torch.int64), None, r"floating point, got \['torch.int64'\]"),
        (torch.ones(2, 4, dtype=torch.complex64), None, "floating point"),
        (torch.ones(4), None, r"shape \(k, \*latent_shape\).*got \[\(4,\)\]"),
        (torch.ones(()), None, r"shape \(k, \*latent_shape\).*got \[\(\)\]"),
        (torch.ones(0, 4), None, r"got \[\(0, 4\)\]"),
        (torch.ones(2, 4, 0), None, r"got \[\(2, 4, 0\)\]"),
        (torch.tensor([[1.0, 2], [0.0, -0.0]]), None, "latent 2 is all zeros"),
        (torch.tensor([[-1.0, float("-inf")]]), None, "latent 1 holds NaN or infinite"),
        (torch.tensor([[float("nan")] * 3]), None, "latent 1 holds NaN or infinite"),
        ([], None, r"shape .*got \[\]"),
        ([torch.ones(2, 4), torch.ones(3, 4)], None, r"same k in every part, got \[\(2, 4\), \(3, 4\)\]"),
        ([torch.ones(2, 4), torch.zeros(2, 4) * float("nan")], None, "latent 1 holds NaN"),
        (torch.ones(2, 4), ["only one"], "labels must name each of the 2 noises, got 1"),
    ],
)
def test_bad_tensors_are_named(batch, labels, message):
    with pytest.raises(ValueError, match=message):
        Seeds.from_tensors(batch, labels)


def test_a_tensor_seed_fits_its_own_shape_only():
    seed = Seeds.from_tensors(noises(2, *EVEN))[1]
    with pytest.raises(ValueError, match=r"latent 2 is a noise of shape 16×8×8, but the latent .* 16×8×9"):
        seed.noise(((16, 8, 9),))
    with pytest.raises(ValueError, match=r"16×8×8, but the latent .* 16×8×8 \+ 3"):
        seed.noise((EVEN, (3,)))


# Joining.


def test_join_keeps_order_and_numbers_equal_labels():
    a, b = Seeds.from_tensors(noises(2, *EVEN)), Seeds.from_tensors(noises(2, *EVEN, seed=1))
    joined = Seeds.join([Seeds.from_text("5, 6"), a, b, a])
    assert joined.labels == (
        *("5", "6", "latent 1", "latent 2"),
        *("latent 1 (2)", "latent 2 (2)"),
        *("latent 1 (3)", "latent 2 (3)"),
    )
    assert joined.parts == (EVEN,)
    for place, source in ((2, a[0]), (5, b[1]), (6, a[0])):
        assert torch.equal(joined[place].noise((EVEN,))[0], source.noise((EVEN,))[0])
    assert a.labels == ("latent 1", "latent 2")


def test_join_does_not_run_into_labels_that_exist():
    names = [["x", "x (2)"], ["x"], ["x"], ["x (2)"]]
    joined = Seeds.join([Seeds.from_tensors(noises(len(n), 4, seed=i), labels=n) for i, n in enumerate(names)])
    assert len(set(joined.labels)) == len(joined) == 5
    assert joined.labels[:2] == ("x", "x (2)")
    assert len(set(Seeds.join([joined, joined]).labels)) == 10


def test_joined_shapes_must_agree():
    joined = Seeds.join([Seeds.from_text("1"), Seeds.from_tensors(noises(1, 4, 8, 8), ["a"])])
    joined += Seeds.from_tensors(noises(1, 4, 8, 9), ["b"])
    with pytest.raises(ValueError, match=r"cannot be mixed: a has 4×8×8, b has 4×8×9. Make all of them at one size"):
        _ = joined.parts


def test_seeds_are_values():
    assert Seeds.from_text("1, 2") == Seeds.from_text("1 2")
    assert IntegerSeed(3) == IntegerSeed(3, 0, 1) != IntegerSeed(3, 0, 2)
    with pytest.raises(AttributeError):
        IntegerSeed(3).value = 4
    seed = Seeds.from_tensors(noises(1, 4))[0]
    assert isinstance(seed, TensorSeed)
    with pytest.raises(AttributeError):
        seed.row = 1
