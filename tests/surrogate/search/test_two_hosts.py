"""Two hosts at a PostgreSQL, of which one is cut off and comes back: network namespaces of Linux, which need root."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

import numpy as np
import pytest

from dev.postgres import Postgres, lacking
from surrogate.search import Study

BUDGET = 40
# It tells a generation, and stops with the next one: when it begins to propose it, within its transaction, or when it has it.
CUT_OFF = """
import os, time
from surrogate.search import databases
from surrogate.search.optimisers import Sobol
from surrogate.search.workers import Worker
databases.LOST = 1
Worker.this = classmethod(lambda cls, name="": cls("far away", 1, 0.0))
propose, told, remarks = Sobol.propose, [], []

def stop():
    if told and not os.path.exists(mark):
        open(mark, "w").close()
        while not os.path.exists(go):
            time.sleep(0.01)

def proposing(*arguments):
    if within:
        stop()
    return propose(*arguments)

Sobol.propose = proposing
study = Study.load(url, "study", lease=1.0)
while len(asked := study.ask()):
    stop()
    report = study.tell(asked, -((asked.u - 0.3) ** 2).sum(axis=1))
    remarks += report.remarks
    told += asked.trials.tolist()
result = [told, remarks]
"""
SEARCH = """
study = Study.load(url, "study")
told = []
while len(told) < budget - 5:
    asked = study.ask()
    study.tell(asked, -((asked.u - 0.3) ** 2).sum(axis=1))
    told += asked.trials.tolist()
result = told
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class Wire:
    """A network namespace, and a wire between it and this one, which has the address `here`."""

    def __init__(self):
        self.name = f"surrogate{os.getpid()}"
        self.end = f"sg{os.getpid()}"
        net = f"198.18.{os.getpid() % 256}"
        self.here = f"{net}.1"
        self.within = ("ip", "netns", "exec", self.name)
        ip("netns", "add", self.name)
        try:
            ip("link", "add", self.end, "type", "veth", "peer", "name", "there", "netns", self.name)
            ip("address", "add", f"{self.here}/24", "dev", self.end)
            self.plug()
            ip("-n", self.name, "address", "add", f"{net}.2/24", "dev", "there")
            ip("-n", self.name, "link", "set", "there", "up")
        except BaseException:
            self.remove()
            raise

    def plug(self) -> None:
        ip("link", "set", self.end, "up")

    def unplug(self) -> None:
        ip("link", "set", self.end, "down")

    def remove(self) -> None:
        ip("netns", "delete", self.name)


@pytest.fixture(scope="module")
def wire():
    if reason := lacking():
        pytest.skip(reason)
    if not hasattr(os, "getuid") or os.getuid() or shutil.which("ip") is None:
        pytest.skip("two hosts are network namespaces, which need Linux, the program ip, and root")
    try:
        wire = Wire()
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error.stderr.strip()}")
    yield wire
    wire.remove()


@pytest.fixture(scope="module")
def server(wire):
    server = Postgres(wire.here)
    yield server
    server.close()


@pytest.fixture(scope="module")
def far_away(wire, server, start_host, tmp_path_factory):
    """A host at the other end of the wire."""
    host = start_host(tmp_path_factory.mktemp("far"), wire.within)
    yield host
    host.close()


@pytest.mark.parametrize("when", ["in a transaction", "while rendering", "when it tells"])
def test_a_host_is_cut_off_and_comes_back(when, wire, server, far_away, host, searching, tmp_path):
    """The others go on, do what it had begun, and it goes on when it is back: nothing is lost, nothing counts twice."""
    url, mark, go = server.database(), tmp_path / "mark", tmp_path / "go"
    study = searching.open(url, optimiser="sobol", budget=BUDGET, population=5)
    cut_off = far_away.start(
        CUT_OFF,
        url=url.replace("127.0.0.1", wire.here),
        within=when == "in a transaction",
        mark=str(mark),
        go=str(go),
    )
    cut_off.reached(mark)
    wire.unplug()
    try:
        if when == "when it tells":
            go.touch()
        time.sleep(1.2)  # its lease
        others = host.start(SEARCH, url=url, budget=BUDGET).result()
    finally:
        wire.plug()
        go.touch()
    told, remarks = cut_off.result()
    ours = sorted({*others, *told})
    assert ours == list(range(BUDGET)) and len(others) == BUDGET - 5, "all that it had not told"
    assert not remarks, "the same scores again change nothing"
    history = Study.load(url, "study").history()
    assert (history.state == "complete").all()
    assert len(history) == len(np.unique(history.u, axis=0)) == BUDGET
    assert study.finished
