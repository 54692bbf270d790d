"""Inversion of models whose answers are known in closed form: Gaussian data, whose best denoiser is a Wiener filter."""

from __future__ import annotations

import math

import pytest
import torch

from surrogate import inversion
from surrogate.inversion import SHELL, WALKS, euler, invert, relative_error

SHAPE = (4, 12, 16)
D = math.prod(SHAPE)
FLOW = torch.linspace(1, 0, 9)
EPS = torch.tensor([14.6, 7.0, 3.5, 1.8, 0.9, 0.4, 0.15, 0.05, 0.0])


def normal(n: int, seed: int, shape=SHAPE) -> torch.Tensor:
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(seed))


class Wiener:
    """E[x₀ | x] for x₀ = N(0, `variances`), and x = a x₀ + σ n with a = 1 - σ (flow) or 1 (eps); bent by `bend`.

    Counts its calls. With bend the steps are no longer linear: every value pulls at its neighbour.
    """

    def __init__(self, variances: torch.Tensor, flow: bool = True, bend: float = 0.0):
        self.variances, self.flow, self.bend = variances, flow, bend
        self.calls = 0

    def __call__(self, x, sigma):
        self.calls += 1
        a = 1 - sigma if self.flow else 1.0
        total = a**2 * self.variances + sigma**2
        clean = a * self.variances / total * x
        return clean + self.bend * (4 * a**2 * self.variances * sigma**2 / total**2) * torch.sin(clean.roll(1, -1))


@pytest.fixture
def variances() -> torch.Tensor:
    """As of images: a few components hold most of what there is."""
    return (
        torch.logspace(0.5, -2.5, D, dtype=torch.float64)
        .float()[torch.randperm(D, generator=torch.Generator().manual_seed(0))]
        .reshape(SHAPE)
    )


def norms(z: torch.Tensor) -> torch.Tensor:
    return z.square().flatten(1).mean(1)


@pytest.mark.parametrize("bend", [0.0, 0.3])
@pytest.mark.parametrize("flow", [True, False])
def test_the_noise_of_a_sample_is_found(variances, flow, bend):
    model, sigmas = Wiener(variances, flow, bend), FLOW if flow else EPS
    scale = 1.0 if flow else math.sqrt(1 + 14.6**2)
    z = normal(3, 1)
    latent = euler(model, scale * z, sigmas)
    held = latent.clone()
    found = invert(model, latent, sigmas, scale=scale, iterations=100, tolerance=1e-6)
    assert torch.equal(latent, held)
    assert relative_error(euler(model, scale * found.noise, sigmas), latent).max() < 1e-5
    assert relative_error(found.noise, z).max() < (1e-3 if flow else 5e-3)
    torch.testing.assert_close(found.norms, norms(found.noise))
    assert found.walks == 1 and found.residuals.shape == (3, 8) and found.residuals.max() <= 1e-6


def test_it_takes_far_fewer_calls_than_plain_iteration(variances):
    model = Wiener(variances, bend=0.3)
    latent = euler(model, normal(3, 2), FLOW)
    found = invert(model, latent, FLOW, iterations=200, tolerance=1e-5)
    model.calls, x = 0, latent
    for i in reversed(range(len(FLOW) - 1)):
        target = x
        for _ in range(200):
            f = target - (FLOW[i + 1] - FLOW[i]) * (x - model(x, FLOW[i])) / FLOW[i] - x
            if relative_error(target - f, target).max() < 1e-5:
                break
            x = x + f
    assert found.calls < 0.6 * model.calls
    assert found.residuals.max() <= 1e-5


def test_calls_are_counted_and_bounded(variances):
    model = Wiener(variances)
    latent = euler(model, normal(2, 3), FLOW)
    model.calls = 0
    found = invert(model, latent, FLOW, iterations=2, tolerance=1e-9)
    assert found.calls == model.calls <= 2 * 8 * found.walks
    assert found.walks <= WALKS


