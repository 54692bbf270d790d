"""Time and memory of the core against its peers and one float32 matrix product, as ratios in one run.

    python benchmarks/core.py            all tables, about five minutes on two idle cores
    python benchmarks/core.py --quick    fewer repetitions, without the largest sizes

Needs `pip install latent-spaces-by-example lolatents`. OMP_NUM_THREADS and OPENBLAS_NUM_THREADS set the threads of all.
The competitors of a table take turns, so that whatever else the machine does hits all of them alike; each peak of
memory is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import random
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.append(str(Path(__file__).absolute().parents[1]))
warnings.simplefilter("ignore")

import latent_spaces_by_example as official  # noqa: E402
from lolatents import lol_numpy, lol_torch  # noqa: E402

from surrogate import CHARTS, Seeds, SurrogateSpace  # noqa: E402

# k seeds of a latent of this shape: an image of 1024 pixels in 16 channels, and a video.
IMAGE, VIDEO = (16, 128, 128), (16, 33, 120, 120)
SIZES = {"8 seeds, image": (8, IMAGE), "32 seeds, image": (32, IMAGE), "4 seeds, video": (4, VIDEO)}
POINTS = {IMAGE: (1, 8, 64), VIDEO: (1, 8)}
# lolatents makes n·k·D numbers on the way: not asked for more than this.
LARGEST = 600 << 20
MB = 1e6


def noises(k: int, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.randn(k, *shape, generator=torch.Generator().manual_seed(0))


def coordinates(n: int, k: int) -> np.ndarray:
    return np.random.default_rng(0).random((n, k - 1))


def weights(n: int, k: int) -> np.ndarray:
    return CHARTS["knothe_rosenblatt"].weights(coordinates(n, k))


# What is compared. Each function gets the seeds (k, *shape) and returns a function to be measured.


def build_ours(seeds):
    return lambda: SurrogateSpace(Seeds.from_tensors(seeds))


def build_and_gram_ours(seeds):
    return lambda: SurrogateSpace(Seeds.from_tensors(seeds)).gram()


def build_official(seeds):
    flat = seeds.flatten(1).numpy()
    return lambda: official.knothe_rosenblatt_surrogate_chart(flat)


def combine_product(seeds, w):
    flat, weights = seeds.flatten(1), torch.from_numpy(w).float()
    return lambda: torch.mm(weights, flat)


def combine_ours(seeds, w):
    space = SurrogateSpace(Seeds.from_tensors(seeds))
    return lambda: space.combine(w)


def combine_ours_apart(seeds, w):
    space = SurrogateSpace(Seeds.join([Seeds.from_tensors(seed[None]) for seed in seeds]))
    return lambda: space.combine(w)


def combine_official(seeds, w):
    chart = official.knothe_rosenblatt_surrogate_chart(seeds.flatten(1).numpy())
    return lambda: chart.from_w_to_z(w)


def combine_lol_torch(seeds, w):
    if len(w) * seeds.numel() * 4 > LARGEST:
        return None
    flat, weights = seeds.flatten(1), torch.from_numpy(w).float()
    return lambda: lol_torch.lol_gaussian(weights, flat)


def combine_lol_numpy(seeds, w):
    if len(w) * seeds.numel() * 4 > LARGEST:
        return None
    flat, weights = seeds.flatten(1).numpy(), w.astype(np.float32)
    return lambda: lol_numpy.lol_gaussian(weights, flat)


def chart_ours(k, u):
    space = SurrogateSpace(Seeds.from_range(0, k))
    return lambda: space.weights(u)


def chart_official(k, u):
    chart = official.knothe_rosenblatt_surrogate_chart(noises(k, (k,)).numpy())
    return lambda: chart.from_u_to_w(u)


BUILD = {"ours": build_ours, "ours, with Gram matrix": build_and_gram_ours, "official": build_official}
COMBINE = {
    "one product": combine_product,
    "ours": combine_ours,
    "ours, seeds apart": combine_ours_apart,
    "official": combine_official,
    "lolatents torch": combine_lol_torch,
    "lolatents numpy": combine_lol_numpy,
}


def draw_alone(k: int, shape: tuple[int, ...]):
    seeds = Seeds.from_range(0, k)

    def draw():
        for seed in seeds:
            seed.noise((shape,))

    return draw


def lazy(k: int, shape: tuple[int, ...], u: np.ndarray):
    space = SurrogateSpace(Seeds.from_range(0, k))
    return lambda: space.latents(u, shape)


# Measuring.


def take_turns(competitors: dict[str, Callable | None], seconds: float, least: int) -> dict[str, list[float]]:
    """Seconds of each run: in rounds, for at least `least` rounds and then until the time is up.

    The order changes from round to round, for a run finds the caches and the allocator as the one before left them.
    """
    running = {name: run for name, run in competitors.items() if run is not None}
    times = {name: [] for name in running}
    for run in running.values():
        run()
    order, shuffled = list(running), random.Random(0)
    end = time.perf_counter() + seconds
    while len(next(iter(times.values()))) < least or time.perf_counter() < end:
        shuffled.shuffle(order)
        for name in order:
            start = time.perf_counter()
            running[name]()
            times[name].append(time.perf_counter() - start)
    return times


def in_ms(times: list[float]) -> str:
    """Median and, in brackets, the fastest and the slowest tenth."""
    times = sorted(times)
    low, middle, high = times[0], statistics.median(times), times[math.ceil(0.9 * len(times)) - 1]
    return f"{1e3 * middle:.3g} ({1e3 * low:.3g}…{1e3 * high:.3g})"


def ratio(times: list[float], other: list[float]) -> str:
    """Of the medians and, in brackets, of the fastest runs."""
    medians = statistics.median(times) / statistics.median(other)
    return f"{medians:.3g} ({min(times) / min(other):.3g})"


def peak(kind: str, *arguments: str) -> int:
    """Bytes by which one run raises the peak memory of a fresh process."""
    command = [sys.executable, str(Path(__file__).absolute()), "--peak", kind, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return int(done.stdout)


def measure_peak(kind: str, name: str, size: str, points: str) -> None:
    """In the child: prepare, run once on a small size to load what is loaded late, then measure."""
    small, n = noises(3, (16,)), int(points)
    if kind == "build":
        BUILD[name](small)()
        run = BUILD[name](noises(*SIZES[size]))
    elif kind == "combine":
        COMBINE[name](small, weights(2, 3))()
        k, shape = SIZES[size]
        run = COMBINE[name](noises(k, shape), weights(n, k))
    else:
        lazy(3, (16,), coordinates(2, 3))()
        run = lazy(64, {"image": IMAGE, "video": VIDEO}[size], coordinates(n, 64))
    before = resident()
    reset = reset_peak()
    if not reset:
        before = highest()
    kept = run()
    print(max(0, highest() - before))
    del kept


def reset_peak() -> bool:
    """Let the kernel forget the process' peak so far; only Linux can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return highest() < resident() + 8 * MB


