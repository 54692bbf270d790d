"""Models that ignore the initial noise: what gives different pictures, and what comes near a target, at equal model steps.

    python benchmarks/levers.py PATH_OF_COMFYUI    whatever is not there yet; stop it and go on when you like
    python benchmarks/levers.py                    the tables of what is there

with a Python that has ComfyUI's requirements and this pack's. The demo model of kind turbo, 4 steps for each picture, by
ComfyUI's samplers. Compared are

noise        independent initial noises
repelled     initial noises that are drawn together and repel each other, each exactly N(0, I): z_i = √(n/(n-1)) (x_i - x̄)
             of n independent x (arXiv 2605.11311); as points of a space, weights √(n/(n-1)) (δ_ij - 1/n)
stream       a sampler that draws noise at each step, and a space of all the noises that a run draws
from best    from the best picture so far, with new noise, at a lower denoise (arXiv 2607.00691)
prompt       noise on the prompt's embedding, as Surrogate Conditioning puts it

Spread: nine pictures of a prompt, decoded. Score: the root mean square error of the latent's preview, 16×16 pixels, to a
scene with the prompt's words that `demo/scenes.py` draws, with 64 pictures. All lines of a prompt have the same seeds.
What is finished is kept in .comfy/benchmarks/levers.jsonl: delete that file to begin anew.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
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
from adaptive import SIDE, fitted_preview  # noqa: E402

from demo import turbo  # noqa: E402
from demo.scenes import PLACES, TIMES, render  # noqa: E402
from surrogate import Seeds, SurrogateSpace  # noqa: E402
from surrogate.quality.carriers import variety  # noqa: E402
from surrogate.quality.features import JUST_VISIBLE, features  # noqa: E402
from surrogate.resizing import area_means  # noqa: E402
from surrogate.scores.distances import picture_distances  # noqa: E402
from surrogate.search import Study  # noqa: E402

DONE = ROOT / ".comfy" / "benchmarks" / "levers.jsonl"
SHAPE, STEPS, BATCH, BUDGET, NINE = (16, 16, 16), 4, 8, 64, 9
PROMPTS = [(time, PLACES[(i + turn) % 4]) for turn in range(2) for i, time in enumerate(TIMES)]
FITTED = 2  # batches of each prompt, for the preview


def repelled(n: int) -> np.ndarray:
    """(n, n) weights of n points of the unit sphere that are as far from each other as possible."""
    return np.sqrt(n / (n - 1)) * (np.eye(n) - 1 / n)


# The model.


class Model:
    """Latents and pictures of the demo model, for one of PROMPTS by its number."""

    def __init__(self, comfyui: str, kind: str):
        from sampler import load_pack

        if "surrogate_pack" not in sys.modules:
            load_pack(comfyui)
        from surrogate_pack.nodes.demo import DemoModel, DemoPicture

        made = [DemoModel.execute(*prompt, kind).args for prompt in PROMPTS]
        (self.model, self.vae), self.prompts = made[0][:2], [args[2] for args in made]
        self.vae.first_stage_model.to(memory_format=torch.channels_last)
        if kind == "turbo":
            self.model.set_model_unet_function_wrapper(first_step_once())
        self.targets = [DemoPicture.execute(*prompt, 1, 128).args[0][0].double().numpy() for prompt in PROMPTS]

    @torch.inference_mode()
    def latents(self, prompt, z, steps=STEPS, sampler="euler", stream=None, start=None, denoise=1.0) -> torch.Tensor:
        """Latents (n, *SHAPE) of the initial noises z. `stream`: the noises that the sampler draws, in their order."""
        import comfy.samplers

        guider = comfy.samplers.CFGGuider(self.model)
        guider.set_conds(prompt, prompt)
        guider.set_cfg(1.0)
        # As KSampler and BasicScheduler do: the last steps of a longer schedule.
        sampling = self.model.get_model_object("model_sampling")
        sigmas = comfy.samplers.calculate_sigmas(sampling, "simple", int(steps / denoise))[-(steps + 1) :]
        chosen = comfy.samplers.sampler_object(sampler)
        if stream is not None:
            left = iter(stream)
            chosen = comfy.samplers.KSAMPLER(chosen.sampler_function, {"noise_sampler": lambda *_: next(left)})
        begin = torch.zeros_like(z) if start is None else start.expand_as(z)
        return guider.sample(z, begin, chosen, sigmas, disable_pbar=True, seed=0)

    @torch.inference_mode()
    def pictures(self, latents: torch.Tensor) -> np.ndarray:
        """(n, h, w, 3) uint8"""
        return (self.vae.decode(latents).clamp(0, 1) * 255).round().byte().numpy()

    @functools.cached_property
    def preview(self) -> Callable:
        """From latents (n, *SHAPE) to pictures (n, 16, 16, 3) in [0, 1]."""
        x = [
            self.latents(
                with_prompt_noise(self, number, Problem(number, 9).space(BATCH), np.eye(BATCH), s), fixed(number)
            )
            for number in range(len(PROMPTS))
            for s in (0.0, 0.5)[:FITTED]
        ]
        decoded = np.concatenate([self.pictures(part) / 255 for part in x])
        fitted = fitted_preview(channels_last(torch.cat(x)), decoded)
        return lambda latents: fitted(channels_last(latents))


def channels_last(latents: torch.Tensor) -> np.ndarray:
    return latents.permute(0, 2, 3, 1).double().numpy()


def first_step_once() -> Callable:
    """The turbo model's step. The first one of a prompt without noise is the same for every picture: it is made once."""
    known: dict[bytes, torch.Tensor] = {}

    def step(apply_model, arguments: dict) -> torch.Tensor:
        prompts, x = arguments["c"]["c_crossattn"], arguments["input"]
        if float(arguments["timestep"].max()) <= turbo.EDGE or bool((prompts != prompts[:1]).any()):
            return turbo.drawn_from_the_prompt(apply_model, arguments)
        key = prompts[0].numpy().tobytes()
        if key not in known:
            known[key] = turbo.drawn_from_the_prompt(apply_model, arguments)[:1]
        return known[key].expand_as(x)

    return step