def test_detail_that_the_model_would_not_draw_does_not_leave_the_shell(variances):
    """Solved to the end the noise is many times too large; on the shell the latent still comes back."""
    model = Wiener(variances)
    latent = euler(model, normal(3, 4), FLOW) + 0.1 * normal(3, 5)
    found = invert(model, latent, FLOW)
    exact = latent
    for sigma, following in zip(FLOW[:-1].flip(0), FLOW[1:].flip(0)):
        gain = (1 - sigma) * variances / ((1 - sigma) ** 2 * variances + sigma**2)
        exact = exact / (1 + (following - sigma) * (1 - gain) / sigma)
    assert norms(exact).min() > 2
    assert ((found.norms >= SHELL[0]) & (found.norms <= SHELL[1])).all()
    assert found.walks > 1
    assert relative_error(euler(model, found.noise, FLOW), latent).max() < 0.1


def test_what_a_coarse_schedule_forgets_is_drawn_anew(variances):
    """Half of the components have no variance: the latent knows nothing of the noise there."""
    half = torch.where(torch.arange(D).reshape(SHAPE) % 2 == 0, variances, 0.0)
    model = Wiener(half)
    latent = euler(model, normal(3, 6), FLOW)
    bare = invert(model, latent, FLOW)
    assert bare.norms.max() < 0.7 and bare.walks == 1
    found, other = (invert(model, latent, FLOW, noise=normal(3, seed)) for seed in (7, 8))
    for one in (found, other):
        assert ((one.norms >= SHELL[0]) & (one.norms <= SHELL[1])).all()
        assert relative_error(euler(model, one.noise, FLOW), latent).max() < 1e-3
    assert relative_error(found.noise, other.noise).min() > 0.3


def test_each_sample_is_inverted_for_itself(variances):
    """Also beside one that is hard, one that is another shape of hard, and one that is done at once."""
    model = Wiener(variances, bend=0.3)
    own = euler(model, normal(2, 9), FLOW)
    latent = torch.cat([own, own[:1] + 0.05 * normal(1, 10), 1e-3 * own[1:]])
    together = invert(model, latent, FLOW)
    for i in range(4):
        alone = invert(model, latent[i : i + 1], FLOW)
        assert relative_error(alone.noise, together.noise[i : i + 1]) < 2e-3
        assert alone.norms[0] == pytest.approx(together.norms[i].item(), rel=2e-3)


def test_a_model_that_pushes_iteration_away_is_still_inverted():
    """The fixed point's slope reaches -3: plain iteration ends in a cycle."""

    def denoise(x, sigma):
        return x + 1.5 * sigma * torch.tanh(3 * x)

    sigmas = torch.tensor([1.0, 0.5, 0.0])
    z = normal(2, 11)
    found = invert(denoise, euler(denoise, z, sigmas), sigmas, iterations=100)
    assert found.residuals.max() <= 1e-5
    assert relative_error(found.noise, z).max() < 1e-4


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5), (2, 3, 5, 7), (1, 2, 1, 3, 1)])
def test_any_shape(shape):
    model = Wiener(torch.ones(shape))
    z = normal(2, 12, shape)
    found = invert(model, euler(model, z, FLOW), FLOW)
    assert found.noise.shape == (2, *shape) and found.noise.dtype == torch.float32
    if found.walks == 1:  # a few numbers need not lie on the shell
        torch.testing.assert_close(found.noise, z, rtol=1e-3, atol=1e-3)


def test_half_precision_latents_and_unfinished_or_repeating_schedules(variances):
    model, z = Wiener(variances), normal(2, 13)
    part = torch.tensor([1.0, 0.8, 0.8, 0.5, 0.3])
    latent = euler(model, z, part)
    assert relative_error(invert(model, latent, part).noise, z).max() < 1e-3
    assert relative_error(invert(model, latent.half(), part).noise, z).max() < 0.05


