"""Searches that look at drafts against the same without, at equal model steps: where drafts tell the truth, and where not.

    python benchmarks/drafts.py PATH_OF_COMFYUI [kinds…]    whatever is not there yet; stop it and go on when you like
    python benchmarks/drafts.py                             the table of what is there

with a Python that has ComfyUI's requirements and this pack's. The demo model, its prompt left open, 8 Euler steps; a
picture is the latent's preview, as in benchmarks/adaptive.py. All lines spend the steps of 64 pictures; decoding and
scoring are not counted.

match     root mean square error to a scene that `demo/scenes.py` draws: decided early
detail    the same of what a blur of 3×3 pixels takes away: decided late, so that drafts mislead

`adaptive` without drafts, with `auto`, and with drafts after two steps whatever they are worth; small steps of adaptive
size. All lines of a repeat share goal and random noises. Finished runs are kept in .comfy/benchmarks/drafts.jsonl.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))
sys.path.append(str(ROOT / "benchmarks"))

import adaptive  # noqa: E402
import search  # noqa: E402
import subject  # noqa: E402

from surrogate import SurrogateSpace  # noqa: E402
from surrogate.search import DraftingLoop, Loop, Study, score_each  # noqa: E402

RUNS = subject.runs("drafts")
STEPS, BUDGETS = 8, (32, 64)
KINDS = ("match", "detail")


@dataclass(frozen=True)
class Made:
    """A picture (h, w, 3) in [0, 1], or what the model predicts of it, as the loop wants it."""

    picture: np.ndarray
    drafts: Mapping
    fault: str = ""

    @property
    def frames(self) -> np.ndarray:
        return np.round(self.picture[None] * 255).astype(np.uint8)


def detail(pictures: np.ndarray) -> np.ndarray:
    """What a blur takes away from pictures (…, h, w, 3)."""
    from scipy.ndimage import uniform_filter

    return pictures - uniform_filter(pictures, (0,) * (pictures.ndim - 3) + (3, 3, 0))


class Meter:
    """Steps are made and counted here, and only here. `curve`: (steps spent, best error of a finished picture) so far."""

    def __init__(self, draw: Callable, kind: str, goal: int):
        self.draw, self.seen = draw, detail if kind == "detail" else lambda pictures: pictures
        self.problem = adaptive.Problem("match", goal, 0)
        self.target = self.seen(adaptive.Goals().scenes[goal])
        self.spent, self.best, self.curve = 0, np.inf, []

    @property
    def left(self) -> int:
        return BUDGETS[-1] - self.spent // STEPS

    def error(self, pictures: np.ndarray) -> np.ndarray:
        return np.sqrt(((self.seen(pictures) - self.target) ** 2).mean(axis=(-1, -2, -3)))

    def finished(self, z: torch.Tensor) -> np.ndarray:
        pictures = np.concatenate([self.draw(part) for part in z.split(search.BATCH)])
        for error in self.error(pictures).tolist():
            self.spent, self.best = self.spent + STEPS, min(self.best, error)
            self.curve.append((self.spent, self.best))
        return pictures

    def drafts(self, z: torch.Tensor, step: int) -> np.ndarray:
        self.spent += step * len(z)
        return np.concatenate([self.draw(part, step) for part in z.split(search.BATCH)])

    def __call__(self, z: torch.Tensor) -> np.ndarray:
        """Errors of finished pictures, for the searches of benchmarks/search.py."""
        if not self.left:
            raise search.Spent
        return self.error(self.finished(z[: self.left]))

    def scout(self, count: int) -> np.ndarray:
        return self(search.noises(self.problem.seeds(count)))


def small_steps(meter: Meter) -> None:
    search.zero_order(meter, meter.problem)


def adaptively(drafts: str | int) -> Callable[[Meter], None]:
    """A study of any eight seeds' space, with `drafts`: off, auto, or after so many steps."""

    def spend(meter: Meter) -> None:
        study = Study.open(
            None,
            "search",
            SurrogateSpace(meter.problem.seeds(8)),
            budget=BUDGETS[-1],
            optimiser="adaptive",
            directions="minimize",
            seed=meter.problem.seed,
        )

        def noises(u):
            return study.space.latents(u, search.SHAPE)

        def watch(u, steps=()):
            # Drafts of pictures that are finished anyway cost nothing.
            seen = {step: meter.draw(noises(u), step) for step in steps}
            made = meter.finished(noises(u))
            return [Made(made[i], {s: Made(p[i], {}) for s, p in seen.items()}) for i in range(len(u))]

        def draft(u, step):
            return [Made(picture, {}) for picture in meter.drafts(noises(u), step)]

        common = study, study.space, watch, search.BATCH, lambda *_: None
        fixed = drafts if isinstance(drafts, int) else None
        looks = {"watch": watch, "draft": draft, "drafted": lambda _: None, "of": STEPS, "fixed": fixed}
        loop = Loop(*common) if drafts == "off" else DraftingLoop(*common, **looks)
        score = lambda one: float(meter.error(one.picture))  # noqa: E731
        loop.run(lambda pictures: score_each([score], pictures, (KeyboardInterrupt,)), score_seeds=False)

    return spend


