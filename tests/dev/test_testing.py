"""How run.py test calls pytest."""

import os
import re
import subprocess
import sys

import pytest

from dev import testing
from dev.testing import pytest_arguments, pytest_variables


@pytest.fixture(autouse=True)
def sixteen_gigabytes(monkeypatch):
    monkeypatch.setattr(testing, "_memory", lambda: 16)


@pytest.mark.parametrize(
    "arguments", [[], ["tests/dev"], ["-k", "some name", "-x"], ["--durations=40"], ["--no-header"]]
)
def test_a_part_of_the_tests_has_workers_too(arguments):
    given = pytest_arguments(arguments, 2)
    assert given[:2] == ["-n", "3"] and given[len(given) - len(arguments) :] == arguments


@pytest.mark.parametrize(
    "arguments",
    [["-n", "0"], ["-n3"], ["--numprocesses=3"], ["-s"], ["--pdb"], ["tests/a.py::test_b"], ["-p", "no:xdist"]],
)
def test_nothing_is_added_to_what_needs_one_process_or_names_its_workers(arguments, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert pytest_arguments(arguments, 8) == arguments
    assert pytest_variables(arguments, 8) == {}


def test_one_processor_has_no_workers_and_many_have_four():
    assert pytest_arguments(["-x"], 1) == ["-x"]
    assert pytest_arguments([], 64)[:2] == ["-n", "4"]


@pytest.mark.parametrize(("gigabytes", "workers"), [(0, 2), (7, 2), (14, 2), (15, 3), (64, 3)])
def test_the_worker_more_than_processors_needs_memory(gigabytes, workers, monkeypatch):
    monkeypatch.setattr(testing, "_memory", lambda: gigabytes)
    assert pytest_arguments([], 2)[:2] == ["-n", str(workers)]


def test_the_memory_is_known_here_if_the_system_tells_it(monkeypatch):
    monkeypatch.undo()
    assert testing._memory() >= (1 if hasattr(os, "sysconf") else 0)


def test_the_threads_of_all_workers_are_as_many_as_the_processors(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert pytest_variables([], 2) == {"OMP_NUM_THREADS": "1"}
    assert pytest_variables([], 16) == {"OMP_NUM_THREADS": "4"}
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert pytest_variables([], 16) == {}


def test_pytest_understands_the_arguments(tmp_path):
    for number in (1, 2):
        (tmp_path / f"test_{number}.py").write_text("import os\ndef test(): print(os.environ['PYTEST_XDIST_WORKER'])\n")
    command = [sys.executable, "-m", "pytest", "--rootdir", str(tmp_path), *pytest_arguments(["-rP", str(tmp_path)], 2)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    used = set(re.findall(r"^gw\d$", done.stdout, re.M))
    assert len(used) == 2, f"two files go to two workers, whichever start first; these ran: {used}"
