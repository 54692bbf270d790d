"""What a search leaves alone in the process it shares with others: imports, logs, memory, time."""

from __future__ import annotations

import doctest
import json
import logging
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import psutil
import pytest


def test_importing_it_imports_no_optimiser(root):
    program = f"""
import json, sys
sys.path.append({str(root)!r})
import surrogate.search
from surrogate.search import OPTIMISERS, Study, make_optimiser
for name in OPTIMISERS:
    make_optimiser(name)
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root.parent, check=True)
    assert not {"cma", "optuna", "sqlalchemy", "alembic", "psutil", "matplotlib"} & set(json.loads(done.stdout))
    assert done.stderr == ""


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


def test_asking_and_telling_cost_the_same_at_generation_200_as_at_the_first(searching):
    study = searching.open(k=32, budget=1600)
    spent, size = [], []
    process = psutil.Process()
    for _ in range(200):
        start = time.thread_time()
        asked = study.ask()
        study.tell(asked, searching.bowl(asked.u))
        spent.append(time.thread_time() - start)
        size.append(process.memory_info().rss)
    # The least of twenty: what the machine does besides only adds.
    early, late = min(spent[5:35]), min(spent[170:])
    assert late < 1.25 * early
    assert size[-1] - size[20] < 20e6


def test_a_thousand_evaluations_are_rebuilt_in_two_seconds(searching, tmp_path):
    file = tmp_path / "studies.sqlite3"
    study = searching.open(file, k=32, budget=1008)
    study.add_known(np.full((1, 31), 0.5), [-1e9])
    for _ in range(125):
        asked = study.ask()
        study.tell(asked, searching.bowl(asked.u))
    warm = study.ask()
    searching.forget()
    start = time.thread_time()
    study = searching.open(file, k=32, budget=1008)
    cold = study.ask()
    assert time.thread_time() - start < 2
    np.testing.assert_array_equal(cold.u, warm.u)
    # The strategy itself too: it is replayed when the next generation is due.
    study.tell(cold, searching.bowl(cold.u))
    searching.open(file, k=32, budget=1016)
    searching.forget()
    start = time.thread_time()
    replayed = searching.open(file, k=32, budget=1016).ask()
    assert time.thread_time() - start < 2
    assert (replayed.number, len(replayed)) == (126, 8)
