"""Every optimiser: the same candidates again, the cube, better than chance."""

from __future__ import annotations

import inspect
import json
import math
import random

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch

from surrogate.search import COMPLETE, OPTIMISERS, History, Optimiser, make_optimiser

# The Gaussian process takes most of a second a point: few of them, and early.
QUICK = {
    "bayesian": {"startup": 2},
    "tpe": {"startup": 4},
    "adaptive": {"scout": 8, "noises": 24},
    "picks": {"noises": 32},
}
POPULATION = {
    name: {"adaptive": 4, "bayesian": 2, "nsga-ii": 6}.get(name, max(5, OPTIMISERS[name].smallest_population))
    for name in OPTIMISERS
}
GENERATIONS = {"bayesian": 2}
every_optimiser = pytest.mark.parametrize("name", OPTIMISERS)


def arguments(name: str, seed: int = 7, k: int = 4, **more) -> dict:
    """Arguments of `Study.open` for a short search."""
    several = not OPTIMISERS[name].one_score
    return {
        "optimiser": name,
        "settings": QUICK.get(name, {}),
        "directions": ["maximize", "minimize"] if several else "maximize",
        "population": POPULATION[name],
        "budget": POPULATION[name] * GENERATIONS.get(name, 5),
        "seed": seed,
        "k": k,
        **more,
    }


# Scores with ties and a failure, from the points alone.
def score(generation, scores):
    u = generation.u
    rough = -np.round(((u - 0.3) ** 2).sum(axis=1), 1)
    if generation.number == 1:
        rough[-1] = np.nan
    return rough if scores == 1 else np.stack([rough, np.round(u.sum(axis=1), 1)], axis=1)


def search(study, generations):
    u = []
    for _ in range(generations):
        generation = study.ask()
        u += generation.u.tolist()
        study.tell(generation, score(generation, len(study.definition.directions)))
    return u


# The same as code, for another process.
SCORING = "".join(map(inspect.getsource, (score, search)))


@pytest.fixture(scope="session")
def course(searching):
    """The candidates of an optimiser's short search that nothing interrupted, (n, k-1)."""
    known: dict[str, list] = {}

    def course(name: str) -> list:
        if name not in known:
            known[name] = search(searching.open(**arguments(name)), GENERATIONS.get(name, 5))
        return known[name]

    return course


@every_optimiser
def test_it_is_registered_and_rebuilt_from_its_settings(name):
    made = make_optimiser(name)
    assert isinstance(made, Optimiser)
    assert made.name == name
    assert make_optimiser(name, **json.loads(json.dumps(made.settings()))) == made
    assert made.one_score or made.several_scores
    assert OPTIMISERS[name].__doc__
    assert made.tooltip and not made.tooltip.endswith(".")
    assert 1 <= made.smallest_population <= made.population
    assert not made.example or make_optimiser(name, **json.loads(made.example)) != made


@every_optimiser
def test_resumed_in_a_fresh_process_it_goes_on_as_if_nothing_had_happened(
    name, course, searching, host, tmp_path, monkeypatch
):
    searching.forget()
    file = str(tmp_path / "studies.sqlite3")
    begun = search(searching.open(file, **arguments(name)), 1)
    rest = host.run(
        SCORING + "study = Study.load(file, 'study')\nresult = search(study, generations)",
        file=file,
        generations=GENERATIONS.get(name, 5) - 1,
    )
    assert begun + rest == course(name)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_what_is_kept_in_memory_only_saves_time(name, course, searching):
    study = searching.open(**arguments(name))
    again = []
    for _ in range(5):
        searching.forget(optimisers=True)
        again += search(study, 1)
    assert again == course(name)


@every_optimiser
def test_another_seed_gives_other_points(name, course, searching):
    first = np.array(course(name)[: POPULATION[name]])
    study = searching.open(**arguments(name, seed=8))
    other = study.ask().u
    assert other.shape == first.shape
    if OPTIMISERS[name].widens:  # the same combinations, of other noises
        before = searching.open(**arguments(name))
        assert study.space.seeds[:4] == before.space.seeds[:4]
        assert not {seed.label for seed in study.space.seeds[4:]} & {seed.label for seed in before.space.seeds[4:]}
    else:
        assert (other != first).all()


