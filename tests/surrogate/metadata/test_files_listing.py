"""Names as file systems allow them, files that vanish, and links: each file gets its line in the report."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from surrogate.metadata import list_pictures, seeds_of, seeds_of_pictures

from .kit import graph, picture

LONGEST = "ü" * 117 + "_00001_.png"  # 245 bytes of 255


def write(path: Path, count: int = 1, prefix: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture(graph(count, prefix=prefix)))
    return path


@pytest.mark.skipif(os.name == "nt", reason="Windows does not allow these names")
@pytest.mark.parametrize(
    "name",
    ["🏔 ü.png", "a\nb.png", "a\u2028b.png", "\x1b[31m.png", "[x].png", "* [output].png", LONGEST, "-rf.png", "  .png"],
)
def test_names_of_all_kinds(tmp_path, name):
    path = write(tmp_path / "output" / name)
    listing = list_pictures("*.png [output]", {"output": tmp_path / "output"})
    assert listing.paths == (path,)
    made = seeds_of_pictures(listing.paths)
    assert made.seeds.labels == ("5",)
    assert len(made.report.splitlines()) == 3 and "\x1b" not in made.report and "\n\n" not in made.report


@pytest.mark.skipif(os.name == "nt", reason="Windows does not allow these names")
def test_a_batch_whose_names_have_line_breaks(tmp_path):
    paths = [write(tmp_path / f"a\nb_{i:05}_.png", 3, "a\nb") for i in (1, 2, 3)]
    assert [seeds_of(path).seeds[0].label for path in paths] == ["5:0/3", "5:1/3", "5:2/3"]


def test_files_that_vanish_while_the_folder_is_read(tmp_path):
    """Listed, and gone when their turn comes; neighbours that are gone do not count."""
    paths = [write(tmp_path / f"x_{i:05}_.png", 4) for i in range(1, 5)]

    def progress(done: int, total: int) -> None:
        if done == 1:
            for path in paths[1:3]:
                path.unlink(missing_ok=True)

    made = seeds_of_pictures(paths, progress=progress)
    assert [bool(one.seeds) for one in made.found] == [True, False, False, True]
    assert made.report.count("it cannot be opened") == 2


def test_a_folder_that_vanishes(tmp_path):
    folder = tmp_path / "output" / "gone"
    path = write(folder / "x_00001_.png")
    listing = list_pictures("gone [output]", {"output": tmp_path / "output"})
    path.unlink(), folder.rmdir()
    assert "it cannot be opened" in seeds_of_pictures(listing.paths).report
    assert "nothing is found" in list_pictures("gone [output]", {"output": tmp_path / "output"}).refused[0]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_within_and_out_of_the_folder(tmp_path):
    output = tmp_path / "output"
    inside = write(output / "deep" / "x_00001_.png")
    outside = write(tmp_path / "secret" / "x_00001_.png")
    links = {"in.png": inside, "out.png": outside, "nowhere.png": output / "none.png", "twice.png": output / "out.png"}
    for name, target in links.items():
        (output / name).symlink_to(target)
    (output / "folder").symlink_to(outside.parent)
    listing = list_pictures("*.png [output]\nfolder [output]\n**/x_*.png", {"output": output})
    assert [path.name for path in listing.paths] == ["in.png", "nowhere.png", "x_00001_.png"]
    assert sum("leads out" in line for line in listing.refused) == 3
    made = seeds_of_pictures(listing.paths)
    assert made.seeds.labels == ("5",) and "it cannot be opened" in made.report


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_noises_are_not_read_through_a_link(tmp_path):
    """Neighbours in a folder may be links to what is not a picture: a device, a pipe, the folder itself."""
    path = write(tmp_path / "x_00002_.png", 3)
    (tmp_path / "x_00001_.png").symlink_to("/dev/zero")
    (tmp_path / "x_00003_.png").symlink_to(tmp_path)
    assert "its number does not fit" in seeds_of(path).reason
