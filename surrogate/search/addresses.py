"""Where a study is kept, as people type it: a path, a database URL, or the name of a variable that has the URL."""

from __future__ import annotations

import importlib.util
import os
import re

from .values import StudyError

__all__ = ["hidden_password", "missing_driver", "password_remark", "typed_address", "variable_of", "with_driver"]

# Alone, not as a part: a workflow of a stranger could send part of a text to a server of the stranger's.
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
EXAMPLE = "one such as postgresql://user:password@host/name"
# Seconds after which a host that does not answer counts as away.
CONNECTING = "10"
# What to type where the driver is missing, by the first word of the URL.
INSTALL = {
    "postgresql": 'pip install "psycopg[binary]"',
    "mysql": "pip install mysqlclient",
    "mariadb": "pip install mysqlclient",
}


def variable_of(text: str, name: str, expected: str) -> str:
    """`text` without spaces around it, or if it is `${NAME}`, what the environment variable NAME has.

    Raises StudyError if there is no such variable: `name` is of the input, which would be one of the `expected`.
    """
    found = VARIABLE.fullmatch(text.strip())
    if found is None:
        return text.strip()
    value = os.environ.get(found[1], "").strip()
    if not value:
        raise StudyError(
            f"{name} is {text}, but the environment variable {found[1]} is not set: set it to {expected}, "
            "in the environment from which this program is started."
        )
    return value


def typed_address(storage):
    """`storage`, or if it is `${NAME}`, the database URL that the environment variable NAME has.

    Raises StudyError if there is no such variable, or it holds no URL; its value is in no message.
    """
    if not isinstance(storage, str) or VARIABLE.fullmatch(storage.strip()) is None:
        return storage
    url = variable_of(storage, "database", EXAMPLE)
    if "://" not in url:
        variable = storage.strip()[2:-1]
        raise StudyError(
            f"database is {storage}, but the environment variable {variable} does not hold a database URL: set it to "
            f"{EXAMPLE}, in the environment from which this program is started."
        )
    return url


def with_driver(url: str) -> str:
    """A PostgreSQL `url` with the driver that is installed, if it names none, and a limit to how long connecting takes.

    SQLAlchemy's own choice of a driver depends on its version. Any other URL as it is.
    """
    import sqlalchemy

    made = sqlalchemy.engine.make_url(url)
    if made.get_backend_name() != "postgresql":
        return url
    there = [name for name in ("psycopg", "psycopg2") if importlib.util.find_spec(name)]
    if made.drivername == "postgresql" and there:
        made = made.set(drivername=f"postgresql+{there[0]}")
    if "connect_timeout" not in made.query:
        made = made.update_query_dict({"connect_timeout": CONNECTING})
    return made.render_as_string(hide_password=False)


def missing_driver(url: str) -> str:
    """A sentence on how to install what talks to the database `url`."""
    install = INSTALL.get(re.split(r"[+:]", url)[0], "pip install and the package that SQLAlchemy names for it")
    return f"Type {install} in the environment of this Python, then start the program again."


def hidden_password(url: str) -> str:
    """`url` as it may be shown."""
    import sqlalchemy

    try:
        return sqlalchemy.engine.make_url(url).render_as_string(hide_password=True)
    except sqlalchemy.exc.ArgumentError:
        return url


def password_remark(database: str) -> str:
    """A warning if the URL `database` has a password in it; "" if not."""
    if "://" not in database or hidden_password(database) == database:
        return ""
    return (
        "The password of the database is in this workflow, so it is also in every picture that is saved from it. Put "
        "the whole URL into an environment variable, for example SURROGATE_DATABASE, and type ${SURROGATE_DATABASE} "
        "here; or leave the password out and use PGPASSWORD or a password file."
    )
