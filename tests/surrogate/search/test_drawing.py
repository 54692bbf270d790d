"""Searches in pictures, and the pictures that they keep."""

import numpy as np
import pytest
from PIL import Image

from surrogate import Seeds, SurrogateSpace, points
from surrogate.pictures.album import SIDE, Album
from surrogate.pictures.canvas import Palette
from surrogate.pictures.compose import above, beside
from surrogate.pictures.gallery import read_recipe
from surrogate.search import Study, drawing


def colour(number: int) -> np.ndarray:
    """A plain picture that tells its number, (1, 32, 32, 3)."""
    return np.full((1, 32, 32, 3), (number * 7 % 200 + 40, number * 13 % 200 + 40, 90), np.uint8)


@pytest.fixture
def searched(tmp_path):
    """A study of three seeds with known seeds, failures and an open generation, and its album."""
    space = SurrogateSpace(Seeds.from_text("12, 99, 1024"))
    study = Study.open(None, "bowl", space, budget=40, population=8, directions="minimize", seed=3)
    album = Album(tmp_path / "album", study.identity)
    study.add_known(points.vertices(space).u, [0.9, 0.8, 0.7], labels=["seed 12", "seed 99", "seed 1024"])
    for row in range(3):
        album.keep(row, colour(row))
    for _ in range(3):
        generation = study.ask()
        scores = ((generation.u - 0.3) ** 2).sum(axis=1)
        scores[2] = np.nan
        study.tell(generation, scores)
        for row in generation.trials:
            album.keep(int(row), colour(row))
    study.ask()
    return study, space, album


def has(picture, rgb, tolerance=12) -> bool:
    """Whether a block of 16×16 pixels of that colour is somewhere."""
    near = np.abs(picture.astype(int) - np.array(rgb)).max(axis=-1) <= tolerance
    rows = np.lib.stride_tricks.sliding_window_view(near, (16, 16))[::4, ::4].all(axis=(2, 3))
    return bool(rows.any())


def shown(picture, number) -> bool:
    return has(picture, colour(number)[0, 0, 0])


def test_the_course_counts_images_and_leaves_out_open_ones(searched):
    study, _, _ = searched
    plot = drawing.course(study.history(), 40)
    assert plot.dtype == np.uint8 and plot.shape == (420, 960, 3)
    # As many dots as finite scores: nothing of what is open, and the seeds are no images of the search.
    history = study.history()
    asked = ~history.known & (history.state != "running")
    alone = drawing.score_curve(
        history.scores[asked, 0],
        history.best_so_far[asked, 0],
        generation=history.generation[asked],
        budget=40,
        direction="minimize",
        size=(960, 420),
    )
    assert np.array_equal(plot, alone)


def test_nothing_to_show_yet(tmp_path):
    space = SurrogateSpace(Seeds.from_text("1, 2, 3"))
    study = Study.open(None, "new", space, budget=8)
    history, album = study.history(), Album(tmp_path / "none", study.identity)
    assert drawing.course(history, 8) is drawing.landscape(history, space) is None
    assert drawing.best_sheet(history, album) is drawing.course_sheet(history, album) is None
    assert drawing.page(history, space, album, 8).shape[2] == 3
    assert drawing.card(history, album, 8).shape[2] == 3
    study.ask()  # an open generation shows nothing either
    assert drawing.landscape(study.history(), space) is None


def test_the_best_sheet_shows_the_best_and_no_other(searched):
    study, _, album = searched
    order = study.history().ranked().tolist()
    sheet = drawing.best_sheet(study.history(), album, 4)
    assert all(shown(sheet, row) for row in order[:4])
    assert not shown(sheet, order[-1])
    # The lowest score, first in the row, is framed in gold: less is better here.
    gold = np.flatnonzero((np.abs(sheet.astype(int) - Palette.best).max(axis=-1) == 0).any(axis=0))
    assert len(gold) and gold.max() < sheet.shape[1] / 3


def test_the_best_of_each_generation_in_their_order(searched):
    study, _, album = searched
    history = study.history()
    leaders = [min(np.flatnonzero((history.generation == g) & (history.state == "complete")),
                   key=lambda row: history.scores[row, 0]) for g in range(3)]  # fmt: skip
    sheet = drawing.course_sheet(history, album)
    assert all(shown(sheet, row) for row in leaders)
    others = set(range(3, 27)) - set(leaders)
    assert not any(shown(sheet, row) for row in list(others)[:6] if not any(_alike(row, x) for x in leaders))


def _alike(a, b) -> bool:
    return bool(np.abs(colour(a).astype(int) - colour(b)).max() <= 24)


def test_many_generations_are_thinned_out(tmp_path):
    space = SurrogateSpace(Seeds.from_text("1, 2, 3"))
    study = Study.open(None, "long", space, budget=3 * 120, population=3)
    album = Album(tmp_path / "album", study.identity)
    while len(generation := study.ask()):
        study.tell(generation, generation.u[:, 0])
    for row in [*range(3), *range(357, 360)]:
        album.keep(row, colour(row))
    sheet = drawing.course_sheet(study.history(), album)
    assert sheet.shape[0] < 3000
    # The first and the last generation are always there.
    assert any(shown(sheet, row) for row in range(3)) and any(shown(sheet, row) for row in range(357, 360))


