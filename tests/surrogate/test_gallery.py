"""Pictures that are saved one by one, know how they were made, and are never taken for others."""

import json
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile
from PIL.PngImagePlugin import PngInfo

from surrogate.pictures.gallery import RECIPE, Gallery, read_recipe

RUN, OTHER_RUN = "ab" * 32, "ab" * 31 + "cd"  # the same file names
RECIPE_OF_ONE = {"space": {"seeds": ["12", "99"]}, "u": [0.25], "label": "12 85% · 99 15%"}


@pytest.fixture
def gallery(tmp_path):
    return Gallery(tmp_path, "grid", RUN)


def pictures(pattern, channels=3, seed=0) -> np.ndarray:
    """A clip whose frame i is picture number pattern[i]."""
    different = np.random.default_rng(seed).integers(0, 256, (max(pattern) + 1, 12, 10, channels), dtype=np.uint8)
    return different[list(pattern)]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    "pattern", [[0], [0, 1, 2], [0, 0, 1, 1, 1, 2], [0, 1, 0, 1], [0, 0, 0, 0], [0, 1, 1], [0] * 90]
)
@pytest.mark.parametrize("milliseconds", [10, 42, 1000])
def test_what_is_saved_is_loaded(tmp_path, channels, pattern, milliseconds):
    """Also clips that stand still for a while or throughout, which PNG writers shorten."""
    gallery = Gallery(tmp_path, "grid", RUN, milliseconds)
    frames = pictures(pattern, channels)
    gallery.save(3, frames, RECIPE_OF_ONE)
    loaded = gallery.load(3)
    assert loaded.dtype == np.uint8
    assert np.array_equal(loaded, frames)


def test_the_speed_of_a_clip_may_change_after_it_was_saved(tmp_path):
    frames = pictures([0, 0, 1, 2, 2, 2])
    Gallery(tmp_path, "grid", RUN, 42).save(1, frames, {})
    for milliseconds in (10, 21, 83, 1000):
        assert np.array_equal(Gallery(tmp_path, "grid", RUN, milliseconds).load(1), frames)


def test_transparent_pixels_keep_their_colours(gallery):
    frames = np.zeros((3, 4, 4, 4), np.uint8)
    frames[1, ..., :3] = 200
    frames[2, ..., 3] = 1
    gallery.save(1, frames, {})
    assert np.array_equal(gallery.load(1), frames)


def test_a_clip_plays_at_its_speed(gallery):
    with Image.open(gallery.save(1, pictures([0, 1, 1, 2]), {})) as picture:
        assert picture.is_animated and picture.info["loop"] == 0
        durations = []
        for index in range(picture.n_frames):
            picture.seek(index)
            durations.append(round(picture.info["duration"]))
    assert durations == [42, 84, 42]


def test_a_file_is_what_any_viewer_shows(gallery):
    frames = pictures([0])
    path = gallery.save(7, frames, RECIPE_OF_ONE, {"prompt": '{"1": {}}', "workflow": "ü 🏔️"})
    assert path.name == "grid_abababab_00007.png" == gallery.name(7)
    with Image.open(path) as picture:
        assert picture.format == "PNG" and picture.mode == "RGB"
        assert np.array_equal(np.asarray(picture), frames[0])
        assert picture.text["prompt"] == '{"1": {}}'
        assert picture.text["workflow"] == "ü 🏔️"


@pytest.mark.parametrize("pattern", [[0], [0, 1, 1]])
def test_the_recipe_comes_back(gallery, pattern):
    recipe = read_recipe(gallery.save(7, pictures(pattern), RECIPE_OF_ONE))
    assert recipe == {**RECIPE_OF_ONE, "run": RUN, "number": 7} | ({"frames": [1, 2]} if len(pattern) > 1 else {})


def test_coordinates_come_back_to_the_last_bit(gallery):
    u = [0.1 + 0.2, 1 / 3, 5e-324, 1 - 2**-53, 1e-17]
    assert read_recipe(gallery.save(1, pictures([0]), {"u": u}))["u"] == u


def test_the_recipe_of_a_picture_that_another_program_saved_again(gallery, tmp_path):
    """Text may stand behind the pixels."""
    path = gallery.save(1, pictures([0]), RECIPE_OF_ONE)
    chunks = split(path.read_bytes())
    text = [c for c in chunks if c[0] == b"tEXt"]
    rest = [c for c in chunks if c[0] != b"tEXt"]
    (tmp_path / "again.png").write_bytes(joined([*rest[:-1], *text, rest[-1]]))
    assert read_recipe(tmp_path / "again.png")["u"] == RECIPE_OF_ONE["u"]


def test_a_missing_picture(gallery):
    assert gallery.load(1) is None


@pytest.mark.parametrize("other", [{"run": OTHER_RUN}, {"run": None}, {"number": 2}, {"number": None}])
def test_a_picture_of_another_run_is_not_taken(gallery, other, caplog):
    """The code in the file name is short; the whole one is inside."""
    path = gallery.save(1, pictures([0]), {})
    info = PngInfo()
    info.add_text(RECIPE, json.dumps({"run": RUN, "number": 1} | other))
    Image.open(path).copy().save(path, pnginfo=info)
    assert gallery.load(1) is None
    assert not caplog.records  # nothing is wrong with it
    assert Gallery(gallery.folder, "grid", OTHER_RUN).name(1) == gallery.name(1)


def test_a_picture_that_was_given_another_number_is_not_taken(gallery):
    os.replace(gallery.save(1, pictures([0]), {}), gallery.folder / gallery.name(2))
    assert gallery.load(2) is None


