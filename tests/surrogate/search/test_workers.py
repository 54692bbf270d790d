"""Several processes at one study: none lost, none twice; the dead are replaced; what they leave is finished."""

from __future__ import annotations

import os
import sqlite3
import time
import types
from contextlib import contextmanager

import numpy as np
import psutil
import pytest

from surrogate.charts import WholeSphere
from surrogate.recent import Recent
from surrogate.search import make_optimiser
from surrogate.search.workers import Worker

SEARCH = """
study = Study.load(file, "study")
told = []
while len(asked := study.ask()):
    study.tell(asked, -((asked.u - 0.3) ** 2).sum(axis=1))
    told += asked.trials.tolist()
result = told
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "studies.sqlite3"


def run(study, searching, generations=1_000_000) -> list:
    u = []
    for _ in range(generations):
        asked = study.ask()
        if not len(asked):
            break
        u += asked.u.tolist()
        study.tell(asked, searching.bowl(asked.u))
    return u


def places(history) -> set:
    return set(zip(history.run.tolist(), history.generation.tolist(), history.index.tolist(), strict=True))


@pytest.mark.parametrize("name", ["cma-es", "sobol"])
def test_four_processes_share_a_budget(name, searching, host, file):
    study = searching.open(file, optimiser=name, budget=200, population=5)
    pieces = [host.start(SEARCH, file=str(file)) for _ in range(4)]
    told = [trial for piece in pieces for trial in piece.result()]
    assert sorted(told) == list(range(200))  # none lost, none twice
    history = study.history()
    assert (history.state == "complete").all()
    assert len(places(history)) == 200
    assert len(np.unique(history.u, axis=0)) == 200
    np.testing.assert_allclose(history.scores[:, 0], searching.bowl(history.u))
    assert study.finished
    if name == "cma-es":
        # Each run is an uninterrupted search of its own, however its generations were dealt out.
        for run_number in range(history.run.max() + 1):
            rows = np.flatnonzero(history.run == run_number)
            memory: dict = {}
            for number in range(history.generation[rows].max() + 1):
                of = rows[history.generation[rows] == number]
                again = make_optimiser(name).propose(history, run_number, number, range(5), 5, 0, memory).u
                np.testing.assert_array_equal(history.u[of], again[history.index[of]])
    else:
        np.testing.assert_array_equal(
            history.u, run(searching.open(optimiser=name, budget=200, population=5), searching)
        )


IN_THE_MIDDLE = """
import time
study = Study.load(file, "study")
for _ in range(3):
    asked = study.ask()
    study.tell(asked, -((asked.u - 0.3) ** 2).sum(axis=1))
asked = study.ask()
study.tell(asked[:3], -((asked.u[:3] - 0.3) ** 2).sum(axis=1))
open(mark, "w").write("x")
time.sleep(600)
"""


def test_a_worker_killed_between_ask_and_tell_is_replaced(searching, host, file, tmp_path):
    searching.open(file, budget=64)
    piece = host.start(IN_THE_MIDDLE, file=str(file), mark=str(tmp_path / "asked"))
    piece.reached(tmp_path / "asked")
    piece.kill()
    study = searching.open(file, budget=64)
    left = study.ask()
    assert (left.run, left.number, left.indices.tolist()) == (0, 3, [3, 4, 5, 6, 7])
    run(study, searching)
    assert study.history().u.tolist() == run(searching.open(budget=64), searching)


def test_while_a_worker_lives_its_generation_is_its_own(searching, host, file, tmp_path):
    searching.open(file, budget=64)
    piece = host.start(IN_THE_MIDDLE, file=str(file), mark=str(tmp_path / "asked"))
    piece.reached(tmp_path / "asked")
    asked = searching.open(file, budget=64).ask()
    assert (asked.run, asked.number) == (1, 0)
    piece.kill()


def test_killed_at_any_moment_nothing_is_half_written(searching, host, file):
    whole = run(searching.open(budget=400), searching)
    searching.open(file, budget=400)
    rng = np.random.default_rng(0)
    for _ in range(6):
        piece = host.start(SEARCH, file=str(file))
        time.sleep(rng.uniform(0.02, 0.2))
        if piece.path.exists():
            break
        piece.kill()
        searching.forget()
        history = searching.open(file, budget=400).history()
        sizes = {g: int((history.generation == g).sum()) for g in set(history.generation.tolist())}
        assert set(sizes.values()) <= {8}
    study = searching.open(file, budget=400)
    run(study, searching)
    assert study.history().u.tolist() == whole


@pytest.fixture
def clock(monkeypatch):
    """The time of day, which a test moves on by adding seconds to `clock[0]`."""
    now = [1_000_000.0]
    monkeypatch.setattr("surrogate.search.databases.time", types.SimpleNamespace(time=lambda: now[0]))
    return now


@pytest.fixture
def elsewhere(monkeypatch):
    """A context in which this process is another host's."""

    @contextmanager
    def elsewhere():
        with monkeypatch.context() as patch:
            patch.setattr(Worker, "this", lambda name="": Worker("far away", 1, 0.0))
            yield

    return elsewhere