def test_the_page_has_all_of_it(searched):
    study, space, album = searched
    target = np.full((64, 64, 3), (250, 10, 250), np.uint8)
    page = drawing.page(study.history(), space, album, 40, target=target, title="bowl")
    assert has(page, (250, 10, 250))
    best = study.best
    assert shown(page, best.number)
    assert shown(page, 2)  # the best of the seeds
    assert page.shape[0] > 1500
    before = study.history()
    assert np.array_equal(page, drawing.page(before, space, album, 40, target=target, title="bowl"))


def test_a_space_of_three_is_a_map_and_of_more_are_lines(searched):
    study, space, album = searched
    with_pictures = drawing.landscape(study.history(), space, album)
    assert with_pictures.shape == drawing.landscape(study.history(), space).shape
    assert not np.array_equal(with_pictures, drawing.landscape(study.history(), space))
    five = SurrogateSpace(Seeds.from_range(0, 5))
    other = Study.open(None, "five", five, budget=8)
    other.tell(generation := other.ask(), generation.u[:, 0])
    assert drawing.landscape(other.history(), five).shape != with_pictures.shape


@pytest.mark.parametrize("k", [2, 600])
def test_few_and_many_seeds(k, tmp_path):
    space = SurrogateSpace(Seeds.from_range(0, k))
    study = Study.open(None, "k", space, budget=8, optimiser="random")
    study.tell(generation := study.ask(), generation.u[:, 0])
    picture = drawing.landscape(study.history(), space)
    assert picture.shape[1] < 3000


def test_several_scores(tmp_path):
    space = SurrogateSpace(Seeds.from_range(0, 4))
    study = Study.open(None, "two", space, budget=16, optimiser="nsga-ii", directions=["maximize", "minimize"])
    album = Album(tmp_path / "album", study.identity)
    while len(generation := study.ask()):
        study.tell(generation, generation.u[:, :2])
        for row in generation.trials:
            album.keep(int(row), colour(row))
    assert drawing.course(study.history(), 16).shape[0] == 840  # a plot for each
    assert drawing.page(study.history(), space, album, 16).shape[2] == 3


def test_the_card_shows_the_best_and_the_latest(searched):
    study, _, album = searched
    latest = [19, 20, 21]
    card = drawing.card(study.history(), album, 40, latest, title="bowl")
    assert shown(card, study.best.number)
    assert all(shown(card, row) for row in latest)
    assert card.shape[1] > 900


def test_pages_are_put_together_without_a_seam():
    a, b = np.full((4, 6, 3), 200, np.uint8), np.full((8, 3, 3), 100, np.uint8)
    row, column = beside([a, b]), above([a, b])
    assert row.shape == (8, 9, 3) and column.shape == (12, 6, 3)
    assert np.array_equal(row[:4, :6], a) and np.array_equal(row[:, 6:], b)
    assert np.array_equal(column[:4], a) and np.array_equal(column[4:, :3], b)
    assert (row[4:, :6] == Palette.ground).all()


# The album.


def test_small_pictures_keep_their_shape_and_the_whole_one_its_bits(tmp_path):
    album = Album(tmp_path / "new" / "album", "abc")
    clip = np.random.default_rng(0).integers(0, 256, (5, 300, 600, 3), dtype=np.uint8)
    album.keep(7, clip)
    assert album.small(7).shape == (SIDE // 2, SIDE, 3)
    album.keep_whole(7, clip, {"u": [0.5]})
    assert np.array_equal(album.whole(7), clip)
    assert read_recipe(next(album.folder.glob("best*.png")))["u"] == [0.5]
    assert album.small(8) is album.whole(8) is None
    assert not list(album.folder.glob("*.part"))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_channels(tmp_path, channels):
    album = Album(tmp_path, "abc")
    album.keep(0, np.full((1, 20, 10, channels), 128, np.uint8))
    assert album.small(0).shape == (20, 10, 3)


def test_the_middle_of_a_clip_stands_for_it(tmp_path):
    album = Album(tmp_path, "abc")
    clip = np.zeros((3, 16, 16, 3), np.uint8)
    clip[1] = 255
    album.keep(0, clip)
    assert album.small(0).min() > 250


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\xff\xd8\xff\xe0broken"])
def test_broken_pictures_are_missing_pictures(tmp_path, content):
    album = Album(tmp_path, "abc")
    album.keep(0, colour(0))
    (tmp_path / "000000.jpg").write_bytes(content)
    assert album.small(0) is None


def test_an_album_of_another_study_is_not_taken_for_this_one(tmp_path):
    Album(tmp_path, "one").keep_whole(0, colour(0), {})
    assert Album(tmp_path, "other").whole(0) is None


def test_a_disk_that_refuses_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    album = Album(tmp_path, "abc")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="No space"):
        album.keep(0, colour(0))
    assert list(tmp_path.iterdir()) == []
