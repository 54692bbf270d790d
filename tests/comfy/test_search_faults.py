"""What can go wrong in a search, each tried in a real server. Nothing that was recorded is ever lost."""

import itertools
import json
import math
import os
import shutil
import signal
import sqlite3
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from dev.client import Client, ExecutionFailed, ExecutionInterrupted
from dev.postgres import PASSWORD
from dev.server import Server
from surrogate.search import Study, make_optimiser, study_names

from .conftest import Comfy
from .graph import TESTKIT, Graph, Log, output

SEED = 5
GENERATION = 4
AFTER = "_after"
names = (f"faults_{i}" for i in itertools.count())


class Search:
    """A study in a server, the graph that runs one generation of it, and what the scores in that graph have to do."""

    def __init__(self, comfy: Comfy, name: str | None = None, file=None, demo: bool = False, **settings):
        self.comfy, self.orders = comfy, next(names)
        self.name = self.orders if name is None else name
        self.file = storage(comfy) if file is None else file
        self.demo = demo
        self.settings = {
            "optimiser": "between the seeds",
            "population": GENERATION,
            "budget": 12,
            "random_seed": SEED,
            **settings,
        }
        if file is not None:
            self.settings["database"] = str(file)

    def graph(self, until_finished: bool = False, images: bool = True, **settings) -> Graph:
        """Ask, stock nodes, a score, Tell, and a node after it."""
        g = Graph(self.comfy)
        model, vae, conditioning, latent = self._model(g)
        ask = g("SurrogateAsk", study=self._study(g, latent, settings))
        noise = g("SurrogateNoise", space=ask[2], points=ask[1], latent=latent)
        pictures = g.decoded(g.custom(model, conditioning, noise[0], noise[1], steps=1), vae)
        scores = g("SurrogatePictureStatistics", statistic="brightness", images=pictures)
        scores = g("TestFaulty", values=scores, name=self.orders)
        shown = {"images": pictures} if images else {}
        tell = g("SurrogateTell", study=ask, scores=scores, until_finished=until_finished, **shown)
        g("PreviewAny", source=g("TestFaulty", values=tell[3], name=self.orders + AFTER))
        return g

    def node(self, **settings) -> Graph:
        """The same in one Search node."""
        g = Graph(self.comfy)
        model, vae, conditioning, latent = self._model(g)
        g(
            "SurrogateSearch",
            **g.sampling(model, conditioning),
            latent=latent,
            vae=vae,
            study=self._study(g, latent, settings),
            scorer=g("TestFaultyScorer", name=self.orders),
            images_per_batch=2,
            score_seeds=False,
        )
        return g

    def order(self, after_tell: bool = False, **orders) -> None:
        """What the scores do from now on, or the node after Tell."""
        file = output(self.comfy) / f"{self.orders}{AFTER * after_tell}.json"
        part = file.with_suffix(".part")
        part.write_text(json.dumps(orders))
        os.replace(part, file)

    def started(self, graph: Graph) -> str:
        """The prompt's id, when it stands still where it was ordered to."""
        waiting = [output(self.comfy) / f"{self.orders}{after}.waiting" for after in ("", AFTER)]
        for file in waiting:
            file.unlink(missing_ok=True)
        prompt = self.comfy.client.queue(graph.prompt)
        wait_until(lambda: any(file.exists() for file in waiting))
        return prompt

    def history(self):
        return Study.load(self.file, self.name).history()

    def recorded(self) -> int:
        """How many images have a score; fails if anything is there twice."""
        history = self.history()
        places = {*zip(history.run.tolist(), history.generation.tolist(), history.index.tolist())}
        assert len(places) == len(history)
        return int((history.state == "complete").sum())

    def is_like(self, course, recorded: int, asked: int | None = None) -> bool:
        """Whether it has gone the way of `course`, to the last bit, for so many images; a few more may be asked for."""
        history, asked = self.history(), asked or recorded
        return (
            len(history) == asked
            and self.recorded() == recorded
            and np.array_equal(history.u, course.u[:asked])
            and np.array_equal(history.scores[:recorded], course.scores[:recorded])
        )

    def _model(self, g: Graph) -> list:
        if self.demo:
            return g.demo()
        model, conditioning = g("TestAnyModel").outputs(2)
        return [model, g("TestAnyVAE"), conditioning, g.latent(1, 4, 8, 8)]

    def _study(self, g: Graph, latent, settings: dict):
        space = g.space("12, 99, 1024")
        return g("SurrogateStudy", space=space, latent=latent, name=self.name, **{**self.settings, **settings})


