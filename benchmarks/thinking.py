"""How long optimisers think: processor seconds of an ask, after so many images, on one thread.

    OMP_NUM_THREADS=1 python benchmarks/thinking.py [--optimisers adaptive] [--points 64,256,512,1000] [--profile]

with a Python that has this pack's requirements. Pictures are made up, of 24 factors of the noise, and a search tells their
distance to one of them: a real search up to that many images, of which the last five generations count. The seeds are 8.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import sys
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))

from surrogate import Seeds, SurrogateSpace  # noqa: E402
from surrogate.search import Study  # noqa: E402

SHAPE, FACTORS, SIDE = (4, 16, 16), 24, 16
GENERATIONS = 5


class Painter:
    """What a small model would paint, and how far that is from one picture that it could paint."""

    def __init__(self, seed: int):
        chance = torch.Generator().manual_seed(seed)
        numbers = int(np.prod(SHAPE))
        self.mixing = torch.randn(numbers, FACTORS, generator=chance) / numbers**0.5
        self.painting = torch.randn(FACTORS, SIDE * SIDE * 3, generator=chance) / FACTORS**0.5
        self.target = self(torch.randn(1, *SHAPE, generator=chance))

    def __call__(self, z: torch.Tensor) -> np.ndarray:
        """Pictures (n, 1, 16, 16, 3) uint8 of noises z (n, *SHAPE)."""
        painted = torch.sigmoid(torch.tanh(1.5 * z.flatten(1) @ self.mixing) @ self.painting * 2)
        return (painted.reshape(-1, 1, SIDE, SIDE, 3) * 255).numpy().astype(np.uint8)

    def away(self, pictures: np.ndarray) -> np.ndarray:
        return np.sqrt(((pictures / 255.0 - self.target / 255.0) ** 2).mean(axis=(1, 2, 3, 4)))


def thinking(optimiser: str, points: list[int], profile: cProfile.Profile | None) -> list[tuple[float, float]]:
    """Median processor seconds of an ask before each of the numbers of `points`, and the best score then."""
    painter = Painter(3)
    space = SurrogateSpace(Seeds.from_range(500, 8))
    study = Study.open(None, optimiser, space, budget=max(points), optimiser=optimiser, directions="minimize")
    times: list[float] = []
    found = {}
    while True:
        told = len(study.history())
        counts = profile is not None and max(points) - told <= GENERATIONS * study.optimiser.population
        began = time.process_time()
        if counts:
            profile.enable()  # type: ignore[union-attr]
        asked = study.ask()
        if counts:
            profile.disable()  # type: ignore[union-attr]
        times.append(time.process_time() - began)
        if not len(asked):
            break
        pictures = painter(study.space.latents(asked.u, SHAPE))
        study.tell(asked, painter.away(pictures), pictures=list(pictures))
        for count in points:
            if told < count <= told + len(asked):
                found[count] = (float(np.median(times[-GENERATIONS:])), study.best.score)
    study.delete()
    return [found[count] for count in points]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--optimisers", default="adaptive")
    parser.add_argument("--points", default="64,256,512,1000")
    parser.add_argument("--profile", action="store_true", help="where the last generations' time goes")
    given = parser.parse_args()
    points = [int(count) for count in given.points.split(",")]
    torch.set_num_threads(1)
    print(f"{os.cpu_count()} cores; load average at the start {os.getloadavg()[0]:.1f}.\n")
    print("| optimiser | " + " | ".join(f"{count} images: s, best" for count in points) + " |")
    print("| --- |" + " --- |" * len(points))
    for optimiser in given.optimisers.split(","):
        profile = cProfile.Profile() if given.profile else None
        cells = [f"{seconds:.3f}, {best:.4f}" for seconds, best in thinking(optimiser, points, profile)]
        print(f"| {optimiser} | {' | '.join(cells)} |", flush=True)
        if profile is not None:
            pstats.Stats(profile).sort_stats("tottime").print_stats(22)


if __name__ == "__main__":
    main()
