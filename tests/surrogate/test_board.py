"""The board: cards appear whole, stay few, survive damage, and give back the very seed."""

import json
import os
import time

import numpy as np
import pytest
import torch

from surrogate import SurrogateSpace
from surrogate.files import Board, BoardFull, load_seeds
from surrogate.files.board import YOUNG
from surrogate.seeds import Seeds
from surrogate.space.point_seed import seed_at

PICTURE = np.arange(8 * 12 * 3, dtype=np.uint8).reshape(8, 12, 3)
PARTS = ((4, 8, 8),)


def integer(value: int):
    return Seeds.from_text(str(value))[0]


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path / "board", most_recent=4, most_starred=2)


def kept(board: Board, value: int, **more) -> str:
    key = board.keep(integer(value), PICTURE, f"seed {value}", "Explorer", **more)
    time.sleep(0.002)
    return key


def labels(board: Board) -> list[str]:
    return [card.label for card in board.cards()]


def test_cards_come_back_the_latest_first(board):
    assert board.cards() == []
    for value in (3, 1, 2):
        kept(board, value)
    assert labels(board) == ["seed 2", "seed 1", "seed 3"]
    card = board.cards()[0]
    assert (card.text, card.source, card.starred) == ("2", "Explorer", False)
    assert Board(board.folder).cards() == board.cards()  # of another process


def test_a_sound_comes_and_goes_with_its_card(board):
    key = kept(board, 1, write_sound=lambda path: path.write_bytes(b"heard"))
    assert board.card(key).sound
    assert board.sound(key).read_bytes() == b"heard"
    kept(board, 1, write_sound=lambda path: None)  # it could not be written
    assert not board.card(key).sound
    assert not board.sound(key).exists()
    kept(board, 1, write_sound=lambda path: path.write_bytes(b"again"))
    board.delete(key)
    assert [path.name for path in board.folder.iterdir()] == ["deleted.json"]


@pytest.mark.parametrize("kind", ["integer", "point", "tensor"])
def test_a_card_gives_back_its_seed_exactly(board, kind):
    space = SurrogateSpace(Seeds.from_text("12, 99, 7"))
    seed = {
        "integer": integer(12),
        "point": seed_at(space, np.array([0.3, 0.7]), "a point"),
        "tensor": Seeds.from_tensors(torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1)))[0],
    }[kind]
    key = board.keep(seed, PICTURE, "it", "Pick")
    (found,) = load_seeds(board.seed_file(key)).seeds
    for one, other in zip(found.noise(PARTS), seed.noise(PARTS), strict=True):
        assert torch.equal(one, other)
    assert (board.card(key).text == "12") == (kind == "integer")


def test_the_same_seed_has_one_card_in_each_workflow(board):
    first = kept(board, 1, context="one")
    made = board.card(first).made
    board.star(first, True)
    assert kept(board, 1, context="one") == first != kept(board, 1, context="two")
    assert len(board.cards()) == 2
    assert board.card(first).made == made and board.card(first).starred


def test_the_oldest_make_room_and_starred_ones_stay(board):
    starred = kept(board, 0)
    board.star(starred, True)
    for value in range(1, 8):
        kept(board, value)
    assert labels(board) == ["seed 7", "seed 6", "seed 5", "seed 4", "seed 0"]
    assert len(list(board.folder.iterdir())) == 15
    board.star(board.cards()[0].key, True)
    with pytest.raises(BoardFull, match="2 cards are starred"):
        board.star(board.cards()[1].key, True)
    board.star(starred, False)
    assert board.card(starred) is not None  # four that are not starred


def test_bytes_are_bounded(board):
    kept(board, 1)
    size = sum(path.stat().st_size for path in board.folder.iterdir())
    small = Board(board.folder, limit=2 * size + size // 2)
    for value in range(2, 6):
        kept(small, value)
    assert labels(small) == ["seed 5", "seed 4"]


def test_a_seed_that_is_too_large_is_refused(board):
    seed = Seeds.from_tensors(torch.ones(1, 16, 64, 64, 64).normal_(generator=torch.Generator().manual_seed(1)))[0]
    with pytest.raises(ValueError, match="have 16 MiB; the board keeps at most 8"):
        board.keep(seed, PICTURE, "", "")
    assert board.cards() == [] and list(board.folder.iterdir()) == []


def test_what_was_deleted_comes_back_only_if_it_is_asked_for(board):
    key = kept(board, 1)
    assert board.delete(key) and not board.delete(key)
    assert kept(board, 1) is None
    assert board.cards() == []
    assert kept(board, 1, again=True) == key
    assert kept(board, 1) == key
    assert labels(board) == ["seed 1"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"v": 2}', '{"v": 1, "made": NaN}', '{"v": 1, "label": 3}', "[" * 9999]
)
def test_a_damaged_card_is_none_and_the_others_stay(board, text):
    one, _ = kept(board, 1), kept(board, 2)
    (board.folder / f"{one}.json").write_text(text)
    (board.folder / "deleted.json").write_text(text)
    (board.folder / "notes.txt").write_text("somebody's own")
    assert labels(board) == ["seed 2"]
    for path in board.folder.glob(f"{one}*"):
        os.utime(path, (time.time() - 2 * YOUNG,) * 2)
    kept(board, 3)
    assert labels(board) == ["seed 3", "seed 2"]
    assert not list(board.folder.glob(f"{one}*")) and (board.folder / "notes.txt").exists()


def test_half_a_card_is_none(board):
    one, two = kept(board, 1), kept(board, 2)
    board.picture(one).unlink()
    board.seed_file(two).unlink()
    assert board.cards() == []
    assert kept(board, 1) == one
    assert labels(board) == ["seed 1"]


def test_no_half_file_is_left_where_the_disk_refuses(board, monkeypatch):
    kept(board, 1)

    def refuse(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="no space"):
        board.keep(integer(2), PICTURE, "seed 2", "Pick")
    assert labels(board) == ["seed 1"]
    assert not list(board.folder.glob("*.part"))


@pytest.mark.parametrize("key", ["", "..", "../x", "0" * 23, "0" * 25, "A" * 24, "0" * 23 + "\n", "💥" * 24])
def test_other_names_are_no_cards(board, key):
    (board.folder.parent / "x.json").write_text(json.dumps({"v": 1}))
    assert board.card(key) is None and board.star(key, True) is None and not board.delete(key)
