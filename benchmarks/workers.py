"""What it costs that several workers share a study: time of ask and tell, images an hour, and what each search finds.

    python benchmarks/workers.py [overhead] [sleep] [uneven] [each] [large] [--workers 1,2,8]

with a Python that has ComfyUI's requirements, this pack's, and psycopg; for PostgreSQL its server's programs. Without
names all parts. Workers are processes, except in `uneven`, which is a simulation.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from dev.postgres import Postgres, lacking  # noqa: E402
from surrogate import Seeds, SurrogateSpace  # noqa: E402
from surrogate.search import OPTIMISERS, Study  # noqa: E402

NAME, K, POPULATION = "benchmark", 8, 4
SHAPE = (3, 4, 4)
WANTED = np.random.default_rng(7).standard_normal(48)
# `uneven`: images of a search, and how many searches.
BUDGET, REPEATS = 128, 5


def score(u: np.ndarray) -> np.ndarray:
    """A smooth valley that is not along the axes, 0 at its best; u (n, k-1)."""
    d = np.cumsum(u - 0.4, axis=1)
    return -(d**2).sum(axis=1)


def closeness(study: Study, u: np.ndarray) -> np.ndarray:
    """How near the noises of points u are to one that was wanted, 0 at its best: of 48 numbers each."""
    z = np.asarray(study.space.latents(u, SHAPE), dtype=np.float64).reshape(len(u), -1)
    return -((z - WANTED) ** 2).mean(axis=1)


def open_study(storage, budget: int, **settings) -> Study:
    space = SurrogateSpace(Seeds.from_range(0, K))
    return Study.open(storage, NAME, space, **{"budget": budget, "population": POPULATION, **settings})


@contextmanager
def storages() -> Iterator[dict[str, object]]:
    """For each kind of database a function that gives the address of a new one."""
    with tempfile.TemporaryDirectory() as folder:
        numbers = itertools.count()
        found: dict = {"SQLite": lambda: str(Path(folder) / f"{next(numbers)}.db")}
        if lacking():
            print(f"Without PostgreSQL: {lacking()}.")
            yield found
            return
        server = Postgres()
        try:
            yield {**found, "PostgreSQL": server.database}
        finally:
            server.close()


def search(storage: str, seconds: float, start, answers) -> None:
    """A worker: searches from the moment `start` on; each image costs `seconds`. Answers with its times."""
    # What is imported when it is first needed would be counted as the engine's time.
    first = open_study(None, POPULATION)
    first.tell(asked := first.ask(), score(asked.u))
    study = Study.load(storage, NAME)
    scores = len(study.definition.directions)
    start.wait()
    asks, tells, images, began = [], [], 0, time.perf_counter()
    while True:
        before = time.perf_counter()
        asked = study.ask()
        asks.append(time.perf_counter() - before)
        if not len(asked):
            break
        time.sleep(seconds * len(asked))
        before = time.perf_counter()
        study.tell(asked, np.stack([score(asked.u), score(1 - asked.u)], axis=1)[:, :scores])
        tells.append(time.perf_counter() - before)
        images += len(asked)
    answers.put((asks, tells, images, time.perf_counter() - began))


def together(storage: str, n: int, budget: int, seconds: float, **settings) -> tuple[list, list, float, int]:
    """Times of all asks and tells of n workers, seconds until the budget was spent, and points lost."""
    open_study(storage, budget, **settings)
    context = multiprocessing.get_context("spawn")
    start, answers = context.Event(), context.Queue()
    workers = [context.Process(target=search, args=(storage, seconds, start, answers)) for _ in range(n)]
    for worker in workers:
        worker.start()
    time.sleep(3 + 0.7 * n)  # until all have loaded their libraries
    start.set()
    found = [answers.get(timeout=600) for _ in workers]
    for worker in workers:
        worker.join()
    history = Study.load(storage, NAME).history()
    # nsga-ii and picks show again what was good: their points may repeat, their places may not.
    places = np.stack([history.run, history.generation, history.index], axis=1)
    whole = (history.state == "complete").sum() if len(np.unique(places, axis=0)) == len(history) else 0
    asks, tells, _, spans = zip(*found)
    return [*itertools.chain(*asks)], [*itertools.chain(*tells)], max(spans), budget - int(whole)


def overhead(counts: list[int]) -> None:
    print("\n| database | workers | asks a second | ask, median | 95 % | tell, median | 95 % | points lost |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with storages() as kinds:
        for kind, n in itertools.product(kinds, counts):
            asks, tells, seconds, lost = together(kinds[kind](), n, 400, 0.0)
            times = [1000 * np.percentile(values, q) for values in (asks, tells) for q in (50, 95)]
            shown = " | ".join(f"{ms:.0f} ms" for ms in times)
            print(f"| {kind} | {n} | {len(asks) / seconds:.0f} | {shown} | {lost} |", flush=True)


def sleep(counts: list[int]) -> None:
    print("\n| database | workers | images an hour | times one worker | share of n |")
    print("| --- | --- | --- | --- | --- |")
    with storages() as kinds:
        for kind in kinds:
            alone = None
            for n in counts:
                if n > 8:
                    continue
                budget = 16 * n
                rate = 3600 * budget / together(kinds[kind](), n, budget, 2.0)[2]
                alone = alone or rate
                print(f"| {kind} | {n} | {rate:.0f} | {rate / alone:.2f} | {rate / alone / n:.1%} |", flush=True)


def simulated(optimiser: str, n: int, seed: int, slow: float) -> tuple[np.ndarray, float, float]:
    """Scores in the order in which they came, and the share of the workers' time that was spent rendering: until the
    budget was given out, and until the last image.

    Of n workers the first needs `slow` seconds for an image and the others 1; asking and telling costs nothing.
    """
    workers = [open_study_for(optimiser, seed, i) for i in range(n)]
    seconds = [slow if n > 1 and i == 0 else 1.0 for i in range(n)]
    scores, busy, now, given_out, until_then = [], 0.0, 0.0, 0.0, 0.0
    events = [(0.0, i, None) for i in range(n)]
    while events:
        now, i, asked = heapq.heappop(events)
        if asked is not None:
            found = closeness(workers[i], asked.u)
            workers[i].tell(asked, found)
            scores += found.tolist()
            busy += len(asked) * seconds[i]
        asked = workers[i].ask()
        if len(asked):
            heapq.heappush(events, (now + len(asked) * seconds[i], i, asked))
        elif not given_out:
            given_out = now
            # What the others are at is counted up to now.
            until_then = busy + sum(len(a) * seconds[j] - (t - now) for t, j, a in events if a is not None)
    workers[0].delete()
    return np.array(scores), until_then / (n * given_out), busy / (n * now)


def open_study_for(optimiser: str, seed: int, i: int) -> Study:
    return open_study(SHARED, BUDGET, optimiser=optimiser, seed=seed, worker=str(i))


# The optimisers for one score that a worker may use; picks takes a person's likes instead.
LEARNING = ("sobol", "random", "cma-es", "tpe", "bayesian", "adaptive")
SHARED = ""


def uneven(counts: list[int]) -> None:
    global SHARED
    print("\n| optimiser | workers | time spent rendering until the budget is given out | until the end | best score |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        SHARED = str(Path(folder) / "studies.db")
        for optimiser, n in itertools.product(LEARNING, counts):
            found = [simulated(optimiser, n, seed, slow=4.0) for seed in range(REPEATS)]
            best, given_out, whole = np.median([(scores.max(), *shares) for scores, *shares in found], axis=0)
            print(f"| {optimiser} | {n} | {given_out:.1%} | {whole:.1%} | {best:.2g} |", flush=True)


def each(counts: list[int]) -> None:
    """Eight workers at one study in PostgreSQL, 200 images each, with each optimiser."""
    print("\n| optimiser | images | seconds | ask, median | 95 % | points lost |")
    print("| --- | --- | --- | --- | --- | --- |")
    with storages() as kinds:
        for name, kind in OPTIMISERS.items():
            directions = ("maximize",) * (1 if kind.one_score else 2)
            settings = {"optimiser": name, "directions": directions}
            asks, _, seconds, lost = together(kinds["PostgreSQL"](), 8, 1600, 0.0, **settings)
            shown = " | ".join(f"{1000 * np.percentile(asks, q):.0f} ms" for q in (50, 95))
            print(f"| {name} | 1600 | {seconds:.0f} | {shown} | {lost} |", flush=True)


def large(counts: list[int]) -> None:
    points, each = 20_000, 500
    print(
        f"\n| database | {points} points | ask, median of 10 | first ask of a new process | memory more than at the start |"
    )
    print("| --- | --- | --- | --- | --- |")
    with storages() as kinds:
        for kind in kinds:
            storage = kinds[kind]()
            study = open_study(storage, points, optimiser="sobol", population=each)
            while len(asked := study.ask()):
                study.tell(asked, score(asked.u))
            context = multiprocessing.get_context("spawn")
            answers = context.Queue()
            reader = context.Process(target=ask_a_large_one, args=(storage, points, answers))
            reader.start()
            first, median, memory = answers.get(timeout=600)
            reader.join()
            print(f"| {kind} | sobol | {1000 * median:.0f} ms | {first:.1f} s | {memory / 1e6:.0f} MB |", flush=True)


def ask_a_large_one(storage: str, points: int, answers) -> None:
    study = open_study(storage, points + 100, optimiser="sobol")
    before, times = psutil.Process().memory_info().rss, []
    for _ in range(11):
        began = time.perf_counter()
        asked = study.ask()
        times.append(time.perf_counter() - began)
        study.tell(asked, score(asked.u))
    answers.put((times[0], float(np.median(times[1:])), psutil.Process().memory_info().rss - before))


PARTS = {"overhead": overhead, "sleep": sleep, "uneven": uneven, "each": each, "large": large}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all of them by default")
    parser.add_argument("--workers", default="1,2,8,32", help="how many workers share the study")
    given = parser.parse_args()
    counts = [int(count) for count in given.workers.split(",")]
    print(f"{platform.machine()}, {os.cpu_count()} cores; load average at the start {os.getloadavg()[0]:.1f}.")
    for name in given.parts or PARTS:
        PARTS[name](counts)
        print(f"Load average after {name}: {os.getloadavg()[0]:.1f}.", flush=True)


if __name__ == "__main__":
    main()
