"""Render Points: pictures that are saved one by one, loses none of them, and makes none twice."""

import io
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from dev.client import Client, ExecutionInterrupted
from dev.server import Server

from .graph import TESTKIT, Graph, Log, counted, output


def grid_of_1000(g: Graph):
    """(space, 1000 points)."""
    space = g.space()
    return space, g("SurrogateCorners", space=space, columns=40, rows=25)


def rendered(g: Graph, space, points, log: str, shape=(1, 4, 8, 8), vae=None, prompt=0, **settings):
    """Points rendered with tiny models, to pictures of 8×8 pixels."""
    model, conditioning = g("TestAnyModel", channels=shape[1], video=len(shape) == 5, prompt=prompt).outputs(2)
    return g.render(model, conditioning, vae or g("TestAnyVAE"), g.latent(*shape), space, points, log=log, **settings)


def small(comfy, folder: str, points="0.1\n0.4\n0.6\n0.9", seeds="12, 99", **settings):
    """A graph of a few points, two a batch, in a folder that is also the name of the log: (graph, the kept IMAGE)."""
    g = Graph(comfy)
    space = g.space(seeds)
    where = g("SurrogatePoint", space=space, coordinates=points)
    settings = {"filename_prefix": f"{folder}/x", "images_per_batch": 2, "log": folder} | settings
    return g, g.keep(rendered(g, space, where, **settings))


def files(comfy, folder: str) -> dict[str, float]:
    """The pictures in a folder: name -> when it was written, in nanoseconds."""
    return {path.name: path.stat().st_mtime_ns for path in (output(comfy) / folder).glob("*.png")}