def test_two_runs_do_not_mix(tmp_path):
    runs = [Gallery(tmp_path, "grid", run) for run in (RUN, "cd" * 32)]
    frames = [pictures([0], seed=i) for i in range(2)]
    for gallery, picture in zip(runs, frames):
        gallery.save(1, picture, {})
    for gallery, picture in zip(runs, frames):
        assert np.array_equal(gallery.load(1), picture)


def split(png: bytes) -> list[tuple[bytes, bytes]]:
    chunks, at = [], 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        chunks.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def joined(chunks) -> bytes:
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize("lenient", [False, True], ids=["as Pillow is", "Pillow told to load truncated files"])
@pytest.mark.parametrize("pattern", [[0], [0, 1, 2]], ids=["picture", "clip"])
def test_a_picture_cut_off_anywhere_is_made_again(gallery, pattern, lenient, monkeypatch, caplog):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
    path = gallery.save(1, pictures(pattern), RECIPE_OF_ONE)
    whole = path.read_bytes()
    for length in [*range(0, len(whole) - 12, 23), len(whole) - 12]:  # the last 12 bytes say only that it ends
        path.write_bytes(whole[:length])
        assert gallery.load(1) is None, f"{length} of {len(whole)} bytes"
        assert "is made again" in caplog.text
        caplog.clear()
    path.write_bytes(whole)
    assert gallery.load(1) is not None


def test_a_picture_with_a_changed_byte_is_made_again(gallery):
    path = gallery.save(1, pictures([0]), RECIPE_OF_ONE)
    whole = path.read_bytes()
    pixels = whole.index(b"IDAT") + 4
    for at in (pixels + 30, len(whole) - 20, whole.index(b'"u"') + 1):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert gallery.load(1) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"text"',
        "{",
        "NaN",
        '{"frames": 3}',
        '{"frames": ["many"]}',
        '{"frames": [1, 1]}',
        '{"frames": []}',
    ],
)
def test_a_recipe_that_is_none(gallery, text):
    """Whatever the file says: made again, never an error."""
    if text.startswith('{"'):
        text = json.dumps({"run": RUN, "number": 1} | json.loads(text))
    info = PngInfo()
    info.add_text(RECIPE, text)
    Image.fromarray(pictures([0])[0]).save(gallery.folder / gallery.name(1), pnginfo=info)
    assert gallery.load(1) is None


def test_a_picture_without_a_recipe(gallery):
    path = gallery.folder / gallery.name(1)
    Image.fromarray(pictures([0])[0]).save(path)
    assert gallery.load(1) is None
    with pytest.raises(ValueError, match=r"grid_abababab_00001\.png holds no surrogate recipe"):
        read_recipe(path)


def test_what_is_no_picture(gallery):
    path = gallery.folder / gallery.name(1)
    path.write_bytes(b"\x89PNG\r\n\x1a\nthis is no picture")
    assert gallery.load(1) is None
    with pytest.raises(OSError, match="image"):
        read_recipe(path)
    path.unlink()
    path.mkdir()
    assert gallery.load(1) is None


def test_a_picture_of_another_kind_is_not_taken_for_one(gallery):
    """A JPEG with the right name."""
    Image.fromarray(pictures([0])[0]).save(gallery.folder / gallery.name(1), format="JPEG")
    assert gallery.load(1) is None


def test_the_name_appears_with_the_whole_picture(gallery, monkeypatch):
    """While it is written, and when writing fails, an earlier picture stays what it was and nothing else is left."""
    before = pictures([0], seed=1)
    path = gallery.save(1, before, {})
    save = Image.Image.save

    def fails_halfway(self, part, **settings):
        save(self, part, **settings)
        with open(part, "r+b") as file:
            file.truncate(40)
        assert np.array_equal(gallery.load(1), before)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fails_halfway)
    with pytest.raises(OSError, match="No space left"):
        gallery.save(1, pictures([0]), {})
    assert np.array_equal(gallery.load(1), before)
    assert [p.name for p in gallery.folder.iterdir()] == [path.name]


def test_what_a_killed_process_left_does_not_disturb(gallery):
    (gallery.folder / "grid_abababab_00001.part").write_bytes(b"half a picture")
    assert gallery.load(1) is None
    gallery.save(1, pictures([0]), {})
    assert np.array_equal(gallery.load(1), pictures([0]))
    assert [p.name for p in gallery.folder.iterdir()] == [gallery.name(1)]


def test_save_does_not_change_what_it_is_given(gallery):
    frames, recipe, texts = pictures([0, 0, 1]), dict(RECIPE_OF_ONE), {"prompt": "{}"}
    copy = frames.copy()
    frames.setflags(write=False)
    gallery.save(1, frames, recipe, texts)
    assert np.array_equal(frames, copy) and recipe == RECIPE_OF_ONE and texts == {"prompt": "{}"}


@pytest.mark.parametrize("stem", ["a.b", "🏔️ ñ", "%date%", "name with spaces", "-", "part"])
def test_names_that_people_give(tmp_path, stem):
    gallery = Gallery(tmp_path, stem, RUN)
    gallery.prepare()
    gallery.save(1, pictures([0]), {})
    assert np.array_equal(gallery.load(1), pictures([0]))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_name_that_cannot_be_written_is_known_before_the_first_picture(tmp_path):
    with pytest.raises(
        ValueError, match=r"Pictures cannot be saved as x+… \(319 characters\) in .*Choose another file name"
    ):
        Gallery(tmp_path, "x" * 300, RUN).prepare()
    with pytest.raises(ValueError, match=r"Pictures cannot be saved as grid_abababab_00001\.png"):
        Gallery(tmp_path / "missing", "grid", RUN).prepare()
    assert list(tmp_path.iterdir()) == []
