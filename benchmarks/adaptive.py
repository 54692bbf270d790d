"""Searches that leave the space between their seeds, on three kinds of score: `adaptive` against what others do.

    python benchmarks/adaptive.py PATH_OF_COMFYUI [lines…]    whatever is not there yet; stop it and go on when you like
    python benchmarks/adaptive.py                             the tables of what is there

with a Python that has ComfyUI's requirements and this pack's. The demo model, its prompt left open, 4 Euler steps; a
picture is the latent's preview, 16×16 pixels by a linear map fitted to the autoencoder, as ComfyUI's own previews are.
That is ten times cheaper than pictures, so that many repeats are possible; benchmarks/search.py has whole pictures.

match     root mean square error to a scene that `demo/scenes.py` draws
either    the same to the nearer of two scenes: two places to search
meaning   how far the brightest spot and the skyline are from where they are wanted, in steps of a sixteenth of the
          picture, and noise on top: plateaus, and luck. What is reported is without the noise

Eight goals a kind, two repeats of each (of some lines one). All lines of a repeat share goal and random noises.
Finished runs are kept in .comfy/benchmarks/adaptive.jsonl: delete that file to begin anew.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))
sys.path.append(str(ROOT / "benchmarks"))

import search  # noqa: E402
import subject  # noqa: E402
from search import Line  # noqa: E402

from surrogate import SurrogateSpace  # noqa: E402
from surrogate.resizing import area_means  # noqa: E402
from surrogate.scores import make_score  # noqa: E402
from surrogate.search import Study  # noqa: E402

RUNS = subject.runs("adaptive")
BUDGETS = (32, 64, 128, 256)
SCENES, GOALS, REPEATS = 6001, 8, 2
SIDE, STEPS, FITTED = 16, 4, 96
KINDS = ("match", "either", "meaning")
NOISE = 0.03  # of the score of meaning: half a step


@dataclass(frozen=True)
class Problem:
    """A kind of score, one of its goals, and a repeat: what all lines have in common."""

    kind: str
    goal: int
    repeat: int

    @property
    def seed(self) -> int:
        """The first of this problem's integer seeds; no other problem has any of the 10,000 that follow."""
        return 5_000_000 + 10_000 * (self.goal + GOALS * (self.repeat + REPEATS * KINDS.index(self.kind)))

    def seeds(self, count: int):
        return search.Seeds.from_range(self.seed, count)


class Goals:
    """What is wanted, and how far pictures (n, 16, 16, 3) are from it."""

    def __init__(self):
        scenes = (
            subject.render(GOALS, 128, generator=torch.Generator().manual_seed(SCENES))[0].permute(0, 2, 3, 1).numpy()
        )
        self.scenes = np.stack([area_means(scene.astype(np.float64), SIDE, SIDE) for scene in scenes])
        # Where the sun and the skyline can be in this model's pictures.
        self.places = np.random.default_rng(SCENES).uniform([0.15, 0.1, 0.35], [0.85, 0.45, 0.75], (GOALS, 3))
        self.spot = [make_score("brightest_x"), make_score("brightest_y")]

    def __call__(self, problem: Problem, pictures: np.ndarray) -> np.ndarray:
        if problem.kind == "meaning":
            images = torch.from_numpy(pictures).float()
            contrast = np.abs(np.diff(pictures.mean(axis=-1), axis=1))
            skyline = (contrast.argmax(axis=1).mean(axis=1) + 1) / SIDE
            found = np.stack([*(np.asarray(score(images)) for score in self.spot), skyline], axis=1)
            return np.abs(np.round(found * SIDE) / SIDE - self.places[problem.goal]).sum(axis=1)
        wanted = [problem.goal] if problem.kind == "match" else [problem.goal, (problem.goal + 1) % GOALS]
        away = [np.sqrt(((pictures - self.scenes[i]) ** 2).mean(axis=(1, 2, 3))) for i in wanted]
        return np.min(away, axis=0)


