"""Queue the running prompt again when it has ended well, through the server's own HTTP route, as a client would."""

from __future__ import annotations

import json
import logging
import threading
import time
import urllib.error
import urllib.request

import comfy.model_management
from comfy.cli_args import args
from server import PromptServer

from .certificate import trusting

__all__ = ["resubmit"]

log = logging.getLogger("ComfyUI-Surrogate")
PAUSE = 0.03
TIMEOUT = 30
# The prompt that is followed; all its Tells ask for the same.
_followed: list[str] = []


def resubmit(prompt: dict, extra_pnginfo: dict | None) -> None:
    """Queue `prompt` once more after the prompt that is running now, unless that one is cancelled or fails.

    Returns at once. The browser that started the search goes on receiving its events.
    """
    server = PromptServer.instance
    # `is_changed` is what the executor notes in the prompt.
    graph = {id: {key: value for key, value in node.items() if key != "is_changed"} for id, node in prompt.items()}
    request = {"prompt": graph, "extra_data": {"extra_pnginfo": extra_pnginfo or {}}}
    if getattr(server, "client_id", None) is not None:
        request["client_id"] = server.client_id
    running = getattr(server, "last_prompt_id", None)
    if running is None or not hasattr(server, "port"):
        log.warning(
            "This ComfyUI does not say what it runs, so the search does not continue by itself: press Run for each step."
        )
        return
    if _followed == [running]:
        return
    _followed[:] = [running]
    threading.Thread(target=_follow, args=(running, request), daemon=True, name="surrogate-resubmit").start()


def _follow(running: str, request: dict) -> None:
    try:
        while True:
            entry = json.loads(_call(f"/history/{running}")).get(running)
            if entry is not None:
                break
            time.sleep(PAUSE)
        # Cancel between two prompts means the search; the next prompt would forget it.
        if entry.get("status", {}).get("status_str") == "success" and not _cancelled():
            _call("/prompt", json.dumps(request).encode())
    except (OSError, ValueError) as error:
        log.warning("The search does not continue by itself: %s. Press Run to continue it.", error)


def _cancelled() -> bool:
    """Whether Cancel was pressed since the prompt ended."""
    asked = getattr(comfy.model_management, "processing_interrupted", None)
    return asked is not None and asked()


def _call(path: str, body: bytes | None = None) -> bytes:
    server = PromptServer.instance
    scheme = "https" if args.tls_keyfile and args.tls_certfile else "http"
    address = getattr(server, "address", None)
    host = address if address not in ("0.0.0.0", "::", "", None) else "127.0.0.1"
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{server.port}{path}"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"} if body else {})
    # Never through a proxy.
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if scheme == "https":
        handlers.append(urllib.request.HTTPSHandler(context=trusting(args.tls_certfile)))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        raise ValueError(f"the server answered {error.code}: {error.read(500).decode('utf-8', 'replace')}") from None