@dataclass(frozen=True)
class Problem:
    """A prompt, and a repeat: what all lines have in common."""

    prompt: int
    repeat: int = 0

    @property
    def seed(self) -> int:
        """The first of this problem's integer seeds; no other problem has any of the 1000 that follow."""
        return 7_000_000 + 1000 * (self.prompt + len(PROMPTS) * self.repeat)

    def space(self, count: int, skip: int = 0, chart: str = "whole_sphere") -> SurrogateSpace:
        """Of `count` seeds; the weights of its points may have either sign."""
        return SurrogateSpace(Seeds.from_range(self.seed + skip, count), chart)


# The levers: latents (n, *SHAPE) of the points with weights w (n, k) of a space.


def noise(model: Model, prompt: int, space: SurrogateSpace, w) -> torch.Tensor:
    return model.latents(model.prompts[prompt], space.combine(w, SHAPE))


def stream(model: Model, prompt: int, space: SurrogateSpace, w, sampler: str = "euler_ancestral") -> torch.Tensor:
    z, *drawn = space.combine(w, [SHAPE] * STEPS)
    return model.latents(model.prompts[prompt], z, sampler=sampler, stream=drawn)


def on_prompt(model: Model, prompt: int, space: SurrogateSpace, w, strength: float = 0.5) -> torch.Tensor:
    return model.latents(with_prompt_noise(model, prompt, space, w, strength), fixed(prompt, len(w)))


def from_picture(model: Model, prompt: int, space: SurrogateSpace, w, start: torch.Tensor, denoise: float):
    return model.latents(model.prompts[prompt], space.combine(w, SHAPE), start=start, denoise=denoise)


def with_prompt_noise(model: Model, prompt: int, space: SurrogateSpace, w, strength: float) -> list:
    from surrogate_pack.nodes.tools.embeddings import with_noise
    from surrogate_pack.surrogate.conditioning.acts import settings

    return with_noise(model.prompts[prompt], space, w, settings(strength, 0.2))


