"""A small client of ComfyUI's HTTP and websocket interface, as any program would use it.

    client = Client("http://127.0.0.1:8188")
    entry = client.run(prompt, on_progress=print)
    picture = client.view(client.images(entry)[0])

Calls are synchronous. ``interrupt`` may be called from another thread while ``run`` waits. It needs aiohttp, which
every ComfyUI has.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp

__all__ = ["Client", "ExecutionFailed", "ExecutionInterrupted", "Progress", "PromptRejected"]

Prompt = dict[str, dict[str, Any]]
"""A workflow in API format: node id -> {"class_type": …, "inputs": …}."""


class PromptRejected(ValueError):
    """ComfyUI refused the prompt (HTTP 400).

    error : ComfyUI's error, with ``type``, ``message``, ``details``
    node_errors : node id -> {"class_type", "errors": [{"type", "message", "details", …}], …}
    """

    def __init__(self, error: Any, node_errors: dict[str, Any]):
        self.error = error
        self.node_errors = node_errors
        lines = [error.get("message", str(error)) if isinstance(error, dict) else str(error)]
        for node, found in node_errors.items():
            for one in found.get("errors", []):
                text = f"{one.get('message', '')}: {one.get('details', '')}".strip(": ")
                lines.append(f"  node {node} ({found.get('class_type', '?')}): {text}")
        super().__init__("\n".join(lines))


class ExecutionFailed(RuntimeError):
    """A node raised.

    node_id, node_type : the node
    exception_type, exception_message : what it raised
    data : ComfyUI's whole message, with ``traceback`` (list of lines)
    """

    def __init__(self, data: dict[str, Any]):
        self.data = data
        self.node_id = str(data.get("node_id", "?"))
        self.node_type = str(data.get("node_type", "?"))
        self.exception_type = str(data.get("exception_type", ""))
        self.exception_message = str(data.get("exception_message", "")).strip()
        super().__init__(f"node {self.node_id} ({self.node_type}): {self.exception_message or 'failed'}")


class ExecutionInterrupted(ExecutionFailed):
    """Somebody called ``interrupt``; ``node_id`` is the node that was running."""


@dataclass
class Progress:
    """How far a prompt is.

    nodes : number of nodes in the prompt
    finished : ids of the nodes that are done, cached ones included
    node_id, node_type : the node at work ("" before the first)
    value, maximum : its own steps (0, 0 if it reports none)
    preview : the latest preview image's bytes (JPEG or PNG), if the server sends any
    """

    nodes: int
    finished: set[str] = field(default_factory=set)
    node_id: str = ""
    node_type: str = ""
    value: float = 0
    maximum: float = 0
    preview: bytes | None = field(default=None, repr=False)

    @property
    def fraction(self) -> float:
        """0 to 1, each node counting the same."""
        running = self.value / self.maximum if self.maximum and self.node_id not in self.finished else 0.0
        return min(1.0, (len(self.finished) + min(1.0, running)) / max(1, self.nodes))


class Client:
    """A client of the ComfyUI at ``url`` (such as ``http://127.0.0.1:8188``)."""

    def __init__(self, url: str):
        self.url = url.rstrip("/")
        # Never through a proxy: the server is on this machine or named on purpose.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    # -------------------------------------------------------------------------------------------- plain HTTP

    def get(self, path: str, timeout: float = 60.0, **query: str) -> Any:
        """GET a path; the decoded JSON."""
        return json.loads(self._request(path, None, timeout, **query))

    def post(self, path: str, content: Any = None, timeout: float = 60.0) -> Any:
        """POST JSON to a path; the decoded JSON answer, or None if it is empty."""
        answer = self._request(path, json.dumps({} if content is None else content).encode(), timeout)
        return json.loads(answer) if answer.strip() else None

    def object_info(self, node: str | None = None) -> dict[str, Any]:
        """Descriptions of all nodes, or of one: node id -> description."""
        return self.get(f"/object_info/{urllib.parse.quote(node)}" if node else "/object_info")

    def history(self, prompt_id: str) -> dict[str, Any] | None:
        """The history entry of a finished prompt, or None."""
        return self.get(f"/history/{urllib.parse.quote(prompt_id)}").get(prompt_id)

    def interrupt(self) -> None:
        """Stop the prompt that is running."""
        self.post("/interrupt")

    def view(self, image: dict[str, str]) -> bytes:
        """The bytes of a file that a node reported: {"filename", "subfolder", "type"}."""
        query = {name: image[name] for name in ("filename", "subfolder", "type") if name in image}
        return self._request("/view", None, 60.0, **query)

    @staticmethod
    def images(entry: dict[str, Any], node_id: str | None = None) -> list[dict[str, str]]:
        """Every image that a history entry lists, in node order; only those of one node if it is named."""
        outputs = entry.get("outputs", {})
        nodes = sorted(outputs, key=_node_order) if node_id is None else [node_id]
        return [image for node in nodes for image in outputs.get(node, {}).get("images", [])]

    # -------------------------------------------------------------------------------------------- prompts

    def queue(self, prompt: Prompt, workflow: dict[str, Any] | None = None, client_id: str | None = None) -> str:
        """Queue a prompt and return its id.

        workflow : the graph in UI format; saved into the images, as the browser does

        Raises PromptRejected. Like the browser's, a prompt of which some outputs are valid is run without the others.
        """
        body: dict[str, Any] = {"prompt": prompt}
        if workflow is not None:
            body["extra_data"] = {"extra_pnginfo": {"workflow": workflow}}
        if client_id is not None:
            body["client_id"] = client_id
        try:
            return self.post("/prompt", body)["prompt_id"]
        except urllib.error.HTTPError as error:
            if error.code != 400:
                raise
            answer = json.loads(error.read())
            # With nothing wrong in the nodes ComfyUI answers with an empty list, not an empty dict.
            raise PromptRejected(answer.get("error", answer), answer.get("node_errors") or {}) from None

    def wait(self, prompt_id: str, timeout: float = 600.0) -> dict[str, Any]:
        """The history entry of a prompt queued before. Raises ExecutionFailed, TimeoutError."""
        deadline, pauses = time.monotonic() + timeout, _pauses()
        while (entry := self.history(prompt_id)) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"prompt {prompt_id} has not finished within {timeout:.0f} seconds")
            time.sleep(next(pauses))
        return _checked(entry)

    def run(
        self,
        prompt: Prompt,
        workflow: dict[str, Any] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_event: Callable[[str, Any], None] | None = None,
        timeout: float = 600.0,
    ) -> dict[str, Any]:
        """Queue a prompt, follow it over the websocket to its end, and return its history entry.

        on_progress : called at every change
        on_event : called with every message of the server: (type, data); previews are ("preview", bytes)
        timeout : seconds for all of it

        Raises PromptRejected, ExecutionFailed, ExecutionInterrupted, TimeoutError.
        """
        try:
            return asyncio.run(asyncio.wait_for(self._run(prompt, workflow, on_progress, on_event), timeout))
        except asyncio.TimeoutError:
            raise TimeoutError(f"the prompt has not finished within {timeout:.0f} seconds") from None

    async def _run(self, prompt, workflow, on_progress, on_event) -> dict[str, Any]:
        client_id = uuid.uuid4().hex
        progress = Progress(nodes=len(prompt))
        async with aiohttp.ClientSession() as session:
            # Connected before queueing: nothing can be missed. Previews can be larger than the default 4 MiB.
            async with session.ws_connect(f"{self.url}/ws?clientId={client_id}", max_msg_size=0) as socket:
                prompt_id = self.queue(prompt, workflow, client_id)
                async for message in socket:
                    kind, data = _decoded(message)
                    if on_event is not None:
                        on_event(kind, data)
                    if isinstance(data, dict) and data.get("prompt_id", prompt_id) != prompt_id:
                        continue  # another prompt's
                    if _update(progress, kind, data, prompt) and on_progress is not None:
                        on_progress(progress)
                    if kind in _ENDINGS or (kind == "executing" and data.get("node") is None):
                        break
        # The end is announced a moment before the history has it. A lost connection ends up here too.
        pauses = _pauses()
        while (entry := self.history(prompt_id)) is None:
            await asyncio.sleep(next(pauses))
        return _checked(entry)

    def _request(self, path: str, body: bytes | None, timeout: float, **query: str) -> bytes:
        url = self.url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
        with self._opener.open(request, timeout=timeout) as response:
            return response.read()


