"""Where studies live: a SQLite file, any database that SQLAlchemy knows, or memory; one connection, one transaction.

Everything that decides happens inside `Database.writing`, which one process at a time can enter: SQLite's own write
lock, or a lock on the study's row, the one that Optuna takes too.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from . import sqlite_files
from .addresses import hidden_password, missing_driver, typed_address, with_driver
from .patience import ServerGone
from .sqlite_files import check_file, check_server, connect, create_file, fill, path_of
from .statements import sql
from .values import StudyError, UnknownStudy

__all__ = ["Database"]

# Database servers that were found to be usable.
_servers: set[str] = set()
# Seconds after which a server takes a client for lost: one that was cut off in the middle of a transaction keeps all others
# waiting until then; and after which a client takes a server for lost.
LOST, SILENT = 60, 60
# What a server says that is there and does not let us in: waiting would not help.
REFUSALS = ("authentication", "does not exist", "password", "pg_hba", "Access denied", "Unknown database")


class Database:
    """A database that holds studies: `storage` is the path of a SQLite file, an SQLAlchemy URL, or None for memory.

    Raises StudyError if it cannot be used, and says why.
    """

    def __init__(self, storage: str | os.PathLike | None, create: bool = True):
        storage = typed_address(storage)
        self._url = ""  # of a database server
        self._turn: AbstractContextManager = nullcontext()
        self.path = path_of(storage)
        self.sqlite = storage is None or self.path is not None
        # Stores of the same key hold the same studies.
        self.key = str(self.path or storage or uuid.uuid4().hex)
        self.label = "memory" if storage is None else str(self.path or hidden_password(str(storage)))
        if self.path is not None:
            self.engine = self._open_file(self.path, create)
        elif self.sqlite:
            self.engine = self._open_memory()
        else:
            self.engine = self._open_server(str(storage))

    @staticmethod
    def is_missing(storage) -> bool:
        """Whether `storage` is a SQLite file that does not exist."""
        path = path_of(typed_address(storage))
        return path is not None and not path.exists()

    # Opening.

    def _open_file(self, path: Path, create: bool) -> Any:
        import sqlalchemy

        if not create and not path.exists():
            raise UnknownStudy(f"There is no file {path}.")
        with self._explained():
            create_file(path)
            check_file(path)
        # A connection each time: it notices when the file was deleted or replaced.
        return sqlalchemy.create_engine(
            "sqlite://", creator=lambda: connect(path), poolclass=sqlalchemy.pool.NullPool, future=True
        )

    def _open_memory(self) -> Any:
        import sqlalchemy

        # One connection, for one thread at a time.
        self._turn = threading.RLock()
        memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        fill(memory)
        return sqlalchemy.create_engine(
            "sqlite://", creator=lambda: memory, poolclass=sqlalchemy.pool.StaticPool, future=True
        )

    def _open_server(self, url: str) -> Any:
        import sqlalchemy

        try:
            url = with_driver(url)
            self._url = url
            # Connections that the server or a firewall has closed meanwhile are replaced.
            engine = sqlalchemy.create_engine(url, future=True, pool_pre_ping=True, connect_args=_patience_of(url))
            if engine.dialect.name == "postgresql":
                sqlalchemy.event.listen(engine, "connect", _limit_idleness)
        except ImportError as error:
            raise StudyError(
                f"The database {self.label} needs a driver that is not installed ({error}). {missing_driver(url)}"
            ) from None
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise ValueError(f"storage {self.label!r} is neither a path nor a database URL: {error}.") from None
        with self._explained():
            if url not in _servers:
                check_server(url)
                _servers.add(url)
        return engine

    # Transactions.

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """A connection that sees one state of the database."""
        with self._transaction("BEGIN", "REPEATABLE READ") as connection:
            yield connection

    @contextmanager
    def writing(self, study_id: int | None = None) -> Iterator[Any]:
        """A connection that nobody else writes beside (in a database server: to this study). All or nothing."""
        # What is read after the lock must be what others wrote before they gave it back: no snapshot from before it.
        with self._transaction("BEGIN IMMEDIATE", "READ COMMITTED") as connection:
            if not self.sqlite and study_id is not None:
                connection.execute(sql().lock, {"study": study_id}).all()
            yield connection

    @contextmanager
    def _transaction(self, begin: str, isolation: str) -> Iterator[Any]:
        with self._turn, self._explained(), self.engine.connect() as connection:
            if not self.sqlite:
                connection = connection.execution_options(isolation_level=isolation)
                with connection.begin():
                    yield connection
                return
            # Python's driver begins transactions late and without asking for the write lock; so by hand.
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.exec_driver_sql(begin)
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                if connection.connection.dbapi_connection.in_transaction:  # a full disk ends it by itself
                    connection.exec_driver_sql("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        import optuna
        import sqlalchemy

        try:
            yield
        except optuna.exceptions.StorageInternalError as error:
            raise StudyError(
                _explain(error.__cause__ if isinstance(error.__cause__, Exception) else error, self.label, self.path)
            ) from error
        except (sqlalchemy.exc.DBAPIError, sqlite3.Error) as error:
            kind = ServerGone if self._is_away(error) else StudyError
            raise kind(_explain(error, self.label, self.path)) from error

    def _is_away(self, error: Exception) -> bool:
        """Whether the database server, which was there before, is restarting or cannot be reached: it may come back."""
        import sqlalchemy

        if self._url not in _servers or not isinstance(error, sqlalchemy.exc.DBAPIError):
            return False
        connecting = isinstance(error, sqlalchemy.exc.OperationalError) and error.statement is None
        return error.connection_invalidated or (connecting and not any(sign in str(error) for sign in REFUSALS))

    def time(self, connection) -> float:
        """Seconds since 1970, by the clock of the database: those of its clients may differ by hours."""
        statement = sql().clocks.get(self.engine.dialect.name)
        return time.time() if statement is None else float(connection.execute(statement).scalar())


def _patience_of(url: str) -> dict[str, int]:
    """How long the driver of a database `url` waits for a server that says nothing; by default for hours."""
    import sqlalchemy

    if sqlalchemy.engine.make_url(url).get_driver_name() not in ("psycopg", "psycopg2"):
        return {}
    often = SILENT // 6
    return {
        "keepalives_idle": often,
        "keepalives_interval": often,
        "keepalives_count": 5,
        "tcp_user_timeout": 1000 * SILENT,
    }


def _limit_idleness(connection, _record) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{LOST}s'")
    connection.commit()


def _explain(error: Exception, label: str, path: Path | None) -> str:
    cause = str(getattr(error, "orig", None) or error).strip()
    if path is not None and not path.exists():
        return f"The file of the studies is gone: {label}. It was deleted or moved while the search was running."
    for sign, sentence in (
        (
            "locked",
            f"is used by another program, which did not let go within {sqlite_files.PATIENCE:g} seconds. Close it and retry",
        ),
        ("readonly", "cannot be written to: the file or its folder is read-only, or the file was replaced"),
        ("not a database", "is not a database of studies: choose another file, or move this one away"),
        ("malformed", "is damaged. Restore a copy of it, or choose another file"),
        ("is full", "cannot grow: the disk is full. What was recorded is kept; make room and retry"),
        ("unable to open", "cannot be opened: look at the permissions of the file and its folder"),
    ):
        if path is not None and sign in cause:
            return f"{label} {sentence} ({cause})."
    return f"The database {label} reports: {cause}"
