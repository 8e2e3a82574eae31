"""DATABASE_URL, in the forms that hosting services give it, → one form.

No message shows any of the URL but an option's name: all else may be a part of a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

from application.settings import Storage
from entrypoints.settings.database_hosts import is_port, read_hosts

_FORMS: Final = (
    "memory://, sqlite+aiosqlite:///path/to/file.db or postgresql://user:password@host/database"
)
_POSTGRESQL: Final = ("postgresql+asyncpg", "postgresql", "postgres")
_QUERY: Final = re.compile(r"\?(?P<name>[A-Za-z_]*)")


def parse_database_url(raw: str) -> tuple[Storage, str]:
    """Return the storage backend that ``raw`` chooses and its URL as the adapter reads it.

    Raises :class:`ValueError` with the end of a sentence.
    """
    scheme, separator, rest = raw.partition("://")
    scheme = scheme.lower()
    if "\0" in unquote(rest) or not raw.isprintable():
        raise ValueError("must be without control and invisible characters.")
    if separator and scheme == "memory":
        return Storage.MEMORY, "memory://"
    if separator and scheme == "sqlite+aiosqlite":
        return Storage.SQLITE, _sqlite(rest)
    if separator and scheme in _POSTGRESQL:
        return Storage.POSTGRESQL, _postgresql(rest)
    if scheme == "sqlite" or scheme.startswith(("sqlite+", "sqlite:")):
        raise ValueError("must begin with sqlite+aiosqlite:///, followed by the file's path.")
    if scheme.startswith(("postgres+", "postgresql+")):
        raise ValueError("must begin with postgresql://; the service's driver is asyncpg.")
    raise ValueError(f"must be {_FORMS}.")


def _sqlite(rest: str) -> str:
    path, query, _ = rest.partition("?")
    name = unquote(path[1:])
    if not path.startswith("/"):
        raise ValueError(
            "must have three slashes before a relative path and four before an absolute one: "
            "sqlite+aiosqlite:///data/backend.db, sqlite+aiosqlite:////var/lib/backend.db."
        )
    if name == ":memory:":
        raise ValueError("must be memory:// for a ledger in memory.")
    if query:
        raise ValueError("must be without options; write %3F for a '?' in the file's path.")
    if name.startswith("file:"):
        raise ValueError("must be the file's path, sqlite+aiosqlite:///path/to/file.db: no file:.")
    if name.startswith("~"):
        raise ValueError("must have the whole path: '~' is not expanded.")
    try:
        is_folder = not name or name.endswith("/") or Path(name).is_dir()
    except OSError:  # a path that is too long, or a folder above it that may not be entered
        is_folder = False
    if is_folder:
        raise ValueError("must name a file, sqlite+aiosqlite:///path/to/file.db, not a folder.")
    return f"sqlite+aiosqlite://{path}"


def _postgresql(rest: str) -> str:
    """Escape what a password may hold unescaped, and write several hosts as options."""
    address, options = _split_query(rest)
    user, at, place = address.rpartition("@")
    name, colon, password = user.partition(":")
    hosts, _, database = place.partition("/")
    hosts, options = read_hosts(hosts, options)
    url = "postgresql+asyncpg://" + _escaped(name)
    url += f"{colon}{_escaped(password)}{at}{hosts}"
    url += f"/{_escaped(database)}" if database or options else ""
    return f"{url}?{urlencode(options, safe='/,:')}" if options else url


def _split_query(rest: str) -> tuple[str, dict[str, str]]:
    # A '?' before the last '@' is a part of the password, unless a known option follows it.
    for match in _QUERY.finditer(rest):
        after = rest[match.end() :]
        if "@" in after and match["name"] not in _OPTIONS:
            continue
        options: dict[str, str] = {}
        for option, value in parse_qsl(rest[match.start() + 1 :], keep_blank_values=True):
            several = option in ("host", "port") and option in options
            options[option] = f"{options[option]},{value}" if several else value
        for option, value in options.items():
            _check_option(option, value)
        return rest[: match.start()], options
    return rest, {}


def _escaped(part: str) -> str:
    # A '%' that begins no escape stands for itself.
    return quote(unquote(part), safe="")


def _check_option(name: str, value: str) -> None:
    check = _OPTIONS.get(name)
    if check is None:
        known = ", ".join(sorted(_OPTIONS))
        # Without a value it may be what follows a '?' in a password.
        shown = f" '{name}'" if value and name.isidentifier() and len(name) < 40 else ""
        raise ValueError(f"must be without the unknown option{shown}; options are {known}.")
    expected = check(value)
    if expected:
        raise ValueError(f"must have {expected} as its option {name}.")


def _one_of(*values: str) -> Callable[[str], str]:
    return lambda value: "" if value in values else f"one of {', '.join(values)}"


def _anything(value: str) -> str:
    return "" if value else "a value"


def _seconds(value: str) -> str:
    right = value.isascii() and value.isdigit() and 0 < len(value) < 5
    return "" if right else "a whole number of seconds from 0 to 9999"


def _connections(value: str) -> str:
    right = value.isascii() and value.isdigit() and 0 < len(value) < 4 and int(value) > 1
    return "" if right else "a whole number from 2 to 999"


def _ports(value: str) -> str:
    return "" if all(map(is_port, value.split(","))) else "a number from 1 to 65535"


def _file(value: str) -> str:
    return "" if Path(value).is_file() else "the path of a file"


def _file_or_system(value: str) -> str:
    return "" if value == "system" or not _file(value) else "the path of a file, or system,"


_TLS: Final = _one_of("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_OPTIONS: Final[Mapping[str, Callable[[str], str]]] = {
    "application_name": _anything,
    "channel_binding": _one_of("disable", "prefer", "require"),
    "connect_timeout": _seconds,
    "connection_limit": _connections,
    "host": _anything,
    "options": _anything,
    "passfile": _file,
    "pgbouncer": _one_of("true", "false"),
    "port": _ports,
    "ssl": _TLS,
    "sslcert": _file,
    "sslkey": _file,
    "sslmode": _TLS,
    "sslrootcert": _file_or_system,
    "target_session_attrs": _one_of(
        "any", "primary", "standby", "read-write", "read-only", "prefer-standby"
    ),
}
"""What may follow the URL's question mark, named as libpq names it, and what its value must be.

``pgbouncer`` and ``connection_limit`` are Prisma's. The driver has no channel binding.
"""
