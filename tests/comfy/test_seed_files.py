"""Save Seeds and Load Seeds in a real server."""

import json
import os
import shutil

import numpy as np
import pytest
import safetensors.torch
import torch

from dev.client import Client, ExecutionFailed, PromptRejected
from dev.server import Server
from surrogate import Seeds, SurrogateSpace
from surrogate.files.seed_file import KEY, load_seeds, save_seeds

from .conftest import Comfy
from .graph import TESTKIT, Graph, output


def saved(comfy, g: Graph, node) -> tuple[dict, str]:
    """The run, and the name of the file that it wrote."""
    shown = g("PreviewAny", source=node[1])
    entry = g.run()
    return entry, entry["outputs"][shown.number]["text"][0]


def path_of(comfy, name: str):
    assert name.endswith(" [output]")
    return output(comfy) / name.removesuffix(" [output]")


def mixed(g: Graph):
    """Integers, noises and their names."""
    noises = g("SurrogateSeedsFromLatents", latent=g.latent(2, 16, 16, 16, fill="normal"), name="mine")
    return g("SurrogateJoinSeeds", seeds_1=g("SurrogateSeedsFromIntegers", seeds="12, 42:3/4"), seeds_2=noises)


def corners(g: Graph, seeds):
    """The noises of all four seeds and of the middle between them."""
    space = g("SurrogateSpace", seeds=seeds)
    points = g("SurrogateWeights", space=space, weights="1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n0.5 0.5 0.5 0.5")
    noise, latent, *_ = g("SurrogateNoise", space=space, points=points, latent=g.latent(1, 16, 16, 16)).outputs(2)
    return g.keep(noise, latent)


def test_what_is_loaded_makes_the_same_noise(comfy):
    g = Graph(comfy)
    seeds = mixed(g)
    before = corners(g, seeds)
    entry, name = saved(comfy, g, g("SurrogateSaveSeeds", seeds=seeds, filename_prefix="surrogate/kept/mixed"))
    before = before.tensor
    assert name == "surrogate/kept/mixed_00001_.safetensors [output]"
    assert any("4 seeds saved as" in text for out in entry["outputs"].values() for text in out.get("text", []))
    assert name in options(comfy)

    g = Graph(comfy)
    load = g("SurrogateLoadSeeds", file=name)
    after, pictures, info = corners(g, load), g.keep(load[1]), g("PreviewAny", source=load[2])
    entry = g.run()
    assert torch.equal(after.tensor, before)
    assert pictures.tensor.shape == (4, 64, 64, 3)
    assert not pictures.tensor.any()
    first, graph, *names = entry["outputs"][info.number]["text"][0].splitlines()
    assert first == "mixed_00001_.safetensors: 4 seeds, latents of 16×16×16, 2 stored noises"
    assert graph.startswith("the graph that made it is kept in it: PreviewAny, SurrogateJoinSeeds, ")
    assert names == ["1. 12", "2. 42:3/4", "3. mine 1", "4. mine 2"]


def test_pictures_of_a_loaded_space_carry_its_noises(comfy):
    """What Render Points writes beside them is enough: the file of seeds may be gone."""
    mine = Seeds.from_tensors(torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(3)), ["a", "b"])
    path = comfy.server.base / "input" / "to render.safetensors"
    save_seeds(Seeds.join([Seeds.from_text("12"), mine]), path)
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel").outputs(2)
    space = g("SurrogateSpace", seeds=g("SurrogateLoadSeeds", file=path.name))
    points = g("SurrogateWeights", space=space, weights="0 1 0\n1 2 3")
    latent = g.latent(1, 4, 8, 8)
    g.render(model, conditioning, g("TestAnyVAE"), latent, space, points, filename_prefix="surrogate/loaded/x")
    entry = g.run()
    assert len(comfy.client.images(entry)) == 2
    path.unlink()

    g = Graph(comfy)
    found = g("SurrogateSeedsFromPictures", pictures="surrogate/loaded/*.png [output]")
    space = g("SurrogateSpace", seeds=found)
    noise, latent, *_ = g("SurrogateNoise", space=space, points=g.vertices(space, 2), latent=g.latent(1, 4, 8, 8)).outputs(2)  # fmt: skip
    kept = g.keep(noise, latent)
    g.run()
    whole = SurrogateSpace(Seeds.join([Seeds.from_text("12"), mine]))
    assert torch.equal(kept.tensor, whole.combine([[0, 1, 0], np.array([1, 2, 3]) / np.sqrt(14)]))


