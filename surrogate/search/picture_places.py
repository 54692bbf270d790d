"""Where the pictures of a study are kept, besides each computer's own folder: one setting, the same for all who search.

""                     nowhere else
"database"             in the database of the study
"s3://bucket/folder"   in a bucket (S3, MinIO, …), through Optuna's artifact store
a folder               that all computers reach, such as a network drive
"${NAME}"              what the environment variable NAME says, on each computer its own
"""

from __future__ import annotations

import functools
import io
import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ..pictures.shared import Place, Shared
from ..recent import Recent
from .addresses import variable_of
from .store import Store
from .values import StudyError

__all__ = ["DATABASE", "check_place", "forget_pictures", "picture_place", "shared_pictures"]

log = logging.getLogger("ComfyUI-Surrogate")
DATABASE = "database"
# Bytes that a column of MySQL must be able to hold; other databases need no limit.
COLUMN = 2**24
# Seconds to wait for a bucket: pictures are there to be looked at, the search is not to wait for them.
PATIENCE = {"connect_timeout": 5, "read_timeout": 20, "retries": {"max_attempts": 2}}


def picture_place(setting: str, store: Store, study: str) -> Place | None:
    """The place that `setting` names for the study with the identity `study` in `store`; None if it names none.

    Raises StudyError if it cannot be used here, and says what to do.
    """
    setting = variable_of(setting, "pictures", "database, a folder or s3://bucket/folder")
    if not setting:
        return None
    if setting == DATABASE:
        _make_table(store)
        return _Rows(store, study)
    if setting.startswith("s3://"):
        return _Objects(_artifacts(setting), f"{urlsplit(setting).path.strip('/')}/{study}/".lstrip("/"))
    if "://" in setting:
        raise StudyError(f"pictures is {setting}: expected a folder, database, or s3://bucket/folder.")
    if not Path(setting).is_dir():
        raise StudyError(
            f"pictures is {setting}, which is no folder on this computer: create it, or connect the network drive."
        )
    return _Files(Path(setting) / study)


def shared_pictures(setting: str, store: Store, study: str) -> Shared | None:
    """What `picture_place` names, and what waits to be sent there; None where it names nothing, or cannot be used here."""
    return _shared.get_or_make((store.key, study, setting), lambda: _share(setting, store, study))


def check_place(setting: str, store: Store) -> None:
    """Raises StudyError unless pictures can be kept where `setting` says."""
    place = picture_place(setting, store, "check")
    if place is None:
        return
    try:
        place.read("check")
    except OSError as error:
        raise StudyError(f"pictures is {setting}, which cannot be used: {error}.") from None


def forget_pictures(connection, study: str) -> None:
    """Remove the pictures that the database has of the study with the identity `study`."""
    import sqlalchemy

    if sqlalchemy.inspect(connection).has_table(_table().name):
        connection.execute(_table().delete().where(_table().c.study == study))


# What was sent to shared places, and what waits to be.
_shared: Recent[tuple[str, str, str], Shared | None] = Recent(32)


def _share(setting: str, store: Store, study: str) -> Shared | None:
    try:
        place = picture_place(setting, store, study)
    except StudyError as error:  # found elsewhere to be of use, and here not
        log.warning("Only pictures of this computer are shown: %s", error)
        return None
    return None if place is None else Shared(place)


@dataclass(frozen=True)
class _Files:
    """In a folder."""

    folder: Path

    def read(self, name: str) -> bytes | None:
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        self.folder.mkdir(exist_ok=True)
        part = self.folder / f".{name}.{os.getpid()}.part"
        try:
            part.write_bytes(content)
            os.replace(part, self.folder / name)
        finally:
            part.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)


@dataclass(frozen=True)
class _Rows:
    """In a table next to Optuna's."""

    store: Store
    study: str

    def read(self, name: str) -> bytes | None:
        import sqlalchemy

        with _as_os_error(), self.store.reading() as connection:
            return connection.execute(sqlalchemy.select(_table().c.content).where(self._which(name))).scalar()

    def write(self, name: str, content: bytes) -> None:
        with _as_os_error(), self.store.writing() as connection:
            connection.execute(_table().delete().where(self._which(name)))
            connection.execute(_table().insert(), {"study": self.study, "name": name, "content": content})

    def remove(self, name: str) -> None:
        with _as_os_error(), self.store.writing() as connection:
            connection.execute(_table().delete().where(self._which(name)))

    def _which(self, name: str) -> Any:
        return (_table().c.study == self.study) & (_table().c.name == name)


@dataclass(frozen=True)
class _Objects:
    """In an artifact store of Optuna, under names that begin with `prefix`."""

    artifacts: Any
    prefix: str

    def read(self, name: str) -> bytes | None:
        from optuna.artifacts.exceptions import ArtifactNotFound

        def read() -> bytes | None:
            try:
                with self.artifacts.open_reader(self.prefix + name) as content:
                    return content.read()
            except ArtifactNotFound:
                return None

        return _asked(read)

    def write(self, name: str, content: bytes) -> None:
        _asked(lambda: self.artifacts.write(self.prefix + name, io.BytesIO(content)))

    def remove(self, name: str) -> None:
        _asked(lambda: self.artifacts.remove(self.prefix + name))


def _asked(call: Callable[[], Any]) -> Any:
    """The answer of a bucket. Raises OSError whatever boto3 raises, of which there are many kinds."""
    try:
        return call()
    except Exception as error:
        raise OSError(str(error)) from error


class _as_os_error:
    """What the database complains of, as an OSError."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind, error, trace) -> None:
        if isinstance(error, StudyError):
            raise OSError(str(error)) from error


def _artifacts(url: str) -> Any:
    """Optuna's artifact store of `url`, such as s3://bucket/folder?endpoint_url=http://host:9000."""
    parts = urlsplit(url)
    if not parts.netloc or parts.username or parts.password:
        raise StudyError(
            f"pictures is {re.sub('//.*@', '//…@', url)}: expected s3://bucket/folder. Keys are not part of it: boto3 reads them "
            "from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from its own files."
        )
    try:
        import boto3
        from botocore.config import Config
        from optuna.artifacts import Boto3ArtifactStore
    except ImportError:
        raise StudyError(
            f"pictures is {url}, which needs boto3: type pip install boto3 in the environment of this Python, then start "
            "the program again."
        ) from None
    options = dict(parse_qsl(parts.query))
    unknown = set(options) - {"endpoint_url", "region_name"}
    if unknown:
        raise StudyError(f"pictures has the option {min(unknown)!r}: expected endpoint_url or region_name.")
    # A session of its own: boto3's common one is not safe between threads.
    client = boto3.session.Session().client("s3", config=Config(**PATIENCE), **options)
    return Boto3ArtifactStore(parts.netloc, client)


def _make_table(store: Store) -> None:
    try:
        with store.writing() as connection:
            _table().create(connection, checkfirst=True)
    except StudyError as error:
        # Another process makes it at this moment.
        if not any(sign in str(error) for sign in ("already exists", "duplicate", "Duplicate")):
            raise


@functools.cache
def _table() -> Any:
    import sqlalchemy

    return sqlalchemy.Table(
        "surrogate_pictures",
        sqlalchemy.MetaData(),
        sqlalchemy.Column("study", sqlalchemy.String(64), primary_key=True),
        sqlalchemy.Column("name", sqlalchemy.String(64), primary_key=True),
        sqlalchemy.Column("content", sqlalchemy.LargeBinary(COLUMN), nullable=False),
    )
