"""The transports: their laws, by statistics, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.stats
import torch
from scipy.spatial.transform import Rotation as Rotations

from surrogate.transports import TRANSPORTS, Affine, Composite, Quantile, Rotation, Sphere, Transport, make_transport

ENOUGH = 1e-3  # A p-value, multiplied by the number of tests, below this is a failure.


@dataclass
class Case:
    """A transport with its distribution: `draw(rng, n)` gives n independent latents (n, *shape), and `pvalues(z)` the
    p-values of z coming from that distribution. A latent of parts is a list of tensors."""

    transport: Transport | Composite
    draw: Callable
    pvalues: Callable


def ks(sample: np.ndarray, cdf) -> float:
    return scipy.stats.kstest(np.asarray(sample, dtype=np.float64).ravel(), cdf).pvalue


def elements(distribution, shape=(3, 4)) -> tuple[Callable, Callable]:
    """Independent elements of a frozen scipy.stats distribution; `mean` and `scale` may be one a channel."""

    def draw(rng, n):
        return torch.from_numpy(distribution.rvs((n, *shape), random_state=rng)).float()

    def pvalues(z):
        uniform = distribution.cdf(z.double().numpy())
        flat = np.abs(uniform.reshape(len(z), -1) - 0.5)
        # Every channel's distribution, and every two neighbours independent, in the middle and in the tails.
        pairs = [scipy.stats.spearmanr(flat[:, i], flat[:, i + 1]).pvalue for i in range(flat.shape[1] - 1)]
        return [ks(uniform[:, channel], "uniform") for channel in range(shape[0])] + pairs

    return draw, pvalues


def sphere(dimensions: int, radius: float) -> tuple[Callable, Callable]:
    """Uniform on the sphere of norm radius · √D."""

    def draw(rng, n):
        z = rng.standard_normal((n, dimensions))
        return torch.from_numpy(z * radius * np.sqrt(dimensions) / np.linalg.norm(z, axis=1, keepdims=True)).float()

    def pvalues(z):
        norms = z.double().norm(dim=1).numpy()
        np.testing.assert_allclose(norms, radius * np.sqrt(dimensions), rtol=1e-6)
        share = (z.double().numpy() / norms[:, None]) ** 2
        return [ks(column, scipy.stats.beta(0.5, (dimensions - 1) / 2).cdf) for column in share.T]

    return draw, pvalues


def rotations() -> tuple[Callable, Callable]:
    """Uniform rotations (n, 3, 3)."""

    def draw(rng, n):
        return torch.from_numpy(Rotations.random(n, rng).as_matrix()).float()

    def pvalues(z):
        z = z.double().numpy()
        np.testing.assert_allclose(z @ z.transpose(0, 2, 1), np.tile(np.eye(3), (len(z), 1, 1)), atol=1e-5)
        assert (np.linalg.det(z) > 0).all()
        p = []
        # Haar measure: the angle has density (1 - cos θ)/π, also after any fixed rotation from either side.
        for fixed in (np.eye(3), *Rotations.random(4, np.random.default_rng(7)).as_matrix()):
            for turned in (fixed @ z, z @ fixed):
                angle = np.arccos(np.clip((np.trace(turned, axis1=1, axis2=2) - 1) / 2, -1, 1))
                p.append(ks(angle, lambda t: (t - np.sin(t)) / np.pi))
        # Columns and rows are uniform on the sphere, so each entry is uniform in [-1, 1].
        return p + [ks((z[:, i, j] + 1) / 2, "uniform") for i in range(3) for j in range(3)]

    return draw, pvalues


def composite(*cases: Case) -> Case:
    def draw(rng, n):
        return [case.draw(rng, n) for case in cases]

    def pvalues(z):
        return [p for case, part in zip(cases, z, strict=True) for p in case.pvalues(part)]

    return Case(Composite([case.transport for case in cases]), draw, pvalues)


per_channel = scipy.stats.norm([[1.5], [-3.0], [0.0]], [[0.2], [1.0], [7.0]])
CASES = {
    "gaussian": [Case(make_transport("gaussian"), *elements(scipy.stats.norm()))],
    "affine": [
        Case(Affine(0.5, 2.0), *elements(scipy.stats.norm(0.5, 2.0))),
        Case(Affine([1.5, -3.0, 0.0], [0.2, 1.0, 7.0]), *elements(per_channel)),
    ],
    "quantile": [
        Case(Quantile("laplace", loc=1, scale=2), *elements(scipy.stats.laplace(1, 2))),
        Case(Quantile("uniform"), *elements(scipy.stats.uniform())),
        Case(Quantile("expon"), *elements(scipy.stats.expon())),
        Case(Quantile("t", df=2), *elements(scipy.stats.t(2))),
        Case(Quantile(scipy.stats.gumbel_r(0, 3)), *elements(scipy.stats.gumbel_r(0, 3))),
    ],
    "sphere": [Case(Sphere(), *sphere(7, 1.0)), Case(Sphere(radius=3.0), *sphere(7, 3.0))],
    "rotation": [Case(Rotation(), *rotations())],
}
CASES["composite"] = [composite(CASES["gaussian"][0], CASES["rotation"][0], CASES["quantile"][1])]


def two_sample(draw: Callable) -> Callable:
    """The p-values of z coming from where `draw` draws: single values, products of neighbours, and norms."""

    def pvalues(z):
        fresh = draw(np.random.default_rng(99), len(parts(z)[0]))
        return [
            scipy.stats.ks_2samp(mine, other).pvalue
            for a, b in zip(parts(z), parts(fresh), strict=True)
            for mine, other in zip(_features(a), _features(b), strict=True)
        ]

    return pvalues


def _features(z: torch.Tensor) -> list[np.ndarray]:
    flat = z.flatten(1).double().numpy()
    norms = (flat**2).mean(axis=1).round(4)  # where all have one norm, rounding is no difference
    return [*flat.T, *(flat[:, :-1] * flat[:, 1:]).T, norms]


# Every registered transport by its own examples; ours by exact distribution functions too, and with more settings.
EVERY = {
    f"{name} example {i}": Case(example.transport, example.draw, two_sample(example.draw))
    for name, kind in TRANSPORTS.items()
    for i, example in enumerate(kind.examples())
} | {f"{name} {i}": case for name, cases in CASES.items() for i, case in enumerate(cases)}


@pytest.fixture(params=EVERY)
def case(request) -> Case:
    return EVERY[request.param]


def test_every_transport_brings_examples_of_its_own():
    assert set(TRANSPORTS) == {name.split(" example")[0] for name in EVERY if " example " in name}
    for name, kind in TRANSPORTS.items():
        assert TRANSPORTS[kind.name] is kind
        assert all(example.transport.name == name for example in kind.examples())


def parts(z) -> list[torch.Tensor]:
    return z if isinstance(z, list) else [z]


def like(z, many: list[torch.Tensor]):
    return many if isinstance(z, list) else many[0]


def blend(transport, seeds: list, w: torch.Tensor):
    """T←(Σ w_k T→(z_k)) with weights w (n, k) of its own for each of the n independent rows of the k seeds."""
    xi = [parts(transport.forward(seeds[0]))]
    # With the rows as one latent's positions, each row gets the first seed of its own.
    xi += [parts(transport.forward(z, like(z, xi[0]))) for z in seeds[1:]]
    rows = [weights.double() for weights in w.T]
    total, power = [], []
    for i in range(len(xi[0])):
        columns = [row.reshape(-1, *[1] * (xi[0][i].ndim - 1)) for row in rows]
        total.append(sum(c * x[i].double() for c, x in zip(columns, xi, strict=True)).float())
        power.append(sum(row**2 * x[i].double().flatten(1).square().sum(1) for row, x in zip(rows, xi, strict=True)))
    return transport.inverse(like(seeds[0], total), like(seeds[0], power))


def unit_weights(rng, n: int, k: int) -> torch.Tensor:
    w = np.abs(rng.standard_normal((n, k)))
    return torch.from_numpy(w / np.linalg.norm(w, axis=1, keepdims=True))


# Laws of every transport.


def test_there_and_back(case):
    z = case.draw(np.random.default_rng(0), 500)
    back = case.transport.inverse(case.transport.forward(z))
    for before, after in zip(parts(z), parts(back), strict=True):
        assert after.shape == before.shape and after.dtype == torch.float32
        torch.testing.assert_close(after, before, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("k", [2, 5])
def test_blends_of_independent_seeds_have_their_distribution(case, k):
    rng = np.random.default_rng(k)
    n = 4000
    seeds = [case.draw(rng, n) for _ in range(k)]
    p = case.pvalues(seeds[0])
    assert min(p) * len(p) > ENOUGH, "the test's own samples are not of the distribution"
    p = case.pvalues(blend(case.transport, seeds, unit_weights(rng, n, k)))
    assert min(p) * len(p) > ENOUGH


def test_equal_weights_too(case):
    # Where corrections of the mean and of the variance are largest.
    rng = np.random.default_rng(9)
    seeds = [case.draw(rng, 4000) for _ in range(4)]
    p = case.pvalues(blend(case.transport, seeds, torch.full((4000, 4), 0.5)))
    assert min(p) * len(p) > ENOUGH


def test_rows_do_not_depend_on_each_other(case):
    rng = np.random.default_rng(1)
    first, z = case.draw(rng, 1), case.draw(rng, 20)
    xi = parts(case.transport.forward(z, like(z, parts(case.transport.forward(first)))))
    power = [part.double().flatten(1).square().sum(1) for part in xi]
    back = parts(case.transport.inverse(like(z, xi), like(z, power)))
    anchor = case.transport.forward(first)
    for i in range(20):
        row = like(z, [part[i : i + 1] for part in parts(z)])
        for whole, alone in zip(xi, parts(case.transport.forward(row, anchor)), strict=True):
            assert torch.equal(whole[i], alone[0])
        row = like(z, [part[i : i + 1] for part in xi])
        for whole, alone in zip(back, parts(case.transport.inverse(row, like(z, [p[i : i + 1] for p in power])))):
            torch.testing.assert_close(whole[i], alone[0], rtol=1e-6, atol=1e-7)


def test_the_input_is_left_alone(case):
    z = case.draw(np.random.default_rng(2), 10)
    before = [part.clone() for part in parts(z)]
    xi = case.transport.forward(z)
    inner = [part.clone() for part in parts(xi)]
    case.transport.inverse(xi)
    assert all(torch.equal(a, b) for a, b in zip(parts(z), before, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(parts(xi), inner, strict=True))


def test_inner_shape_is_the_shape(case):
    z = case.draw(np.random.default_rng(3), 6)
    for transport, part, xi in zip(
        case.transport.split(len(parts(z))), parts(z), parts(case.transport.forward(z)), strict=True
    ):
        assert xi.shape == (6, *transport.inner_shape(tuple(part.shape[1:])))


def test_settings_rebuild_it(case):
    if isinstance(case.transport, Quantile) and case.transport._settings is None:
        with pytest.raises(ValueError, match="made from an object cannot be written down"):
            case.transport.settings()
        return
    twin = make_transport(case.transport.name, **case.transport.settings())
    assert repr(twin) == repr(case.transport)
    z = case.draw(np.random.default_rng(4), 10)
    for a, b in zip(parts(twin.forward(z)), parts(case.transport.forward(z)), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", ["affine", "quantile", "sphere"])
def test_two_samples_tell_a_wrong_transport(name):
    example = TRANSPORTS[name].examples()[0]
    rng = np.random.default_rng(6)
    z = blend(make_transport("gaussian"), [example.draw(rng, 4000) for _ in range(3)], unit_weights(rng, 4000, 3))
    p = two_sample(example.draw)(z)
    assert min(p) * len(p) < ENOUGH


def test_the_statistics_tell_a_wrong_transport():
    # Each law test has teeth: blends by the wrong transport are found out.
    rng = np.random.default_rng(5)
    identity = make_transport("gaussian")
    for name, i in (("affine", 0), ("affine", 1), ("quantile", 0), ("quantile", 1), ("sphere", 0)):
        seeds = [CASES[name][i].draw(rng, 4000) for _ in range(3)]
        z = blend(identity, seeds, unit_weights(rng, 4000, 3))
        if name == "sphere":
            with pytest.raises(AssertionError):
                CASES[name][i].pvalues(z)
            continue
        assert min(CASES[name][i].pvalues(z)) < 1e-9, name

    class RealPartPositive(Rotation):
        def forward(self, z, first=None):
            q = super().forward(z)
            return torch.where(q[..., 3:] < 0, -q, q)

    seeds = [CASES["rotation"][0].draw(rng, 4000) for _ in range(3)]
    assert min(CASES["rotation"][0].pvalues(blend(RealPartPositive(), seeds, unit_weights(rng, 4000, 3)))) < 1e-9


# Each transport's own.


def test_quantile_keeps_rare_values_of_both_tails():
    for name, parameters in (("norm", {}), ("laplace", {}), ("t", {"df": 2}), ("logistic", {})):
        z = torch.tensor([[-30.0, -9.0, -1e-3, 0.0, 1e-3, 9.0, 30.0]])
        transport = Quantile(name, **parameters)
        torch.testing.assert_close(transport.inverse(transport.forward(z)), z, rtol=1e-4, atol=1e-6)
    z = torch.tensor([[0.0, 1.0, 0.5]])
    xi = Quantile("uniform").forward(z)
    assert torch.isfinite(xi).all() and xi[0, 0] < -5 and xi[0, 1] > 5
    torch.testing.assert_close(Quantile("uniform").inverse(xi), z, atol=1e-6, rtol=0)


def test_quantile_of_the_normal_distribution_is_the_identity():
    z = torch.randn(5, 100, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(Quantile("norm").forward(z), z, atol=1e-6, rtol=1e-6)


def test_sphere_sets_the_norm_that_independent_seeds_would_have():
    z = torch.randn(1, 4096, generator=torch.Generator().manual_seed(0))
    w = np.sqrt(0.5)
    blend = 2 * w * z
    power = z.double().square().sum(1)
    assert blend.norm() / z.norm() == pytest.approx(np.sqrt(2), rel=1e-6)
    assert Sphere().inverse(blend, power).norm() == pytest.approx(z.norm().item(), rel=1e-6)
    assert Sphere(radius=0.5).inverse(blend, power).norm() == pytest.approx(32.0, rel=1e-6)


def test_rotation_takes_the_sign_nearer_to_the_first_seed():
    rng = np.random.default_rng(0)
    z = torch.from_numpy(Rotations.random(200, rng).as_matrix()).float()
    first = Rotation().forward(z[:1])
    q = Rotation().forward(z, first)
    assert (q.norm(dim=1) - 1).abs().max() < 1e-6
    assert ((q * first).sum(1) >= 0).all()
    # It turns with the seeds: turned seeds give the turned blend.
    turn = torch.from_numpy(Rotations.random(rng=rng).as_matrix()).float()
    w = unit_weights(rng, 100, 2)
    plain = blend(Rotation(), [z[:100], z[100:]], w)
    torch.testing.assert_close(blend(Rotation(), [turn @ z[:100], turn @ z[100:]], w), turn @ plain, atol=1e-5, rtol=0)


def test_rotation_keeps_leading_dimensions():
    z = torch.from_numpy(Rotations.random(2 * 5, np.random.default_rng(0)).as_matrix()).float().reshape(2, 5, 3, 3)
    xi = Rotation().forward(z)
    assert xi.shape == (2, 5, 4)
    torch.testing.assert_close(Rotation().inverse(xi), z, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_transport("gausian"), "no transport 'gausian': choose one of gaussian, affine"),
        (lambda: make_transport("gaussian", mean=1), "gaussian does not take the settings"),
        (lambda: make_transport("affine", shift=1), "affine does not take the settings"),
        (lambda: Affine(scale=0), "scale must be greater than 0.*got 0"),
        (lambda: Affine(scale=[1, -2]), "scale must be greater than 0.*got -2"),
        (lambda: Affine(mean=float("nan")), "mean must be finite, got nan"),
        (lambda: Affine(mean=[0, float("inf")]), "mean must be finite, got inf"),
        (lambda: Affine(mean="many"), "mean must be a number or a list of numbers"),
        (lambda: Affine(mean=[]), "mean must be .*got an empty list"),
        (lambda: Sphere(radius=0), "radius.* must be a number above 0, got 0"),
        (lambda: Sphere(radius="big"), "radius.* must be a number above 0, got 'big'"),
        (lambda: Quantile("poisson", mu=3), "continuous distribution of scipy.stats.*got 'poisson'"),
        (lambda: Quantile("no such"), "continuous distribution of scipy.stats"),
        (lambda: Quantile("norm", width=2), "not usable"),
        (lambda: Quantile("norm", scale=-1), "not usable: a parameter is out of its range"),
        (lambda: Composite([]), "one transport .* for each part, got"),
        (lambda: Composite([Composite([Sphere()])]), r"not composite itself"),
        (lambda: make_transport("composite", transports=["gaussian"]), "composite wants"),
        (lambda: make_transport("composite", transports=[{"name": "no such"}]), "no transport 'no such'"),
    ],
)
def test_bad_settings_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: Affine([0.0, 1.0]).forward(torch.zeros(1, 3, 4)), "mean gives 2 channels, but the latent has 3"),
        (lambda: Affine(0, [1.0, 1.0]).inverse(torch.zeros(1, 3, 4)), "scale gives 2 channels, but the latent has 3"),
        (lambda: Quantile("uniform").forward(torch.tensor([[0.5, 1.5]])), "value 1.5 lies outside the distribution"),
        (lambda: Quantile("expon").forward(torch.tensor([[-0.5]])), "value -0.5 lies outside"),
        (lambda: Quantile("norm").forward(torch.tensor([[float("nan")]])), "value nan lies outside"),
        (lambda: Sphere().inverse(torch.zeros(1, 8), torch.ones(1)), "cancel out.*Remove one of them"),
        (lambda: Rotation().forward(torch.zeros(1, 4)), r"shape \(…, 3, 3\), got \(4,\)"),
        (lambda: Rotation().forward(2 * torch.eye(3)[None]), "orthonormal.*these are 3 away"),
        (lambda: Rotation().forward(-torch.eye(3)[None]), "orthonormal.*mirrored"),
        (lambda: Rotation().forward(torch.full((1, 3, 3), float("nan"))), "orthonormal"),
        (lambda: Rotation().inverse(torch.zeros(1, 4)), "cancel out.*Remove one of them"),
        (lambda: Composite([Sphere()]).forward([torch.ones(1, 2)] * 2), r"1 parts \(sphere\), but the latent has 2"),
        (lambda: Composite([Sphere(), Affine()]).split(1), r"2 parts \(sphere, affine\), but the latent has 1"),
    ],
)
def test_bad_latents_are_named(use, message):
    with pytest.raises(ValueError, match=message):
        use()
