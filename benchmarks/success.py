"""How many designs meet a threshold that one in fifty random noises meets: random noise against spaces of seeds.

    python benchmarks/success.py PATH_OF_COMFYUI    whatever is not there yet; stop it and go on when you like
    python benchmarks/success.py                    the table of what is there

with a Python that has ComfyUI's requirements and this pack's. It is the comparison of Willis et al. (arXiv 2509.23800): a
design is a picture of the demo model, its prompt left open, 8 Euler steps. A task is a score; its threshold is what the
best 2 % of the pool meet. Designs are then drawn from new random noise, from spaces of random seeds, and from spaces of
seeds that met the threshold themselves, points uniform in each. Scores are kept, a line of JSON for each set of designs, in
.comfy/benchmarks/success.jsonl: delete that file to begin anew.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from demo.scenes import render  # noqa: E402
from surrogate import Seeds, SurrogateSpace, points  # noqa: E402
from surrogate.scores import make_score  # noqa: E402

DONE = ROOT / ".comfy" / "benchmarks" / "success.jsonl"
POOL, PASS = 400, 0.02
SPACES, SEEDS, DESIGNS = 12, 4, 16  # of each kind; seeds of a space; points of each
SHAPE, BATCH = (16, 16, 16), 8
FIRST = {"pool": 0, "random noise": 100_000, "space of random seeds": 200_000}
TASKS = {
    "like a given picture": lambda: make_score("match_pixels", target=target(), side=32),
    "brightest spot on the left": lambda: Left(),
}


class Left:
    """Minus the place of the brightest spot, from the left."""

    def __call__(self, images) -> np.ndarray:
        return -make_score("brightest_x")(images)


def target() -> torch.Tensor:
    """A scene (128, 128, 3) that the rules of the demo draw."""
    return render(1, 128, generator=torch.Generator().manual_seed(4001))[0][0].movedim(0, -1)


@dataclass(frozen=True)
class Group:
    """Designs that are made together: of random noise, or of one space. `task` for spaces of a task's own seeds."""

    kind: str
    number: int = 0
    task: str = ""

    @property
    def key(self) -> str:
        return f"{self.kind} {self.number} {self.task}".strip()

    def noises(self, done: dict[str, dict[str, list[float]]]) -> torch.Tensor:
        """(n, *SHAPE)"""
        if self.kind in ("pool", "random noise"):
            first = FIRST[self.kind] + self.number * DESIGNS
            return torch.stack([seed.noise((SHAPE,))[0] for seed in Seeds.from_range(first, DESIGNS)])
        space = SurrogateSpace(self.seeds(done))
        return space.latents(points.random(space, DESIGNS, self.number).u, SHAPE)

    def seeds(self, done: dict[str, dict[str, list[float]]]) -> Seeds:
        """Of its space: random ones, or some of those in the pool that met the task's threshold."""
        if self.kind == "space of random seeds":
            return Seeds.from_range(FIRST[self.kind] + self.number * SEEDS, SEEDS)
        scores = pool(done, self.task)
        passed = np.flatnonzero(scores >= threshold(scores))
        chosen = np.random.default_rng(self.number).choice(passed, SEEDS, replace=False)
        return Seeds.from_text(", ".join(str(seed) for seed in sorted(chosen.tolist())))


def groups(kind: str, task: str = "") -> list[Group]:
    count = POOL // DESIGNS if kind == "pool" else SPACES
    return [Group(kind, number, task) for number in range(count)]


def wanted() -> Iterator[Group]:
    """All groups: first the pool, in which the seeds of the tasks are found."""
    for kind in FIRST:
        yield from groups(kind)
    for number in range(SPACES):
        yield from (Group("space of the task's seeds", number, task) for task in TASKS)


def finished() -> dict[str, dict[str, list[float]]]:
    """Key of a group -> task -> its scores."""
    text = DONE.read_text("utf-8") if DONE.exists() else ""
    return {entry["group"]: entry["scores"] for entry in map(json.loads, text.splitlines())}


def pool(done: dict, task: str) -> np.ndarray:
    """(POOL,) the scores of the pool."""
    return np.concatenate([done[group.key][task] for group in groups("pool")])


def threshold(scores: np.ndarray) -> float:
    """What the best 2 % meet."""
    return float(np.sort(scores)[-round(PASS * len(scores))])


def run_missing(draw: Callable) -> None:
    scores = {task: make() for task, make in TASKS.items()}
    DONE.parent.mkdir(parents=True, exist_ok=True)
    for group in wanted():
        done = finished()
        if group.key in done:
            continue
        images = torch.cat([draw(z) for z in group.noises(done).split(BATCH)]).clamp(0, 1)
        found = {task: np.asarray(score(images)).tolist() for task, score in scores.items()}
        with open(DONE, "a", encoding="utf-8") as file:
            file.write(json.dumps({"group": group.key, "scores": found}) + "\n")
        print(group.key, flush=True)


# The report.


def rates(done: dict, kind: str, task: str) -> np.ndarray:
    """(groups,) the share of each group's designs that meet the task's threshold."""
    own = task if kind == "space of the task's seeds" else ""
    least = threshold(pool(done, task))
    made = [done[group.key][task] for group in groups(kind, own) if group.key in done]
    return np.array([(np.asarray(scores) >= least).mean() for scores in made])


def interval(shares: np.ndarray) -> tuple[float, float]:
    """The mean's 95 % interval by bootstrap over groups, for designs of a space are alike."""
    drawn = np.random.default_rng(0).choice(shares, (10_000, len(shares))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def report() -> None:
    done = finished()
    kinds = ("random noise", "space of random seeds", "space of the task's seeds")
    row("task", *kinds, "spaces of the task's seeds without a success")
    row(*["---"] * 5)
    for task in TASKS:
        cells = []
        for kind in kinds:
            shares = rates(done, kind, task)
            low, high = interval(shares)
            cells.append(f"{100 * shares.mean():.1f} % ({100 * low:.1f}…{100 * high:.1f})")
        row(task, *cells, f"{(shares == 0).sum()} of {len(shares)}")


def row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("comfyui", nargs="?")
    options = parser.parse_args()
    if options.comfyui:
        from search import load_model

        run_missing(load_model(options.comfyui))
    report()


if __name__ == "__main__":
    main()
