"""Scouting: each noise once, the right ones kept, and nothing lost or done twice, whatever comes between."""

from __future__ import annotations

import doctest
import inspect
import json

import numpy as np
import pytest
import torch

from surrogate import CHARTS, IntegerSeed, Seeds, SurrogateSpace, points, space_from_recipe
from surrogate.search import OPTIMISERS, Scouting, Study, StudyError, make_optimiser, scouting, study_names
from surrogate.search.scouting import diverse


# What each noise is worth, by its integer; with ties.
def worth(label):
    return round(float(np.random.default_rng(int(label)).normal()), 1)


def score(study, u):
    space = space_from_recipe(study.definition.space)
    return space.weights(u) @ np.array([worth(label) for label in space.seeds.labels])


def step(study):
    generation = study.ask()
    if len(generation):
        study.tell(generation, score(study, generation.u))
    return len(generation)


def present(scouting):
    return scouting.search() if scouting.study.finished else scouting.study


# The same as code, for another process.
SCORING = """
from surrogate import space_from_recipe
from surrogate.search import Scouting

""" + "".join(map(inspect.getsource, (worth, score, step, present)))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "studies.sqlite3"


def opened(storage, **settings) -> Scouting:
    return Scouting.open(storage, **{"name": "study", "budget": 36, "first": 5, "k": 4, "diversity": 0.0, **settings})


def scouted(storage, **settings) -> Scouting:
    """A scouting that is finished."""
    found = opened(storage, **settings)
    while step(found.study):
        pass
    return found


def rows(study: Study) -> tuple:
    """All that a study remembers."""
    h = study.history()
    return h.u.tolist(), h.scores.tolist(), h.state.tolist(), h.run.tolist(), h.generation.tolist(), h.labels


def pictures(**shades: int):
    """Pictures by number: grey, of the given shades; 100 if not named."""
    return lambda number: np.full((4, 6, 3), shades.get(f"p{number}", 100), np.uint8)


def test_the_example_is_true():
    result = doctest.testmod(scouting)
    assert result.attempted > 7 and not result.failed


@pytest.mark.parametrize("population", [None, 1, 5])
def test_each_noise_is_scored_once_in_order_and_is_the_noise_of_its_integer(population):
    scouting = opened(None, population=population, optimiser="random")
    asked = []
    while len(generation := scouting.study.ask()):
        asked.append(generation.u)
        scouting.study.tell(generation, score(scouting.study, generation.u))
    z = scouting.space.latents(np.concatenate(asked), shape=(2, 8))
    assert len(z) == scouting.space.k == 12
    for i, noise in enumerate(z):
        assert torch.equal(noise, IntegerSeed(5 + i).noise(((2, 8),))[0])


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize("k", [2, 3, 40])
def test_a_scout_goes_where_the_seeds_are(chart, k):
    space = SurrogateSpace(Seeds.from_range(0, k), chart)
    generation = Study.open(None, "corners", space, budget=k, population=k, optimiser="scout").ask()
    assert generation.u.tobytes() == points.vertices(space).u.tobytes()


def test_a_scout_is_not_for_choosing_and_knows_its_end(searching):
    assert "scout" not in OPTIMISERS and make_optimiser("scout").name == "scout"
    study = searching.open(optimiser="scout", budget=5, population=5)
    with pytest.raises(StudyError, match="All 4 seeds were asked for"):
        study.ask()


@pytest.mark.parametrize("directions", ["maximize", "minimize"])
def test_the_best_become_the_seeds_and_their_scores_are_known(directions):
    study = scouted(None, directions=directions).search()
    sign = 1 if directions == "maximize" else -1
    best = sorted(range(5, 17), key=lambda seed: (-sign * worth(seed), seed))[:4]
    space = space_from_recipe(study.definition.space)
    assert space.seeds.labels == tuple(map(str, best))
    history = study.history()
    assert history.known.tolist() == [True] * 4 and history.scores[:, 0].tolist() == [worth(seed) for seed in best]
    assert (history.known_rows(points.vertices(space).u) == np.arange(4)).all()
    report = study.report()
    assert (report.evaluated, report.budget) == (0, 24) and report.best.label == f"seed {best[0]}"
    assert study.definition.space["scouted"] == {"first": 5, "noises": 12, "seeds": 4, "diversity": 0.0}