def storage(comfy):
    return comfy.server.base / "user" / "surrogate_studies.db"


def wait_until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_for_quiet(comfy) -> None:
    """Until nothing is queued, and nothing comes for a while."""
    empty = [0]

    def quiet():
        queue = comfy.client.get("/queue")
        empty[0] = 0 if queue["queue_running"] or queue["queue_pending"] else empty[0] + 1
        time.sleep(0.05)
        return empty[0] > 10

    wait_until(quiet, 120)


def route(comfy, name: str):
    """(status, answer) of the route that tells how a study stands."""
    try:
        return 200, comfy.client.get("/surrogate/study", name=name)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def own_course(history, seed: int = SEED) -> np.ndarray:
    """The points that CMA-ES alone asks for, run by run, given the scores of `history`."""
    u, population = np.full_like(history.u, np.nan), int(history.population[0])
    for run in set(history.run.tolist()):
        rows, memory = np.flatnonzero(history.run == run), {}
        for number in range(history.generation[rows].max() + 1):
            of = rows[history.generation[rows] == number]
            asked = make_optimiser("cma-es").propose(history, run, number, range(population), population, seed, memory)
            u[of] = asked.u[history.index[of]]
    return u


@pytest.fixture(scope="module")
def course(comfy):
    """The search when nothing goes wrong: three generations."""
    search = Search(comfy)
    for _ in range(3):
        search.graph().run()
    history = search.history()
    assert search.recorded() == 12 and len(np.unique(history.u, axis=0)) == 12
    assert np.array_equal(history.u, own_course(history))
    return history


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A second server, which may write only where an ordinary user may."""
    python = sys.executable
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("for the administrator no file is read-only, and there is no setpriv to be somebody less")
        python = tmp_path_factory.mktemp("python") / "python"
        rights = "-dac_override,-dac_read_search"
        python.write_text(
            f'#!/bin/sh\nexec setpriv --bounding-set {rights} --inh-caps {rights} "{sys.executable}" "$@"\n'
        )
        python.chmod(0o755)
    with Server("other", packs=[TESTKIT], arguments=["--cpu"], python=python) as server:
        yield Comfy(server, Client(server.url))


# Interrupted and killed.


def test_cancel_within_a_generation(comfy, course):
    """Nothing is recorded, and the next run gets the same points."""
    search = Search(comfy)
    graph = search.graph()
    graph.run()
    search.order(wait=True)
    for _ in range(2):
        prompt = search.started(graph)
        comfy.client.interrupt()
        with pytest.raises(ExecutionInterrupted):
            comfy.client.wait(prompt)
        assert search.is_like(course, 4, asked=8)
        assert route(comfy, search.name)[1]["open"] == 4
    search.order()
    graph.run()
    assert search.is_like(course, 8)


def test_the_server_is_killed_between_ask_and_tell(comfy, course, tmp_path):
    """kill -9, restart on the same folder: the same points, bit for bit, in both ways of running."""
    searches = []
    for attempt in range(3):
        with Server("killed", packs=[TESTKIT], arguments=["--cpu"], base=tmp_path) as server:
            own = Comfy(server, Client(server.url))
            for search in searches:
                search.comfy = own
            if attempt == 0:
                asked, whole = Search(own), Search(own, demo=True)
                searches = [asked, whole]
                graph = asked.graph()
                graph.run()
                asked.order(wait=True)
                asked.started(graph)
            elif attempt == 1:
                asked.order()
                for _ in range(2):
                    asked.graph().run()
                assert asked.is_like(course, 12)
                whole.order(wait=True, after=6)
                whole.started(whole.node())
            else:
                assert whole.recorded() == 6  # two of a generation of four
                whole.order()
                whole.node().run()
                history = whole.history()
                assert whole.recorded() == len(history) == 12
                assert np.array_equal(history.u, own_course(history))
            if attempt < 2:
                os.kill(server.process.pid, signal.SIGKILL)
                server.process.wait()
    undisturbed = Search(comfy, demo=True)
    undisturbed.node().run()
    assert whole.is_like(undisturbed.history(), 12)


# Scores.


def test_a_scorer_that_raises_costs_one_image(comfy):
    healthy, search = Search(comfy, budget=4), Search(comfy, budget=4)
    healthy.node().run()
    scores = healthy.history().scores[:, 0]
    second, first = np.sort(scores)[-2:]
    search.order(raise_above=(first + second) / 2)
    log = Log(comfy)
    search.node().run()
    history = search.history()
    failed = scores == first
    assert history.state.tolist() == np.where(failed, "failed", "complete").tolist()
    assert history.scores[~failed, 0].tolist() == scores[~failed].tolist()
    assert [r for r in history.reasons if r] == ["RuntimeError: this picture hurts my eyes"]
    assert log.wait_for("this picture hurts my eyes")
    # The search goes on without it.
    search.order()
    search.node(budget=12).run()
    assert search.recorded() == 11
    assert np.array_equal(search.history().u, own_course(search.history()))


def test_a_scorer_that_gives_nan_costs_one_image(comfy):
    healthy, search = Search(comfy, budget=4), Search(comfy, budget=4)
    healthy.node().run()
    second, first = np.sort(healthy.history().scores[:, 0])[-2:]
    search.order(nan_above=(first + second) / 2)
    search.node().run()
    history = search.history()
    assert history.state.tolist().count("failed") == 1
    assert [r for r in history.reasons if r] == ["the score is nan"]


def test_a_score_that_raises_loses_nothing(comfy, course):
    search = Search(comfy)
    graph = search.graph()
    search.order(error="the model of this score is not there")
    for _ in range(2):
        with pytest.raises(ExecutionFailed, match="the model of this score is not there"):
            graph.run()
        assert search.is_like(course, 0, asked=4)
    search.order()
    graph.run()
    assert search.is_like(course, 4)


def test_scores_that_are_not_finite_fail_alone(comfy):
    search = Search(comfy)
    log = Log(comfy)
    search.order(values=[math.nan, 0.5, math.inf, -math.inf])
    search.graph().run()
    history = search.history()
    assert history.state.tolist() == ["failed", "complete", "failed", "failed"]
    assert history.reasons == ("the score is nan", "", "the score is inf", "the score is -inf")
    assert log.wait_for("3 of 4 scores are not finite: image 1 is nan, image 3 is inf, image 4 is -inf")
    # None at all, and none anywhere: the search goes on all the same.
    search.order(values=[None] * 4)
    search.graph().run()
    search.order()
    search.graph().run()
    assert search.recorded() == 5
    history = search.history()
    assert np.array_equal(history.u, own_course(history)) and len(np.unique(history.u, axis=0)) == 12
    told = route(comfy, search.name)[1]
    assert (told["evaluated"], told["failed"], told["finished"]) == (12, 7, True)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([0.1, 0.2, 0.3], "3 numbers for 4 images, too few"),
        ([0.1, 0.2, 0.3, 0.4, 0.5], "5 numbers for 4 images, too many"),
        ([], "0 numbers for 4 images, too few"),
        ([0.1, 0.2, "3 of 4, or 2", 0.4], r"the text '3 of 4, or 2' has several numbers \(3, 2\)"),
        ([0.1, 0.2, {"score": 0.3}, 0.4], "must be numbers or texts with a number, one for each image, got dict"),
        ([0.1], "is one number for 4 images.*Rebatch Images with batch_size 1"),
    ],
    ids=["too few", "too many", "none", "text", "dict", "one"],
)
def test_a_wrong_number_of_scores_records_nothing(comfy, course, scores, message):
    search = Search(comfy)
    search.order(values=scores)
    with pytest.raises(ExecutionFailed, match=message):
        search.graph().run()
    assert search.is_like(course, 0, asked=4)
    search.order()
    search.graph().run()
    assert search.is_like(course, 4)


def test_tied_scores(comfy):
    """Equal scores say nothing: the search goes on, in a way that can be repeated, and the first is the best."""
    searches = Search(comfy), Search(comfy)
    for search in searches:
        search.order(values=[0.5] * 4)
        for _ in range(3):
            search.graph().run()
    one, same = (search.history() for search in searches)
    assert np.array_equal(one.u, same.u) and len(np.unique(one.u, axis=0)) == 12
    assert searches[0].recorded() == 12
    assert route(comfy, searches[0].name)[1]["best"]["label"] == "1.1"


# Several at once.


def test_the_same_prompt_queued_twice_at_once(comfy, course):
    search = Search(comfy)
    graph = search.graph()
    search.order(wait=True)
    first = search.started(graph)
    second = comfy.client.queue(graph.prompt)
    search.order()
    for prompt in (first, second):
        comfy.client.wait(prompt)
    assert search.is_like(course, 8)


def test_a_whole_search_queued_twice_at_once(comfy, course):
    """Two that go on by themselves share the budget."""
    search = Search(comfy)
    graph = search.graph(until_finished=True)
    for _ in range(2):
        comfy.client.queue(graph.prompt)
    wait_for_quiet(comfy)
    assert search.is_like(course, 12)


def test_two_studies_at_once(comfy, course):
    one, other = Search(comfy), Search(comfy, random_seed=6)
    for search in (one, other):
        comfy.client.queue(search.graph(until_finished=True).prompt)
    wait_for_quiet(comfy)
    assert one.is_like(course, 12)
    history = other.history()
    assert other.recorded() == 12
    assert np.array_equal(history.u, own_course(history, 6)) and not np.array_equal(history.u, course.u)


def test_two_studies_in_one_graph(comfy, course):
    """Each goes on until it is finished, and the graph is not queued more than once at a time for it."""
    one, other = Search(comfy), Search(comfy, budget=20, random_seed=6)
    graph, more = one.graph(until_finished=True), other.graph(until_finished=True)
    shift = len(graph.prompt)
    for number, node in more.prompt.items():
        inputs = {k: [str(int(v[0]) + shift), v[1]] if isinstance(v, list) else v for k, v in node["inputs"].items()}
        graph.prompt[str(int(number) + shift)] = {**node, "inputs": inputs}
    before = len(comfy.client.get("/history"))
    comfy.client.queue(graph.prompt)
    wait_for_quiet(comfy)
    assert one.is_like(course, 12)
    assert other.recorded() == 20
    assert len(comfy.client.get("/history")) - before <= 6


def test_two_servers_share_a_study(comfy, other, tmp_path):
    """Four searches, two in each server: 200 images in all, none lost, none twice."""
    file = tmp_path / "shared.db"
    shared = {"name": "shared", "population": 5, "budget": 200}
    searches = [Search(where, file=file, **shared) for where in (comfy, other)]
    searches[1].settings["database"] = f"sqlite:///{file}"
    for search in searches:
        search.order(wait=True)
    for search in searches:
        search.started(search.graph(until_finished=True, images=False))
    assert searches[0].history().run.tolist() == [0] * 5 + [1] * 5  # both have begun
    for search in searches:
        search.comfy.client.queue(search.node().prompt)
        search.order()
    for search in searches:
        wait_for_quiet(search.comfy)
    history = searches[0].history()
    assert searches[0].recorded() == len(history) == 200
    assert len(np.unique(history.u, axis=0)) == 200
    assert set(history.run.tolist()) == {0, 1}
    assert np.array_equal(history.u, own_course(history))
    assert Study.load(file, "shared").finished


# The database.


def test_a_database_that_another_program_writes_to(comfy, course):
    """Everything waits, nothing is lost, and who looks is not disturbed."""
    search = Search(comfy)
    graph = search.graph()
    search.order(wait=True)
    prompt = search.started(graph)
    writer = sqlite3.connect(storage(comfy), isolation_level=None)
    try:
        writer.execute("BEGIN IMMEDIATE")
        search.order()
        time.sleep(1.5)  # Tell waits
        assert comfy.client.history(prompt) is None
        assert route(comfy, search.name)[1]["open"] == 4
        writer.execute("ROLLBACK")
        comfy.client.wait(prompt)
        assert search.is_like(course, 4)
        writer.execute("BEGIN EXCLUSIVE")
        prompt = comfy.client.queue(graph.prompt)
        looking = []
        look = threading.Thread(target=lambda: looking.append(route(comfy, search.name)))
        look.start()
        time.sleep(1.5)  # Ask waits, and the route
        assert comfy.client.history(prompt) is None and not looking
        comfy.client.get("/system_stats", timeout=5)  # the server itself does not
        writer.execute("ROLLBACK")
        comfy.client.wait(prompt)
        look.join(60)
        assert looking[0][0] == 200
    finally:
        writer.close()
    assert search.is_like(course, 8)


def test_a_database_server_that_restarts(comfy, course, postgres):
    """The node says that it waits, Cancel stops that, and what was rendered is told when the server is back."""
    search, log = Search(comfy, file=postgres.database()), Log(comfy)
    graph = search.graph()
    search.order(wait=True)
    prompt = search.started(graph)
    postgres.stop()
    try:
        search.order()
        assert log.wait_for("Waiting for it", 30)
        assert PASSWORD not in log.text()
        comfy.client.interrupt()
        with pytest.raises(ExecutionInterrupted):
            comfy.client.wait(prompt)
        prompt = comfy.client.queue(graph.prompt)
        time.sleep(0.5)
    finally:
        postgres.start()
    comfy.client.wait(prompt)
    assert search.is_like(course, 4)


def test_a_database_that_is_read_only(other, tmp_path):
    file = tmp_path / "folder" / "studies.db"
    file.parent.mkdir()
    search, new = Search(other, file=file), Search(other, file=file.with_name("new.db"))
    graph = search.graph()
    graph.run()
    search.order(wait=True)
    prompt = search.started(graph)
    expected = search.history()
    file.chmod(0o444)
    file.parent.chmod(0o555)
    try:
        search.order()
        with pytest.raises(ExecutionFailed, match="the file or its folder is read-only"):  # Tell
            other.client.wait(prompt)
        with pytest.raises(ExecutionFailed, match="the file or its folder is read-only"):  # Ask
            graph.run()
        with pytest.raises(ExecutionFailed, match=r"cannot be created: .* Choose a folder you may write to"):
            new.graph().run()
    finally:
        file.parent.chmod(0o755)
        file.chmod(0o644)
    assert search.recorded() == 4
    graph.run()
    assert search.recorded() == 8
    assert np.array_equal(search.history().u, expected.u)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def pages_of_noise(file):
    pages = bytearray(file.read_bytes())
    pages[4096:] = b"\xa5" * (len(pages) - 4096)
    file.write_bytes(pages)


def cut_off(file):
    file.write_bytes(file.read_bytes()[:20_000])


def no_database(file):
    file.write_text("my holiday in Greece " * 1000)


def other_program(file):
    file.unlink()
    sql(file, "CREATE TABLE recipes (name)")


def newer_optuna(file):
    sql(
        file, "UPDATE alembic_version SET version_num = 'v9.0.0.a'", "UPDATE version_info SET library_version = '9.0.0'"
    )


def newer_pack(file):
    sql(file, """UPDATE study_user_attributes SET value_json = replace(value_json, '"format": 1', '"format": 2')""")


def sql(file, *statements: str) -> None:
    connection = sqlite3.connect(file)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


DAMAGES = [
    (pages_of_noise, "is damaged. Restore a copy of it"),
    (cut_off, "is damaged. Restore a copy of it"),
    (no_database, "is not a database of studies: choose another file"),
    (other_program, "is a database of another program"),
    (newer_optuna, r"another version of optuna.*9\.0\.0"),
    (newer_pack, r"newer version of this pack \(format 2"),
]


@pytest.fixture(scope="module")
def database(comfy, tmp_path_factory):
    """(file, its bytes): a study of one generation, named "healthy"."""
    file = tmp_path_factory.mktemp("database") / "studies.db"
    Search(comfy, "healthy", file).graph().run()
    return file.read_bytes()


@pytest.mark.parametrize(("damage", "message"), DAMAGES, ids=[damage.__name__ for damage, _ in DAMAGES])
def test_a_database_that_cannot_be_used_says_why(comfy, course, database, damage, message, tmp_path):
    file = tmp_path / "studies.db"
    file.write_bytes(database)
    damage(file)
    found = file.read_bytes()
    search = Search(comfy, "healthy", file)
    with pytest.raises(ExecutionFailed, match=message):
        search.graph().run()
    assert file.read_bytes() == found  # as it was
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    file.write_bytes(database)  # a copy is put back
    search.graph().run()
    assert search.is_like(course, 8)


def test_a_database_damaged_while_the_search_runs(comfy, course, tmp_path):
    search = Search(comfy, file=tmp_path / "studies.db")
    graph = search.graph()
    graph.run()
    search.order(wait=True)
    prompt = search.started(graph)
    copy = search.file.read_bytes()
    pages_of_noise(search.file)
    search.order()
    for run in (lambda: comfy.client.wait(prompt), graph.run):
        with pytest.raises(ExecutionFailed, match=r"is damaged. Restore a copy of it"):
            run()
    search.file.write_bytes(copy)
    graph.run()
    assert search.is_like(course, 8)


def test_the_route_says_what_is_wrong_with_the_database(other):
    assert route(other, "anything")[0] == 404  # no database yet, or no such study
    search = Search(other, budget=4)
    search.graph().run()
    healthy = search.file.read_bytes()
    try:
        for damage, message in ((pages_of_noise, "is damaged"), (no_database, "is not a database of studies")):
            damage(search.file)
            status, answer = route(other, search.name)
            assert status == 503 and message in answer["error"]
            search.file.write_bytes(healthy)
    finally:
        search.file.write_bytes(healthy)
    assert route(other, search.name)[1]["evaluated"] == 4


def test_a_study_deleted_while_it_runs(comfy, course):
    search = Search(comfy)
    graph = search.graph()
    graph.run()
    search.order(wait=True)
    prompt = search.started(graph)
    Study.load(search.file, search.name).delete()
    search.order()
    with pytest.raises(ExecutionFailed, match=r"was deleted from .* while it was in use"):
        comfy.client.wait(prompt)
    assert route(comfy, search.name)[0] == 404
    graph.run()  # the same prompt starts it anew
    assert search.is_like(course, 4)


def test_a_database_deleted_while_it_runs(comfy, course, tmp_path):
    search = Search(comfy, file=tmp_path / "studies.db")
    graph = search.graph()
    graph.run()
    search.order(wait=True)
    prompt = search.started(graph)
    search.file.unlink()
    search.order()
    with pytest.raises(ExecutionFailed, match=r"is gone: .* deleted or moved while the search was running"):
        comfy.client.wait(prompt)
    graph.run()
    assert search.is_like(course, 4)


# Names.

HOSTILE = {
    "parent": "../../../escaped",
    "absolute": "/tmp/escaped",
    "backslashes": "..\\..\\escaped",
    "long": "n" * 300,
    "long umlauts": "ü" * 300,
    "emoji": "👩‍👩‍👧‍👦🌄",
    "sql": "'; DROP TABLE studies; --",
    "newlines": "two\nlines\r\n\ttab",
    "percent": "%date:yyyy% %2e%2e/ %s {x}",
    "url": "a?name=b&c#d",
    "html": "<img src=x onerror=alert(1)>",
    "device": "CON",
    "dots": "..",
}


def files(comfy) -> set:
    """The files in the server's folder that are not where ComfyUI's nodes may write, and those that got out of it."""
    base = comfy.server.base
    theirs = ("user/surrogate", "user/comfyui", "output", "temp", "custom_nodes")
    inside = {path.relative_to(base).as_posix() for path in base.rglob("*") if path.is_file()}
    outside = {path for folder in (base, *base.parents, Path("/tmp")) for path in folder.glob("*escaped*")}
    return {name for name in inside if not name.startswith(theirs)} | outside


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_study_names(comfy, course, name):
    """They are names like any other, on every way, and write nowhere else."""
    before = files(comfy)
    search = Search(comfy, name, budget=4)
    graph = search.graph()
    tell = next(number for number, node in graph.prompt.items() if node["class_type"] == "SurrogateTell")
    graph("SurrogateStudyReport", study=[tell, 0], filename_prefix=f"{search.orders}/report")
    graph.run()
    assert search.is_like(course, 4)
    status, told = route(comfy, name)
    assert status == 200 and told["name"] == name and told["finished"]
    assert name in study_names(storage(comfy))
    assert files(comfy) == before
    written = list((output(comfy) / search.orders).iterdir())
    assert written and all(path.is_file() and path.name.startswith("report") for path in written)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "needs a name"),
        (" \n ", "needs a name"),
        ("n" * 301, "at most 300 characters, got 301"),
        ("zero\0byte", "zero byte"),
        ("half \ud83d", "half a character"),
    ],
    ids=["empty", "blank", "too long", "zero byte", "half a character"],
)
def test_names_that_cannot_be(comfy, name, message):
    with pytest.raises(ExecutionFailed, match=message):
        Search(comfy, name).graph().run()
    with_name = urllib.parse.urlencode({"name": name}, errors="surrogatepass")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{comfy.server.url}/surrogate/study?{with_name}")
    assert caught.value.code in (400, 404) and json.load(caught.value)["error"]


# The budget, and the end.


def test_a_budget_that_is_spent_and_raised(comfy, course):
    """It may end within a generation; raised, the search goes on as if it had been so from the beginning."""
    search = Search(comfy, budget=6)
    for recorded in (4, 6, 6):
        entry = search.graph().run()
        assert search.is_like(course, recorded)
    assert entry["outputs"]  # how it stands is told all the same
    told = route(comfy, search.name)[1]
    assert told["finished"] and told["budget"] == 6
    for budget, recorded in ((7, 7), (12, 8), (12, 12), (5, 12)):
        search.graph(budget=budget).run()
        assert search.is_like(course, recorded)
    assert route(comfy, search.name)[1]["finished"]


@pytest.mark.parametrize("after_tell", [False, True], ids=["before Tell", "after Tell"])
def test_cancel_within_a_generation_stops_the_whole_search(comfy, course, after_tell):
    search = Search(comfy)
    search.order(after_tell, wait=True)
    prompt = search.started(search.graph(until_finished=True))
    comfy.client.interrupt()
    with pytest.raises(ExecutionInterrupted):
        comfy.client.wait(prompt)
    search.order(after_tell)
    wait_for_quiet(comfy)
    assert search.is_like(course, 4 if after_tell else 0, asked=4)
    comfy.client.queue(search.graph(until_finished=True).prompt)
    wait_for_quiet(comfy)
    assert search.is_like(course, 12)


def test_cancel_between_generations_stops_the_whole_search(comfy, course):
    """The next generation stands in the queue behind another prompt: taken out of it, or cancelled, nothing follows."""
    search, another = Search(comfy), Search(comfy)
    graph = search.graph(until_finished=True)
    search.order(wait=True)
    another.order(wait=True)
    first = search.started(graph)
    between = comfy.client.queue(another.graph().prompt)
    search.order()
    comfy.client.wait(first)
    wait_until(lambda: comfy.client.get("/queue")["queue_pending"])  # the next generation
    assert search.is_like(course, 4)
    comfy.client.post("/queue", {"clear": True})
    another.order()
    comfy.client.wait(between)
    wait_for_quiet(comfy)
    assert search.is_like(course, 4)


def test_cancel_just_when_a_generation_has_ended_stops_the_whole_search(comfy):
    """Whoever presses Cancel in the moment between two prompts means the search."""
    for _ in range(6):  # that moment is short: more often than not, it is met
        search, ended = Search(comfy, budget=40), threading.Event()

        def cancel(kind, data, ended=ended):
            if kind == "execution_success" and not ended.is_set():
                ended.set()
                comfy.client.interrupt()

        comfy.client.run(search.graph(until_finished=True).prompt, on_event=cancel)
        wait_for_quiet(comfy)
        last = list(comfy.client.get("/history").values())[-1]
        if search.recorded() < 40 and last["status"]["status_str"] == "success":
            return
    pytest.fail("the search went on, or was stopped only within the next generation")


@pytest.mark.parametrize("after_tell", [False, True], ids=["before Tell", "after Tell"])
def test_a_node_that_fails_stops_the_whole_search(comfy, course, after_tell):
    search = Search(comfy)
    search.order(after_tell, error="out of memory, say")
    with pytest.raises(ExecutionFailed, match="out of memory"):
        search.graph(until_finished=True).run()
    wait_for_quiet(comfy)
    assert search.is_like(course, 4 if after_tell else 0, asked=4)
    search.order(after_tell)
    comfy.client.queue(search.graph(until_finished=True).prompt)
    wait_for_quiet(comfy)
    assert search.is_like(course, 12)
