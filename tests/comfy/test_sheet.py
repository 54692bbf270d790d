"""What a Contact Sheet tells the browser, and the seeds that a click on it makes."""

import io
import urllib.parse
import urllib.request

import numpy as np
import torch
from PIL import Image

from surrogate import Seeds, SurrogateSpace, points
from surrogate.points import acts

from .graph import Graph

COLOURS = [0xFF0000, 0x00FF00, 0x0000FF, 0xFFFF00]


def sheet_of(g: Graph, **settings):
    """Four pictures of one colour each, 32 by 48 pixels, on a sheet."""
    batch = None
    for colour in COLOURS:
        image = g("EmptyImage", width=32, height=48, batch_size=1, color=colour)
        batch = image if batch is None else g("ImageBatch", image1=batch, image2=image)
    return g("SurrogateContactSheet", images=batch, **settings)


def told(entry, node) -> dict:
    (shown,) = entry["outputs"][node.number]["surrogate_sheet"]
    return shown


def picture(comfy, file: dict) -> np.ndarray:
    with urllib.request.urlopen(f"{comfy.client.url}/view?{urllib.parse.urlencode(file)}", timeout=60) as answer:
        return np.asarray(Image.open(io.BytesIO(answer.read())).convert("RGB"))


def test_the_browser_is_told_what_is_where(comfy):
    """A sheet needs no node behind it; each box is filled by its picture, whose weights and label come with it."""
    g = Graph(comfy)
    node = sheet_of(g, points=g("SurrogateCorners", space=g.space(), columns=2, rows=2), numbers=False, title="four")
    shown = told(g.run(), node)
    seen = picture(comfy, shown["file"])
    assert list(seen.shape[1::-1]) == shown["size"]
    assert shown["count"] == len(shown["boxes"]) == 4
    for colour, (x0, y0, x1, y1) in zip(COLOURS, shown["boxes"], strict=True):
        inside = seen[y0 + 6 : y1 - 6, x0 + 6 : x1 - 6].reshape(-1, 3)
        assert np.abs(inside - np.array([colour >> 16, colour >> 8 & 255, colour & 255], float)).max() < 48  # a JPEG
    assert shown["labels"] == [f"seed {n}" for n in (12, 99, 1024, 7)]
    assert shown["weights"] == ["1, 0, 0, 0", "0, 1, 0, 0", "0, 0, 1, 0", "0, 0, 0, 1"]


def test_what_is_copied_is_read_as_the_same_points(comfy):
    g = Graph(comfy)
    node = sheet_of(g, points=g("SurrogateRandomPoints", space=g.space(), count=4, random_seed=5))
    shown = told(g.run(), node)
    space = SurrogateSpace(Seeds.from_text("12, 99, 1024, 7"))
    made = points.sobol(space, 4, 5)
    assert np.abs(acts.weights(space, "\n".join(shown["weights"])).w - made.w).max() < 3e-16
    assert shown["labels"] == list(made.labels)


def test_without_points_there_are_boxes_alone(comfy):
    g = Graph(comfy)
    node = sheet_of(g)
    shown = told(g.run(), node)
    assert (len(shown["boxes"]), shown["labels"], shown["weights"]) == (4, [], [])


def test_a_workflow_does_not_grow_without_bound(comfy):
    """What is told becomes part of the workflow's file: beyond a thousand cells only how many there are."""
    g = Graph(comfy)
    images = g("EmptyImage", width=4, height=4, batch_size=1200, color=0)
    grid = g("SurrogateGrid", space=g.space(), columns=40, rows=30)
    node = g("SurrogateContactSheet", images=images, points=grid, cell_size=4)
    shown = told(g.run(), node)
    assert shown["count"] == 1200
    assert (shown["boxes"], shown["labels"], shown["weights"]) == ([], [], [])
    assert max(picture(comfy, shown["file"]).shape) <= 2048


def test_points_as_seeds_are_corners_of_a_new_space(comfy):
    g = Graph(comfy)
    space = g.space()
    where = g("SurrogateWeights", space=space, weights="1 2 3 4\n0 0 1 0")
    inner = g("SurrogateSpace", seeds=g("SurrogateSeedsFromPoints", space=space, points=where))
    latent = g.latent(1, 4, 8, 8)
    noises = []
    for chosen, points_of in ((space, where), (inner, g.vertices(inner, 2))):
        noise = g("SurrogateNoise", space=chosen, points=points_of, latent=latent)
        noises.append(g.keep(noise, latent=noise[1]))
    g.run()
    assert noises[0].tensor.shape == (2, 4, 8, 8)
    assert torch.equal(noises[0].tensor, noises[1].tensor)


def test_a_pad_is_told_of_its_space(comfy):
    g = Graph(comfy)
    small, large = g.space(chart="angular"), g.space(", ".join(map(str, range(70))))
    made = [g("SurrogateWeights", space=small), g("SurrogatePoint", space=large)]
    for space, one in zip((small, large), made, strict=True):
        noise = g("SurrogateNoise", space=space, points=one, latent=g.latent(1, 4, 8, 8))
        g.keep(noise, latent=noise[1])
    entry = g.run()
    told_of = [entry["outputs"][one.number]["surrogate_pad"][0] for one in made]
    assert told_of[0] == {"k": 4, "labels": ["12", "99", "1024", "7"], "chart": "angular"}
    assert (told_of[1]["k"], len(told_of[1]["labels"]), told_of[1]["chart"]) == (70, 64, "knothe_rosenblatt")
