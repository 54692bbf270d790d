"""A PostgreSQL server for tests: made in a folder of its own, started and stopped, on loopback."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

PASSWORD, USER = "not-for-pictures", "postgres"
SPEED = ("fsync=off", "full_page_writes=off", "max_connections=40", "shared_buffers=32MB")
__all__ = ["PASSWORD", "Postgres", "lacking"]


def lacking() -> str:
    """Why no server can be started here; "" if one can."""
    if importlib.util.find_spec("psycopg") is None:
        return 'no driver of PostgreSQL: pip install "psycopg[binary]"'
    if _programs() is None:
        return "PostgreSQL is not installed: its programs initdb and postgres are neither on the PATH nor in /usr/lib"
    if os.name != "posix":
        return "PostgreSQL is started on POSIX systems only"
    return "" if os.getuid() or _has_user() else "PostgreSQL refuses to run as root, and there is no user postgres"


class Postgres:
    """A running server. Its user has a password: `url` has it, `public_url` has not. End it by `close`.

    It listens on loopback, and on `address` if one of this computer is given, to all who know the password.
    """

    def __init__(self, address: str = ""):
        self.addresses = ",".join(filter(None, ("127.0.0.1", address)))
        self.folder = Path(tempfile.mkdtemp(prefix="surrogate-postgres-"))
        self.data, programs = self.folder / "data", _programs()
        assert programs is not None, lacking()
        self.programs = programs
        self.as_user: dict = {} if os.getuid() else {"user": USER, "group": USER, "extra_groups": []}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.public_url = f"postgresql://tester@127.0.0.1:{self.port}/postgres"
        self.url = self.public_url.replace("tester@", f"tester:{PASSWORD}@")
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if self.as_user:
            for path in (self.folder, password):
                shutil.chown(path, USER, USER)
        self._call(
            "initdb", "-D", self.data, "-U", "tester", "-A", "scram-sha-256", f"--pwfile={password}", "-N", "-E", "UTF8"
        )
        if address:
            with open(self.data / "pg_hba.conf", "a", encoding="utf-8") as rules:
                rules.write("host all all all scram-sha-256\n")
        self.start()

    def close(self) -> None:
        """Stopped, and its folder gone."""
        self.stop()
        shutil.rmtree(self.folder)

    def start(self) -> None:
        """Until it answers."""
        options = [
            f"-c{option}" for option in (*SPEED, f"listen_addresses={self.addresses}", "unix_socket_directories=")
        ]
        options.append(f"-p{self.port}")
        self._call("pg_ctl", "-D", self.data, "-l", self.data / "log", "-w", "-o", " ".join(options), "start")

    def stop(self, how: str = "immediate") -> None:
        """As a crash, or "fast": connections are cut off in either case."""
        self._call("pg_ctl", "-D", self.data, "-m", how, "-w", "stop")

    def database(self) -> str:
        """The URL of a new empty database."""
        import psycopg

        name = f"t{secrets.token_hex(6)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url.replace("/postgres", f"/{name}")

    def _call(self, program: str, *arguments) -> None:
        # Into a file: a server that inherits a pipe would keep it open.
        with open(self.folder / "said", "w+", encoding="utf-8") as said:
            done = subprocess.run(
                [self.programs / program, *arguments],
                **self.as_user,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                cwd="/",
                timeout=120,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
            said.seek(0)
            assert not done.returncode, f"{program}: {said.read()}"


def _programs() -> Path | None:
    """The folder of the server's programs."""
    found = shutil.which("initdb")
    folders = (
        [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    )
    return next((folder for folder in folders if (folder / "postgres").exists() and (folder / "initdb").exists()), None)


def _has_user() -> bool:
    import pwd

    return any(entry.pw_name == USER for entry in pwd.getpwall())
