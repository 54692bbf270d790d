"""Diagnostics of seeds: right numbers, no false alarms, each flaw found and named, repairs that repair, bounded memory."""

from __future__ import annotations

import json
import math
import weakref

import numpy as np
import pytest
import scipy.stats
import torch
from scipy.spatial.transform import Rotation as Rotations

from surrogate import Seeds, SurrogateSpace, make_transport
from surrogate.diagnostics import Grade, check_seeds, drawing, measure
from surrogate.diagnostics import check as streaming
from surrogate.seeds import Seed

SHAPE = (4, 32, 32)


def normal(k: int = 4, shape=SHAPE, seed: int = 0) -> torch.Tensor:
    return torch.randn(k, *shape, generator=torch.Generator().manual_seed(seed))


def report(noises, **settings):
    return check_seeds(Seeds.from_tensors(noises), **settings)


def said(noises) -> str:
    """What is said of the first of the noises, which must not be fit."""
    verdict = report(noises).verdicts[0]
    assert verdict.grade is not Grade.FIT
    return str(verdict)


# The numbers.


def test_numbers_are_those_of_scipy():
    values = torch.distributions.Gamma(3.0, 2.0).sample((5, 6, 7)) - 1
    m, flat = measure(values), values.double().numpy().ravel()
    ks = scipy.stats.kstest(flat, "norm")
    expected = [flat.mean(), flat.var(), (flat**2).mean(), scipy.stats.skew(flat), scipy.stats.kurtosis(flat)]
    np.testing.assert_allclose([m.mean, m.variance, m.power, m.skew, m.kurtosis], expected, rtol=1e-6)
    np.testing.assert_allclose([m.ks, m.p], [ks.statistic, ks.pvalue], rtol=1e-6)
    shape = scipy.stats.kstest(flat, "norm", (flat.mean(), flat.std())).statistic
    np.testing.assert_allclose(m.shape, shape, rtol=1e-6)
    np.testing.assert_allclose(m.channel_means, values.mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(m.channel_scales, values.std((1, 2), correction=0), rtol=1e-5)
    assert (m.density * 0.1).sum() == pytest.approx(1)


def test_the_p_value_of_many_values_is_scipys():
    values = normal(1, (4, 64, 64))[0]
    assert measure(values).p == pytest.approx(scipy.stats.kstest(values.numpy().ravel(), "norm").pvalue, abs=2e-3)


@pytest.mark.parametrize("shape", [(3, 400), (3, 40, 30), (2, 9, 20, 16), (2, 5, 4, 10, 12)])
def test_autocorrelation_is_of_each_axis_alone(shape):
    """A moving average of two along one axis has correlation 1/2 at lag 1 there, and none anywhere else."""
    for axis in range(1, len(shape)):
        white = normal(1, shape, seed=axis)[0] + 5 * torch.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1))
        smooth = white + white.roll(1, axis)
        found = measure(smooth).autocorrelation
        expected = np.zeros_like(found)
        expected[axis - 1, 0] = 0.5
        assert found.shape == (len(shape) - 1, 2)
        np.testing.assert_allclose(found, expected, atol=0.17)


def test_autocorrelation_is_the_plain_formula():
    x = normal(1, (1, 7, 9))[0]
    y = (x - x.mean()).double()
    expected = (y[:, :, :-2] * y[:, :, 2:]).mean() / y.square().mean()
    assert measure(x).autocorrelation[1, 1] == pytest.approx(float(expected), rel=1e-5)
    assert np.isnan(measure(x[:, :1]).autocorrelation[0]).all()


def test_likeness_is_the_cosine_in_any_blocks(monkeypatch):
    noises = normal(5) + 0.3 * normal(1, seed=9)
    flat = noises.flatten(1).double()
    expected = (flat @ flat.T) / flat.norm(dim=1) / flat.norm(dim=1)[:, None]
    for size in (64 << 20, 1, 3 * 4 * math.prod(SHAPE)):
        monkeypatch.setattr(streaming, "BLOCK_BYTES", size)
        np.testing.assert_allclose(report(noises).measured.correlation, expected, atol=1e-12)


