"""Where studies live: Optuna studies in a SQLite file, in any SQLAlchemy database, or in memory.

Rows are written straight into Optuna's tables, a whole generation in one transaction: Optuna's own calls commit each
trial several times (measured: 300 ms instead of 10 for a generation of 8), and a process that dies between two
commits would leave half a generation. Optuna and its dashboard read the result as any other study.

Everything that decides happens inside `Store.writing`, which one process at a time can enter: SQLite's own write
lock, or a lock on the study's row, the one that Optuna takes too.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import sqlite3
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from .ledger import Ledger
from .optimisers.quiet import quiet_optuna
from .packing import pack_coordinates, pack_glimpse, unpack_coordinates, unpack_glimpse
from .statements import DEFINITION, STATE, sql
from .values import FAILED, RUNNING, StudyError, UnknownStudy

__all__ = ["Store"]

# Seconds to wait for another program that writes to the same SQLite file.
PATIENCE = 30.0
# Databases limit how many values a statement can name.
AT_ONCE = 500
# Coordinates that are rows of Optuna's own; points of more are packed into one note, or a thousand points of a thousand
# coordinates would be a million rows.
MOST_ROWS = 64
PACKED, GLIMPSE = "u", "glimpse"


class Store:
    """A database of studies: `storage` is the path of a SQLite file, an SQLAlchemy URL, or None for memory.

    Raises StudyError if it cannot be used, and says why.
    """

    def __init__(self, storage: str | os.PathLike | None, create: bool = True):
        import sqlalchemy

        self._turn = nullcontext()
        self.path = _path(storage)
        self.sqlite = storage is None or self.path is not None
        # Stores of the same key hold the same studies.
        self.key = str(self.path or storage or uuid.uuid4().hex)
        self.label = "memory" if storage is None else str(self.path or _hide_password(storage))
        if self.path is not None:
            if not create and not self.path.exists():
                raise UnknownStudy(f"There is no file {self.path}.")
            with self._explained():
                _create_file(self.path)
                _check_file(self.path)
            # A connection each time: it notices when the file was deleted or replaced.
            self.engine = sqlalchemy.create_engine(
                "sqlite://", creator=lambda: _connect(self.path), poolclass=sqlalchemy.pool.NullPool, future=True
            )
        elif self.sqlite:
            # One connection, for one thread at a time.
            self._turn = threading.RLock()
            memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            _fill(memory)
            self.engine = sqlalchemy.create_engine(
                "sqlite://", creator=lambda: memory, poolclass=sqlalchemy.pool.StaticPool, future=True
            )
        else:
            try:
                self.engine = sqlalchemy.create_engine(storage, future=True)
            except ImportError as error:
                raise StudyError(f"The database {self.label} needs a driver that is not installed: {error}.") from None
            except sqlalchemy.exc.SQLAlchemyError as error:
                raise ValueError(f"storage {self.label!r} is neither a path nor a database URL: {error}.") from None
            with self._explained():
                if storage not in _checked:
                    _check_server(storage)
                    _checked.add(storage)

    @staticmethod
    def is_missing(storage) -> bool:
        """Whether `storage` is a SQLite file that does not exist."""
        path = _path(storage)
        return path is not None and not path.exists()

    # Transactions.

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """A connection that sees one state of the database."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self, study_id: int | None = None) -> Iterator[Any]:
        """A connection that nobody else writes beside (in a database server: to this study). All or nothing."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            if not self.sqlite and study_id is not None:
                connection.execute(sql().lock, {"study": study_id}).all()
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Any]:
        with self._turn, self._explained(), self.engine.connect() as connection:
            if not self.sqlite:
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
            raise StudyError(_explain(error.__cause__ or error, self.label, self.path)) from error
        except (sqlalchemy.exc.DBAPIError, sqlite3.Error) as error:
            raise StudyError(_explain(error, self.label, self.path)) from error

    # Studies.

    def names(self) -> list[str]:
        """The names of all studies here that this package made, oldest first."""
        with self.reading() as connection:
            return [name for (name,) in connection.execute(sql().names)]

    def find(self, connection, name: str) -> tuple[int, dict | None, dict | None] | None:
        """(study id, definition, state) of the study `name`, or None. A study of other programs has no definition."""
        study_id = connection.execute(sql().find, {"name": name}).scalar()
        if study_id is None:
            return None
        marks = {key: json.loads(value) for key, value in connection.execute(sql().marks, {"study": study_id})}
        return study_id, marks.get(DEFINITION), marks.get(STATE)

    def create(self, connection, name: str, directions: Sequence[str], definition: dict, state: dict) -> int:
        """A new study; its id."""
        study_id = connection.execute(sql().add_study, {"study_name": name}).inserted_primary_key[0]
        connection.execute(
            sql().add_direction,
            [
                {"study_id": study_id, "objective": i, "direction": sql().directions[d]}
                for i, d in enumerate(directions)
            ],
        )
        connection.execute(
            sql().add_mark,
            [
                {"study_id": study_id, "key": key, "value_json": json.dumps(value)}
                for key, value in ((DEFINITION, definition), (STATE, state))
            ],
        )
        return study_id

    def state(self, connection, study_id: int) -> dict | None:
        """What changes while a study runs: budget, population, note, runs; None if the study is gone."""
        value = connection.execute(sql().state, {"study": study_id}).scalar()
        return None if value is None else json.loads(value)

    def set_state(self, connection, study_id: int, state: dict) -> None:
        connection.execute(sql().set_state, {"study": study_id, "value": json.dumps(state)})

    def delete(self, connection, study_id: int) -> None:
        """Remove a study and all its points."""
        for statement in sql().delete:
            connection.execute(statement, {"study": study_id})

    # Points.

    def read(self, connection, study_id: int, ledger: Ledger) -> None:
        """Bring `ledger` up to date: points that were open and came back, then new ones."""
        waiting = [ledger.ids[row] for row in sorted(ledger.open)]
        for start in range(0, len(waiting), AT_ONCE):
            self._read(connection, ledger, sql().back, {"ids": waiting[start : start + AT_ONCE]})
        self._read(connection, ledger, sql().new, {"study": study_id, "last": ledger.last_id})

    def _read(self, connection, ledger: Ledger, about, which: dict) -> None:
        trials = connection.execute(about.trials, which).all()
        if not trials:
            return
        place = {trial_id: i for i, (trial_id, _, _) in enumerate(trials)}
        notes: list[dict] = [{} for _ in trials]
        for trial_id, key, value in connection.execute(about.notes, which):
            notes[place[trial_id]][key] = json.loads(value)
        scores = np.full((len(trials), len(ledger.directions)), np.nan)
        for trial_id, objective, value in connection.execute(about.scores, which):
            if value is not None and objective < scores.shape[1]:
                scores[place[trial_id], objective] = value
        if about is sql().new:
            column = {f"u{i + 1}": i for i in range(ledger.dimension)}
            u = np.full((len(trials), ledger.dimension), np.nan)
            for trial_id, name, value in connection.execute(about.u, which):
                if name in column:
                    u[place[trial_id], column[name]] = value
            attributes: list[dict] = [{} for _ in trials]
            for trial_id, key, value in connection.execute(about.attributes, which):
                attributes[place[trial_id]][key] = json.loads(value)
            for i, (trial_id, number, _) in enumerate(trials):
                packed = notes[i].get(PACKED)
                point = u[i] if packed is None else unpack_coordinates(packed, ledger.dimension)
                ledger.append(trial_id, number, point, notes[i], attributes[i])
        ours = {state: name for name, state in sql().states.items()}
        for i, (_, number, state) in enumerate(trials):
            name = ours.get(state, FAILED)
            if name != RUNNING:
                seen = unpack_glimpse(notes[i].get(GLIMPSE))
                ledger.finish(number, name, scores[i], str(notes[i].get("reason", "")), seen)

    def add(
        self,
        connection,
        study_id: int,
        ledger: Ledger,
        u: np.ndarray,
        notes: Sequence[Mapping],
        attributes: Sequence[Mapping],
    ) -> list[int]:
        """New running points after those of `ledger`: u (n, k-1), and what to remember of each. Their ids."""
        started = {"study_id": study_id, "state": sql().states[RUNNING], "datetime_start": _now()}
        connection.execute(sql().add_trial, [{"number": len(ledger) + i, **started} for i in range(len(u))])
        ids = connection.execute(sql().ids, {"study": study_id, "last": ledger.last_id}).scalars().all()
        if ledger.dimension > MOST_ROWS:
            notes = [{**entry, PACKED: pack_coordinates(row)} for entry, row in zip(notes, u, strict=True)]
        else:
            connection.execute(
                sql().add_u,
                [
                    {
                        "trial_id": trial_id,
                        "param_name": f"u{j + 1}",
                        "param_value": value,
                        "distribution_json": sql().coordinate,
                    }
                    for trial_id, row in zip(ids, u.tolist(), strict=True)
                    for j, value in enumerate(row)
                ],
            )
        for statement, entries in ((sql().add_note, notes), (sql().add_attribute, attributes)):
            rows = [
                {"trial_id": trial_id, "key": key, "value_json": json.dumps(value)}
                for trial_id, entry in zip(ids, entries, strict=True)
                for key, value in entry.items()
            ]
            if rows:
                connection.execute(statement, rows)
        return ids

    def finish(
        self,
        connection,
        ids: Sequence[int],
        results: Sequence[tuple[float, ...] | str],
        glimpses: Sequence[np.ndarray | None] = (),
    ) -> None:
        """Points came back: with scores, or with a sentence that says why there are none; and with what was seen of them."""
        now = _now()
        updates, scores = [], []
        notes = [
            {"trial_id": trial_id, "key": GLIMPSE, "value_json": json.dumps(pack_glimpse(seen))}
            for trial_id, seen in zip(ids, glimpses)
            if seen is not None
        ]
        for trial_id, result in zip(ids, results, strict=True):
            failed = isinstance(result, str)
            updates.append({"id": trial_id, "new": sql().states[FAILED if failed else "complete"], "now": now})
            if failed:
                notes.append({"trial_id": trial_id, "key": "reason", "value_json": json.dumps(result)})
                continue
            for j, value in enumerate(result):
                scores.append({"trial_id": trial_id, "objective": j, "value": value, "value_type": sql().finite})
        for statement, rows in ((sql().finish, updates), (sql().add_score, scores), (sql().add_note, notes)):
            if rows:
                connection.execute(statement, rows)

    def retell(self, connection, ids: Sequence[int], results, glimpses: Sequence[np.ndarray | None]) -> None:
        """As `finish`, for points that had come back without scores: the reasons of that time go."""
        for start in range(0, len(ids), AT_ONCE):
            for key in ("reason", GLIMPSE):
                connection.execute(sql().drop_note, {"ids": list(ids[start : start + AT_ONCE]), "key": key})
        self.finish(connection, ids, results, glimpses)


def _now() -> datetime:
    # As optuna stores it: UTC without saying so.
    return datetime.now(timezone.utc).replace(tzinfo=None)


def _path(storage) -> Path | None:
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


def _connect(path: Path, mode: str = "rw") -> sqlite3.Connection:
    # By URI, because only there a missing file is not created. Three slashes even before a drive's letter.
    place = urllib.parse.quote(os.fsencode(path.as_posix()), safe="/:")
    uri = f"file://{'' if place.startswith('/') else '/'}{place}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False)


def _fill(database: sqlite3.Connection) -> None:
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


def _create_file(path: Path) -> None:
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
        file = _connect(aside)
        _fill(file)
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


def _check_file(path: Path) -> None:
    stat = path.stat()
    if (str(path), stat.st_dev, stat.st_ino) in _checked:
        return
    connection = _connect(path, "ro")
    try:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    finally:
        connection.close()
    if not {"studies", "trials", "version_info"} <= tables:
        raise StudyError(f"{path} is a database of another program: choose another file for the studies.")
    _check_schema("sqlite://", creator=lambda: _connect(path))
    _checked.add((str(path), stat.st_dev, stat.st_ino))


def _check_server(url: str) -> None:
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


def _hide_password(url: str) -> str:
    import sqlalchemy

    try:
        return sqlalchemy.engine.make_url(url).render_as_string(hide_password=True)
    except sqlalchemy.exc.ArgumentError:
        return url


def _explain(error: Exception, label: str, path: Path | None) -> str:
    cause = str(getattr(error, "orig", None) or error).strip()
    if path is not None and not path.exists():
        return f"The file of the studies is gone: {label}. It was deleted or moved while the search was running."
    for sign, sentence in (
        ("locked", f"is used by another program, which did not let go within {PATIENCE:g} seconds. Close it and retry"),
        ("readonly", "cannot be written to: the file or its folder is read-only, or the file was replaced"),
        ("not a database", "is not a database of studies: choose another file, or move this one away"),
        ("malformed", "is damaged. Restore a copy of it, or choose another file"),
        ("is full", "cannot grow: the disk is full. What was recorded is kept; make room and retry"),
        ("unable to open", "cannot be opened: look at the permissions of the file and its folder"),
    ):
        if path is not None and sign in cause:
            return f"{label} {sentence} ({cause})."
    return f"The database {label} reports: {cause}"
