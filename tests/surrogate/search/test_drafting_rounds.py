"""Generations of drafts of which the best are finished, by ask and tell: what is told, what is chosen, what it costs."""

import math

import numpy as np
import pytest

from surrogate import Seeds, SurrogateSpace
from surrogate.search import COMPLETE, FAILED, SKIPPED, Study, StudyError, tell_drafts_of

STEPS, STEP = 8, 2


def opened(storage=None, budget=32, directions="minimize", seed=1) -> Study:
    space = SurrogateSpace(Seeds.from_range(40, 5))
    return Study.open(
        storage, "drafted", space, budget=budget, seed=seed, optimiser="sobol", population=8, directions=directions
    )


def bowl(u) -> np.ndarray:
    return ((u - 0.4) ** 2).sum(1)


def round_of(study: Study, finish=2, early=bowl):
    """One generation: drafted, the best finished. None when nothing is left to do."""
    generation = study.ask()
    if not len(generation):
        return None
    told = tell_drafts_of(study, generation, early(generation.u), STEP, STEPS, finish)
    study.tell(told.finish, bowl(told.finish.u))
    return told


def test_the_most_promising_are_finished_and_only_these_have_scores():
    study = opened()
    generation = study.ask()
    drafts = bowl(generation.u)
    told = tell_drafts_of(study, generation, drafts, STEP, STEPS, 3)
    assert told.finish.trials.tolist() == np.argsort(drafts)[:3].tolist()
    assert study.n_best(8) == ()  # a draft is never best
    assert study.tell(told.finish, bowl(told.finish.u)).best.score == drafts.min()
    history = study.history()
    assert sorted(history.state.tolist()) == [COMPLETE] * 3 + [SKIPPED] * 5
    assert study.report().best.score == drafts.min()
    # Eight drafts of a quarter of an image each, and three images.
    assert study.report().evaluated == 5


def test_for_a_study_that_maximizes_high_drafts_promise():
    study = opened(directions="maximize")
    generation = study.ask()
    told = tell_drafts_of(study, generation, range(8), STEP, STEPS, 2)
    assert told.finish.trials.tolist() == [7, 6]


def test_the_budget_holds_and_pays_for_more_candidates():
    study = opened(budget=32)
    rounds = 0
    while round_of(study):
        rounds += 1
    report = study.report()
    assert report.finished and report.evaluated == 32
    assert len(study.history()) > 50  # without drafts: 32


def test_it_finds_more_than_without_drafts():
    best = {True: [], False: []}
    for seed in range(6):
        with_drafts, without = opened(seed=seed), opened(seed=seed)
        while round_of(with_drafts):
            pass
        while len(generation := without.ask()):
            without.tell(generation, bowl(generation.u))
        best[True].append(with_drafts.report().best.score)
        best[False].append(without.report().best.score)
    assert (np.array(best[True]) <= best[False]).all()  # the same points, and as many more
    assert np.mean(best[True]) < 0.8 * np.mean(best[False])


def test_agreement_is_known_from_eight_pairs_on_and_doubted_where_drafts_mislead():
    honest, misled = opened(), opened()
    agreements = [round_of(honest).agreement for _ in range(5)]
    assert agreements[:3] == [None] * 3 and agreements[4] == pytest.approx(1.0)
    for _ in range(5):
        told = round_of(misled, early=lambda u: np.sin(1000 * u[:, 0]))
    assert told.doubtful and told.pairs == 8


def test_drafts_without_a_score_failed_and_say_why():
    study = opened()
    generation = study.ask()
    scores = [math.nan, 2.0, None, *range(3, 8)]
    told = tell_drafts_of(study, generation, scores, STEP, STEPS, 2, reasons=["too dark"] + [None] * 7)
    history = study.history()
    assert history.state[[0, 2]].tolist() == [FAILED, FAILED] and history.reasons[0] == "too dark"
    assert told.finish.trials.tolist() == [1, 3]
    everything = tell_drafts_of(study, study.ask(), [math.nan] * 8, STEP, STEPS, 2)
    assert len(everything.finish) == 0


def test_one_that_is_finished_and_has_no_score_failed():
    study = opened()
    told = tell_drafts_of(study, study.ask(), range(8), STEP, STEPS, 2)
    study.tell(told.finish, [math.nan, 0.5], reasons=["it is black", None])
    history = study.history()
    assert history.state[:2].tolist() == [FAILED, COMPLETE] and history.reasons[0] == "it is black"


def test_stopped_between_draft_and_finish_it_goes_on_in_another_process(tmp_path):
    path = f"sqlite:///{tmp_path / 's.db'}"
    study = opened(path)
    told = tell_drafts_of(study, study.ask(), range(8), STEP, STEPS, 2)
    again = opened(path)
    assert again.history().drafted.sum() == 8
    again.tell(told.finish, [0.1, 0.2])
    assert study.report().best.score == 0.1
    assert study.tell(told.finish, [0.1, 0.2]).best.score == 0.1  # told twice, as after a lost reply
    with pytest.raises(ValueError, match="was told before as score"):
        study.tell(told.finish, [0.3, 0.2])


def test_what_is_refused():
    study = opened()
    generation = study.ask()
    with pytest.raises(ValueError, match=r"made with 1 to 7 of 8 steps, got 8"):
        tell_drafts_of(study, generation, range(8), 8, STEPS, 2)
    with pytest.raises(ValueError, match=r"expected 8, one for each draft of the generation, got 3"):
        tell_drafts_of(study, generation, range(3), STEP, STEPS, 2)
    several = Study.open(
        None, "two", study.space, budget=8, seed=1, optimiser="nsga-ii", directions=["minimize", "maximize"]
    )
    with pytest.raises(ValueError, match="Drafts are for studies of one score"):
        tell_drafts_of(several, several.ask(), range(8), STEP, STEPS, 2)
    with pytest.raises((ValueError, StudyError)):
        tell_drafts_of(opened(), generation, range(8), STEP, STEPS, 2)  # of another study
