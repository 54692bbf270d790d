"""The space: exact vertices, bits that do not depend on the batch, the peers' formulas, location, recipes, memory."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
import scipy.stats
import torch
from scipy.spatial.transform import Rotation as Rotations

from surrogate.charts import CHARTS
from surrogate.recipes import space_from_recipe
from surrogate.seeds import Seeds
from surrogate.space import SurrogateSpace
from surrogate.transports import TRANSPORTS, Affine, Composite, Gaussian, Quantile, Rotation, Sphere

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from lolatents.lol_numpy import lol_gaussian, lol_iid  # Its type checker warns about its own annotations.

SHAPE = (4, 9, 7)  # 252 elements, not a multiple of 16.
NESTED = [(16, 4, 4), (3, 5)]


def noises(k: int, *shape: int, seed: int = 0) -> torch.Tensor:
    noise = torch.randn(k, *shape, generator=torch.Generator().manual_seed(seed))
    noise.view(k, -1)[:, 0] = -0.0  # A bit that sums lose.
    return noise


def rotations(k: int, *shape: int, seed: int = 0) -> torch.Tensor:
    matrices = Rotations.random(k * int(np.prod(shape)), np.random.default_rng(seed)).as_matrix()
    return torch.from_numpy(matrices).float().reshape(k, *shape, 3, 3)


def as_list(z) -> list[torch.Tensor]:
    return [z] if isinstance(z, torch.Tensor) else list(z)


def bits(a, b) -> bool:
    a, b = as_list(a), as_list(b)
    return len(a) == len(b) and all(
        torch.equal(x.contiguous().view(torch.int32), y.contiguous().view(torch.int32))
        for x, y in zip(a, b, strict=True)
    )


def spaces() -> dict[str, tuple[SurrogateSpace, object]]:
    """Spaces of five seeds of every kind with every transport, each with a shape to draw at."""
    integers = Seeds.from_text("12, 99; 1024:3/4, 7, 7:1/2")
    together = Seeds.from_tensors(noises(5, *SHAPE))
    apart = Seeds.join([Seeds.from_tensors(noises(1, *SHAPE, seed=s)) for s in range(5)])
    mixed = Seeds.join([Seeds.from_text("12, 99"), Seeds.from_tensors(noises(3, *SHAPE))])
    nested = Seeds.from_tensors([noises(5, *shape, seed=s) for s, shape in enumerate(NESTED)])
    frames = Seeds.from_tensors(rotations(5, 6))
    backbone = Seeds.from_tensors([rotations(5, 6), noises(5, 6, 3)])
    composite = Composite([Rotation(), Affine(scale=2.0)])
    made = {"rotation": (SurrogateSpace(frames, transport="rotation"), (6, 3, 3))}
    made["composite"] = SurrogateSpace(backbone, transport=composite), [(6, 3, 3), (6, 3)]
    turned = Seeds.from_tensors([noises(5, 6, 3), rotations(5, 6), rotations(5, 2, seed=1)])
    composite = Composite([Sphere(), Rotation(), Rotation()])
    made["composite of three"] = SurrogateSpace(turned, transport=composite), [(6, 3), (6, 3, 3), (2, 3, 3)]
    made["composite of parts that need nothing"] = (
        SurrogateSpace(nested, transport=Composite([Gaussian(), Gaussian()])),
        NESTED,
    )
    made["angular"] = SurrogateSpace(together, "angular"), SHAPE
    for transport in (Gaussian(), Affine([1.0, -2.0, 0.0, 0.5], 3.0), Quantile("laplace"), Sphere(), Sphere(1.1)):
        for name, seeds in {"integers": integers, "one tensor": together, "tensors": apart, "mixed": mixed}.items():
            made[f"{transport!r} {name}"] = SurrogateSpace(seeds, transport=transport), SHAPE
        if transport.name != "affine":
            made[f"{transport!r} nested integers"] = SurrogateSpace(integers, transport=transport), NESTED
            made[f"{transport!r} nested tensors"] = SurrogateSpace(nested, transport=transport), NESTED
    for name, kind in TRANSPORTS.items():
        for i, example in enumerate(kind.examples()):
            z = example.draw(np.random.default_rng(i), 5)
            shape = tuple(z.shape[1:]) if isinstance(z, torch.Tensor) else [tuple(part.shape[1:]) for part in z]
            made[f"example {i} of {name}"] = SurrogateSpace(Seeds.from_tensors(z), transport=example.transport), shape
    return made


SPACES = spaces()
every_space = pytest.mark.parametrize(("space", "shape"), SPACES.values(), ids=SPACES)


def some_points(k: int, n: int = 11) -> np.ndarray:
    """Points u (n, k-1): inside, on faces, and two vertices among them."""
    u = np.random.default_rng(0).random((n, k - 1))
    u[3, 0], u[4, 1:] = 1.0, 1.0
    u[5], u[7] = 0.0, 1.0
    return u


# The points' noise.


@every_space
def test_vertices_are_the_seeds_to_the_last_bit(space, shape):
    vertices = space.chart.coordinates(np.eye(space.k))
    z = space.latents(vertices, shape)
    parts = space.parts(shape)
    for i, seed in enumerate(space.seeds):
        assert bits([part[i] for part in as_list(z)], seed.noise(parts))
        assert bits(space.latents(vertices[i], shape), [part[None] for part in seed.noise(parts)])


def test_a_vertex_is_cores_noise():
    space = SurrogateSpace(Seeds.from_text("42, 42:3/4"))
    z = space.latents([[0.0], [1.0]], SHAPE)
    assert torch.equal(z[0], torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(42))[0])
    assert torch.equal(z[1], torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(42))[3])


@every_space
def test_a_point_has_the_same_bits_alone_and_in_any_batch(space, shape):
    u = some_points(space.k)
    z = space.latents(u, shape)
    for i in range(len(u)):
        assert bits(space.latents(u[i], shape), [part[i : i + 1] for part in as_list(z)])
    for chosen in ([0, 5], [7, 6, 5], [1, 1, 1], list(range(9)), list(range(10, -1, -1))):
        assert bits(space.latents(u[chosen], shape), [part[chosen] for part in as_list(z)])
    assert bits(space.latents(np.asfortranarray(u), shape), z)


@pytest.mark.parametrize("transport", ["gaussian", "affine", "sphere"])
@pytest.mark.parametrize("seeds", [Seeds.from_range(0, 4), Seeds.from_tensors(noises(4, 4, 99, 301))], ids=["int", "t"])
def test_large_points_have_the_same_bits_too(seeds, transport):
    # Where torch splits one row between threads.
    space = SurrogateSpace(seeds, transport=transport)
    u = some_points(4)
    z = space.latents(u, (4, 99, 301))
    for i in (0, 5, 10):
        assert torch.equal(space.latents(u[i], (4, 99, 301))[0], z[i])
    assert torch.equal(space.latents(u[2:9], (4, 99, 301)), z[2:9])


@every_space
def test_the_number_of_threads_does_not_matter(space, shape):
    u = some_points(space.k)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = as_list(space.latents(u, shape))
        torch.set_num_threads(2)
        two = as_list(space.latents(u, shape))
    finally:
        torch.set_num_threads(before)
    for a, b in zip(one, two, strict=True):
        torch.testing.assert_close(a, b, rtol=2e-6, atol=2e-6)
        assert torch.equal(a[5], b[5]) and torch.equal(a[7], b[7])


@every_space
def test_shape_dtype_and_no_points(space, shape):
    z = as_list(space.latents(some_points(space.k)[:3], shape))
    shapes = [tuple(part.shape) for part in z]
    assert shapes == [(3, *part) for part in space.parts(shape)]
    assert all(part.dtype == torch.float32 and torch.isfinite(part).all() for part in z)
    half = as_list(space.latents(some_points(space.k)[:3], shape, dtype=torch.float16))
    for a, b in zip(half, z, strict=True):
        assert a.dtype == torch.float16
        assert torch.equal(a, b.half())
    none = as_list(space.latents(np.empty((0, space.k - 1)), shape))
    assert [tuple(part.shape) for part in none] == [(0, *part) for part in space.parts(shape)]
    assert isinstance(space.latents(np.empty((0, space.k - 1)), shape), list) == isinstance(shape, list)


@every_space
def test_seeds_are_left_alone(space, shape):
    parts = space.parts(shape)
    before = [[part.clone() for part in seed.noise(parts)] for seed in space.seeds]
    for z in as_list(space.latents(some_points(space.k), shape)):
        z.fill_(7.0)
    space.coordinates(as_list(space.latents(some_points(space.k), shape)))
    assert all(bits(seed.noise(parts), old) for seed, old in zip(space.seeds, before, strict=True))


@every_space
def test_progress_goes_to_the_end(space, shape):
    calls = []
    space.gram(shape, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (space.k, space.k)


def test_streaming_tells_every_seed():
    calls = []
    SurrogateSpace(Seeds.from_range(0, 5)).latents(some_points(5), SHAPE, progress=lambda *call: calls.append(call))
    assert calls == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize("chart", CHARTS)
def test_blends_are_the_weighted_sum(chart):
    seeds = Seeds.from_range(3, 6)
    space = SurrogateSpace(seeds, chart)
    u = some_points(6)
    w = space.weights(u)
    assert np.array_equal(w, CHARTS[chart].weights(u))
    matrix = torch.stack([seed.noise((SHAPE,))[0].reshape(-1) for seed in seeds]).double()
    exact = (torch.from_numpy(w) @ matrix).reshape(-1, *SHAPE)
    torch.testing.assert_close(space.latents(u, SHAPE).double(), exact, rtol=0, atol=2e-6)
    assert torch.equal(space.combine(w, SHAPE), space.latents(u, SHAPE))
    in_memory = SurrogateSpace(Seeds.from_tensors(matrix.float().reshape(-1, *SHAPE)), chart)
    torch.testing.assert_close(in_memory.latents(u).double(), exact, rtol=0, atol=2e-6)


def test_affine_is_lols_correction_of_the_mean():
    mean, scale = [1.0, -2.0, 0.0, 0.5], [3.0, 0.1, 1.0, 2.0]
    per = torch.tensor([mean, scale]).reshape(2, 1, 4, 1, 1)
    batch = noises(5, *SHAPE) * per[1] + per[0]
    space = SurrogateSpace(Seeds.from_tensors(batch), transport=Affine(mean, scale))
    u = some_points(5)
    flat = np.repeat(np.array(mean), 63)
    expected = lol_gaussian(w=space.weights(u), X=batch.double().reshape(5, -1).numpy(), mean=flat)
    np.testing.assert_allclose(space.latents(u).reshape(11, -1).double().numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("family", ["laplace", "uniform", "logistic"])
def test_quantile_is_lols_rule(family):
    distribution = getattr(scipy.stats, family)()
    batch = torch.from_numpy(distribution.rvs((5, *SHAPE), random_state=np.random.default_rng(1))).float()
    space = SurrogateSpace(Seeds.from_tensors(batch), transport=Quantile(family))
    u = some_points(5)
    expected = lol_iid(
        w=space.weights(u),
        X=batch.double().reshape(5, -1).numpy(),
        cdf=distribution.cdf,
        inverse_cdf=distribution.ppf,
    )
    np.testing.assert_allclose(space.latents(u).reshape(11, -1).double().numpy(), expected, atol=2e-5)


@pytest.mark.parametrize("k", [2, 8, 64])
def test_z_is_standard_normal(k):
    rng = np.random.default_rng(k)
    dimensions, n = 512, 100
    points = []
    # Each point from seeds of its own, so that the points are independent.
    for i in range(n):
        space = SurrogateSpace(Seeds.from_range(10**6 * k + 64 * i, k))
        points.append(space.latents(rng.random(k - 1), (dimensions,))[0])
    z = torch.stack(points).double().numpy()
    assert scipy.stats.kstest(z.ravel(), "norm").pvalue > 0.01
    assert scipy.stats.kstest((z**2).sum(axis=1), scipy.stats.chi2(dimensions).cdf).pvalue > 0.01
    # Neither positions nor points go together.
    assert abs(np.mean(z[:, 1:] * z[:, :-1])) < 4 / np.sqrt(z.size)
    assert abs(np.mean(z[1:] * z[:-1])) < 4 / np.sqrt(z.size)


@pytest.mark.parametrize("k", [2, 8, 64])
def test_all_points_of_one_space_have_the_norm_of_noise(k):
    space = SurrogateSpace(Seeds.from_range(500, k))
    u = np.random.default_rng(k).random((100, k - 1))
    z = space.latents(u, (16, 32, 32))
    norms = z.flatten(1).norm(dim=1) / 128
    w = space.weights(u)
    expected = np.sqrt(np.einsum("ni,ij,nj->n", w, space.gram((16, 32, 32)), w))
    np.testing.assert_allclose(norms.numpy(), expected, rtol=1e-5)
    assert (norms - 1).abs().max() < 0.05
    p = [scipy.stats.kstest(row.flatten().double().numpy(), "norm").pvalue for row in z[:20]]
    assert min(p) * len(p) > 0.01


def test_rotations_that_are_near_blend_to_one_near_them():
    # The two quaternions of a rotation: the second seed's signs are the first one's, frame by frame.
    turn = Rotations.from_rotvec(np.random.default_rng(2).normal(0, 0.1, (200, 3)))
    first = rotations(1, 200)[0]
    seeds = torch.stack([first, first @ torch.from_numpy(turn.as_matrix()).float()])
    middle = SurrogateSpace(Seeds.from_tensors(seeds), transport="rotation").latents([[0.5]])[0]
    from_first = Rotations.from_matrix((first.mT @ middle).double().numpy())
    np.testing.assert_allclose(from_first.as_rotvec(), turn.as_rotvec() / 2, atol=1e-5)


# Seeds that are not independent.


def test_equal_seeds_burn_and_the_sphere_transport_keeps_the_norm():
    batch = noises(1, 16, 16, 16).repeat(2, 1, 1, 1)
    seeds = Seeds.from_tensors(batch, labels=["a", "b"])
    middle = [[0.5]]
    norm = batch[0].norm().item()
    burnt = SurrogateSpace(seeds)
    assert burnt.latents(middle).norm().item() == pytest.approx(np.sqrt(2) * norm, rel=1e-5)
    kept = SurrogateSpace(seeds, transport="sphere")
    assert kept.latents(middle).norm().item() == pytest.approx(norm, rel=1e-5)

    (note,) = burnt.warnings()
    assert "Seeds a and b are not independent (correlation +1.000" in note
    assert f"{100 * np.sqrt(2) * norm / 64:.0f} % of the norm" in note and "Use the sphere transport" in note
    (note,) = kept.warnings()
    assert "a and b are not independent" in note and "Use the sphere transport" not in note


def test_warnings_name_opposite_seeds_and_wrong_norms():
    batch = noises(3, 16, 16, 16)
    batch[1] = -batch[0]
    batch[2] *= 1.5
    notes = SurrogateSpace(Seeds.from_tensors(batch, ["a", "b", "c"])).warnings()
    assert len(notes) == 2
    assert "a and b are not independent (correlation -1.000" in notes[0] and " 0 % of the norm" in notes[0]
    assert "Seed c has 1.5" in notes[1] and "names the transport" in notes[1]
    space = SurrogateSpace(Seeds.from_tensors(batch), transport="sphere")
    with pytest.raises(ValueError, match="cancel out"):
        space.combine([[np.sqrt(0.5), np.sqrt(0.5), 0.0]])


def test_independent_seeds_need_no_warning():
    assert SurrogateSpace(Seeds.from_range(0, 16)).warnings((16, 16, 16)) == []
    shifted = noises(4, 4, 32, 32) * 3 + 5
    assert SurrogateSpace(Seeds.from_tensors(shifted), transport=Affine(5, 3)).warnings() == []
    assert len(SurrogateSpace(Seeds.from_tensors(shifted)).warnings()) == 6 + 4


@every_space
def test_gram(space, shape):
    gram = space.gram(shape)
    assert gram.shape == (5, 5)
    np.testing.assert_allclose(gram, gram.T, atol=1e-15)
    parts = space.parts(shape)
    transports = space.transport.split(len(parts))
    inner, first = [], None
    for seed in space.seeds:
        noise = seed.noise(parts)
        xi = [
            t.forward(part[None], None if first is None else first[i])
            for i, (t, part) in enumerate(zip(transports, noise, strict=True))
        ]
        first = first or xi
        inner.append(torch.cat([part.flatten().double() for part in xi]))
    inner = torch.stack(inner)
    np.testing.assert_allclose(gram, (inner @ inner.T / inner.shape[1]).numpy(), atol=1e-12)


def test_gram_in_small_blocks(monkeypatch):
    space = SurrogateSpace(Seeds.from_range(0, 75))
    whole = space.gram(SHAPE)
    for seeds_at_once in (1, 2, 6, 32, 50):
        monkeypatch.setattr("surrogate.space.gram.BLOCK_BYTES", 4 * 252 * seeds_at_once)
        monkeypatch.setattr("surrogate.space.gram.COLUMNS", 50)
        np.testing.assert_allclose(space.gram(SHAPE), whole, atol=1e-14)


# Location.


@pytest.mark.parametrize("transport", ["gaussian", "sphere", Affine(0.3, 1.2), Quantile("logistic")], ids=repr)
@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("k", [2, 5, 64])
def test_a_point_is_found_again(k, chart, transport):
    space = SurrogateSpace(Seeds.from_range(77, k), chart, transport)
    shape = (16, 24, 24)
    # Uniform in the orthant: elsewhere in the cube the last coordinates of some charts steer weights that are nearly nothing.
    w = np.abs(np.random.default_rng(0).standard_normal((6, k)))
    u = space.chart.coordinates(w / np.linalg.norm(w, axis=1, keepdims=True))
    located = space.coordinates(space.latents(u, shape))
    np.testing.assert_allclose(located.w, space.weights(u), atol=2e-6)
    np.testing.assert_allclose(located.u, u, atol=2e-4)
    np.testing.assert_allclose(located.fit, 1.0, atol=1e-6)
    assert np.array_equal(located.w, space.weights(located.u)) or np.allclose(located.w, space.weights(located.u))


def test_vertices_are_located_exactly():
    space = SurrogateSpace(Seeds.from_range(77, 6))
    vertices = space.chart.coordinates(np.eye(6))
    located = space.coordinates(space.latents(vertices, (16, 16, 16)))
    assert np.array_equal(located.w, np.eye(6)) and np.array_equal(located.u, vertices)


def test_one_frame_is_found_again():
    space = SurrogateSpace(Seeds.from_tensors(rotations(3, 1).reshape(3, 3, 3)), transport="rotation")
    u = np.random.default_rng(0).random((5, 2))
    located = space.coordinates(space.latents(u))
    np.testing.assert_allclose(located.u, u, atol=1e-4)
    np.testing.assert_allclose(located.fit, 1.0, atol=1e-6)


def test_nested_points_are_found_again():
    space = SurrogateSpace(Seeds.from_text("12, 99, 1024:3/4"))
    u = np.random.default_rng(0).random((5, 2))
    located = space.coordinates(space.latents(u, [(16, 16, 16), (8, 5, 7)]))
    np.testing.assert_allclose(located.u, u, atol=1e-4)
    np.testing.assert_allclose(located.fit, 1.0, atol=1e-6)


def test_noise_of_another_scale_has_the_same_place():
    space = SurrogateSpace(Seeds.from_range(0, 4))
    u = np.random.default_rng(0).random((3, 3))
    located = space.coordinates(0.1 * space.latents(u, SHAPE))
    np.testing.assert_allclose(located.u, u, atol=1e-4)
    np.testing.assert_allclose(located.fit, 1.0, atol=1e-6)


def test_foreign_noise_fits_badly():
    space = SurrogateSpace(Seeds.from_range(0, 8))
    located = space.coordinates(noises(20, 16, 16, 16, seed=999))
    assert (located.fit < 8 / 64).all()
    np.testing.assert_allclose(np.linalg.norm(located.w, axis=1), 1, atol=1e-12)
    assert (located.w >= 0).all() and (located.u >= 0).all() and (located.u <= 1).all()


def test_location_is_the_best_non_negative_point():
    space = SurrogateSpace(Seeds.from_range(0, 3))
    parts = ((16, 16, 16),)
    a, b, c = (seed.noise(parts)[0] for seed in space.seeds)
    # Half outside the orthant: the seed with the negative weight is left out.
    located = space.coordinates((0.8 * a - 0.6 * b)[None])
    assert located.w[0, 1] == 0
    assert located.w[0, 0] == pytest.approx(1, abs=0.01)
    assert located.fit[0] == pytest.approx(0.8, abs=0.02)
    # No seed points towards it: the least wrong one, and a fit that says so.
    located = space.coordinates((-0.5 * a - 0.6 * b - 0.62 * c)[None])
    assert np.array_equal(located.w, [[1.0, 0.0, 0.0]])
    assert -0.6 < located.fit[0] < -0.4
    # No point of the space lies nearer, by trial.
    z = (0.5 * a + 0.3 * b - 0.1 * c + noises(1, 16, 16, 16, seed=5)[0])[None]
    located = space.coordinates(z)
    points = space.latents(np.random.default_rng(0).random((400, 2)), parts[0]).flatten(1)
    cosine = torch.nn.functional.cosine_similarity(points, z.flatten(1))
    assert cosine.max() <= located.fit[0] + 1e-6
    assert cosine.max() > located.fit[0] - 0.01


@pytest.mark.parametrize("rows", [[0, 0], [0, 0, 0, 0], [0, 1, 2, 0, 1], [0, 1, 1, 1, 2, 3, 0, 0, 3]], ids=str)
def test_location_among_equal_seeds(rows):
    space = SurrogateSpace(Seeds.from_tensors(noises(4, 16, 16, 16)[rows]), transport="sphere")
    u = np.random.default_rng(0).random((6, len(rows) - 1))
    z = space.latents(u)
    located = space.coordinates(z)
    np.testing.assert_allclose(located.fit, 1.0, atol=1e-5)
    # Not the same w, for equal seeds can share their weight in many ways, but the same direction.
    again = space.latents(located.u)
    cosine = torch.nn.functional.cosine_similarity(again.flatten(1), z.flatten(1))
    assert (cosine > 1 - 1e-5).all()


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (torch.zeros(1, *SHAPE), "all zeros"),
        (torch.full((1, *SHAPE), float("nan")), "NaN"),
        (torch.ones(1, 4, 9, 8), "latent has shape 4×9×8, the space's seeds have 4×9×7"),
        ([torch.ones(1, *SHAPE), torch.ones(1, 3)], r"4×9×7 \+ 3, the space's seeds have 4×9×7"),
        (torch.ones(4), "must have shape"),
    ],
)
def test_what_cannot_be_located_is_named(z, message):
    space = SurrogateSpace(Seeds.from_tensors(noises(2, *SHAPE)))
    with pytest.raises(ValueError, match=message):
        space.coordinates(z)


# Recipes.


@every_space
def test_a_recipe_rebuilds_the_same_bits(space, shape):
    recipe = json.loads(json.dumps(space.recipe(), allow_nan=False))
    tensors = {
        seed.checksum: [part.clone() for part in seed.noise(seed.parts)]
        for seed in space.seeds
        if seed.parts is not None
    }
    twin = space_from_recipe(recipe, tensors)
    assert twin.recipe() == space.recipe()
    assert twin.seeds.labels == space.seeds.labels
    u = some_points(space.k)
    assert bits(twin.latents(u, shape), space.latents(u, shape))


def test_a_recipe_that_is_none_is_named():
    space = SurrogateSpace(Seeds.from_tensors(noises(2, *SHAPE), labels=["a", "b"]))
    recipe = space.recipe()
    checksum = space.seeds[0].checksum
    tensors = {seed.checksum: seed.noise(seed.parts) for seed in space.seeds}
    with pytest.raises(ValueError, match=r"needs the tensor of seed .*'label': 'a'"):
        space_from_recipe(recipe)
    with pytest.raises(ValueError, match="tensor given for seed a has another checksum"):
        space_from_recipe(recipe, {**tensors, checksum: [torch.ones(SHAPE)]})
    broken = [{}, {"seeds": []}, [], "seeds", None]
    broken += [{**recipe, "seeds": seeds} for seeds in (None, 3, "12", {"0": "12"})]
    broken += [{**recipe, "chart": chart} for chart in (None, ["knothe_rosenblatt"])]
    broken += [{**recipe, "transport": t} for t in (None, "gaussian", {}, {"name": None}, {"name": ["gaussian"]})]
    for none in broken:
        with pytest.raises(ValueError, match="not the recipe of a surrogate space"):
            space_from_recipe(none, tensors)
    with pytest.raises(ValueError, match="no chart 'flat'"):
        space_from_recipe({**recipe, "chart": "flat"}, tensors)
    with pytest.raises(ValueError, match="no transport 'teleport'"):
        space_from_recipe({**recipe, "transport": {"name": "teleport"}}, tensors)
    with pytest.raises(ValueError, match="'x' is not a seed"):
        space_from_recipe({**recipe, "seeds": ["1", "x"]})
    for entry in (None, 3, {}, {"tensor": None}, {"tensor": ["x"]}, {"tensor": "x", "label": "a"}):
        with pytest.raises(ValueError, match="needs the tensor of seed"):
            space_from_recipe({**recipe, "seeds": ["1", entry]}, tensors)


# What is refused.


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SurrogateSpace(Seeds.from_text("42")), "at least 2 seeds, got 1: with one there is nothing to blend"),
        (lambda: SurrogateSpace(Seeds(())), "at least 2 seeds, got 0"),
        (lambda: SurrogateSpace(Seeds.from_range(0, 1025)), "at most 1024 seeds, got 1025"),
        (lambda: SurrogateSpace(Seeds.from_range(0, 2), "flat"), "no chart 'flat': choose one of knothe_rosenblatt, a"),
        (lambda: SurrogateSpace(Seeds.from_range(0, 2), transport="none"), "no transport 'none': choose one of gaus"),
        (
            lambda: SurrogateSpace(Seeds.from_tensors(noises(1, 4, 8, 8)) + Seeds.from_tensors(noises(1, 4, 8, 9))),
            "4×8×8, .*4×8×9",
        ),
        (lambda: SurrogateSpace(Seeds.from_tensors(noises(2, 4, 8)), transport="rotation"), r"shape \(…, 3, 3\)"),
        (lambda: SurrogateSpace(Seeds.from_tensors(noises(2, 4, 8)), transport=Affine([1, 2])), "2 channels.*has 4"),
        (
            lambda: SurrogateSpace(Seeds.from_tensors(noises(2, 4, 8)), transport=Composite([Gaussian(), Sphere()])),
            r"2 parts \(gaussian, sphere\), but the latent has 1",
        ),
    ],
)
def test_a_space_that_cannot_be_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("u", "message"),
    [
        ([[0.5]], "1 coordinates a point, but a space of 3 seeds has 2"),
        ([[0.5, 0.5, 0.5]], "3 coordinates a point, but a space of 3 seeds has 2"),
        ([0.5, np.nan], "must be finite, got nan"),
        ([[0.5, 0.5], [0.5, 1.2]], r"cube \[0, 1\]\^2, got 1.2 at index \(1, 1\)"),
        (np.full((2, 2, 2), 0.5), r"shape \(n, 3\), got \(2, 2, 3\)"),
        ([[]], r"shape \(1, 0\)"),
    ],
)
@pytest.mark.parametrize(
    "seeds", [Seeds.from_range(0, 3), Seeds.from_tensors(noises(3, *SHAPE))], ids=["int", "tensor"]
)
def test_bad_points_are_named(seeds, u, message):
    with pytest.raises(ValueError, match=message):
        SurrogateSpace(seeds).latents(u, SHAPE)


def test_bad_weights_are_named():
    space = SurrogateSpace(Seeds.from_range(0, 3))
    with pytest.raises(ValueError, match="2 weights a point, but the space has 3 seeds"):
        space.combine([[1.0, 0.0]], SHAPE)
    with pytest.raises(ValueError, match=r"norm 1, got norm 1\.73"):
        space.combine([[1.0, 1.0, 1.0]], SHAPE)
    with pytest.raises(ValueError, match="must not be negative"):
        space.combine([[-0.6, 0.8, 0.0]], SHAPE)


def test_bad_shapes_are_named():
    integers, tensors = SurrogateSpace(Seeds.from_range(0, 2)), SurrogateSpace(Seeds.from_tensors(noises(2, *SHAPE)))
    with pytest.raises(ValueError, match="shape is needed"):
        integers.latents([[0.5]])
    for shape in ((), (4, 0, 8), (4, -1), [(4, 8), ()]):
        with pytest.raises(ValueError, match="shape must be the shape of one latent"):
            integers.latents([[0.5]], shape)
    with pytest.raises(ValueError, match=r"latent 1 is a noise of shape 4×9×7, but .* shape 4×9×8"):
        tensors.latents([[0.5]], (4, 9, 8))
    with pytest.raises(ValueError, match=r"shape 4×9×7, but .* shape 4×9×7 \+ 3"):
        tensors.latents([[0.5]], [SHAPE, (3,)])
    mixed = SurrogateSpace(Seeds.join([Seeds.from_text("5"), tensors.seeds]))
    with pytest.raises(ValueError, match=r"latent 1 is a noise of shape 4×9×7, but .* shape 4×9×8"):
        mixed.latents([[0.5, 0.5]], (4, 9, 8))
    # Nothing is broken after it.
    assert tensors.latents([[0.5]]).shape == (1, *SHAPE)
    assert mixed.latents([[0.5, 0.5]]).shape == (1, *SHAPE)


# Memory.


def test_memory_is_the_output_and_one_seed(root):
    # In its own process: the peak counts from the first call on, whatever ran before.
    pytest.importorskip("resource", reason="peak memory is measured with the resource module, which Windows lacks")
    program = f"""
import resource, sys
sys.path.append({str(root)!r})
import numpy as np
from surrogate import Seeds, SurrogateSpace
space = SurrogateSpace(Seeds.from_range(0, 64))
u = np.random.default_rng(0).random((3, 63))
shape = (16, 256, 256)
space.latents(u, (16, 8, 8))
unit = 1 if sys.platform == "darwin" else 1024
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
z = space.latents(u, shape)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
print(after - before, z[0].nbytes)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    growth, seed = map(int, done.stdout.split())
    assert seed == 4 * 16 * 256 * 256
    # Three points and three seeds; all 64 seeds would be 268 MB.
    assert growth < 6 * seed + 60e6
