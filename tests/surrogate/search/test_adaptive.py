"""Adaptive: the wide space, what it remembers of pictures, what it proposes, and that it finds more than others."""

import csv
import json

import numpy as np
import pytest
import torch

from surrogate import Seeds, SurrogateSpace, points, space_from_recipe
from surrogate.processes.picture_process import PictureProcess
from surrogate.processes.sphere_process import SphereProcess
from surrogate.search import Study
from surrogate.search.optimisers.adaptive import own_seeds, trimmed
from surrogate.search.packing import glimpse, pack_coordinates, pack_glimpse, unpack_coordinates, unpack_glimpse

SHAPE = (4, 16, 16)


def given(k: int = 3) -> SurrogateSpace:
    return SurrogateSpace(Seeds.from_range(500, k))


def opened(storage=None, k: int = 3, budget: int = 32, seed: int = 5, **more) -> Study:
    options = {"settings": {"scout": 8, "noises": 64}, "direction": "minimize", **more}
    directions = options.pop("direction")
    return Study.open(
        storage, "study", given(k), budget=budget, seed=seed, optimiser="adaptive", directions=directions, **options
    )


def pictures(z: torch.Tensor) -> np.ndarray:
    """What a small model would paint: (n, 1, 16, 16, 3) uint8, of 24 factors that all of the noise decides."""
    chance = torch.Generator().manual_seed(3)
    mixing = torch.randn(z[0].numel(), 24, generator=chance) / z[0].numel() ** 0.5
    painting = torch.randn(24, 16 * 16 * 3, generator=chance) / 24**0.5
    painted = torch.sigmoid(torch.tanh(1.5 * z.flatten(1) @ mixing) @ painting * 2)
    return (painted.reshape(-1, 1, 16, 16, 3) * 255).numpy().astype(np.uint8)


def distance(painted: np.ndarray, target: np.ndarray) -> np.ndarray:
    return np.sqrt((((painted / 255.0) - target) ** 2).mean(axis=(1, 2, 3, 4)))


TARGET = pictures(torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(77))) / 255.0


def search(study: Study, shown: bool = True, target=TARGET) -> Study:
    while len(generation := study.ask()):
        painted = pictures(study.space.latents(generation.u, SHAPE))
        study.tell(generation, distance(painted, target), pictures=list(painted) if shown else None)
    return study


# The space.


def test_the_wide_space_begins_with_the_seeds_that_were_given():
    study = opened(settings={})
    assert study.space.k == 1024
    assert study.space.seeds[:3] == given().seeds.items
    assert len({seed.identity for seed in study.space.seeds}) == 1024
    assert opened(settings={}).space.seeds == study.space.seeds
    other = {seed.label for seed in opened(settings={}, seed=6).space.seeds[3:]}
    assert not other & {seed.label for seed in study.space.seeds[3:]}


def test_a_seed_that_was_given_is_not_made_again():
    fresh = opened(settings={"noises": 8}).space.seeds[3]
    mine = SurrogateSpace(Seeds.from_text(f"1, {fresh.label}"))
    study = Study.open(None, "study", mine, budget=8, seed=5, optimiser="adaptive", settings={"noises": 8})
    assert len({seed.identity for seed in study.space.seeds}) == 8


def test_it_keeps_transport_and_shape():
    tensors = torch.randn(3, *SHAPE, generator=torch.Generator().manual_seed(1))
    study = Study.open(
        None, "study", SurrogateSpace(Seeds.from_tensors([tensors]), transport="sphere"), budget=8, optimiser="adaptive"
    )
    assert study.space.transport.name == "sphere"
    assert study.space.parts() == (SHAPE,)
    assert torch.equal(study.space.latents(study.corners), tensors)


def test_points_of_the_given_space_keep_their_noise():
    study, space = opened(), given()
    u = np.concatenate([points.vertices(space).u, points.random(space, 5).u])
    before, after = space.latents(u, SHAPE), study.space.latents(study.points_of(u), SHAPE)
    assert torch.equal(before[:3], after[:3])
    torch.testing.assert_close(before, after, rtol=0, atol=1e-6)
    assert np.array_equal(study.points_of(u[:3]), study.corners)
    assert np.array_equal(study.points_of(study.corners), study.corners)
    with pytest.raises(ValueError, match="63"):
        study.points_of(np.zeros((1, 7)))


