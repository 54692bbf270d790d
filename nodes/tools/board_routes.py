"""The routes of the board: its cards, their pictures, and what a person does with them."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from aiohttp import web

from ...surrogate.files import BoardFull
from ...surrogate.files.board import KEY
from .board import board, changed, put, seed_file_for_workflows
from .clickable import drawn_sheet
from .posted import posted, refused

__all__ = ["add_board_routes"]

NO_CARD = "There is no such card on the board any more."
LONGEST_NAME = 200


def add_board_routes(routes: web.RouteTableDef) -> None:
    """Add them to the `routes` of the running server."""

    @routes.get("/surrogate/board")
    async def cards(request: web.Request) -> web.Response:
        found = await asyncio.to_thread(board().cards)
        return web.json_response({"cards": [asdict(card) for card in found]}, headers={"Cache-Control": "no-store"})

    # The picture of a card; its sound with "?sound".
    @routes.get("/surrogate/board/{key}")
    async def part(request: web.Request) -> web.StreamResponse:
        key = request.match_info["key"]
        if not KEY.fullmatch(key):
            return refused(NO_CARD, 400)
        heard = "sound" in request.query
        path = board().sound(key) if heard else board().picture(key)
        if not await asyncio.to_thread(path.is_file):
            return refused(NO_CARD, 404)
        # A later picture of the same seed takes the place of an earlier one.
        return web.FileResponse(
            path, headers={"Cache-Control": "no-cache", "Content-Type": "audio/mpeg" if heard else "image/webp"}
        )

    @routes.post("/surrogate/board")
    async def keep(request: web.Request) -> web.Response:
        entry = await posted(request)
        return entry if isinstance(entry, web.Response) else await _tried(_kept, entry)

    @routes.post("/surrogate/board/{key}")
    async def change(request: web.Request) -> web.Response:
        entry = await posted(request)
        return entry if isinstance(entry, web.Response) else await _tried(_changed, request.match_info["key"], entry)

    @routes.delete("/surrogate/board/{key}")
    async def delete(request: web.Request) -> web.Response:
        return await _tried(_deleted, request.match_info["key"])


async def _tried(act, *given) -> web.Response:
    """What `act` answers; its disk work is not done in the server's loop."""
    try:
        return await asyncio.to_thread(act, *given)
    except BoardFull as error:
        return refused(str(error), 409)
    except ValueError as error:
        return refused(str(error), 400)
    except OSError as error:
        return refused(f"The board cannot be written: {error.strerror}.", 507)


def _kept(entry: dict) -> web.Response:
    name, cell, workflow = entry.get("sheet"), entry.get("cell"), entry.get("workflow", "")
    if not isinstance(name, str) or not isinstance(workflow, str) or len(workflow) > LONGEST_NAME:
        return refused("sheet must be the name of the file that the sheet shows, workflow a short text.", 400)
    sheet = drawn_sheet(name)
    if sheet is None:
        return refused("This sheet was drawn too long ago: run it again to keep its pictures.", 404)
    if isinstance(cell, bool) or not isinstance(cell, int) or not 0 <= cell < len(sheet.boxes):
        return refused(f"cell must be a whole number from 0 to {len(sheet.boxes) - 1}, got {str(cell)[:40]}.", 400)
    key = put(sheet.liked(cell), "Contact Sheet", workflow, again=True)
    changed()
    return web.json_response({"key": key})


def _changed(key: str, entry: dict) -> web.Response:
    if entry.get("file") is True:
        name = seed_file_for_workflows(key)
        return refused(NO_CARD, 404) if name is None else web.json_response({"file": name})
    if not isinstance(entry.get("starred"), bool):
        return refused("starred must be true or false.", 400)
    card = board().star(key, entry["starred"])
    if card is None:
        return refused(NO_CARD, 404)
    changed()
    return web.json_response(asdict(card))


def _deleted(key: str) -> web.Response:
    if not board().delete(key):
        return refused(NO_CARD, 404)
    changed()
    return web.json_response({"key": key})