# No false alarms.


@pytest.mark.parametrize(
    "shape",
    [(4, 16, 16), (16, 128, 128), (16, 5, 30, 52), (64, 200), (5000,), [(8, 5, 16, 16), (8, 107)]],
    ids=["small", "image", "video", "sound", "flat", "nested"],
)
def test_integer_seeds_are_fit(shape):
    found = check_seeds(Seeds.from_range(7, 64 if shape == (4, 16, 16) else 6), shape)
    assert found.fit, found.summary()
    assert found.repair.transport.name == "gaussian"
    assert found.settings == ""
    assert "fit to be blended" in found.overall


def test_one_seed_is_enough():
    found = check_seeds(Seeds.from_text("42"), SHAPE)
    assert found.fit
    assert found.overall.startswith("The seed is noise")
    assert drawing(found).shape[2] == 3


def test_harmless_flaws_of_large_seeds_are_fit_in_spite_of_their_p():
    found = report(normal(2, (16, 128, 128)) * 1.01 + 0.01)
    assert all(seed.inner[0].p < 1e-4 for seed in found.measured.seeds)
    assert found.fit


# Each flaw is found and named.


def test_flaws_are_named():
    white = normal()
    smooth = white + 0.5 * white.roll(1, 3)
    smooth = smooth / smooth.std()
    chance = np.random.default_rng(0)
    heavy = torch.from_numpy(chance.standard_t(3, tuple(white.shape))).float() / 3**0.5
    channels = white + torch.tensor([0.5, -0.5, 0.5, -0.5]).reshape(4, 1, 1)
    strengths = white * torch.tensor([0.5, 1.3, 0.6, 1.25]).reshape(4, 1, 1)
    flat = torch.from_numpy(chance.uniform(-1, 1, tuple(white.shape))).float() * 3**0.5
    skewed = torch.from_numpy(chance.exponential(1.0, tuple(white.shape))).float() - 1
    assert "norm is 0.50 times that of noise" in said(0.5 * white)
    assert "stronger: blends look burnt" in said(1.5 * white)
    assert "beside 0" in said(white + 0.3)
    assert "channels have means of their own" in said(channels)
    assert "channels differ in strength" in said(strengths)
    assert "very large ones are too many" in said(heavy)
    assert "large ones are too few" in said(flat)
    assert "lean to one side" in said(skewed)
    assert "Neighbours along x resemble each other" in said(smooth)
    assert "It resembles latent 2 (correlation +1.00; chance" in said(white[[0, 0, 1]])
    assert "It opposes latent 2" in said(torch.stack([white[0], -white[0]]))
    assert "All values are 2: this is no noise at all" in said(torch.full((2, *SHAPE), 2.0))


def test_the_parts_of_a_nested_seed_are_told_apart():
    found = report([normal(3, (8, 5, 16, 16)), 2 * normal(3, (8, 107), seed=1)])
    assert found.verdicts[0].findings[0].startswith("Part 2: Its norm is 2.0")
    assert not any("Part 1" in finding for verdict in found.verdicts for finding in verdict.findings)
    assert found.repair.transport.name == "composite"
    assert [t.name for t in found.repair.transport.transports] == ["gaussian", "sphere"]
    assert make_transport("composite", **json.loads(found.settings)).settings() == found.repair.transport.settings()


