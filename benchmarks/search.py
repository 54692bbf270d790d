"""How good a picture a search finds for a number of images: this pack's studies against searches without seeds.

    python benchmarks/search.py PATH_OF_COMFYUI    whatever is not there yet; stop it and go on when you like
    python benchmarks/search.py                    the table and the plot of what is there

with a Python that has ComfyUI's requirements and this pack's. The demo model, its prompt left open, 8 Euler steps;
the score is the root mean square error of 32×32 pixels to a target that `demo/scenes.py` draws, so the model can come
close to it and not reach it. All lines of a repeat share target and random noises. Finished runs are kept, a line of
JSON each, in .comfy/benchmarks/search.jsonl: delete that file to begin anew.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))
sys.path.append(str(ROOT / "benchmarks"))

import subject  # noqa: E402

from surrogate import Seeds, SurrogateSpace, points  # noqa: E402
from surrogate.pictures.canvas import Palette  # noqa: E402
from surrogate.pictures.lettering import Face  # noqa: E402
from surrogate.pictures.page import MARGIN, Page  # noqa: E402
from surrogate.pictures.plotting import Strokes, ticks  # noqa: E402
from surrogate.scores import make_score  # noqa: E402
from surrogate.search import Study  # noqa: E402

RUNS = subject.runs("search")
PLOT = ROOT / "benchmarks" / "search.png"
BUDGETS = (64, 256)
SHAPE = (16, 16, 16)
BATCH = 8
# Four scenes of one generator, and for each of them four repeats with noises of their own (two of the searches in
# spaces).
SCENES, TARGETS, REPEATS = 4001, 4, 4


class Spent(Exception):
    """The budget is spent."""


@dataclass(frozen=True)
class Problem:
    """A target and a repeat: what the lines of a comparison have in common."""

    target: int
    repeat: int

    @property
    def seed(self) -> int:
        """The first of this problem's integer seeds; no other problem has any of the 10,000 that follow."""
        return 10_000 * (1 + self.target + TARGETS * self.repeat)

    def seeds(self, count: int) -> Seeds:
        """Its first random noises."""
        return Seeds.from_range(self.seed, count)


class Meter:
    """Images are made and scored here, and only here: `rmse` has every score in the order in which it was paid for.

    `known`: scores of the problem's first random noises. They are paid for like any other, only not made again.
    """

    def __init__(self, draw: Callable, target: torch.Tensor, problem: Problem, budget: int, known: list[float]):
        self.draw, self.match = draw, make_score("match_pixels", target=target, side=32)
        self.problem, self.budget, self.known = problem, budget, known
        self.rmse: list[float] = []
        self.images: torch.Tensor | None = None  # the last ones that were made

    @property
    def left(self) -> int:
        return self.budget - len(self.rmse)

    def __call__(self, z: torch.Tensor) -> np.ndarray:
        """Root mean square errors (n,) of the images of the noises z (n, *SHAPE), as many as can be paid for.

        Raises Spent if that is none.
        """
        if not self.left:
            raise Spent
        self.images = torch.cat([self.draw(part) for part in z[: self.left].split(BATCH)])
        scores = -self.match(self.images)
        self.rmse += scores.tolist()
        return scores

    def scout(self, count: int) -> np.ndarray:
        """The same (count,) of the problem's first random noises."""
        known = self.known[:count]
        self.rmse += known
        if len(known) == count:
            return np.array(known)
        return np.concatenate([known, self(noises(self.problem.seeds(count))[len(known) :])])


def noises(seeds: Seeds) -> torch.Tensor:
    return torch.stack([seed.noise((SHAPE,))[0] for seed in seeds])


# The lines. Each spends the meter's budget.


def random_noise(meter: Meter, problem: Problem) -> None:
    """What everybody does: the images of one integer seed after the other."""
    meter.scout(meter.budget)


def full_cma(meter: Meter, problem: Problem) -> None:
    """CMA-ES on the 4096 numbers of the latent: with a diagonal covariance, and latents scaled to unit variance.

    A full covariance could learn nothing either: at this dimension it moves by 1e-6 a generation. Without the scaling
    the latents leave the shell on which noise lies, and the images spoil.
    """
    import cma

    random = np.random.default_rng(problem.seed)
    options = {"popsize": BATCH, "CMA_diagonal": True, "seed": np.nan, "verbose": -9, "verb_log": 0}
    options["randn"] = lambda *shape: random.standard_normal(shape)
    search = cma.CMAEvolutionStrategy(np.zeros(np.prod(SHAPE)), 1.0, options)
    while True:
        asked = search.ask()
        z = torch.from_numpy(np.array(asked)).float()
        search.tell(asked, meter((z / z.std(1, keepdim=True)).reshape(-1, *SHAPE)).tolist())


