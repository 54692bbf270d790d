"""How a study stands, for API clients: GET /surrogate/study?name=…"""

from __future__ import annotations

import asyncio
import logging

from aiohttp import web
from server import PromptServer

from ...surrogate.search import StudyError, UnknownStudy, describe_study
from .study_inputs import default_storage

__all__ = ["add_routes"]

log = logging.getLogger("ComfyUI-Surrogate")


def add_routes() -> None:
    """Add the pack's routes to the running server."""

    @PromptServer.instance.routes.get("/surrogate/study")
    async def study(request: web.Request) -> web.Response:
        name = request.query.get("name", "")
        if not name:
            return web.json_response({"error": "name is missing: /surrogate/study?name=my%20search"}, status=400)
        try:
            # Databases block; the server's own loop must not.
            found = await asyncio.to_thread(describe_study, default_storage(), name)
        except UnknownStudy as error:
            return web.json_response({"error": str(error)}, status=404)
        except (StudyError, ValueError) as error:  # locked, damaged, of a newer version: later it may be there
            return web.json_response({"error": str(error)}, status=503)
        return web.json_response(found)
