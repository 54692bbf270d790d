"""What a file name of Render Points may ask for: %width%, %height%, %batch_num% and the date, as in Save Image."""

import time

import pytest

from .graph import Graph, output


def listed(comfy, prefix: str, shape=(1, 4, 8, 16), kind="rgb", enlarge=1, **settings) -> list[str]:
    g = Graph(comfy)
    model, conditioning = g("TestAnyModel", channels=shape[1], video=len(shape) == 5).outputs(2)
    space = g.space("12, 99")
    node = g.render(
        model,
        conditioning,
        g("TestAnyVAE", kind=kind, enlarge=enlarge),
        g.latent(*shape),
        space,
        g("SurrogatePoint", space=space, coordinates="0.1\n0.5\n0.9"),
        filename_prefix=prefix,
        **settings,
    )
    entry = g.run()
    images = comfy.client.images(entry, node.number)
    for image in images:
        assert (output(comfy) / image["subfolder"] / image["filename"]).exists()
    return [f"{image['subfolder']}/{image['filename']}" for image in images]


@pytest.mark.parametrize(
    "shape, kind, enlarge, size",
    [
        ((1, 4, 8, 16), "rgb", 1, "16x8"),
        ((1, 4, 8, 16), "rgb", 8, "128x64"),
        ((1, 16, 3, 6, 8), "video", 2, "16x12"),
    ],
)
def test_the_size_is_that_of_the_pictures(comfy, shape, kind, enlarge, size):
    names = listed(comfy, "named/of %width%x%height%", shape, kind, enlarge)
    assert [name.rpartition("_")[0].rpartition("_")[0] for name in names] == [f"named/of {size}"] * 3


def test_the_number_in_the_batch_counts_from_0_over_all_batches(comfy):
    names = listed(comfy, "numbered/%batch_num%-at %width%", images_per_batch=2)
    assert [name.split("/")[1].split("-")[0] for name in names] == ["0", "1", "2"]
    assert [name[-9:-4] for name in names] == ["00001", "00002", "00003"]
    # The seeds are of all pictures: their file names no number of one.
    assert not list((output(comfy) / "numbered").glob("*%*"))
    before = {path: path.stat().st_mtime_ns for path in (output(comfy) / "numbered").iterdir()}
    assert listed(comfy, "numbered/%batch_num%-at %width%", images_per_batch=3) == names
    assert before == {path: path.stat().st_mtime_ns for path in (output(comfy) / "numbered").iterdir()}


def test_it_is_the_name_that_save_image_writes(comfy):
    """Up to the code for the settings and the counter, which come after it."""
    prefix = "both/%year% %width%x%height% %batch_num%"
    ours = listed(comfy, prefix, enlarge=2)
    g = Graph(comfy)
    images = g("TestImages", shapes="[[3, 16, 32, 3]]")
    saved = g("SaveImage", images=images, filename_prefix=prefix)
    core = [image["filename"] for image in comfy.client.images(g.run(), saved.number)]
    stems = [f"{time.localtime().tm_year} 32x16 {i}_" for i in range(3)]
    assert [name.startswith(stem) for name, stem in zip(core, stems, strict=True)] == [True] * 3
    assert [name.startswith(f"both/{stem}") for name, stem in zip(ours, stems, strict=True)] == [True] * 3