@every_optimiser
@pytest.mark.parametrize("k", [2, 64])
def test_it_stays_in_the_cube(name, k, searching):
    # Of the Gaussian process one point is enough.
    budget = {"budget": 3, "population": 2} if name == "bayesian" else {}
    study = searching.open(**arguments(name, k=k, **budget))
    while len(generation := study.ask()):
        # The best lies in a corner: whoever learns is driven against the faces.
        gain = generation.u.sum(axis=1)
        study.tell(generation, gain if OPTIMISERS[name].one_score else np.stack([gain, -gain], axis=1))
    u = study.history().u
    assert u.shape == (study.report().budget, study.definition.k - 1)
    assert study.definition.k == k or OPTIMISERS[name].widens
    assert ((u >= 0) & (u <= 1)).all()
    assert len(np.unique(u, axis=0)) > len(u) / 2


@every_optimiser
def test_global_chance_is_left_alone(name, searching):
    legacy = np.random.mtrand._rand  # what np.random.seed and its like act on
    before = random.getstate(), legacy.get_state(), torch.get_rng_state()
    budget = {"budget": 3, "population": 2} if name == "bayesian" else {}
    study = searching.open(**arguments(name, **budget))
    search(study, 2)
    assert random.getstate() == before[0]
    for now, then in zip(legacy.get_state(), before[1], strict=True):
        assert np.array_equal(now, then)
    assert torch.equal(torch.get_rng_state(), before[2])


def luck(u: np.ndarray, centre: float) -> float:
    """The probability that as many points uniform in the cube come as near to the bowl's bottom as the best of `u`."""
    d = u.shape[1]
    r = np.linalg.norm(u - centre, axis=1).min()
    assert r < min(centre, 1 - centre), "the ball does not fit into the cube"
    volume = math.pi ** (d / 2) / scipy.special.gamma(d / 2 + 1) * r**d
    return -math.expm1(len(u) * math.log1p(-volume))


@pytest.mark.parametrize(
    ("name", "k", "budget", "repeats"), [("cma-es", 7, 96, 5), ("tpe", 5, 64, 3), ("bayesian", 3, 24, 5)]
)
def test_who_learns_beats_chance(name, k, budget, repeats, searching):
    chances = []
    for seed in range(repeats):
        more = {"settings": {"startup": 5}, "population": 1} if name == "bayesian" else {"settings": {}}
        study = searching.open(**arguments(name, k=k, budget=budget, seed=seed, **more))
        while len(generation := study.ask()):
            study.tell(generation, searching.bowl(generation.u, 0.35))
        chances.append(luck(study.history().u, 0.35))
    # Fisher's method: were it luck, the sum would be chi-squared.
    assert scipy.stats.chi2.sf(-2 * np.log(chances).sum(), 2 * repeats) < 1e-3, chances


@pytest.mark.parametrize("name", ["sobol", "random"])
def test_who_does_not_learn_is_as_good_as_chance(name, searching):
    chances = []
    for seed in range(20):
        study = searching.open(**arguments(name, k=3, budget=32, population=32, seed=seed))
        chances.append(luck(study.ask().u, 0.35))
    # Sobol points are evenly spread: never very near, never far.
    assert 1e-3 < scipy.stats.chi2.sf(-2 * np.log(chances).sum(), 40) < 1 - 1e-4 or name == "sobol"
    assert min(chances) > 1e-4


def test_nsga_comes_nearer_to_the_front_than_chance(searching):
    def distance(name, seed):
        study = searching.open(
            k=6, optimiser=name, budget=144, population=16, seed=seed, directions=["minimize", "minimize"]
        )
        while len(generation := study.ask()):
            ends = np.full(5, 0.25), np.full(5, 0.75)
            study.tell(generation, np.stack([((generation.u - end) ** 2).sum(axis=1) for end in ends], axis=1))
        # The Pareto set is the straight line between the two ends: how far off are the best ten?
        u = study.history().u
        off = u - u.mean(axis=1, keepdims=True)
        return np.sort(np.linalg.norm(off, axis=1))[:10].mean()

    seeds = range(4)
    ours, chance = ([distance(name, seed) for seed in seeds] for name in ("nsga-ii", "random"))
    assert max(ours) < min(chance)  # of 8, all 4: 1 in 70
    assert np.mean(ours) < 0.8 * np.mean(chance)


def test_a_gaussian_process_is_fitted_within_inference_mode(searching):
    study = searching.open(**arguments("bayesian", k=2, budget=3))
    with torch.inference_mode():
        search(study, 2)
    assert study.finished