def wait_until(condition, seconds: float = 60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def names(comfy, entry) -> list[str]:
    return [image["filename"] for image in comfy.client.images(entry)]


def pixels(comfy, folder: str, entry) -> torch.Tensor:
    """The saved pictures in the order that the node lists them, as an IMAGE."""
    pictures = [np.asarray(Image.open(output(comfy) / folder / name)) for name in names(comfy, entry)]
    return torch.from_numpy(np.stack(pictures)).float() / 255


def test_a_thousand_points_interrupted_in_the_middle(comfy):
    """Nothing that was finished is lost or made again, and the pictures are those of a run without a break."""
    g = Graph(comfy)
    space, points = grid_of_1000(g)
    broken = g.keep(rendered(g, space, points, "broken", filename_prefix="broken/x", images_per_batch=16))
    prompt = comfy.client.queue(g.prompt)
    wait_until(lambda: len(counted(comfy, "broken")) >= 25)
    comfy.client.interrupt()
    with pytest.raises(ExecutionInterrupted):
        comfy.client.wait(prompt)
    before = files(comfy, "broken")
    assert 24 * 16 <= len(before) < 900
    assert len(before) >= sum(counted(comfy, "broken")) - 16

    entry = g.run()
    after = files(comfy, "broken")
    assert {name: after[name] for name in before} == before
    assert names(comfy, entry) == sorted(after)
    assert len(after) == 1000
    # Only the missing ones were sampled; a batch that was sampled but not yet decoded is sampled again.
    assert 1000 <= sum(counted(comfy, "broken")) <= 1000 + 16

    h = Graph(comfy)
    space, points = grid_of_1000(h)
    whole = h.keep(rendered(h, space, points, "whole", filename_prefix="whole/x", images_per_batch=16))
    whole_entry = h.run()
    assert counted(comfy, "whole") == [16] * 62 + [8]
    assert broken.tensor.shape == (1000, 8, 8, 3)
    assert torch.equal(broken.tensor, whole.tensor)
    assert torch.equal(whole.tensor, pixels(comfy, "whole", whole_entry))
    assert torch.equal(broken.tensor, pixels(comfy, "broken", entry))
    assert len(torch.unique(whole.tensor.flatten(1), dim=0)) == 1000


def test_the_server_is_killed_in_the_middle(comfy, tmp_path):
    """kill -9; a new server on the same folder goes on. The files of a broken write are no obstacle."""
    arguments = ["--cpu"] if "--cpu" in comfy.server.arguments else []
    log = "killed"
    made = dict(packs=[TESTKIT], arguments=arguments, base=tmp_path)
    for attempt in (1, 2):
        with Server("killed", **made) as server:
            own = replace(comfy, server=server, client=Client(server.url))
            (output(own) / f"{log}.seconds").write_text("0.2" if attempt == 1 else "0")
            g = Graph(own)
            space = g.space()
            points = g("SurrogateRandomPoints", space=space, count=60)
            image = g.keep(rendered(g, space, points, log, filename_prefix="killed/x", images_per_batch=3))
            if attempt == 1:
                own.client.queue(g.prompt)
                wait_until(lambda own=own: len(counted(own, log)) >= 5)
                os.kill(server.process.pid, signal.SIGKILL)
                server.process.wait()
                before = files(own, "killed")
                assert 12 <= len(before) < 60
                for name in list(before)[:2]:
                    (output(own) / "killed" / name).with_suffix(".part").write_bytes(b"half a picture")
            else:
                entry = g.run()
                after = files(own, "killed")
                assert {name: after[name] for name in before} == before
                assert len(after) == 60
                assert 60 <= sum(counted(own, log)) <= 63
                assert torch.equal(image.tensor, pixels(own, "killed", entry))


def test_finished_pictures_are_not_made_again(comfy):
    """Also when what does not change the pictures is changed: batches, size of the output, speed of clips."""
    g, first = small(comfy, "again")
    entry = g.run()
    before = files(comfy, "again")
    assert counted(comfy, "again") == [2, 2]
    for settings in ({"images_per_batch": 3}, {"largest_side": 4}, {"frames_per_second": 12.0}):
        g, image = small(comfy, "again", **settings)
        assert names(comfy, g.run()) == names(comfy, entry)
        assert image.tensor.shape == (4, *2 * [settings.get("largest_side", 8)], 3)
        if "largest_side" not in settings:
            assert torch.equal(image.tensor, first.tensor)
    assert files(comfy, "again") == before
    assert counted(comfy, "again") == [2, 2]


def test_the_same_graph_with_other_node_numbers_is_the_same_run(comfy):
    """The browser numbers nodes as they were added."""
    g, first = small(comfy, "numbered")
    g.run()
    h, second = small(comfy, "numbered")

    def moved(value):
        return [str(1000 - int(value[0])), value[1]] if isinstance(value, list) else value

    h.prompt = {
        str(1000 - int(number)): {**node, "inputs": {name: moved(value) for name, value in node["inputs"].items()}}
        for number, node in reversed(h.prompt.items())
    }
    h.run()
    assert counted(comfy, "numbered") == [2, 2]
    assert torch.equal(first.tensor, second.tensor)


def test_another_folder_is_another_place_for_the_same_run(comfy):
    g, _ = small(comfy, "moved")
    here = names(comfy, g.run())
    g, _ = small(comfy, "moved", filename_prefix="moved/deeper/y")
    there = names(comfy, g.run())
    assert counted(comfy, "moved") == [2, 2, 2, 2]
    assert [name.replace("x_", "y_") for name in here] == there


CHANGES = {
    "prompt": {"prompt": 1},
    "steps": {"steps": 2},
    "seeds": {"seeds": "12, 100"},
    "points": {"points": "0.1\n0.4\n0.6\n0.8"},
    "noise_seed": {"noise_seed": 1},
    "size": {"shape": (1, 4, 8, 10)},
}


def test_a_change_upstream_is_a_new_run(comfy):
    """Each in the same folder; the pictures of the others stay, and going back finds them."""
    g, image = small(comfy, "changed")
    first = names(comfy, g.run())
    kept = files(comfy, "changed")
    seen = set(first)
    for change, settings in CHANGES.items():
        g, other = small(comfy, "changed", **settings)
        own = names(comfy, g.run())
        assert not seen & set(own), change
        seen |= set(own)
        if change != "noise_seed":  # which euler does not use
            assert other.tensor.shape != image.tensor.shape or not torch.equal(other.tensor, image.tensor), change
    assert counted(comfy, "changed") == [2, 2] * (1 + len(CHANGES))
    assert kept.items() <= files(comfy, "changed").items()

    g, back = small(comfy, "changed")
    assert names(comfy, g.run()) == first
    assert torch.equal(back.tensor, image.tensor)
    assert counted(comfy, "changed") == [2, 2] * (1 + len(CHANGES))


def test_what_stands_in_the_latent_is_part_of_the_run(comfy):
    """A starting picture that changes without a change in the graph: another file of the same name."""
    seen = []
    for fill in (1.0, 1.0, 2.0):
        latent = {"latent_tensor": torch.full((1, 4, 8, 8), fill), "latent_format_version_0": torch.tensor([])}
        safetensors.torch.save_file(latent, comfy.server.base / "input" / "start.latent")
        g = Graph(comfy)
        space = g.space("12, 99")
        model, conditioning = g("TestAnyModel").outputs(2)
        points = g("SurrogatePoint", space=space, coordinates="0.5")
        start = g("LoadLatent", latent="start.latent")
        # Another value each time, or core would not run the node again.
        g.render(
            model,
            conditioning,
            g("TestAnyVAE"),
            start,
            space,
            points,
            log="started",
            filename_prefix="started/x",
            images_per_batch=len(seen) + 1,
        )
        seen.append(names(comfy, g.run()))
    assert seen[0] == seen[1] != seen[2]
    assert counted(comfy, "started") == [1, 1]


def test_render_again_renders_each_time(comfy):
    g, first = small(comfy, "anew")
    g.run()
    before = files(comfy, "anew")
    for times in (2, 3):
        g, again = small(comfy, "anew", finished_pictures="render again")
        g.run()
        assert counted(comfy, "anew") == [2, 2] * times
        after = files(comfy, "anew")
        assert after.keys() == before.keys()
        assert all(after[name] > before[name] for name in before)
        assert torch.equal(first.tensor, again.tensor)
        before = after
    g, _ = small(comfy, "anew")
    g.run()
    assert files(comfy, "anew") == before


def test_damaged_missing_and_foreign_pictures_are_made_again(comfy):
    g, first = small(comfy, "damaged")
    entry = g.run()
    folder = output(comfy) / "damaged"
    cut, gone, foreign, good = (folder / name for name in names(comfy, entry))
    before = files(comfy, "damaged")
    original = foreign.read_bytes()
    cut.write_bytes(cut.read_bytes()[:-40])
    gone.unlink()
    h, _ = small(comfy, "elsewhere", seeds="1, 2")
    other = output(comfy) / "elsewhere" / names(comfy, h.run())[2]
    foreign.write_bytes(other.read_bytes())

    log = Log(comfy)
    g, again = small(comfy, "damaged", largest_side=8)  # another input, or core would hand out the cached output
    g.run()
    assert torch.equal(first.tensor, again.tensor)
    assert torch.equal(first.tensor, pixels(comfy, "damaged", entry))
    assert Image.open(foreign).text["surrogate"] == Image.open(io.BytesIO(original)).text["surrogate"]
    assert counted(comfy, "damaged") == [2, 2, 2, 1]
    assert files(comfy, "damaged")[good.name] == before[good.name]
    assert log.wait_for(f"{cut.name} cannot be read")


def test_two_prompts_in_one_folder_do_not_mix(comfy):
    """Interrupted in turn, each goes on with its own pictures."""
    settings = {"mine": {"prompt": 3}, "yours": {"prompt": 4}}
    many = "\n".join(str(i / 39) for i in range(40))

    def graph(name):
        return small(comfy, "shared", points=many, log=name, **settings[name])

    for name in settings:
        g, _ = graph(name)
        (output(comfy) / f"{name}.seconds").write_text("0.05")
        prompt = comfy.client.queue(g.prompt)
        wait_until(lambda name=name: len(counted(comfy, name)) >= 6)
        comfy.client.interrupt()
        with pytest.raises(ExecutionInterrupted):
            comfy.client.wait(prompt)
        (output(comfy) / f"{name}.seconds").write_text("0")
    images = {}
    for name in settings:
        g, image = graph(name)
        entry = g.run()
        assert torch.equal(image.tensor, pixels(comfy, "shared", entry))
        assert 40 <= sum(counted(comfy, name)) <= 42
        images[name] = image.tensor
    assert len(files(comfy, "shared")) == 80
    assert not torch.equal(images["mine"], images["yours"])


def test_the_pictures_are_those_of_the_stock_nodes(comfy):
    """SamplerCustomAdvanced, VAE Decode, Save Image on the same graph: the same pixels, at any batch size."""
    g = Graph(comfy)
    model, vae, conditioning, latent = g.demo(time="night", place="sea")
    space = g.space()
    points = g("SurrogateCorners", space=space, columns=2, rows=2)
    noise = g("SurrogateNoise", space=space, points=points, latent=latent, images_per_batch=3)
    images = g.decoded(g.custom(model, conditioning, noise, noise[1], steps=3), vae)
    stock = g("SaveImage", images=images, filename_prefix="stock/x")
    ours = g.render(
        model,
        conditioning,
        vae,
        latent,
        space,
        points,
        steps=3,
        filename_prefix="ours/x",
        images_per_batch=3,
    )
    entry = g.run()
    saved = {}
    for node, folder in ((stock, "stock"), (ours, "ours")):
        listed = comfy.client.images(entry, node.number)
        saved[folder] = [np.asarray(Image.open(output(comfy) / folder / image["filename"])) for image in listed]
    assert len(saved["ours"]) == len(saved["stock"]) == 4
    assert saved["ours"][0].shape == (64, 64, 3)
    for a, b in zip(saved["ours"], saved["stock"]):
        assert np.array_equal(a, b)


def test_pictures_to_start_from(comfy):
    """One for each point, with masks: each batch gets its own."""
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel").outputs(2)
    vae = g("TestAnyVAE")
    space = g.space("12, 99")
    points = g("SurrogatePoint", space=space, coordinates="0.1\n0.4\n0.6\n0.9\n1")
    start = g.latent(5, 4, 8, 6, fill="normal", number=2, masked=True)
    noise = g("SurrogateNoise", space=space, points=points, latent=start)
    stock = g.keep(g.decoded(g.custom(model, conditioning, noise, noise[1], steps=2), vae))
    ours = g.keep(
        g.render(
            model, conditioning, vae, start, space, points, steps=2, images_per_batch=2, filename_prefix="started/many"
        )
    )
    g.run()
    assert ours.tensor.shape == stock.tensor.shape == (5, 8, 6, 3)
    assert torch.equal(ours.tensor, (stock.tensor * 255).to(torch.uint8).float() / 255)


@pytest.mark.parametrize("kind, channels", [("grey", 1), ("rgb", 3), ("rgba", 4)])
def test_pictures_of_every_kind(comfy, kind, channels):
    for attempt in range(2):
        g, image = small(comfy, f"kind_{kind}", largest_side=attempt)
        g.prompt[next(n for n, node in g.prompt.items() if node["class_type"] == "TestAnyVAE")]["inputs"]["kind"] = kind
        g.run()
        assert image.tensor.shape == (4, *(2 * [1] if attempt else 2 * [8]), channels)
    assert counted(comfy, f"kind_{kind}") == [2, 2]


@pytest.mark.parametrize("kind", ["video", "still"])
def test_clips(comfy, kind):
    """Animated PNGs, resumed with all their frames; also where frames are equal, and at another speed."""
    folder = f"clip_{kind}"
    clips = {"folder": folder, "shape": (1, 16, 3, 6, 8), "points": "0\n0.5\n1"}

    def graph(**settings):
        g, image = small(comfy, **clips, **settings)
        g.prompt[next(n for n, node in g.prompt.items() if node["class_type"] == "TestAnyVAE")]["inputs"]["kind"] = kind
        return g, image

    g, first = graph()
    entry = g.run()
    assert [out["animated"] for out in entry["outputs"].values() if "animated" in out] == [[True]]
    assert first.tensor.shape == (3 * 6, 6, 8, 3)
    listed = names(comfy, entry)
    assert len(listed) == 3
    with Image.open(output(comfy) / folder / listed[0]) as picture:
        assert picture.n_frames == {"video": 6, "still": 2}[kind]
    (output(comfy) / folder / listed[1]).unlink()
    g, again = graph(frames_per_second=8.0)
    g.run()
    assert counted(comfy, folder) == [2, 1, 1]
    assert torch.equal(first.tensor, again.tensor)

    h = Graph(comfy)
    model, conditioning = h("TestAnyModel", channels=16, video=True).outputs(2)
    space = h.space("12, 99")
    points = h("SurrogatePoint", space=space, coordinates=clips["points"])
    noise = h("SurrogateNoise", space=space, points=points, latent=h.latent(*clips["shape"]))
    samples = h.custom(model, conditioning, noise, noise[1], steps=1)
    stock = h.keep(h.decoded(samples, h("TestAnyVAE", kind=kind)))
    h.run()
    assert torch.equal(first.tensor, (stock.tensor * 255).to(torch.uint8).float() / 255)


def test_the_largest_side_of_the_output(comfy):
    """The files are full size; the output has the shape of the pictures, averaged, never enlarged."""
    for side, size in ((0, (8, 16)), (4, (2, 4)), (6, (3, 6)), (1, (1, 1)), (16, (8, 16)), (999, (8, 16))):
        g, image = small(comfy, "sized", shape=(1, 4, 8, 16), largest_side=side)
        entry = g.run()
        assert image.tensor.shape == (4, *size, 3)
        whole = pixels(comfy, "sized", entry)
        assert whole.shape == (4, 8, 16, 3)
        torch.testing.assert_close(image.tensor.mean((1, 2)), whole.mean((1, 2)), rtol=0, atol=0.02)
    assert counted(comfy, "sized") == [2, 2]


def test_it_shows_how_far_it_is(comfy):
    """One bar over all batches that never goes back, a preview for each batch, and text under the node."""
    g, _ = small(comfy, "shown", steps=3)
    guider = next(one["inputs"] for one in g.prompt.values() if one["class_type"] == "BasicGuider")
    guider["model"] = g("TestSlowModel", model=guider["model"], seconds=0.12)[0]
    events = []
    entry = comfy.client.run(g.prompt, on_event=lambda kind, data: events.append((kind, data)))
    node = next(number for number, one in g.prompt.items() if one["class_type"] == "SurrogateRenderPoints")
    bars = [data for kind, data in events if kind == "progress" and str(data["node"]) == node]
    values = [bar["value"] for bar in bars]
    assert values == sorted(values)
    assert len({bar["max"] for bar in bars}) == 1
    assert values[-1] == bars[-1]["max"]
    assert len(set(values)) >= 2 * 3  # every step of both batches
    assert sum(kind == "preview" or kind.startswith("binary 4") for kind, _ in events) >= 2
    texts = b" ".join(data for kind, data in events if kind == "binary 3").decode()
    assert "1 of 4 pictures" in texts and "4 pictures: 4 new, 0 from before" in texts
    assert len(names(comfy, entry)) == 4