class Meter:
    """Pictures are made and scored here, and only here: `told` is what a search sees, `true` the same without noise."""

    def __init__(self, draw: Callable, goals: Goals, problem: Problem, budget: int):
        self.draw, self.goals, self.problem, self.budget = draw, goals, problem, budget
        self.chance = np.random.default_rng([problem.seed, 1])
        self.told: list[float] = []
        self.true: list[float] = []
        self.pictures: list[np.ndarray] = []

    @property
    def left(self) -> int:
        return self.budget - len(self.told)

    def __call__(self, z: torch.Tensor) -> np.ndarray:
        """Scores (n,) of the noises z, as many as can be paid for. Raises search.Spent if that is none."""
        if not self.left:
            raise search.Spent
        z = z[: self.left]
        pictures = np.concatenate([self.draw(part) for part in z.split(search.BATCH)])
        true = self.goals(self.problem, pictures)
        told = true + NOISE * self.chance.standard_normal(len(true)) * (self.problem.kind == "meaning")
        self.true += true.tolist()
        self.told += told.tolist()
        self.pictures += list(pictures)
        return told

    def scout(self, count: int) -> np.ndarray:
        return self(search.noises(self.problem.seeds(count)))

    def found(self) -> list[float]:
        """After each picture, what the best one so far, by the scores told, is truly worth."""
        best = np.minimum.accumulate(self.told)
        leader = np.maximum.accumulate(np.where(self.told == best, np.arange(len(best)), 0))
        return np.asarray(self.true)[leader].tolist()

    def diversity(self) -> float:
        """Mean root mean square distance of the ten best pictures from each other."""
        ten = np.stack(self.pictures)[np.argsort(self.told)[:10]]
        return float(np.mean([np.sqrt(((a - b) ** 2).mean()) for a, b in itertools.combinations(ten, 2)]))


def fixed_steps(meter: Meter, problem: Problem) -> None:
    """Small random steps around the best noise so far, all of one size."""
    z, scores = search.noises(problem.seeds(search.BATCH)), meter.scout(search.BATCH)
    best, score, angle = z[scores.argmin()], scores.min(), 0.3
    chance = torch.Generator().manual_seed(problem.seed)
    while True:
        z = np.cos(angle) * best + np.sin(angle) * torch.randn(search.BATCH, *search.SHAPE, generator=chance)
        scores = meter(z)
        if scores.min() < score:
            best, score = z[scores.argmin()], scores.min()


def evosearch(meter: Meter, problem: Problem) -> None:
    """EvoSearch (He et al., arXiv 2505.17618), its evolution of initial noises: 3 elites stay, and each child is √(1-β²) of
    a parent, which won a tournament of three, and β = 0.2 of new noise. Elites are not paid for again."""
    size, elites, beta = 16, 3, 0.2
    chance, pick = torch.Generator().manual_seed(problem.seed), np.random.default_rng([problem.seed, 2])
    z, scores = search.noises(problem.seeds(size)), meter.scout(size)
    while True:
        best = np.argsort(scores, kind="stable")[:elites]
        rivals = pick.integers(0, len(scores), (size - elites, 3))
        parents = rivals[np.arange(len(rivals)), scores[rivals].argmin(axis=1)]
        noise = torch.randn(len(parents), *search.SHAPE, generator=chance)
        children = (1 - beta**2) ** 0.5 * z[parents] + beta * noise
        told = meter(children)
        z, scores = torch.cat([z[best], children[: len(told)]]), np.concatenate([scores[best], told])


def path_integral(meter: Meter, problem: Problem) -> None:
    """After the idea of ZeNO (Kim et al., arXiv 2605.11347), path-integral control with an Ornstein-Uhlenbeck process: from
    z go eight noisy steps, √(1-β²) z + β ε, and z takes the step of their mean ε, weighted by exp(-score/λ) and scaled to
    unit variance. β, λ and the start, the best of eight noises, are ours."""
    beta, temperature = 0.3, 0.5
    chance = torch.Generator().manual_seed(problem.seed)
    z = search.noises(problem.seeds(search.BATCH))[meter.scout(search.BATCH).argmin()]
    while True:
        noise = torch.randn(search.BATCH, *search.SHAPE, generator=chance)
        scores = meter((1 - beta**2) ** 0.5 * z + beta * noise)
        better = (scores.min() - scores) / (temperature * scores.std() or 1.0)
        weights = torch.from_numpy(np.exp(better)).float()
        step = torch.tensordot(weights / weights.norm(), noise[: len(weights)], 1)
        z = (1 - beta**2) ** 0.5 * z + beta * step