def test_sobol_runs_continue_one_sequence(searching):
    whole = searching.open(optimiser="sobol", budget=32, population=32).ask().u
    study = searching.open(optimiser="sobol", budget=32, population=5)
    parts = []
    while len(generation := study.ask()):
        parts.append(generation.u)
        study.tell(generation, np.zeros(len(generation)))
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    # 16 points of such a sequence: one in each sixteenth of each axis.
    for column in whole[:16].T:
        assert sorted((column * 16).astype(int)) == list(range(16))


def history(u, gains, population, known=0) -> History:
    """A history of one run of single generations."""
    n = len(u)
    asked = np.arange(n) - known
    return History(
        directions=("maximize",),
        u=np.asarray(u, dtype=float),
        scores=np.array(gains, dtype=float).reshape(n, 1),
        state=np.where(np.isfinite(gains), COMPLETE, "failed"),
        run=np.where(asked < 0, -1, 0),
        generation=np.where(asked < 0, -1, asked // population),
        index=np.where(asked < 0, -1, asked % population),
        population=np.where(asked < 0, -1, population),
    )


def cma(u, gains, population=6, known=0, generation=None, **settings):
    past = history(u, gains, population, known)
    generation = (len(u) - known) // population if generation is None else generation
    memory: dict = {}
    made = make_optimiser("cma-es", **settings)
    return made.propose(past, 0, generation, range(population), population, 3, memory).u, memory


def generation_of(u, gains, **settings):
    return cma(u, gains, **settings)[0]


EMPTY = np.empty((0, 3)), []


def test_cma_starts_at_the_centre_or_where_it_is_told():
    wide = generation_of(*EMPTY, population=400)
    assert np.allclose(wide.mean(axis=0), 0.5, atol=0.03)
    assert np.allclose(wide.std(axis=0), 0.2, atol=0.03)
    narrow = generation_of(*EMPTY, population=400, x0=[0.2, 0.5, 0.7], sigma0=0.02)
    assert np.allclose(narrow.mean(axis=0), [0.2, 0.5, 0.7], atol=0.01)
    assert np.allclose(narrow.std(axis=0), 0.02, atol=0.005)
    assert np.allclose(generation_of(*EMPTY, population=400, x0=0.3).mean(axis=0), 0.3, atol=0.03)


def test_cma_starts_its_runs_from_the_best_known_points():
    known = [[0.3, 0.3, 0.3], [0.6, 0.6, 0.6], [0.8, 0.8, 0.8]]
    past = history(known, [0.1, 0.9, np.nan], 6, known=3)
    start = make_optimiser("cma-es").start
    np.testing.assert_array_equal(start(past, 0), known[1])
    np.testing.assert_array_equal(start(past, 1), known[0])
    np.testing.assert_array_equal(start(past, 2), known[1])
    np.testing.assert_array_equal(make_optimiser("cma-es", x0=0.4).start(past, 0), np.full(3, 0.4))
    assert np.allclose(generation_of(known, [0.1, 0.9, np.nan], known=3, sigma0=0.01), 0.6, atol=0.06)


def test_cma_does_not_start_from_a_seed():
    """Its coordinates lie on faces of the cube, and those that do not matter there are 1: far from most blends."""
    seeds = [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.7, 0.2, 0.4]]
    start = make_optimiser("cma-es").start
    np.testing.assert_array_equal(start(history(seeds[:4], [0.9, 0.5, 0.4, 0.3], 6, known=4), 0), [0.5] * 3)
    np.testing.assert_array_equal(start(history(seeds, [0.9, 0.5, 0.4, 0.3, 0.2], 6, known=5), 0), seeds[4])


def test_cma_uses_ranks_alone():
    u = generation_of(*EMPTY)
    gains = np.array([0.3, -1.0, 0.7, 0.2, 0.69, 0.0])
    after = generation_of(u, gains)
    np.testing.assert_array_equal(after, generation_of(u, np.exp(7 * gains)))
    assert (after != generation_of(u, -gains)).all()


def test_cma_ranks_failures_last_in_the_order_of_their_indices():
    u = generation_of(*EMPTY)
    failed = generation_of(u, [0.3, np.nan, 0.7, 0.2, np.nan, 0.0])
    np.testing.assert_array_equal(failed, generation_of(u, [0.3, -1, 0.7, 0.2, -2, 0.0]))


@pytest.mark.parametrize("gains", [[np.nan] * 6, [np.nan, 1.0, *[np.nan] * 4], [0.5] * 6, [0.5, np.nan, *[0.5] * 4]])
def test_cma_learns_nothing_from_a_generation_that_says_nothing(gains):
    u = generation_of(*EMPTY)
    after, memory = cma(u, gains)
    assert memory[0].es.countiter == 0
    assert (after != u).all()


