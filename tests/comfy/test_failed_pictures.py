"""Pictures with NaN or infinite values: Render Points names them, does not save them, and makes them again."""

import json

import numpy as np
import pytest
from PIL import Image

from dev.client import ExecutionFailed

from .graph import Graph, Log, counted, output


def order(comfy, name: str, **orders) -> None:
    (output(comfy) / f"{name}.json").write_text(json.dumps(orders))


def rendered(comfy, name: str, points="0.1\n0.4\n0.6\n0.9", shape=(1, 4, 8, 8), vae="rgb", **settings):
    """(graph, the node) of a few points, two a batch, from a model that gives NaN where <name>.json says so."""
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", channels=shape[1], video=len(shape) == 5).outputs(2)
    space = g.space("12, 99")
    node = g.render(
        g("TestNaNModel", model=model, name=name),
        conditioning,
        g("TestAnyVAE", kind=vae),
        g.latent(*shape),
        space,
        g("SurrogatePoint", space=space, coordinates=points),
        log=f"{name} calls",
        **{"filename_prefix": f"{name}/x", "images_per_batch": 2} | settings,
    )
    return g, node


def saved(comfy, name: str) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (output(comfy) / name).glob("*.png")}


def texts_of(comfy, g) -> str:
    events = []
    comfy.client.run(g.prompt, on_event=lambda kind, data: events.append((kind, data)))
    return b" ".join(data for kind, data in events if kind == "binary 3").decode()


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_failed_pictures_are_named_and_made_again_when_the_cause_is_gone(comfy, value):
    """With the same graph: what is mended is often outside of it, such as --fp32-vae. The good ones are kept."""
    name = f"failing {value}"
    order(comfy, name, nan=[1], value=value)  # the second of each batch
    g, node = rendered(comfy, name)
    first = g.keep(node)
    log = Log(comfy)
    said = texts_of(comfy, g)
    good = saved(comfy, name)
    assert sorted(int(file[-9:-4]) for file in good) == [1, 3]
    assert "2 new, 0 from before, 2 failed" in said and "latents are NaN or infinite" in said
    assert "2 (" in said and "4 (" in said and "--fp32-vae" in said
    assert log.wait_for("2 failed")
    assert first.tensor.shape == (4, 8, 8, 3)
    assert [bool(picture.max() > 0) for picture in first.tensor] == [True, False, True, False]

    order(comfy, name)
    g, node = rendered(
        comfy, name, largest_side=8
    )  # no part of what decides the pictures, but core runs the node again
    again = g.keep(node)
    entry = g.run()
    assert counted(comfy, f"{name} calls") == [2, 2, 2]
    whole = saved(comfy, name)
    assert len(whole) == 4 and good.items() <= whole.items()
    assert len(comfy.client.images(entry, node.number)) == 4
    assert all(picture.max() > 0 for picture in again.tensor)
    assert (again.tensor[0::2] == first.tensor[0::2]).all()


def test_only_the_good_ones_are_shown(comfy):
    order(comfy, "shown failing", nan=[0])
    g, node = rendered(comfy, "shown failing")
    entry = g.run()
    listed = [image["filename"] for image in comfy.client.images(entry, node.number)]
    assert sorted(listed) == sorted(saved(comfy, "shown failing")) and len(listed) == 2
    for file in listed:
        assert np.asarray(Image.open(output(comfy) / "shown failing" / file)).max() > 0


def test_nothing_but_failures_is_an_error(comfy):
    order(comfy, "all failing", nan=[0, 1])
    g, _ = rendered(comfy, "all failing")
    with pytest.raises(ExecutionFailed, match=r"No picture was saved.*Failed pictures: 1 \(.*half precision"):
        g.run()
    assert not saved(comfy, "all failing")


def test_many_failures_are_counted_not_listed(comfy):
    order(comfy, "many failing", nan=[1])
    g, _ = rendered(comfy, "many failing", points="\n".join(str(i / 23) for i in range(24)))
    assert "and 4 more" in texts_of(comfy, g)
    assert len(saved(comfy, "many failing")) == 12


def test_a_clip_with_one_bad_frame_is_failed(comfy):
    """The first value of the latent is spoilt: the pixels of one step of the clip."""
    order(comfy, "clip failing", nan=[0])
    g, node = rendered(comfy, "clip failing", points="0.2\n0.8", shape=(1, 16, 3, 6, 8), vae="video")
    clips = g.keep(node[1])
    assert "1 failed" in texts_of(comfy, g)
    assert len(saved(comfy, "clip failing")) == 1
    black, good = clips.tensors.values()
    assert black.shape == good.shape == (6, 6, 8, 3) and black.max() == 0 < good.max()


def test_core_gives_nan_by_itself(comfy):
    """Perp-Neg guidance of equal conditionings divides by zero."""
    g = Graph(comfy)
    model, vae, conditioning, latent = g.demo()
    space = g.space("12, 99")
    node = g.render(
        model, conditioning, vae, latent, space, g.vertices(space, 2), filename_prefix="perpneg/x", images_per_batch=2
    )
    same = {"model": model, "positive": conditioning, "negative": conditioning, "empty_conditioning": conditioning}
    g.prompt[node.number]["inputs"]["guider"] = g("PerpNegGuider", **same, cfg=2.0, neg_scale=1.0)[0]
    with pytest.raises(ExecutionFailed, match="No picture was saved"):
        g.run()
    assert not saved(comfy, "perpneg")


def test_space_quality_compares_no_failed_pictures(comfy):
    order(comfy, "quality failing", nan=[1])
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel").outputs(2)
    model = g("TestNaNModel", model=model, name="quality failing")
    g(
        "SurrogateSpaceQuality",
        **g.sampling(model, conditioning),
        latent=g.latent(1, 4, 8, 8),
        vae=g("TestAnyVAE"),
        space=g.space("12, 99"),
        count=8,
        images_per_batch=4,
    )
    with pytest.raises(ExecutionFailed, match=r"Picture 2 cannot be compared: its latents are NaN.*--fp32-vae"):
        g.run()