def test_pictures_note_model_and_graph_go_with_them(comfy):
    g = Graph(comfy)
    model, *_ = g.demo()
    pictures = [g("SurrogateDemoPicture", time=time) for time in ("dawn", "night")]
    both = g("ImageBatch", image1=pictures[0], image2=pictures[1])
    save = g("SurrogateSaveSeeds", seeds=g("SurrogateSeedsFromIntegers", seeds="5, 6"), images=both, model=model,
             filename_prefix="surrogate/kept/noted", note="  8 steps, euler ")  # fmt: skip
    originals = g.keep(both)
    _, name = saved(comfy, g, save)
    found = load_seeds(path_of(comfy, name))
    assert found.note == "8 steps, euler"
    assert found.latent_format == "Flux (16 channels)"
    assert found.provenance["prompt"] == g.prompt
    assert found.thumbnail(0).shape == (128, 128, 3)

    g = Graph(comfy)
    loaded = g.keep(g("SurrogateLoadSeeds", file=name)[1])
    g.run()
    assert (loaded.tensor - originals.tensor).abs().max() < 0.01  # they were 128 pixels wide

    g = Graph(comfy)
    _, name = saved(
        comfy,
        g,
        g("SurrogateSaveSeeds", seeds=g("SurrogateSeedsFromIntegers", seeds="5, 6"), prompt_in_file=False,
          filename_prefix="surrogate/kept/noted"),
    )  # fmt: skip
    assert name == "surrogate/kept/noted_00002_.safetensors [output]"  # nothing is replaced
    assert load_seeds(path_of(comfy, name)).provenance == {}


def test_the_graph_in_the_file_is_as_it_was_written(comfy):
    """ComfyUI adds to a running prompt what each node says of its changes: paths, times, NaN."""
    save_seeds(Seeds.from_text("1, 2"), comfy.server.base / "input" / "first.safetensors")
    g = Graph(comfy)
    _, name = saved(comfy, g, g("SurrogateSaveSeeds", seeds=g("SurrogateLoadSeeds", file="first.safetensors")))
    assert load_seeds(path_of(comfy, name)).provenance["prompt"] == g.prompt


def test_a_server_that_saves_no_metadata_keeps_no_graph():
    with Server("no metadata", packs=[TESTKIT], arguments=["--cpu", "--disable-metadata"]) as server:
        quiet = Comfy(server, Client(server.url))
        g = Graph(quiet)
        _, name = saved(
            quiet, g, g("SurrogateSaveSeeds", seeds=g("SurrogateSeedsFromIntegers", seeds="5, 6"), note="mine")
        )
        found = load_seeds(path_of(quiet, name))
    assert (found.provenance, found.note) == ({}, "mine")  # what was typed on purpose stays


def test_large_pictures_and_clips_become_small_pictures(comfy):
    g = Graph(comfy)
    clip = g("EmptyImage", width=640, height=300, batch_size=6, color=0xFF8000)
    _, name = saved(comfy, g, g("SurrogateSaveSeeds", seeds=g("SurrogateSeedsFromIntegers", seeds="5, 6"), images=clip,
                                filename_prefix="surrogate/kept/clips"))  # fmt: skip
    assert load_seeds(path_of(comfy, name)).thumbnail(1).shape == (60, 128, 3)


def test_a_picture_too_few(comfy):
    g = Graph(comfy)
    g("SurrogateSaveSeeds", seeds=g("SurrogateSeedsFromIntegers", seeds="5, 6, 7"),
      images=g("EmptyImage", width=64, height=64, batch_size=2, color=0))  # fmt: skip
    with pytest.raises(ExecutionFailed, match="2 pictures, but there are 3 seeds"):
        g.run()