def test_a_smaller_space_has_the_same_noise_where_seeds_are_not_used():
    study = search(opened(budget=20))
    u = study.history().u[:18]
    small, made = trimmed(study.space, points.from_coordinates(study.space, u))
    assert small.k == 19 and made.u.shape == (18, 18)
    assert torch.equal(small.combine(made.w, SHAPE), study.space.latents(u, SHAPE))
    again = space_from_recipe(json.loads(json.dumps(small.recipe())))
    assert torch.equal(again.latents(made.u, SHAPE), study.space.latents(u, SHAPE))
    ordinary = given()
    assert trimmed(ordinary, points.from_coordinates(ordinary, [0.2, 0.4]))[0] is ordinary
    blend = points.from_weights(study.space, np.eye(study.space.k)[:1] - 0.5 * np.eye(study.space.k)[3])
    smaller, there = trimmed(study.space, blend)
    assert smaller.k == 5 and torch.equal(smaller.combine(there.w, SHAPE), study.space.combine(blend.w, SHAPE))


def test_its_own_seeds_are_those_before_the_fresh_integers():
    assert own_seeds(opened().space).seeds.items == opened().space.seeds.items[:16]
    tensors = Seeds.from_tensors([torch.randn(20, *SHAPE, generator=torch.Generator().manual_seed(1))])
    study = Study.open(None, "study", SurrogateSpace(tensors), budget=8, optimiser="adaptive")
    assert own_seeds(study.space).seeds.items == tensors.items
    assert study.space.k == 1024 and own_seeds(given(40)).k == 40


# What is remembered.


def test_coordinates_are_packed_to_the_last_bit():
    # A scouted seed begins with zeros, one that nobody has used ends with them.
    u = np.concatenate([np.zeros(20), np.random.default_rng(1).random(280), [5e-324, 1.0, 0.5], np.zeros(700)])
    assert np.array_equal(unpack_coordinates(pack_coordinates(u), len(u)), u)
    assert len(pack_coordinates(np.full(1023, 0.5))) < 60
    for damaged in ("", "AAAA", pack_coordinates(u)[:-8], None, 7, pack_coordinates(np.ones(2000))):
        assert np.isnan(unpack_coordinates(damaged, len(u))).all()


@pytest.mark.parametrize("shape", [(1, 16, 16, 3), (1, 37, 90, 3), (1, 5, 4, 1), (9, 20, 20, 4), (2, 8, 8, 3)])
def test_a_glimpse_is_small_and_comes_back(shape):
    frames = np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)
    seen = glimpse(frames)
    assert seen.shape == (min(4, shape[0]), 16, 16, 3) and seen.dtype == np.uint8
    assert np.array_equal(unpack_glimpse(pack_glimpse(seen)), seen)
    assert abs(seen.mean() - (frames[..., :3] * (frames[..., 3:] / 255 if shape[-1] == 4 else 1)).mean()) < 12
    if shape == (1, 16, 16, 3):
        assert np.array_equal(seen, frames)
    for damaged in (None, "", "AAAA", pack_glimpse(seen)[:-8], 7):
        assert unpack_glimpse(damaged) is None


def test_it_goes_on_in_another_process_with_the_pictures_it_saw(searching, tmp_path):
    file = tmp_path / "studies.sqlite3"
    whole = search(opened(budget=24)).history()
    search(opened(file, budget=16))
    searching.forget()
    rest = search(opened(file, budget=24)).history()
    assert np.array_equal(rest.u, whole.u)
    assert np.array_equal(rest.scores, whole.scores)
    assert all(np.array_equal(a, b) for a, b in zip(rest.glimpses, whole.glimpses, strict=True))
    assert rest.glimpses[0].shape == (1, 16, 16, 3)
    loaded = Study.load(file, "study")
    assert loaded.definition.space["widened"] == {"seeds": 3, "chart": "knothe_rosenblatt"}
    assert np.array_equal(loaded.history().u, whole.u)


def test_a_long_search_stays_small(tmp_path):
    file = tmp_path / "studies.sqlite3"
    study = search(opened(file, budget=48, settings={"scout": 8}))
    assert study.definition.k == 1024
    assert file.stat().st_size < 700_000  # an empty one has 230,000


def test_known_points_come_first_and_are_not_asked_again():
    study, space = opened(), given()
    painted = pictures(space.latents(points.vertices(space).u, SHAPE))
    assert study.add_known(points.vertices(space).u, distance(painted, TARGET), pictures=list(painted)) == 3
    assert study.add_known(study.corners, [0.0] * 3) == 0
    first = study.space.weights(study.ask().u)
    assert np.array_equal(first, np.eye(64)[3:7])
    assert study.history().glimpses[0].shape == (1, 16, 16, 3)