def test_ties_are_won_by_the_smaller_number():
    scouting = opened(None, k=3)
    while len(generation := scouting.study.ask()):
        scouting.study.tell(generation, np.zeros(len(generation)))
    assert scouting.search().definition.space["seeds"] == ["5", "6", "7"]


def test_several_scores_are_ranked_by_their_front():
    scouting = opened(None, optimiser="nsga-ii", directions=["maximize", "minimize"], k=2, share=0.2)
    table = iter([[0, 0], [1, 2], [3, 3], [2, 0], [2, 1], [0, 5], [3, 1]])
    while len(generation := scouting.study.ask()):
        scouting.study.tell(generation, [next(table) for _ in range(len(generation))])
    # The front is (2, 0) and (3, 1); the second is the nearer to (3, 0) in units of the ranges.
    assert scouting.search().definition.space["seeds"] == ["11", "8"]
    assert scouting.search().history().scores.tolist() == [[3, 1], [2, 0]]


@pytest.mark.parametrize("optimiser", ["cma-es", "tpe"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_interrupted_after_every_generation_it_is_as_if_nothing_had_happened(
    elsewhere, optimiser, searching, host, tmp_path
):
    settings = {"optimiser": optimiser, "population": 5, "budget": 24}
    whole = scouted(tmp_path / "whole", **settings)
    search = whole.search()
    while step(search):
        pass
    pieces = str(tmp_path / "pieces")
    code = SCORING + "result = step(present(Scouting.open(file, **settings)))"
    every = {"name": "study", "first": 5, "k": 4, "diversity": 0.0, **settings}
    generations = 0
    while True:
        searching.forget()
        generations += 1
        if not (
            host.run(code, file=pieces, settings=every) if elsewhere else step(present(opened(pieces, **settings)))
        ):
            break
    assert generations == 2 + 4 + 1
    searching.forget()
    again = opened(pieces, **settings)
    assert rows(again.study) == rows(whole.study)
    assert rows(again.search()) == rows(search)


def test_interrupted_within_a_generation_the_same_noises_come_again(file, searching):
    scouting = opened(file)
    first = scouting.study.ask()
    scouting.study.tell(first[:3], score(scouting.study, first[:3].u))
    searching.forget()
    rest = opened(file).study.ask()
    assert rest.u.tolist() == first.u[3:].tolist()


def test_two_workers_share_the_noises(file):
    one, other = opened(file, worker="one"), opened(file, worker="two")
    while not one.study.finished:
        asked = [worker.study.ask(3) for worker in (one, other)]
        for worker, generation in zip((one, other), asked, strict=True):
            worker.study.tell(generation, score(worker.study, generation.u))
    seeds = one.space.weights(one.study.history().u).argmax(axis=1)
    assert sorted(seeds.tolist()) == list(range(12))
    assert set(one.study.history().run.tolist()) == {0, 1}
    assert one.search().identity == other.search().identity


def test_a_budget_raised_later_is_for_the_search(file):
    scouted(file).search()
    scouting = opened(file, budget=100)
    assert scouting.study.finished and scouting.space.k == 12
    assert scouting.remarks == ("12 noises were scouted when this search began. They stay: 88 images search.",)
    assert scouting.search().report().budget == 88
    assert opened(file, share=0.9).search().report().budget == 24


def test_other_seeds_of_the_same_scouting_cost_no_noise(file):
    scouted(file).search()
    with pytest.raises(ValueError, match=r"space.seeds: 4 in the study .*; space.scouted.seeds: 4 in the study, 3 now"):
        opened(file, k=3).search()
    for changed in ({"k": 3}, {"seed": 9}, {"chart": "angular"}, {"optimiser": "tpe"}):
        scouting = opened(file, on_mismatch="new", **changed)
        assert scouting.study.name == "study · scouting" and scouting.study.finished
        scouting.search()
    assert study_names(file) == ["study · scouting", "study", "study (2)", "study (3)", "study (4)", "study (5)"]
    assert scouting.search().name == "study (5)"
    assert opened(file, on_mismatch="new", k=3, budget=90).search().name == "study (2)"


def test_other_noises_are_another_scouting(file):
    scouted(file)
    with pytest.raises(ValueError, match=r"'study · scouting' .* searches something else: space.seeds\[1\]: \"5\""):
        opened(file, first=6)
    again = opened(file, first=6, on_mismatch="new")
    assert again.study.name == "study · scouting (2)" and not again.study.finished


def test_diverse_seeds_are_chosen_by_their_pictures():
    scouting = scouted(None)
    ranked = scouting.study.history().ranked().tolist()
    # All look the same but the third and the seventh best.
    shown = pictures(**{f"p{ranked[2]}": 20, f"p{ranked[6]}": 220})
    labels = [scouting.space.seeds.labels[i] for i in ranked]

    def chosen(diversity, **settings):
        search = scouted(None, diversity=diversity, **settings).search(shown)
        assert search.remarks == ()
        return search.definition.space["seeds"]

    assert chosen(0.0) == labels[:4]
    assert chosen(0.6) == [labels[i] for i in (0, 2, 6, 1)]
    assert chosen(1.0) == [labels[i] for i in (0, 2, 6, 1)]


def test_without_all_pictures_the_scores_decide_and_it_says_so():
    scouting = scouted(None, diversity=1.0)
    best = scouted(None).search().definition.space["seeds"]
    search = scouting.search()
    assert search.definition.space["seeds"] == best and "There are no pictures" in search.remarks[0]
    search = scouting.search(lambda number: None if number == 3 else pictures()(number))
    assert search.definition.space["seeds"] == best and "1 of 12 pictures are missing" in search.remarks[0]


def test_who_was_chosen_stays_though_the_pictures_are_gone(file):
    scouting = scouted(file, diversity=0.9)
    worst = scouting.study.history().ranked()[-1]
    before = scouting.search(pictures(**{f"p{worst}": 0}))
    assert scouting.space.seeds.labels[worst] in before.definition.space["seeds"]
    after = opened(file, diversity=0.9).search()
    assert after.identity == before.identity and after.remarks == ()
    # In another study of the same scouting they are missed.
    assert opened(file, diversity=0.8, on_mismatch="new").search().identity != before.identity


def test_places_pair_the_seeds_with_their_points(file):
    scouting = scouted(file)
    search = scouting.search()
    for there, here in scouting.places(search):
        assert search.history().labels[here] == f"seed {scouting.space.seeds.labels[there]}"
        assert search.history().scores[here] == scouting.study.history().scores[there]
    assert len(scouting.places(search)) == 4


def test_the_origin_of_the_seeds_is_in_the_files(file, tmp_path):
    search = scouted(file).search()
    search.export_json(tmp_path / "study.json")
    told = json.loads((tmp_path / "study.json").read_text("utf-8"))
    assert told["space"]["scouted"]["noises"] == 12
    assert space_from_recipe(told["space"]).k == 4


def test_noises_without_a_score_are_not_chosen_and_not_tried_again(file):
    scouting = opened(file)
    good = iter([float("nan")] * 8 + [1.0, float("inf"), 2.0, 3.0])
    while len(generation := scouting.study.ask()):
        scouting.study.tell(generation, [next(good) for _ in range(len(generation))])
    with pytest.raises(ValueError, match=r"3 of the 12 scouted noises have a score, but 4 seeds .*the score is inf"):
        scouting.search()
    fewer = opened(file, k=3)
    assert fewer.study.finished
    assert fewer.search().definition.space["seeds"] == ["16", "15", "13"]


def test_it_is_not_searched_before_the_scouting_is_finished():
    scouting = opened(None)
    step(scouting.study)
    with pytest.raises(ValueError, match=r"'study · scouting' is not finished \(8 of 12 images"):
        scouting.search()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 1}, r"k must be a whole number from 2 to 512, got 1"),
        ({"k": 2.5}, "k must be a whole number"),
        ({"k": 600}, "from 2 to 512, got 600"),
        ({"first": -1}, "first must be a whole number from 0"),
        ({"first": 2**64}, "first must be a whole number from 0"),
        ({"share": float("nan")}, "share must be a number from 0 to 1, got nan"),
        ({"share": "half"}, "share must be a number"),
        ({"diversity": 1.5}, "diversity must be a number from 0 to 1, got 1.5"),
        ({"budget": 4}, r"budget of 4 images leaves none to search with when 4 noises are scouted: raise it to 5"),
        ({"share": 1.0}, r"36 noises are scouted: raise it to 37 .* or lower the number of seeds or the share"),
        ({"budget": 0}, "budget must be a whole number from 1"),
        ({"budget": None}, "budget must be a whole number"),
        ({"name": " "}, "needs a name"),
        ({"name": "x" * 295}, "at most 300 characters"),
        ({"chart": "mercator"}, "no chart 'mercator'"),
        # What only the search will need is said before the noises are spent.
        ({"optimiser": "annealing"}, "no optimiser 'annealing'"),
        ({"settings": {"sigma0": 7}}, "sigma0 must be a number above 0 and up to 0.5, got 7"),
        ({"settings": {"x0": [0.5, 0.5]}}, "x0 has 2 numbers, but the space has 3 coordinates"),
        ({"population": 2}, "population must be a whole number from 3"),
        ({"directions": ["maximize", "minimize"]}, "takes one score"),
        ({"seed": -1}, "seed must be a whole number"),
    ],
)
def test_what_cannot_be_is_explained_at_once(settings, message, file):
    with pytest.raises(ValueError, match=message):
        opened(file, **settings)
    assert study_names(file) == []


