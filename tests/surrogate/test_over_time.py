"""Noise over time: still paths are points, steps at seeds are seeds, every step is Gaussian, stretches fit together."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.stats
import torch

from surrogate import ClipSeed, Seeds, Stretch, SurrogateSpace, latents_over_time, points, space_from_recipe
from surrogate.files.seed_file import load_seeds, save_seeds
from surrogate.space.arcs import angle, between
from surrogate.space.over_time import time_axes
from surrogate.transports import Affine, Composite, Gaussian, Quantile, Sphere

CLIP, SOUND = (4, 9, 6, 5), (8, 16, 21)
NESTED = [CLIP, (8, 25, 16)]
SPACE = SurrogateSpace(Seeds.from_text("12, 99, 1024:1/2, 7"))
NOISES = torch.randn(4, *CLIP, generator=torch.Generator().manual_seed(0))
IN_MEMORY = SurrogateSpace(Seeds.from_tensors(NOISES))
# Space, shape, and whether it is a sound.
CASES = {
    "clip": (SPACE, CLIP, False),
    "clip in memory": (IN_MEMORY, CLIP, False),
    "sound": (SPACE, (64, 50), False),
    "ACE-Step's sound": (SPACE, SOUND, True),
    "clip with sound": (SPACE, NESTED, False),
    "affine": (SurrogateSpace(SPACE.seeds, transport=Affine([1.0, 0.0, -2.0, 0.5], 3.0)), CLIP, False),
    "quantile": (SurrogateSpace(SPACE.seeds, transport=Quantile("laplace")), CLIP, False),
    "composite": (
        SurrogateSpace(SPACE.seeds, transport=Composite([Gaussian(), Affine(scale=2.0)])),
        NESTED,
        False,
    ),
}
each = pytest.mark.parametrize(("space", "shape", "sound"), CASES.values(), ids=CASES)


def a_path(space, m: int = 5) -> np.ndarray:
    """Points u (m, k-1) of which the first is seed 2, and one more a seed."""
    w = np.abs(np.random.default_rng(3).standard_normal((m, space.k)))
    w[0], w[m // 2] = np.eye(space.k)[1], np.eye(space.k)[3]
    return points.from_weights(space, w).u


def made(space, stretches, shape, sound=False) -> list[torch.Tensor]:
    z = latents_over_time(space, stretches, shape, sound)
    return z if isinstance(z, list) else [z]


def bits(a, b) -> bool:
    return all(
        torch.equal(x.contiguous().view(torch.int32), y.contiguous().view(torch.int32))
        for x, y in zip(a, b, strict=True)
    )


def shapes_of(shape) -> list[tuple]:
    return list(shape) if isinstance(shape[0], tuple) else [shape]


@each
def test_a_path_that_stands_still_is_the_point_to_the_last_bit(space, shape, sound):
    u = a_path(space)
    for i in (0, 1):  # a seed and a blend
        point = space.latents(u[i], shape)
        point = point if isinstance(point, list) else [point]
        still = Stretch(u[[i]]), Stretch(u[[i, i, i]]), Stretch(u[[i, i]], movement="hold"), Stretch(u, i / 4, i / 4)
        for stretch in still:
            assert bits(made(space, [stretch], shape, sound), point)
        # Beside clips that move, too.
        both = made(space, [Stretch(u), still[1]], shape, sound)
        assert bits([part[1:] for part in both], point)


@each
@pytest.mark.parametrize("movement", ["smooth", "hold"])
def test_every_step_is_that_step_of_its_point(space, shape, sound, movement):
    stretch = Stretch(a_path(space), 0.1, 0.9, movement)
    z = made(space, [stretch], shape, sound)
    for i, (part, axis) in enumerate(zip(shapes_of(shape), time_axes(space.parts(shape), sound), strict=True)):
        w = stretch.weights(space, part[axis])
        np.testing.assert_allclose(np.linalg.norm(w, axis=1), 1, atol=1e-12)
        points_of = space.combine(w, shape)
        points_of = points_of[i] if isinstance(points_of, list) else points_of
        for t in range(part[axis]):
            torch.testing.assert_close(z[i][0].select(axis, t), points_of[t].select(axis, t), rtol=1e-5, atol=2e-6)


@each
def test_a_step_at_a_seed_has_the_seeds_bits(space, shape, sound):
    parts = space.parts(shape)
    for stretch, where in (
        (Stretch(a_path(space, 9)), {0: 1, 4: 3}),
        (Stretch(a_path(space), movement="hold"), {0: 1}),
    ):
        z = made(space, [stretch], shape, sound)
        for i, (part, axis) in enumerate(zip(parts, time_axes(parts, sound), strict=True)):
            for place, seed in where.items():
                t = place * (part[axis] - 1) / 8
                if t == int(t):
                    own = space.seeds[seed].noise(parts)[i].select(axis, int(t))
                    assert torch.equal(z[i][0].select(axis, int(t)), own)


@each
def test_a_clip_has_the_same_bits_alone_and_beside_others(space, shape, sound):
    u = a_path(space)
    stretches = [Stretch(u), *Stretch(u).cut(3), Stretch(u, movement="hold"), Stretch(u[1]), Stretch(u, 1.0, 0.0)]
    together = made(space, stretches, shape, sound)
    for i, stretch in enumerate(stretches):
        assert bits(made(space, [stretch], shape, sound), [part[i : i + 1] for part in together])


def test_the_number_of_threads_does_not_matter():
    # Products and sums are rounded one by one, so even a step in the tail of a thread's block has the same bits.
    before, shape = torch.get_num_threads(), (16, 5, 99, 61)
    stretch = Stretch(a_path(SPACE))
    try:
        found = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(latents_over_time(SPACE, [stretch], shape))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


@pytest.mark.parametrize(
    "shape", [(16, 64, 40, 30), (4, 5, 300, 500), (64, 10_000)], ids=["three", "each step", "sound"]
)
def test_long_clips_are_added_in_blocks(shape):
    """Which are not seen: each value is the sum of its rounded products, seed after seed."""
    stretch = Stretch(a_path(SPACE, 3), 0.01, 0.99)
    z = latents_over_time(SPACE, [stretch], shape)[0]
    weights = torch.from_numpy(stretch.weights(SPACE, shape[1])).float()
    expected = torch.zeros(shape)
    for j, seed in enumerate(SPACE.seeds):
        expected += seed.noise((shape,))[0] * weights[:, j].reshape(-1, *[1] * (len(shape) - 2))
    assert torch.equal(z, expected)


def test_every_value_is_gaussian_and_independent_of_the_others():
    """Over 400 spaces of seeds of their own: mean 0, variance 1, no correlation between steps, in every step."""
    shape, many = (2, 7, 3, 3), 400
    u = points.path(SPACE, np.eye(4), frames=5).u
    z = torch.cat(
        [latents_over_time(SurrogateSpace(Seeds.from_range(4 * i, 4)), [Stretch(u)], shape) for i in range(many)]
    )
    steps = z.movedim(2, 1).reshape(many, 7, -1).double()
    assert scipy.stats.kstest(steps.flatten().numpy(), "norm").pvalue > 0.001
    for t in range(7):
        assert scipy.stats.kstest(steps[:, t].flatten().numpy(), "norm").pvalue > 0.001
    correlation = np.corrcoef(steps.reshape(many, -1).T.numpy())
    np.fill_diagonal(correlation, 0)
    assert np.abs(correlation).max() < 5.5 / np.sqrt(many)


def test_straight_lines_between_weights_would_not_be_noise():
    """The middle of two seeds, as weights and as measured."""
    u = points.vertices(SPACE, [1, 2]).u
    w = Stretch(u).weights(SPACE, 3)
    np.testing.assert_allclose(w[1], [0.5**0.5, 0.5**0.5, 0, 0], atol=1e-12)
    middle = latents_over_time(SPACE, [Stretch(u)], (16, 3, 64, 64))[0, :, 1]
    assert abs(middle.var().item() - 1) < 0.03


def test_points_lie_evenly_over_time():
    w = Stretch(points.vertices(SPACE).u).weights(SPACE, 7)
    assert (w[::2] == np.eye(4)).all()
    angles = [np.degrees(angle(a, b)) for a, b in itertools.pairwise(w)]
    np.testing.assert_allclose(angles, 45, atol=1e-9)


def test_holding_gives_each_point_its_share_of_the_time():
    held = Stretch(points.vertices(SPACE).u, movement="hold")
    for steps in (4, 8, 12, 40):
        assert (held.weights(SPACE, steps) == np.repeat(np.eye(4), steps // 4, axis=0)).all()
    for steps in range(1, 100):  # uneven, but in order, and never two apart
        which = held.weights(SPACE, steps).argmax(1)
        assert (np.diff(which) >= 0).all()
        assert steps < 4 or np.ptp(np.bincount(which, minlength=4)) <= 1


@pytest.mark.parametrize("movement", ["smooth", "hold"])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_stretches_are_the_path_in_pieces(movement, count):
    whole = Stretch(a_path(SPACE), 0.05, 0.95, movement)
    cut = whole.cut(count)
    assert (cut[0].start, cut[-1].end) == (0.05, 0.95)
    assert all(a.end == b.start for a, b in itertools.pairwise(cut))
    steps = 12
    each_of = [stretch.weights(SPACE, steps) for stretch in cut]
    if movement == "smooth":  # the last step of one is the first of the next
        assert all((a[-1] == b[0]).all() for a, b in itertools.pairwise(each_of))
        joined = np.concatenate([w[1:] if i else w for i, w in enumerate(each_of)])
        np.testing.assert_allclose(joined, whole.weights(SPACE, count * (steps - 1) + 1), atol=1e-8)
    else:
        assert (np.concatenate(each_of) == whole.weights(SPACE, count * steps)).all()


def test_backwards_is_the_mirror_of_forwards():
    u = a_path(SPACE)
    forwards = Stretch(u, 0.2, 0.7).weights(SPACE, 9)
    np.testing.assert_allclose(Stretch(u, 0.7, 0.2).weights(SPACE, 9), forwards[::-1], atol=1e-9)


def test_a_clip_of_one_step_stands_where_it_starts():
    u = a_path(SPACE)
    for start, point in ((0.0, 0), (0.5, 2), (1.0, 4)):
        z = latents_over_time(SPACE, [Stretch(u, start, 1.0)], (4, 1, 6, 5))
        assert torch.equal(z, SPACE.latents(u[point], (4, 1, 6, 5)))


def test_the_arc_ends_where_its_ends_are():
    a, b = SPACE.weights(a_path(SPACE))[:2]
    assert (between(a, b, 0) == a).all() and (between(a, b, 1) == b).all() and (between(a, a, 0.3) == a).all()
    near = np.array([1.0, 1e-9, 0, 0])
    assert np.isfinite(between(a, near, 0.5)).all()
    np.testing.assert_allclose(between(np.eye(4)[0], near, 0.5), np.eye(4)[0], atol=1e-8)


def test_nothing_is_written_into_a_seed():
    before = NOISES.clone()
    for movement in ("smooth", "hold"):
        latents_over_time(IN_MEMORY, Stretch(a_path(IN_MEMORY), movement=movement).cut(2))
    assert torch.equal(NOISES, before) and torch.equal(IN_MEMORY.seeds[0].noise((CLIP,))[0], before[0])


def test_progress_is_told_and_can_stop_it():
    seen = []
    latents_over_time(SPACE, [Stretch(a_path(SPACE))], CLIP, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i, 4) for i in range(1, 5)]
    with pytest.raises(InterruptedError):
        latents_over_time(SPACE, [Stretch(a_path(SPACE))], CLIP, progress=_stop)


def _stop(done, total):
    raise InterruptedError


def test_the_dtype_is_as_asked():
    for dtype in (torch.float16, torch.bfloat16):
        z = latents_over_time(SPACE, [Stretch(a_path(SPACE))], CLIP, dtype=dtype)
        assert z.dtype == dtype
        assert torch.equal(z, latents_over_time(SPACE, [Stretch(a_path(SPACE))], CLIP).to(dtype))


# Which axis is time.


def test_the_axis_of_time():
    assert time_axes(((16, 21, 60, 104),)) == [1]
    assert time_axes(((64, 1024),)) == [1]
    assert time_axes(((8, 16, 107),), sound=True) == [2]  # ACE-Step
    assert time_axes(((8, 107, 16),), sound=True) == [1]  # LTX-Video's
    assert time_axes(((8, 16, 16),), sound=True) == [2]
    assert time_axes(((128, 13, 16, 24), (8, 101, 16))) == [1, 1]
    assert time_axes(((64, 1024), (16, 5, 8, 8))) == [1, 1]


@pytest.mark.parametrize("shape", [(4, 64, 64), [(4, 64, 64), (4, 64, 64)], (7,), (2, 3, 4, 5, 6)])
def test_an_image_has_no_time(shape):
    with pytest.raises(
        ValueError,
        match=r"which is an image's: nothing in it is time.*one point for each frame with `SurrogateSpace.combine`",
    ):
        latents_over_time(SPACE, [Stretch(a_path(SPACE))], shape)


# What is refused.


@pytest.mark.parametrize("transport", ["sphere", "rotation"])
def test_a_transport_of_whole_samples_is_refused(transport):
    space = SurrogateSpace(SPACE.seeds, transport=transport)
    with pytest.raises(ValueError, match=f"The {transport} transport works on a whole latent"):
        latents_over_time(space, [Stretch(a_path(SPACE))], CLIP)
    mixed = SurrogateSpace(SPACE.seeds, transport=Composite([Gaussian(), Sphere()]))
    with pytest.raises(ValueError, match="The sphere transport works on a whole latent"):
        latents_over_time(mixed, [Stretch(a_path(SPACE))], NESTED)


def test_what_is_no_stretch():
    u = a_path(SPACE)
    for start in (-0.1, 1.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="start must be a share of the path from 0 to 1"):
            Stretch(u, start)
        with pytest.raises(ValueError, match="end must be a share of the path from 0 to 1"):
            Stretch(u, 0.0, start)
    with pytest.raises(ValueError, match="movement must be one of smooth, hold, got 'jump'"):
        Stretch(u, movement="jump")
    for wrong in (np.zeros((0, 3)), np.zeros((2, 2, 3))):
        with pytest.raises(ValueError, match="at least one point"):
            Stretch(wrong)
    with pytest.raises(ValueError, match="cut into at least 1 stretch, got 0"):
        Stretch(u).cut(0)
    with pytest.raises(ValueError, match="u must be finite"):
        latents_over_time(SPACE, [Stretch(u * np.nan)], CLIP)
    with pytest.raises(ValueError, match="2 coordinates a point, but a space of 4 seeds has 3"):
        latents_over_time(SPACE, [Stretch(u[:, :2])], CLIP)
    with pytest.raises(ValueError, match="no stretch"):
        latents_over_time(SPACE, [], CLIP)
    with pytest.raises(ValueError, match=r"a noise of shape 4×9×6×5, but .* 4×9×6×6"):
        latents_over_time(IN_MEMORY, [Stretch(u)], (4, 9, 6, 6))


# A clip's noise as a seed.


def test_a_clip_is_a_seed_of_another_space(tmp_path):
    stretch = Stretch(a_path(SPACE), 0.25, 0.75, "hold")
    clip = ClipSeed(SPACE, stretch, False, "my clip")
    seeds = Seeds((clip, *Seeds.from_text("5")))
    space = SurrogateSpace(seeds)
    assert torch.equal(space.latents([[0.0]], CLIP), latents_over_time(SPACE, [stretch], CLIP))
    again = space_from_recipe(json.loads(json.dumps(space.recipe())))
    assert again.recipe() == space.recipe() and again.seeds[0].identity == clip.identity
    assert torch.equal(again.latents([[0.5]], CLIP), space.latents([[0.5]], CLIP))
    save_seeds(seeds, tmp_path / "clip.safetensors")
    assert torch.equal(load_seeds(tmp_path / "clip.safetensors").seeds[0].noise((CLIP,))[0], clip.noise((CLIP,))[0])
    # Noises that are values are kept with it.
    inside = Seeds((ClipSeed(IN_MEMORY, Stretch(a_path(IN_MEMORY)), False, "c"),))
    assert inside.parts == (CLIP,)
    save_seeds(inside, tmp_path / "inside.safetensors")
    assert bits(load_seeds(tmp_path / "inside.safetensors").seeds[0].noise((CLIP,)), inside[0].noise((CLIP,)))


def test_clips_that_differ_are_two_seeds():
    u = a_path(SPACE)
    clips = [
        ClipSeed(SPACE, stretch, sound, "label")
        for stretch in (
            Stretch(u),
            Stretch(u, 0.1),
            Stretch(u, 0.0, 0.9),
            Stretch(u, movement="hold"),
            Stretch(u[::-1]),
        )
        for sound in (False, True)
    ]
    assert len({clip.identity for clip in clips}) == len(clips)
    assert ClipSeed(SPACE, Stretch(u), False, "another label").identity == clips[0].identity


@pytest.mark.parametrize(
    "change",
    [
        {"path": []}, {"path": "0.5"}, {"path": [[0.5]]}, {"path": [[0.5, 0.5, float("nan")]]}, {"path": {"a": 1}},
        {"path": [[0.5, 0.5, 7.0]]}, {"start": -1}, {"end": "far"}, {"start": None}, {"movement": "fly"},
        {"movement": 3}, {"space": None}, {"space": {}}, {"path": [[0.5, 0.5], [0.5]]},
    ],
)  # fmt: skip
def test_a_recipe_that_is_none(change):
    good = ClipSeed(SPACE, Stretch(a_path(SPACE)), False, "c").recipe()
    with pytest.raises(ValueError, match=r"recipe|u must|coordinates a point"):
        space_from_recipe({**SPACE.recipe(), "seeds": ["1", {**good, **change}]})


# Memory.


def test_a_long_clip_needs_memory_for_itself_and_one_seed(root):
    """41 steps of 480p of a model of 16 channels, from 2 seeds and from 8; one point, and a path."""
    pytest.importorskip("resource", reason="peak memory is measured with the resource module, which Windows lacks")
    program = f"""
import resource, sys
sys.path.append({str(root)!r})
import numpy as np
from surrogate import Seeds, Stretch, SurrogateSpace, latents_over_time
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
def growth(function):
    ballast, before = [], peak()
    while peak() == before:  # importing may have needed more than is used now
        ballast.append(np.ones(1 << 17))
    before = peak()
    function()
    return peak() - before
long, short = (16, 41, 60, 104), (16, 41, 4, 4)
for k in (2, 8):
    space = SurrogateSpace(Seeds.from_range(0, k))
    u = np.random.default_rng(0).random((5, k - 1))
    for make in (lambda shape: space.latents(u[:1], shape), lambda shape: latents_over_time(space, [Stretch(u)], shape)):
        make(short)
        print(growth(lambda: make(long)))
"""
    # glibc keeps what is freed below this size, in pieces, and what is kept is not needed.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    clips = [int(line) / (4 * 16 * 41 * 60 * 104) for line in done.stdout.split()]
    print("in clips:", " ".join(f"{growth:.2f}" for growth in clips))
    assert len(clips) == 4
    assert min(clips) > 1.8  # less would mean that it was not measured
    assert max(clips) < 2.3