@pytest.mark.parametrize("prefix", ["../../escaped", "/tmp/escaped", "", "   "])
def test_hostile_names_are_refused(comfy, prefix):
    g = Graph(comfy)
    g("SurrogateSaveSeeds", seeds=g("SurrogateSeedsFromIntegers", seeds="5, 6"), filename_prefix=prefix)
    with pytest.raises(ExecutionFailed, match=r"outside the output folder|filename_prefix is empty"):
        g.run()


def options(comfy) -> list[str]:
    kind, *more = comfy.client.object_info("SurrogateLoadSeeds")["SurrogateLoadSeeds"]["input"]["required"]["file"]
    return kind if isinstance(kind, list) else more[0]["options"]


def test_the_list_holds_seed_files_alone_the_newest_first(comfy, tmp_path):
    folder = comfy.server.base / "input" / "surrogate list"
    folder.mkdir(parents=True)
    for i, name in enumerate(["old", "new"]):
        save_seeds(Seeds.from_text("1, 2"), folder / f"{name}.safetensors")
        os.utime(folder / f"{name}.safetensors", (2_000_000_000 + i, 2_000_000_000 + i))
    safetensors.torch.save_file({"lora": torch.zeros(3)}, folder / "lora.safetensors")
    (folder / "text.safetensors").write_text("nothing")
    (folder / "folder.safetensors").mkdir()
    (folder / "gone.safetensors").symlink_to(folder / "nowhere")
    save_seeds(Seeds.from_text("1, 2"), tmp_path / "outside.safetensors")
    (folder / "link.safetensors").symlink_to(tmp_path / "outside.safetensors")
    assert options(comfy)[:2] == ["surrogate list/new.safetensors", "surrogate list/old.safetensors"]
    assert not {"lora", "text", "folder", "gone", "link"} & {
        name.split("/")[-1].split(".")[0] for name in options(comfy)
    }
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere.safetensors", "There is no file nowhere.safetensors"),
        ("nowhere.safetensors [output]", "There is no file nowhere.safetensors"),
        ("../secret.safetensors", "does not leave"),
        ("/etc/passwd", "does not leave"),
        ("link.safetensors", "does not leave"),
        ("", "file is empty"),
        ("lora.safetensors", "of another kind"),
        ("cut.safetensors", "cannot be read"),
        ("newer.safetensors", "newer version"),
    ],
)
def test_what_cannot_be_loaded_is_said_before_anything_runs(comfy, tmp_path, name, says):
    folder = comfy.server.base / "input"
    save_seeds(Seeds.from_text("1, 2"), tmp_path / "secret.safetensors")
    if not (folder / "link.safetensors").is_symlink():
        safetensors.torch.save_file({"lora": torch.zeros(3)}, folder / "lora.safetensors")
        save_seeds(Seeds.from_text("1, 2"), folder / "whole.safetensors")
        (folder / "cut.safetensors").write_bytes((folder / "whole.safetensors").read_bytes()[:-9])
        safetensors.torch.save_file({}, folder / "newer.safetensors", {KEY: json.dumps({"version": 7})})
    (folder / "link.safetensors").unlink(missing_ok=True)
    (folder / "link.safetensors").symlink_to(tmp_path / "secret.safetensors")
    g = Graph(comfy)
    g("PreviewAny", source=g("SurrogateLoadSeeds", file=name)[2])
    with pytest.raises(PromptRejected, match=says):
        g.run()


def test_a_changed_file_is_read_again(comfy):
    path = comfy.server.base / "input" / "changing.safetensors"
    texts = []
    for seeds in ("1, 2", "1, 2", "3, 4, 5"):
        save_seeds(Seeds.from_text(seeds), path)
        g = Graph(comfy)
        info = g("PreviewAny", source=g("SurrogateLoadSeeds", file=path.name)[2])
        texts.append(g.run()["outputs"][info.number]["text"][0])
    assert texts[0] == texts[1] != texts[2]
    assert texts[2].endswith("3. 5")
