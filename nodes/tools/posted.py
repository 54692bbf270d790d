"""What a browser or a program sends to the pack's routes: a small JSON object."""

from __future__ import annotations

import json

from aiohttp import web

__all__ = ["posted", "refused"]

MOST = 1 << 14


async def posted(request: web.Request) -> dict | web.Response:
    """The JSON object that was sent; what to answer if there is none."""
    # A form of another site can send any other type without asking.
    if request.content_type != "application/json":
        return refused("Send JSON, as application/json.", 415)
    text = b""
    async for part in request.content.iter_chunked(MOST):
        text += part
        if len(text) > MOST:
            return refused(f"An answer has at most {MOST} bytes.", 413)
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError):
        entry = None
    return entry if isinstance(entry, dict) else refused("The answer is not a JSON object.", 400)


def refused(why: str, status: int) -> web.Response:
    """An answer that says what was wrong."""
    return web.json_response({"error": why}, status=status)