def test_pictures_must_be_as_many_as_points():
    study = opened()
    generation = study.ask()
    with pytest.raises(ValueError, match="4 points and 1 pictures"):
        study.tell(generation, [1.0] * 4, pictures=[np.zeros((1, 8, 8, 3), np.uint8)])
    study.tell(generation, [1.0] * 4, pictures=[None] * 4)


def test_other_optimisers_keep_no_pictures():
    study = Study.open(None, "study", given(), budget=8, optimiser="random", directions="minimize")
    generation = study.ask()
    study.tell(generation, [1.0] * 8, pictures=[np.zeros((1, 8, 8, 3), np.uint8)] * 8)
    assert study.history().glimpses == (None,) * 8


def test_a_line_of_the_csv_makes_the_noise_again(tmp_path):
    study = search(opened(budget=20))
    study.export_csv(tmp_path / "study.csv")
    csv.field_size_limit(10_000_000)
    lines = list(csv.DictReader((tmp_path / "study.csv").open(encoding="utf-8")))
    space = space_from_recipe(json.loads(lines[17]["space"]))
    u = [float(lines[17][f"u{i + 1}"]) for i in range(space.k - 1)]
    assert space.k == 21 or space.k == 20
    torch.testing.assert_close(
        space.latents([u], SHAPE), study.space.latents(study.history().u[17:18], SHAPE), rtol=0, atol=1e-6
    )


# What it proposes.


def test_scouting_goes_through_the_seeds_in_their_order():
    study = opened()
    first = study.ask()
    study.tell(first, [1.0, 2.0, np.nan, 4.0])
    second = study.ask()
    w = study.space.weights(np.concatenate([first.u, second.u]))
    assert np.array_equal(w, np.eye(64)[:8])


def test_each_candidate_is_a_turn_towards_a_noise_of_its_own():
    study = search(opened(budget=28))
    w = study.space.weights(study.history().u)
    np.testing.assert_allclose(np.linalg.norm(w, axis=1), 1, atol=1e-12)
    for row in range(8, 28):
        assert w[row, row] == pytest.approx(np.sin(0.15))
        assert not w[row, row + 1 :].any()
    # Those of a generation that follow one adviser share all else.
    advisers = [entry["adviser"] for entry in study.history().attributes[24:28]]
    assert sorted(advisers) in (["pictures"] * 3 + ["scores"], ["pictures"] + ["scores"] * 3)
    one = w[24:28][[name == max(advisers, key=advisers.count) for name in advisers]]
    np.testing.assert_allclose((one @ one.T)[np.triu_indices(3, 1)], np.cos(0.15) ** 2, atol=1e-9)
    z = study.space.latents(study.history().u, (16, 32, 32)).reshape(28, -1)
    np.testing.assert_allclose(z.square().mean(1), 1, atol=0.1)


def test_while_nothing_gets_better_it_turns_farther_and_less_far():
    study, turns = opened(budget=8 + 4 * 12), []
    while len(generation := study.ask()):
        painted = pictures(study.space.latents(generation.u, SHAPE))
        if generation.number >= 2:
            w = study.space.weights(generation.u)
            turns.append(np.arcsin(w[np.arange(4), generation.trials]))
        # Better twice, and then never again.
        study.tell(generation, np.full(4, 3.0 - min(generation.number, 3)), pictures=list(painted))
    turns = np.array(turns)
    assert np.ptp(turns[:, ::2], axis=1).max() < 1e-9 and np.ptp(turns[:, 1::2], axis=1).max() < 1e-9
    np.testing.assert_allclose(turns[:5], 0.15)
    less, farther = turns[6:, 0], turns[6:, 1]
    assert (np.diff(farther) > 0.01).all() and 0.3 < farther[-1] < 0.8
    assert (np.diff(less) < 0).all() and 0.03 <= less[-1] < 0.08


def test_it_goes_on_when_the_noises_are_used_up():
    study = search(opened(budget=40, settings={"scout": 8, "noises": 16}))
    w = study.space.weights(study.history().u)
    assert w.shape == (40, 16)
    assert len(np.unique(w.round(9), axis=0)) == 40
    assert study.best.score < distance(pictures(study.space.latents(study.corners, SHAPE)), TARGET).min()