_ENDINGS = {"execution_success", "execution_error", "execution_interrupted"}


def _decoded(message: aiohttp.WSMessage) -> tuple[str, Any]:
    if message.type == aiohttp.WSMsgType.TEXT:
        content = json.loads(message.data)
        return content.get("type", ""), content.get("data", {})
    if message.type == aiohttp.WSMsgType.BINARY:
        event = int.from_bytes(message.data[:4], "big")
        if event == 1:  # followed by four bytes for the format, then the image
            return "preview", message.data[8:]
        return f"binary {event}", message.data[4:]
    return message.type.name.lower(), None


def _update(progress: Progress, kind: str, data: Any, prompt: Prompt) -> bool:
    """Bring the progress up to date; whether anything changed."""
    if kind == "execution_cached":
        progress.finished.update(map(str, data["nodes"]))
    elif kind == "executing":
        if progress.node_id:
            progress.finished.add(progress.node_id)
        node = "" if data.get("node") is None else str(data.get("display_node") or data["node"])
        progress.node_id, progress.node_type = node, prompt.get(node, {}).get("class_type", "")
        progress.value = progress.maximum = 0
    elif kind == "progress":
        progress.value, progress.maximum = data["value"], data["max"]
    elif kind == "execution_success":
        progress.finished.update(prompt)
    elif kind == "preview":
        progress.preview = data
    else:
        return False
    return True


def _pauses() -> Iterator[float]:
    """Seconds between two looks: short at first, because most prompts of small models take a few milliseconds."""
    pause = 0.002
    while True:
        yield pause
        pause = min(2 * pause, 0.05)


def _checked(entry: dict[str, Any]) -> dict[str, Any]:
    status = entry.get("status") or {}
    if status.get("status_str") == "error":
        for kind, data in status.get("messages", []):
            if kind == "execution_error":
                raise ExecutionFailed(data)
            if kind == "execution_interrupted":
                raise ExecutionInterrupted({"exception_message": "interrupted", **data})
        raise ExecutionFailed({})
    return entry


def _node_order(node: str) -> tuple[int, str]:
    return (int(node), "") if node.isdigit() else (1 << 62, node)