def zero_order(meter: Meter, problem: Problem) -> None:
    """Small random steps around the best noise so far, z' = cos a z + sin a n: a grows with success, and shrinks."""
    z, scores = noises(problem.seeds(BATCH)), meter.scout(BATCH)
    best, score, angle = z[scores.argmin()], scores.min(), 0.5
    chance = torch.Generator().manual_seed(problem.seed)
    while True:
        z = np.cos(angle) * best + np.sin(angle) * torch.randn(BATCH, *SHAPE, generator=chance)
        scores = meter(z)
        if scores.min() < score:
            best, score, angle = z[scores.argmin()], scores.min(), min(np.pi / 2, 1.5 * angle)
        else:
            angle *= 0.8


def study(k: int, optimiser: str = "cma-es", scouted: bool = True, **settings) -> Callable:
    """This pack: a study of the space of the k best of a third of the budget, or of the first k random noises."""

    def search(meter: Meter, problem: Problem) -> None:
        seeds, known = problem.seeds(k), None
        if scouted:
            scores = meter.scout(meter.budget // 3)
            best = np.argsort(scores)[:k]
            seeds, known = Seeds(tuple(problem.seeds(len(scores))[i] for i in best)), scores[best]
        space = SurrogateSpace(seeds)
        made = Study.open(
            None,
            "search",
            space,
            budget=meter.left,
            optimiser=optimiser,
            directions="minimize",
            seed=problem.seed,
            settings=settings,
        )
        if known is not None:
            made.add_known(points.vertices(space).u, known)
        while len(generation := made.ask()):
            made.tell(generation, meter(space.latents(generation.u, SHAPE)))

    return search


def adaptive(meter: Meter, problem: Problem) -> None:
    """This pack, leaving the space: a study of any eight seeds' space, which the optimiser `adaptive` widens."""
    made = Study.open(
        None,
        "search",
        SurrogateSpace(problem.seeds(8)),
        budget=meter.left,
        optimiser="adaptive",
        directions="minimize",
        seed=problem.seed,
    )
    while len(generation := made.ask()):
        scores = meter(made.space.latents(generation.u, SHAPE))
        pictures = (meter.images.clamp(0, 1) * 255).round().byte().numpy()[:, None]
        made.tell(generation, scores, pictures=list(pictures))


@dataclass(frozen=True)
class Line:
    """A competitor. `repeats`: of how many problems; `per_budget`: whether what it does depends on the budget.

    `colour`: in the plot, None if it is not there.
    """

    title: str
    spend: Callable[[Meter, Problem], None]
    repeats: int = TARGETS * REPEATS // 2
    per_budget: bool = False
    colour: tuple[int, int, int] | None = None

    @property
    def budgets(self) -> tuple[int, ...]:
        return BUDGETS if self.per_budget else BUDGETS[-1:]

    def run(self, meter: Meter) -> list[float]:
        """The scores of one run, in the order in which they were paid for."""
        with contextlib.suppress(Spent):
            self.spend(meter, meter.problem)
        return meter.rmse


LINES = {
    "random": Line("random noise", random_noise, repeats=TARGETS * REPEATS, colour=(160, 160, 168)),
    "zero": Line("small steps around the best", zero_order, repeats=TARGETS * REPEATS, colour=(255, 196, 72)),
    "full": Line("CMA-ES, whole latent", full_cma, repeats=TARGETS * REPEATS, colour=(232, 120, 84)),
    "adaptive": Line("adaptive", adaptive, repeats=TARGETS * REPEATS, colour=(240, 110, 200)),
    "k16": Line("16 best seeds, cma-es", study(16), per_budget=True, colour=(40, 130, 220)),
    "k8": Line("8 best seeds, cma-es", study(8), per_budget=True, colour=(92, 184, 255)),
    "k4": Line("4 best seeds, cma-es", study(4), per_budget=True, colour=(170, 220, 255)),
    "k16 random": Line("16 random seeds, cma-es", study(16, scouted=False), colour=(104, 160, 120)),
    "k8 random": Line("8 random seeds, cma-es", study(8, scouted=False)),
    "k4 random": Line("4 random seeds, cma-es", study(4, scouted=False)),
    "k4 bayesian": Line("4 best seeds, bayesian", study(4, "bayesian"), 4, per_budget=True),
    "k8 tpe": Line("8 best seeds, tpe", study(8, "tpe"), 4, per_budget=True),
    "k8 sobol": Line("8 best seeds, sobol", study(8, "sobol"), 4, per_budget=True),
    "k8 uniform": Line("8 best seeds, random points", study(8, "random"), 4, per_budget=True),
}
PROBLEMS = [Problem(target, repeat) for repeat in range(REPEATS) for target in range(TARGETS)]


# Running.


@dataclass(frozen=True)
class Run:
    """What a line of a problem is called among the finished runs."""

    line: str
    problem: Problem
    budget: int


def finished() -> dict[Run, list[float]]:
    """The scores of every finished run."""
    text = RUNS.read_text("utf-8") if RUNS.exists() else ""
    entries = [json.loads(line) for line in text.splitlines()]
    return {Run(e["line"], Problem(e["target"], e["repeat"]), e["budget"]): e["rmse"] for e in entries}


def wanted() -> list[Run]:
    """All runs, the more telling lines first and problem by problem: a part of them is a fair comparison too."""
    runs = []
    for names in (list(LINES)[:7], list(LINES)[7:]):
        for number, problem in enumerate(PROBLEMS):
            for name in names:
                if number < LINES[name].repeats:
                    runs += [Run(name, problem, budget) for budget in LINES[name].budgets]
    return runs


def run_missing(draw: Callable) -> None:
    targets = subject.render(TARGETS, 128, generator=torch.Generator().manual_seed(SCENES))[0].permute(0, 2, 3, 1)
    RUNS.parent.mkdir(parents=True, exist_ok=True)
    runs = wanted()
    for i, run in enumerate(runs, 1):
        done = finished()
        if run in done:
            continue
        began = time.monotonic()
        known = done.get(Run("random", run.problem, BUDGETS[-1]), [])
        rmse = LINES[run.line].run(Meter(draw, targets[run.problem.target], run.problem, run.budget, known))
        entry = {"line": run.line, "target": run.problem.target, "repeat": run.problem.repeat, "budget": run.budget}
        with open(RUNS, "a", encoding="utf-8") as file:
            file.write(json.dumps({**entry, "rmse": rmse}) + "\n")
        seconds = time.monotonic() - began
        print(f"{i} of {len(runs)}  {run}: best {min(rmse):.4f} of {len(rmse)}, {seconds:.0f} s", flush=True)


def load_model(comfyui: str) -> Callable:
    """A function from noises (n, *SHAPE) to images (n, h, w, 3)."""
    model, vae, conditioning = subject.load(comfyui)
    import comfy.samplers

    vae.first_stage_model.to(memory_format=torch.channels_last)  # decoding is most of the time, and a quarter faster so
    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(conditioning, conditioning)
    guider.set_cfg(1.0)
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "simple", 8)
    sampler = comfy.samplers.sampler_object("euler")

    @torch.inference_mode()
    def draw(z):
        return vae.decode(guider.sample(z, torch.zeros_like(z), sampler, sigmas, disable_pbar=True, seed=0))

    return draw


