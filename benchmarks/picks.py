"""Likes instead of scores: how near pages of pictures come to what a person has in mind, who only recognises it.

    python benchmarks/picks.py PATH_OF_COMFYUI [lines…]    whatever is not there yet; stop it and go on when you like
    python benchmarks/picks.py                             the tables of what is there

with a Python that has ComfyUI's requirements and this pack's. The demo model, its prompt left open, one Euler step (the
errors of such pictures have a correlation of 0.97 with those after four steps); a picture is the latent's preview, 16×16
pixels, as in benchmarks/adaptive.py. The simulated person has a scene of
`demo/scenes.py` in mind, sees of each picture of a page its root mean square error to it and noise on top, and likes the
best picture and up to two more that seem as good within half of the page's spread.

sharp   the noise is 0.15 of the spread (standard deviation) of the errors on the first page
noisy   it is 0.6 of that spread
moving  as sharp, and after half of the pages another scene is in mind
wrong   as sharp, and each click lands on another picture with a probability of 10 %

24 repeats each, 10 pages of 9; two of the lines only with sharp and noisy eyes. All lines of a repeat share scenes, fresh noises and the first page.
Finished runs are kept in .comfy/benchmarks/picks.jsonl: delete that file to begin anew.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import scipy.special
import torch

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))
sys.path.append(str(ROOT / "benchmarks"))

import adaptive  # noqa: E402
import search  # noqa: E402

from demo.scenes import render  # noqa: E402
from surrogate import SurrogateSpace  # noqa: E402
from surrogate.explore import Course, Session  # noqa: E402
from surrogate.explore.evolution import Evolution  # noqa: E402
from surrogate.processes import SphereProcess  # noqa: E402
from surrogate.resizing import area_means  # noqa: E402
from surrogate.search import Study  # noqa: E402

RUNS = ROOT / ".comfy" / "benchmarks" / "picks.jsonl"
PAGES, COUNT, REPEATS, SCENES = 10, 9, 24, 7001
STEPS = 1
SHOWN = (3, 5, 10)  # pages in the tables


@dataclass(frozen=True)
class Eyes:
    """How a person judges: noise in units of the first page's spread, clicks that miss, and whether the wish moves."""

    noise: float = 0.15
    misses: float = 0.0
    moves: bool = False


KINDS = {"sharp": Eyes(), "noisy": Eyes(0.6), "moving": Eyes(moves=True), "wrong": Eyes(misses=0.1)}


@dataclass(frozen=True)
class Seen:
    """A page that was judged: weights w (n, k) over the noises of the repeat, pictures, what was liked, best first."""

    w: np.ndarray
    pictures: np.ndarray
    likes: tuple[int, ...]


