"""Pages that a running prompt has put before a person, and the answers that come back over HTTP.

An answer names the node, the prompt and the generation that it is about; one that fits no open page changes nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import comfy.model_management
from server import PromptServer

from ...surrogate.search import Picks, pick_scores
from .notices import say

__all__ = ["DONE", "SHOWN", "Question", "answer", "ask_person", "open_pages"]

log = logging.getLogger("ComfyUI-Surrogate")
# What browsers are told when a page opens, and when nobody can answer it any more.
SHOWN, DONE = "surrogate.pick.shown", "surrogate.pick.done"
# Seconds: between two looks at Cancel; after which a browser that is gone, or has not asked, is taken for closed.
PAUSE, GRACE = 0.1, 12.0

_open: dict[tuple[str, str], Question] = {}
_lock = threading.Lock()
_last_look = [0.0]


@dataclass(eq=False)
class Question:
    """A generation that waits for picks.

    node, prompt : who waits, as ComfyUI names them
    workflow : the id of the workflow in the browser, "" if the prompt did not come from one
    generation, number : the name of the generation, and its number for the reader, from 1
    cells : what the browser needs to show each picture
    seconds : how long the node waits
    """

    node: str
    prompt: str
    workflow: str
    generation: str
    number: int
    cells: list[dict]
    seconds: float
    began: float = field(default_factory=time.monotonic)
    picks: Picks | None = None
    answered: threading.Event = field(default_factory=threading.Event)

    @property
    def left(self) -> float:
        """Seconds until the node waits no longer."""
        return self.seconds - (time.monotonic() - self.began)

    def place(self) -> dict:
        """What tells this page from all others."""
        names = ("node", "prompt", "workflow", "generation")
        return {name: getattr(self, name) for name in names}

    def page(self) -> dict:
        """What a browser shows."""
        return {**self.place(), "number": self.number, "cells": self.cells, "seconds": round(max(0.0, self.left))}


def ask_person(node, question: Question) -> Picks | None:
    """Wait until the question is answered; None if nobody does within its time, or no browser is there that could.

    Raises what core raises when the user presses Cancel.
    """
    said, present = "", time.monotonic()
    with _offered(question):
        while not question.answered.wait(PAUSE):
            comfy.model_management.throw_exception_if_processing_interrupted()
            if question.left <= 0:
                break
            if _someone_is_there():
                present = time.monotonic()
            elif time.monotonic() - present > GRACE:
                log.warning("Surrogate Pick: no browser is connected that could answer, so it does not wait.")
                break
            if said != (said := f"Waiting for your picks: {_in_words(question.left)} left"):
                say(node, said)
    return question.picks


def answer(entry: dict) -> tuple[int, dict]:
    """What a browser or a program answers to an open page: HTTP status and JSON."""
    where = tuple(entry.get(name) for name in ("node", "prompt"))
    if not all(isinstance(part, str) for part in where) or not isinstance(entry.get("of"), str):
        return 400, {"error": "node, prompt and of must be texts: what GET /surrogate/pick says of the page."}
    with _lock:
        question = _open.get(where)  # type: ignore[arg-type]
        if question is None or question.generation != entry["of"]:
            return 409, {"error": "This page is not waiting for picks any more."}
        if question.picks is not None:
            return 409, {"error": "This page was answered before.", "picks": question.picks.text()}
        try:
            picks = Picks.read(entry)
            pick_scores(picks, len(question.cells))
        except ValueError as error:
            return 400, {"error": str(error)}
        question.picks = picks
        question.answered.set()
    return 200, {"picks": picks.text()}


def open_pages() -> list[dict]:
    """The pages that wait for picks. Whoever asks for them can answer them."""
    _last_look[0] = time.monotonic()
    with _lock:
        return [question.page() for question in _open.values() if question.picks is None]


@contextmanager
def _offered(question: Question) -> Iterator[None]:
    """The page is open; all browsers hear of it, since its tab may have been opened twice or moved to another window."""
    server, key = PromptServer.instance, (question.node, question.prompt)
    with _lock:
        _open[key] = question
    server.send_sync(SHOWN, question.page())
    try:
        yield
    finally:
        with _lock:
            del _open[key]
        picks = question.picks
        server.send_sync(DONE, {**question.place(), "picks": None if picks is None else picks.text()})


def _someone_is_there() -> bool:
    """Whether the browser that queued the prompt is connected, or somebody has asked for open pages lately."""
    server = PromptServer.instance
    sockets = getattr(server, "sockets", None)
    if sockets is None or time.monotonic() - _last_look[0] < GRACE:
        return True
    return getattr(server, "client_id", None) in sockets


def _in_words(seconds: float) -> str:
    """Coarse, so that it changes rarely."""
    return f"{round(seconds / 60)} minutes" if seconds > 90 else f"{10 * -int(-seconds // 10)} seconds"