def adaptive(pictures: bool = True, population: int | None = None) -> Callable:
    """This pack: a study of the space of any eight seeds, which `adaptive` widens."""

    def spend(meter: Meter, problem: Problem) -> None:
        study = Study.open(
            None,
            "search",
            SurrogateSpace(problem.seeds(8)),
            budget=meter.left,
            optimiser="adaptive",
            population=population,
            directions="minimize",
            seed=problem.seed,
        )
        while len(generation := study.ask()):
            scores = meter(study.space.latents(generation.u, search.SHAPE))
            seen = [np.round(p[None] * 255).astype(np.uint8) for p in meter.pictures[-len(scores) :]]
            study.tell(generation, scores, pictures=seen if pictures else None)

    return spend


EVERY = GOALS * REPEATS
LINES = {
    "random": Line("random noise", search.random_noise, EVERY),
    "fixed": Line("small steps, all of one size", fixed_steps, EVERY),
    "zero": Line("small steps, adaptive size", search.zero_order, EVERY),
    "full": Line("CMA-ES, whole latent", search.full_cma, EVERY),
    "evosearch": Line("EvoSearch, initial noises", evosearch, GOALS),
    "path": Line("path integral, after ZeNO", path_integral, EVERY),
    "k16": Line("16 best seeds, cma-es", search.study(16), EVERY, per_budget=True),
    "k8": Line("8 best seeds, cma-es", search.study(8), EVERY, per_budget=True),
    "k8 random": Line("8 random seeds, cma-es", search.study(8, scouted=False), EVERY, per_budget=True),
    "k16 random": Line("16 random seeds, cma-es", search.study(16, scouted=False), GOALS, per_budget=True),
    "k8 bayesian": Line("8 best seeds, bayesian", search.study(8, "bayesian"), GOALS, per_budget=True),
    "k16 bayesian": Line("16 best seeds, bayesian", search.study(16, "bayesian"), GOALS, per_budget=True),
    "adaptive": Line("adaptive", adaptive(), EVERY),
    "adaptive blind": Line("adaptive, without pictures", adaptive(pictures=False), EVERY),
    "adaptive 8": Line("adaptive, 8 a generation", adaptive(population=8), GOALS),
    "adaptive 16": Line("adaptive, 16 a generation", adaptive(population=16), GOALS),
}
LONG = 1024
LONG_LINES = ("random", "zero", "full", "adaptive")


def load_preview(comfyui: str, steps: int = STEPS) -> Callable:
    """A function from noises (n, *SHAPE), and a number of steps for drafts, to pictures (n, 16, 16, 3) in [0, 1]."""
    model, vae, conditioning = subject.load(comfyui)
    import comfy.samplers

    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(conditioning, conditioning)
    guider.set_cfg(1.0)
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "simple", steps)
    sampler = comfy.samplers.sampler_object("euler")

    @torch.inference_mode()
    def latents(z, step=None):
        predicted = []
        x = guider.sample(
            z,
            torch.zeros_like(z),
            sampler,
            sigmas if step is None else sigmas[: step + 1],
            callback=lambda i, x0, *_: predicted.append(x0),
            disable_pbar=True,
            seed=0,
        )
        if step is not None:
            x = model.model.process_latent_out(predicted[-1])
        return x.permute(0, 2, 3, 1).double().numpy()

    some = search.noises(search.Seeds.from_range(4_000_000, FITTED)).split(search.BATCH)
    x = np.concatenate([latents(z) for z in some])
    with torch.inference_mode():
        decoded = np.concatenate(
            [vae.decode(torch.from_numpy(p).permute(0, 3, 1, 2).float()).numpy() for p in np.split(x, len(some))]
        )
    preview = fitted_preview(x, decoded)
    return lambda z, step=None: preview(latents(z, step))


def fitted_preview(x: np.ndarray, decoded: np.ndarray) -> Callable:
    """The linear map from latents (n, 16, 16, c) to pictures (n, 16, 16, 3) in [0, 1] that is nearest to `decoded` (n, h, w, 3)."""
    small = np.stack([area_means(picture.astype(np.float64), SIDE, SIDE) for picture in decoded])
    flat = np.concatenate([x.reshape(-1, x.shape[-1]), np.ones((x[..., 0].size, 1))], axis=1)
    factors = np.linalg.lstsq(flat, small.reshape(-1, 3), rcond=None)[0]
    left = ((flat @ factors - small.reshape(-1, 3)) ** 2).mean() / small.var()
    print(f"The preview explains {1 - left:.1%} of the pictures' variance.", flush=True)
    return lambda x: np.clip(x @ factors[:-1] + factors[-1], 0, 1)


