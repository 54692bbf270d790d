"""SQLite files of studies: made whole, found to be ours, opened; and databases in memory."""

from __future__ import annotations

import functools
import logging
import os
import sqlite3
import threading
import time
import urllib.parse
import uuid
from pathlib import Path

from .optimisers.quiet import quiet_optuna
from .values import StudyError

__all__ = ["PATIENCE", "check_file", "check_server", "connect", "create_file", "fill", "path_of"]

# Seconds to wait for another program that writes to the same SQLite file. SQLite keeps no queue: of eight workers on a busy
# computer one was seen to wait for more than 30 seconds while the others took turns.
PATIENCE = 120.0


def path_of(storage) -> Path | None:
    """The SQLite file that `storage` names, as a path or an URL; None if it is another database, or memory."""
    if storage is None:
        return None
    if isinstance(storage, str):
        if not storage.strip():
            raise ValueError("storage is empty: give the path of a file, such as studies.sqlite3, or a database URL.")
        if storage.startswith(("sqlite:", "sqlite+")):
            import sqlalchemy

            path = sqlalchemy.engine.make_url(storage).database
            if not path or path == ":memory:":
                raise ValueError("For a study in memory let storage be None.")
            return Path(path).absolute()
        if "://" in storage:
            return None
    return Path(storage).absolute()


def connect(path: Path, mode: str = "rw") -> sqlite3.Connection:
    """A connection to the file at `path`, which must exist; `mode` is "rw" or "ro"."""
    # By URI, because only there a missing file is not created. Three slashes even before a drive's letter.
    place = urllib.parse.quote(os.fsencode(path.as_posix()), safe="/:")
    uri = f"file://{'' if place.startswith('/') else '/'}{place}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)


def fill(database: sqlite3.Connection) -> None:
    """Make optuna's tables in an empty database."""
    with _pattern_lock:
        _pattern().backup(database)


@functools.cache
def _pattern() -> sqlite3.Connection:
    # Optuna needs a second for its tables: once in memory, then they are copied.
    from sqlalchemy.pool import StaticPool

    memory = sqlite3.connect(":memory:", check_same_thread=False)
    _optuna_storage("sqlite://", creator=lambda: memory, poolclass=StaticPool).remove_session()
    return memory


_pattern_lock = threading.Lock()


def create_file(path: Path) -> None:
    """A database at `path`, unless there is one: made aside and put in place whole, whoever else does the same."""
    if path.is_dir():
        raise StudyError(f"{path} is a folder: name a file in it, such as {path / 'studies.sqlite3'}.")
    if not path.parent.is_dir():
        raise StudyError(f"The folder {path.parent} does not exist: create it, or choose another place.")
    if path.exists() and path.stat().st_size:
        return
    aside = path.with_name(f".{uuid.uuid4().hex}.new")
    try:
        aside.touch(exist_ok=False)
    except OSError as error:
        raise StudyError(f"{path} cannot be created: {error.strerror}. Choose a folder you may write to.") from None
    try:
        file = connect(aside)
        fill(file)
        file.close()
        try:
            if path.exists() and not path.stat().st_size:
                os.replace(aside, path)
            else:
                os.link(aside, path)
        except FileExistsError:
            pass
        except OSError:  # Not every file system has links.
            os.rename(aside, path)
    finally:
        aside.unlink(missing_ok=True)


_checked: set = set()


def check_file(path: Path) -> None:
    """Raises StudyError unless the file is a database of studies that this optuna can use."""
    stat = path.stat()
    if (str(path), stat.st_dev, stat.st_ino) in _checked:
        return
    connection = connect(path, "ro")
    try:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    finally:
        connection.close()
    if not {"studies", "trials", "version_info"} <= tables:
        raise StudyError(f"{path} is a database of another program: choose another file for the studies.")
    _check_schema("sqlite://", creator=lambda: connect(path))
    _checked.add((str(path), stat.st_dev, stat.st_ino))


def check_server(url: str) -> None:
    """Whether this optuna can use the database, in which it makes its tables if there are none."""
    import sqlalchemy

    for wait in (0.5, 1.0, 2.0, 4.0, None):
        try:
            return _check_schema(url)
        except sqlalchemy.exc.DBAPIError as error:
            # Another process makes the tables at this moment, and optuna does not expect that.
            if wait is None or not any(sign in str(error) for sign in ("already exists", "duplicate", "Duplicate")):
                raise
            time.sleep(wait)


def _check_schema(url: str, **engine) -> None:
    """Whether this optuna can use the database."""
    from sqlalchemy.pool import NullPool

    try:
        _optuna_storage(url, poolclass=NullPool, **engine)
    except RuntimeError as error:
        if "compatible" not in str(error):
            raise
        raise StudyError(
            f"The studies were written by another version of optuna, which this one does not understand: {error}"
        ) from None


def _optuna_storage(url: str, **engine):
    from optuna.storages import RDBStorage

    alembic = logging.getLogger("alembic")
    level = alembic.level
    try:
        with quiet_optuna():
            return RDBStorage(url, engine_kwargs=engine)
    finally:
        alembic.setLevel(level)  # optuna sets it for the whole process, and ComfyUI uses alembic too