def fixed(prompt: int, n: int = BATCH) -> torch.Tensor:
    """The one initial noise (n, *SHAPE) of the points on a prompt."""
    return Problem(prompt).space(2, skip=998).combine(np.eye(2)[:1], SHAPE).expand(n, *SHAPE)


# Spread.


def nine(lever: Callable, weights: Callable = np.eye) -> Callable:
    return lambda model, problem: lever(model, problem.prompt, problem.space(NINE), weights(NINE))


def nine_from_one(denoise: float) -> Callable:
    """From one picture of the model, with nine noises."""

    def made(model, problem):
        start = noise(model, problem.prompt, problem.space(NINE), np.eye(NINE)[:1])
        return from_picture(model, problem.prompt, problem.space(NINE, skip=100), np.eye(NINE), start, denoise)

    return made


SPREADS = {
    "independent initial noises": nine(noise),
    "repelled initial noises": nine(noise, repelled),
    "stream, euler_ancestral": nine(stream),
    "stream, lcm": nine(functools.partial(stream, sampler="lcm")),
    **{f"from one picture, denoise {d}": nine_from_one(d) for d in (0.3, 0.45, 0.6)},
    "prompt, strength 0.25": nine(functools.partial(on_prompt, strength=0.25)),
    "prompt, strength 0.5": nine(on_prompt),
    "prompt, strength 0.5, repelled": nine(on_prompt, repelled),
    "prompt, strength 1": nine(functools.partial(on_prompt, strength=1.0)),
}
PLAIN = "independent initial noises"
SETS = {2: 4, 4: 2, 9: 1}  # pictures that repel each other: sets of a prompt


def spreads(model: Model, problem: Problem, named: Named) -> dict[str, dict]:
    """Of each line of SPREADS: how unlike its nine pictures look, their features, and how many show the prompt's words."""
    found = {}
    for title, made in SPREADS.items():
        pictures = model.pictures(made(model, problem))
        right = named(pictures) == words_of(*PROMPTS[problem.prompt])
        medians = np.median(features(pictures), axis=0)
        found[title] = {"apart": variety(pictures), "features": medians.tolist(), "right": float(right.mean())}
    return found


def repelled_pairs(model: Model, problem: Problem) -> dict[str, list[float]]:
    """Mean distance of independent and of repelled pictures of the demo model as it is, by how many repel each other."""
    found = {}
    for n, sets in SETS.items():
        apart = [
            [
                np.mean(pairs(model.pictures(model.latents(model.prompts[problem.prompt], z, steps=8))))
                for z in (problem.space(n, 20 * i).combine(w, SHAPE) for i in range(sets))
            ]
            for w in (np.eye(n), repelled(n))
        ]
        found[str(n)] = np.mean(apart, axis=1).tolist()
    return found


def pairs(pictures: np.ndarray) -> np.ndarray:
    return picture_distances(pictures)[np.triu_indices(len(pictures), 1)]


