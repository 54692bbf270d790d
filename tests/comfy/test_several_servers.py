"""Several servers search together: run.py workers, a database and pictures in one place."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from dev.client import Client
from dev.fleet import command, search_on
from dev.server import ROOT, Server
from surrogate.search import Study

TESTKIT = Path(__file__).parent / "testkit"
NOWHERE = "http://127.0.0.1:1"


def workflow(name: str, budget: int, database: str = "") -> dict:
    """The demo's search of Ask and Tell until it is finished; all of its pictures in the report."""
    prompt = json.loads((ROOT / "demo" / "api" / "demo_ask_tell.json").read_text("utf-8"))
    study = {"name": name, "budget": budget, "population": 4, "database": database, "pictures": "database"}
    prompt["4"]["inputs"].update(study)
    prompt["9"]["inputs"]["steps"] = 2
    prompt["17"]["inputs"]["n_best"] = budget
    # A node that waits, or fails, when a test says so.
    prompt["99"] = {"class_type": "TestFaulty", "inputs": {"values": ["14", 0], "name": name}}
    prompt["15"]["inputs"]["scores"] = ["99", 0]
    return prompt


@pytest.fixture
def workers(tmp_path):
    """Starts `python run.py workers` with these addresses and this workflow."""
    running = []

    def start(prompt: dict, *arguments: str) -> subprocess.Popen:
        file = tmp_path / "workflow.json"
        file.write_text(json.dumps(prompt), "utf-8")
        words = [sys.executable, "-u", str(ROOT / "run.py"), "workers", *arguments, "--workflow", str(file)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8")
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def told(client: Client, name: str) -> int:
    """How many images of a study a server has told."""
    try:
        return client.get("/surrogate/study", name=name)["here"]
    except OSError:  # it does not know the study yet, or is dead
        return 0


def until(condition, what: str, timeout: float = 120.0) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen within {timeout} s"
        time.sleep(0.05)


def pictures_here(server: Server, study: Study) -> int:
    return len(list((server.base / "user" / "surrogate_pictures" / study.identity).glob("0*.jpg")))


def idle(client: Client) -> bool:
    queue = client.get("/queue")
    return not queue["queue_running"] and not queue["queue_pending"]


class Gate:
    """Holds what a server does before it tells scores."""

    def __init__(self, server: Server, name: str):
        self.orders = server.base / "output" / f"{name}.json"

    def close(self) -> None:
        """And wait until the server waits there, with a generation that is its own."""
        self.orders.parent.mkdir(exist_ok=True)
        self.orders.write_text(json.dumps({"wait": True}))
        until(self.orders.with_suffix(".waiting").exists, "a server at the gate")

    def open(self) -> None:
        self.orders.unlink()


def test_two_servers_search_together_and_one_is_killed(comfy, postgres, workers, tmp_path):
    """The other one renders the rest, and shows the pictures of both."""
    budget, database, servers = 24, postgres.database(), tmp_path / "servers.txt"
    servers.write_text(f"# the first\n{NOWHERE}\n")
    with Server("second", arguments=["--cpu"], packs=[TESTKIT]) as second:
        client, first = Client(second.url), Gate(comfy.server, "together")
        process = workers(workflow("together", budget, database), comfy.server.url, "--servers", str(servers))
        until(lambda: told(comfy.client, "together") >= 4, "the first image")
        first.close()
        servers.write_text(f"# the second came later\n{second.url}\n{NOWHERE}\n")
        until(lambda: told(client, "together") >= 4, "the first image of the second server")
        Gate(second, "together").close()
        second.process.kill()
        second.process.wait()
        first.open()
        printed, _ = process.communicate(timeout=180)
    assert process.returncode == 0, printed
    assert f"together: {budget} of {budget} images" in printed
    assert re.search(rf"{second.url} .*does not answer", printed)
    until(lambda: idle(comfy.client), "the end of the report")

    study = Study.load(database, "together")
    history = study.history()
    places = set(zip(history.run.tolist(), history.generation.tolist(), history.index.tolist(), strict=True))
    assert (history.state == "complete").all()
    assert len(history) == len(places) == len(np.unique(history.u, axis=0)) == budget
    assert 4 <= told(comfy.client, "together") <= budget - 4
    assert pictures_here(comfy.server, study) == budget, "the report shows all, so all were fetched"

    # Alone one server finds about the same.
    search_on([comfy.server.url], workflow("alone", budget, database))
    alone = Study.load(database, "alone")
    assert alone.report().evaluated == budget
    assert abs(study.best.score - alone.best.score) < np.ptp(history.scores) / 4


def test_it_stops_after_the_running_images(comfy, workers):
    """On Ctrl-C, with nothing left in the queue; somebody else's prompt stays there."""
    process = workers(workflow("stopped", 10_000), comfy.server.url)
    until(lambda: told(comfy.client, "stopped") >= 4, "the first image")
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "Stopping after the running images" in printed and "Traceback" not in printed
    assert idle(comfy.client)
    found = comfy.client.get("/surrogate/study", name="stopped")
    assert found["open"] == 0 and found["evaluated"] % 4 == 0


def test_it_ends_when_every_server_fails(comfy, workers):
    orders = comfy.server.base / "output" / "failing.json"
    orders.write_text(json.dumps({"error": "out of memory"}))
    prompt = workflow("failing", 8)
    process = workers(prompt, comfy.server.url, "--queue", "1")
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and "node 99 (TestFaulty): out of memory" in printed

    # A workflow that it refuses says why.
    del prompt["9"]["inputs"]["steps"]
    with pytest.raises(RuntimeError, match=r"node 9 \(BasicScheduler\).*steps"):
        search_on([comfy.server.url], prompt)


def test_what_cannot_be_searched_is_said(tmp_path, capsys):
    saved, file = sorted((ROOT / "workflows").glob("*.json"))[0], tmp_path / "workflow.json"
    for prompt, arguments, message in (
        (json.loads(saved.read_text("utf-8")), [NOWHERE], r"Export \(API\)"),
        ({"1": {"class_type": "SurrogateDemoModel", "inputs": {}}}, [NOWHERE], "no Surrogate Study"),
        (workflow(["1", 0], 8), [NOWHERE], "type it into Surrogate Study"),
        (workflow("x", 8), ["ftp://somewhere"], "no address of a server"),
        (workflow("x", 8), [], "no server: give addresses"),
    ):
        file.write_text(json.dumps(prompt), "utf-8")
        assert command.workers([*arguments, "--workflow", str(file)]) == 2
        assert re.search(message, capsys.readouterr().err)
