"""What a search costs beside its images: time of ask and tell, rebuilding from disk, and whether either grows.

    python benchmarks/engine.py PATH_OF_COMFYUI [--quick]

with a Python that has ComfyUI's requirements and this pack's. The demo model, 8 Euler steps where it is compared with
rendering and 1 where only the engine matters. Set OMP_NUM_THREADS=1 on a machine that does other work too.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import torch

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from dev.client import Client  # noqa: E402
from dev.server import Server  # noqa: E402
from surrogate import Seeds, SurrogateSpace  # noqa: E402
from surrogate.search import OPTIMISERS, Study  # noqa: E402
from tests.comfy.graph import Graph  # noqa: E402

MB = 1e6
SHAPE = (16, 16, 16)
EDGE = 40  # generations at the beginning, and at the end, whose medians are compared


@dataclass(frozen=True)
class Setting:
    """One optimiser where its costs are compared with rendering: `k` seeds, so many generations."""

    k: int
    generations: int
    directions: tuple[str, ...] = ("minimize",)


SETTINGS = {name: Setting(8, 32) for name in OPTIMISERS} | {
    "bayesian": Setting(4, 32),
    "nsga-ii": Setting(8, 16, ("minimize", "maximize")),
}


def open_study(storage: Path, optimiser: str, k: int, budget: int, directions=("minimize",), population=None) -> Study:
    space = SurrogateSpace(Seeds.from_range(0, k))
    return Study.open(
        storage, optimiser, space, budget=budget, optimiser=optimiser, directions=directions, population=population
    )


def made_up(u: np.ndarray, scores: int) -> np.ndarray:
    """Scores (n, scores) of points without images: distances to some places of the cube."""
    return np.stack([np.linalg.norm(u - 0.3 - 0.2 * i, axis=1) for i in range(scores)], axis=1)


def resident(pid: int | None = None) -> float:
    return psutil.Process(pid).memory_info().rss / MB


# Ask and tell beside rendering.


def beside_rendering(comfyui: str, quick: bool) -> None:
    from search import load_model

    draw = load_model(comfyui)
    heading(
        "Ask and tell beside rendering",
        ["optimiser", "k", "images a generation", "ask ms", "tell ms", "rendering ms", "share", "share, last quarter"],
    )
    for name, setting in SETTINGS.items():
        generations = 8 if quick else setting.generations
        with tempfile.TemporaryDirectory() as folder:
            population = OPTIMISERS[name].population
            study = open_study(
                Path(folder) / "studies.db", name, setting.k, generations * population, setting.directions
            )
            space = SurrogateSpace(Seeds.from_range(0, setting.k))
            asking, telling, rendering = [], [], []
            while True:
                began = time.perf_counter()
                generation = study.ask()
                asked = time.perf_counter()
                if not len(generation):
                    break
                if generation.number % 4 == 1:  # now and then: a busy machine slows both alike
                    start = time.perf_counter()
                    draw(space.latents(generation.u, SHAPE))
                    rendering.append(time.perf_counter() - start)
                scores = made_up(generation.u, len(setting.directions))
                told = time.perf_counter()
                study.tell(generation, scores)
                telling.append(time.perf_counter() - told)
                asking.append(asked - began)
        # The first one makes tables and imports.
        own = [a + t for a, t in zip(asking, telling, strict=True)][1:]
        image = statistics.median(rendering)
        late = own[-len(own) // 4 :]
        row(
            name,
            str(setting.k),
            str(population),
            *(f"{1e3 * statistics.median(t[1:]):.1f}" for t in (asking, telling)),
            f"{1e3 * image:.0f}",
            *(f"{100 * statistics.mean(t) / (statistics.mean(t) + image):.1f} %" for t in (own, late)),
        )


# Rebuilding from disk.

REBUILT = ("cma-es", "tpe", "sobol", "random", "nsga-ii")


def rebuilding(quick: bool) -> None:
    evaluations, k = (160 if quick else 1000), 32
    heading(
        f"{evaluations} evaluations at k = {k}, rebuilt from disk in a fresh process",
        ["optimiser", "imports s", "open s", "report s", "ask s", "all s", "processor s", "file MB"],
    )
    for name in REBUILT:
        with tempfile.TemporaryDirectory() as folder:
            path, copy = Path(folder) / "studies.db", Path(folder) / "copy.db"
            directions = SETTINGS[name].directions
            study = open_study(path, name, k, evaluations, directions)
            while len(generation := study.ask()):
                study.tell(generation, made_up(generation.u, len(directions)))
            open_study(path, name, k, evaluations + 1000, directions)  # so that there is something to ask for
            runs = []
            for _ in range(3):
                shutil.copy(path, copy)  # what was asked for once is read the next time
                command = [sys.executable, str(Path(__file__).absolute()), "--rebuild", str(copy), name]
                runs.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
            times = np.median(np.array(runs, dtype=float), axis=0)
            row(name, *(f"{t:.2f}" for t in times), f"{path.stat().st_size / MB:.1f}")


def rebuild(path: str, name: str) -> None:
    """In the child: seconds for all but starting Python and importing torch and scipy, one after the other."""
    processor, times = time.process_time(), [time.perf_counter()]
    import cma  # noqa: F401
    import optuna.samplers
    import optuna.storages._rdb.models  # noqa: F401

    times.append(time.perf_counter())
    study = Study.load(path, name)
    times.append(time.perf_counter())
    study.report()
    times.append(time.perf_counter())
    assert len(study.ask())
    times.append(time.perf_counter())
    print(*np.diff(times), times[-1] - times[0], time.process_time() - processor)


# Growth over 200 generations.


@dataclass(frozen=True)
class Growth:
    """`engine`: seconds of each generation that are not its images; `images`: those that are, if there are any;
    `memory`: resident MB again and again, from generation 20 on."""

    engine: list[float]
    images: list[float] | None
    memory: list[float]

    def row(self, way: str) -> None:
        first, last = statistics.median(self.engine[1 : EDGE + 1]), statistics.median(self.engine[-EDGE:])
        cells = [f"{1e3 * first:.1f}", f"{1e3 * last:.1f}", f"{last / first:.2f}"]
        if self.images is None:
            cells += ["", "", ""]
        else:
            before, after = statistics.median(self.images[1 : EDGE + 1]), statistics.median(self.images[-EDGE:])
            cells += [f"{1e3 * before:.0f}", f"{1e3 * after:.0f}", f"{(last / after) / (first / before):.2f}"]
        # Resident memory jumps by what is being decoded: medians of the first and the last quarter, and the most.
        quarter = max(1, len(self.memory) // 4)
        early, late = statistics.median(self.memory[:quarter]), statistics.median(self.memory[-quarter:])
        row(way, *cells, f"{early:.0f}", f"{late - early:+.0f}", f"{max(self.memory) - early:+.0f}")


def growth(quick: bool) -> None:
    generations = 100 if quick else 200
    heading(
        f"From generation 1 to {generations}, a population of 4",
        [
            "way",
            f"engine, first {EDGE}, ms",
            f"last {EDGE}, ms",
            "ratio",
            f"images, first {EDGE}, ms",
            f"last {EDGE}, ms",
            "engine over images, ratio",
            "memory MB",
            "growth MB",
            "most above MB",
        ],
    )
    for name in ("cma-es", "tpe", "sobol", "random"):
        in_library(name, generations).row(f"library, {name}")
    with Server("benchmark", arguments=["--cpu"]) as server:
        comfy = SimpleNamespace(server=server, client=Client(server.url))
        for way, graph in (("Search node", search_graph), ("Ask and Tell, until finished", loop_graph)):
            in_server(comfy, way, graph(comfy, way, 4 * generations)).row(way)


def in_library(optimiser: str, generations: int) -> Growth:
    """Ask and tell with a SQLite file."""
    engine, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        study = open_study(Path(folder) / "studies.db", optimiser, 4, 4 * generations, population=4)
        while True:
            began = time.perf_counter()
            generation = study.ask()
            if not len(generation):
                break
            study.tell(generation, made_up(generation.u, 1))
            engine.append(time.perf_counter() - began)
            if generation.number >= 20:
                memory.append(resident())
    return Growth(engine, None, memory)


def in_server(comfy, name: str, graph: Graph) -> Growth:
    """One prompt for the whole search. The times are those that the study notes of each image: when it was asked for,
    and when it was told. What passes between the last image of a generation and the first of the next is the engine:
    recording, the queue, opening the study, thinking."""
    import optuna

    study = None
    memory = []
    comfy.client.queue(graph.prompt)
    deadline = time.monotonic() + 3600
    while study is None or not study["finished"]:
        time.sleep(0.5)
        study = _state(comfy, name)
        if study and study["generation"] > 20:
            memory.append(resident(comfy.server.process.pid))
        comfy.server.check_alive()
        if time.monotonic() > deadline:
            raise TimeoutError(f"the search has not finished: {study}\n{comfy.server.tail()}")
    path = comfy.server.base / "user" / "surrogate_studies.db"
    trials = optuna.load_study(study_name=name, storage=f"sqlite:///{path}").get_trials(deepcopy=False)
    trials = [t for t in trials if "generation" in t.user_attrs]  # the others are known points
    count = max(t.user_attrs["generation"] for t in trials) + 1
    asked, told = np.full(count, np.inf), np.zeros(count)
    for trial in trials:
        g = trial.user_attrs["generation"]
        asked[g] = min(asked[g], trial.datetime_start.timestamp())
        told[g] = max(told[g], trial.datetime_complete.timestamp())
    return Growth((asked[1:] - told[:-1]).tolist(), (told - asked).tolist(), memory)


def _state(comfy, name: str) -> dict | None:
    import urllib.error

    try:
        return comfy.client.get("/surrogate/study", name=name)
    except urllib.error.HTTPError:  # it has not been opened yet
        return None


def _study(g: Graph, latent, name: str, budget: int):
    return g(
        "SurrogateStudy",
        space=g.space(),
        latent=latent,
        name=name,
        budget=budget,
        population=4,
        optimiser="between the seeds",
    )


def loop_graph(comfy, name: str, budget: int) -> Graph:
    """Ask, stock nodes, a score, Tell: each generation is a prompt of its own."""
    g = Graph(comfy)
    model, vae, conditioning, latent = g("SurrogateDemoModel").outputs(4)
    ask = g("SurrogateAsk", study=_study(g, latent, name, budget))
    noise = g("SurrogateNoise", space=ask[2], points=ask[1], latent=latent)
    images = g.decoded(g.custom(model, conditioning, noise[0], noise[1], steps=1), vae)
    scores = g("SurrogatePictureStatistics", images=images)
    g("SurrogateTell", study=ask, scores=scores, images=images, until_finished=True)
    return g


def search_graph(comfy, name: str, budget: int) -> Graph:
    """All generations inside one node."""
    g = Graph(comfy)
    model, vae, conditioning, latent = g("SurrogateDemoModel").outputs(4)
    g(
        "SurrogateSearch",
        guider=g("BasicGuider", model=model, conditioning=conditioning),
        sampler=g("KSamplerSelect", sampler_name="euler"),
        sigmas=g("BasicScheduler", model=model, scheduler="simple", steps=1, denoise=1.0),
        latent=latent,
        vae=vae,
        study=_study(g, latent, name, budget),
        scorer=g("SurrogatePictureStatistics")[1],
    )
    return g


# Tables.


def heading(title: str, columns: list[str]) -> None:
    print(f"\n### {title}\n")
    row(*columns)
    row(*["---"] * len(columns))


def row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def machine() -> str:
    import cma
    import optuna

    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        cpu = platform.processor() or platform.machine()
    versions = {"torch": torch.__version__.partition("+")[0], "optuna": optuna.__version__, "cma": cma.__version__}
    return (
        f"{cpu}, {os.cpu_count()} cores, {torch.get_num_threads()} threads; Python {platform.python_version()}, "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
    )


def load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "rendering": lambda arguments: beside_rendering(arguments.comfyui, arguments.quick),
    "rebuilding": lambda arguments: rebuilding(arguments.quick),
    "growth": lambda arguments: growth(arguments.quick),
}


def main() -> None:
    if sys.argv[1:2] == ["--rebuild"]:
        rebuild(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("comfyui")
    parser.add_argument("--quick", action="store_true", help="fewer generations")
    parser.add_argument("--only", choices=list(PARTS), help="one of the tables")
    arguments = parser.parse_args()
    print(f"{machine()}. Load average at the start {load()}.")
    for name in reversed(PARTS):  # rendering last: it makes ComfyUI a part of this process
        if arguments.only in (None, name):
            PARTS[name](arguments)
    print(f"\nLoad average at the end {load()}.")


if __name__ == "__main__":
    main()