def test_rotations_are_known_and_checked_by_their_own_law():
    uniform = Rotations.random(3 * 500, np.random.default_rng(0)).as_matrix().reshape(3, 500, 3, 3)
    small = Rotations.from_rotvec(0.3 * normal(1500, (3,)).numpy()).as_matrix().reshape(3, 500, 3, 3)
    frames = report(torch.from_numpy(uniform).float(), transport=make_transport("rotation"))
    assert frames.fit, frames.summary()
    assert report(torch.from_numpy(uniform).float()).repair.transport.name == "rotation"
    bad = report(torch.from_numpy(small).float(), transport=make_transport("rotation"))
    assert "angles are not those of uniform rotations" in str(bad.verdicts[0])


# Repairs.


def repaired(noises):
    """The report under the recommended transport, given back as text, as the node does."""
    first = report(noises)
    made = make_transport(first.repair.transport.name, **json.loads(first.settings or "{}"))
    return first, made, report(noises, transport=made)


def test_affine_keeps_the_mean_of_blends():
    means = torch.tensor([0.6, -0.4, 0.2, 0.0]).reshape(4, 1, 1)
    noises = 0.5 * normal() + means
    first, transport, after = repaired(noises)
    assert first.repair.transport.name == "affine"
    np.testing.assert_allclose(transport.mean, means.ravel(), atol=0.03)
    np.testing.assert_allclose(transport.scale, 0.5, atol=0.03)
    assert after.fit and after.advice.startswith("Keep the transport affine")
    seeds, w = Seeds.from_tensors(noises), np.full((1, 4), 0.5)
    off = [
        (SurrogateSpace(seeds, transport=t).combine(w)[0].mean((1, 2)) - means.ravel()).norm()
        for t in ("gaussian", transport)
    ]
    assert off[1] < 0.1 * off[0]


def test_one_mean_for_all_channels_if_they_do_not_differ():
    transport = report(normal() + 0.5).repair.transport
    assert isinstance(transport.mean, float) and transport.mean == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("family", ["laplace", "t3", "uniform"])
def test_quantile_keeps_the_form_of_blends(family):
    draw = {
        "laplace": torch.distributions.Laplace(0.0, 0.6),
        "t3": torch.distributions.StudentT(3.0, 0.0, 0.5),
        "uniform": torch.distributions.Uniform(-1.0, 1.0),
    }[family]
    with torch.random.fork_rng():
        torch.manual_seed(3)
        noises = draw.sample((4, *SHAPE))
    first, transport, after = repaired(noises)
    assert first.repair.transport.name == "quantile", first.advice
    assert after.fit, after.summary()
    blends = {
        name: SurrogateSpace(Seeds.from_tensors(noises), transport=t).combine(np.full((1, 4), 0.5))
        for name, t in {"none": "gaussian", "repaired": transport}.items()
    }
    distance = {
        name: scipy.stats.ks_2samp(z.numpy().ravel(), noises.numpy().ravel()).statistic for name, z in blends.items()
    }
    assert distance["repaired"] < 0.6 * distance["none"], distance


def test_sphere_for_seeds_that_are_alike_beyond_their_mean():
    common = normal(1, seed=5)
    alike = (normal(3) + common) / 2**0.5
    assert report(alike).repair.transport.name == "sphere"
    assert "resemble each other" in report(alike).advice
    # The same correlation, by a mean: affine takes it out.
    assert report((normal(3) + 1.0) / 2**0.5).repair.transport.name == "affine"


def test_sphere_for_seeds_that_are_too_strong_and_nothing_for_weak_ones():
    assert report(1.3 * normal()).repair.transport.name == "sphere"
    weak = report(0.6 * normal())
    assert weak.repair.transport.name == "gaussian" and not weak.fit
    assert "no transport changes what is wrong" in weak.advice


# Borders.


