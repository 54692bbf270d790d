"""Studies in PostgreSQL: several workers and readers, workers that are killed, a server that restarts, and passwords."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from dev.postgres import PASSWORD
from surrogate.search import Study, StudyError, patience, study_names, while_waiting
from surrogate.search.addresses import password_remark
from surrogate.search.ledger import Ledger
from surrogate.search.optimisers import OPTIMISERS

SEARCH = """
import time
study = Study.open(url, "study", recipe, budget=budget, population=5)
told = []
while len(asked := study.ask()):
    time.sleep(pause)
    study.tell(asked, -((asked.u - 0.3) ** 2).sum(axis=1))
    told += asked.trials.tolist()
result = [study.identity, told]
"""


@pytest.fixture
def url(postgres):
    """A new database, its URL with the password."""
    return postgres.database()


@pytest.fixture
def start(searching, host, url):
    """Starts a worker that searches until the budget is spent."""
    return lambda budget, pause=0.0: host.start(
        SEARCH, url=url, recipe=searching.space().recipe(), budget=budget, pause=pause
    )


def places(history) -> set:
    return set(zip(history.run.tolist(), history.generation.tolist(), history.index.tolist(), strict=True))


def until(condition, what: str, timeout: float = 60.0) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"{what} did not come within {timeout} s"
        time.sleep(0.02)


def check_whole(history, budget: int) -> None:
    """None lost, none twice."""
    assert (history.state == "complete").all()
    assert len(history) == len(places(history)) == len(np.unique(history.u, axis=0)) == budget


def test_the_search_is_the_same_as_in_memory(searching, url):
    def run(study):
        while len(asked := study.ask()):
            study.tell(asked, searching.bowl(asked.u))
        return study.history().u.tolist()

    study = searching.open(url, name="test 🎨")
    assert study_names(url) == ["test 🎨"]
    found = run(study)
    searching.forget()
    assert study.history().u.tolist() == found == run(searching.open())
    study.delete()
    assert study_names(url) == []


def test_a_reader_sees_one_state(searching, url):
    """What another worker writes between two of its queries is not half in what it reads."""
    study = searching.open(url)
    asked = study.ask()
    store, number = study._access.store, study._access.study_id
    with store.reading() as connection:
        assert store.state(connection, number).runs[0].claimed is None
        study.tell(asked, searching.bowl(asked.u))
        study.ask()
        ledger = Ledger(3, ("maximize",))
        store.read(connection, number, ledger)
    assert (ledger.history().state == "running").all() and len(ledger) == 8
    assert len(study.history()) == 16


def test_a_reader_while_six_workers_write(searching, url, start):
    workers = [start(90) for _ in range(6)]
    while "study" not in study_names(url):
        time.sleep(0.01)
    while not all(worker.path.exists() for worker in workers):
        history = Study.load(url, "study").history()
        assert np.isfinite(history.scores[history.state == "complete"]).all()
        searching.forget()
    identities, told = zip(*(worker.result() for worker in workers))
    assert len(set(identities)) == 1
    assert sorted(trial for trials in told for trial in trials) == list(range(90))
    check_whole(Study.load(url, "study").history(), 90)


def test_workers_that_are_killed_lose_nothing(url, start, searching):
    rng = np.random.default_rng(0)
    for _ in range(3):
        workers = [start(150, 0.01), start(150, 0.01)]
        time.sleep(rng.uniform(0.1, 0.4))
        for worker in workers:
            if not worker.path.exists():
                worker.kill()
    start(150).result()
    check_whole(Study.load(url, "study").history(), 150)


def test_workers_wait_for_a_server_that_crashes_and_comes_back(postgres, url, start):
    workers = [start(100, 0.1) for _ in range(2)]
    while "study" not in study_names(url) or len(Study.load(url, "study").history()) < 20:
        time.sleep(0.02)
    postgres.stop()
    time.sleep(0.3)
    postgres.start()
    told = [trial for worker in workers for trial in worker.result()[1]]
    assert sorted(told) == list(range(100))
    check_whole(Study.load(url, "study").history(), 100)


AT_LEISURE = """
import os, time
from surrogate.search import databases
from surrogate.search.workers import Worker
clock = time.time
databases.time.time = lambda: clock() + ahead  # of this process alone
Worker.this = classmethod(lambda cls, name="": cls(f"host {ahead} {lease}", 1, 0.0))
study = Study.load(url, "study", lease=lease)
told, remarks = [], []
while len(asked := study.ask()):
    while go and not os.path.exists(go):
        time.sleep(0.02)
    report = study.tell(asked, -((asked.u - 0.3) ** 2).sum(axis=1))
    remarks += report.remarks
    told += asked.trials.tolist()