@dataclass
class Person:
    """Judges pages (n, 16, 16, 3): keeps the true errors, and answers with what is liked, best first."""

    kind: str
    repeat: int
    wishes: tuple[np.ndarray, np.ndarray]
    errors: list[np.ndarray] = field(default_factory=list)
    favourites: list[int] = field(default_factory=list)
    apart: list[float] = field(default_factory=list)

    def __call__(self, pictures: np.ndarray) -> tuple[int, ...]:
        eyes, page = KINDS[self.kind], len(self.errors)
        wish = self.wishes[int(eyes.moves and page >= PAGES // 2)]
        errors = distances(pictures, wish)
        self.errors.append(errors)
        self.apart.append(float(np.mean([distances(pictures[i : i + 1], pictures[j])[0] for i, j in PAIRS])))
        chance = np.random.default_rng([self.repeat, page, list(KINDS).index(self.kind)])
        seem = errors + eyes.noise * self.errors[0].std() * chance.standard_normal(len(errors))
        order = np.argsort(seem)
        self.favourites.append(int(order[0]))
        likes = [int(i) for i in order[:3] if seem[i] <= seem[order[0]] + 0.5 * seem.std()]
        clicked = [int(chance.integers(len(errors))) if chance.random() < eyes.misses else i for i in likes]
        return tuple(dict.fromkeys(clicked))


PAIRS = list(itertools.combinations(range(COUNT), 2))


def distances(pictures: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.sqrt(((pictures - other) ** 2).mean(axis=(1, 2, 3)))


# The lines: each gives the weights of the next page from the pages before.


def fresh_of(page: int) -> np.ndarray:
    """The fresh noises of a page, a row each, as weights over all noises of a repeat."""
    return np.eye(PAGES * COUNT)[page * COUNT : (page + 1) * COUNT]


def random_pages(seen: list[Seen], chance) -> np.ndarray:
    return fresh_of(len(seen))


def liked_of(seen: list[Seen]) -> list[np.ndarray]:
    """The weights of what was liked, the latest last; on a page the best last."""
    return [page.w[i] for page in seen for i in reversed(page.likes)]


def evolution(**settings) -> Callable:
    """Evolution with these settings, which knows which of the liked ones is the best; it stays on the next page."""
    made = Evolution(**settings)

    def line(seen: list[Seen], chance) -> np.ndarray:
        if not seen:
            return fresh_of(0)
        liked = liked_of(seen)
        w = made.children(liked, fresh_of(len(seen)), made.angles(len(seen), COUNT, 1.0, chance), chance)
        w[0] = liked[-1]
        return w

    return line


def filtered(taste: Callable, candidates: int = 16, known: float = 0.5, **settings) -> Callable:
    """Evolution whose every child is the most promising of some, by a model of the taste.

    A candidate is turned towards its fresh noise and, with `known` of the turn's square, a mix of noises seen before: the
    model says nothing of fresh noises.
    """
    made = Evolution(**settings)

    def line(seen: list[Seen], chance) -> np.ndarray:
        if not seen:
            return fresh_of(0)
        liked, fresh, promise = liked_of(seen), fresh_of(len(seen)), taste(seen)
        angles = made.angles(len(seen), COUNT, 1.0, chance)
        past = len(seen) * COUNT
        children = []
        for row, angle in zip(fresh, angles, strict=True):
            parents = made.children(liked, np.zeros((candidates, len(row))), np.zeros(candidates), chance)
            sides = np.zeros_like(parents)
            sides[:, :past] = chance.standard_normal((candidates, past))
            sides -= (sides * parents).sum(axis=1, keepdims=True) * parents
            sides *= math.sqrt(known) / np.linalg.norm(sides, axis=1, keepdims=True)
            w = math.cos(angle) * parents + math.sin(angle) * (sides + math.sqrt(1 - known) * row)
            w /= np.linalg.norm(w, axis=1, keepdims=True)
            children.append(w[int(np.argmax(promise(w)))])
        children[0] = liked[-1]
        return np.array(children)

    return line


def preferences(kernel: np.ndarray, seen: list[Seen], decay: float = 0.8, steps: int = 30) -> np.ndarray:
    """Bradley-Terry: how much the n pictures seen are liked, as the weights a (n,) of f = K a; the likeliest, by Newton.

    kernel (n, n): K, the prior covariance of f. A pair counts `decay` times as much with each page since.
    """
    pairs, counts, start = [], [], 0
    for page in seen:
        pairs += [(start + i, start + j) for i in page.likes for j in range(COUNT) if j not in page.likes]
        counts += [decay ** (len(seen) - 1 - start // COUNT)] * (len(pairs) - len(counts))
        start += COUNT
    difference = np.zeros((len(pairs), len(kernel)))
    for row, (better, worse) in enumerate(pairs):
        difference[row, better], difference[row, worse] = 1.0, -1.0
    count, a = np.array(counts), np.zeros(len(kernel))
    for _ in range(steps):
        chance = scipy.special.expit(difference @ kernel @ a)
        slope = difference.T @ (count * (1 - chance))
        curve = difference.T @ ((count * chance * (1 - chance))[:, None] * difference)
        change = np.linalg.solve(np.eye(len(kernel)) + curve @ kernel, slope - a)
        a = a + change
        if np.abs(change).max() < 1e-8:
            break
    return a


def by_noises(seen: list[Seen], length: float = 1.0, scale: float = 4.0) -> Callable:
    """Taste as a function of the noise alone: RBF in the chord."""
    w = np.concatenate([page.w for page in seen])

    def kernel(a, b):
        return scale * np.exp((a @ b.T - 1) / length**2)

    weights = preferences(kernel(w, w), seen)
    return lambda candidates: kernel(candidates, w) @ weights


def by_pictures(seen: list[Seen], scale: float = 4.0) -> Callable:
    """Taste as a function of the picture, and the picture as one of the noise."""
    w = np.concatenate([page.w for page in seen])
    pictures = np.concatenate([page.pictures for page in seen]).reshape(len(w), -1)
    usual = np.median(((pictures[:, None] - pictures[None]) ** 2).sum(axis=-1)[~np.eye(len(w), dtype=bool)])

    def kernel(a, b):
        return scale * np.exp(-((a[:, None] - b[None]) ** 2).sum(axis=-1) / usual)

    weights = preferences(kernel(pictures, pictures), seen)
    process = SphereProcess(w, pictures)

    def promise(candidates):
        # What is outside the span of what was seen, the fresh noise, says nothing: a shorter vector, nearer to the mean.
        nearness = np.exp((candidates @ w.T - 1) / process.length**2)
        return kernel(process.mean + nearness @ process._pull, pictures) @ weights

    return promise


@dataclass(frozen=True)
class Line:
    """A competitor: `next_page(seen, chance)` gives weights; or `run(draw, person, seed)` does everything itself."""

    title: str
    next_page: Callable | None = None
    run: Callable | None = None
    kinds: tuple[str, ...] = tuple(KINDS)


def explorer(draw: Callable, person: Person, seed: int) -> None:
    """The Explorer itself: the clicks come in the order of the page, so which one is the best is not known."""
    session = Session()
    for _ in range(PAGES):
        space, points = Course(session, seed).page()
        likes = person(draw(space.latents(points.u, search.SHAPE)))
        session = session.like(*sorted(likes)).then("more")


def told_likes(optimiser: str, **settings) -> Callable:
    """A study that is told 1 for what is liked and 0 for the rest."""

    def run(draw: Callable, person: Person, seed: int) -> None:
        study = Study.open(
            None, "likes", SurrogateSpace(search.Seeds.from_range(seed, COUNT)), budget=PAGES * COUNT, seed=seed,
            optimiser=optimiser, population=COUNT, settings=settings,
        )  # fmt: skip
        while len(generation := study.ask()):
            pictures = draw(study.space.latents(generation.u, search.SHAPE))
            likes = person(pictures)
            seen = [np.round(picture[None] * 255).astype(np.uint8) for picture in pictures]
            study.tell(generation, [float(i in likes) for i in range(COUNT)], pictures=seen)

    return run


LINES = {
    "random": Line("random pages", random_pages),
    "last four": Line("evolution, the last four liked", evolution(spread=1.0)),
    "last two": Line("evolution, the last two liked", evolution(parents=2, spread=1.0), kinds=("sharp", "noisy")),
    "explorer": Line("the Explorer", run=explorer),
    "noises": Line("evolution, filtered by a preference model over noises", filtered(by_noises)),
    "pictures": Line("evolution, filtered by a preference model over pictures", filtered(by_pictures)),
    "adaptive": Line("adaptive, told 1 and 0", run=told_likes("adaptive", scout=COUNT), kinds=("sharp", "noisy")),
}


# Running.


def run_line(line: Line, draw: Callable, person: Person, seed: int) -> None:
    if line.run is not None:
        return line.run(draw, person, seed)
    space = SurrogateSpace(search.Seeds.from_range(seed, PAGES * COUNT), "whole_sphere")
    seen: list[Seen] = []
    while len(seen) < PAGES:
        w = line.next_page(seen, np.random.default_rng([seed, len(seen)]))
        pictures = draw(space.combine(w, search.SHAPE))
        seen.append(Seen(w, pictures, person(pictures)))


def wishes() -> np.ndarray:
    scenes = render(2 * REPEATS, 128, generator=torch.Generator().manual_seed(SCENES))[0].permute(0, 2, 3, 1).numpy()
    small = [area_means(scene.astype(np.float64), adaptive.SIDE, adaptive.SIDE) for scene in scenes]
    return np.stack(small).reshape(REPEATS, 2, adaptive.SIDE, adaptive.SIDE, 3)


def finished() -> dict[tuple[str, str, int], dict]:
    text = RUNS.read_text("utf-8") if RUNS.exists() else ""
    return {(e["line"], e["kind"], e["repeat"]): e for e in map(json.loads, text.splitlines())}


def run_missing(draw: Callable, names) -> None:
    RUNS.parent.mkdir(parents=True, exist_ok=True)
    scenes, remembered, latest = wishes(), Remembered(draw), 0
    wanted = [(name, kind, repeat) for repeat in range(REPEATS) for kind in KINDS for name in names]
    wanted = [run for run in wanted if run[1] in LINES[run[0]].kinds]
    for number, (name, kind, repeat) in enumerate(wanted, 1):
        if (name, kind, repeat) in finished():
            continue
        if repeat != latest:
            remembered, latest = Remembered(draw), repeat
        began = time.monotonic()
        person = Person(kind, repeat, tuple(scenes[repeat]))
        run_line(LINES[name], remembered, person, 8_000_000 + 10_000 * repeat)
        entry = {
            "line": name, "kind": kind, "repeat": repeat,
            "mean": [round(float(page.mean()), 5) for page in person.errors],
            "favourite": [round(float(page[i]), 5) for page, i in zip(person.errors, person.favourites, strict=True)],
            "apart": [round(value, 5) for value in person.apart],
        }  # fmt: skip
        with open(RUNS, "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        seconds = time.monotonic() - began
        print(
            f"{number} of {len(wanted)}  {name} {kind} {repeat}: {entry['mean'][-1]:.4f}, {seconds:.1f} s", flush=True
        )


class Remembered:
    """Pictures of noises, each made once: lines share first pages, and random pages are the same for all eyes."""

    def __init__(self, draw: Callable):
        self.draw, self.known = draw, {}

    def __call__(self, z: torch.Tensor) -> np.ndarray:
        keys = [one.numpy().tobytes() for one in z]
        missing = [i for i, key in enumerate(keys) if key not in self.known]
        if missing:
            for i, picture in zip(missing, self.draw(z[missing]), strict=True):
                self.known[keys[i]] = picture
        return np.stack([self.known[key] for key in keys])


# The report.


def report() -> None:
    done = finished()
    for kind in KINDS:
        print(f"\n{kind}: page's mean / favourite, medians; apart: how far its pictures are from each other\n")
        search.row("pages", "runs", *(f"page {p}" for p in SHOWN), "times last four, page 5", "page 10", "apart, page 5", "page 10")  # fmt: skip
        search.row(*["---"] * (6 + len(SHOWN)))
        for name, line in LINES.items():
            repeats = [r for r in range(REPEATS) if (name, kind, r) in done and ("last four", kind, r) in done]
            if repeats:
                search.row(line.title, str(len(repeats)), *cells(done, name, kind, repeats))


def cells(done: dict, name: str, kind: str, repeats: list[int]) -> list[str]:
    def values(line, what):
        return np.array([done[line, kind, repeat][what] for repeat in repeats])

    mean, favourite, apart = (np.median(values(name, what), axis=0) for what in ("mean", "favourite", "apart"))
    found = [f"{mean[p - 1]:.3f} / {favourite[p - 1]:.3f}" for p in SHOWN]
    for page in (5, 10):
        ratios = [
            values(name, what)[:, page - 1] / values("last four", what)[:, page - 1] for what in ("mean", "favourite")
        ]
        found.append(" / ".join("{:.2f} ({:.2f}…{:.2f})".format(np.median(r), *search.bootstrap(r)) for r in ratios))
    return [*found, f"{apart[4]:.3f}", f"{apart[9]:.3f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("comfyui", nargs="?", help="path of ComfyUI; without it only the report")
    parser.add_argument("lines", nargs="*", help=f"which lines, of {', '.join(LINES)}; all by default")
    arguments = parser.parse_args()
    if arguments.comfyui:
        run_missing(adaptive.load_preview(arguments.comfyui, STEPS), arguments.lines or list(LINES))
    report()


if __name__ == "__main__":
    main()