def test_bad_seeds_are_named():
    noises = normal(2)
    huge = normal(1) * 1e37
    for value in (float("nan"), float("inf")):
        broken = noises.clone()
        broken[1, 0, 0, 0] = value
        with pytest.raises(ValueError, match="Seed latent 2 holds NaN or infinite values"):
            report(broken)
    with pytest.raises(ValueError, match="Seed latent 2 is all zeros"):
        report(torch.cat([noises[:1], torch.zeros(1, *SHAPE)]))
    assert "not noise" in str(report(huge).verdicts[0])
    with pytest.raises(
        ValueError, match=r"Seed latent 1 cannot be checked: A latent value .* outside the distribution"
    ):
        report(noises, transport=make_transport("quantile", distribution="expon"))
    with pytest.raises(ValueError, match="no seeds to check"):
        check_seeds(Seeds(()), SHAPE)
    with pytest.raises(ValueError, match="give the shape that will be sampled"):
        check_seeds(Seeds.from_text("1 2"))
    with pytest.raises(ValueError, match="of shape 4×32×32, but shape is 4×8×8"):
        check_seeds(Seeds.from_tensors(noises), (4, 8, 8))
    with pytest.raises(ValueError, match="gives 3 channels, but the latent has 4"):
        report(noises, transport=make_transport("affine", mean=[1, 2, 3]))
    with pytest.raises(ValueError, match="composite transport has 2 parts"):
        report(noises, transport=make_transport("composite", transports=[{"name": "gaussian"}, {"name": "sphere"}]))


@pytest.mark.parametrize("shape", [(1,), (3,), (1, 1, 1), (2, 1), (4, 2, 2)])
@pytest.mark.parametrize("k", [1, 2])
def test_tiny_seeds_break_nothing(shape, k):
    found = report(normal(k, shape))
    assert found.table and found.summary()
    assert drawing(found).dtype == np.uint8


class Counted(Seed):
    """Noise whose tensors are counted as long as they live."""

    parts = None

    def __init__(self, number: int, alive: weakref.WeakSet, seen: list[int]):
        self.label, self.number, self.alive, self.seen = str(number), number, alive, seen

    def noise(self, parts):
        made = [torch.randn(part, generator=torch.Generator().manual_seed(self.number)) for part in parts]
        self.alive.update(made)
        self.seen.append(len(self.alive))
        return made

    def recipe(self):
        return self.label

    def named(self, label):
        return self

    @property
    def identity(self):
        return ("counted", self.number)


def test_seeds_are_streamed(monkeypatch):
    """However many there are, one block of them and one more; every draw is told."""
    monkeypatch.setattr(streaming, "BLOCK_BYTES", 2 * 4 * math.prod(SHAPE))
    steps, alive, seen = [], weakref.WeakSet(), []
    seeds = Seeds(tuple(Counted(i, alive, seen) for i in range(9)))
    assert check_seeds(seeds, SHAPE, progress=lambda *step: steps.append(step)).fit
    assert max(seen) <= 2 + 2  # the one that is drawn, and the one that it replaces
    assert steps == [(i + 1, len(seen)) for i in range(len(seen))]


def test_nothing_is_modified_and_nothing_global_is_drawn():
    noises = normal()
    seeds = Seeds.from_tensors(noises)
    before, state = [s.noise(seeds.parts)[0].clone() for s in seeds], torch.get_rng_state()
    drawing(check_seeds(seeds, transport=make_transport("sphere")))
    assert all(torch.equal(a, s.noise(seeds.parts)[0]) for a, s in zip(before, seeds))
    assert torch.equal(state, torch.get_rng_state())


def test_cancel_stops_at_the_next_seed():
    class Cancelled(Exception):
        pass

    def cancel(done, total):
        if done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        check_seeds(Seeds.from_range(0, 64), SHAPE, progress=cancel)


def test_table_and_picture_have_every_seed():
    found = check_seeds(Seeds.from_range(0, 40), [(4, 8, 8), (2, 50)])
    lines = found.table.splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 2 + 2 * 40
    assert len({len(row) for row in rows}) == 1
    assert all(f"| {i}, part 2 " in found.table for i in range(40))
    assert "t+1" in rows[0] and "p: how often true noise" in found.table
    assert drawing(found).ndim == 3