result = [told, len(remarks)]
"""


def test_clocks_that_differ_by_an_hour(searching, host, url):
    """Leases are by the database's clock: nobody takes what a living worker of another host has."""
    searching.open(url, budget=30, population=5)
    workers = [host.start(AT_LEISURE, url=url, ahead=ahead, lease=60.0, go="") for ahead in (-3600, 0, 3600)]
    told, remarks = zip(*(worker.result() for worker in workers))
    assert sorted(trial for trials in told for trial in trials) == list(range(30))
    assert not any(remarks)
    check_whole(Study.load(url, "study").history(), 30)


def test_a_lease_is_by_the_clock_of_the_database(searching, host, url, tmp_path):
    study, go = searching.open(url, budget=30, population=5), tmp_path / "go"
    behind = host.start(AT_LEISURE, url=url, ahead=-3600, lease=600.0, go=str(go))
    until(lambda: len(study.history()), "the first generation")
    assert study.ask().run == 1, "the first run is held by a worker whose clock is late"
    go.touch()
    assert behind.result()[1] == 0


def test_a_worker_that_lives_and_is_slower_than_its_lease(searching, host, url, tmp_path):
    """Others take its generation meanwhile; what it tells later changes nothing, and it is told so."""
    study, go = searching.open(url, budget=30, population=5), tmp_path / "go"
    slow = host.start(AT_LEISURE, url=url, ahead=0, lease=0.1, go=str(go))
    until(lambda: len(study.history()), "the first generation")
    time.sleep(0.2)
    quick = host.start(AT_LEISURE, url=url, ahead=0, lease=60.0, go="")
    told, _ = quick.result()
    assert sorted(told) == list(range(30)), "also what the slow one had"
    go.touch()
    late, remarks = slow.result()
    assert len(late) == 5 and remarks == 0, "the same scores again change nothing"
    check_whole(Study.load(url, "study").history(), 30)


BEGIN_AT_ONCE = """
import os, time
open(ready, "w").close()
while not os.path.exists(go):
    time.sleep(0.002)
told, remarks = {}, []
for name, directions in studies.items():
    study = Study.open(url, name, recipe, budget=budget, population=4, optimiser=name, directions=directions)
    told[name] = []
    while len(asked := study.ask()):
        scores = np.stack([-((asked.u - best) ** 2).sum(axis=1) for best in (0.3, 0.6)], axis=1)
        report = study.tell(asked, scores[:, : len(directions)])
        remarks += report.remarks
        told[name] += asked.trials.tolist()
result = [told, remarks]
"""
# These show again what was good: so they are defined.
REPEAT = ("nsga-ii", "picks")