def test_a_worker_of_another_host_is_waited_for_until_its_lease_ends(searching, file, clock, elsewhere):
    study = searching.open(file, budget=80, lease=100)

    def ours():
        """The run of which we get a generation, which we tell."""
        asked = study.ask()
        study.tell(asked, [0.0] * len(asked))
        return asked.run

    with elsewhere():
        asked = study.ask()
    assert ours() == 1
    clock[0] += 99
    assert ours() == 1
    with elsewhere():
        study.tell(asked[:1], [0.5])  # renews the lease
    clock[0] += 99
    assert ours() == 1
    with elsewhere():
        study.heartbeat()  # and again
    clock[0] += 99
    assert ours() == 1
    with elsewhere():
        study.ask()
    clock[0] += 99
    assert ours() == 1
    clock[0] += 2
    left = study.ask()
    assert (left.run, left.indices.tolist()) == (0, [1, 2, 3, 4, 5, 6, 7])
    np.testing.assert_array_equal(left.u, asked.u[1:])


def test_who_comes_too_late_is_told_so_and_changes_nothing(searching, file, clock, elsewhere):
    study = searching.open(file, lease=100)
    with elsewhere():
        asked = study.ask()
    clock[0] += 101
    taken = study.ask()
    assert taken.run == 0
    study.tell(taken[:4], [1.0, 2.0, 3.0, 4.0])
    with elsewhere():
        report = study.tell(asked, [1.0, 2.5, 3.0, float("nan"), 5.0, 6.0, 7.0, 8.0])
    assert report.remarks == (
        "Image 1.2 was scored by another worker before.",
        "Image 1.4 was scored by another worker before.",
    )
    assert study.history().scores[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    # What was new of it counts: nothing is left to do in this generation.
    assert study.ask().number == 1


def test_a_worker_comes_back_to_its_own_run(searching, file):
    first, second = searching.open(file, budget=80, worker="a"), searching.open(file, budget=80, worker="b")
    for _ in range(3):
        asked = first.ask(), second.ask()
        assert [generation.run for generation in asked] == [0, 1]
        second.tell(asked[1], searching.bowl(asked[1].u))
        first.tell(asked[0], searching.bowl(asked[0].u))
    assert first.history().labels[8] == "2/1.1"
    report = first.report()
    assert (report.runs, report.generation) == (2, 3)
    assert "generation 3 of 2 runs" in str(report)
    # An idle run is taken rather than a new one begun, by whoever comes.
    assert searching.open(file, budget=80, worker="c").ask().run in (0, 1)


def test_the_rest_of_a_budget_is_somebody_elses(searching, file):
    first, second = (searching.open(file, budget=8, worker=name) for name in "ab")
    asked = first.ask()
    assert len(second.ask()) == 0
    assert not second.finished
    first.tell(asked, searching.bowl(asked.u))
    assert second.finished


def test_two_studies_in_one_file_do_not_meet(searching, host, file):
    code = SEARCH.replace('"study"', "name")
    names = ["a", "b"]
    for name in names:
        searching.open(file, name=name, budget=96, seed=ord(name))
    pieces = [host.start(code, file=str(file), name=name) for name in names]
    for piece in pieces:
        piece.result()
    for name in names:
        u = searching.open(file, name=name, budget=96, seed=ord(name)).history().u.tolist()
        assert u == run(searching.open(budget=96, seed=ord(name)), searching)


def test_a_study_is_created_once_by_many(searching, host, file):
    code = """
study = Study.open(file, "study", recipe, budget=8)
result = study.identity
"""
    pieces = [host.start(code, file=str(file), recipe=searching.space().recipe()) for _ in range(6)]
    assert len({piece.result() for piece in pieces}) == 1
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_two_workers_think_at_once_without_waiting_for_each_other(searching, host, file):
    """A slow optimiser claims its run, and the database is free while it thinks."""
    searching.open(file, optimiser="tpe", settings={"startup": 4}, budget=60, population=5)
    pieces = [host.start(SEARCH, file=str(file)) for _ in range(3)]
    assert sorted(trial for piece in pieces for trial in piece.result()) == list(range(60))
    study = searching.open(file, optimiser="tpe", settings={"startup": 4}, budget=60, population=5)
    assert study.finished and len(places(study.history())) == 60


def test_a_worker_that_died_thinking_leaves_nothing(searching, host, file, tmp_path):
    study = searching.open(file, optimiser="tpe", budget=24)
    piece = host.start(
        """
import time
from surrogate.search.optimisers import Tpe
def think(*arguments):
    open(mark, "w").write("x")
    time.sleep(600)
Tpe.propose = think
Study.load(file, "study").ask()
""",
        file=str(file),
        mark=str(tmp_path / "thinking"),
    )
    piece.reached(tmp_path / "thinking")
    other = study.ask()
    assert other.run == 1  # the first one is claimed
    study.tell(other, [0.0] * 8)
    piece.kill()
    assert study.ask().run == 1  # its own
    study.tell(study.ask(), [0.0] * 8)
    third = searching.open(file, optimiser="tpe", budget=24, worker="b").ask()
    assert (third.run, third.number) == (0, 0)
    assert study.history().run.tolist() == [1] * 16 + [0] * 8


def test_the_living_and_the_dead(host, tmp_path):
    here = Worker.this()
    assert here == Worker.this() and here != Worker.this("other")
    assert Worker.from_json(here.to_json()) == here
    assert here.pid == os.getpid()
    assert not here.is_dead(here)
    assert not Worker.this("other").is_dead(here)
    mark = tmp_path / "mark"
    piece = host.start("open(mark, 'w').write('x')\nimport time\ntime.sleep(600)", mark=str(mark))
    piece.reached(mark)
    there = Worker(here.host, piece.pid, psutil.Process(piece.pid).create_time())
    assert not there.is_dead(here)
    assert Worker(here.host, piece.pid, there.start - 60).is_dead(here)  # the id was used again
    assert Worker(here.host, here.pid, here.start - 60).is_dead(here)
    piece.kill()
    assert there.is_dead(here)
    assert not Worker("far away", piece.pid, there.start).is_dead(here)  # nobody knows


@pytest.fixture
def think_at_once(monkeypatch):
    """Lets two studies ask at the same time: while the first one thinks the second one asks, whenever `when()` says so.

    What both were given, and in how many thoughts the first one found it.
    """

    def ask(first, second, when=None):
        kind, theirs, thoughts = type(first.optimiser), [], []
        propose = kind.propose

        def interrupted(self, *arguments):
            proposal = propose(self, *arguments)
            thoughts.append(proposal)
            if when() if when else not theirs:
                # Another process has memories of its own; in this one the same study waits while it thinks.
                with monkeypatch.context() as patch:
                    patch.setattr(kind, "propose", propose)
                    patch.setattr("surrogate.search.access.memories", Recent(8))
                    theirs.append(second.ask())
                    if when:
                        second.tell(theirs[-1], [0.0] * len(theirs[-1]))
            return proposal

        with monkeypatch.context() as patch:
            patch.setattr(kind, "propose", interrupted)
            mine = first.ask()
        assert mine.run == 0 and {asked.run for asked in theirs} == {1}
        return mine, theirs, len(thoughts)

    return ask


@pytest.fixture
def two_adaptive(searching, file):
    """Two workers of an adaptive search that knows its first scores."""
    both = [searching.open(file, optimiser="adaptive", settings={"scout": 2}, budget=200, worker=name) for name in "ab"]
    for study in both:
        study.tell(asked := study.ask(), searching.bowl(asked.u))
    return both


def new_noises(asked) -> set:
    """Which noises beyond the first 8 a generation uses."""
    return set(np.flatnonzero(WholeSphere().weights(asked.u).any(axis=0)[8:]).tolist())


def test_two_workers_that_think_at_once_try_different_noises(two_adaptive, think_at_once):
    """The one that stores its points later proposes them again."""
    mine, (theirs,), thoughts = think_at_once(*two_adaptive)
    assert thoughts == 2
    # They share a generation.
    assert len(np.unique([*mine.u, *theirs.u], axis=0)) == 4
    assert len(new_noises(mine)) == len(new_noises(theirs)) == 2 and not new_noises(mine) & new_noises(theirs)


def test_two_workers_that_think_at_once_do_not_take_the_same_point(searching):
    made, u = make_optimiser("bayesian"), np.random.default_rng(1).random((3, 5))
    history = searching.open().history()
    assert made.outdated(u, history, np.concatenate([u[2:] + 1e-4, 1 - u]))
    assert not made.outdated(u, history, np.random.default_rng(2).random((4, 5)))


def test_a_worker_that_thinks_slowly_has_its_turn(two_adaptive, file, think_at_once):
    """However often others are faster and store what it would repeat: in the end they wait."""

    def nobody_waits():
        database = sqlite3.connect(file, timeout=0, isolation_level=None)
        try:
            database.execute("BEGIN IMMEDIATE")
            return True
        except sqlite3.OperationalError:
            return False
        finally:
            database.close()

    mine, theirs, thoughts = think_at_once(*two_adaptive, when=nobody_waits)
    assert (len(theirs), thoughts) == (3, 4)
    assert len(new_noises(mine) - set().union(*map(new_noises, theirs))) == len(mine) == 4


def test_workers_share_a_generation_of_who_learns_from_every_image(searching, file):
    options = {"optimiser": "adaptive", "settings": {"scout": 2}, "budget": 80, "population": 6}
    a, b, c = (searching.open(file, worker=name, **options) for name in "abc")
    first = a.ask()
    others = b.ask(), c.ask()
    assert [len(asked) for asked in (first, *others)] == [6, 3, 2]
    for study, asked in ((b, others[0]), (c, others[1])):
        study.tell(asked, searching.bowl(asked.u))
    assert len(b.ask()) == 3  # `a` is still at work
    a.tell(first, searching.bowl(first.u))
    assert len(a.ask()) == 3
    a.tell(a.ask(), [0.0] * 3)
    b.tell(b.ask(), [0.0] * 3)
    assert len(c.ask()) == 6  # nobody else is at work
    assert len(np.unique(c.history().u, axis=0)) == len(c.history())


def test_a_dead_worker_has_no_share(searching, host, file, tmp_path):
    options = {"optimiser": "adaptive", "settings": {"scout": 2}, "budget": 80}
    searching.open(file, **options)
    code = "Study.load(file, 'study').ask()\nopen(mark, 'w').write('x')\nimport time\ntime.sleep(600)"
    piece = host.start(code, file=str(file), mark=str(tmp_path / "mark"))
    piece.reached(tmp_path / "mark")
    living = searching.open(file, **options)
    asked = living.ask()
    assert len(asked) == 2
    living.tell(asked, searching.bowl(asked.u))
    piece.kill()
    asked = living.ask()
    assert len(asked) == 4 and asked.run == 0  # what the dead one left
    living.tell(asked, searching.bowl(asked.u))
    assert len(living.ask()) == 4


def test_generations_that_must_be_whole_are_not_shared(searching, file):
    a, b = (searching.open(file, budget=80, population=6, worker=name) for name in "ab")
    assert [len(a.ask()), len(b.ask())] == [6, 6]