@pytest.mark.parametrize("scores", ["equal", "failed", "two", "huge"])
def test_scores_that_say_little(scores):
    study = opened(budget=20)
    while len(generation := study.ask()):
        told = {
            "equal": np.ones(len(generation)),
            "failed": np.full(len(generation), np.nan),
            "two": (np.arange(len(generation)) % 2).astype(float),
            "huge": 1e300 * np.linspace(-1, 1, len(generation)),
        }[scores]
        painted = pictures(study.space.latents(generation.u, SHAPE))
        study.tell(generation, told, pictures=list(painted))
    w = study.space.weights(study.history().u)
    assert len(np.unique(w.round(9), axis=0)) == 20


def test_pictures_that_say_little():
    kinds = {
        "black": lambda i: np.zeros((1, 8, 8, 3), np.uint8),
        "missing": lambda i: None if i % 2 else np.zeros((1, 8, 8, 3), np.uint8),
        "clips of any length": lambda i: np.full((1 + i % 3, 8, 8, 3), 40 * (i % 5), np.uint8),
    }
    for kind in kinds.values():
        study = opened(budget=20)
        while len(generation := study.ask()):
            shown = [kind(i) for i in range(len(generation))]
            study.tell(generation, np.arange(len(generation)) + generation.number, pictures=shown)
        assert study.finished


def test_settings_that_cannot_be():
    for settings, message in (
        ({"scout": 1}, "scout must be a whole number of at least 2"),
        ({"angle": 0}, "angle must be a number above 0 and up to 1.5708, got 0"),
        ({"near": True}, "near must be"),
        ({"noises": 2000}, "noises must be a whole number from 2 to 1024, got 2000"),
        ({"sigma0": 0.1}, "has no setting 'sigma0'"),
    ):
        with pytest.raises(ValueError, match=message):
            opened(settings=settings)
    with pytest.raises(ValueError, match="takes one score"):
        opened(direction=["minimize", "maximize"])


# The two processes.


def test_gradients_are_those_of_the_values():
    rng = np.random.default_rng(2)
    w = rng.standard_normal((12, 30))
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    process = SphereProcess(w, np.tanh(w[:, :5]))
    assert np.allclose([process.vector(b) for b in process.places], w)
    b, of_mean, of_variance = rng.standard_normal(12), rng.standard_normal(5), 0.7

    def value(b):
        mean, variance, _ = process.predict(b)
        return mean @ of_mean + variance * of_variance

    slope = process.predict(b)[2](of_mean, of_variance)
    for i in range(12):
        step = 1e-5 * np.eye(12)[i]
        assert slope[i] == pytest.approx((value(b + step) - value(b - step)) / 2e-5, abs=1e-6)

    f = rng.random((40, 6))
    score = PictureProcess(f, np.linalg.norm(f - 0.3, axis=1))
    at = rng.random(6)
    number, slope = score.predict(at)
    assert number == pytest.approx(np.linalg.norm(at - 0.3), abs=0.1)
    for i in range(6):
        step = 1e-5 * np.eye(6)[i]
        difference = score.predict(at + step)[0] - score.predict(at - step)[0]
        assert slope[i] == pytest.approx(difference / 2e-5, abs=1e-6)


def test_a_process_knows_the_pictures_it_was_shown():
    study = search(opened(budget=28))
    history = study.history()
    seen = np.stack(history.glimpses).reshape(28, -1) / 255.0
    process = SphereProcess(study.space.weights(history.u), seen)
    predicted = np.stack([process.predict(b)[0] for b in process.places])
    assert np.sqrt(((predicted - seen) ** 2).mean()) < 0.02
    assert all(process.predict(b)[1] < 0.02 * process.signal + process.signal * process.noise for b in process.places)


# What it is for.


def test_it_finds_more_than_noise_and_the_more_with_pictures():
    def best(seed: int, **how) -> float:
        return search(opened(budget=96, seed=seed, settings={}), **how).best.score

    def noise(seed: int) -> float:
        painted = pictures(torch.randn(96, *SHAPE, generator=torch.Generator().manual_seed(900 + seed)))
        return distance(painted, TARGET).min()

    runs = [(best(seed), best(seed, shown=False), noise(seed)) for seed in range(4)]
    seen, blind, chance = np.median(runs, axis=0)
    assert seen < 0.8 * blind < 0.5 * chance, runs
