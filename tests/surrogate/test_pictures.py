"""Pictures: where every pixel of a contact sheet comes from, and what a Gram matrix looks like."""

import math
import tracemalloc
import warnings
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageFont
from PIL._util import DeferredError

from surrogate.pictures import contact_sheet, gram_picture, lettering, plan_sheet
from surrogate.pictures.canvas import Palette
from surrogate.pictures.lettering import MIN_SIZE, Face

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
LONG = "a foggy valley at dawn, oil on canvas, thick strokes, muted colours, in the manner of an old master " * 3


def flat(colour, height=128, width=128):
    image = np.empty((height, width, 3), np.uint8)
    image[:] = colour
    return image


def where(sheet, colour):
    """Bounding box (x0, y0, x1, y1) of the pixels of exactly this colour, None if there are none."""
    y, x = np.nonzero((sheet == colour).all(-1))
    return (x.min(), y.min(), x.max() + 1, y.max() + 1) if len(x) else None


def lit(region, colour=Palette.ground):
    """Which pixels are not exactly `colour`."""
    return (np.asarray(region) != colour).any(-1)


def cut(sheet, box):
    x0, y0, x1, y1 = box
    return sheet[y0:y1, x0:x1]


def untouched(sheet, boxes, colour=WHITE):
    return all(not lit(cut(sheet, box), colour).any() for box in boxes)


def picture(seed, height=96, width=96):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


# ------------------------------------------------------------------------------------------------ pictures and places


def test_every_picture_lies_in_its_own_cell_whole_and_in_reading_order():
    colours = [RED, GREEN, BLUE, (255, 255, 0), (0, 255, 255), (255, 0, 255)]
    sheet = contact_sheet([flat(c, 90, 120) for c in colours], columns=3)
    found = [where(sheet, c) for c in colours]
    for x0, y0, x1, y1 in found:
        assert (x1 - x0, y1 - y0) == (120, 90)
        assert not lit(sheet[y0:y1, x0:x1], sheet[y0, x0]).any()
    corners = np.array(found)[:, :2].reshape(2, 3, 2)
    assert (np.diff(corners[..., 0], axis=1) > 120).all() and (np.diff(corners[..., 0], axis=0) == 0).all()
    assert (np.diff(corners[..., 1], axis=0) > 90).all() and (np.diff(corners[..., 1], axis=1) == 0).all()
    assert len(set(np.diff(corners[..., 0], axis=1).ravel())) == 1


def test_boxes_tell_where_the_pictures_are_and_pictures_of_the_cells_size_are_copied_bit_for_bit():
    images = [picture(i, 96, 80) for i in range(5)]
    plan = plan_sheet([i.shape for i in images], captions=["x"] * 5, marks=["a", None, None, None, "b"], title="T")
    sheet = plan.draw(images)
    assert sheet.shape == (plan.height, plan.width, 3) and sheet.dtype == np.uint8
    for image, box in zip(images, plan.boxes, strict=True):
        assert np.array_equal(cut(sheet, box), image)