class Named:
    """Which words pictures (n, h, w, 3) uint8 show, as numbers (n,): a linear classifier that drawn scenes have taught."""

    def __init__(self, scenes: int = 4000):
        images, times, places, _ = render(scenes, 32, generator=torch.Generator().manual_seed(8))
        self.label = (4 * times + places).numpy()
        known = self.seen(images.permute(0, 2, 3, 1).numpy())
        held = scenes // 4
        self.factors = self.learnt(known[held:], np.eye(16)[self.label[held:]])
        right = ((known[:held] @ self.factors).argmax(1) == self.label[:held]).mean()
        print(f"The classifier names both words of {right:.1%} of {held} scenes that it has not seen.", flush=True)

    def seen(self, pictures: np.ndarray) -> np.ndarray:
        small = np.stack([area_means(picture.astype(np.float64), 8, 8).ravel() for picture in pictures])
        return np.concatenate([small, small**2, np.ones((len(small), 1))], axis=1)

    def learnt(self, known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        return np.linalg.solve(known.T @ known + 0.1 * np.eye(known.shape[1]), known.T @ wanted)

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        return (self.seen(pictures / 255) @ self.factors).argmax(1)


def words_of(time: str, place: str) -> int:
    return 4 * TIMES.index(time) + PLACES.index(place)


# Searches.


class Meter:
    """Pictures are made and scored here, and only here: `errors` in the order in which they were paid for."""

    def __init__(self, model: Model, problem: Problem):
        self.model, self.problem = model, problem
        self.target = area_means(model.targets[problem.prompt], SIDE, SIDE)
        self.errors: list[float] = []
        self.seen: np.ndarray | None = None  # the last pictures
        self.best: torch.Tensor | None = None  # the latent (1, *SHAPE) of the best one

    @property
    def left(self) -> int:
        return BUDGET - len(self.errors)

    def __call__(self, lever: Callable, space: SurrogateSpace, w) -> np.ndarray:
        """Errors (n,) of the pictures of a lever, as many as can be paid for. Raises search.Spent if that is none."""
        w = np.asarray(w)[: self.left]
        if not len(w):
            raise search.Spent
        latents = lever(self.model, self.problem.prompt, space, w)
        self.seen = self.model.preview(latents)
        errors = np.sqrt(((self.seen - self.target) ** 2).mean(axis=(1, 2, 3)))
        if errors.min() < min(self.errors, default=np.inf):
            self.best = latents[errors.argmin()][None]
        self.errors += errors.tolist()
        return errors


def best_of(lever: Callable, weights: Callable = np.eye, count: int = BUDGET) -> Callable:
    def spend(meter: Meter) -> None:
        for i in range(0, count, BATCH):
            meter(lever, meter.problem.space(BATCH, skip=i), weights(BATCH))

    return spend


def adaptive(lever: Callable, count: int = BUDGET) -> Callable:
    """This pack's search beyond the seeds, of the noises that the lever uses, with `count` pictures."""

    def spend(meter: Meter) -> None:
        study = Study.open(
            None,
            "levers",
            meter.problem.space(8, chart="knothe_rosenblatt"),
            budget=count,
            optimiser="adaptive",
            directions="minimize",
            seed=meter.problem.seed,
        )
        while len(generation := study.ask()):
            errors = meter(lever, study.space, study.space.weights(generation.u))
            study.tell(generation, errors, pictures=[np.round(p[None] * 255).astype(np.uint8) for p in meter.seen])

    return spend


def from_best(denoise: float, first: Callable) -> Callable:
    """Begin with `first`, then go on from the best picture so far."""

    def spend(meter: Meter) -> None:
        first(meter)
        while True:
            space = meter.problem.space(BATCH, skip=100 + len(meter.errors))
            meter(functools.partial(from_picture, start=meter.best, denoise=denoise), space, np.eye(BATCH))

    return spend


SEARCHES = {
    "independent initial noises": best_of(noise),
    "repelled initial noises": best_of(noise, repelled),
    "initial noise, adaptive": adaptive(noise),
    "stream, random": best_of(stream),
    "stream, adaptive": adaptive(stream),
    **{f"from the best, denoise {d}": from_best(d, best_of(noise, count=BATCH)) for d in (0.3, 0.45, 0.6)},
    "prompt, random": best_of(on_prompt),
    "prompt, repelled": best_of(on_prompt, repelled),
    "prompt, adaptive": adaptive(on_prompt),
    "prompt, then from the best at 0.45": from_best(0.45, best_of(on_prompt, count=BUDGET // 2)),
    "prompt, then from the best at 0.6": from_best(0.6, best_of(on_prompt, count=BUDGET // 2)),
    "prompt, adaptive, the last quarter from the best at 0.6": from_best(
        0.6, adaptive(on_prompt, count=3 * BUDGET // 4)
    ),
}


# Running.


def finished() -> dict[tuple[str, int], dict]:
    """(line, prompt) -> what was found"""
    text = DONE.read_text("utf-8") if DONE.exists() else ""
    return {(entry["line"], entry["prompt"]): entry for entry in map(json.loads, text.splitlines())}


def keep(line: str, prompt: int, began: float, **found) -> None:
    with open(DONE, "a", encoding="utf-8") as file:
        file.write(json.dumps({"line": line, "prompt": prompt, **found}) + "\n")
    print(f"{line}, {' '.join(PROMPTS[prompt])}: {time.monotonic() - began:.0f} s", flush=True)


def run_missing(comfyui: str) -> None:
    DONE.parent.mkdir(parents=True, exist_ok=True)
    fast, plain, named = Model(comfyui, "turbo"), Model(comfyui, "normal"), Named()
    for prompt in range(len(PROMPTS)):
        problem, began = Problem(prompt), time.monotonic()
        if ("spread", prompt) not in finished():
            keep("spread", prompt, began, found=spreads(fast, problem, named), plain=repelled_pairs(plain, problem))
        for line, spend in SEARCHES.items():
            if (line, prompt) in finished():
                continue
            meter, began = Meter(fast, problem), time.monotonic()
            with contextlib.suppress(search.Spent):
                spend(meter)
            keep(line, prompt, began, errors=meter.errors)


# The report.


def times(values: np.ndarray, plain: np.ndarray) -> str:
    """The median of the ratios, and its 95 % interval by bootstrap."""
    ratios = values / plain
    low, high = search.bootstrap(ratios)
    return f"{np.median(ratios):.2f} ({low:.2f}…{high:.2f})"


def report() -> None:
    done = finished()
    measured = [entry for (line, _), entry in done.items() if line == "spread"]
    if measured:
        report_spread([entry["found"] for entry in measured])
        report_repelled([entry["plain"] for entry in measured])
    report_searches(done)


def report_spread(measured: list[dict]) -> None:
    def of(title: str, what: str) -> np.ndarray:
        return np.array([found[title][what] for found in measured])

    print(f"\nSpread of nine pictures, {len(measured)} prompts\n")
    search.row("lever", "apart", f"times {PLAIN}", "features off, of what is just visible", "show the prompt's words")
    search.row(*["---"] * 5)
    for title in SPREADS:
        off = np.abs(of(title, "features") - of(PLAIN, "features")).max(axis=1) / JUST_VISIBLE
        cells = [f"{np.median(of(title, 'apart')):.3f}", times(of(title, "apart"), of(PLAIN, "apart"))]
        search.row(title, *cells, f"{np.median(off):.1f}", f"{100 * of(title, 'right').mean():.0f} %")


def report_repelled(measured: list[dict]) -> None:
    print("\nThe demo model as it is, 8 steps: distance of repelled noises' pictures\n")
    search.row("pictures that repel each other", "distance of their noises", "distance of their pictures")
    search.row(*["---"] * 3)
    for n in SETS:
        independent, apart = np.array([found[str(n)] for found in measured]).T
        search.row(str(n), f"{np.sqrt(n / (n - 1)):.2f} times", f"{times(apart, independent)} times")


def report_searches(done: dict) -> None:
    print(f"\nError of the best of so many pictures, {STEPS} model steps each\n")
    budgets = (BUDGET // 4, BUDGET)
    search.row("search", "prompts", *(f"best of {b}" for b in budgets), *(f"times {PLAIN}, {b}" for b in budgets))
    search.row(*["---"] * 6)
    for line in SEARCHES:
        prompts = [p for p in range(len(PROMPTS)) if (line, p) in done and (PLAIN, p) in done]
        if not prompts:
            continue
        best = [np.array([min(done[line, p]["errors"][:b]) for p in prompts]) for b in budgets]
        base = [np.array([min(done[PLAIN, p]["errors"][:b]) for p in prompts]) for b in budgets]
        ratios = ["1", "1"] if line == PLAIN else [times(a, b) for a, b in zip(best, base, strict=True)]
        search.row(line, str(len(prompts)), *(f"{np.median(b):.4f}" for b in best), *ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("comfyui", nargs="?", help="path of ComfyUI; without it only the report")
    options = parser.parse_args()
    if options.comfyui:
        run_missing(options.comfyui)
    report()


if __name__ == "__main__":
    main()