def test_a_name_that_is_taken_is_refused_before_a_noise_is_spent(file, searching):
    searching.open(file, "study")
    with pytest.raises(ValueError, match=r"There is a study 'study' already"):
        opened(file)
    numbered = scouted(file, on_mismatch="new")
    assert numbered.search().name == "study (2)"
    searching.open(file, "other · scouting")
    with pytest.raises(ValueError, match=r"'other · scouting' .* searches something else: .*optimiser: \"cma-es\""):
        opened(file, name="other")


def test_more_seeds_than_were_scouted_are_refused(file):
    scouted(file)
    with pytest.raises(ValueError, match="20 seeds cannot be chosen from 12 noises"):
        opened(file, k=20)
    with pytest.raises(ValueError, match=r"budget of 12 images leaves none .* raise it to 13 at least, better to 36\."):
        opened(file, budget=12)


def test_there_is_a_most_that_is_scouted():
    scouting = Scouting.open(None, "large", budget=5000, k=4)
    assert scouting.space.k == 512
    assert scouting.remarks == ("512 noises are scouted, the most there can be; 4488 images search.",)


def test_diversity_weighs_rank_against_distance():
    """Against the formula, written down anew, on random distances."""
    draw = np.random.default_rng(3)
    where = draw.normal(size=(20, 2))
    distances = np.linalg.norm(where[:, None] - where[None], axis=-1)
    usual = np.mean([distances[i, j] for i in range(20) for j in range(i)])
    for diversity in (0.0, 0.3, 0.7, 1.0):
        taken = [0]
        for _ in range(6):
            worth = {
                i: (1 - diversity) * (1 - i / 19) + diversity * min(1.0, min(distances[i, j] for j in taken) / usual)
                for i in range(20)
                if i not in taken
            }
            taken.append(max(worth, key=lambda i: (round(worth[i], 12), -i)))
        assert diverse(distances, 7, diversity) == taken


def test_things_that_are_all_alike_are_taken_in_their_order():
    for diversity in (0.0, 0.5, 1.0):
        assert diverse(np.zeros((6, 6)), 4, diversity) == [0, 1, 2, 3]
    assert diverse(np.zeros((1, 1)), 1, 0.3) == [0]
    with pytest.raises(ValueError, match="k must be from 1 to the number"):
        diverse(np.zeros((3, 3)), 4, 0.3)
