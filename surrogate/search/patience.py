"""A database server that restarts is waited for, and what had begun is done again from its beginning."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from .values import StudyError

__all__ = ["ServerGone", "patient", "while_waiting"]

log = logging.getLogger("ComfyUI-Surrogate")

# Seconds: how long a server is waited for, between two attempts, and between two looks at whether to stop waiting.
PATIENCE, PAUSE, LOOK = 300.0, 2.0, 0.25

Heard = Callable[[str], None]
Method = TypeVar("Method", bound=Callable[..., Any])

_heard: ContextVar[Heard | None] = ContextVar("surrogate_heard", default=None)


class ServerGone(StudyError):
    """A database server that was there before does not answer, or the connection to it broke."""


@contextmanager
def while_waiting(heard: Heard) -> Iterator[None]:
    """Within, `heard(sentence)` is called several times a second while a database is waited for; what it raises ends the waiting."""
    token = _heard.set(heard)
    try:
        yield
    finally:
        _heard.reset(token)


def patient(method: Method) -> Method:
    """`method`, called again when a database server that went away is back, for at most `PATIENCE` seconds.

    Only for what can be done twice with the result of once.
    """

    @functools.wraps(method)
    def repeated(*args, **kwargs):
        end = None
        while True:
            try:
                return method(*args, **kwargs)
            except ServerGone as error:
                now = time.monotonic()
                if end is None:
                    end = now + PATIENCE
                    log.warning("%s Waiting for it.", error)
                if now >= end:
                    raise
                _pause(str(error), now)

    return repeated  # type: ignore[return-value]


def _pause(error: str, now: float) -> None:
    heard = _heard.get()
    while time.monotonic() < now + PAUSE:
        if heard is not None:
            heard(f"Waiting until the database is back; nothing is lost. {error}")
        time.sleep(LOOK)