def wanted(names) -> list[tuple[str, Problem, int]]:
    runs = []
    for repeat, goal, kind in itertools.product(range(REPEATS), range(GOALS), KINDS):
        problem = Problem(kind, goal, repeat)
        for name in names:
            if goal + GOALS * repeat < LINES[name].repeats:
                runs += [(name, problem, budget) for budget in (BUDGETS if LINES[name].per_budget else BUDGETS[-1:])]
    return runs + [
        (name, Problem("match", goal, 0), LONG) for goal in range(4) for name in names if name in LONG_LINES
    ]  # fmt: skip


def finished() -> dict[tuple[str, Problem, int], dict]:
    text = RUNS.read_text("utf-8") if RUNS.exists() else ""
    entries = [json.loads(line) for line in text.splitlines()]
    return {(e["line"], Problem(e["kind"], e["goal"], e["repeat"]), e["budget"]): e for e in entries}


def run_missing(draw: Callable, names) -> None:
    RUNS.parent.mkdir(parents=True, exist_ok=True)
    goals, runs = Goals(), wanted(names)
    for i, (name, problem, budget) in enumerate(runs, 1):
        if (name, problem, budget) in finished():
            continue
        began = time.monotonic()
        meter = Meter(draw, goals, problem, budget)
        with contextlib.suppress(search.Spent):
            LINES[name].spend(meter, problem)
        entry = {"line": name, "kind": problem.kind, "goal": problem.goal, "repeat": problem.repeat, "budget": budget}
        found = [round(value, 6) for value in meter.found()]
        with open(RUNS, "a", encoding="utf-8") as file:
            file.write(json.dumps({**entry, "found": found, "diversity": meter.diversity()}) + "\n")
        print(f"{i} of {len(runs)}  {name} {problem}: {found[-1]:.4f}, {time.monotonic() - began:.0f} s", flush=True)


def report() -> None:
    done = finished()
    for kind in KINDS:
        print(
            f"\n{kind}: median, and in brackets the median of the ratios to small steps of adaptive size, with its interval\n"
        )
        search.row("search", "runs", *map(str, BUDGETS), "ten best apart")
        search.row(*["---"] * (3 + len(BUDGETS)))
        for name, line in LINES.items():
            table(
                done,
                kind,
                name,
                line.title,
                BUDGETS,
                [Problem(kind, g, r) for r in range(REPEATS) for g in range(GOALS)],
            )
    longer = [Problem("match", goal, 0) for goal in range(4)]
    print(f"\nmatch, {LONG} pictures\n")
    search.row("search", "runs", "256", "512", "1024", "ten best apart")
    search.row(*["---"] * 6)
    for name in LONG_LINES:
        table(done, "match", name, LINES[name].title, (256, 512, 1024), longer)


def table(done, kind, name, title, budgets, problems) -> None:
    def at(line, problem, budget):
        entry = done.get((line, problem, budget if LINES[line].per_budget else budgets[-1]))
        return None if entry is None else entry["found"][budget - 1]

    complete = [p for p in problems if all(at(line, p, b) is not None for line in (name, "zero") for b in budgets)]
    if not complete:
        return
    cells = []
    for budget in budgets:
        values = np.array([at(name, p, budget) for p in complete])
        cell = f"{np.median(values):.4f}"
        if name != "zero":
            ratios = values / np.maximum([at("zero", p, budget) for p in complete], 1e-9)
            low, high = search.bootstrap(ratios)
            cell += f" ({np.median(ratios):.2f}, {low:.2f}…{high:.2f})"
        cells.append(cell)
    apart = np.median([done[name, p, budgets[-1]]["diversity"] for p in complete])
    search.row(title, str(len(complete)), *cells, f"{apart:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("comfyui", nargs="?", help="path of ComfyUI; without it only the report")
    parser.add_argument("lines", nargs="*", help=f"which searches, of {', '.join(LINES)}; all by default")
    arguments = parser.parse_args()
    if arguments.comfyui:
        run_missing(load_preview(arguments.comfyui), arguments.lines or list(LINES))
    report()


if __name__ == "__main__":
    main()