# The report.


def complete(done: dict[Run, list[float]], name: str) -> list[Problem]:
    """The problems of which a line's runs are all there, and those of random noise."""
    needed = [(name, budget) for budget in LINES[name].budgets] + [("random", BUDGETS[-1])]
    return [p for p in PROBLEMS if all(Run(line, p, budget) in done for line, budget in needed)]


def best(done: dict[Run, list[float]], name: str, problems: list[Problem], images: int) -> np.ndarray:
    """(problems,) the best score of the first `images`, in runs that had no more to spend where that matters."""
    budget = min(b for b in LINES[name].budgets if b >= images)
    return np.array([min(done[Run(name, p, budget)][:images]) for p in problems])


def bootstrap(values: np.ndarray) -> tuple[float, float]:
    """The median's 95 % interval."""
    drawn = np.random.default_rng(0).choice(values, (10_000, len(values)))
    low, high = np.quantile(np.median(drawn, axis=1), [0.025, 0.975])
    return low, high


def table(done: dict[Run, list[float]]) -> None:
    row(
        "search",
        "runs",
        *(f"best of {b}" for b in BUDGETS),
        *(f"times random noise, {b}" for b in BUDGETS),
        "better in",
    )
    row(*["---"] * 7)
    for name, line in LINES.items():
        problems = complete(done, name)
        if not problems:
            continue
        cells, ratios = [], []
        for budget in BUDGETS:
            scores = best(done, name, problems, budget)
            low, middle, high = np.quantile(scores, [0.25, 0.5, 0.75])
            cells.append(f"{middle:.4f} ({low:.4f}…{high:.4f})")
            ratios.append(scores / best(done, "random", problems, budget))
        if name == "random":
            row(line.title, str(len(problems)), *cells, "1", "1", "")
            continue
        times = ["{:.2f} ({:.2f}…{:.2f})".format(np.median(r), *bootstrap(r)) for r in ratios]
        row(line.title, str(len(problems)), *cells, *times, f"{(ratios[-1] < 1).sum()} of {len(problems)}")


