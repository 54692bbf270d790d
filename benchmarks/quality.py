"""The paper's three checks of a space on the demo model: stationarity, low dimension, closure.

    python benchmarks/quality.py PATH_OF_COMFYUI    renders what is not there yet; stop it and go on when you like
    python benchmarks/quality.py                    the tables and the plot of what is there

with a Python that has ComfyUI's requirements and this pack's. The demo model, its prompt left open, 8 Euler steps.
Pictures are kept in .comfy/benchmarks/quality: delete that folder to begin anew.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from surrogate import CHARTS, Seeds, SurrogateSpace  # noqa: E402
from surrogate.diagnostics import Grade  # noqa: E402
from surrogate.pictures.canvas import Palette  # noqa: E402
from surrogate.pictures.lettering import Face  # noqa: E402
from surrogate.pictures.page import MARGIN, Page  # noqa: E402
from surrogate.pictures.plotting import Strokes, ticks  # noqa: E402
from surrogate.quality import (  # noqa: E402
    PLACES,
    check_noise,
    features,
    overlap,
    steps,
    two_sample,
    walks,
)
from surrogate.quality.closure import judged_as_one  # noqa: E402
from surrogate.quality.stationarity import cosines, relation  # noqa: E402
from surrogate.quality.stretch import angles  # noqa: E402
from surrogate.scores.distances import picture_distances  # noqa: E402

FOLDER = ROOT / ".comfy" / "benchmarks" / "quality"
PLOT = ROOT / "benchmarks" / "quality.png"
SHAPE, BATCH = (16, 16, 16), 8
KS = (3, 4, 8, 16, 32)
SPACES, POINTS = 4, 20
# Closure: spaces and points of each flawed case, fresh noises in all and in each test, independent blends.
FLAWED_KS, FLAWED, FLAWED_POINTS = (3, 8, 32), 2, 12
FRESH, COMPARED, DRAWS, ALONE = 192, 32, 20, 40
# Steps in the cube whose pictures are compared.
STEP_KS, STEPS, LENGTH = (8,), 12, 0.1
DIMENSIONS = (2, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 2**20)
COLOURS = {"knothe_rosenblatt": Palette.mark, "angular": Palette.best}


# What is rendered: sets of noises by name, each made when it is needed.


def seeds_of(k: int, number: int) -> Seeds:
    """The seeds of a space: no other has any of them."""
    return Seeds.from_range(100_000 * k + 1000 * number + 1_000_000, k)


def noises(seeds: Seeds) -> torch.Tensor:
    return torch.stack([seed.noise((SHAPE,))[0] for seed in seeds])


def random_points(k: int, number: int, count: int) -> np.ndarray:
    return np.random.default_rng([k, number]).random((count, k - 1))


def ordinary(chart: str, k: int, number: int) -> torch.Tensor:
    return SurrogateSpace(seeds_of(k, number), chart).latents(random_points(k, number, POINTS), SHAPE)


def alike(k: int, number: int, common: float) -> torch.Tensor:
    """Seeds any two of which have the correlation `common`."""
    shared = torch.randn(SHAPE, generator=torch.Generator().manual_seed(number))
    return common**0.5 * shared + (1 - common) ** 0.5 * noises(seeds_of(k, number))


def average(k: int, number: int, count: int) -> torch.Tensor:
    """Linear averages: weights that add up to 1, whose squares do not."""
    w = SurrogateSpace(seeds_of(k, number)).weights(random_points(k, number, count))
    w = torch.from_numpy(w / w.sum(1, keepdims=True)).float()
    return (w @ noises(seeds_of(k, number)).flatten(1)).reshape(-1, *SHAPE)


def blends(common: float, transport: str = "gaussian") -> Callable:
    def made(k: int, number: int, count: int) -> torch.Tensor:
        space = SurrogateSpace(Seeds.from_tensors(alike(k, number, common)), transport=transport)
        return space.latents(random_points(k, number, count))

    return made


CASES: dict[str, Callable] = {
    "ordinary": blends(0.0),
    "linear average": average,
    "correlated 0.3": blends(0.3),
    "correlated 0.9": blends(0.9),
    "correlated 0.9, sphere": blends(0.9, "sphere"),
}


def both_ends(k: int, place: str) -> np.ndarray:
    """(2 · STEPS, k-1): where the steps begin, then where they end."""
    return np.concatenate(steps(k, place, STEPS, LENGTH, seed=k))


def wanted() -> dict[str, Callable[[], torch.Tensor]]:
    """Every set of noises, the more telling ones first."""
    sets = {"fresh": lambda: noises(Seeds.from_range(90_000_000, FRESH))}
    for number in range(SPACES):
        for k in KS:
            for chart in CHARTS:
                sets[f"{chart} {k} {number}"] = lambda c=chart, k=k, n=number: ordinary(c, k, n)
    for number in range(FLAWED):
        for k in FLAWED_KS:
            for case in list(CASES)[1:]:
                sets[f"{case} {k} {number}"] = lambda c=case, k=k, n=number: CASES[c](k, 100 + n, FLAWED_POINTS)
    for case in list(CASES)[:4]:  # each from seeds of its own
        sets[f"alone {case}"] = lambda c=case: torch.cat([CASES[c](8, 200 + n, 1) for n in range(ALONE)])
    for k in STEP_KS:
        for chart in CHARTS:
            for place in PLACES[1:]:
                if k > 3 or place != "face":  # of a square, faces are edges
                    space = SurrogateSpace(seeds_of(k, 300), chart)
                    sets[f"steps {chart} {k} {place}"] = lambda s=space, p=place: s.latents(both_ends(s.k, p), SHAPE)
    return sets


def path(name: str) -> Path:
    return FOLDER / f"{name}.npz"


def render_missing(draw: Callable) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    sets = wanted()
    for i, (name, made) in enumerate(sets.items(), 1):
        if path(name).exists():
            continue
        pictures = [np.round(255 * draw(z).clamp(0, 1).numpy()).astype(np.uint8) for z in made().split(BATCH)]
        part = FOLDER / "part.npz"
        np.savez_compressed(part, pictures=np.concatenate(pictures))
        part.rename(path(name))
        print(f"{i} of {len(sets)}  {name}", flush=True)


def pictures_of(name: str) -> np.ndarray | None:
    return np.load(path(name))["pictures"] if path(name).exists() else None


# The tables.


def bootstrap(values, statistic=np.mean) -> tuple[float, float]:
    """The 95 % interval of the `statistic` of the values."""
    values = np.asarray(values)
    drawn = np.random.default_rng(0).choice(values, (10_000, len(values)))
    return tuple(np.quantile(statistic(drawn, axis=1), [0.025, 0.975]))


def between(values, digits: int = 2) -> str:
    low, high = bootstrap(values)
    return f"{np.mean(values):.{digits}f} ({low:.{digits}f}…{high:.{digits}f})"


def row(*cells) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |")


def heads(*cells) -> None:
    row(*cells)
    row(*["---"] * len(cells))


def relations(chart: str, k: int) -> dict[int, dict]:
    """For each space that is there: how the distances of its random points go together."""
    found = {}
    for number in range(SPACES):
        pictures = pictures_of(f"{chart} {k} {number}")
        if pictures is None:
            continue
        u = random_points(k, number, POINTS)
        space = SurrogateSpace(seeds_of(k, number), chart)
        w, i_j = space.weights(u), np.triu_indices(POINTS, 1)
        apart = {
            "u": np.linalg.norm(u[:, None] - u[None], axis=2)[i_j],
            "w": 1 - (w @ w.T)[i_j],
            "z": 1 - cosines(space.latents(u, SHAPE))[i_j],
        }
        seen = picture_distances(pictures)[i_j]
        found[number] = {name: relation(values, seen) for name, values in apart.items()}
        found[number]["chart"] = relation(apart["u"], apart["w"])
    return found


def along_walks(chart: str, k: int) -> float:
    """Rank correlation of distance in u and 1 - w_i·w_j within 500 walks: the chart alone, nothing rendered."""
    space = SurrogateSpace(seeds_of(k, 0), chart)
    made = walks(space, 4000, k)
    w, (i, j) = space.weights(made.u), made.pairs
    return relation(np.linalg.norm(made.u[i] - made.u[j], axis=1), 1 - (w[i] * w[j]).sum(1), made.walk[i]).rank


def stationarity_table() -> None:
    print(f"\n### Stationarity: all pairs of {POINTS} random points\n")
    heads("k", "chart", "spaces", "u and pictures, rank", "linear", "weights, rank", "noises, rank",
          "u and weights, rank", "along walks")  # fmt: skip
    for k in KS:
        known = {chart: relations(chart, k) for chart in CHARTS}
        for chart, spaces in known.items():
            if spaces:
                cells = [between([s[a].rank for s in spaces.values()]) for a in ("u", "w", "z", "chart")]
                linear = between([s["u"].linear for s in spaces.values()])
                row(k, chart, len(spaces), cells[0], linear, *cells[1:], f"{along_walks(chart, k):.2f}")
        both = set.intersection(*(set(spaces) for spaces in known.values()))
        if both:
            first, second = CHARTS
            gain = [known[first][n]["u"].rank - known[second][n]["u"].rank for n in both]
            row(k, "difference", len(both), between(gain), *[""] * 5)


def stretch_table() -> None:
    print(f"\n### The same step everywhere? Steps of {LENGTH} in u, median of their size, over that in the middle\n")
    heads("k", "chart", "what", *PLACES[1:], "scatter anywhere")
    for k in KS:
        for chart in CHARTS:
            space = SurrogateSpace(seeds_of(k, 300), chart)
            moved = {}
            for place in PLACES:
                before, after = steps(k, place, 4000, LENGTH, seed=1)
                moved[place] = angles(space.weights(before), space.weights(after))
            medians = [np.median(moved[place]) / np.median(moved["middle"]) for place in PLACES[1:]]
            scatter = moved["anywhere"].std() / moved["anywhere"].mean()
            row(k, chart, "angle of the weights", *(f"{m:.2f}" for m in medians), f"{scatter:.2f}")
    for k in STEP_KS:
        for chart in CHARTS:
            cells, middle = [], None
            for place in PLACES[1:]:
                pictures = pictures_of(f"steps {chart} {k} {place}")
                if pictures is None:
                    cells.append("")
                    continue
                seen = np.array([picture_distances([pictures[i], pictures[STEPS + i]])[0, 1] for i in range(STEPS)])
                middle = np.median(seen) if place == "middle" else middle
                low, high = bootstrap(seen / middle, np.median)
                cells.append(f"{np.median(seen) / middle:.2f} ({low:.2f}…{high:.2f})")
            row(k, chart, "distance of pictures", *cells, "")


def low_dimension(k: int, dimension: int) -> tuple[list[float], list[float]]:
    """Over spaces of random seeds: error of w_i·w_j as the cosine of blends, and of the norm."""
    repeats = 40 if dimension <= 4096 else 10
    errors, norms = [], []
    for number in range(repeats if dimension < 2**20 else 3):
        rng = np.random.default_rng([k, dimension, number])
        seeds = rng.standard_normal((k, dimension), dtype=np.float32)
        gram = (seeds @ seeds.T).astype(np.float64) / dimension
        found = overlap(gram, SurrogateSpace(seeds_of(k, 0)).weights(random_points(k, number, 64)))
        errors.append(found.error)
        norms.append(found.norm)
    return errors, norms


def dimension_table() -> dict[int, list[float]]:
    print("\n### Low dimension: root mean square error of w_i·w_j as the cosine of two blends\n")
    heads("D", *(f"k = {k}" for k in (3, 8, 32)), "times √D", "norm beside 1, k = 8")
    lines: dict[int, list[float]] = {k: [] for k in (3, 8, 32)}
    for dimension in DIMENSIONS:
        found = {k: low_dimension(k, dimension) for k in lines}
        for k, (errors, _) in found.items():
            lines[k].append(float(np.mean(errors)))
        cells = [between(errors, 4) for errors, _ in found.values()]
        scaled = ", ".join(f"{np.mean(errors) * dimension**0.5:.2f}" for errors, _ in found.values())
        row(dimension, *cells, scaled, f"{np.mean(found[8][1]):.4f}")
    return lines


def closure_table() -> None:
    fresh = pictures_of("fresh")
    if fresh is None:
        return
    known = features(fresh)
    rng = np.random.default_rng(0)
    print(
        f"\n### Closure of one space: {COMPARED} fresh noises, drawn {DRAWS} times out of {FRESH}\n\n"
        "Share of the tests with p below 0.05. “Shuffled”: an energy distance whose chance is found by shuffling.\n"
    )
    heads("k", "space", "spaces", "blends that are noise", "norm", "pictures, judged as one", "median p", "shuffled")
    for k in KS:
        for case in CASES:
            if case == "ordinary":
                names = [f"knothe_rosenblatt {k} {n}" for n in range(SPACES)]
                noise = [ordinary("knothe_rosenblatt", k, n) for n in range(SPACES)]
            elif k in FLAWED_KS:
                names = [f"{case} {k} {n}" for n in range(FLAWED)]
                noise = [CASES[case](k, 100 + n, FLAWED_POINTS) for n in range(FLAWED)]
            else:
                continue
            checks = [check_noise(z) for z, name in zip(noise, names) if path(name).exists()]
            pictures = [p for p in map(pictures_of, names) if p is not None]
            if not pictures:
                continue
            p, shuffled = [], []
            for these in pictures:
                own = features(these)
                for _ in range(DRAWS):
                    chosen = rng.choice(FRESH, COMPARED, replace=False)
                    p.append(judged_as_one(own, known[chosen]).p)
                shuffled.append(two_sample(own, known[chosen]).p)
            p, shuffled = np.array(p), np.array(shuffled)
            good = np.mean([c.share(Grade.FIT) for c in checks])
            norm = np.sqrt(np.mean([np.mean(c.norm**2) for c in checks]))
            row(k, case, len(pictures), f"{100 * good:.0f} %", f"{norm:.2f}", f"{(p < 0.05).mean():.2f}",
                f"{np.median(p):.2g}", f"{(shuffled < 0.05).sum()} of {len(shuffled)}")  # fmt: skip
    print(f"\n### Closure as a law: {ALONE} blends, each of 8 seeds of its own, against {FRESH} fresh noises\n")
    heads("blends", "energy distance", "p", "chance of p < 0.05 with 24 against 24")
    for case in list(CASES)[:4]:
        pictures = pictures_of(f"alone {case}")
        if pictures is None:
            continue
        own = features(pictures)
        whole = two_sample(own, known, shuffles=9999)
        small = [
            two_sample(own[rng.choice(ALONE, 24, False)], known[rng.choice(FRESH, 24, False)], shuffles=199).p < 0.05
            for _ in range(60)
        ]
        row(case, f"{whole.distance:.3f}", f"{whole.p:.2g}", f"{np.mean(small):.2f}")


# The plot.


def plot(lines: dict[int, list[float]]) -> np.ndarray:
    """Rank correlation by k for each chart, and the error of the weights' product by D."""
    face, margin, width, height = Face(None), MARGIN, 960, 400
    title = "How near the space is to the pictures, and the weights to the noises"
    canvas = Page.plan(face, width, title, None).canvas(height - MARGIN)
    top, bottom, line = 100, height - margin - 2 * face.line(13), face.line(13)

    def panel(left, right, title, below, xs, names, low, high, marks):
        canvas.fill(left, top, right, bottom, Palette.hollow)
        canvas.text(left, top - line - 4, title, face, 13, Palette.caption)
        canvas.text((left + right) // 2, bottom + 6 + line, below, face, 13, Palette.quiet, "middle")
        span = np.log2(xs[-1] / xs[0])

        def across(x):
            return left + 16 + np.log2(np.asarray(x) / xs[0]) / span * (right - left - 32)

        def up(y):
            return bottom - (np.asarray(y) - low) / (high - low) * (bottom - top)

        for x, name in zip(xs, names):
            canvas.fill(round(float(across(x))), top, round(float(across(x))) + 1, bottom, Palette.edge)
            canvas.text(round(float(across(x))), bottom + 6, name, face, 13, Palette.caption, "middle")
        for value, name in marks:
            y = round(float(up(value)))
            canvas.fill(left, y, right, y + 1, Palette.edge)
            canvas.text(left - 8, y - line // 2, name, face, 13, Palette.caption, "right")
        return across, up

    across, up = panel(
        margin + 40, 460, "rank correlation, distance in u and of pictures", "seeds", KS, [f"{k}" for k in KS], 0, 1,
        list(zip(*ticks(0, 1, 6))),
    )  # fmt: skip
    with Strokes(canvas, margin + 40, top, 460, bottom) as strokes:
        for number, chart in enumerate(CHARTS):
            found = {k: [s["u"].rank for s in relations(chart, k).values()] for k in KS}
            found = {k: ranks for k, ranks in found.items() if ranks}
            shift = 4 * number - 2
            strokes.line([(across(k) + shift, up(np.mean(r))) for k, r in found.items()], COLOURS[chart], 2.0)
            for k, ranks in found.items():
                low, high = bootstrap(ranks)
                strokes.line([(across(k) + shift, up(low)), (across(k) + shift, up(high))], COLOURS[chart], 1.5)
                strokes.dot(across(k) + shift, up(np.mean(ranks)), 3.5, COLOURS[chart])
    for number, chart in enumerate(CHARTS):
        canvas.text(452, top + 6 + number * line, chart, face, 13, COLOURS[chart], "right")
    names = [f"{d}" if i % 2 == 0 else "" for i, d in enumerate(DIMENSIONS)]
    names[-1] = "10^6"
    across, up = panel(
        560, width - margin, "error of w·w as the cosine of blends", "D, numbers of a latent", DIMENSIONS, names, -4, 0,
        [(-i, f"{10.0**-i:g}") for i in range(5)],
    )  # fmt: skip
    shades = {3: (170, 220, 255), 8: Palette.mark, 32: (40, 130, 220)}
    with Strokes(canvas, 560, top, width - margin, bottom) as strokes:
        for k, errors in lines.items():
            places = list(zip(across(DIMENSIONS), up(np.log10(errors))))
            strokes.line(places, shades[k], 2.0)
            for x, y in places:
                strokes.dot(x, y, 3, shades[k])
    for number, k in enumerate(lines):
        canvas.text(width - margin - 8, top + 6 + number * line, f"k = {k}", face, 13, shades[k], "right")
    return canvas.pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("comfyui", nargs="?", help="path of ComfyUI; without it only the report")
    comfyui = parser.parse_args().comfyui
    if comfyui:
        from search import load_model

        render_missing(load_model(comfyui))
    done, sets = sum(path(name).exists() for name in wanted()), len(wanted())
    print(f"{done} of {sets} sets of pictures are there.")
    stationarity_table()
    stretch_table()
    lines = dimension_table()
    closure_table()
    Image.fromarray(plot(lines)).save(PLOT)


if __name__ == "__main__":
    main()
