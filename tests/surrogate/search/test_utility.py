"""Seed utility, on objectives whose answer is known: through real studies, over real spaces."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from surrogate import Seeds, SurrogateSpace, points
from surrogate.search import FAILED, RUNNING, Study
from surrogate.search.utility import Advice, drawing, overall, seed_utility, sentence, summary, table
from surrogate.search.utility.association import associate
from surrogate.search.utility.losses import uniform

OBJECTIVES = {
    "only seed 1": lambda w: w[:, 0] ** 2,
    "seeds 2 and 3 mixed": lambda w: 2 * w[:, 1] * w[:, 2],
    "seed 1 harms": lambda w: w[:, 1] * w[:, 2] - w[:, 0] ** 2,
    "seeds 2 and 3 stand in for each other": lambda w: 2 * w[:, 0] * np.hypot(w[:, 1], w[:, 2]),
    "nothing": lambda w: np.zeros(len(w)),
}
GONE = (Advice.DROP, Advice.REPLACE)


@functools.cache
def searched(objective, k=6, budget=96, optimiser="sobol", noise=0.05, seed=0, direction="maximize", known=False):
    """A space and the history of a study in it."""
    space = SurrogateSpace(Seeds.from_range(1, k))
    rng = np.random.default_rng(seed)
    sign = 1 if direction == "maximize" else -1

    def score(u):
        return sign * (OBJECTIVES[objective](space.weights(u)) + noise * rng.standard_normal(len(u)))

    study = Study.open(None, "known", space, budget=budget, optimiser=optimiser, seed=seed, directions=direction)
    if known:
        seeds = points.vertices(space)
        study.add_known(seeds.u, score(seeds.u), seeds.labels)
    while len(generation := study.ask()):
        study.tell(generation, score(generation.u))
    return space, study.history()


def advice(utility) -> list[Advice]:
    return [seed.advice for seed in utility.seeds]


# ----------------------------------------------------------------------------------------------------- known answers


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
@pytest.mark.parametrize("optimiser", ["sobol", "cma-es"])
@pytest.mark.parametrize(
    "objective, needed", [("only seed 1", {0}), ("seeds 2 and 3 mixed", {1, 2}), ("seed 1 harms", {1, 2})]
)
def test_seeds_that_count_are_kept_and_others_can_go(objective, needed, optimiser, direction):
    # To minimise is to maximise what is turned around, so one search is enough to see the sign.
    for seed in range(3 if direction == "maximize" else 1):
        space, history = searched(objective, optimiser=optimiser, seed=seed, direction=direction)
        utility = seed_utility(history, space)
        told = advice(utility)
        assert {i for i, a in enumerate(told) if a is Advice.KEEP} == needed
        assert sum(a in GONE for a in told) >= 2
        stays = {i for i, a in enumerate(told) if a not in GONE}
        assert stays <= set(utility.kept) and len(utility.kept) == max(2, len(stays))
        assert 0.5 < utility.predictive <= 1


def test_losses_are_the_true_ones():
    space, history = searched("seeds 2 and 3 mixed", budget=160, noise=0.01)
    utility = seed_utility(history, space)
    average = OBJECTIVES["seeds 2 and 3 mixed"](uniform(6, 1 << 14)).mean()
    assert utility.span == pytest.approx(1 - average, abs=0.05)
    for i, seed in enumerate(utility.seeds):
        true = 1.0 if i in (1, 2) else 0.0
        assert abs(seed.loss.loss - true) < max(0.03, 3 * seed.loss.deviation)
        assert seed.loss.promise > true - 0.02
        if true:  # what it may bring is more than it is expected to
            assert seed.loss.promise > seed.loss.loss + seed.loss.deviation


def test_effects_are_the_true_ones_and_free_of_the_others():
    """The shares of the others fall where seed 1 rises, so they look harmful: by themselves they are not, to the score
    that depends on how they are to each other."""
    space = SurrogateSpace(Seeds.from_range(1, 4))
    u = points.random(space, 300, 0).u

    def score(w):
        return w[:, 0] ** 2 + np.where(w[:, 0] < 1, w[:, 1] ** 2 / (1 - w[:, 0] ** 2 + 1e-12), 0)

    study = Study.open(None, "effects", space, budget=1)
    study.add_known(u, score(space.weights(u)))
    utility = seed_utility(study.history(), space)
    w = uniform(4, 512)
    for i, seed in enumerate(utility.seeds):
        rest = w.copy()
        rest[:, i] = 0
        true = (score(w) - score(rest / np.linalg.norm(rest, axis=1, keepdims=True))).mean()
        assert abs(seed.effect - true) < max(0.03, 4 * seed.effect_deviation)


def test_a_seed_that_harms_is_told_so():
    space, history = searched("seed 1 harms")
    utility = seed_utility(history, space)
    harmful = utility.seeds[0]
    assert harmful.advice in GONE and harmful.r < -utility.chance and harmful.p == 0.001
    assert harmful.effect < -3 * harmful.effect_deviation
    assert "On average it makes the score worse, by 0." in sentence(harmful, utility)


@pytest.mark.parametrize("optimiser", ["sobol", "cma-es"])
def test_of_seeds_that_stand_in_for_each_other_one_stays(optimiser):
    for seed in range(3):
        space, history = searched("seeds 2 and 3 stand in for each other", seed=seed, optimiser=optimiser, noise=0.01)
        told = advice(seed_utility(history, space))
        assert told[0] is Advice.KEEP and not (told[1] in GONE and told[2] in GONE)


def test_the_last_of_those_that_stand_in_for_each_other_says_so():
    space, history = searched("seeds 2 and 3 stand in for each other", k=5, budget=160, noise=0.001)
    utility = seed_utility(history, space)
    pair = utility.seeds[1:3]
    assert max(seed.loss.promise for seed in pair) < utility.tolerated  # either alone can go
    (stays,) = [seed for seed in pair if seed.advice is Advice.UNDECIDED]
    assert stays.together and "Alone it could go, but not surely together with the others" in sentence(stays, utility)
    assert [seed.advice in GONE for seed in utility.seeds] == [
        seed not in (utility.seeds[0], stays) for seed in utility.seeds
    ]


def test_what_a_place_owes_to_others_is_no_merit_of_a_seed():
    """Of a harmful seed hardly anything need be known where it is small: it goes, although the scores are rough."""
    gone = 0
    for seed in range(3):
        space, history = searched("seed 1 harms", noise=0.1, seed=seed)
        gone += advice(seed_utility(history, space))[0] in GONE
    assert gone >= 2


def test_what_is_dropped_is_little_missed():
    """On random objectives: the best without all dropped seeds against the best with them, both by brute force."""
    dropped = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        matters = rng.random(6) < 0.5
        pairs = rng.standard_normal((6, 6)) * np.outer(matters, matters) / 2
        alone = rng.standard_normal(6) * matters

        def score(w):
            return np.einsum("ni,ij,nj->n", w, pairs, w) + w @ alone  # noqa: B023

        space = SurrogateSpace(Seeds.from_range(1, 6))
        noise = 0.1 * score(uniform(6, 512)).std()
        study = Study.open(None, "random", space, budget=96, seed=seed, optimiser=("sobol", "cma-es")[seed % 2])
        while len(generation := study.ask()):
            study.tell(generation, score(space.weights(generation.u)) + noise * rng.standard_normal(len(generation)))
        utility = seed_utility(study.history(), space)
        gone = [i for i in range(6) if i not in utility.kept]
        dropped += len(gone)
        best = [_highest(score, without, rng) for without in ([], gone)]
        assert best[0] - best[1] < 0.15 * (best[0] - score(uniform(6, 1 << 12)).mean())
    assert dropped >= 12


def _highest(score, without, rng) -> float:
    """The highest score with no `without`, by a walk of many."""
    w = np.abs(rng.standard_normal((4000, 6))) * (rng.random((4000, 6)) < 0.5)
    for step in (0.3, 0.1, 0.03, 0.01, 0.0):
        w[:, without] = 0
        w = w[w.any(axis=1)]
        w /= np.linalg.norm(w, axis=1, keepdims=True)
        best = w[np.argsort(-score(w))[:20]]
        w = np.concatenate([best, np.maximum(best + step * rng.standard_normal((100, 20, 6)), 0).reshape(-1, 6)])
    return float(score(best).max())


@pytest.mark.parametrize("optimiser", ["sobol", "cma-es", "random"])
def test_pure_noise_gets_no_advice(optimiser):
    """Of 40 searches at most 2 may look as if the place mattered."""
    advised = falsely = 0
    for seed in range(40):
        space, history = searched("nothing", k=5, budget=40, optimiser=optimiser, noise=1.0, seed=seed)
        utility = seed_utility(history, space)
        advised += not utility.silence
        falsely += any(seed.p <= 0.05 for seed in utility.seeds)
    assert advised <= 2
    assert falsely <= 6  # 2 are expected


# ------------------------------------------------------------------------------------------------------- association


def test_in_one_block_it_is_spearmans_correlation():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(3), 50).round(2)  # with ties
    gains = (shares[:, 0] + 0.2 * rng.standard_normal(50)).round(1)
    found = associate(shares, gains, np.zeros(50))
    np.testing.assert_allclose(found.r, [spearmanr(column, gains).statistic for column in shares.T], atol=1e-12)
    assert found.p[0] == 0.001 and 0.2 < found.chance < 0.5
    again = associate(shares, gains, np.zeros(50))
    assert (again.p == found.p).all() and again.chance == found.chance


def test_chance_is_for_all_seeds_together():
    """Over 200 sets of independent numbers the smallest of 10 p is below 0.05 about 10 times, not 80."""
    rng = np.random.default_rng(0)
    below = sum(associate(rng.random((24, 10)), rng.random(24), np.arange(24) // 8).p.min() <= 0.05 for _ in range(200))
    assert 3 <= below <= 20


def test_drift_is_no_association():
    """Scores and a share rise from generation to generation, and have nothing to do with each other within one."""
    false = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        generation = np.arange(160) // 8
        share = generation / 40 + 0.1 * rng.random(160)
        gains = generation + rng.random(160)
        assert spearmanr(share, gains).statistic > 0.9
        for place in (generation, np.arange(160)):  # one by one, as Bayesian searches come
            found = associate(share[:, None], gains, place)
            assert abs(found.r[0]) < 0.3
            false += found.p[0] <= 0.05
    assert false <= 6  # 2 are expected


def test_constant_shares_and_scores_have_none():
    rng = np.random.default_rng(0)
    shares = np.stack([np.full(20, 0.3), rng.random(20)], axis=1)
    found = associate(shares, rng.random(20), np.zeros(20))
    assert found.r[0] == 0 and found.p[0] == 1
    equal = associate(shares, np.ones(20), np.zeros(20))
    assert (equal.r == 0).all() and (equal.p == 1).all() and equal.chance == 1


# -------------------------------------------------------------------------------------------------------------- edges


def test_too_few_scores():
    space, history = searched("only seed 1", budget=11)
    utility = seed_utility(history, space)
    assert set(advice(utility)) == {Advice.UNDECIDED} and utility.kept == tuple(range(6))
    assert overall(utility) == (
        "Too early to say. There are 11 scores for 6 seeds. At least 12 are needed, and more say more."
    )
    assert "There are 0 scores" in overall(seed_utility(Study.open(None, "x", space, budget=9).history(), space))


def test_equal_scores():
    space, history = searched("nothing", noise=0.0)
    assert overall(seed_utility(history, space)) == ("All scores are the same, so no seed can make a difference.")


def test_failed_and_running_rows_do_not_count():
    space, history = searched("only seed 1", known=True)
    n = len(history)
    state, scores = history.state.copy(), history.scores.copy()
    state[[3, 40]], scores[40] = RUNNING, np.nan
    state[50], scores[50] = FAILED, 1e6
    scores[60], scores[61] = np.inf, np.nan
    utility = seed_utility(replace(history, state=state, scores=scores), space)
    assert utility.count == n - 5 and advice(utility)[0] is Advice.KEEP
    assert utility.seeds[0].own == history.scores[0, 0] and np.isnan(utility.seeds[3].own)


def test_one_terrible_score_does_not_drown_the_others():
    space, history = searched("only seed 1")
    scores = history.scores.copy()
    scores[7] = -1e9
    assert advice(seed_utility(replace(history, scores=scores), space))[0] is Advice.KEEP


@functools.cache
def said_of_the_mix():
    """What is said of the seeds of the search in `test_units_do_not_matter`."""
    space, history = searched("seeds 2 and 3 mixed")
    return seed_utility(history, space)


@pytest.mark.parametrize("factor", [1e-200, 1e-3, 1e250])
def test_units_do_not_matter(factor):
    space, history = searched("seeds 2 and 3 mixed")
    one, other = said_of_the_mix(), seed_utility(replace(history, scores=factor * history.scores), space)
    assert advice(one) == advice(other)
    assert other.seeds[1].loss.loss == pytest.approx(factor * one.seeds[1].loss.loss)
    for text in (summary(other), table(other)):
        assert "nan" not in text and "inf" not in text


@pytest.mark.parametrize("optimiser", ["sobol", "cma-es"])
def test_two_seeds_stay_two(optimiser):
    space, history = searched("only seed 1", k=2, budget=24, optimiser=optimiser, known=True)
    utility = seed_utility(history, space)
    assert advice(utility)[0] is Advice.KEEP and advice(utility)[1] is not Advice.DROP
    assert utility.kept == (0, 1)


def test_fresh_seeds_come_where_too_few_are_left():
    space, history = searched("only seed 1", noise=0.01)
    utility = seed_utility(history, space)
    told = advice(utility)
    assert told == [Advice.KEEP, *told[1:]] and set(told[1:]) <= set(GONE)
    assert told.count(Advice.REPLACE) == 3 and told.count(Advice.DROP) == 2
    assert len(utility.kept) == 2 and 0 in utility.kept


def test_a_search_that_looked_at_one_place_says_so():
    """All points near the middle: what the corners hold is not known, so nothing is dropped."""
    space = SurrogateSpace(Seeds.from_range(1, 5))
    rng = np.random.default_rng(0)
    w = np.abs(np.full(5, 5**-0.5) + 0.02 * rng.standard_normal((80, 5)))
    u = space.chart.coordinates(w / np.linalg.norm(w, axis=1, keepdims=True))
    study = Study.open(None, "narrow", space, budget=1)
    study.add_known(u, np.sin(30 * space.weights(u)[:, 0]))
    utility = seed_utility(study.history(), space)
    assert not utility.silence and utility.unseen > 0.5
    assert not set(advice(utility)) & set(GONE)
    assert "hardly anything is known" in overall(utility)


def test_single_seeds_are_ranked():
    space = SurrogateSpace(Seeds.from_range(1, 5))
    study = Study.open(None, "single", space, budget=9, directions="minimize")
    seeds = points.vertices(space, [1, 2, 4])
    study.add_known(seeds.u, [0.3, 0.1, 0.2])
    utility = seed_utility(study.history(), space)
    assert utility.alone and utility.kept == tuple(range(5))
    assert overall(utility) == (
        "All points are single seeds, so each seed's own score is all there is. Best first: 2 (0.1), 4 (0.2), 1 (0.3)."
    )


def test_one_of_several_scores():
    space = SurrogateSpace(Seeds.from_range(1, 5))
    study = Study.open(None, "two", space, budget=80, optimiser="nsga-ii", directions=["maximize", "minimize"])
    while len(generation := study.ask()):
        w = space.weights(generation.u)
        study.tell(generation, np.stack([w[:, 0] ** 2, -(w[:, 1] ** 2)], axis=1))
    for score, needed in ((0, 0), (1, 1)):
        told = advice(seed_utility(study.history(), space, score))
        assert [i for i, a in enumerate(told) if a is Advice.KEEP] == [needed]


@pytest.mark.parametrize("score", [-1, 1, True, 0.0, "0", None])
def test_another_score_is_named(score):
    space, history = searched("nothing", budget=8)
    with pytest.raises(ValueError, match="score must be from 0 to 0 for a study of 1 scores, got"):
        seed_utility(history, space, score)


def test_another_space_is_named():
    _, history = searched("nothing", budget=8)
    with pytest.raises(ValueError, match="have 5 coordinates, but a space of 9 seeds has 8"):
        seed_utility(history, SurrogateSpace(Seeds.from_range(1, 9)))


def test_nothing_global_and_nothing_given_is_touched():
    space, history = searched("seed 1 harms")
    before = [history.u.copy(), history.scores.copy(), _global()]
    first, second = seed_utility(history, space), seed_utility(history, space)
    after = [history.u, history.scores, _global()]
    assert all(np.array_equal(a, b) for a, b in zip(before, after))
    assert summary(first) == summary(second) and table(first) == table(second)


def _global():
    return np.random.get_state()[1].copy()  # noqa: NPY002


def test_thousands_of_scores_and_many_seeds():
    space, history = searched("only seed 1", k=12, budget=2000)
    assert advice(seed_utility(history, space))[0] is Advice.KEEP
    space, history = searched("only seed 1", k=65, budget=140)
    utility = seed_utility(history, space)
    assert "More than 64 seeds at once" in overall(utility) and np.isfinite(utility.seeds[0].r)


# ------------------------------------------------------------------------------------------------------ words, picture


def test_every_seed_has_its_sentence_and_its_row():
    space, history = searched("seeds 2 and 3 mixed")
    utility = seed_utility(history, space)
    lines = summary(utility).splitlines()
    assert lines[0].startswith("Of 6 seeds: 2 to keep, ") and "96 scores" in lines[0]
    assert {line.split(":")[0] for line in lines[1:]} == set(space.seeds.labels)
    assert lines[1].split(". ")[0].split(": ")[1] == "keep"
    assert summary(utility, 2).splitlines()[-1] == "… and 4 more seeds."
    rows = table(utility).splitlines()
    assert [row.split("|")[1].strip() for row in rows[2:8]] == list(space.seeds.labels)
    assert len({row.count("|") for row in rows[:8]}) == 1


@pytest.mark.parametrize("k", [2, 6, 64])
def test_the_picture_has_a_row_for_each_seed(k):
    space = SurrogateSpace(Seeds.from_range(1, k))
    study = Study.open(None, "picture", space, budget=1)
    u = points.random(space, 20, 0).u  # too few for 64 seeds: the picture is the same size
    study.add_known(u, space.weights(u)[:, 0])
    drawn = drawing(seed_utility(study.history(), space))
    assert drawn.dtype == np.uint8 and 24 * k < drawn.shape[0] < 24 * k + 260
    assert np.array_equal(drawn, drawing(seed_utility(study.history(), space)))


def test_of_very_many_seeds_the_picture_shows_some():
    space = SurrogateSpace(Seeds.from_range(1, 100))
    study = Study.open(None, "many", space, budget=1)
    study.add_known(points.vertices(space).u, np.arange(100))
    assert drawing(seed_utility(study.history(), space)).shape[0] < 1900


@pytest.mark.parametrize("label", ["a|b\nc", "🌄" * 40, "", "x" * 5000])
def test_hostile_labels(label):
    space, history = searched("only seed 1")
    utility = seed_utility(history, space)
    utility = replace(utility, seeds=(replace(utility.seeds[0], label=label), *utility.seeds[1:]))
    rows = table(utility).splitlines()
    assert len({row.count("|") for row in rows[:8]}) == 1
    assert drawing(utility).shape[1] < 900
