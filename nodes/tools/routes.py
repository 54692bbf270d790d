"""The pack's HTTP routes.

GET /surrogate/study?name=…      how far a study is, for API clients
GET /surrogate/explorer/KEY      a picture that an Explorer has shown: a small copy; of a clip, its first frame
GET /surrogate/explorer/KEY?PART the whole picture, a small copy of the moving clip, or of the sound: whole, moving, sound
GET /surrogate/pick              the pages of Pick that wait for an answer
POST /surrogate/pick             an answer to one of them
GET /surrogate/board             the cards of the board
GET /surrogate/board/KEY          the picture of a card
POST /surrogate/board            keep a picture of a contact sheet: sheet (its file), cell (from 0)
POST /surrogate/board/KEY         star a card: starred; or copy its seed to where Load Seeds finds it: file
DELETE /surrogate/board/KEY       delete a card
"""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web
from server import PromptServer

from ...surrogate.search import StudyError, UnknownStudy, describe_study, scouting_name
from .board_routes import add_board_routes
from .posted import posted
from .questions import answer, open_pages
from .shelf import KEY, Shelf
from .studies import opened_studies
from .study_inputs import default_storage

__all__ = ["add_routes"]

log = logging.getLogger("ComfyUI-Surrogate")
KINDS = {".webp": "image/webp", ".png": "image/png", ".mp3": "audio/mpeg"}


def _described(name: str) -> dict:
    """Of several databases, the study in that where a workflow has opened one of this `name` last."""
    for opened_as in (name, scouting_name(name)):
        database, own = opened_studies.latest(opened_as) or ("", "")
        if database.strip():
            return describe_study(database, own if opened_as == name else name)
    return describe_study(default_storage(), name)


def add_routes() -> None:
    """Add the pack's routes to the running server."""
    add_board_routes(PromptServer.instance.routes)

    @PromptServer.instance.routes.get("/surrogate/study")
    async def study(request: web.Request) -> web.Response:
        name = request.query.get("name", "")
        if not name:
            return web.json_response({"error": "name is missing: /surrogate/study?name=my%20search"}, status=400)
        try:
            # Databases block; the server's own loop must not.
            found = await asyncio.to_thread(_described, name)
        except UnknownStudy as error:
            return web.json_response({"error": str(error)}, status=404)
        except (StudyError, ValueError) as error:  # locked, damaged, of a newer version: later it may be there
            return web.json_response({"error": str(error)}, status=503)
        return web.json_response(found)

    @PromptServer.instance.routes.get("/surrogate/explorer/{key}")
    async def picture(request: web.Request) -> web.StreamResponse:
        key = request.match_info["key"]
        if not KEY.fullmatch(key):
            return web.json_response({"error": "This is not the key of a picture."}, status=400)
        shelf = Shelf()
        parts = {"whole": shelf.whole, "moving": shelf.moving, "sound": shelf.heard}
        path = next((find for part, find in parts.items() if part in request.query), shelf.small)(key)
        if not await asyncio.to_thread(path.is_file):
            return web.json_response({"error": "This picture is not kept any more: run the node again."}, status=404)
        # What a key names never changes. Not every system knows the type of a WebP.
        headers = {"Cache-Control": "private, max-age=604800, immutable", "Content-Type": KINDS[path.suffix]}
        return web.FileResponse(path, headers=headers)

    @PromptServer.instance.routes.get("/surrogate/pick")
    async def pages(request: web.Request) -> web.Response:
        return web.json_response({"pages": open_pages()}, headers={"Cache-Control": "no-store"})

    @PromptServer.instance.routes.post("/surrogate/pick")
    async def picked(request: web.Request) -> web.Response:
        entry = await posted(request)
        if isinstance(entry, web.Response):
            return entry
        status, said = answer(entry)
        return web.json_response(said, status=status)
