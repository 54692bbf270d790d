"""What searches have found after 16, 32, … 256 images: the picture of docs/which_optimiser.md.

    python benchmarks/courses.py PATH_OF_COMFYUI

One goal and one run of each search, so it shows how they go on, not which is better: benchmarks/adaptive.py does that.
The goal is the Demo Picture of the workflow demo_search; the seeds are 1 to 6, which nobody chose.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

ROOT = Path(__file__).absolute().parents[1]
sys.path.append(str(ROOT))
sys.path.append(str(ROOT / "benchmarks"))

import search  # noqa: E402

from surrogate import Seeds, SurrogateSpace, space_from_recipe  # noqa: E402
from surrogate.pictures import contact_sheet  # noqa: E402
from surrogate.scores import make_score  # noqa: E402
from surrogate.search import Scouting, Study  # noqa: E402

BUDGET, SHOWN = 256, (16, 32, 64, 128, 256)
PICTURE = ROOT / "docs" / "which_optimiser.png"


def spend(study: Study, space: SurrogateSpace, draw, score, seen: list) -> None:
    """Ask and tell `study` to its end; `seen` grows by (score, picture) of each image."""
    while len(generation := study.ask()):
        images = torch.cat([draw(z) for z in space.latents(generation.u, search.SHAPE).split(search.BATCH)])
        pictures = [(image[None].numpy().clip(0, 1) * 255).round().astype(np.uint8) for image in images]
        scores = score(images)
        study.tell(generation, scores, pictures=pictures)
        seen += zip(scores.tolist(), (picture[0] for picture in pictures), strict=True)


def course(name: str, draw, score) -> list:
    seeds, seen = Seeds.from_range(1, 6), []
    if name == "scout, cma-es":
        scouting = Scouting.open(None, name, budget=BUDGET, k=8, first=1, diversity=0)
        spend(scouting.study, scouting.space, draw, score, seen)
        study = scouting.search()
        spend(study, space_from_recipe(study.definition.space), draw, score, seen)
        return seen
    if name == "random noise":
        for z in search.noises(Seeds.from_range(1, BUDGET)).split(search.BATCH):
            images = draw(z)
            seen += zip(score(images).tolist(), (images.numpy().clip(0, 1) * 255).astype(np.uint8), strict=True)
        return seen
    study = Study.open(None, name, SurrogateSpace(seeds), budget=BUDGET, optimiser=name)
    spend(study, study.space, draw, score, seen)
    return seen


def main() -> None:
    draw = search.load_model(sys.argv[1])
    from surrogate_pack.nodes.demo import DemoPicture

    target = DemoPicture.execute("dusk", "mountains", 1, 128).args[0]
    score = make_score("match_pixels", target=target, side=32)
    names = ("random noise", "cma-es", "scout, cma-es", "adaptive")
    pictures, captions = [], []
    for name in names:
        seen = course(name, draw, score)
        pictures.append(target[0].numpy())
        captions.append(f"{name}: wanted")
        for count in SHOWN:
            value, picture = max(seen[:count], key=lambda entry: entry[0])
            pictures.append(picture)
            captions.append(f"{count} images: {-value:.3f}")
        print(name, captions[-len(SHOWN) :], flush=True)
    sheet = contact_sheet(
        pictures,
        captions=captions,
        columns=1 + len(SHOWN),
        numbers=False,
        title="The best picture after so many images, and its distance",
    )
    Image.fromarray(sheet).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
