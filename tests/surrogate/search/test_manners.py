"""What a search leaves alone in the process it shares with others: imports, logs, memory, time."""

from __future__ import annotations

import doctest
import logging
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import psutil
import pytest


def test_the_package_example_is_true():
    import surrogate.search

    result = doctest.testmod(surrogate.search)
    assert result.attempted > 4 and not result.failed


class Heard(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record):
        self.lines.append(f"{record.name}: {record.getMessage()}")


@pytest.fixture
def heard():
    """All that optuna logs, however it gets out."""
    import optuna

    handler = Heard()
    loggers = [logging.getLogger(), logging.getLogger("optuna")]
    for logger in loggers:
        logger.addHandler(handler)
    optuna.logging.enable_propagation()
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.DEBUG)
    yield handler.lines
    optuna.logging.set_verbosity(level)
    optuna.logging.disable_propagation()
    for logger in loggers:
        logger.removeHandler(handler)


def test_what_the_process_has_set_stays_set(root, tmp_path):
    program = f"""
import json, logging, os, sys
sys.path.append({str(root)!r})
import numpy, torch
from surrogate import Seeds, SurrogateSpace
from surrogate.search import Study

def settings():
    return [
        numpy.get_printoptions(), numpy.geterr(), torch.get_num_threads(), str(torch.get_default_dtype()),
        dict(os.environ), sys.getrecursionlimit(), str(sys.excepthook),
        [logging.getLogger(name).level for name in ("", "alembic", "comfy")], len(logging.getLogger().handlers),
    ]

before = settings()
space = SurrogateSpace(Seeds.from_text("1, 2, 3"))
for name, more in (("cma-es", {{}}), ("bayesian", {{"startup": 3}}), ("sobol", {{}})):
    study = Study.open({str(tmp_path / "a.sqlite3")!r}, name, space, optimiser=name, budget=4, population=3, settings=more)
    while len(asked := study.ask()):
        study.tell(asked, asked.u.sum(axis=1))
assert settings() == before, (before, settings())
"""
    done = subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["cma-es", "bayesian", "tpe", "nsga-ii"])
def test_optuna_says_nothing_in_our_calls(name, searching, heard, tmp_path, capfd):
    import optuna

    several = {"directions": ["maximize"] * 2} if name == "nsga-ii" else {}
    settings = {"startup": 3} if name == "bayesian" else {}
    study = searching.open(tmp_path / "a.sqlite3", optimiser=name, budget=4, population=3, settings=settings, **several)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        while len(asked := study.ask()):
            study.tell(asked, np.zeros((len(asked), 2)) if several else searching.bowl(asked.u))
    assert heard == []
    assert optuna.logging.get_verbosity() == optuna.logging.DEBUG
    assert capfd.readouterr() == ("", "")


def test_optuna_speaks_to_others_meanwhile(searching, heard, monkeypatch):
    import optuna

    from surrogate.search.optimisers.quiet import quiet_optuna

    with quiet_optuna():
        other = threading.Thread(target=lambda: optuna.create_study(study_name="theirs"))
        other.start()
        other.join()
        optuna.create_study(study_name="ours")
        logging.getLogger("optuna.study.study").error("grave")
    optuna.create_study(study_name="afterwards")
    assert [line.rpartition(" ")[2] for line in heard if line.endswith(("theirs", "grave", "afterwards"))] == [
        word for word in ("theirs", "grave", "afterwards") for _ in range(2)
    ]
    assert not any("ours" in line for line in heard)


def test_cma_prints_nothing(searching, capfd):
    for k, population in ((2, 3), (2, 8), (3, 4), (33, 8)):
        study = searching.open(k=k, budget=10 * population, population=population)
        while len(asked := study.ask()):
            study.tell(asked, searching.bowl(asked.u))
    assert capfd.readouterr() == ("", "")


@pytest.fixture(scope="module")
def long(searching, tmp_path_factory):
    """A study of 200 generations: its file, the calls that each generation took, and the memory after it."""
    file = tmp_path_factory.mktemp("long") / "studies.sqlite3"
    study = searching.open(file, k=32, budget=1600)
    calls, size = np.zeros(200), []
    process = psutil.Process()

    def one_more(frame, event, argument):
        calls[len(size)] += 1

    while len(size) < 200:
        # Not all: counting costs more than what is counted.
        sys.setprofile(one_more if len(size) in {*range(10, 25), *range(185, 200)} else None)
        asked = study.ask()
        study.tell(asked, searching.bowl(asked.u))
        sys.setprofile(None)
        size.append(process.memory_info().rss)
    return file, calls, size


def test_asking_and_telling_cost_the_same_at_generation_200_as_at_the_first(long):
    """Counted in calls, which do not depend on what else the machine does; bytes for what numpy does in one call."""
    _, calls, size = long
    assert calls[10:25].min() > 100
    assert calls[185:].mean() < 1.1 * calls[10:25].mean()
    assert size[-1] - size[20] < 20e6


def test_a_thousand_evaluations_are_rebuilt_in_two_seconds(long, searching):
    file, _, _ = long
    warm = searching.open(file, k=32, budget=1608).ask().u
    searching.forget()
    study = searching.open(file, k=32, budget=1616)
    start = time.thread_time()
    assert len(study.history()) == 1608  # read
    study.tell(study.ask(), searching.bowl(warm))
    assert (study.ask().number, len(study.ask())) == (201, 8)  # and replayed
    assert time.thread_time() - start < 2
    searching.forget()
    np.testing.assert_array_equal(study.history().u[1600:1608], warm)
