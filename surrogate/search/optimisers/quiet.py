"""Optuna without its log lines, for our calls only: other packs share its loggers in this process."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_optuna"]

# Whoever of optuna's modules says something in our calls. A filter acts where a record is logged, not above, so that
# what other packs did to optuna's handlers does not matter; and a logger may be named before its module is imported.
SPEAKERS = (
    "optuna.samplers._tpe.sampler",
    "optuna.storages._in_memory",
    "optuna.storages._rdb.storage",
    "optuna.study._tell",
    "optuna.study.study",
)

_here = threading.local()


class _NotInsideOurCalls(logging.Filter):
    """Stays on the loggers, and stops only what a thread logs while it is inside `quiet_optuna`; never an error."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.WARNING or not getattr(_here, "depth", 0)


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Within this, optuna's information and warnings of this thread are dropped. Its verbosity is not touched."""
    _install()
    _here.depth = getattr(_here, "depth", 0) + 1
    try:
        yield
    finally:
        _here.depth -= 1


@functools.cache
def _install() -> None:
    for name in SPEAKERS:
        logging.getLogger(name).addFilter(_NotInsideOurCalls())