@pytest.mark.parametrize("height, width", [(100, 300), (300, 100), (64, 64), (7, 501), (4096, 3000)])
def test_a_picture_is_scaled_whole_with_its_aspect_ratio(height, width):
    image = flat((10, 20, 30), height, width)
    h, w = max(1, height // 3), max(1, width // 3)
    for rows, columns, colour in ((0, 0, RED), (0, -w, GREEN), (-h, 0, BLUE), (-h, -w, WHITE)):
        image[rows : rows + h or None, columns : columns + w or None] = colour
    plan = plan_sheet([image.shape, (200, 200, 3)], cell=200)
    box = cut(plan.draw([image, flat(WHITE)[:1, :1].repeat(200, 0).repeat(200, 1)]), plan.boxes[0])
    assert max(box.shape[:2]) == 200
    assert box.shape[0] == max(1, round(200 * height / max(height, width)))
    assert box.shape[1] == max(1, round(200 * width / max(height, width)))
    for y, x, colour in ((0, 0, RED), (0, -1, GREEN), (-1, 0, BLUE), (-1, -1, WHITE)):
        assert np.abs(box[y, x].astype(int) - colour).max() <= 60 if min(box.shape[:2]) > 2 else True
    if min(box.shape[:2]) > 20:
        assert np.abs(box[box.shape[0] // 2, box.shape[1] // 2].astype(int) - (10, 20, 30)).max() <= 2


def test_sizes_from_one_pixel_to_4096_share_a_sheet():
    images = [flat(RED, 1, 1), flat(GREEN, 4096, 4096), flat(BLUE, 4096, 1), flat(WHITE, 30, 60)]
    plan = plan_sheet([i.shape for i in images], cell=100)
    sizes = [(x1 - x0, y1 - y0) for x0, y0, x1, y1 in plan.boxes.tolist()]
    assert sizes == [(100, 100), (100, 100), (1, 100), (100, 50)]
    sheet = plan.draw(images)
    for image, box in zip(images, plan.boxes, strict=True):
        assert untouched(sheet, [box], image[0, 0])


def test_scaling_down_averages_and_scaling_up_keeps_hard_pixels_of_icons():
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    plan = plan_sheet([stripes.shape], cell=100)
    small = np.abs(cut(plan.draw([stripes]), plan.boxes[0]).astype(int) - 128)
    assert small.max() <= 12 and small[:, 3:-3].max() <= 1  # at the edge the filter has less to average
    icon = picture(0, 8, 8)
    plan = plan_sheet([icon.shape], cell=64)
    assert np.array_equal(cut(plan.draw([icon]), plan.boxes[0]), icon.repeat(8, 0).repeat(8, 1))


def test_layout_places_cells_at_fractions_relative_to_each_other():
    rows = 4
    layout = np.array([(c - r / 2, r) for r in range(rows) for c in range(r + 1)])
    boxes = plan_sheet([(64, 64, 3)] * len(layout), layout=layout - 17.5).boxes
    step_x, step_y = boxes[2, 0] - boxes[1, 0], boxes[1, 1] - boxes[0, 1]
    assert step_x > 64 and step_y > 64
    expected = boxes[0, :2] + (layout - layout[0]) * (step_x, step_y)
    assert np.abs(boxes[:, :2] - expected).max() <= 0.5
    noise = np.random.default_rng(0).uniform(-1e-9, 1e-9, layout.shape)  # 0.1 + 0.2 is the same column as 0.3
    labels = dict(row_labels=["row"] * rows, column_labels=["x"] * (2 * rows - 1))
    plans = [plan_sheet([(64, 64, 3)] * len(layout), layout=places, **labels) for places in (layout, layout + noise)]
    assert np.array_equal(plans[0].boxes, plans[1].boxes)


@pytest.mark.parametrize("n, columns", [(1, 1), (2, 2), (3, 3), (4, 2), (9, 3), (16, 4), (25, 5), (150, None)])
def test_without_a_layout_the_sheet_is_about_square_with_few_gaps(n, columns):
    plan = plan_sheet([(64, 64, 3)] * n)
    got = len(set(plan.boxes[:, 0].tolist()))
    rows = len(set(plan.boxes[:, 1].tolist()))
    assert columns in (None, got)
    assert got * rows - n <= 0.15 * n
    assert n < 4 or 0.7 <= got / rows <= 2


def test_labels_set_the_columns():
    assert len(set(plan_sheet([(64, 64, 3)] * 6, column_labels=["a", "b"]).boxes[:, 0].tolist())) == 2
    assert len(set(plan_sheet([(64, 64, 3)] * 6, row_labels=["a", "b"]).boxes[:, 0].tolist())) == 3


# ----------------------------------------------------------------------------------------------------------- pixels


def shown(image, cell=None):
    """The pixels of an image on a sheet of its own."""
    plan = plan_sheet([image.shape], cell=cell or max(image.shape[:2]))
    return cut(plan.draw([image]), plan.boxes[0])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_are_rounded_clipped_and_nan_is_black(dtype):
    image = np.full((64, 64, 3), 0.5, dtype)
    image[0, 0] = 2.0
    image[0, 1] = -3.0
    image[0, 2, 1] = np.nan
    image[0, 3] = np.inf
    image[0, 4] = -np.inf
    image[0, 5] = 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = shown(image)
    assert out[0, :6].tolist() == [[255] * 3, [0] * 3, [0] * 3, [255] * 3, [0] * 3, [255] * 3]
    assert (out[1:] == 128).all()


def test_every_byte_survives_the_way_through_floats():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, -1)
    assert np.array_equal(shown(ramp.astype(np.float32) / 255), ramp)


def test_one_channel_is_grey_two_values_are_black_and_white_and_transparent_is_neutral():
    grey = picture(3)[..., :1]
    assert np.array_equal(shown(grey), grey.repeat(3, -1))
    assert np.array_equal(shown(grey > 99), np.where(grey > 99, 255, 0).repeat(3, -1))
    image = np.dstack([flat(RED, 64, 64), np.zeros((64, 64, 1), np.uint8)])
    image[:, 32:, 3] = 255
    image[:, :8, 3] = 128
    out = shown(image)
    assert not lit(out[:, 32:], RED).any()
    assert not lit(out[:, 8:32], Palette.hollow).any()
    assert np.abs(out[:, :8] - (0.5 * np.array(RED) + 0.5 * np.array(Palette.hollow))).max() <= 1
    broken = np.ones((64, 64, 4), np.float32)
    broken[..., 3] = np.nan
    assert (shown(broken) == 0).all()


def test_inputs_are_not_changed_and_equal_inputs_give_equal_bits():
    images = [picture(0) / 255.0, picture(1), np.full((50, 20, 4), np.nan), None]
    before = [None if i is None else i.copy() for i in images]
    for image in images[:3]:
        image.flags.writeable = False
    layout = np.array([(0, 0), (1, 0), (2, 0), (3, 0.5)])
    layout.flags.writeable = False
    arguments = dict(layout=layout, captions=[LONG] * 4, numbers=True, scores=[1, np.nan, 2, None], marks=["m"] * 4)
    first, second = contact_sheet(images, **arguments), contact_sheet(list(images), **arguments)
    assert np.array_equal(first, second)
    for image, copy in zip(images, before, strict=True):
        assert copy is None or np.array_equal(image, copy, equal_nan=True)
    first[:] = 7  # and what comes out is the caller's own
    assert np.array_equal(contact_sheet(images, **arguments), second)


def test_a_batch_is_a_sequence_of_pictures():
    batch = np.stack([picture(i) for i in range(3)])
    assert np.array_equal(contact_sheet(batch), contact_sheet(list(batch)))


def test_missing_pictures_are_hatched():
    plan = plan_sheet([(96, 96, 3), None, (96, 96, 3)])
    sheet = plan.draw([flat(WHITE, 96, 96), None, None])
    for box in plan.boxes[1:]:
        inside = cut(sheet, box)
        assert {tuple(p) for p in inside.reshape(-1, 3).tolist()} == {Palette.hollow, Palette.hatch}
        assert 0.05 < lit(inside, Palette.hollow).mean() < 0.3
    assert untouched(sheet, plan.boxes[:1])
    assert contact_sheet([None]).shape == contact_sheet([flat(RED)]).shape


# -------------------------------------------------------------------------------------------------------------- texts

EVERYTHING = dict(
    captions=[LONG, "short", None, "two words"] * 3,
    marks=["seed 42", None, "", None, None, "a very long mark that cannot fit", *[None] * 6],
    row_labels=["0.00", "a row with a long label that must be broken into lines", "1.00"],
    column_labels=["0.00", LONG, "0.67", "1.00"],
    row_title="u2",
    column_title="u1",
    title=LONG,
)


@pytest.mark.parametrize("cell", [1, 5, 16, 33, 64, 128, 400])
@pytest.mark.parametrize("texts", [EVERYTHING, {k: EVERYTHING[k] for k in ("marks", "row_labels", "column_labels")}])
def test_texts_stay_off_the_pictures_and_inside_the_sheet(cell, texts):
    plan = plan_sheet([(100, 100, 3)] * 12, cell=cell, columns=4, scores=[0, 1] * 6, **texts)
    scored = plan.draw([flat(WHITE, 100, 100)] * 12)
    plan = plan_sheet([(100, 100, 3)] * 12, cell=cell, columns=4, **texts)
    sheet = plan.draw([flat(WHITE, 100, 100)] * 12)
    assert untouched(sheet, plan.boxes)
    for picture in (scored, sheet):
        edge = 3
        assert not lit(picture[:edge]).any() and not lit(picture[-edge:]).any()
        assert not lit(picture[:, :edge]).any() and not lit(picture[:, -edge:]).any()


def rectangles(plan, face):
    """What the strokes under the pictures cover: x0, y0, x1, y1 and which picture each belongs to."""
    for stroke, *a in plan._under:
        if stroke == "frame":
            x0, y0, x1, y1, t, _ = a
            yield "frame", (x0 - t, y0 - t, x1 + t, y1 + t)
        elif stroke == "text":
            x, y, words, _, size, _, anchor, *upright = [*a, "left"][: max(7, len(a))]
            w, h = face.width(words, size), face.line(size)
            if upright:
                yield "text", (x, y - w // 2, x + h, y + w // 2)
            else:
                x -= {"left": 0, "middle": w // 2, "right": w}[anchor]
                yield "text", (x, y, x + w, y + h)


@pytest.mark.parametrize("cell", [5, 16, 40, 64, 128, 400, 1024])
def test_texts_cover_neither_each_other_nor_any_frame(cell):
    for scores in (None, [0, 1] * 6):
        for numbers in (False, True):
            plan = plan_sheet([(80, 100, 3)] * 12, cell=cell, columns=4, scores=scores, numbers=numbers, **EVERYTHING)
            found = list(rectangles(plan, Face()))
            texts = [box for kind, box in found if kind == "text"]
            assert len(texts) > 20
            frames = [box for kind, box in found if kind == "frame"]
            tags = {stroke[3] for stroke in plan._under if stroke[0] == "text" and stroke[6] == Palette.ink}
            assert len(tags) == 2
            written = [stroke[3] for stroke in plan._under if stroke[0] == "text"]
            for i, a in enumerate(texts):
                rest = texts[i + 1 :] + ([] if written[i] in tags else frames)  # tags hang over their own frames
                for b in rest:
                    assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (written[i], a, b)


def test_wide_labels_of_narrow_columns_are_not_cut_at_the_edges():
    sheet = contact_sheet([flat(RED, 8, 8)] * 3, cell=8, columns=3, column_labels=["wwwwwwwwwwww"] * 3)
    assert lit(sheet).any() and not lit(sheet[:, :3]).any() and not lit(sheet[:, -3:]).any()


def test_pictures_of_different_heights_stand_on_one_line_with_their_captions():
    shapes = [(100, 100, 3), (40, 100, 3), (100, 30, 3)]
    assert len(set(plan_sheet(shapes, columns=3, captions=["a"] * 3).boxes[:, 3].tolist())) == 1
    centers = plan_sheet(shapes, columns=3).boxes[:, 1::2].mean(1)
    assert np.ptp(centers) <= 0.5


def test_each_text_is_drawn_where_it_belongs():
    shapes, images = [(100, 100, 3)] * 6, [flat(WHITE, 100, 100)] * 6
    plain = plan_sheet(shapes, columns=3)
    full = plan_sheet(
        shapes,
        columns=3,
        row_labels=["", "HHHH"],
        column_labels=["HHHH", "", ""],
        captions=[None] * 5 + ["HHHH"],
        title="HHHH",
        row_title="u2",
        column_title="u1",
    )
    sheet = full.draw(images)
    x0, y0 = full.boxes[0, :2] - 1  # with the hairline around the pictures
    (ax0, _, ax1, _), (_, ay0, _, ay1), last = full.boxes[0], full.boxes[3], full.boxes[5]

    rows = np.nonzero(lit(sheet[y0:, x0 - 45 : x0 - 2]).any(1))[0] + y0  # the row title is farther out
    assert ay0 < rows.min() and rows.max() < ay1 and abs((rows.min() + rows.max()) / 2 - (ay0 + ay1) / 2) < 4
    above = lit(sheet[:y0])
    label = above[y0 - 25 :]
    columns = np.nonzero(label.any(0))[0]
    assert ax0 <= columns.min() and columns.max() < ax1
    assert abs((columns.min() + columns.max()) / 2 - (ax0 + ax1) / 2) < 3
    below = np.nonzero(lit(sheet[last[3] + 1 :]).any(0))[0]
    assert last[0] <= below.min() and below.max() < last[2]
    assert lit(sheet[: y0 - 60]).any()  # the title
    assert plain.width < full.width and plain.height < full.height


@pytest.mark.parametrize("cell", [8, 24, 64, 128, 512, 1500])
def test_captions_are_legible_at_any_size(cell):
    plan = plan_sheet([(cell, cell, 3)], cell=cell, captions=["HHH"])
    y1 = plan.boxes[0, 3]
    below = lit(plan.draw([flat(WHITE, cell, cell)])[y1 + 1 :])
    rows = np.nonzero(below.any(1))[0]
    capital = rows.max() + 1 - rows.min()
    assert capital >= 0.65 * MIN_SIZE  # the height of a capital is 0.7 of the size
    assert capital <= max(MIN_SIZE, 0.06 * cell)  # and the picture stays the main thing


def test_long_captions_are_broken_and_end_in_an_ellipsis():
    face = Face()
    one, many = plan_sheet([(128, 128, 3)], captions=["x"]), plan_sheet([(128, 128, 3)], captions=[LONG * 400])
    assert one.height < many.height < 2 * one.height
    lines = face.wrap(LONG, 12, 128, 4)
    assert len(lines) == 4 and all(face.width(line, 12) <= 128 for line in lines) and lines[-1].endswith("…")
    kept = " ".join(lines)[:-1]
    assert LONG.startswith(kept) and LONG[len(kept)] in " ,"  # between two words
    assert face.wrap("u1 = 0.25\nseed 42", 12, 128, 4) == ["u1 = 0.25", "seed 42"]
    assert face.wrap("one two three", 12, 1000, 3) == ["one two three"]
    assert face.wrap("", 12, 100, 3) == face.wrap(None, 12, 100, 3) == face.wrap(" \n ", 12, 100, 3) == []
    word = "w" * 60
    lines = face.wrap(word, 12, 100, 99)
    assert "".join(lines) == word and all(face.width(line, 12) <= 100 for line in lines)
    assert face.wrap("wide", 12, 2, 3) == []


@pytest.mark.parametrize("width", [64, 77, 128, 301])
def test_broken_lines_hold_as_much_as_fits(width):
    face, text = Face(), " ".join(f"{'ab' * (i % 5 + 1)}" for i in range(60))
    lines = face.wrap(text, 11, width, 1000)
    assert " ".join(lines).split() == text.split()
    for line, following in pairwise(lines):
        assert face.width(line, 11) <= width < face.width(f"{line} {following.split()[0]}", 11)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("seed 42 · u1 = 0.25°", "seed 42 · u1 = 0.25°"),
        # Inter has these, and they stay.
        ("1024×768 – −3 — …", "1024×768 – −3 — …"),
        ("u₁ u² ≤ ½", "u₁ u² ≤ ½"),
        ("café Ærø Straße Łódź", "café Ærø Straße Łódź"),
        ("α → β, Привет, ‖w‖", "α → β, Привет, ‖w‖"),
        # These it has not.
        ("w ∈ S、ａ", "w in S,a"),
        ("日本 and 🙂🏽 more", "?? and more"),
        ("a\tb\u00a0c\u200bd\x00e\r\nf", "a b cde\nf"),
        ("“quoted” ‘text’ „so“", "“quoted” ‘text’ „so“"),
    ],
)
def test_what_the_face_cannot_draw_is_written_otherwise(text, expected):
    assert Face().clean(text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("1024×768 – −3 — …", "1024x768 - -3 - …"),
        ("u₁ ≤ ½", "u1 <= 1⁄2"),
        ("café Łódź", "cafe ?odz"),
        ("α → β", "alpha -> beta"),
    ],
)
def test_a_smaller_font_gets_what_it_can_draw(small_font, text, expected):
    assert Face(small_font).clean(text) == expected


def test_no_box_is_ever_drawn_for_a_missing_character():
    font = lettering._load(None, 40)
    box = font.getmask("\U0010ffff")
    text = Face().clean("".join(chr(c) for c in [*range(0x3000), *range(0xFE00, 0x10000), *range(0x1F300, 0x1FB00)]))
    for character in set(text) - {"\n"}:
        mask = font.getmask(character)
        assert (mask.size, bytes(mask)) != (box.size, bytes(box)), f"{character!r} is drawn as a box"
    assert {*"aZ09·…°±×−éЖβ日"} & set(text) == {*"aZ09·…°±×−éЖβ"}


@pytest.fixture
def small_font(tmp_path):
    """The path of a font of about 110 glyphs: the one that Pillow brings along."""
    path = tmp_path / "small.ttf"
    path.write_bytes(ImageFont.load_default(10).path.getvalue())
    return str(path)


def fresh_fonts():
    for function in (lettering._load, lettering._can_draw, lettering._spell, lettering._advance):
        function.cache_clear()


@pytest.fixture
def without_freetype(monkeypatch):
    monkeypatch.setattr(ImageFont, "core", DeferredError.new(ImportError("The _imagingft C module is not installed")))
    fresh_fonts()
    yield
    fresh_fonts()


def test_without_freetype_texts_are_still_drawn(without_freetype):
    assert not isinstance(ImageFont.load_default(), ImageFont.FreeTypeFont)
    texts = {**EVERYTHING, "title": "…°×− 日本 é"}
    for cell in (16, 128, 600):
        plan = plan_sheet([(100, 100, 3)] * 12, cell=cell, columns=4, **texts)
        sheet = plan.draw([flat(WHITE, 100, 100)] * 12)
        assert untouched(sheet, plan.boxes)
        x0, y0 = plan.boxes[:, :2].min(0)
        assert lit(sheet[: y0 - 10]).any() and lit(sheet[y0:, : x0 - 10]).any()
    assert gram_picture(np.eye(3), ["…", "日", "c"]).std() > 0


def test_a_font_file_can_be_given(tmp_path, small_font):
    plain = contact_sheet([flat(RED)], captions=["a café"])
    other = contact_sheet([flat(RED)], captions=["a café"], font=small_font)
    assert lit(other).sum() == pytest.approx(lit(plain).sum(), rel=0.3) and not np.array_equal(other, plain)
    for font in (str(tmp_path / "none.ttf"), str(tmp_path)):
        with pytest.raises(ValueError, match="font: expected the path of a TrueType"):
            contact_sheet([flat(RED)], font=font)


# ------------------------------------------------------------------------------------------- numbers, scores and marks


def test_numbers_and_scores_stand_in_the_corners_of_large_pictures():
    plan = plan_sheet([(200, 200, 3)] * 4, numbers=True, scores=[0.5, 0.25, np.nan, 1])
    sheet = plan.draw([flat(WHITE, 200, 200)] * 4)
    for i, box in enumerate(plan.boxes):
        touched = lit(cut(sheet, box), WHITE)
        assert touched[:50, :60].any() and not touched[:50, 100:].any() and not touched[60:150].any()
        assert touched[150:, 100:].any() == (i != 2) and not touched[150:, :100].any()


def test_numbers_and_scores_leave_small_pictures_alone():
    plan = plan_sheet([(64, 64, 3)] * 4, numbers=True, scores=[0.5, 0.25, np.nan, 1])
    sheet = plan.draw([flat(WHITE, 64, 64)] * 4)
    assert untouched(sheet, plan.boxes)
    for x0, _, x1, y1 in plan.boxes.tolist():
        assert lit(sheet[y1 + 4 : y1 + 18, x0:x1]).any()


@pytest.mark.parametrize("cell", [20, 64, 128, 400])
@pytest.mark.parametrize(
    "scores, best",
    [
        ([0.1, 0.9, 0.5, 0.2], 1),
        ([np.nan, -5, np.inf, -4], 3),
        ([3, 3, 1, None], 0),
        ([7, 7, 7, 7], None),
        ([np.nan, 2, np.nan, -np.inf], None),
    ],
)
def test_the_best_score_has_a_golden_frame_and_no_other(cell, scores, best):
    plan = plan_sheet([(100, 100, 3)] * 4, columns=4, scores=scores, cell=cell)
    gold = (plan.draw([flat(WHITE, 100, 100)] * 4) == Palette.best).all(-1)
    for i, (x0, y0, x1, y1) in enumerate(plan.boxes.tolist()):
        reach = (plan.boxes[1, 0] - plan.boxes[0, 2]) // 2
        assert gold[y0 - reach : y0, x0:x1].all(1).any() == (i == best)  # whole rows and columns: the frame is crisp
        assert gold[y0:y1, x0 - reach : x0].all(0).any() == gold[y0:y1, x1 : x1 + reach].all(0).any() == (i == best)
    assert gold.any() == (best is not None)


def test_the_best_has_a_golden_score_and_an_ordinary_number():
    plan = plan_sheet([(200, 200, 3)] * 2, numbers=True, scores=[0.5, 0.25])
    gold = (cut(plan.draw([flat(WHITE, 200, 200)] * 2), plan.boxes[0]) == Palette.best).all(-1)
    assert gold[150:, 100:].sum() > 200 and not gold[:150].any()


@pytest.mark.parametrize("height, width", [(30, 400), (400, 30), (60, 300)])
def test_badges_never_cover_each_other(height, width):
    plan = plan_sheet([(height, width, 3)] * 4, numbers=True, scores=[0.5, 0.25, np.nan, 1])
    plates = [stroke[1:5] for stroke in plan._over if stroke[0] == "plate"]
    for i, a in enumerate(plates):
        for b in plates[i + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    assert plates == [] or height == 60


def test_marked_pictures_have_a_frame_and_a_tag():
    plan = plan_sheet([(128, 128, 3)] * 4, columns=4, marks=["seed 42", None, "", None])
    sheet = plan.draw([flat(WHITE)] * 4)
    assert untouched(sheet, plan.boxes)
    for i, (x0, y0, x1, y1) in enumerate(plan.boxes.tolist()):
        blue = (sheet[y0 - 9 : y1 + 40, x0 - 9 : x1 + 9] == Palette.mark).all(-1)
        assert blue.any() == (i in (0, 2))
        if blue.any():
            assert blue[:9].sum(1).max() >= 128 and blue[:, :9].sum(0).max() >= 128
            assert blue[:, -9:].sum(0).max() >= 128 and blue[9 + 128 : 18 + 128].sum(1).max() >= 128
            assert blue[9 + 128 + 8 :].any() == (i == 0)
    tag = sheet[plan.boxes[0, 3] : plan.boxes[0, 3] + 30, plan.boxes[0, 0] : plan.boxes[0, 2]]
    assert (tag.max(-1) < 90).any() and where(tag, Palette.mark)[2] - where(tag, Palette.mark)[0] > 40


def test_a_picture_can_be_marked_and_the_best():
    plan = plan_sheet(
        [(128, 128, 3)] * 2, marks=["a", "b"], scores=[1, 2], row_labels=["row"], column_labels="x y".split()
    )
    x0, y0, x1, _ = plan.boxes[1].tolist()
    above = plan.draw([flat(WHITE)] * 2)[y0 - 12 : y0, x0:x1]
    gold, blue = ((above == colour).all(-1).all(1) for colour in (Palette.best, Palette.mark))
    assert gold.any() and blue.any() and np.nonzero(gold)[0].max() < np.nonzero(blue)[0].min()


@pytest.mark.parametrize(
    "scores, texts",
    [
        ([0.5, 0.25, np.nan], ["0.500", "0.250", ""]),
        ([12, 7, 0], ["12", "7", "0"]),
        ([123.456, 120.0, 119.5], ["123.46", "120.00", "119.50"]),
        ([1e-5, 2e-5, 0.0], ["1.00e-05", "2.00e-05", "0.00e+00"]),
        ([3e7, np.inf, -np.inf], ["3.00e+07", "inf", "-inf"]),
        ([-0.0, 0.5, -0.0004], ["0.000", "0.500", "0.000"]),
    ],
)
def test_scores_are_written_with_digits_that_tell_them_apart(scores, texts):
    drawn = [stroke[3] for stroke in plan_sheet([(300, 300, 3)] * 3, scores=scores)._over if stroke[0] == "text"]
    assert drawn == [text for text in texts if text]


# ------------------------------------------------------------------------------------------------------ size and speed


def test_frames_of_an_animation_have_one_size_and_differ_in_the_pictures_only():
    texts = dict(captions=["a", "b", "c"], numbers=True, marks=["m", None, None], title="Walk")
    frames = [contact_sheet([picture(3 * f + i) for i in range(3)], **texts) for f in range(3)]
    frames += [contact_sheet([np.full((96, 96, 4), v, np.float32)] * 3, **texts) for v in (np.nan, 1)]
    plan = plan_sheet([(96, 96, 3)] * 3, **texts)
    frames.append(plan.draw([None, None, None]))
    outside = np.ones(frames[0].shape[:2], bool)
    for box in plan.boxes:
        cut(outside, box)[:] = False
    for frame in frames[1:]:
        assert frame.shape == frames[0].shape
        assert np.array_equal(frame[outside], frames[0][outside])


@pytest.mark.parametrize("n, side, most", [(1, 9000, 8192), (4, 4096, 8192), (30, 1024, 2000), (7, 512, 500)])
def test_a_sheet_is_never_larger_than_max_side_and_uses_it(n, side, most):
    plan = plan_sheet([(side, side // 2, 3)] * n, captions=["seed 42"] * n, title="T", max_side=most)
    assert 0.85 * most < max(plan.width, plan.height) <= most


def test_default_cells_are_the_largest_picture_and_not_tiny():
    assert plan_sheet([(100, 40, 3), (30, 320, 3)]).cell == 320
    assert plan_sheet([(1, 1, 3)]).cell == 64


@pytest.mark.parametrize("most", [60_000, 400_000, 10**9])
def test_a_sheet_never_has_more_pixels_than_max_pixels_and_uses_them(most):
    shapes = [(120, 160, 3)] * 12
    plan, whole = plan_sheet(shapes, numbers=True, max_pixels=most), plan_sheet(shapes, numbers=True)
    assert plan.width * plan.height <= most
    if whole.width * whole.height <= most:
        assert plan.cell == whole.cell
    else:
        assert plan.width * plan.height > 0.8 * most
    with pytest.raises(ValueError, match=r"even with cells of one pixel, .* \(max_pixels is 30\)"):
        plan_sheet(shapes, max_pixels=30)
    with pytest.raises(ValueError, match="max_pixels: expected a whole number of at least 1, got 0"):
        plan_sheet(shapes, max_pixels=0)


def test_a_cell_that_is_too_large_is_made_smaller_with_a_warning():
    with pytest.warns(UserWarning, match=r"cell: cells of 400 pixels .* max_side = 1000; they are \d+"):
        plan = plan_sheet([(64, 64, 3)] * 16, cell=400, max_side=1000)
    assert max(plan.width, plan.height) <= 1000 and plan.cell < 400
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert plan_sheet([(64, 64, 3)] * 16, cell=200, max_side=1000).cell == 200
        plan_sheet([(4096, 4096, 3)] * 16)


def test_a_thousand_pictures_need_the_sheet_and_little_more():
    images = np.random.default_rng(0).random((1000, 32, 32, 3), np.float32)
    tracemalloc.start()
    try:
        sheet = contact_sheet(images, numbers=True, cell=48)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert max(sheet.shape) < 8192
    assert peak < sheet.nbytes + 25e6


def test_a_large_picture_is_converted_in_strips():
    image = np.random.default_rng(0).random((3000, 3000, 3), np.float32)
    tracemalloc.start()
    try:
        contact_sheet([image], cell=100)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < image.nbytes / 4 + 60e6  # its bytes, and strips of a million pixels


def test_twenty_thousand_pictures_still_have_a_plan():
    plan = plan_sheet([(64, 64, 3)] * 20_000)
    assert max(plan.width, plan.height) <= 8192 and plan.cell >= 16
    assert len({tuple(box) for box in plan.boxes.tolist()}) == 20_000


def test_labels_of_narrow_columns_are_thinned_not_broken():
    labels = [f"{v:.2f}" for v in np.linspace(0, 1, 40)]
    layout = [(i % 40, i // 40) for i in range(1600)]
    plan = plan_sheet([(12, 12, 3)] * 1600, cell=12, layout=layout, row_labels=labels, column_labels=labels)
    drawn = [stroke[3] for stroke in plan._under if stroke[0] == "text"]
    assert 20 < len(drawn) < 60 and set(drawn) <= set(labels)
    sheet = plan.draw([flat(WHITE, 12, 12)] * 1600)
    x0, y0 = plan.boxes[:, :2].min(0)
    gaps = np.diff(np.nonzero(lit(sheet[: y0 - 1]).any(0))[0])
    assert (gaps > 4).sum() == len(drawn) - sum(
        lit(sheet[y0:, : x0 - 1]).any(1)[:-1] & ~lit(sheet[y0:, : x0 - 1]).any(1)[1:]
    ) - 1


# -------------------------------------------------------------------------------------------------------------- errors

TWO = [flat(RED), flat(BLUE)]


@pytest.mark.parametrize(
    "images, arguments, message",
    [
        ([], {}, "images: expected at least one image"),
        ("picture.png", {}, "images: expected a sequence .* got str"),
        (None, {}, "images: expected a sequence .* got NoneType"),
        (flat(RED), {}, r"images: .* one array \(n, h, w, channels\), got one of shape \(128, 128, 3\)"),
        ([np.zeros((8, 8))], {}, r"images\[0\]: expected shape .* got \(8, 8\)"),
        ([flat(RED), np.zeros((8, 8, 2))], {}, r"images\[1\]: expected shape .* got \(8, 8, 2\)"),
        ([np.zeros((1, 8, 8, 3))], {}, r"images\[0\]: expected shape .* got \(1, 8, 8, 3\)"),
        ([np.zeros((0, 8, 3))], {}, r"images\[0\]: expected shape .* got \(0, 8, 3\)"),
        ([np.zeros((8, 8, 3), np.int64)], {}, r"images\[0\]: expected uint8 .* got int64"),
        ([np.zeros((8, 8, 3), complex)], {}, r"images\[0\]: expected uint8 .* got complex128"),
        (TWO, {"captions": ["a"]}, "captions: expected 2 texts, one for each of the images, got 1"),
        (TWO, {"captions": "ab"}, "captions: expected a sequence of 2 texts, got 'ab'"),
        (TWO, {"marks": ["a"] * 3}, "marks: expected 2 texts, one for each of the images, got 3"),
        (TWO, {"scores": [1.0]}, "scores: expected 2 numbers, one for each of the images, got 1"),
        (TWO, {"scores": ["a", "b"]}, "scores: expected 2 numbers"),
        (TWO, {"scores": 3.0}, "scores: expected 2 numbers"),
        (TWO, {"layout": [(0, 0)]}, r"layout: expected shape \(2, 2\), .* got \(1, 2\)"),
        (TWO, {"layout": [(0, 0), (0, np.nan)]}, "layout: expected finite numbers"),
        (TWO, {"layout": [("a", 0), (0, 1)]}, r"layout: expected \(2, 2\) numbers"),
        (TWO, {"layout": [(0, 0), (0.5, 0.9)]}, "layout: images 0 and 1 .* would cover each other"),
        (TWO, {"layout": [(0, 0), (1, 0)], "columns": 2}, "columns: the layout already gives"),
        (TWO, {"layout": [(0, 0), (9e9, 0)]}, "max_side: 2 images over 9e.09 columns .* max_side is 8192"),
        (TWO, {"columns": 2, "column_labels": ["a"]}, "column_labels: expected 2 texts, one for each of the columns"),
        (TWO, {"columns": 1, "row_labels": ["a"]}, "row_labels: expected 2 texts, one for each of the rows, got 1"),
        (TWO, {"columns": 0}, "columns: expected a whole number of at least 1, got 0"),
        (TWO, {"cell": 12.5}, "cell: expected a whole number of at least 1, got 12.5"),
        (TWO, {"max_side": -1}, "max_side: expected a whole number of at least 1, got -1"),
        (TWO, {"max_side": 20}, "max_side: 2 images .* even with cells of one pixel, and max_side is 20"),
        (TWO, {"title": 3}, "title: expected a text, got int"),
        (TWO, {"font": "missing.ttf"}, "font: expected the path of a TrueType or OpenType file, got 'missing.ttf'"),
    ],
)
def test_errors_name_the_argument_and_what_came(images, arguments, message):
    with pytest.raises(ValueError, match=message):
        contact_sheet(images, **arguments)


def test_a_plan_takes_the_pictures_it_was_made_for():
    plan = plan_sheet([(64, 64, 3), None])
    with pytest.raises(ValueError, match="planned for 2 images, got 1"):
        plan.draw([flat(RED, 64, 64)])
    with pytest.raises(ValueError, match=r"images\[0\]: .* height and width \(64, 64\), got \(64, 65\)"):
        plan.draw([flat(RED, 64, 65), None])
    assert plan.draw([np.ones((64, 64, 1), np.float32), flat(RED, 64, 64)]).shape[2] == 3


# ------------------------------------------------------------------------------------------------------- Gram matrices


BRIGHTEST, ZERO, COLDEST = (255, 210, 140), (27, 27, 30), (170, 220, 255)


def cells_of(out, k):
    """(k, k, 3) colours of the cells of a Gram picture, found by the frame around its matrix."""
    left, top, _, bottom = where(out, Palette.edge)
    left, top, bottom = left + 1, top + 1, bottom - 1
    cell, rest = divmod(bottom - top, k)
    assert rest == 0 and cell >= 1
    first = cell // 8  # a hairline runs along the upper and left side of a cell, the number stands in its middle
    return out[top + first : bottom : cell, left + first : left + k * cell : cell]


@pytest.mark.parametrize("k", [1, 2, 5, 16, 17, 40, 128, 1024])
def test_gram_shows_each_value_in_its_own_place(k):
    gram = np.eye(k)
    gram[0, k // 2], gram[k - 1, 0] = -1.0, 0.9 if k > 1 else -1.0
    out = gram_picture(gram, [f"seed {i}" for i in range(k)])
    assert out.dtype == np.uint8 and out.shape[2] == 3 and max(out.shape) < 1400
    cells = cells_of(out, k)
    expected = np.empty((k, k, 3), int)
    expected[:] = ZERO
    expected[range(k), range(k)] = BRIGHTEST
    expected[0, k // 2] = COLDEST
    if k > 1:
        r, g, b = cells[k - 1, 0].tolist()
        assert r > g > b and (r, g, b) != BRIGHTEST
        expected[k - 1, 0] = r, g, b
    if k == 2:
        expected[0, 1] = COLDEST
    assert np.array_equal(cells, expected)


def test_the_colours_are_centred_at_zero_and_reach_beyond_one_where_needed():
    from surrogate.pictures.matrix import _colours

    ramp = _colours(np.linspace(-1, 1, 201)).astype(int)
    assert (ramp[:100, 2] > ramp[:100, 0]).all() and (ramp[101:, 0] >= ramp[101:, 2]).all()
    assert ramp.sum(1).argmin() == 100
    assert (np.diff(ramp.sum(1))[:100] <= 0).all() and (np.diff(ramp.sum(1))[100:] >= 0).all()
    for value, brightest in ((1.1, True), (3.0, False)):
        out = gram_picture([[value, 0], [0, 1]], ["a", "b"])
        cells = cells_of(out, 2)
        assert tuple(cells[0, 0]) == BRIGHTEST and (tuple(cells[1, 1]) == BRIGHTEST) == brightest


def texts_of(monkeypatch, *arguments, **keywords):
    from surrogate.pictures import matrix

    drawn, text = [], matrix.Canvas.text

    def record(self, x, y, words, *rest, **more):
        drawn.append(words)
        return text(self, x, y, words, *rest, **more)

    monkeypatch.setattr(matrix.Canvas, "text", record)
    gram_picture(*arguments, **keywords)
    return drawn


@pytest.mark.parametrize("k, written", [(2, True), (16, True), (17, False), (128, False)])
def test_values_are_written_up_to_sixteen_seeds(k, written, monkeypatch):
    gram = np.eye(k) * 0.987 + 0.0123 * (1 - np.eye(k))
    drawn = texts_of(monkeypatch, gram, [f"seed {i}" for i in range(k)])
    assert drawn.count("0.987") == (k if written else 0)
    assert drawn.count("0.012") == (k * k - k if written else 0)


def test_names_are_thinned_and_shortened_and_the_title_is_there(monkeypatch):
    names = [f"image {i} " + "of a long series " * 9 for i in range(128)]
    drawn = texts_of(monkeypatch, np.eye(128), names, title="Title")
    shown = [words for words in drawn if words.startswith("image")]
    assert "Title" in drawn and 40 < len(shown) < 128 and all(words.endswith("…") for words in shown)
    assert max(Face().width(words, 13) for words in shown) <= 170
    out = gram_picture(np.eye(128), names, title=None)
    left = np.nonzero((out == Palette.edge).all(-1).sum(0) > 500)[0].min()
    lines = lit(out[:, : left - 5]).any(1)
    assert (np.diff(lines.astype(int)) == 1).sum() >= len(shown) // 2 - 1  # dark rows between the names: no overlap
    assert out.shape[0] < gram_picture(np.eye(128), names, title="Title").shape[0]


def test_the_least_independent_pair_is_named(monkeypatch):
    gram = np.eye(30)
    gram[4, 21] = gram[21, 4] = -0.8
    gram[3, 7] = gram[7, 3] = 0.5
    gram[0, 1] = np.nan
    drawn = texts_of(monkeypatch, gram, [f"seed {i}" for i in range(30)])
    assert "Least independent: seed 4 and seed 21, -0.8000" in drawn


def test_values_that_are_not_finite_are_hatched():
    out = gram_picture([[1, np.nan], [np.inf, 1]], ["a", "b"])
    assert where(out, Palette.hatch) is not None
    assert where(gram_picture(np.eye(2), ["a", "b"]), Palette.hatch) is None
    assert gram_picture(np.full((20, 20), np.nan), ["x"] * 20).any()


def test_gram_picture_is_deterministic_and_leaves_its_input():
    gram = np.random.default_rng(0).standard_normal((9, 9))
    gram.flags.writeable = False
    assert np.array_equal(gram_picture(gram, list("abcdefghi")), gram_picture(gram.copy(), tuple("abcdefghi")))


@pytest.mark.parametrize(
    "gram, names, message",
    [
        (np.eye(3)[:2], ["a", "b"], r"gram: expected shape \(k, k\) .* got \(2, 3\)"),
        (np.zeros((0, 0)), [], r"gram: expected shape \(k, k\) .* got \(0, 0\)"),
        (1.0, ["a"], r"gram: expected shape \(k, k\) .* got \(\)"),
        (np.eye(2) * 1j, ["a", "b"], "gram: expected a .* array of real numbers"),
        ([["a", "b"], ["c", "d"]], ["a", "b"], "gram: expected a .* array of real numbers"),
        ([[1, 2], [3]], ["a", "b"], "gram: expected a .* array of real numbers"),
        (np.eye(3), ["a", "b"], "names: expected 3 texts, one for each row of gram, got 2"),
        (np.eye(3), "abc", "names: expected 3 texts, .* got the text 'abc'"),
    ],
)
def test_gram_errors_name_the_argument_and_what_came(gram, names, message):
    with pytest.raises(ValueError, match=message):
        gram_picture(gram, names)


def test_sheets_can_be_saved():
    sheet = contact_sheet([picture(0)], title="T")
    assert Image.fromarray(sheet).size == sheet.shape[1::-1] and sheet.flags.writeable and math.prod(sheet.shape) > 0
