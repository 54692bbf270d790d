"""One ComfyUI server, over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from .graph import Prompt, same

__all__ = ["Refused", "Remote", "Unreachable", "checked_url"]

TIMEOUT = 15.0


class Unreachable(OSError):
    """The server does not answer, or answers with something else."""


class Refused(ValueError):
    """The server answers, and does not take the workflow; the message says why."""


def checked_url(text: str) -> str:
    """The address of a server. Raises ValueError."""
    url = text.strip().rstrip("/")
    parts = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{text} is no address of a server: expected one such as http://192.168.1.20:8188.")
    return parts.geturl()


class Remote:
    """The server at `url`. Every call raises Unreachable if it does not answer in time."""

    def __init__(self, url: str):
        self.url = url
        # Never through a proxy: the server was named on purpose.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def queue(self, prompt: Prompt) -> str:
        """Queue a prompt; its id. Raises Refused."""
        status, answer = self._call("/prompt", {"prompt": prompt})
        if status != 200 or not isinstance(answer, dict) or "prompt_id" not in answer:
            raise Refused(_reasons(answer) or f"it answered with status {status}")
        return answer["prompt_id"]

    def queued(self, prompt: Prompt) -> tuple[list[str], list[str]]:
        """The ids of the prompts that do what `prompt` does: those that run, and those that wait."""
        _, answer = self._call("/queue")
        lists = [answer.get(f"queue_{which}", []) for which in ("running", "pending")]
        running, pending = ([entry[1] for entry in entries if same(entry[2], prompt)] for entries in lists)
        return running, pending

    def ended(self, prompt_id: str) -> dict[str, Any] | None:
        """How a prompt ended, as the server's history has it; None if it does not have it."""
        _, answer = self._call(f"/history/{prompt_id}")
        return answer.get(prompt_id)

    def study(self, name: str) -> dict[str, Any] | None:
        """How far the study `name` is; None if the server does not know it (yet), or its database is busy."""
        status, answer = self._call(f"/surrogate/study?{urllib.parse.urlencode({'name': name})}")
        if status == 404 and "error" not in answer:
            raise Refused("it does not have this pack, or an old version of it: update ComfyUI-Surrogate there")
        return answer if status == 200 else None

    def drop(self, prompt_ids: list[str]) -> None:
        """Take prompts that wait out of the queue."""
        self._call("/queue", {"delete": prompt_ids})

    def interrupt(self, prompt_id: str) -> None:
        """Stop the prompt while it runs; older servers stop whatever runs."""
        self._call("/interrupt", {"prompt_id": prompt_id})

    def _call(self, path: str, content: Any = None) -> tuple[int, Any]:
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json"} if body else {})
        try:
            try:
                with self._opener.open(request, timeout=TIMEOUT) as response:
                    return response.status, _decoded(response.read())
            except urllib.error.HTTPError as error:
                return error.code, _decoded(error.read())
        except (OSError, ValueError) as error:
            raise Unreachable(str(getattr(error, "reason", error))) from None


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text) if text.strip() else {}
    except ValueError:
        return {}


def _reasons(answer: Any) -> str:
    """Why a prompt was refused, as one line."""
    if not isinstance(answer, dict):
        return ""
    error = answer.get("error")
    lines = [error.get("message", "") if isinstance(error, dict) else str(error or "")]
    for id, found in dict(answer.get("node_errors") or {}).items():
        lines += [
            f"node {id} ({found.get('class_type', '?')}): {one.get('message', '')} {one.get('details', '')}".strip()
            for one in found.get("errors", [])
        ]
    return "; ".join(filter(None, lines))