def resident() -> int:
    return _status("VmRSS") or highest()


def highest() -> int:
    peak = _status("VmHWM")
    if peak is None:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return peak


def _status(field: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


# Tables.


def heading(title: str, columns: list[str]) -> None:
    print(f"\n### {title}\n")
    row(*columns)
    row(*["---"] * len(columns))


def row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def machine() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        cpu = platform.processor() or platform.machine()
    return (
        f"{cpu}; cores: {os.cpu_count()}, threads: {torch.get_num_threads()}; Python {platform.python_version()}, "
        f"torch {torch.__version__.partition('+')[0]}, numpy {np.__version__}"
    )


def load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def building(sizes: dict, seconds: float, least: int) -> None:
    heading("Building a space from seeds in memory", ["seeds", "building", "ms", "times faster than official"])
    for size, (k, shape) in sizes.items():
        seeds = noises(k, shape)
        times = take_turns({name: make(seeds) for name, make in BUILD.items()}, seconds, least)
        for name, taken in times.items():
            row(size, name, in_ms(taken), "" if name == "official" else ratio(times["official"], taken))


def combining(sizes: dict, seconds: float, least: int) -> None:
    heading("Combining seeds in memory", ["seeds", "points", "from w to latents", "ms", "times one product"])
    for size, (k, shape) in sizes.items():
        seeds = noises(k, shape)
        for n in POINTS[shape]:
            w = weights(n, k)
            times = take_turns({name: make(seeds, w) for name, make in COMBINE.items()}, seconds, least)
            for name in COMBINE:
                if name not in times:
                    row(size, str(n), name, "too large", "")
                    continue
                slower = "" if name == "one product" else ratio(times[name], times["one product"])
                row(size, str(n), name, in_ms(times[name]), slower)


def charting(seconds: float, least: int) -> None:
    heading("The chart alone, from u to w", ["seeds", "points", "ours ms", "official ms", "ratio"])
    for k, n in ((8, 1), (8, 64), (32, 64), (64, 1000), (1024, 64)):
        u = coordinates(n, k)
        times = take_turns({"ours": chart_ours(k, u), "official": chart_official(k, u)}, seconds / 3, least)
        ours, other = times["ours"], times["official"]
        row(str(k), str(n), in_ms(ours), in_ms(other), ratio(ours, other))


def memory(sizes: dict) -> None:
    heading("Peak memory on top of the seeds", ["seeds", "what", "MB", "seeds MB", "output MB"])
    for size, (k, shape) in sizes.items():
        one = 4 * math.prod(shape) / MB
        for name in BUILD:
            extra = peak("build", name, size, "0") / MB
            row(size, f"building, {name}", f"{extra:.0f}", f"{k * one:.0f}", "")
        for name in COMBINE:
            if name.startswith("lolatents") and 8 * k * one * MB > LARGEST:
                row(size, f"8 points, {name}", "too large", f"{k * one:.0f}", f"{8 * one:.0f}")
                continue
            extra = peak("combine", name, size, "8") / MB
            row(size, f"8 points, {name}", f"{extra:.0f}", f"{k * one:.0f}", f"{8 * one:.0f}")


def integers(shapes: dict, seconds: float, least: int) -> None:
    heading(
        "64 integer seeds, drawn when needed",
        ["latent", "points", "ms", "drawing alone ms", "ratio", "peak MB", "output and one seed MB"],
    )
    for size, shape in shapes.items():
        for n in (1, 8):
            u = coordinates(n, 64)
            times = take_turns({"all": lazy(64, shape, u), "draw": draw_alone(64, shape)}, seconds, least)
            needed = (n + 1) * 4 * math.prod(shape) / MB
            extra = peak("lazy", "ours", size, str(n)) / MB
            taken = in_ms(times["all"]), in_ms(times["draw"]), ratio(times["all"], times["draw"])
            row(size, str(n), *taken, f"{extra:.0f}", f"{needed:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, without the largest sizes")
    parser.add_argument("--peak", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        measure_peak(*arguments.peak)
        return
    sizes = {size: made for size, made in SIZES.items() if not (arguments.quick and made[1] == VIDEO)}
    print(f"{machine()}. Load average at the start {load()}.")
    seconds, least = (0.5, 3) if arguments.quick else (6, 7)
    building(sizes, seconds, least)
    combining(sizes, seconds, least)
    charting(seconds, least)
    integers({"image": IMAGE} if arguments.quick else {"image": IMAGE, "video": VIDEO}, seconds, least)
    memory(sizes)
    print(f"\nLoad average at the end {load()}.")


if __name__ == "__main__":
    main()