def test_eight_workers_with_each_optimiser(searching, host, url, tmp_path):
    """They begin at once, in a database in which nobody was before; some think while others do."""
    budget, go = 40, tmp_path / "go"
    studies = {name: ["maximize"] * (1 if kind.one_score else 2) for name, kind in OPTIMISERS.items()}
    given = {"url": url, "recipe": searching.space().recipe(), "budget": budget, "studies": studies, "go": str(go)}
    ready = [tmp_path / f"ready {i}" for i in range(8)]
    workers = [host.start(BEGIN_AT_ONCE, **given, ready=str(path)) for path in ready]
    for worker, path in zip(workers, ready, strict=True):
        worker.reached(path)
    go.touch()
    told, remarks = zip(*(worker.result() for worker in workers))
    assert not any(remarks)
    for name in OPTIMISERS:
        assert sorted(trial for trials in told for trial in trials[name]) == list(range(budget)), name
        history = Study.load(url, name).history()
        assert (history.state == "complete").all() and len(places(history)) == len(history) == budget, name
        assert len(np.unique(history.u, axis=0)) >= (budget // 2 if name in REPEAT else budget), name


class Cancelled(Exception):
    pass


def test_who_waits_is_told_so_and_can_stop(postgres, url, searching, monkeypatch):
    monkeypatch.setattr(patience, "PAUSE", 0.3)
    study = searching.open(url)
    asked = study.ask()
    scores = searching.bowl(asked.u).tolist()
    postgres.stop()

    def cancel(sentence):
        raise Cancelled(sentence)

    with pytest.raises(Cancelled, match="Waiting until the database is back; nothing is lost") as stopped:
        with while_waiting(cancel):
            study.tell(asked, scores)
    assert PASSWORD not in str(stopped.value)
    with pytest.raises(StudyError), monkeypatch.context() as short:
        short.setattr(patience, "PATIENCE", 0.5)
        study.report()
    sentences: list = []
    starting = threading.Timer(0.7, postgres.start)
    starting.start()
    with while_waiting(sentences.append):
        report = study.tell(asked, scores)
    starting.join()
    assert report.evaluated == 8 and sentences
    assert study.history().scores[:, 0].tolist() == scores
    assert len(study.ask()) == 8


def test_points_retold_twice_are_as_retold_once(searching):
    """As when the reply to the first attempt was lost."""
    study = searching.open()
    study.tell(study.ask(), [1.0] * 7 + [float("nan")])
    for _ in range(2):
        study.retell([7], [2.0])
    assert study.best.score == 2.0
    with pytest.raises(ValueError, match="did not fail"):
        study.retell([7], [3.0])


def test_a_server_that_was_never_there_is_not_waited_for(postgres):
    with pytest.raises(StudyError, match="refused"):
        study_names("postgresql://tester@127.0.0.1:1/postgres")
    with pytest.raises(StudyError, match="password"):
        study_names(postgres.public_url)


def test_a_missing_driver_says_what_to_type():
    with pytest.raises(StudyError, match=r'not installed .*pip install "psycopg\[binary\]"'):
        study_names("postgresql+pg8000://tester@127.0.0.1/postgres")


# Passwords.


def test_a_variable_has_the_url(url, searching, monkeypatch):
    monkeypatch.setenv("SURROGATE_DATABASE_OF_TESTS", url)
    study = searching.open("${SURROGATE_DATABASE_OF_TESTS}")
    study.tell(study.ask(), [0.0] * 8)
    assert study_names(url) == ["study"]
    assert Study.load(url, "study").report().evaluated == 8


@pytest.mark.parametrize(
    "value, message", [(None, "is not set"), ("secret-token", "does not hold a database URL")], ids=["missing", "other"]
)
def test_a_variable_without_an_url(value, message, searching, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    if value:
        monkeypatch.setenv("SURROGATE_DATABASE_OF_TESTS", value)
    with pytest.raises(StudyError, match=message) as error:
        searching.open("${SURROGATE_DATABASE_OF_TESTS}")
    assert "secret" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_the_password_comes_from_the_environment_or_a_file(postgres, monkeypatch, tmp_path):
    passwords = tmp_path / "passwords"
    passwords.write_text(f"127.0.0.1:{postgres.port}:*:tester:{PASSWORD}\n")
    passwords.chmod(0o600)
    assert study_names(f"{postgres.public_url}?passfile={passwords}") == []
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert study_names(postgres.public_url + "?application_name=surrogate") == []


def test_a_password_in_the_url_is_warned_of(postgres):
    assert "${SURROGATE_DATABASE}" in password_remark(postgres.url)
    for address in ("", "studies.db", postgres.public_url, "${SURROGATE_DATABASE}", "no://url at all"):
        assert password_remark(address) == ""