LINES = {
    "off": ("adaptive", adaptively("off")),
    "auto": ("adaptive, drafts auto", adaptively("auto")),
    "two": ("adaptive, drafts after 2 steps", adaptively(2)),
    "zero": ("small steps, adaptive size", small_steps),
}


def finished() -> dict[tuple[str, str, int], list[float]]:
    text = RUNS.read_text("utf-8") if RUNS.exists() else ""
    entries = [json.loads(line) for line in text.splitlines()]
    return {(entry["line"], entry["kind"], entry["goal"]): entry["found"] for entry in entries}


def run_missing(comfyui: str, kinds, lines) -> None:
    RUNS.parent.mkdir(parents=True, exist_ok=True)
    draw = adaptive.load_preview(comfyui, STEPS)
    for goal in range(adaptive.GOALS):
        for kind in kinds:
            for name in lines:
                if (name, kind, goal) in finished():
                    continue
                began, meter = time.monotonic(), Meter(draw, kind, goal)
                with contextlib.suppress(search.Spent):
                    LINES[name][1](meter)
                found = [min(best for spent, best in meter.curve if spent <= STEPS * budget) for budget in BUDGETS]
                with open(RUNS, "a", encoding="utf-8") as file:
                    file.write(json.dumps({"line": name, "kind": kind, "goal": goal, "found": found}) + "\n")
                print(f"{kind} {goal} {name}: {found}, {time.monotonic() - began:.0f} s", flush=True)


def report() -> None:
    done = finished()
    for kind in KINDS:
        print(
            f"\n{kind}: median error at the steps of so many pictures, and the median of the paired ratios to no drafts\n"
        )
        search.row("search", "runs", *(f"{b}" for b in BUDGETS), *(f"times no drafts, {b}" for b in BUDGETS), "worst")
        search.row(*["---"] * 7)
        for name, (title, _) in LINES.items():
            goals = [g for g in range(adaptive.GOALS) if (name, kind, g) in done and ("off", kind, g) in done]
            if not goals:
                continue
            errors = np.array([done[name, kind, goal] for goal in goals])
            ratios = errors / np.array([done["off", kind, goal] for goal in goals])
            cells = [f"{e:.4f}" for e in np.median(errors, axis=0)] + [f"{r:.2f}" for r in np.median(ratios, axis=0)]
            search.row(title, str(len(goals)), *cells, f"{ratios[:, -1].max():.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("comfyui", nargs="?", help="path of ComfyUI; without it only the table")
    parser.add_argument("kinds", nargs="*", help=f"which scores, of {', '.join(KINDS)}; all by default")
    parser.add_argument("--lines", nargs="*", default=list(LINES), help=f"of {', '.join(LINES)}; all by default")
    arguments = parser.parse_args()
    if arguments.comfyui:
        run_missing(arguments.comfyui, arguments.kinds or KINDS, arguments.lines)
    report()


if __name__ == "__main__":
    main()