def row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |")


def plot(done: dict[Run, list[float]], size: tuple[int, int] = (960, 560)) -> np.ndarray | None:
    """Medians of the best score so far against images, (height, width, 3) uint8; None if there is nothing to draw."""
    names = [name for name, line in LINES.items() if line.colour is not None and complete(done, name)]
    problems = [p for p in PROBLEMS if all(p in complete(done, name) for name in names)]
    if not names or not problems:
        return None
    budget = BUDGETS[-1]
    runs = {name: np.array([done[Run(name, p, budget)] for p in problems]) for name in names}
    medians = {name: np.median(np.minimum.accumulate(r, axis=1), axis=0) for name, r in runs.items()}
    ends = sorted(names, key=lambda name: medians[name][-1])

    face, text, margin, first = Face(None), 14, MARGIN, 4
    width, height = size
    caption = (
        f"medians of {len(problems)} runs; {budget} images each; a third of them for scouting where seeds are the best"
    )
    canvas = Page.plan(face, width, "Best match so far, by images made", caption).canvas(height - MARGIN)
    top, bottom = 104, height - margin - 2 * face.line(13)
    left, right = margin + 52, width - margin - max(face.width(LINES[n].title, text) for n in names) - 14
    shown = np.concatenate([m[first - 1 :] for m in medians.values()])
    low, high = 0.97 * shown.min(), 1.02 * shown.max()

    def across(images):
        return left + np.log2(np.asarray(images) / first) / np.log2(budget / first) * (right - left)

    def up(score):
        return bottom - (np.asarray(score) - low) / (high - low) * (bottom - top)

    canvas.fill(left, top, right, bottom, Palette.hollow)
    for value, label in zip(*ticks(low, high, 7)):
        y = round(float(up(value)))
        canvas.fill(left, y, right, y + 1, Palette.edge)
        canvas.text(left - 8, y - face.line(13) // 2, label, face, 13, Palette.caption, "right")
    for images in (4, 8, 16, 32, 64, 128, 256):
        x = round(float(across(images)))
        canvas.fill(x, top, x + 1, bottom, Palette.edge)
        canvas.text(x, bottom + 6, f"{images}", face, 13, Palette.caption, "middle")
    canvas.text((left + right) // 2, bottom + 6 + face.line(13), "images", face, 13, Palette.quiet, "middle")
    canvas.text(left, top - 4 - face.line(13), "root mean square error, less is better", face, 13, Palette.quiet)
    with Strokes(canvas, left, top, right, bottom) as strokes:
        for name in reversed(ends):
            images = np.arange(first, budget + 1)
            points = np.stack([across(images), up(medians[name][first - 1 :])], axis=1)
            steps = np.repeat(points, 2, axis=0)[1:]
            steps[1::2, 1] = steps[:-1:2, 1]
            strokes.line(steps, LINES[name].colour, 2.0)
    free = float(top)
    for name in reversed(ends):  # the worst is the highest
        free = max(free, float(up(medians[name][-1])) - face.line(text) / 2)
        canvas.text(right + 10, round(free), LINES[name].title, face, text, LINES[name].colour)
        free += face.line(text)
    return canvas.pixels


def report() -> None:
    done = finished()
    print(f"{len(set(wanted()) & done.keys())} of {len(wanted())} runs are there.\n")
    table(done)
    picture = plot(done)
    if picture is not None:
        Image.fromarray(picture).save(PLOT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("comfyui", nargs="?", help="path of ComfyUI; without it only the report")
    comfyui = parser.parse_args().comfyui
    if comfyui:
        run_missing(load_model(comfyui))
    report()


if __name__ == "__main__":
    main()
