"""The board in a real server: what puts a card on it, what its routes refuse, and a card's seed in another workflow."""

import io
import json
import urllib.error
import urllib.request

import numpy as np
import pytest
import torch
from PIL import Image

from dev.client import ExecutionFailed
from surrogate.explore import Session

from .graph import Graph
from .test_explorer import explorer, shown
from .test_pick import Search, picks
from .test_sheet import sheet_of, told


def call(comfy, path: str = "", body=None, method: str | None = None, kind: str = "application/json", **headers):
    """HTTP status and what was answered: JSON, or bytes."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    url = f"{comfy.server.url}/surrogate/board{path}"
    request = urllib.request.Request(url, data, {"Content-Type": kind, **headers}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            status, text, what = answer.status, answer.read(), answer.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        status, text, what = error.code, error.read(), error.headers["Content-Type"] or ""
    return status, json.loads(text) if what.startswith("application/json") else text


def cards(comfy) -> list[dict]:
    return call(comfy)[1]["cards"]


@pytest.fixture
def board(comfy):
    """An empty board."""
    for card in cards(comfy):
        call(comfy, f"/{card['key']}", method="DELETE")
    return comfy


def explored(comfy, session: Session, seed: int) -> tuple[dict, torch.Tensor]:
    g = Graph(comfy)
    node = explorer(g, session, seed=seed)
    page = g.keep(node[1])
    return shown(g.run(), node), page.tensor


def test_what_is_liked_in_an_explorer(board):
    explored(board, Session.parse("", 4), 9100)
    assert cards(board) == []
    liked = Session.parse("", 4).like(1, 3).then("more", 4)
    explored(board, liked, 9100)
    assert sorted(card["text"] for card in cards(board)) == ["9101", "9103"]
    assert {card["source"] for card in cards(board)} == {"Explorer"}

    # A blend is liked; its seed makes the same picture in another workflow.
    _, page = explored(board, liked.like(2), 9100)
    (blend,) = [card for card in cards(board) if not card["text"]]
    status, said = call(board, f"/{blend['key']}", {"file": True})
    assert status == 200
    g = Graph(board)
    node = explorer(g, seeds=g("SurrogateLoadSeeds", file=said["file"]), seed=1, pictures=1)
    again = g.keep(node[1])
    g.run()
    assert torch.equal(again.tensor[0], page[2])
    status, picture = call(board, f"/{blend['key']}")
    assert status == 200 and Image.open(io.BytesIO(picture)).format == "WEBP"

    explored(board, liked.then("finish"), 9100)
    assert len(cards(board)) == 3  # the same seeds: what is finished is on the board already


def test_what_is_picked_between_runs(board):
    search = Search(board, optimiser="between the seeds")
    first = search.run()
    assert cards(board) == []
    search.run(picks(first, 2, 0))
    assert [card["source"] for card in cards(board)] == ["Pick", "Pick"]
    assert all(card["seeds"] == ["12", "99", "1024"] and card["weights"] for card in cards(board))
    search.run(picks(search.run(), do="none"))
    assert len(cards(board)) == 2


def test_what_is_kept_of_a_sheet(board):
    g = Graph(board)
    node = sheet_of(g, points=g("SurrogateCorners", space=g.space(), columns=2, rows=2), numbers=False)
    sheet = told(g.run(), node)
    assert sheet["keepable"]
    body = {"sheet": sheet["file"]["filename"], "cell": 1, "workflow": "here"}
    status, said = call(board, "", body)
    assert status == 200
    (card,) = cards(board)
    assert (card["key"], card["text"], card["weights"], card["source"]) == (
        said["key"],
        "99",
        "0, 1, 0, 0",
        "Contact Sheet",
    )
    picture = np.asarray(Image.open(io.BytesIO(call(board, f"/{card['key']}")[1])).convert("RGB"))
    assert np.abs(picture[8:-8, 8:-8].reshape(-1, 3) - np.array([0, 255, 0.0])).max() < 48

    assert call(board, f"/{card['key']}", method="DELETE")[0] == 200
    assert cards(board) == []
    assert call(board, "", body)[0] == 200  # who asks for it gets it back
    assert len(cards(board)) == 1
    for wrong in ({"cell": 4}, {"cell": -1}, {"cell": True}, {"cell": "1"}, {"sheet": 3}, {"workflow": "x" * 999}):
        assert call(board, "", body | wrong)[0] == 400, wrong
    assert call(board, "", body | {"sheet": "../../x.jpg"})[0] == 404


def test_a_star_stays(board):
    explored(board, Session.parse("", 4).like(0), 9200)
    (card,) = cards(board)
    assert call(board, f"/{card['key']}", {"starred": True}) == (200, card | {"starred": True})
    explored(board, Session.parse("", 4).like(0, 1), 9200)
    assert {card["text"]: card["starred"] for card in cards(board)} == {"9200": True, "9201": False}
    assert call(board, f"/{card['key']}", {"starred": False})[1]["starred"] is False
    call(board, f"/{card['key']}", method="DELETE")
    explored(board, Session.parse("", 4).like(0, 2), 9200)
    assert [card["text"] for card in cards(board)] == ["9202", "9201"]  # deleted is deleted


def test_what_the_routes_refuse(board):
    good = {"starred": True}
    key = "0" * 24
    assert (
        call(board, f"/{key}", good)[0]
        == call(board, f"/{key}", method="DELETE")[0]
        == call(board, f"/{key}")[0]
        == 404
    )
    assert call(board, f"/{key}", {"file": True})[0] == 404
    for name in ("x", "0" * 300, "%2e%2e%2fuser", "..%2f..%2fx", "%F0%9F%92%A5", "a%22b"):
        assert call(board, f"/{name}")[0] == 400, name
        assert call(board, f"/{name}", good)[0] == 404, name
        assert call(board, f"/{name}", method="DELETE")[0] == 404, name
    for path in ("", f"/{key}"):
        assert call(board, path, good, Origin="http://example.com")[0] == 403  # by ComfyUI itself
        assert call(board, path, good, kind="text/plain")[0] == 415
        assert call(board, path, {"starred": "x" * 20_000})[0] == 413
        for body in (b"{", b"[]", b"\xff", b"[" * 9000, {}, {"starred": 1}):
            assert call(board, path, body)[0] == 400, (path, body)
    assert call(board, f"/{key}", method="DELETE", Origin="http://example.com")[0] == 403


def test_a_board_that_cannot_be_written_stops_nothing(board):
    folder = next((board.server.base / "user").rglob("surrogate_board"))
    folder.rename(folder.with_name("aside"))
    folder.write_text("a file where the folder should be")
    try:
        assert cards(board) == []
        said, _ = explored(board, Session.parse("", 4).like(0), 9300)
        assert len(said["cells"]) == 4
    except ExecutionFailed as error:
        pytest.fail(str(error))
    finally:
        folder.unlink()
        folder.with_name("aside").rename(folder)