def test_a_denoiser_with_rounding_is_not_asked_for_ever(variances):
    exact = Wiener(variances)
    rough = lambda x, sigma: exact(x, sigma).bfloat16().float()  # noqa: E731
    latent = euler(rough, normal(2, 14), FLOW)
    found = invert(rough, latent, FLOW, iterations=500)
    assert found.calls < 25 * 8 * found.walks
    assert relative_error(euler(rough, found.noise, FLOW), latent).max() < 0.02


def test_progress_is_told_and_may_stop_it(variances):
    model, told = Wiener(variances), []
    latent = euler(model, normal(1, 15), FLOW)
    invert(model, latent, FLOW, progress=lambda done, total: told.append((done, total)))
    assert told[:2] == [(1, 8 * WALKS), (2, 8 * WALKS)] and len(told) % 8 == 0

    class Stop(Exception):
        pass

    def stop(done, total):
        raise Stop

    with pytest.raises(Stop):
        invert(model, latent, FLOW, progress=stop)


def test_the_global_generator_is_left_alone(variances):
    model = Wiener(variances)
    before = torch.get_rng_state()
    invert(model, normal(2, 16), FLOW, noise=normal(2, 17))
    assert torch.equal(before, torch.get_rng_state())


GOOD = {"latent": normal(2, 0), "sigmas": FLOW}
NAN = normal(2, 0)
NAN[1, 0, 0, 0] = math.nan
BAD = {
    "no batch": ({"latent": torch.ones(3)}, r"latent must be a floating point tensor \(n, \*shape\).*got \(3,\)"),
    "no samples": ({"latent": torch.ones(0, 4, 4)}, r"latent must be .* got \(0, 4, 4\)"),
    "integers": ({"latent": torch.ones(2, 4, dtype=torch.int64)}, "latent must be a floating point tensor"),
    "a list": ({"latent": [1.0]}, "latent must be .* got list"),
    "NaN": ({"latent": NAN}, "latent 2 of 2 holds NaN or infinite values"),
    "empty": ({"latent": torch.zeros(2, 4, 4)}, "latent 1 of 2 is empty"),
    "no steps": ({"sigmas": torch.tensor([1.0])}, "sigmas must be a list of at least 2 numbers"),
    "a table": ({"sigmas": torch.ones(2, 2)}, "sigmas must be a list"),
    "flipped": ({"sigmas": FLOW.flip(0)}, "sigmas must fall .* got 0, 0.125, .* not reversed"),
    "level": ({"sigmas": torch.ones(4)}, "sigmas must fall"),
    "up on the way": ({"sigmas": torch.tensor([1.0, 0.2, 0.5, 0.0])}, "sigmas must fall"),
    "below zero": ({"sigmas": torch.tensor([1.0, 0.5, -0.5])}, "sigmas must fall"),
    "zero before the end": ({"sigmas": torch.tensor([1.0, 0.0, 0.0])}, "sigmas must fall"),
    "NaN in sigmas": ({"sigmas": torch.tensor([1.0, math.nan, 0.0])}, "sigmas must fall"),
    "no iterations": ({"iterations": 0}, "iterations must be a whole number of at least 1, got 0"),
    "no tolerance": ({"tolerance": 0.0}, "tolerance must be a number above 0 and up to 1, got 0"),
    "NaN tolerance": ({"tolerance": math.nan}, "tolerance must be a number above 0 and up to 1, got nan"),
    "scale": ({"scale": 0.0}, "scale must be a number above 0"),
    "noise": ({"noise": normal(1, 0)}, "noise must have the shape of latent"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name, variances):
    wrong, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        invert(Wiener(variances), **{**GOOD, **wrong})


def test_a_model_that_gives_nan_is_named(variances):
    def broken(x, sigma):
        return x.where(torch.arange(len(x)).reshape(-1, 1, 1, 1) == 0, math.nan)

    with pytest.raises(ValueError, match=r"prediction at sigma 0.125 is not finite for samples \[2\]"):
        invert(broken, GOOD["latent"], FLOW)


def test_all_names_resolve():
    assert all(hasattr(inversion, name) for name in inversion.__all__)