def test_cma_believes_what_is_stored_rather_than_what_it_would_ask():
    u = generation_of(*EMPTY)
    gains = [0.3, -1.0, 0.7, 0.2, 0.69, 0.0]
    after = generation_of(u, gains)
    # Another machine's last digits do no harm …
    np.testing.assert_array_equal(generation_of(np.clip(u + 1e-13, 0, 1), gains), after)
    # … and points that pycma would never have asked are what it learns from.
    moved = generation_of(np.full_like(u, 0.1) + 0.01 * u, gains)
    assert moved.mean() < after.mean() - 0.1


def test_cma_starts_again_when_it_has_converged():
    u, gains = np.empty((0, 2)), np.empty(0)
    spread, memory = [], {}
    made = make_optimiser("cma-es")
    for generation in range(120):
        new = made.propose(history(u, gains, 6), 0, generation, range(6), 6, 3, memory).u
        spread.append(np.ptp(new, axis=0).max())
        u, gains = np.concatenate([u, new]), np.concatenate([gains, -((new - 0.3) ** 2).sum(axis=1)])
    narrow = int(np.argmax(np.array(spread) < 1e-4))
    assert narrow > 10
    assert max(spread[narrow:]) > 0.1
    np.testing.assert_array_equal(generation_of(u, gains), cma(u, gains)[0])


def test_cma_keeps_its_distribution_when_the_population_changes(searching):
    study = searching.open(k=4, budget=400, population=12)
    for _ in range(12):
        generation = study.ask()
        study.tell(generation, searching.bowl(generation.u))
    u, gains = study.history().u, study.history().gains[:, 0]
    past = history(u, gains, 12)
    made, memory = make_optimiser("cma-es"), {}
    wide = made.propose(past, 0, 12, range(12), 12, 0, memory).u
    assert np.abs(wide - 0.3).max() < 0.1
    strategy = memory[0]
    covariance, path = strategy.es.sm.C.copy(), strategy.es.adapt_sigma.ps.copy()
    for population in (5, 30):
        strategy.asked = None
        assert np.abs(strategy.ask(population) - 0.3).max() < 0.1
        np.testing.assert_array_equal(strategy.es.sm.C, covariance)
        np.testing.assert_array_equal(strategy.es.adapt_sigma.ps, path)
        # And its rates are those of a strategy that always had this population.
        other, kept = make_optimiser("cma-es"), {}
        other.propose(history(np.empty((0, 3)), [], population), 0, 0, range(population), population, 0, kept)
        ours, theirs = strategy.es, kept[0].es
        assert list(ours.sp.weights) == list(theirs.sp.weights)
        assert ours.sm.parameters() == theirs.sm.parameters()
        assert (ours.adapt_sigma.cs, ours.adapt_sigma.damps) == (theirs.adapt_sigma.cs, theirs.adapt_sigma.damps)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("annealing", {}, "choose one of cma-es, adaptive"),
        ("cma-es", {"sigma": 0.1}, "no setting 'sigma'; it has sigma0, x0, boundary"),
        ("random", {"sigma0": 0.1}, "it has none"),
        ("cma-es", {"sigma0": 0}, "sigma0 must be a number above 0 and up to 0.5"),
        ("cma-es", {"sigma0": "wide"}, "sigma0 must be a number above 0 and up to 0.5"),
        ("cma-es", {"x0": 1.5}, "0…1"),
        ("cma-es", {"x0": [0.5, float("nan")]}, "0…1"),
        ("cma-es", {"boundary": "Fence"}, "boundary must be one of BoundTransform, BoundPenalty, got 'Fence'"),
        ("bayesian", {"startup": 0}, "at least 1"),
        ("tpe", {"candidates": 2.5}, "whole number"),
        ("nsga-ii", {"crossover": 2}, "crossover must be a number from 0 to 1"),
        ("nsga-ii", {"crossover": None}, "crossover must be a number from 0 to 1"),
    ],
)
def test_wrong_settings_are_explained(name, settings, message):
    with pytest.raises(ValueError, match=message.replace("(", "\\(")):
        make_optimiser(name, **settings)


def test_penalised_bounds_stay_in_the_cube_too(searching):
    study = searching.open(k=5, budget=80, settings={"boundary": "BoundPenalty"})
    while len(generation := study.ask()):
        study.tell(generation, searching.bowl(generation.u, 1.2))
    u = study.history().u
    assert ((u >= 0) & (u <= 1)).all()
    assert study.best.u.min() > 0.9  # the corner is reached, not passed
